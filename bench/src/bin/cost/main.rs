//! The cost counter: what one operation costs a server, beside the hand-written baseline.
//!
//! `cost --server 'CMD WITH {listen}' --scenario echo32` runs the baseline and then CMD, each under
//! callgrind (user instructions) and under strace (system calls), with run lengths of N and of 2N
//! operations; the difference, divided by N, holds no start-up, no accepts and no end. `idle`
//! gives resident bytes per idle connection, `paired` the ratio of request rates.
//! `cost budget` counts what `budget.toml` lists and fails where it is more than that file allows.
//!
//! It starts and ends the servers and the generator, and measures nothing itself.

mod args;
mod budget;
mod counters;
mod counting;
mod idle;
mod names;
mod paired;
mod profile;
mod scenario;
mod scratch;
mod still;
mod table;
mod written;

use std::io;
use std::process::ExitCode;

use args::Args;
use edgewake_bench::os::process;
use edgewake_bench::server::ServerCommand;
use scenario::Scenario;

fn main() -> ExitCode {
    let budget = std::env::args_os().nth(1).is_some_and(|word| word == "budget");
    let outcome = if budget {
        budget::run()
    } else {
        args::parse().map_err(io::Error::other).and_then(|args| run(&args))
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cost: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> io::Result<()> {
    process::raise_fd_limit()?;
    let baseline = ServerCommand::sibling("baseline", &["{listen}"])?;
    println!("{:<14} {baseline}", baseline.label());
    for server in &args.servers {
        println!("{:<14} {server}", server.label());
    }
    for scenario in &args.scenarios {
        match *scenario {
            Scenario::Count(load) => counting::run(args, &baseline, &load)?,
            Scenario::Idle => idle::run(args, &baseline)?,
            Scenario::Paired { transport, connections } => {
                paired::run(args, &baseline, transport, connections)?;
            }
        }
    }
    Ok(())
}
