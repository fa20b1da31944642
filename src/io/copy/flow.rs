//! One direction of a copy: reads, writes what was read, and carries the end over.
//!
//! A flow is moving, then ending, then over. It is polled by the futures, with the two ends as
//! objects; whichever of them it last got `Pending` from is what it waits for.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
    task::{Context, Poll, ready},
};

use super::{
    buffers::Buffer,
    options::CopyOptions,
    port::{Sink, Source},
};
use crate::driver::budget;

/// What is to be done about the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The writer is flushed and stays open.
    Flush,
    /// It is closed.
    Close,
}

/// What a flow waits for once it has returned `Pending`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    Reader,
    Writer,
    /// Nothing: it is over.
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Moving,
    Flushing,
    Closing,
    Over,
}

/// Bytes that were read and are not written yet.
#[derive(Debug)]
struct Bytes {
    buffer: Buffer,
    start: usize,
    end: usize,
}

#[derive(Debug)]
pub(super) struct Flow {
    phase: Phase,
    end: End,
    /// The writer has not been flushed since it was written to.
    unflushed: bool,
    hand: Option<Bytes>,
    count: u64,
}

/// What a flow needs to know for a poll.
pub(super) struct Plan<'p> {
    buffer_size: usize,
    counter: Option<&'p AtomicU64>,
}

impl<'p> Plan<'p> {
    /// That of one direction, 0 or 1.
    pub(super) fn new(options: &CopyOptions<'p>, direction: usize) -> Plan<'p> {
        Plan { buffer_size: options.buffer_size, counter: options.counters[direction] }
    }
}

impl Flow {
    pub(super) fn new(end: End) -> Flow {
        Flow { phase: Phase::Moving, end, unflushed: false, hand: None, count: 0 }
    }

    /// How many bytes were written.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// What the last poll, which returned `Pending`, waits for.
    pub(super) fn waits(&self) -> Waits {
        match (self.phase, &self.hand) {
            (Phase::Moving, None) => Waits::Reader,
            (Phase::Over, _) => Waits::Nothing,
            _ => Waits::Writer,
        }
    }

    /// Goes on until something has to be waited for, or until the end is carried over.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut dyn Source,
        to: &mut dyn Sink,
        plan: &Plan<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            match self.phase {
                Phase::Moving => {
                    ready!(self.poll_write_out(cx, to, plan))?;
                    ready!(budget::poll_spend(cx));
                    ready!(self.poll_read_in(cx, from, to, plan))?;
                }
                Phase::Flushing => {
                    ready!(to.poll_flush(cx))?;
                    self.phase = if self.end == End::Close { Phase::Closing } else { Phase::Over };
                }
                Phase::Closing => {
                    ready!(to.poll_close(cx))?;
                    self.phase = Phase::Over;
                }
                Phase::Over => return Poll::Ready(Ok(())),
            }
        }
    }

    /// Takes into an empty hand what can be read; nothing is the end.
    fn poll_read_in(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut dyn Source,
        to: &mut dyn Sink,
        plan: &Plan<'_>,
    ) -> Poll<io::Result<()>> {
        let mut buffer = Buffer::take(plan.buffer_size);
        match from.poll_read(cx, &mut buffer) {
            Poll::Ready(Ok(0)) => self.phase = Phase::Flushing,
            Poll::Ready(Ok(end)) => {
                assert!(end <= buffer.len(), "the reader counts more than there was room for");
                self.hand = Some(Bytes { buffer, start: 0, end });
            }
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => {
                drop(buffer);
                self.flush_meanwhile(cx, to)?;
                return Poll::Pending;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// What a writer keeps back would otherwise stay there for as long as the reader is silent.
    /// Its `Pending` is not waited for: the writer wakes this task too.
    fn flush_meanwhile(&mut self, cx: &mut Context<'_>, to: &mut dyn Sink) -> io::Result<()> {
        if self.unflushed {
            if let Poll::Ready(outcome) = to.poll_flush(cx) {
                outcome?;
                self.unflushed = false;
            }
        }
        Ok(())
    }

    /// Writes until nothing is in hand.
    fn poll_write_out(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut dyn Sink,
        plan: &Plan<'_>,
    ) -> Poll<io::Result<()>> {
        while let Some(bytes) = &mut self.hand {
            let left = &bytes.buffer[bytes.start..bytes.end];
            let count = ready!(to.poll_write(cx, left))?;
            if count == 0 {
                let sentence = "the writer takes nothing more";
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::WriteZero, sentence)));
            }
            assert!(count <= left.len(), "the writer counts more than it was given");
            bytes.start += count;
            if bytes.start == bytes.end {
                self.hand = None;
            }
            self.wrote(count, plan);
        }
        Poll::Ready(Ok(()))
    }

    fn wrote(&mut self, count: usize, plan: &Plan<'_>) {
        budget::charge(count);
        self.unflushed = true;
        self.count += count as u64;
        if let Some(counter) = plan.counter {
            // Relaxed: a figure to look at, which orders nothing else.
            counter.fetch_add(count as u64, Ordering::Relaxed);
        }
    }
}
