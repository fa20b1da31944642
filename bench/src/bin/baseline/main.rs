//! The hand-written echo server: the epoll loop a C programmer would write, and the measure of
//! every cost in this package.
//!
//! `baseline --tcp 127.0.0.1:0` prints `listening on ADDR` and echoes until SIGINT or SIGTERM;
//! `--udp ADDR` and `--unix PATH` do the same with datagrams and with Unix streams. One thread, one
//! shared buffer, the calls straight on the descriptor; no tasks, no timers, no wake-ups: what an
//! event loop adds to this is its price.

mod args;
mod conn;
mod datagrams;
mod server;
mod stream;
mod unregistered;

use std::io;
use std::path::Path;
use std::process::ExitCode;

use args::Args;
use edgewake_bench::announce;
use edgewake_bench::os::{datagram, process, signals, socket};
use edgewake_bench::target::Target;

fn main() -> ExitCode {
    match args::parse().map_err(io::Error::other).and_then(|args| run(&args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("baseline: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> io::Result<()> {
    process::raise_fd_limit()?;
    // Before the address is told: who knows it may send a signal.
    let stop = signals::termination()?;
    match &args.target {
        Target::Tcp(addr) => {
            let listener = socket::listen(*addr)?;
            announce::listening_on(listener.local_addr()?)?;
            server::run::<stream::Tcp>(args, listener.into(), &stop)
        }
        Target::Udp(addr) => {
            let socket = datagram::bind(*addr)?;
            announce::listening_on(socket.local_addr()?)?;
            datagrams::run(args, &socket, &stop)
        }
        Target::Unix(path) => {
            let listener = socket::listen_unix(path)?;
            let _name = Name(path);
            announce::listening_on(path.display())?;
            server::run::<stream::Unix>(args, listener.into(), &stop)
        }
    }
}

/// The name of a Unix socket in the file system, which outlives the socket.
struct Name<'a>(&'a Path);

impl Drop for Name<'_> {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(self.0) {
            eprintln!("baseline: {} stays: {error}", self.0.display());
        }
    }
}
