//! cargo run -p edgewake-sys --release --example raw_echo -- 127.0.0.1:7000
//!
//! Then, from another terminal: `nc 127.0.0.1 7000`, or with a half-close at the end of the file
//! `socat -t 5 - TCP:127.0.0.1:7000 < FILE`. Port 0 takes a free one; it prints which.
//!
//! A TCP echo server in a raw loop over `edgewake-sys`: no runtime, no tasks, one thread. It shows
//! what edge triggering asks of such a loop:
//!
//! - after an event, go on until the kernel says `WouldBlock`: there is no second event for what
//!   was left. Here `Connection::advance` does, whatever the event was;
//! - a connection that could go on for ever is stopped after some rounds and remembered, since no
//!   event will bring it back;
//! - what could not be written is kept, and reading stops until it is gone;
//! - the client's end of file is answered with our own once everything is written;
//! - an accept that fails for want of descriptors is tried again later, for no event tells when.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::{
    collections::BTreeSet,
    env, io, mem,
    net::{Shutdown, SocketAddr},
    os::fd::{AsFd, AsRawFd, OwnedFd},
    time::Duration,
};

use edgewake_sys::{
    Events, Interest, Selector, Token,
    socket::{self, AcceptError, Domain, Type},
    sockopt,
};

const LISTENER: Token = Token(u64::MAX);
const BUFFER: usize = 16 * 1024;
/// How often a connection may go round before the others have their turn.
const ROUNDS: usize = 16;
/// When to try again to accept, after the descriptors ran out.
const BACK_OFF: Duration = Duration::from_millis(50);

fn main() -> io::Result<()> {
    let text = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7000".into());
    let address = text.parse().map_err(|error| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("{text:?} is no address: {error}"))
    })?;
    let mut server = Server::bind(&address)?;
    println!("listening on {}", server.local_addr()?);
    server.run()
}

/// The listener and its connections; a connection's token is its place in the list.
pub(crate) struct Server {
    selector: Selector,
    listener: OwnedFd,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    /// Stopped while they could go on.
    unfinished: BTreeSet<usize>,
    /// Connections may be waiting that no event will tell of.
    accept_later: bool,
}

impl Server {
    pub(crate) fn bind(address: &SocketAddr) -> io::Result<Server> {
        let listener = socket::create(Domain::for_addr(address), Type::STREAM)?;
        sockopt::REUSE_ADDR.set(listener.as_fd(), true)?;
        socket::bind(listener.as_fd(), address)?;
        socket::listen(listener.as_fd(), 1024)?;
        let selector = Selector::new()?;
        selector.register(listener.as_fd(), LISTENER, Interest::INCOMING)?;
        Ok(Server {
            selector,
            listener,
            connections: Vec::new(),
            free: Vec::new(),
            unfinished: BTreeSet::new(),
            accept_later: false,
        })
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        socket::local_addr(self.listener.as_fd())
    }

    pub(crate) fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        loop {
            let timeout = match (self.unfinished.is_empty(), self.accept_later) {
                (false, _) => Some(Duration::ZERO),
                (true, true) => Some(BACK_OFF),
                (true, false) => None,
            };
            match self.selector.select(&mut events, timeout) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                outcome => outcome?,
            }
            for place in mem::take(&mut self.unfinished) {
                self.advance(place);
            }
            let accept = self.accept_later || events.iter().any(|event| event.token() == LISTENER);
            for event in &events {
                if event.token() != LISTENER {
                    // An event of a connection that was closed earlier in this batch finds nobody,
                    // or its successor, which then looks for itself and finds nothing.
                    self.advance(event.token().0 as usize);
                }
            }
            if accept {
                self.accept()?;
            }
        }
    }

    /// Accepts what is waiting, all of it: a new connection is an event, a waiting one is not.
    fn accept(&mut self) -> io::Result<()> {
        self.accept_later = false;
        loop {
            let error = match socket::accept_unnamed(self.listener.as_fd()) {
                Ok(fd) => {
                    self.admit(fd);
                    continue;
                }
                Err(error) => error,
            };
            match AcceptError::classify(&error) {
                AcceptError::WouldBlock => return Ok(()),
                AcceptError::Interrupted | AcceptError::Connection => {}
                AcceptError::Resource => {
                    self.accept_later = true;
                    return Ok(());
                }
                AcceptError::Fatal => return Err(error),
            }
        }
    }

    fn admit(&mut self, fd: OwnedFd) {
        let place = self.free.pop().unwrap_or(self.connections.len());
        // Both directions at once: a connection that is registered when it first blocks, and only
        // for what it blocks on, would save an event; this is the simpler way.
        let both = Interest::READABLE | Interest::WRITABLE;
        let ready = sockopt::NODELAY
            .set(fd.as_fd(), true)
            .and_then(|()| self.selector.register(fd.as_fd(), Token(place as u64), both));
        if place == self.connections.len() {
            self.connections.push(None);
        }
        match ready {
            Ok(_) => self.connections[place] = Some(Connection::new(fd)),
            // It is closed here; Apple refuses options of a connection that is gone already.
            Err(error) => {
                eprintln!("a connection was dropped: {error}");
                self.free.push(place);
            }
        }
    }

    fn advance(&mut self, place: usize) {
        let Some(slot) = self.connections.get_mut(place) else { return };
        let Some(connection) = slot else { return };
        match connection.advance() {
            Ok(Step::Blocked) => {}
            Ok(Step::Unfinished) => drop(self.unfinished.insert(place)),
            // Finished, or broken: either way this is its end, and no failure of the server.
            Ok(Step::Finished) | Err(_) => {
                let gone = self.selector.deregister(connection.fd.as_raw_fd());
                debug_assert!(gone.is_ok(), "a connection is registered until here: {gone:?}");
                *slot = None;
                self.unfinished.remove(&place);
                self.free.push(place);
            }
        }
    }
}

/// Where a connection has come to.
enum Step {
    /// An event will bring it back.
    Blocked,
    /// It was stopped so that others have their turn; no event will bring it back.
    Unfinished,
    Finished,
}

/// One client, and what it sent and was not sent back yet.
struct Connection {
    fd: OwnedFd,
    buffer: Box<[u8]>,
    /// The part of `buffer` that is still to be written.
    written: usize,
    filled: usize,
    /// The client has sent its last byte.
    ended: bool,
}

impl Connection {
    fn new(fd: OwnedFd) -> Connection {
        let buffer = vec![0; BUFFER].into_boxed_slice();
        Connection { fd, buffer, written: 0, filled: 0, ended: false }
    }

    /// Writes and reads until the kernel says `WouldBlock`, the connection is at its end, or it
    /// has had its rounds.
    fn advance(&mut self) -> io::Result<Step> {
        for _ in 0..ROUNDS {
            while self.written < self.filled {
                let rest = &self.buffer[self.written..self.filled];
                match transferred(|| socket::send(self.fd.as_fd(), rest))? {
                    Some(count) => self.written += count,
                    None => return Ok(Step::Blocked),
                }
            }
            if self.ended {
                return match socket::shutdown(self.fd.as_fd(), Shutdown::Write) {
                    // The client did not wait for our end.
                    Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(Step::Finished),
                    outcome => outcome.map(|()| Step::Finished),
                };
            }
            self.written = 0;
            self.filled = 0;
            match transferred(|| socket::recv(self.fd.as_fd(), &mut self.buffer))? {
                Some(0) => self.ended = true,
                Some(count) => self.filled = count,
                None => return Ok(Step::Blocked),
            }
        }
        Ok(Step::Unfinished)
    }
}

/// The count of a transfer, or `None` if it would block.
fn transferred(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<Option<usize>> {
    loop {
        match call() {
            Ok(count) => return Ok(Some(count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
