//! What the tests of TCP share: a runtime for a test's body, connected pairs, and the states that
//! a connection is brought into.

#![allow(dead_code, reason = "each test binary compiles its own copy and uses a part of it")]
#![allow(unreachable_pub, reason = "a module of each test binary, reached as `tcp::…`")]

use std::{
    future::Future,
    io,
    net::{Ipv6Addr, SocketAddr},
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use edgewake::{
    Runtime,
    net::{TcpListener, TcpStream},
};

use crate::support::deadline;

/// Runs the future that `body` makes in a runtime of its own, under the deadline of all tests.
#[track_caller]
pub fn run<F: Future<Output = R>, R: Send + 'static>(
    body: impl FnOnce() -> F + Send + 'static,
) -> R {
    deadline(move || Runtime::new().expect("a runtime").block_on(body()))
}

/// A listener on a port that the system chooses.
pub async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a loopback listener")
}

/// The two ends of a connection: the one that connected, and the one that was accepted.
pub async fn pair() -> (TcpStream, TcpStream) {
    pair_of(&listener().await).await
}

pub async fn pair_of(listener: &TcpListener) -> (TcpStream, TcpStream) {
    let address = listener.local_addr().expect("the listener's address");
    let client = TcpStream::connect(address).await.expect("a loopback connection");
    let (server, _) = listener.accept().await.expect("the connection's other end");
    // Tests write twice in one direction, which Nagle's algorithm would delay.
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("an option of TCP");
    }
    (client, server)
}

/// An address on which nobody listens.
pub async fn nobody() -> SocketAddr {
    listener().await.local_addr().expect("the listener's address")
}

/// Whether IPv6's loopback can be used here; says so where it cannot.
#[allow(clippy::print_stdout, reason = "a test that has nothing to test says so")]
pub fn has_v6() -> bool {
    let has = std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    if !has {
        println!("skipped: no IPv6 loopback");
    }
    has
}

/// Writes until the connection takes no more, and returns how many bytes.
pub fn fill(stream: &TcpStream) -> usize {
    let bytes = [7; 64 * 1024];
    let mut filled = 0;
    loop {
        match stream.try_write(&bytes) {
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return filled,
            Err(error) => panic!("filling a connection: {error}"),
        }
    }
}

/// Reads `length` bytes and drops them.
pub async fn drain(stream: &TcpStream, mut length: usize) {
    let mut bytes = vec![0; 64 * 1024];
    while length > 0 {
        stream.readable().await.expect("a connection to drain");
        match stream.try_read(&mut bytes) {
            Ok(0) => panic!("the stream ends {length} bytes early"),
            Ok(count) => length -= count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => panic!("draining a connection: {error}"),
        }
    }
}

/// Closes one end so that the other sees a reset, and waits until it has arrived there.
pub async fn reset(end: TcpStream, other: &TcpStream) {
    end.set_linger(Some(Duration::ZERO)).expect("an option of sockets");
    drop(end);
    other.closed().await.expect("a driver");
}

/// Lets the loop turn: a byte there and back over a connection of its own, each awaited.
pub async fn turn() {
    let (there, back) = pair().await;
    for (from, to) in [(&there, &back), (&back, &there)] {
        assert!(poll_once(std::pin::pin!(to.readable())).is_pending());
        assert_eq!(from.try_write(b"x").expect("room for a byte"), 1);
        drain(to, 1).await;
    }
}

/// Polls once with a waker that does nothing.
pub fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// The kind of a failed operation's error.
#[track_caller]
pub fn kind<T>(outcome: io::Result<T>) -> io::ErrorKind {
    match outcome {
        Ok(_) => panic!("the operation has succeeded"),
        Err(error) => error.kind(),
    }
}

/// Counts how often it is polled until the future is ready.
pub async fn count_polls<F: Future>(future: F) -> (F::Output, usize) {
    let mut future = std::pin::pin!(future);
    let mut polls = 0;
    let output = std::future::poll_fn(|cx| {
        polls += 1;
        future.as_mut().poll(cx)
    })
    .await;
    (output, polls)
}
