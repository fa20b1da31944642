//! A load generator for echo servers: sends, checks every byte that comes back, and says how long
//! that took.
//!
//! ```text
//! cargo run --release --example load -- tcp 127.0.0.1:8000 --connections 100 --size 64 --seconds 5
//! ```
//!
//! It wants an echo server on the other side:
//!
//! ```text
//! cargo run --release --example echo -- --tcp 127.0.0.1:8000
//! ```
//!
//! Without `--rate` the loop is closed: each connection sends its next message once it has the
//! answer to the last one (or to the one `--depth` messages ago), so a slow server is asked less.
//! With `--rate N` it is open: N messages a second are due, come what may, and the latency of each
//! counts from the moment it was due, not from when it could at last be sent. Everything happens
//! on one thread, on edgewake's own sockets and timers.
//!
//! `load udp 127.0.0.1:8000` and `load unix /tmp/echo.socket` do the same with datagrams, from a
//! socket for each client, and with Unix streams (`@NAME`: a name without a file).
//!
//! - `connection`: one stream's messages and the checks on them; `datagrams`: the same for one
//!   client of UDP; `pace`: when they are due; `pattern`: what they say; `shared`: for all of them.
//! - `run`: all connections together, from the first connect to the last answer.
//! - `tally`: what is counted; `report`: the table; `progress`: the line while it runs.
//! - `arguments`: the command line.

#![allow(clippy::print_stderr, reason = "a program that talks to people")]

#[path = "load/arguments.rs"]
mod arguments;
mod common;
#[path = "load/connection.rs"]
mod connection;
#[path = "load/datagrams.rs"]
mod datagrams;
#[path = "load/pace.rs"]
mod pace;
#[path = "load/pattern.rs"]
mod pattern;
#[path = "load/progress.rs"]
mod progress;
#[path = "load/report.rs"]
mod report;
#[path = "load/run.rs"]
mod run;
#[path = "load/shared.rs"]
mod shared;
#[path = "load/tally.rs"]
mod tally;

use std::{io, process::ExitCode, time::Duration};

use arguments::Arguments;
use common::{command_line, descriptors, numbers::Grouped};
use edgewake::{Builder, Runtime};
use report::Report;

/// Descriptors beside the connections': the standard ones, the runtime's, the signals'.
const DESCRIPTORS_BESIDE: u64 = 16;

fn main() -> ExitCode {
    command_line::run("load", arguments::USAGE, arguments::parse(), |arguments| {
        check_descriptors(arguments.connections)?;
        let runtime =
            make_runtime(arguments).map_err(|error| format!("cannot make a runtime: {error}"))?;
        let outcome = runtime.block_on(run::run(arguments))?;
        command_line::print(Report { arguments, outcome: &outcome })?;
        outcome.verdict()
    })
}

fn check_descriptors(connections: u32) -> Result<(), String> {
    let limit = descriptors::raise_limit()
        .map_err(|error| format!("cannot raise the limit of descriptors: {error}"))?;
    let needed = u64::from(connections) + DESCRIPTORS_BESIDE;
    if needed > limit {
        return Err(format!(
            "{} connections need {} descriptors, and this process may have {}: ask for fewer, or \
             raise the hard limit (`ulimit -Hn`)",
            Grouped(connections.into()),
            Grouped(needed),
            Grouped(limit),
        ));
    }
    Ok(())
}

fn make_runtime(arguments: &Arguments) -> io::Result<Runtime> {
    let builder = Builder::new();
    // An open loop sends on timers, and Linux may delay those by 50 us, which would be taken for
    // the server's latency.
    let builder =
        if arguments.rate.is_some() && cfg!(any(target_os = "linux", target_os = "android")) {
            builder.timer_slack(Duration::from_nanos(1))
        } else {
            builder
        };
    builder.build()
}
