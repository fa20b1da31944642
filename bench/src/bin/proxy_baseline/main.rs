//! The hand-written proxy: the epoll loop a C programmer would write, to measure others against.
//!
//! `proxy_baseline --listen tcp:127.0.0.1:0 --connect tcp:127.0.0.1:4000` prints `listening on ADDR`
//! and carries bytes, and the end of each direction, until SIGINT or SIGTERM. One thread,
//! edge-triggered; through one 64 KiB buffer, or with `--method splice` through one pipe, which all
//! flows share while nothing is left in it.

mod args;
mod direction;
mod server;

use std::io;
use std::process::ExitCode;

use args::{Args, Method};
use direction::{Buffer, Pipes};
use edgewake_bench::announce;
use edgewake_bench::os::{pipe, process, signals, socket};
use edgewake_bench::target::Target;

fn main() -> ExitCode {
    match args::parse().map_err(io::Error::other).and_then(|args| run(&args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("proxy_baseline: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> io::Result<()> {
    process::raise_fd_limit()?;
    pipe::ignore_broken_pipes()?;
    // Before the address is told: who knows it may send a signal.
    let stop = signals::termination()?;
    let (listener, target) = socket::listen_at(&args.listen)?;
    announce::listening_on(&target)?;
    let outcome = match args.method {
        Method::Buffer => server::run(args, &listener, &stop, Buffer::new(args.size)),
        Method::Splice => server::run(args, &listener, &stop, Pipes::new(args.size)?),
    };
    if let Target::Unix(path) = &target {
        std::fs::remove_file(path)?;
    }
    outcome
}
