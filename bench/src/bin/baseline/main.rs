//! The hand-written echo server: the epoll loop a C programmer would write, and the measure of
//! every cost in this package.
//!
//! `baseline --tcp 127.0.0.1:0` prints `listening on ADDR` and echoes until SIGINT or SIGTERM.
//! One thread, one shared buffer, `recv` and `send` straight on the descriptor; no tasks, no
//! timers, no wake-ups: what an event loop adds to this is its price.

mod args;
mod conn;
mod server;
mod unregistered;

use std::process::ExitCode;

fn main() -> ExitCode {
    match args::parse().map_err(std::io::Error::other).and_then(server::run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("baseline: {error}");
            ExitCode::FAILURE
        }
    }
}
