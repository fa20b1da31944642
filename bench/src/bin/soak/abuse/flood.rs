//! Datagrams, as fast as they can be sent.
//!
//! Some are lost where a buffer is full; none may come back twice, changed, or to another socket.

use std::io::{self, ErrorKind::WouldBlock};
use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use crate::pattern::Pattern;
use crate::server::{PATIENCE, Server};

const SOCKETS: u64 = 4;
const EACH: u32 = 10_000;
const LONGEST: u64 = 1200;
/// How long an answer is waited for before the question is asked again.
const AGAIN: Duration = Duration::from_millis(100);

/// A socket, and which of its datagrams have come back.
struct Peer {
    socket: UdpSocket,
    id: u64,
    seen: Vec<bool>,
}

/// How many came back.
pub(super) fn datagrams(server: &mut Server, pattern: &Pattern) -> io::Result<u64> {
    let mut peers = Vec::new();
    for id in 0..SOCKETS {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect(server.udp)?;
        socket.set_nonblocking(true)?;
        peers.push(Peer { socket, id, seen: vec![false; EACH as usize] });
    }
    let mut came = 0;
    for number in 0..EACH {
        for peer in &mut peers {
            // What finds no room is lost, here or there.
            match peer.socket.send(&datagram(pattern, peer.id, number)) {
                Err(error) if error.kind() != WouldBlock => return Err(error),
                _ => {}
            }
            // Seldom, so that the answers have full buffers to find as well.
            if number % 128 == 127 {
                came += peer.receive(pattern)?;
            }
        }
    }
    for peer in &mut peers {
        came += peer.question(pattern)?;
    }
    if server.state()?.get("datagram_errors") > 0 {
        return Err(io::Error::other("the server's socket had errors"));
    }
    Ok(came)
}

/// Its number, and as many bytes as it happens to have.
fn datagram(pattern: &Pattern, id: u64, number: u32) -> Vec<u8> {
    let length = u64::from(number).wrapping_mul(7919) % LONGEST;
    [&number.to_be_bytes(), pattern.at(id, number.into(), length)].concat()
}

impl Peer {
    /// Takes what is there.
    fn receive(&mut self, pattern: &Pattern) -> io::Result<u64> {
        let mut came = 0;
        let mut room = [0; 2048];
        loop {
            let length = match self.socket.recv(&mut room) {
                Ok(length) => length,
                Err(error) if error.kind() == WouldBlock => return Ok(came),
                Err(error) => return Err(error),
            };
            let number = room[..length].first_chunk().map_or(u32::MAX, |n| u32::from_be_bytes(*n));
            let Some(seen) = self.seen.get_mut(number as usize) else {
                return Err(io::Error::other("an answer that has no question"));
            };
            if *seen || room[..length] != datagram(pattern, self.id, number) {
                return Err(io::Error::other(format!("answer {number} is wrong, or came twice")));
            }
            *seen = true;
            came += 1;
        }
    }

    /// One more, and another, until one of them is answered: the socket has survived.
    fn question(&mut self, pattern: &Pattern) -> io::Result<u64> {
        self.socket.set_nonblocking(false)?;
        self.socket.set_read_timeout(Some(AGAIN))?;
        let deadline = Instant::now() + PATIENCE;
        let mut came = 0;
        while !self.seen[EACH as usize..].contains(&true) {
            if Instant::now() > deadline {
                return Err(io::Error::other("after the flood there is no answer"));
            }
            let number = self.seen.len() as u32;
            self.seen.push(false);
            self.socket.send(&datagram(pattern, self.id, number))?;
            // Until nothing has come for a while: with a time-out the error is the same.
            came += self.receive(pattern)?;
        }
        Ok(came)
    }
}
