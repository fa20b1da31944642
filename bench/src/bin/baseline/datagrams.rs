//! The same for UDP: one socket, each datagram sent back to where it came from, one a call.
//!
//! Edge-triggered like the streams. A datagram says nothing about those behind it, so the socket is
//! received from until `WouldBlock`. An answer that the socket has no room for is kept and sent
//! when it has, without receiving on meanwhile.

use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::os::fd::{AsFd, OwnedFd};

use edgewake_bench::os::datagram::{self, Peer};
use edgewake_bench::os::epoll::{self, Epoll, Events};

use crate::args::Args;

const SOCKET: u64 = 0;
const SIGNALS: u64 = 1;

const READING: u32 = epoll::IN | epoll::ET;

/// Serves until `stop` is readable.
pub(crate) fn run(args: &Args, socket: &UdpSocket, stop: &OwnedFd) -> io::Result<()> {
    let epoll = Epoll::new()?;
    epoll.add(socket.as_fd(), READING, SOCKET)?;
    epoll.add(stop.as_fd(), epoll::IN, SIGNALS)?;
    let mut events = Events::with_capacity(2);
    let mut buffer = vec![0; args.buffer];
    let mut held = None;
    let timeout = if args.spin { 0 } else { -1 };
    loop {
        match epoll.wait(&mut events, timeout) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        for (_, token) in events.iter() {
            if token == SIGNALS {
                return Ok(());
            }
            let was_held = held.is_some();
            echo(socket, &mut buffer, &mut held)?;
            if held.is_some() != was_held {
                let more = if held.is_some() { epoll::OUT } else { 0 };
                epoll.modify(socket.as_fd(), READING | more, SOCKET)?;
            }
        }
    }
}

/// Receives and sends back until the socket is drained or full; then `held` has the answer that
/// there was no room for.
#[inline(always)]
fn echo(
    socket: &UdpSocket,
    buffer: &mut [u8],
    held: &mut Option<(Vec<u8>, Peer)>,
) -> io::Result<()> {
    if let Some((bytes, peer)) = held {
        match datagram::send_to(socket.as_fd(), bytes, peer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            // Lost on the way, as a datagram may be.
            Ok(_) | Err(_) => *held = None,
        }
    }
    let mut peer = Peer::new();
    loop {
        let received = match datagram::recv_from(socket.as_fd(), buffer, &mut peer) {
            Ok(received) => received,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        match datagram::send_to(socket.as_fd(), &buffer[..received], &peer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                *held = Some((buffer[..received].to_vec(), peer));
                return Ok(());
            }
            Ok(_) | Err(_) => {}
        }
    }
}
