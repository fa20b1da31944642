//! Load and abuse: edgewake servers under as many connections as their descriptor limit allows,
//! while signals interrupt every call and peers misbehave in each way that `abuse` knows.
//!
//! `soak --minutes 10 --servers 2` starts the servers and the processes with their clients, which
//! are this program as well (`serve`, `hold`), and fails where a byte is wrong, a state does not
//! come about, something is left over, or a server takes processor time without anything to do.

mod abuse;
mod args;
mod child;
mod hold;
mod pattern;
mod serve;
mod server;
mod site;
mod supervise;

use std::io;
use std::process::ExitCode;

use args::Role;

fn main() -> ExitCode {
    let outcome = args::parse().map_err(io::Error::other).and_then(|role| match role {
        Role::Supervise(plan) => supervise::run(&plan),
        Role::Serve { number, ports } => serve::run(number, ports),
        Role::Hold(targets) => hold::run(targets),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}
