//! One run: a proxy, flows through it, and what moving the bytes took.

use std::io;
use std::time::Instant;

use super::contender::Contender;
use super::load::{self, Backend, Pair, Shape};
use crate::target::Transport;

/// What goes through the proxy, and where it runs.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Transport of the clients.
    pub listen: Transport,
    /// Transport of the server.
    pub connect: Transport,
    /// What the server does.
    pub shape: Shape,
    /// Flows at the same time.
    pub connections: usize,
    /// Bytes in all, each way.
    pub bytes: u64,
    /// Bytes of a write.
    pub message: usize,
    /// The proxy's core.
    pub core: usize,
}

/// What a run gave.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    bytes: f64,
    seconds: f64,
    processor: f64,
}

impl Run {
    /// Bytes a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.bytes / self.seconds
    }

    /// The proxy's seconds on a processor for a gigabyte.
    #[must_use]
    pub fn cost(&self) -> f64 {
        self.processor / (self.bytes / 1e9)
    }
}

/// Starts the proxy anew and has the bytes go through it.
///
/// # Errors
///
/// Returns what the proxy, the sockets or `/proc` return, and an error if a byte is missing.
pub fn run(args: &Setting, contender: &Contender) -> io::Result<Run> {
    let backend = Backend::bind(args.connect)?;
    let proxy = contender.start(args.listen, &backend.place, args.core)?;
    let pairs: Vec<Pair> = (0..args.connections)
        .map(|_| Pair::open(&proxy.place, &backend))
        .collect::<io::Result<_>>()?;
    let each = args.bytes.div_ceil(args.connections as u64);
    let (start, before) = (Instant::now(), proxy.processor_time()?);
    load::run(&pairs, args.shape, each, args.message)?;
    let (seconds, after) = (start.elapsed().as_secs_f64(), proxy.processor_time()?);
    let ways = if args.shape == Shape::Echo { 2 } else { 1 };
    let bytes = (each * args.connections as u64 * ways) as f64;
    Ok(Run { bytes, seconds, processor: after - before })
}
