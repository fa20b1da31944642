//! Peers that go without a word, as in a power cut: no end, no reset, no acknowledgement.
//!
//! Their sockets drop whatever comes. They stay open until the server has given them up: a close
//! would send it the end.

use std::io::{self, ErrorKind::WouldBlock, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;

use edgewake_bench::os::socket;

use crate::abuse::{PEERS, echoes, reset};
use crate::pattern::Pattern;
use crate::server::Server;

/// Who does not get the answer to what they say last, and of these who say more than the server
/// has room to answer.
const ASKING: usize = PEERS / 2;
const STALLING: usize = PEERS / 5;

/// Some are idle, to some the server has sent what is never acknowledged, at some it waits for room.
/// It lets all of them go by itself, with an error, while one who is idle and alive stays.
pub(super) fn without_a_word(server: &mut Server, pattern: &Pattern) -> io::Result<u64> {
    let before = server.state()?;
    let mut alive = server.connect_kept()?;
    echoes(&mut alive, pattern, 0)?;
    let mut peers = Vec::with_capacity(PEERS);
    for id in 0..PEERS as u64 {
        let mut peer = server.connect_kept()?;
        echoes(&mut peer, pattern, id)?;
        peers.push(peer);
    }
    for (index, peer) in peers.iter_mut().enumerate() {
        socket::receive_nothing(peer.as_fd())?;
        peer.set_nonblocking(true)?;
        if index < STALLING {
            say_much(peer, pattern)?;
        } else if index < ASKING {
            peer.write_all(b"and then?")?;
        }
    }
    // Counted, as no moment may see all of them wait: the first to come are the first to go.
    let stalled = before.get("stalled") + STALLING as u64;
    let failed = before.get("failed") + PEERS as u64;
    server.until("each of them is given up, with an error", |now| {
        now.get("stalled") == stalled
            && now.get("failed") == failed
            && now.get("alive") == before.get("alive") + 1
    })?;
    peers.iter_mut().try_for_each(has_heard_nothing)?;
    reset(peers)?;
    echoes(&mut alive, pattern, 1)?;
    drop(alive);
    server.until("the last one is gone", |now| now.get("alive") == before.get("alive"))?;
    Ok(PEERS as u64)
}

/// Sends what there is room for, as nothing is acknowledged.
fn say_much(peer: &mut TcpStream, pattern: &Pattern) -> io::Result<()> {
    loop {
        match peer.write(pattern.at(0, 0, u64::MAX)) {
            Ok(_) => {}
            Err(error) if error.kind() == WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// The peer's side of it: neither an answer, nor an end, nor a reset.
fn has_heard_nothing(peer: &mut TcpStream) -> io::Result<()> {
    match peer.read(&mut [0]) {
        Err(error) if error.kind() == WouldBlock => Ok(()),
        outcome => Err(io::Error::other(format!("it was to hear nothing: {outcome:?}"))),
    }
}
