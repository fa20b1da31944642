//! What the tests of UDP share: sockets on the loopback, alone and in connected pairs.

#![allow(dead_code, reason = "each test binary compiles its own copy and uses a part of it")]
#![allow(unreachable_pub, reason = "a module of each test binary, reached as `udp::…`")]

use std::{io, net::SocketAddr};

use edgewake::net::UdpSocket;

/// A socket on a port that the system chooses.
pub async fn socket() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").await.expect("a loopback socket")
}

pub fn address(socket: &UdpSocket) -> SocketAddr {
    socket.local_addr().expect("a bound socket has an address")
}

/// Two sockets that are connected to each other.
pub async fn pair() -> (UdpSocket, UdpSocket) {
    let (one, other) = (socket().await, socket().await);
    one.connect(address(&other)).await.expect("nothing to wait for");
    other.connect(address(&one)).await.expect("nothing to wait for");
    (one, other)
}

/// An address at which nobody receives.
pub async fn nobody() -> SocketAddr {
    address(&socket().await)
}

/// Tries until the socket has something to give: on some systems even the loopback takes a moment.
pub async fn attempt<R>(
    socket: &UdpSocket,
    mut operation: impl FnMut() -> io::Result<R>,
) -> io::Result<R> {
    loop {
        socket.readable().await?;
        match operation() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            outcome => return outcome,
        }
    }
}
