//! One direction of a flow: receive, send on, and what to do when the other side does not take it.
//!
//! Bytes go through what all flows share, a buffer or a pipe. What a peer does not take stays with
//! its direction, which receives no more until that is out: the bytes in a block of their own, or
//! the pipe itself, and the others get a new one.

use std::io::{self, ErrorKind};
use std::os::fd::BorrowedFd;

use edgewake_bench::os::pipe::Pipe;
use edgewake_bench::os::socket;

/// A way to carry bytes, shared by all flows.
pub(crate) trait Carrier {
    /// What a direction keeps for a sink that is full.
    type Held;

    /// Receives and sends on. Returns how many bytes were received, and what was not taken.
    fn carry(
        &mut self,
        source: BorrowedFd<'_>,
        sink: BorrowedFd<'_>,
    ) -> io::Result<(usize, Option<Self::Held>)>;

    /// Sends what is held; whether that was all.
    fn resume(&mut self, held: &mut Self::Held, sink: BorrowedFd<'_>) -> io::Result<bool>;

    /// Takes back what is held and empty.
    fn recycle(&mut self, held: Self::Held);

    /// Whether so many bytes received tell that there are no more.
    fn drains(&self, received: usize) -> bool;
}

/// One direction of a flow.
#[derive(Debug)]
pub(crate) struct Direction<H> {
    held: Option<Box<H>>,
    ended: bool,
}

impl<H> Direction<H> {
    pub(crate) fn new() -> Self {
        Self { held: None, ended: false }
    }

    /// Whether the end has been carried over.
    pub(crate) fn ended(&self) -> bool {
        self.ended
    }

    /// Whether it waits for its sink.
    pub(crate) fn blocked(&self) -> bool {
        self.held.is_some()
    }

    /// Goes on until the source is empty or the sink is full. A short count tells that the source
    /// is, if `short_drains`.
    pub(crate) fn pump(
        &mut self,
        carrier: &mut impl Carrier<Held = H>,
        source: BorrowedFd<'_>,
        sink: BorrowedFd<'_>,
        short_drains: bool,
    ) -> io::Result<()> {
        if self.ended {
            return Ok(());
        }
        if let Some(mut held) = self.held.take() {
            if !carrier.resume(&mut held, sink)? {
                self.held = Some(held);
                return Ok(());
            }
            carrier.recycle(*held);
        }
        loop {
            match carrier.carry(source, sink) {
                Ok((0, _)) => {
                    self.ended = true;
                    socket::shutdown_write(sink)?;
                    return Ok(());
                }
                Ok((_, Some(held))) => {
                    self.held = Some(Box::new(held));
                    return Ok(());
                }
                Ok((count, None)) if short_drains && carrier.drains(count) => {
                    return Ok(());
                }
                Ok((_, None)) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Bytes that were received and not sent.
#[derive(Debug)]
pub(crate) struct Rest {
    bytes: Vec<u8>,
    sent: usize,
}

/// Through memory.
#[derive(Debug)]
pub(crate) struct Buffer(Vec<u8>);

impl Buffer {
    pub(crate) fn new(size: usize) -> Self {
        Self(vec![0; size])
    }
}

impl Carrier for Buffer {
    type Held = Rest;

    #[inline(always)]
    fn carry(
        &mut self,
        source: BorrowedFd<'_>,
        sink: BorrowedFd<'_>,
    ) -> io::Result<(usize, Option<Rest>)> {
        let received = socket::recv(source, &mut self.0)?;
        if received == 0 {
            return Ok((0, None));
        }
        let sent = blocked_is_none(socket::send(sink, &self.0[..received]))?;
        let rest = &self.0[sent..received];
        let held = (!rest.is_empty()).then(|| Rest { bytes: rest.to_vec(), sent: 0 });
        Ok((received, held))
    }

    fn resume(&mut self, held: &mut Rest, sink: BorrowedFd<'_>) -> io::Result<bool> {
        held.sent += blocked_is_none(socket::send(sink, &held.bytes[held.sent..]))?;
        Ok(held.sent == held.bytes.len())
    }

    fn recycle(&mut self, _: Rest) {}

    fn drains(&self, received: usize) -> bool {
        received < self.0.len()
    }
}

/// A pipe with so many bytes in it.
#[derive(Debug)]
pub(crate) struct Filled {
    pipe: Pipe,
    count: usize,
}

/// Through a pipe.
#[derive(Debug)]
pub(crate) struct Pipes {
    empty: Vec<Pipe>,
    size: usize,
}

impl Pipes {
    pub(crate) fn new(size: usize) -> io::Result<Self> {
        Ok(Self { empty: vec![Pipe::new(size)?], size })
    }
}

impl Carrier for Pipes {
    type Held = Filled;

    #[inline(always)]
    fn carry(
        &mut self,
        source: BorrowedFd<'_>,
        sink: BorrowedFd<'_>,
    ) -> io::Result<(usize, Option<Filled>)> {
        if self.empty.is_empty() {
            self.empty.push(Pipe::new(self.size)?);
        }
        let pipe = &self.empty[self.empty.len() - 1];
        let received = pipe.fill(source, self.size)?;
        let mut left = received;
        while left > 0 {
            match blocked_is_none(pipe.drain(sink, left)) {
                Ok(0) => break,
                Ok(sent) => left -= sent,
                Err(error) => {
                    // With bytes in it, it is of no use to the others.
                    self.empty.pop();
                    return Err(error);
                }
            }
        }
        let held = match left {
            0 => None,
            count => self.empty.pop().map(|pipe| Filled { pipe, count }),
        };
        Ok((received, held))
    }

    fn resume(&mut self, held: &mut Filled, sink: BorrowedFd<'_>) -> io::Result<bool> {
        while held.count > 0 {
            match blocked_is_none(held.pipe.drain(sink, held.count))? {
                0 => break,
                sent => held.count -= sent,
            }
        }
        Ok(held.count == 0)
    }

    fn recycle(&mut self, held: Filled) {
        self.empty.push(held.pipe);
    }

    /// Never: a pipe is full when it has so many pieces in it, of whatever length.
    fn drains(&self, _: usize) -> bool {
        false
    }
}

/// Counts `WouldBlock` as nothing sent.
#[inline(always)]
fn blocked_is_none(outcome: io::Result<usize>) -> io::Result<usize> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        outcome => outcome,
    }
}
