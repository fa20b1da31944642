//! Datagrams: each goes back to where it came from.
//!
//! One socket serves everybody, so nobody's failure ends it: an answer that cannot be sent is
//! counted and forgotten, as datagrams are.

use std::io;

use edgewake::net::UdpSocket;

use crate::connection::Server;

/// Any datagram of UDP fits.
const BUFFER: usize = 64 * 1024;

/// Answers until nothing can be received any more.
pub(crate) async fn echo(socket: &UdpSocket, server: &Server) -> io::Error {
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
