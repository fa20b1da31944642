//! One direction of a copy: reads, writes what was read, and carries the end over.
//!
//! A flow is moving, then ending, then over. It is polled by the futures, with the two ends as
//! objects; whichever of them it last got `Pending` from is what it waits for. What it has in hand
//! is in a buffer or in a pipe; if in both, then what is in the buffer goes first, since that was
//! taken out of the pipe.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
    task::{Context, Poll, ready},
};

use edgewake_sys::{pipe as sys, sigpipe};

use super::{
    buffers::Buffer,
    course::Course,
    options::CopyOptions,
    pipes::Pipe,
    port::{Sink, Source},
    recognise::Link,
    splice::{self, Emptied, Filled},
};
use crate::{driver::budget, reactor::Direction};

/// How many bytes are spliced in a row before others get their turn. For so long the signal mask
/// stays changed (T86).
const ROW_MAX: u64 = 1024 * 1024;

/// How many times a pipe is filled in a row, where each time brings a few bytes only (T58).
const ROW_FILLS_MAX: u32 = 64;

/// What is taken out of a pipe at a time.
const TAKEN_MAX: usize = 64 * 1024;

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

/// Why a row of splices has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// The reader has nothing.
    Reader,
    /// The writer has no room.
    Writer,
    /// It was long enough.
    Enough,
    /// The next bytes have to go through a buffer.
    Buffer,
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
    /// With bytes in it.
    pipe: Option<Pipe>,
    course: Course,
    count: u64,
}

/// What a flow needs to know for a poll.
pub(super) struct Plan<'p> {
    buffer_size: usize,
    counter: Option<&'p AtomicU64>,
}

impl<'p> Plan<'p> {
    /// That of one direction, 0 or 1.
    #[inline]
    pub(super) fn new(options: &CopyOptions<'p>, direction: usize) -> Plan<'p> {
        Plan { buffer_size: options.buffer_size, counter: options.counters[direction] }
    }
}

impl Flow {
    #[inline]
    pub(super) fn new(end: End, options: &CopyOptions<'_>) -> Flow {
        Flow {
            phase: Phase::Moving,
            end,
            unflushed: false,
            hand: None,
            pipe: None,
            course: Course::new(options.method),
            count: 0,
        }
    }

    /// How many bytes were written.
    #[inline]
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// What the last poll, which returned `Pending`, waits for.
    #[inline]
    pub(super) fn waits(&self) -> Waits {
        match (self.phase, &self.hand, &self.pipe) {
            (Phase::Moving, None, None) => Waits::Reader,
            (Phase::Over, ..) => Waits::Nothing,
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
                    if self.pipe.is_some() && self.course.is_refused() {
                        self.take_out(plan)?;
                        continue;
                    }
                    let moved = match self.poll_splice(cx, from, to, plan) {
                        Poll::Ready(Ok(false)) => self.poll_read_in(cx, from, to, plan),
                        other => other.map_ok(drop),
                    };
                    if moved.is_pending() {
                        // The end gives back its own only: a task with many idle flows would use
                        // up its budget by waiting, and wake itself for ever.
                        budget::refund();
                    }
                    ready!(moved)?;
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
                self.course.note_read(end, buffer.len());
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

    /// Moves bytes by splice, if that is the way. False: the next ones have to be read.
    fn poll_splice(
        &mut self,
        cx: &mut Context<'_>,
        from: &dyn Source,
        to: &dyn Sink,
        plan: &Plan<'_>,
    ) -> Poll<io::Result<bool>> {
        if self.pipe.is_none() && !self.course.splices() {
            return Poll::Ready(Ok(false));
        }
        let (Some(from), Some(to)) = (from.link(), to.link()) else {
            self.course.refuse();
            return Poll::Ready(Ok(false));
        };
        if !self.course.fits(from.kind, to.kind) {
            self.course.refuse();
            return Poll::Ready(Ok(false));
        }
        // Who only waits need not change the signal mask for that.
        let stop = match self.pipe {
            None if !is_worth_trying(from, Direction::Read) => Stop::Reader,
            Some(_) if !is_worth_trying(to, Direction::Write) => Stop::Writer,
            _ => sigpipe::quietly(|| self.splice_in_a_row(from, to, plan))?,
        };
        match stop {
            Stop::Reader => ready!(from.io.poll_direction(Direction::Read, cx))?,
            Stop::Writer => ready!(to.io.poll_direction(Direction::Write, cx))?,
            Stop::Enough => {}
            Stop::Buffer => return Poll::Ready(Ok(false)),
        }
        Poll::Ready(Ok(true))
    }

    fn splice_in_a_row(
        &mut self,
        from: Link<'_>,
        to: Link<'_>,
        plan: &Plan<'_>,
    ) -> io::Result<Stop> {
        let start = self.count;
        for _ in 0..ROW_FILLS_MAX {
            while let Some(pipe) = &mut self.pipe {
                match splice::empty(pipe, to) {
                    Ok(Emptied::Bytes(count)) => {
                        self.pipe.take_if(|pipe| pipe.holds() == 0);
                        budget::charge_whole(count);
                        self.wrote(count, plan);
                    }
                    Ok(Emptied::Refused) => {
                        self.course.refuse();
                        return Ok(Stop::Enough);
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        return Ok(Stop::Writer);
                    }
                    Err(error) => return Err(error),
                }
            }
            if self.count - start >= ROW_MAX {
                return Ok(Stop::Enough);
            }
            if !self.course.splices() {
                return Ok(Stop::Buffer);
            }
            let Some(mut pipe) = Pipe::take() else {
                self.course.note_no_pipe();
                return Ok(Stop::Buffer);
            };
            match splice::fill(from, &mut pipe) {
                Ok(Filled::Bytes(count)) => {
                    self.course.note_splice(count);
                    self.pipe = Some(pipe);
                }
                Ok(Filled::Read) => return Ok(Stop::Buffer),
                Ok(Filled::Refused) => {
                    self.course.refuse();
                    return Ok(Stop::Buffer);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Stop::Reader),
                Err(error) => return Err(error),
            }
        }
        Ok(Stop::Enough)
    }

    /// Takes out of the pipe, into the hand, what the writer does not let be spliced.
    #[cold]
    fn take_out(&mut self, plan: &Plan<'_>) -> io::Result<()> {
        let Some(pipe) = &mut self.pipe else { return Ok(()) };
        // What was spliced in one piece goes on in few, also where the caller's buffer is small.
        let fits = pipe.holds() <= plan.buffer_size;
        let mut buffer =
            Buffer::take(if fits { plan.buffer_size } else { plan.buffer_size.max(TAKEN_MAX) });
        let end = match sys::read(pipe.read_end(), &mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            outcome => outcome?,
        };
        pipe.went(end);
        self.pipe.take_if(|pipe| pipe.holds() == 0);
        self.hand = Some(Bytes { buffer, start: 0, end });
        Ok(())
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
            budget::charge(count);
            self.wrote(count, plan);
        }
        Poll::Ready(Ok(()))
    }

    fn wrote(&mut self, count: usize, plan: &Plan<'_>) {
        self.unflushed = true;
        self.count += count as u64;
        if let Some(counter) = plan.counter {
            // Relaxed: a figure to look at, which orders nothing else.
            counter.fetch_add(count as u64, Ordering::Relaxed);
        }
    }
}

fn is_worth_trying(end: Link<'_>, direction: Direction) -> bool {
    end.io.registration().snapshot(direction).is_worth_trying()
}
