//! Peers that send and do not read, until the server waits for room; and what they do then.

use std::io::{self, ErrorKind::WouldBlock, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::time::Instant;

use edgewake_bench::os::socket;

use crate::abuse::reset;
use crate::pattern::Pattern;
use crate::server::{PATIENCE, Server};

/// Fewer than elsewhere: each takes the memory of its sockets.
const PEERS: usize = 20;

/// Of a peer's socket, each way: it has grown to megabytes otherwise before it is full.
const BUFFER: usize = 64 * 1024;

/// A peer, and how much it has sent.
struct Glutton {
    stream: TcpStream,
    id: u64,
    sent: u64,
}

/// Connects, and sends until the server waits for room at each, and their own buffers are full.
fn fill(server: &mut Server, pattern: &Pattern) -> io::Result<Vec<Glutton>> {
    let mut peers = Vec::new();
    for id in 0..PEERS as u64 {
        let stream = server.connect_echo()?;
        stream.set_nonblocking(true)?;
        socket::limit_buffers(stream.as_fd(), BUFFER)?;
        peers.push(Glutton { stream, id, sent: 0 });
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut sent = 0;
        for peer in &mut peers {
            sent += peer.send(pattern)?;
        }
        // A server that waits reads nothing more, so that what has no room now has none later.
        if sent == 0 && server.state()?.get("writing") == PEERS as u64 {
            return Ok(peers);
        }
        if Instant::now() > deadline {
            let state = server.state()?;
            return Err(io::Error::other(format!("not every echo waits for room: {state:?}")));
        }
    }
}

impl Glutton {
    /// Sends until there is no room, and returns how much it was.
    fn send(&mut self, pattern: &Pattern) -> io::Result<u64> {
        let before = self.sent;
        loop {
            match self.stream.write(pattern.at(self.id, self.sent, u64::MAX)) {
                Ok(count) => self.sent += count as u64,
                Err(error) if error.kind() == WouldBlock => return Ok(self.sent - before),
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads all that was sent, and the end.
    fn read_back(mut self, pattern: &Pattern) -> io::Result<()> {
        self.stream.set_nonblocking(false)?;
        socket::shutdown_write(self.stream.as_fd())?;
        let mut room = vec![0; 16 * 1024];
        let mut received = 0;
        loop {
            let count = self.stream.read(&mut room)?;
            if count == 0 {
                break;
            }
            if room[..count] != *pattern.at(self.id, received, count as u64) {
                return Err(io::Error::other(format!("other bytes than were sent, at {received}")));
            }
            received += count as u64;
        }
        if received == self.sent {
            Ok(())
        } else {
            Err(io::Error::other(format!("{} bytes were sent, {received} came back", self.sent)))
        }
    }
}

/// Waits until the server is rid of all of them, each with an error.
fn gone(server: &mut Server, alive: u64, failed: u64) -> io::Result<u64> {
    server.until("each of them has failed and is gone", |now| {
        now.get("writing") == 0
            && now.get("alive") == alive
            && now.get("failed") == failed + PEERS as u64
    })?;
    Ok(PEERS as u64)
}

/// A reset while the server waits for room, with its buffers and theirs full.
pub(super) fn reset_while_writing(server: &mut Server, pattern: &Pattern) -> io::Result<u64> {
    let before = server.state()?;
    let peers = fill(server, pattern)?;
    reset(peers.into_iter().map(|peer| peer.stream).collect())?;
    gone(server, before.get("alive"), before.get("failed"))
}

/// The same, when they have shut their sending side down before.
pub(super) fn reset_after_half_close(server: &mut Server, pattern: &Pattern) -> io::Result<u64> {
    let before = server.state()?;
    let peers = fill(server, pattern)?;
    for peer in &peers {
        socket::shutdown_write(peer.stream.as_fd())?;
    }
    // The server still answers, and still waits for room.
    server.until("they are waited for", |now| now.get("writing") == PEERS as u64)?;
    reset(peers.into_iter().map(|peer| peer.stream).collect())?;
    gone(server, before.get("alive"), before.get("failed"))
}

/// They read in the end: not a byte is missing.
pub(super) fn read_in_the_end(server: &mut Server, pattern: &Pattern) -> io::Result<u64> {
    let before = server.state()?;
    for peer in fill(server, pattern)? {
        peer.read_back(pattern)?;
    }
    server.until("each of them is gone, without an error", |now| {
        now.get("writing") == 0
            && now.get("alive") == before.get("alive")
            && now.get("failed") == before.get("failed")
    })?;
    Ok(PEERS as u64)
}
