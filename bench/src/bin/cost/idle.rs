//! Resident bytes per idle connection.
//!
//! One server holds C connections and then 2C; the growth of its resident set, divided by C, has
//! neither the program nor its first allocations in it. The kernel's own memory for a socket (some
//! two kilobytes) is the same for every server and not in it either.

use std::io;

use edgewake_bench::generator::Holder;
use edgewake_bench::os::process::{self, Placement};
use edgewake_bench::server::ServerCommand;
use edgewake_bench::target::Transport;

use crate::args::Args;
use crate::table;

pub(crate) fn run(args: &Args, baseline: &ServerCommand) -> io::Result<()> {
    let connections = possible(args.idle)?;
    table::idle_header(connections);
    let reference = measure(args, baseline, connections)?;
    table::idle_row(baseline.label(), reference, None);
    for server in &args.servers {
        table::idle_row(server.label(), measure(args, server, connections)?, Some(reference));
    }
    Ok(())
}

/// As many of `connections` as can be doubled: the server needs a descriptor for each, and some of
/// its own.
pub(crate) fn possible(connections: usize) -> io::Result<usize> {
    let limit = usize::try_from(process::raise_fd_limit()?).unwrap_or(usize::MAX);
    Ok(connections.min(limit.saturating_sub(200) / 2))
}

pub(crate) fn measure(args: &Args, command: &ServerCommand, connections: usize) -> io::Result<f64> {
    let server = command.start(Transport::Tcp, &[], Placement::default())?;
    let first = Holder::start(server.target(), connections)?;
    let with_one = process::resident_bytes(server.pid())?;
    let second = Holder::start(server.target(), connections)?;
    let with_two = process::resident_bytes(server.pid())?;
    drop((first, second));
    server.stop(args.signal)?;
    Ok((with_two as f64 - with_one as f64) / connections as f64)
}
