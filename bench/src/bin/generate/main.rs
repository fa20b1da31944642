//! The load generator: neutral, one thread, on epoll or on blocking sockets; verifies each echo.
//!
//! `generate tcp 127.0.0.1:4000 --connections 32 --messages 100000 --size 64` keeps one message
//! in flight on each connection, or with `--depth 16` sixteen, and prints one line of `key=value`
//! results; `udp ADDR` and `unix PATH` do the same over datagrams and Unix streams. With `--rounds`
//! it works in lock step instead (see `rounds`), which is what counting needs. It is written like the
//! baseline, straight on system calls, so that it is never what limits a server on a second core.

mod args;
mod connect;
mod free;
mod idle;
mod report;
mod rounds;
mod window;

use std::io;
use std::process::ExitCode;

use args::{Args, Mode};
use edgewake_bench::os::process;

fn main() -> ExitCode {
    match args::parse().map_err(io::Error::other).and_then(|args| run(&args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("generate: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> io::Result<()> {
    if let Some(core) = args.core {
        process::pin_to(core)?;
    }
    process::raise_fd_limit()?;
    let report = match (args.mode, args.rounds) {
        (Mode::Idle, _) => return idle::hold(args),
        (Mode::Echo, true) => rounds::echo(args)?,
        (Mode::Churn, true) => rounds::churn(args)?,
        (mode, false) => free::run(args, mode)?,
    };
    println!("{report}");
    Ok(())
}
