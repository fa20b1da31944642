//! The same for UDP: each datagram sent back to where it came from, one a call, until `WouldBlock`.
//! An answer that the socket has no room for is kept and sent when it has.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};

use mio::net::UdpSocket;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

const SOCKET: Token = Token(0);
const SIGNALS: Token = Token(1);

/// An answer that there was no room for.
type Held = Option<(Vec<u8>, SocketAddr)>;

/// Serves until `stop` is readable.
pub(crate) fn run(mut socket: UdpSocket, mut buffer: Vec<u8>, stop: &OwnedFd) -> io::Result<()> {
    let mut poll = Poll::new()?;
    poll.registry().register(&mut socket, SOCKET, Interest::READABLE)?;
    poll.registry().register(&mut SourceFd(&stop.as_raw_fd()), SIGNALS, Interest::READABLE)?;
    let mut events = Events::with_capacity(2);
    let mut held = None;
    loop {
        match poll.poll(&mut events, None) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        for event in events.iter() {
            if event.token() == SIGNALS {
                return Ok(());
            }
            let was_held = held.is_some();
            echo(&socket, &mut buffer, &mut held)?;
            if held.is_some() != was_held {
                let more = held.as_ref().map(|_| Interest::WRITABLE);
                let interest = more.map_or(Interest::READABLE, |more| Interest::READABLE | more);
                poll.registry().reregister(&mut socket, SOCKET, interest)?;
            }
        }
    }
}

/// Receives and sends back until the socket is drained or full.
#[inline(always)]
fn echo(socket: &UdpSocket, buffer: &mut [u8], held: &mut Held) -> io::Result<()> {
    if let Some((bytes, peer)) = held {
        match socket.send_to(bytes, *peer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            // Lost on the way, as a datagram may be.
            Ok(_) | Err(_) => *held = None,
        }
    }
    loop {
        let (received, peer) = match socket.recv_from(buffer) {
            Ok(received) => received,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        match socket.send_to(&buffer[..received], peer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                *held = Some((buffer[..received].to_vec(), peer));
                return Ok(());
            }
            Ok(_) | Err(_) => {}
        }
    }
}
