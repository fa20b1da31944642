//! Peers that send one byte, and after a while the next one.

use std::io::{self, Read, Write};

use crate::abuse::{PEERS, served};
use crate::pattern::Pattern;
use crate::server::Server;

/// The content of a message.
const LENGTH: usize = 40;

/// Messages come in single bytes, with an answer to somebody else between any two of them: that is
/// the pace, and not a time. Half of them to TCP, half to a Unix stream.
pub(super) fn one_byte_at_a_time(server: &mut Server, pattern: &Pattern) -> io::Result<u64> {
    let before = server.state()?;
    let mut pace = served(server, pattern, 1)?;
    let frames: Vec<Vec<u8>> = (0..PEERS as u64)
        .map(|id| [&(LENGTH as u16).to_be_bytes(), pattern.at(id, 0, LENGTH as u64)].concat())
        .collect();
    let mut tcp = Vec::new();
    let mut unix = Vec::new();
    for _ in 0..PEERS / 2 {
        tcp.push(server.connect_frames()?);
        unix.push(server.connect_frames_unix()?);
    }
    let mut peers: Vec<(&mut dyn Write, &[u8])> = Vec::new();
    let streams = tcp.iter_mut().map(|peer| peer as &mut dyn Write);
    let streams = streams.chain(unix.iter_mut().map(|peer| peer as &mut dyn Write));
    peers.extend(streams.zip(frames.iter().map(Vec::as_slice)));
    let mut bytes = 0;
    for place in 0..LENGTH + 2 {
        for (peer, frame) in &mut peers {
            peer.write_all(&frame[place..=place])?;
            bytes += 1;
        }
        pace[0].write_all(&[place as u8])?;
        let mut back = [0];
        pace[0].read_exact(&mut back)?;
        if back != [place as u8] {
            return Err(io::Error::other("another byte than was sent"));
        }
        if place == LENGTH {
            let waiting = PEERS as u64;
            server.until("the last byte is waited for", |now| now.get("partial") == waiting)?;
        }
    }
    let streams = tcp.iter_mut().map(|peer| peer as &mut dyn Read);
    let streams = streams.chain(unix.iter_mut().map(|peer| peer as &mut dyn Read));
    for (peer, frame) in streams.zip(&frames) {
        let mut back = vec![0; frame.len()];
        peer.read_exact(&mut back)?;
        if back != *frame {
            return Err(io::Error::other("another message than was sent"));
        }
    }
    drop((tcp, unix, pace));
    server.until("they are gone", |now| now.get("alive") == before.get("alive"))?;
    Ok(bytes)
}
