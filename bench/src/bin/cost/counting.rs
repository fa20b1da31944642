//! Instructions and system calls of one operation: the difference of two run lengths.

use std::io;

use edgewake_bench::generator;
use edgewake_bench::os::process::{Placement, Standing};
use edgewake_bench::server::ServerCommand;

use crate::args::Args;
use crate::counters::{self, Calls};
use crate::profile::Profile;
use crate::scenario::{Load, Order};
use crate::scratch::Scratch;
use crate::table;

/// What one operation costs.
#[derive(Debug)]
pub(crate) struct Cost {
    pub(crate) instructions: f64,
    pub(crate) calls: Vec<(String, f64)>,
}

impl Cost {
    pub(crate) fn total_calls(&self) -> f64 {
        self.calls.iter().map(|(_, count)| count).sum()
    }
}

/// Measures the baseline, its variant where one makes sense, and every server; prints each row as
/// soon as it is known.
pub(crate) fn run(args: &Args, baseline: &ServerCommand, load: &Load) -> io::Result<()> {
    table::counting_header(load, args.size);
    let reference = measure(args, baseline, load)?;
    table::counting_row(baseline.label(), &reference, None);
    if load.churn {
        let variant = baseline.variant("second-block", &["--register", "second-block"]);
        table::counting_row(variant.label(), &measure(args, &variant, load)?, Some(&reference));
    }
    for server in &args.servers {
        table::counting_row(server.label(), &measure(args, server, load)?, Some(&reference));
    }
    Ok(())
}

fn measure(args: &Args, server: &ServerCommand, load: &Load) -> io::Result<Cost> {
    let instructions = instructions(args, server, load)?.total;
    Ok(Cost { instructions, calls: calls(args, server, load)? })
}

/// User instructions of one operation, and where they went.
pub(crate) fn instructions(
    args: &Args,
    server: &ServerCommand,
    load: &Load,
) -> io::Result<Profile> {
    let scratch = Scratch::new()?;
    let ops = whole_rounds(args.messages.unwrap_or(load.instruction_ops), load);
    let mut profiles = Vec::with_capacity(2);
    for length in [ops, 2 * ops] {
        // A file of its own for each run: a run that writes none must not find another's.
        let out = scratch.path().join(format!("callgrind-{length}"));
        drive(args, server, load, &counters::callgrind(&out), length)?;
        profiles.push(counters::read_callgrind(&out)?);
    }
    Ok(Profile::per_op(&profiles[0], &profiles[1], ops))
}

/// System calls of one operation, by name.
pub(crate) fn calls(
    args: &Args,
    server: &ServerCommand,
    load: &Load,
) -> io::Result<Vec<(String, f64)>> {
    let scratch = Scratch::new()?;
    let ops = whole_rounds(args.messages.unwrap_or(load.syscall_ops), load);
    let mut calls = Vec::with_capacity(2);
    for length in [ops, 2 * ops] {
        let out = scratch.path().join(format!("strace-{length}"));
        drive(args, server, load, &counters::strace(&out), length)?;
        calls.push(counters::read_strace(&out)?);
    }
    Ok(per_op(&calls[0], &calls[1], ops))
}

/// One run of the server behind `tool`, with `ops` operations.
fn drive(
    args: &Args,
    server: &ServerCommand,
    load: &Load,
    tool: &[String],
    ops: u64,
) -> io::Result<()> {
    // Both on one core, so that one runs only while the other sleeps, and batches repeat.
    let core = Some(args.server_core);
    let (server_standing, generator_standing) = match load.order {
        Order::GeneratorFirst => (Standing::Patient, Standing::Normal),
        Order::ServerFirst => (Standing::Normal, Standing::Last),
    };
    let server =
        server.start(load.transport, tool, Placement { core, standing: server_standing })?;
    let mut arguments: Vec<String> = vec!["--rounds".into()];
    let mode = if load.churn { "churn" } else { "echo" };
    for (flag, value) in [
        ("--connections", load.connections.to_string()),
        ("--messages", ops.to_string()),
        ("--size", args.size.to_string()),
        ("--mode", mode.to_owned()),
        ("--pause", load.pause.to_string()),
        ("--patience", "120".to_owned()),
    ] {
        arguments.extend([flag.to_owned(), value]);
    }
    let placement = Placement { core, standing: generator_standing };
    let results = generator::run(server.target(), &arguments, placement)?;
    if results.messages != ops {
        return Err(io::Error::other(format!("{} of {ops} operations done", results.messages)));
    }
    server.stop(args.signal)
}

fn whole_rounds(ops: u64, load: &Load) -> u64 {
    ops.next_multiple_of(load.connections as u64)
}

/// Calls an operation, by name, most frequent first. A call that the longer run made less often
/// counts negative: it is noise, and its size shows how much there is.
fn per_op(short: &Calls, long: &Calls, ops: u64) -> Vec<(String, f64)> {
    let count = |calls: &Calls, name: &str| calls.get(name).copied().unwrap_or(0) as f64;
    let mut names: Vec<&String> = short.keys().chain(long.keys()).collect();
    names.sort();
    names.dedup();
    let mut calls: Vec<(String, f64)> = names
        .into_iter()
        .map(|name| (name.clone(), (count(long, name) - count(short, name)) / ops as f64))
        .filter(|(_, count)| *count != 0.0)
        .collect();
    calls.sort_by(|a, b| b.1.total_cmp(&a.1));
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_drops_what_both_runs_share() {
        let short = Calls::from([("recv".into(), 100), ("mmap".into(), 30), ("wait".into(), 10)]);
        let long = Calls::from([("recv".into(), 200), ("mmap".into(), 30), ("wait".into(), 15)]);
        let calls = per_op(&short, &long, 100);
        assert_eq!(calls, [("recv".to_owned(), 1.0), ("wait".to_owned(), 0.05)]);
    }
}
