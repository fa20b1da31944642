//! A client process: connections to a server's echo, each byte of which is checked. epoll by hand,
//! edge-triggered, one thread.
//!
//! Its stdin is a Unix stream to its owner, whose lines it answers with a line each: `open N` makes
//! so many more connections and has a short echo on each, `crowd N` the same without one, `echo B`
//! sends B bytes on every connection and has them back, `close N` ends the last so many, in turn by
//! an orderly close and by a reset, `quit` ends the process, and with it the rest.

use std::io::{self, BufRead, BufReader, ErrorKind::WouldBlock, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use edgewake_bench::os::epoll::{self, Epoll, Events};
use edgewake_bench::os::{process, socket};

use crate::pattern::Pattern;

/// How long nothing at all may come back.
const PATIENCE_MS: i32 = 60_000;
/// What a connection has on its way at most: more than its sockets hold would not be wrong, only
/// slow.
const WINDOW: u64 = 64 * 1024;
/// As many are opened before they are served: fewer than a listener's queue holds.
const BATCH: usize = 1000;
/// The first echo of a connection.
const FIRST: u64 = 8;

struct Connection {
    stream: TcpStream,
    id: u64,
    sent: u64,
    received: u64,
    goal: u64,
}

struct Clients {
    targets: Vec<SocketAddr>,
    connections: Vec<Connection>,
    epoll: Epoll,
    pattern: Pattern,
    room: Vec<u8>,
    /// Bytes that came back, all of them checked.
    checked: u64,
    opened: u64,
}

/// Obeys until `quit`. Of the connections, each goes to the next of `targets`.
pub(crate) fn run(targets: Vec<SocketAddr>) -> io::Result<()> {
    process::raise_fd_limit()?;
    let mut owner = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut clients = Clients::new(targets)?;
    for line in BufReader::new(owner.try_clone()?).lines() {
        let line = line?;
        if line == "quit" {
            break;
        }
        let answer = match clients.obey(&line) {
            Ok(()) => format!("ok {} {}", clients.connections.len(), clients.checked),
            Err(error) => format!("error {line}: {error}"),
        };
        writeln!(owner, "{answer}")?;
    }
    Ok(())
}

impl Clients {
    fn new(targets: Vec<SocketAddr>) -> io::Result<Self> {
        Ok(Self {
            targets,
            connections: Vec::new(),
            epoll: Epoll::new()?,
            pattern: Pattern::new(),
            room: vec![0; 64 * 1024],
            checked: 0,
            opened: 0,
        })
    }

    fn obey(&mut self, line: &str) -> io::Result<()> {
        let Some((verb, number)) = line.split_once(' ') else {
            return Err(io::Error::other("what?"));
        };
        let number: usize = number.parse().map_err(io::Error::other)?;
        match verb {
            "open" => {
                let goal = self.connections.len() + number;
                while self.connections.len() < goal {
                    let before = self.connections.len();
                    self.connect(BATCH.min(goal - before))?;
                    self.echo(before, FIRST)?;
                }
                Ok(())
            }
            "crowd" => self.connect(number),
            "echo" => self.echo(0, number as u64),
            "close" => self.close(number),
            _ => Err(io::Error::other("what?")),
        }
    }

    /// Connects, blocking: on the loopback device the handshake is over when connect(2) returns.
    fn connect(&mut self, count: usize) -> io::Result<()> {
        for _ in 0..count {
            let target = self.targets[self.connections.len() % self.targets.len()];
            let stream = TcpStream::connect(target)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let token = self.connections.len() as u64;
            self.epoll.add(stream.as_fd(), epoll::IN | epoll::OUT | epoll::ET, token)?;
            let id = self.opened;
            self.opened += 1;
            self.connections.push(Connection { stream, id, sent: 0, received: 0, goal: 0 });
        }
        Ok(())
    }

    /// Sends so many bytes on each connection from the `first` on, and receives them.
    fn echo(&mut self, first: usize, bytes: u64) -> io::Result<()> {
        let mut waiting = 0;
        for index in first..self.connections.len() {
            self.connections[index].goal += bytes;
            waiting += usize::from(!self.pump(index)?);
        }
        let mut events = Events::with_capacity(1024);
        while waiting > 0 {
            if self.epoll.wait(&mut events, PATIENCE_MS)? == 0 {
                return Err(self.stuck(waiting));
            }
            for (_, token) in events.iter() {
                let index = token as usize;
                let connection = &self.connections[index];
                if connection.received < connection.goal {
                    waiting -= usize::from(self.pump(index)?);
                }
            }
        }
        Ok(())
    }

    /// Sends and receives what it can; whether the connection has reached its goal.
    fn pump(&mut self, index: usize) -> io::Result<bool> {
        let connection = &mut self.connections[index];
        loop {
            let mut progress = 0;
            let unsent = connection.goal - connection.sent;
            let allowed = unsent.min(WINDOW - (connection.sent - connection.received));
            if allowed > 0 {
                let bytes = self.pattern.at(connection.id, connection.sent, allowed);
                match connection.stream.write(bytes) {
                    Ok(count) => progress += count,
                    Err(error) if error.kind() == WouldBlock => {}
                    Err(error) => return Err(connection.failed("sending", &error)),
                }
                connection.sent += progress as u64;
            }
            match connection.stream.read(&mut self.room) {
                Ok(0) => return Err(connection.failed("receiving", &"the end, too early")),
                Ok(count) => {
                    connection.check(&self.pattern, &self.room[..count])?;
                    self.checked += count as u64;
                    progress += count;
                }
                Err(error) if error.kind() == WouldBlock => {}
                Err(error) => return Err(connection.failed("receiving", &error)),
            }
            if connection.received == connection.goal || progress == 0 {
                return Ok(connection.received == connection.goal);
            }
        }
    }

    fn stuck(&self, waiting: usize) -> io::Error {
        let late = self.connections.iter().find(|connection| connection.received < connection.goal);
        let first = late.map_or(String::new(), |connection| {
            connection.failed("waiting", &"nothing came in a minute").to_string()
        });
        io::Error::new(io::ErrorKind::TimedOut, format!("{waiting} got no answer; {first}"))
    }

    /// Ends the last connections, every second one by a reset.
    fn close(&mut self, count: usize) -> io::Result<()> {
        for index in 0..count {
            let Some(mut connection) = self.connections.pop() else {
                return Err(io::Error::other("there are not so many"));
            };
            if index % 2 == 1 {
                socket::reset_on_close(connection.stream.as_fd())?;
                continue;
            }
            connection.stream.set_nonblocking(false)?;
            let patience = Duration::from_millis(PATIENCE_MS.unsigned_abs().into());
            connection.stream.set_read_timeout(Some(patience))?;
            socket::shutdown_write(connection.stream.as_fd())?;
            let rest = connection.stream.read(&mut self.room)?;
            connection.check(&self.pattern, &self.room[..rest])?;
            if rest != 0 {
                return Err(connection.failed("closing", &"more than was sent"));
            }
        }
        Ok(())
    }
}

impl Connection {
    /// Compares what has come with what was sent.
    fn check(&mut self, pattern: &Pattern, mut bytes: &[u8]) -> io::Result<()> {
        if self.received + bytes.len() as u64 > self.sent {
            return Err(self.failed("receiving", &"more than was sent"));
        }
        while !bytes.is_empty() {
            let wanted = pattern.at(self.id, self.received, bytes.len() as u64);
            let (now, later) = bytes.split_at(wanted.len());
            if now != wanted {
                return Err(self.failed("receiving", &"other bytes than were sent"));
            }
            self.received += now.len() as u64;
            bytes = later;
        }
        Ok(())
    }

    fn failed(&self, what: &str, why: &dyn std::fmt::Display) -> io::Error {
        let Connection { id, sent, received, goal, .. } = self;
        let state = format!("{sent} sent, {received} received of {goal}");
        io::Error::other(format!("connection {id}, {what}: {why} ({state})"))
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;

    use super::*;

    /// A client whose only connection's first eight bytes `answer` answers.
    fn first_echo(answer: fn(&mut TcpStream, [u8; 8]) -> io::Result<()>) -> io::Result<Clients> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let server = thread::spawn(move || -> io::Result<()> {
            let (mut stream, _) = listener.accept()?;
            let mut bytes = [0; 8];
            stream.read_exact(&mut bytes)?;
            answer(&mut stream, bytes)
        });
        let mut clients = Clients::new(vec![address])?;
        let outcome = clients.obey("open 1");
        server.join().expect("no panic")?;
        outcome.map(|()| clients)
    }

    #[track_caller]
    fn assert_noticed(outcome: io::Result<Clients>, what: &str) {
        let Err(error) = outcome else { panic!("not noticed: {what}") };
        assert!(error.to_string().contains(what), "{error}");
    }

    #[test]
    fn an_echo_is_counted() {
        let clients = first_echo(|stream, bytes| stream.write_all(&bytes)).expect("an echo");
        assert_eq!((clients.connections.len(), clients.checked), (1, 8));
    }

    #[test]
    fn what_is_wrong_is_noticed() {
        let swapped = first_echo(|stream, [a, b, rest @ ..]| {
            stream.write_all(&[b, a])?;
            stream.write_all(&rest)
        });
        assert_noticed(swapped, "other bytes than were sent");
        let lost = first_echo(|stream, bytes| stream.write_all(&bytes[1..]));
        assert_noticed(lost, "other bytes than were sent");
        let twice = first_echo(|stream, bytes| stream.write_all(&[bytes, bytes].concat()));
        assert_noticed(twice, "more than was sent");
        let ended = first_echo(|stream, bytes| stream.write_all(&bytes[..7]));
        assert_noticed(ended, "the end, too early");
    }
}
