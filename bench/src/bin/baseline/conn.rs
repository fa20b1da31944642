//! One connection: receive, send back, and what to do when the peer does not take it.
//!
//! A connection is either *reading* (registered for input) or *blocked* (registered for output
//! too, holding the bytes the peer did not take). While blocked nothing is received, so that a
//! peer that never reads costs one buffer and no more.

use std::io::{self, ErrorKind};
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use edgewake_bench::os::{epoll, socket};

use crate::stream::Stream;

/// What a connection needs next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing: all that was there has been echoed.
    Wait,
    /// As `Wait`, and the kernel had nothing at all: the first call said `WouldBlock`.
    Empty,
    /// The send buffer is full; bytes are held until the socket is writable.
    Blocked,
    /// The held bytes are out; input matters again.
    Unblocked,
    /// End of file or an error: close it.
    Close,
}

/// A connection. 16 bytes, so that the table of them is what an idle one costs.
#[derive(Debug)]
pub(crate) struct Conn<S> {
    fd: OwnedFd,
    held: Option<Box<Held>>,
    stream: PhantomData<S>,
}

/// Bytes received and not yet sent.
#[derive(Debug)]
struct Held {
    bytes: Vec<u8>,
    sent: usize,
}

impl<S: Stream> Conn<S> {
    pub(crate) fn new(fd: OwnedFd) -> Self {
        Self { fd, held: None, stream: PhantomData }
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Acts on an event. `IN` alone, by far the most frequent, takes the short way.
    #[inline(always)]
    pub(crate) fn on_event(&mut self, events: u32, buffer: &mut [u8]) -> Next {
        if self.held.is_some() {
            return self.flush(buffer);
        }
        // With IN alone a short count proves that the socket is drained, and the edge can be
        // trusted: later data is a new one. After RDHUP the end of file is still to be read and
        // makes no edge of its own; at an urgent mark (PRI) recv(2) stops short of the end.
        self.echo(buffer, events == epoll::IN)
    }

    /// Receives and sends back until the socket is drained; a short count tells if `short_drains`.
    #[inline(always)]
    pub(crate) fn echo(&mut self, buffer: &mut [u8], short_drains: bool) -> Next {
        let mut drained = Next::Empty;
        loop {
            let (received, stopped) = match S::recv(self.fd.as_fd(), buffer) {
                Ok((0, _)) => return Next::Close,
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return drained,
                Err(_) => return Next::Close,
            };
            match socket::send(self.fd.as_fd(), &buffer[..received]) {
                Ok(sent) if sent == received => {}
                outcome => return self.hold(outcome, &buffer[..received]),
            }
            if short_drains && received < buffer.len() && !stopped {
                return Next::Wait;
            }
            drained = Next::Wait;
        }
    }

    /// Keeps what a short or refused send has left.
    #[cold]
    fn hold(&mut self, outcome: io::Result<usize>, bytes: &[u8]) -> Next {
        let sent = match outcome {
            Ok(sent) => sent,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(_) => return Next::Close,
        };
        self.held = Some(Box::new(Held { bytes: bytes[sent..].to_vec(), sent: 0 }));
        Next::Blocked
    }

    /// Sends what is held; once it is out, receives again.
    #[cold]
    fn flush(&mut self, buffer: &mut [u8]) -> Next {
        while let Some(held) = &mut self.held {
            match socket::send(self.fd.as_fd(), &held.bytes[held.sent..]) {
                Ok(sent) => held.sent += sent,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Next::Blocked,
                Err(_) => return Next::Close,
            }
            if held.sent == held.bytes.len() {
                self.held = None;
            }
        }
        // Input may have arrived, and made its edge, while nobody read.
        match self.echo(buffer, false) {
            Next::Wait | Next::Empty => Next::Unblocked,
            other => other,
        }
    }
}
