//! Datagrams: each goes back to where it came from.
//!
//! One socket serves everybody, so nobody's failure ends it: an answer that cannot be sent is
//! counted and forgotten, as datagrams are.

use std::{io, io::ErrorKind::WouldBlock};

use edgewake::net::UdpSocket;

use crate::connection::Server;

/// Any datagram of UDP fits.
const BUFFER: usize = 64 * 1024;

/// Answers until nothing can be received any more.
pub(crate) async fn echo(socket: &UdpSocket, server: &Server) -> io::Error {
    let mut buffer = vec![0; BUFFER];
    loop {
        if let Err(error) = socket.readable().await {
            return error;
        }
        let (count, peer) = match socket.try_recv_from(&mut buffer) {
            Ok(received) => received,
            Err(error) if error.kind() == WouldBlock => continue,
            Err(error) => return error,
        };
        server.counters.echoed(count);
        let sent = match socket.try_send_to(&buffer[..count], peer) {
            // For want of room, which is waited for, or it fails once more. Nothing is received
            // meanwhile: who comes then waits in the socket, or is lost.
            Err(_) => socket.send_to(&buffer[..count], peer).await,
            sent => sent,
        };
        if let Err(error) = sent {
            server.counters.failed(&error);
        }
    }
}

/// The same with awaited operations only, as one would write it first.
pub(crate) async fn echo_awaited(socket: &UdpSocket, server: &Server) -> io::Error {
    let mut buffer = vec![0; BUFFER];
    loop {
        let (count, peer) = match socket.recv_from(&mut buffer).await {
            Ok(received) => received,
            Err(error) => return error,
        };
        server.counters.echoed(count);
        if let Err(error) = socket.send_to(&buffer[..count], peer).await {
            server.counters.failed(&error);
        }
    }
}
