//! One run: a proxy, flows through it, and what moving the bytes took.

use std::io;
use std::time::Instant;

use crate::args::Args;
use crate::contender::Contender;
use crate::load::{self, Backend, Pair, Shape};

/// What a run gave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    bytes: f64,
    seconds: f64,
    processor: f64,
}

impl Run {
    /// Bytes a second.
    pub(crate) fn rate(&self) -> f64 {
        self.bytes / self.seconds
    }

    /// The proxy's seconds on a processor for a gigabyte.
    pub(crate) fn cost(&self) -> f64 {
        self.processor / (self.bytes / 1e9)
    }
}

pub(crate) fn run(args: &Args, contender: &Contender, message: usize) -> io::Result<Run> {
    let backend = Backend::bind(args.connect)?;
    let proxy = contender.start(args.listen, &backend.place, args.core)?;
    let pairs: Vec<Pair> = (0..args.connections)
        .map(|_| Pair::open(&proxy.place, &backend))
        .collect::<io::Result<_>>()?;
    let each = args.bytes.div_ceil(args.connections as u64);
    let (start, before) = (Instant::now(), proxy.processor_time()?);
    load::run(&pairs, args.shape, each, message)?;
    let (seconds, after) = (start.elapsed().as_secs_f64(), proxy.processor_time()?);
    let ways = if args.shape == Shape::Echo { 2 } else { 1 };
    let bytes = (each * args.connections as u64 * ways) as f64;
    Ok(Run { bytes, seconds, processor: after - before })
}
