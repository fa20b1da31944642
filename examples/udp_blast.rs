//! How many datagrams a second one socket can send to another: one at a time, in batches, and in
//! segments that the kernel cuts and joins (GSO and GRO, Linux).
//!
//! ```text
//! cargo run --release --example udp_blast
//! cargo run --release --example udp_blast -- --size 200 --seconds 5 --way batches --way segments
//! ```
//!
//! Sender and receiver are threads with a runtime each, over loopback. Nothing holds the sender
//! back, as nothing does on a network: what the receiver's buffer has no room for is lost. Every
//! datagram carries its number and is checked.
//!
//! - `ways`: the three ways to send and to receive: what this program is there to show.
//! - `blast`: one run, two threads; `arrivals`: the check of what comes, and the count.
//! - `report`: the table; `arguments`: the command line.

#![allow(clippy::print_stderr, reason = "a program that talks to people")]

#[path = "udp_blast/arguments.rs"]
mod arguments;
#[path = "udp_blast/arrivals.rs"]
mod arrivals;
#[path = "udp_blast/blast.rs"]
mod blast;
mod common;
#[path = "udp_blast/report.rs"]
mod report;
#[path = "udp_blast/ways.rs"]
mod ways;

use std::{io, process::ExitCode};

use common::command_line;

fn main() -> ExitCode {
    command_line::run("udp_blast", arguments::USAGE, arguments::parse(), |arguments| {
        command_line::print(report::Header(arguments))?;
        let mut first = None;
        for way in &arguments.ways {
            let outcome = match blast::run(*way, arguments) {
                Ok(outcome) => outcome,
                Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                    command_line::print(format_args!("  {way:<14}{error}\n"))?;
                    continue;
                }
                Err(error) => return Err(format!("{way}: {error}")),
            };
            let reference = *first.get_or_insert(outcome.rate());
            command_line::print(report::Row { way: *way, outcome: &outcome, reference })?;
        }
        Ok(())
    })
}
