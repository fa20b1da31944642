//! The server's side of one connection: each request goes back as its answer, in order.
//!
//! All that a connection is lies in [`Connection`]: its socket, and the bytes that have come and
//! not been dealt with, or are to be sent and have not been. [`turn`](Connection::turn) waits for
//! readiness and for nothing else, and what it does then is done without another wait, so it can
//! be dropped at any time, and the connection can go on elsewhere: in another process, if need be.

use std::{
    io,
    io::ErrorKind::{InvalidData, UnexpectedEof, WouldBlock},
    os::fd::{AsFd, BorrowedFd},
};

use edgewake::{Interest, net::TcpStream};

use crate::{frame, state::State};

/// So much of answers may wait for the client to read before requests are left where they are.
const UNSENT_MAX: usize = 64 * 1024;

/// Read at once.
const PIECE: usize = 16 * 1024;

/// A connection and where it stands.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    pub(crate) state: State,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, state: State) -> Connection {
        Connection { stream, state }
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    /// Waits until something can be done, and does it. `false` once the connection has come to its
    /// end: the client has sent its last request, and has been sent the last answer.
    ///
    /// Nothing is lost if it is dropped.
    pub(crate) async fn turn(&mut self) -> io::Result<bool> {
        let reads = !self.state.ended && self.state.unsent.len() < UNSENT_MAX;
        let writes = !self.state.unsent.is_empty();
        let interest = match (reads, writes) {
            (true, true) => Interest::READABLE | Interest::WRITABLE,
            (true, false) => Interest::READABLE,
            (false, true) => Interest::WRITABLE,
            // What has come can be no request any more.
            (false, false) if self.state.unprocessed.is_empty() => return Ok(false),
            (false, false) => {
                return Err(io::Error::new(UnexpectedEof, "the client ended within a request"));
            }
        };
        self.stream.ready(interest).await?;
        if writes {
            self.send()?;
        }
        if reads {
            self.receive()?;
        }
        // Requests that were left lying while the client did not read, too.
        self.answer()?;
        Ok(true)
    }

    fn receive(&mut self) -> io::Result<()> {
        let mut piece = [0; PIECE];
        match self.stream.try_read(&mut piece) {
            Ok(0) => self.state.ended = true,
            Ok(count) => self.state.unprocessed.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Turns whole requests into answers, as long as there is room for those.
    fn answer(&mut self) -> io::Result<()> {
        let state = &mut self.state;
        let mut done = 0;
        while state.unsent.len() < UNSENT_MAX {
            let next = frame::first(&state.unprocessed[done..]);
            let next = next.map_err(|what| io::Error::new(InvalidData, what))?;
            let Some(request) = next else { break };
            if request.number != state.answered {
                let what = format!("request {} instead of {}", request.number, state.answered);
                return Err(io::Error::new(InvalidData, what));
            }
            state.answered += 1;
            state.unsent.extend_from_slice(request.whole);
            done += request.whole.len();
        }
        state.unprocessed.drain(..done);
        Ok(())
    }

    fn send(&mut self) -> io::Result<()> {
        match self.stream.try_write(&self.state.unsent) {
            Ok(count) => {
                self.state.unsent.drain(..count);
            }
            Err(error) if error.kind() == WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
