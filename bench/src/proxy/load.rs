//! Both ends of the flows: clients that write as fast as it goes, and a server that takes it all or
//! sends it back. Blocking sockets, a thread for each direction.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc;
use std::thread;

use super::contender;
use crate::os::socket;
use crate::target::{Target, Transport};

/// Read at once: more than any proxy writes at once, so that the load is no bottleneck.
const PIECE: usize = 256 * 1024;

/// What the server does with the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Takes it all.
    Sink,
    /// Sends it back.
    Echo,
}

impl Shape {
    /// Its word on command lines.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Sink => "sink",
            Self::Echo => "echo",
        }
    }
}

/// The server's listener.
#[derive(Debug)]
pub struct Backend {
    listener: Accepting,
    /// Where it listens.
    pub place: Target,
}

#[derive(Debug)]
enum Accepting {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener),
}

impl Backend {
    /// Listens.
    ///
    /// # Errors
    ///
    /// Returns what `bind(2)` and `listen(2)` return.
    pub fn bind(transport: Transport) -> io::Result<Self> {
        let (listener, place) = socket::listen_at(&contender::unused(transport))?;
        let listener = match transport {
            Transport::Unix => {
                let listener = std::os::unix::net::UnixListener::from(listener);
                listener.set_nonblocking(false)?;
                Accepting::Unix(listener)
            }
            Transport::Tcp | Transport::Udp => {
                let listener = std::net::TcpListener::from(listener);
                listener.set_nonblocking(false)?;
                Accepting::Tcp(listener)
            }
        };
        Ok(Self { listener, place })
    }

    /// Waits for a connection.
    ///
    /// # Errors
    ///
    /// Returns what `accept(2)` returns.
    pub fn accept(&self) -> io::Result<Socket> {
        Ok(Socket(File::from(match &self.listener {
            Accepting::Tcp(listener) => OwnedFd::from(listener.accept()?.0),
            Accepting::Unix(listener) => OwnedFd::from(listener.accept()?.0),
        })))
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        if let Target::Unix(path) = &self.place {
            // A leftover in the folder for temporary files, if it cannot be removed.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// A connected, blocking socket: read(2) and write(2) do for both kinds.
#[derive(Debug)]
pub struct Socket(File);

impl Socket {
    /// Connects.
    ///
    /// # Errors
    ///
    /// Returns what `connect(2)` returns.
    pub fn connect(place: &Target) -> io::Result<Self> {
        socket::connect_to(place, false).map(|fd| Self(File::from(fd)))
    }

    /// Writes so many bytes, so many at once.
    ///
    /// # Errors
    ///
    /// Returns what `write(2)` returns.
    pub fn write_bytes(&self, mut bytes: u64, message: usize) -> io::Result<()> {
        let data = vec![0x5a; message];
        while bytes > 0 {
            let now = bytes.min(message as u64) as usize;
            (&self.0).write_all(&data[..now])?;
            bytes -= now as u64;
        }
        Ok(())
    }

    /// Reads so many bytes.
    ///
    /// # Errors
    ///
    /// Returns what `read(2)` returns, and an error if the end comes before.
    pub fn read_bytes(&self, bytes: u64) -> io::Result<()> {
        let read = io::copy(&mut (&self.0).take(bytes), &mut io::sink())?;
        match read == bytes {
            true => Ok(()),
            false => Err(io::Error::other(format!("{read} bytes came of {bytes}"))),
        }
    }

    /// Reads to the end, and returns how many bytes.
    fn drain(&self) -> io::Result<u64> {
        let (mut piece, mut total) = (vec![0; PIECE], 0);
        loop {
            match (&self.0).read(&mut piece)? {
                0 => return Ok(total),
                count => total += count as u64,
            }
        }
    }

    /// Sends back what comes, and the end.
    fn echo(&self) -> io::Result<u64> {
        let (mut piece, mut total) = (vec![0; PIECE], 0);
        loop {
            match (&self.0).read(&mut piece)? {
                0 => return self.end().map(|()| total),
                count => {
                    (&self.0).write_all(&piece[..count])?;
                    total += count as u64;
                }
            }
        }
    }

    fn end(&self) -> io::Result<()> {
        socket::shutdown_write(self.0.as_fd())
    }
}

/// A client's socket, and the server's at the other end of its flow.
#[derive(Debug)]
pub struct Pair {
    /// The client's.
    pub client: Socket,
    /// The server's.
    pub server: Socket,
}

impl Pair {
    /// Connects through a proxy, and has a byte go there and back: the flow is in place.
    ///
    /// # Errors
    ///
    /// Returns what the sockets' calls return.
    pub fn open(place: &Target, backend: &Backend) -> io::Result<Self> {
        let client = Socket::connect(place)?;
        let server = backend.accept()?;
        let pair = Self { client, server };
        pair.client.write_bytes(1, 1)?;
        pair.server.read_bytes(1)?;
        pair.server.write_bytes(1, 1)?;
        pair.client.read_bytes(1)?;
        Ok(pair)
    }
}

/// Has every client write so many bytes and the end, and waits until all of it is where it has to
/// be.
///
/// # Errors
///
/// Returns what the sockets' calls return, and an error if a byte is missing.
pub fn run(pairs: &[Pair], shape: Shape, bytes: u64, message: usize) -> io::Result<()> {
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for Pair { client, server } in pairs {
            let tell = |sender: &mpsc::Sender<io::Result<()>>, outcome: io::Result<()>| {
                // The receiver lives until all have told.
                let _heard = sender.send(outcome);
            };
            let (writes, reads, serves) = (sender.clone(), sender.clone(), sender.clone());
            scope.spawn(move || {
                let written = client.write_bytes(bytes, message);
                tell(&writes, written.and_then(|()| client.end()));
            });
            scope.spawn(move || {
                let expected = if shape == Shape::Echo { bytes } else { 0 };
                tell(&reads, client.drain().and_then(|count| check(count, expected)));
            });
            scope.spawn(move || {
                let taken = match shape {
                    Shape::Echo => server.echo(),
                    Shape::Sink => server.drain().and_then(|count| server.end().map(|()| count)),
                };
                tell(&serves, taken.and_then(|count| check(count, bytes)));
            });
        }
        drop(sender);
        receiver.iter().collect()
    })
}

fn check(count: u64, expected: u64) -> io::Result<()> {
    match count == expected {
        true => Ok(()),
        false => Err(io::Error::other(format!("{count} bytes came of {expected}"))),
    }
}
