//! One connection: receive, send back, and what to do when the peer does not take it.
//!
//! As in the baseline: while bytes are held that the peer did not take, nothing is received.

use std::io::{self, ErrorKind};

use crate::stream::Stream;

/// What a connection needs next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing: all that was there has been echoed.
    Wait,
    /// The send buffer is full; bytes are held until the socket is writable.
    Blocked,
    /// The held bytes are out; input matters again.
    Unblocked,
    /// End of file or an error: close it.
    Close,
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Conn<S> {
    pub(crate) stream: S,
    held: Option<Box<Held>>,
}

/// Bytes received and not yet sent.
#[derive(Debug)]
struct Held {
    bytes: Vec<u8>,
    sent: usize,
}

impl<S: Stream> Conn<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, held: None }
    }

    /// Acts on an event; a short count tells that the socket is drained if `short_drains`.
    #[inline(always)]
    pub(crate) fn on_event(&mut self, short_drains: bool, buffer: &mut [u8]) -> Next {
        if self.held.is_some() {
            return self.flush(buffer);
        }
        self.echo(buffer, short_drains)
    }

    /// Receives and sends back until the socket is drained.
    #[inline(always)]
    fn echo(&mut self, buffer: &mut [u8], short_drains: bool) -> Next {
        loop {
            let (received, stopped) = match self.stream.receive(buffer) {
                Ok((0, _)) => return Next::Close,
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Next::Wait,
                Err(_) => return Next::Close,
            };
            match self.stream.send(&buffer[..received]) {
                Ok(sent) if sent == received => {}
                outcome => return self.hold(outcome, &buffer[..received]),
            }
            if short_drains && received < buffer.len() && !stopped {
                return Next::Wait;
            }
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
            match self.stream.send(&held.bytes[held.sent..]) {
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
            Next::Wait => Next::Unblocked,
            other => other,
        }
    }
}
