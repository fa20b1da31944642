//! TcpSocket: what is set before connecting and listening, and where the descriptor goes.

#![cfg(feature = "net")]

mod support;
#[path = "support/tcp.rs"]
mod tcp;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    os::fd::{AsFd, AsRawFd, OwnedFd},
    pin::pin,
    time::Duration,
};

use edgewake::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};
use support::{assert_debug, assert_send, assert_sync};
use tcp::{has_v6, kind, listener, nobody, poll_once, run, turn};

fn loopback() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

fn is_nonblocking(fd: impl AsFd) -> bool {
    // SAFETY: F_GETFL takes no argument.
    let flags = unsafe { libc::fcntl(fd.as_fd().as_raw_fd(), libc::F_GETFL) };
    assert_ne!(flags, -1);
    flags & libc::O_NONBLOCK != 0
}

// Goal: what was set before connecting holds on the connection, its local address included.
#[test]
fn options_and_address_go_on_with_the_connection() {
    run(|| async {
        let listener = listener().await;
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_nodelay(true).unwrap();
        socket.set_linger(Some(Duration::from_secs(3))).unwrap();
        socket.bind(loopback()).unwrap();
        let bound = socket.local_addr().unwrap();
        assert_ne!(bound.port(), 0);

        let client = socket.connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut server, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, bound);
        assert_eq!(client.local_addr().unwrap(), bound);
        assert!(client.nodelay().unwrap());
        assert_eq!(client.linger().unwrap(), Some(Duration::from_secs(3)));
        client.set_linger(None).unwrap();

        (&client).write_all(b"hello").await.unwrap();
        let mut bytes = [0; 5];
        server.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"hello");
    });
}

// Goal: a listener made by hand accepts, and its address is the one that was bound.
#[test]
fn listens() {
    run(|| async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuse_addr(true).unwrap();
        assert!(socket.reuse_addr().unwrap());
        socket.bind(loopback()).unwrap();
        let bound = socket.local_addr().unwrap();
        let listener = socket.listen(16).unwrap();
        assert_eq!(listener.local_addr().unwrap(), bound);
        let client = TcpStream::connect(bound).await.unwrap();
        let (_server, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
    });
}

// Goal: the IPv6 socket connects to an IPv6 listener; the family follows the address.
#[test]
fn v6() {
    if !has_v6() {
        return;
    }
    run(|| async {
        let address: SocketAddr = "[::1]:0".parse().unwrap();
        let socket = TcpSocket::new_for(&address).unwrap();
        socket.set_only_v6(true).unwrap();
        assert!(socket.only_v6().unwrap());
        socket.bind(address).unwrap();
        let listener = socket.listen(8).unwrap();
        let socket = TcpSocket::new_v6().unwrap();
        let client = socket.connect(listener.local_addr().unwrap()).await.unwrap();
        let (_server, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
        assert!(peer.is_ipv6());
    });
}

// T10. Goal: a socket that waits unconnected while the loop turns is not remembered as hung up.
// Method: after connecting, `closed` waits, and reading waits for data.
#[test]
fn t10_unconnected_socket_is_not_registered() {
    run(|| async {
        let listener = listener().await;
        let socket = TcpSocket::new_v4().unwrap();
        turn().await;
        let client = socket.connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();

        assert!(poll_once(pin!(client.closed())).is_pending());
        let mut byte = [0];
        assert!(poll_once(pin!((&client).read(&mut byte))).is_pending());
        turn().await;
        assert!(poll_once(pin!(client.closed())).is_pending());
        assert_eq!(kind(client.try_read(&mut byte)), io::ErrorKind::WouldBlock);
        (&server).write_all(b"x").await.unwrap();
        assert_eq!((&client).read(&mut byte).await.unwrap(), 1);
        drop(server);
        client.closed().await.unwrap();
    });
}

// Goal: refused is told, by the future, not later by the stream.
#[test]
fn refused() {
    run(|| async {
        let socket = TcpSocket::new_v4().unwrap();
        let outcome = socket.connect(nobody().await).await;
        assert_eq!(kind(outcome), io::ErrorKind::ConnectionRefused);
    });
}

// Goal: bind's errors come through.
#[test]
fn bind_errors() {
    run(|| async {
        let listener = listener().await;
        let socket = TcpSocket::new_v4().unwrap();
        let taken = listener.local_addr().unwrap();
        assert_eq!(kind(socket.bind(taken)), io::ErrorKind::AddrInUse);
        // TEST-NET-1 (RFC 5737) is nobody's.
        let elsewhere = SocketAddr::from(([192, 0, 2, 1], 0));
        assert_eq!(kind(socket.bind(elsewhere)), io::ErrorKind::AddrNotAvailable);
        socket.bind(loopback()).unwrap();
        assert_eq!(kind(socket.bind(loopback())), io::ErrorKind::InvalidInput);
    });
}

// Goal: two sockets share a port where both ask for it.
#[test]
fn reuse_port() {
    run(|| async {
        let first = TcpSocket::new_v4().unwrap();
        assert!(!first.reuse_port().unwrap());
        first.set_reuse_port(true).unwrap();
        first.bind(loopback()).unwrap();
        let first = first.listen(8).unwrap();
        let second = TcpSocket::new_v4().unwrap();
        second.set_reuse_port(true).unwrap();
        second.bind(first.local_addr().unwrap()).unwrap();
        let second = second.listen(8).unwrap();
        assert!(second.reuse_port().unwrap());
        assert_eq!(first.local_addr().unwrap(), second.local_addr().unwrap());
    });
}

// T68. Goal: a blocking socket that is handed in does not block the loop. Method: connect and read
// where nothing is there; without O_NONBLOCK the test would hang.
#[test]
fn t68_foreign_socket_is_made_nonblocking() {
    run(|| async {
        let listener = listener().await;
        let owned = OwnedFd::from(TcpSocket::new_v4().unwrap());
        let foreign = std::net::TcpStream::from(owned);
        foreign.set_nonblocking(false).unwrap();
        assert!(!is_nonblocking(&foreign));
        let socket = TcpSocket::from_std(foreign).unwrap();
        assert!(is_nonblocking(&socket));

        let client = socket.connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let mut bytes = [0; 8];
        assert_eq!(kind(client.try_read(&mut bytes)), io::ErrorKind::WouldBlock);
        (&server).write_all(b"ab").await.unwrap();
        let mut received = 0;
        while received < 2 {
            received += (&client).read(&mut bytes[received..]).await.unwrap();
        }
        assert_eq!(&bytes[..2], b"ab");
    });
}

// Goal: a socket whose descriptor was shown and duplicated connects like any other, and its
// duplicate outlives the stream.
#[test]
fn lent_socket_connects() {
    run(|| async {
        let listener = listener().await;
        let socket = TcpSocket::new_v4().unwrap();
        let duplicate = socket.as_fd().try_clone_to_owned().unwrap();
        let client = socket.connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        assert!(poll_once(pin!(client.readable())).is_pending());
        drop(client);
        let client = TcpStream::try_from(duplicate).unwrap();
        (&client).write_all(b"on").await.unwrap();
        drop(client);
        let mut received = String::new();
        server.read_to_string(&mut received).await.unwrap();
        assert_eq!(received, "on");
    });
}

// Goal: the promises of the type itself.
#[test]
fn conversions_and_bounds() {
    assert_send::<TcpSocket>();
    assert_sync::<TcpSocket>();
    assert_debug::<TcpSocket>();
    let socket = TcpSocket::new_v4().unwrap();
    let number = socket.as_raw_fd();
    let owned = OwnedFd::from(socket);
    assert_eq!(owned.as_raw_fd(), number);
    assert!(is_nonblocking(&owned));
    let again = TcpSocket::try_from(owned).unwrap();
    assert_eq!(again.as_raw_fd(), number);
}

// Goal: every future that a socket gives out can go to another thread.
#[test]
fn futures_are_send() {
    fn check<T: Send>(_: T) {}
    let socket = TcpSocket::new_v4().unwrap();
    check(socket.connect(loopback()));
}
