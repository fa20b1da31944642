//! The loop: accept, dispatch, close.
//!
//! Edge-triggered, since a level-triggered instance polls every ready socket once more on the next
//! wait: the same system calls and instructions for this process, but more work in the kernel.
//! Connections live in a table indexed by descriptor, and the token of an event is the descriptor;
//! one batch has one event a descriptor, so closing within a batch leaves no stale event behind.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use edgewake_bench::os::epoll::{self, Epoll, Events};
use edgewake_bench::os::socket;

use crate::args::{Args, Register};
use crate::conn::{Conn, Next};
use crate::stream::Stream;
use crate::unregistered::Unregistered;

/// Tokens no descriptor can have.
const LISTENER: u64 = u64::MAX;
const SIGNALS: u64 = u64::MAX - 1;

/// What a connection is registered for while it reads.
const READING: u32 = epoll::IN | epoll::RDHUP | epoll::PRI | epoll::ET;

/// The server's state; `buffer` is shared by all connections.
#[derive(Debug)]
pub(crate) struct Server<S> {
    epoll: Epoll,
    listener: OwnedFd,
    conns: Vec<Option<Conn<S>>>,
    unregistered: Unregistered,
    buffer: Vec<u8>,
    register: Register,
    closed: u64,
    stop: bool,
}

/// Serves what `listener` accepts until `stop` is readable.
pub(crate) fn run<S: Stream>(args: &Args, listener: OwnedFd, stop: &OwnedFd) -> io::Result<()> {
    let epoll = Epoll::new()?;
    epoll.add(listener.as_fd(), epoll::IN | epoll::ET, LISTENER)?;
    epoll.add(stop.as_fd(), epoll::IN, SIGNALS)?;
    let mut server = Server::<S> {
        epoll,
        listener,
        conns: Vec::new(),
        unregistered: Unregistered::default(),
        buffer: vec![0; args.buffer],
        register: args.register,
        closed: 0,
        stop: false,
    };
    let idle_timeout = if args.spin { 0 } else { -1 };
    let mut events = Events::with_capacity(1024);
    while !server.stop {
        // Whoever is not registered must be looked at again, and soon: no sleeping.
        let timeout = if server.unregistered.is_empty() { idle_timeout } else { 0 };
        match server.epoll.wait(&mut events, timeout) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        for (bits, token) in events.iter() {
            server.dispatch(bits, token)?;
        }
        if !server.unregistered.is_empty() {
            server.look_again()?;
        }
        if args.exit_after_conns.is_some_and(|limit| server.closed >= limit) {
            break;
        }
    }
    Ok(())
}

impl<S: Stream> Server<S> {
    #[inline(always)]
    fn dispatch(&mut self, bits: u32, token: u64) -> io::Result<()> {
        // The two special tokens are beyond any table, so that this look-up is the only branch
        // a connection's event pays for them.
        let Some(Some(conn)) = self.conns.get_mut(token as usize) else {
            return self.dispatch_special(token);
        };
        match conn.on_event(bits, &mut self.buffer) {
            Next::Wait => Ok(()),
            next => self.after(token as usize, next),
        }
    }

    #[cold]
    fn dispatch_special(&mut self, token: u64) -> io::Result<()> {
        match token {
            LISTENER => self.accept_all(),
            SIGNALS => {
                self.stop = true;
                Ok(())
            }
            other => Err(io::Error::other(format!("an event for descriptor {other}, not ours"))),
        }
    }

    /// Carries out what a registered connection asks for, beyond waiting.
    #[cold]
    fn after(&mut self, index: usize, next: Next) -> io::Result<()> {
        let Some(Some(conn)) = self.conns.get(index) else { return Ok(()) };
        match next {
            Next::Wait | Next::Empty => Ok(()),
            Next::Blocked => self.epoll.modify(conn.fd(), READING | epoll::OUT, index as u64),
            Next::Unblocked => self.epoll.modify(conn.fd(), READING, index as u64),
            Next::Close => {
                self.close(index);
                Ok(())
            }
        }
    }

    /// Drops the connection: its descriptor is not duplicated, so close(2) removes it from epoll.
    fn close(&mut self, index: usize) {
        self.conns[index] = None;
        self.closed += 1;
    }

    /// Accepts until the queue is empty, as the edge requires.
    fn accept_all(&mut self) -> io::Result<()> {
        loop {
            let fd = match socket::accept(self.listener.as_fd()) {
                Ok(fd) => fd,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                // The connection was reset in the queue: accept(2) says to try the next.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
                // EMFILE and the like end this server: it is a measure, not a service.
                Err(error) => return Err(error),
            };
            let index = fd.as_raw_fd() as usize;
            if index >= self.conns.len() {
                self.conns.resize_with(index + 1, || None);
            }
            match self.register {
                Register::AtAccept => self.epoll.add(fd.as_fd(), READING, index as u64)?,
                Register::SecondBlock => self.unregistered.push(index),
            }
            self.conns[index] = Some(Conn::new(fd));
        }
    }

    /// Tries every connection that epoll does not know of; one that blocks for the second time in
    /// a row is registered.
    #[cold]
    fn look_again(&mut self) -> io::Result<()> {
        for (index, blocked_before) in self.unregistered.take() {
            let Some(Some(conn)) = self.conns.get_mut(index) else { continue };
            match conn.echo(&mut self.buffer, true) {
                Next::Wait => self.unregistered.push(index),
                Next::Empty if !blocked_before => self.unregistered.push_blocked(index),
                Next::Empty => self.epoll.add(conn.fd(), READING, index as u64)?,
                // Output is waited for; the ADD reports at once what is there already.
                Next::Blocked | Next::Unblocked => {
                    self.epoll.add(conn.fd(), READING | epoll::OUT, index as u64)?;
                }
                Next::Close => self.close(index),
            }
        }
        Ok(())
    }
}
