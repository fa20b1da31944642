//! As many descriptors as a message can have, to who wants them and to who does not.

use std::io::{self, ErrorKind::WouldBlock, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use edgewake_bench::os::process;
use edgewake_bench::os::rights::{self, MOST};

use crate::pattern::Pattern;
use crate::server::Server;

/// Messages of one peer.
const MESSAGES: usize = 10;

/// Each is one end of a socket, into which the server writes a byte: that many bytes must
/// come out, and then the end, as the server has closed them.
pub(super) fn at_once(server: &mut Server, _: &Pattern) -> io::Result<u64> {
    let before = server.state()?;
    let mut peer = server.connect_fds()?;
    for _ in 0..MESSAGES {
        let (reader, writer) = UnixStream::pair()?;
        rights::send(peer.as_fd(), b"x", writer.as_fd(), MOST)?;
        expect(&mut peer, reader, writer, MOST)?;
    }
    let sent = (MESSAGES * MOST) as u64;
    drop(peer);
    server.until("they were counted, and the peer is gone", |now| {
        now.get("descriptors") == before.get("descriptors") + sent
            && now.get("alive") == before.get("alive")
    })?;
    Ok(sent)
}

fn expect(
    peer: &mut UnixStream,
    mut reader: UnixStream,
    writer: UnixStream,
    count: usize,
) -> io::Result<()> {
    drop(writer);
    let mut answer = [0; 2];
    peer.read_exact(&mut answer)?;
    let mut bytes = Vec::new();
    // Waits for as long as one of them is open anywhere.
    reader.read_to_end(&mut bytes)?;
    if answer != [count as u8, 0] || bytes != vec![b'x'; count] {
        let came = bytes.len();
        let message = format!("of {count} descriptors {came} were written into: {answer:?}");
        return Err(io::Error::other(message));
    }
    Ok(())
}

/// They come beside the bytes of messages that the server reads as ever: it closes them, and
/// answers the messages.
pub(super) fn unasked(server: &mut Server, pattern: &Pattern) -> io::Result<u64> {
    let before = server.state()?;
    let fds = process::open_fds(server.pid())?;
    let mut peer = server.connect_frames_unix()?;
    let (mut reader, writer) = UnixStream::pair()?;
    for id in 0..MESSAGES as u64 {
        let frame = [&20_u16.to_be_bytes(), pattern.at(id, 0, 20)].concat();
        let sent = rights::send(peer.as_fd(), &frame[..5], writer.as_fd(), MOST)?;
        let more = rights::send(peer.as_fd(), &frame[sent..], writer.as_fd(), MOST)?;
        if sent + more != frame.len() {
            return Err(io::Error::other("a message was sent in part"));
        }
        let mut back = vec![0; frame.len()];
        peer.read_exact(&mut back)?;
        if back != frame {
            return Err(io::Error::other("another message than was sent"));
        }
    }
    drop((peer, writer));
    if reader.read(&mut [0])? != 0 {
        return Err(io::Error::other("somebody has written into a descriptor"));
    }
    server.until("the peer is gone", |now| now.get("alive") == before.get("alive"))?;
    let left = process::open_fds(server.pid())?;
    if left != fds {
        return Err(io::Error::other(format!("the server had {fds} descriptors, and has {left}")));
    }
    Ok((2 * MESSAGES * MOST) as u64)
}

/// They wait in the socket of a peer that has gone, which itself waits to be accepted.
pub(super) fn left_behind(server: &mut Server, _: &Pattern) -> io::Result<u64> {
    let before = server.state()?;
    server.ask("pause")?;
    let (mut reader, writer) = UnixStream::pair()?;
    let mut sent = 0;
    for wanted in [true, false] {
        let mut peer = if wanted { server.connect_fds()? } else { server.connect_frames_unix()? };
        for _ in 0..3 {
            rights::send(peer.as_fd(), &[0], writer.as_fd(), MOST)?;
            sent += MOST as u64;
        }
        // Nothing has come back, and nothing will be read.
        peer.set_nonblocking(true)?;
        match peer.read(&mut [0]) {
            Err(error) if error.kind() == WouldBlock => {}
            outcome => return Err(io::Error::other(format!("nobody has accepted: {outcome:?}"))),
        }
    }
    drop(writer);
    server.ask("resume")?;
    // The end, once all are closed, here and there: whoever has got them has written before.
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    server.until("they are gone", |now| now.get("alive") == before.get("alive"))?;
    Ok(sent)
}

/// A server that has reached its limit gets the byte, none of the descriptors, and is told that
/// there were some.
pub(crate) fn without_room(peer: &mut UnixStream) -> io::Result<()> {
    let (mut reader, writer) = UnixStream::pair()?;
    rights::send(peer.as_fd(), b"x", writer.as_fd(), MOST)?;
    drop(writer);
    let mut answer = [0; 2];
    peer.read_exact(&mut answer)?;
    let came = reader.read(&mut [0; 8])?;
    if answer == [0, 1] && came == 0 {
        Ok(())
    } else {
        Err(io::Error::other(format!("descriptors without room for one: {answer:?}, {came}")))
    }
}
