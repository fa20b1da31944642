//! A peer cannot make the library take more and more memory: nothing here grows with what it sends
//! or with how often it comes.
//!
//! One test: it watches the heap of the whole process.

#![cfg(feature = "net")]

#[path = "support/allocations.rs"]
mod allocations;
mod support;

use std::{
    io::Write,
    net::{self, Ipv4Addr},
    os::fd::AsFd,
    pin::pin,
};

use edgewake::{
    Runtime,
    io::{AsyncReadExt, pipe},
    net::{TcpListener, UdpSocket, UnixStream},
};
use support::{WakeCount, deadline};

/// How often each peer does what it does, in a round; small enough for any backlog.
const TIMES: usize = 20;
const ROUNDS: usize = 50;

const LOCALHOST: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// Connections that come and go, some before they were accepted, some while somebody waits.
async fn come_and_go(listener: &TcpListener, count: &WakeCount) {
    let address = listener.local_addr().expect("bound");
    let peers: Vec<_> = (0..TIMES).map(|_| net::TcpStream::connect(address)).collect();
    for (number, peer) in peers.into_iter().enumerate() {
        let peer = peer.expect("it listens");
        // Every second one has gone before it is accepted.
        let peer = (number % 2 == 0).then_some(peer);
        let (stream, _) = listener.accept().await.expect("a connection");
        let mut waits = pin!(stream.closed());
        if peer.is_some() {
            assert!(count.poll(&mut waits).is_pending());
        }
        drop(peer);
        waits.await.expect("a driver");
    }
}

/// A stream that nobody reads, though somebody waits for its end: data and urgent data.
async fn flood_a_stream(listener: &TcpListener, count: &WakeCount) {
    let address = listener.local_addr().expect("bound");
    let mut peer = net::TcpStream::connect(address).expect("it listens");
    let (mut stream, _) = listener.accept().await.expect("a connection");
    let sent = {
        let mut waits = pin!(stream.closed());
        assert!(count.poll(&mut waits).is_pending());
        peer.set_nonblocking(true).expect("a socket");
        let mut sent = 0;
        // Until its own buffer is full.
        while let Ok(written) = peer.write(&[b'x'; 4096]) {
            sent += written;
            edgewake::yield_now().await;
            assert!(count.poll(&mut waits).is_pending());
        }
        sent
    };
    drop(peer);
    let mut room = [0; 4096];
    let mut received = 0;
    while let Ok(length @ 1..) = stream.read(&mut room).await {
        received += length;
    }
    assert_eq!(received, sent);
}

/// Datagrams that nobody receives, though somebody waits for room to send.
async fn flood_a_socket() {
    let socket = UdpSocket::bind(LOCALHOST).await.expect("a socket");
    let address = socket.local_addr().expect("bound");
    let peer = net::UdpSocket::bind(LOCALHOST).expect("a socket");
    peer.connect(address).expect("an address");
    for _ in 0..TIMES * 20 {
        // What finds no room is lost, here or there.
        let _lost = peer.send(&[b'x'; 1000]);
        socket.writable().await.expect("a driver");
    }
    assert!(socket.recv(&mut [0; 1000]).await.is_ok());
}

/// Descriptors beside bytes, to a receiver that never asked for any.
async fn flood_with_descriptors() {
    let (here, mut there) = UnixStream::pair().expect("a pair");
    let (sender, _receiver) = pipe::pipe().expect("a pipe");
    for _ in 0..TIMES {
        let fds = [sender.as_fd(); 10];
        assert_eq!(here.send_with_fds(b"x", &fds).await.expect("room"), 1);
        assert_eq!(there.read(&mut [0; 8]).await.expect("a byte"), 1);
    }
}

// T64. Goal: the heap is as large after many rounds of each as after the first few. Method:
// each round ends with everything read and closed; what the library keeps to use again, it has by
// then.
#[test]
fn nothing_grows_with_what_peers_do() {
    deadline(|| {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind(LOCALHOST)).expect("a listener");
        let count = WakeCount::new();
        let round = || {
            runtime.block_on(async {
                come_and_go(&listener, &count).await;
                flood_a_stream(&listener, &count).await;
                flood_a_socket().await;
                flood_with_descriptors().await;
            });
        };
        (0..3).for_each(|_| round());
        let before = allocations::in_use();
        (0..ROUNDS).for_each(|_| round());
        let after = allocations::in_use();
        assert!(after <= before + 4096, "{before} bytes grew to {after}");
    });
}
