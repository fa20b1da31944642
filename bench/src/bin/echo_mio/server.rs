//! The loop: accept, dispatch, close. mio registers edge-triggered; a token is the descriptor.

use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, OwnedFd};

use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use crate::conn::{Conn, Next};
use crate::stream::{Listener, Stream};

/// Tokens no descriptor can have.
const LISTENER: Token = Token(usize::MAX);
const SIGNALS: Token = Token(usize::MAX - 1);

/// What a connection is registered for while it reads, and while it cannot write.
const READING: Interest = Interest::READABLE.add(Interest::PRIORITY);
const BLOCKED: Interest = READING.add(Interest::WRITABLE);

/// The server's state; `buffer` is shared by all connections.
struct Server<L: Listener> {
    poll: Poll,
    listener: L,
    conns: Vec<Option<Conn<L::Stream>>>,
    buffer: Vec<u8>,
    until_block: bool,
    stop: bool,
}

/// Serves what `listener` accepts until `stop` is readable.
pub(crate) fn run<L: Listener>(
    mut listener: L,
    buffer: Vec<u8>,
    until_block: bool,
    stop: &OwnedFd,
) -> io::Result<()> {
    let poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    poll.registry().register(&mut SourceFd(&stop.as_raw_fd()), SIGNALS, Interest::READABLE)?;
    let conns = Vec::new();
    let mut server = Server { poll, listener, conns, buffer, until_block, stop: false };
    let mut events = Events::with_capacity(1024);
    while !server.stop {
        match server.poll.poll(&mut events, None) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        for event in events.iter() {
            server.dispatch(event)?;
        }
    }
    Ok(())
}

impl<L: Listener> Server<L> {
    #[inline(always)]
    fn dispatch(&mut self, event: &Event) -> io::Result<()> {
        let Token(index) = event.token();
        let Some(Some(conn)) = self.conns.get_mut(index) else {
            return self.dispatch_special(event.token());
        };
        // The end of file is still to be read and makes no edge of its own; at an urgent mark
        // (priority) a read stops short of the end.
        let short_drains = !self.until_block && !event.is_read_closed() && !event.is_priority();
        match conn.on_event(short_drains, &mut self.buffer) {
            Next::Wait => Ok(()),
            next => self.after(index, next),
        }
    }

    #[cold]
    fn dispatch_special(&mut self, token: Token) -> io::Result<()> {
        match token {
            LISTENER => self.accept_all(),
            SIGNALS => {
                self.stop = true;
                Ok(())
            }
            Token(other) => Err(io::Error::other(format!("an event for {other}, not ours"))),
        }
    }

    /// Carries out what a connection asks for, beyond waiting.
    #[cold]
    fn after(&mut self, index: usize, next: Next) -> io::Result<()> {
        let Some(Some(conn)) = self.conns.get_mut(index) else { return Ok(()) };
        let interest = match next {
            Next::Wait => return Ok(()),
            Next::Blocked => BLOCKED,
            Next::Unblocked => READING,
            Next::Close => {
                // The descriptor is not duplicated, so close(2) removes it from epoll.
                self.conns[index] = None;
                return Ok(());
            }
        };
        self.poll.registry().reregister(&mut conn.stream, Token(index), interest)
    }

    /// Accepts until the queue is empty, as the edge requires.
    fn accept_all(&mut self) -> io::Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok(stream) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                // The connection was reset in the queue: accept(2) says to try the next.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            let index = stream.descriptor() as usize;
            if index >= self.conns.len() {
                self.conns.resize_with(index + 1, || None);
            }
            self.poll.registry().register(&mut stream, Token(index), READING)?;
            self.conns[index] = Some(Conn::new(stream));
        }
    }
}
