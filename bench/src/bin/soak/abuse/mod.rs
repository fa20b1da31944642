//! What hostile, careless and dying peers do to a server, one kind a module.
//!
//! Each kind waits until the server is in the state that it is meant for, by the server's own
//! counters, does its worst, and waits until the server is rid of it. Whatever is answered is
//! checked. None of them waits for a time.

mod descriptors;
mod drip;
mod flood;
mod full;
mod reset;
mod silent;
mod vanish;

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;

use edgewake_bench::os::socket;

pub(crate) use descriptors::without_room as descriptors_without_room;

use crate::pattern::Pattern;
use crate::server::Server;

/// Peers that do one thing at once.
const PEERS: usize = 100;

type Abuse = fn(&mut Server, &Pattern) -> io::Result<u64>;

/// Every kind, and what is counted of it.
pub(crate) const KINDS: &[(&str, &str, Abuse)] = &[
    ("reset before they are accepted", "connections", reset::before_accept),
    ("gone before they are accepted", "connections", vanish::before_accept),
    ("reset while they are read from", "connections", reset::while_reading),
    ("reset within a message", "connections", reset::within_a_message),
    ("reset while they are written to", "connections", full::reset_while_writing),
    ("shut down, then reset, while written to", "connections", full::reset_after_half_close),
    ("reset when the server has shut down", "connections", reset::after_servers_half_close),
    ("late to read, then read all", "connections", full::read_in_the_end),
    ("one byte at a time", "bytes", drip::one_byte_at_a_time),
    ("processes killed", "connections", vanish::killed),
    ("gone without a word", "connections", silent::without_a_word),
    ("connect and leave", "connections", vanish::at_once),
    ("253 descriptors at once", "descriptors", descriptors::at_once),
    ("descriptors nobody asked for", "descriptors", descriptors::unasked),
    ("descriptors of a peer that has gone", "descriptors", descriptors::left_behind),
    ("datagrams", "datagrams", flood::datagrams),
];

/// A short echo on a connection, checked.
fn echoes(stream: &mut TcpStream, pattern: &Pattern, id: u64) -> io::Result<()> {
    let bytes = pattern.at(id, 0, 100);
    stream.write_all(bytes)?;
    let mut back = vec![0; bytes.len()];
    stream.read_exact(&mut back)?;
    if back == bytes { Ok(()) } else { Err(io::Error::other("other bytes than were sent")) }
}

/// So many connections to a server's echo, each of which was served.
fn served(server: &Server, pattern: &Pattern, count: usize) -> io::Result<Vec<TcpStream>> {
    let mut peers = Vec::with_capacity(count);
    for id in 0..count as u64 {
        let mut peer = server.connect_echo()?;
        echoes(&mut peer, pattern, id)?;
        peers.push(peer);
    }
    Ok(peers)
}

/// Closes connections with a reset.
fn reset(peers: Vec<TcpStream>) -> io::Result<()> {
    for peer in &peers {
        socket::reset_on_close(peer.as_fd())?;
    }
    drop(peers);
    Ok(())
}

/// That a newcomer is served, and forgotten.
pub(crate) fn serves_on(server: &mut Server, pattern: &Pattern) -> io::Result<()> {
    let before = server.state()?.get("alive");
    echoes(&mut server.connect_echo()?, pattern, 1)?;
    server.until("the newcomer is gone", |now| now.get("alive") == before).map(drop)
}
