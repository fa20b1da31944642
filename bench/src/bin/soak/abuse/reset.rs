//! Resets in each state of a connection but that of full buffers, which is `full`'s.

use std::io::{self, Read, Write};

use crate::abuse::{PEERS, reset, served, serves_on};
use crate::pattern::Pattern;
use crate::server::Server;

/// In the listener's queue, half of them with data.
pub(super) fn before_accept(server: &mut Server, pattern: &Pattern) -> io::Result<u64> {
    let before = server.state()?;
    server.ask("pause")?;
    let mut peers = Vec::new();
    for index in 0..PEERS {
        let mut peer = server.connect_echo()?;
        if index % 2 == 0 {
            peer.write_all(b"too late")?;
        }
        peers.push(peer);
    }
    reset(peers)?;
    server.ask("resume")?;
    // On Linux they are accepted all the same, and what is then read is the error.
    let accepted = before.get("accepted") + PEERS as u64;
    server.until("dead connections are accepted and dropped", |now| {
        now.get("accepted") == accepted && now.get("alive") == before.get("alive")
    })?;
    serves_on(server, pattern)?;
    Ok(PEERS as u64)
}

/// While the server waits for what they say next.
pub(super) fn while_reading(server: &mut Server, pattern: &Pattern) -> io::Result<u64> {
    let before = server.state()?;
    let peers = served(server, pattern, PEERS)?;
    reset(peers)?;
    let failed = before.get("failed") + PEERS as u64;
    server.until("each of them has failed and is gone", |now| {
        now.get("alive") == before.get("alive") && now.get("failed") == failed
    })?;
    Ok(PEERS as u64)
}

/// While the server waits for the rest of a message.
pub(super) fn within_a_message(server: &mut Server, pattern: &Pattern) -> io::Result<u64> {
    let before = server.state()?;
    let mut peers = Vec::new();
    for id in 0..PEERS {
        let mut peer = server.connect_frames()?;
        // Every second one has not even said how long it will be.
        peer.write_all(&500_u16.to_be_bytes()[..1 + id % 2])?;
        if id % 2 == 1 {
            peer.write_all(pattern.at(id as u64, 0, 100))?;
        }
        peers.push(peer);
    }
    server.until("the rest is waited for", |now| now.get("partial") == PEERS as u64)?;
    reset(peers)?;
    let failed = before.get("failed") + PEERS as u64;
    server.until("each of them has failed and is gone", |now| {
        now.get("partial") == 0
            && now.get("alive") == before.get("alive")
            && now.get("failed") == failed
    })?;
    Ok(PEERS as u64)
}

/// When the server has shut its sending side down, and waits for their end.
pub(super) fn after_servers_half_close(server: &mut Server, _: &Pattern) -> io::Result<u64> {
    let before = server.state()?;
    let mut peers = Vec::new();
    for _ in 0..PEERS {
        let mut peer = server.connect_frames()?;
        peer.write_all(&[0, 0])?;
        if peer.read(&mut [0; 8])? != 0 {
            return Err(io::Error::other("more than the end"));
        }
        peers.push(peer);
    }
    server.until("their end is waited for", |now| now.get("half_closed") == PEERS as u64)?;
    // Every second one says something first, which is read.
    for peer in peers.iter_mut().step_by(2) {
        peer.write_all(b"but")?;
    }
    reset(peers)?;
    server.until("each of them is gone", |now| {
        now.get("half_closed") == 0 && now.get("alive") == before.get("alive")
    })?;
    Ok(PEERS as u64)
}
