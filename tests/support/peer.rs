//! Connections over loopback: this library's end, and the other one in std's hands.

#![allow(dead_code, reason = "each test binary compiles its own copy and uses a part of it")]
#![allow(unreachable_pub, reason = "a module of each test binary, reached as `peer::…`")]

use std::{
    io::{self, Read},
    net,
    os::fd::AsFd,
    time::{Duration, Instant},
};

use edgewake::{
    net::{TcpListener, TcpStream},
    time::sleep,
};
use edgewake_sys::sockopt;

use crate::support::PATIENCE;

/// A listener on a free port of the IPv4 loopback.
pub async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a free port")
}

/// A blocking connection to `listener`, which need not accept for that.
pub fn connect(listener: &TcpListener) -> net::TcpStream {
    let address = listener.local_addr().expect("a bound socket");
    let peer = net::TcpStream::connect(address).expect("it listens");
    peer.set_nodelay(true).expect("a socket");
    peer.set_read_timeout(Some(PATIENCE)).expect("a socket");
    peer.set_write_timeout(Some(PATIENCE)).expect("a socket");
    peer
}

/// A connection that `listener` accepted, and its other end.
pub async fn accepted(listener: &TcpListener) -> (TcpStream, net::TcpStream) {
    let peer = connect(listener);
    let (stream, address) = listener.accept().await.expect("a connection is queued");
    assert_eq!(address, peer.local_addr().expect("a socket"));
    (stream, peer)
}

/// A connection, and its other end.
pub async fn pair() -> (TcpStream, net::TcpStream) {
    accepted(&listener().await).await
}

/// Ends a connection with a reset.
pub fn reset(peer: net::TcpStream) {
    sockopt::LINGER.set(peer.as_fd(), Some(Duration::ZERO)).expect("a socket");
    drop(peer);
}

/// An address of the IPv4 loopback that refuses connections while the socket lives: it is bound
/// and does not listen.
pub fn refusing() -> (std::os::fd::OwnedFd, net::SocketAddr) {
    use edgewake_sys::socket::{self, Domain, Type};
    let fd = socket::create(Domain::IPV4, Type::STREAM).expect("a socket");
    socket::bind(fd.as_fd(), &(net::Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
    let address = socket::local_addr(fd.as_fd()).expect("a bound socket");
    (fd, address)
}

/// Bytes in which no two places nearby look alike: a lost, doubled or swapped piece shows.
pub fn pattern(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// Reads with waiting for readiness in between, until `count` bytes are there.
pub async fn read_when_readable(stream: &TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut room = [0; 1024];
    while bytes.len() < count {
        stream.readable().await.expect("a driver");
        match stream.try_read(&mut room) {
            Ok(0) => panic!("the stream ends after {bytes:?}"),
            Ok(received) => bytes.extend_from_slice(&room[..received]),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "{error}"),
        }
    }
    bytes
}

/// Reads a blocking peer to its end.
pub fn read_to_end(mut peer: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    peer.read_to_end(&mut bytes).expect("the stream ends in order");
    bytes
}

/// Waits until `condition` holds, while the runtime goes on.
pub async fn until(what: &'static str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "{what}: not after {PATIENCE:?}");
        sleep(Duration::from_millis(1)).await;
    }
}
