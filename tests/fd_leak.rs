//! No descriptor is left open by whatever is done with the library.
//!
//! One test: it counts the descriptors of the whole process.

#![cfg(all(feature = "net", feature = "time"))]

#[path = "support/os.rs"]
mod os;
#[path = "support/peer.rs"]
mod peer;
mod support;

use std::{
    io::{self, Write},
    net::Ipv4Addr,
    os::{fd::OwnedFd, unix::net::UnixStream},
    time::Duration,
};

use edgewake::{
    AsyncFd, Interest, Runtime,
    net::{TcpListener, TcpStream},
    spawn, spawn_local,
    time::{sleep, timeout},
    yield_now,
};
use futures::{AsyncReadExt, AsyncWriteExt};

use crate::{
    peer::{accepted, connect, listener, pair, refusing, reset},
    support::{WakeCount, deadline, message, quietly},
};

/// Runs a scenario several times; afterwards as many descriptors are open as before.
#[track_caller]
fn leaves_nothing(what: &str, scenario: impl Fn()) {
    let before = os::open_descriptors();
    for round in 0..5 {
        scenario();
        assert_eq!(os::open_descriptors(), before, "{what}, round {round}");
    }
}

fn runtime() -> Runtime {
    Runtime::new().expect("a runtime")
}

async fn echo_once() {
    let listener = listener().await;
    let address = listener.local_addr().expect("bound");
    let server = spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut room = [0; 64];
        let count = stream.read(&mut room).await.expect("data");
        stream.write_all(&room[..count]).await.expect("room");
    });
    let mut client = TcpStream::connect(address).await.expect("it listens");
    client.write_all(b"ping").await.expect("room");
    client.read_exact(&mut [0; 4]).await.expect("the echo");
    server.await.expect("no panic");
}

async fn failures() {
    let (_held, address) = refusing();
    TcpStream::connect(address).await.expect_err("nobody listens");
    TcpStream::connect([address, address]).await.expect_err("nobody listens, twice");
    TcpStream::connect("no address").await.expect_err("a name");
    let taken = listener().await;
    let taken = taken.local_addr().expect("bound");
    let _other = std::net::TcpListener::bind(taken);
    let bound = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let in_use = bound.local_addr().expect("bound");
    TcpListener::bind(in_use).await.expect_err("it is in use");
    let no_interface = (Ipv4Addr::new(192, 0, 2, 1), 1);
    TcpListener::bind(no_interface).await.expect_err("an address of nobody here");
}

/// Operations that are dropped before they are over, and one that times out.
async fn cancellations() {
    let listener = listener().await;
    let address = listener.local_addr().expect("bound");
    let count = WakeCount::new();
    for _ in 0..3 {
        let mut connecting = Box::pin(TcpStream::connect(address));
        let _pending_or_done = count.poll(&mut connecting);
    }
    {
        let mut accepting = Box::pin(listener.accept());
        while count.poll(&mut accepting).is_ready() {
            // The kernel has finished a connect that was dropped here.
            accepting = Box::pin(listener.accept());
        }
    }
    let (stream, _peer) = accepted_after(&listener).await;
    assert!(count.poll(&mut Box::pin(stream.readable())).is_pending());
    assert!(count.poll(&mut Box::pin(stream.closed())).is_pending());
    let wait = timeout(Duration::from_millis(1), (&stream).read(&mut [0; 1])).await;
    wait.expect_err("nothing was sent");
    let task = spawn_local(async move { stream.readable().await });
    yield_now().await;
    task.abort();
    assert!(task.await.expect_err("aborted").is_cancelled());
}

/// The connection made here, after whatever the listener's queue holds already.
async fn accepted_after(listener: &TcpListener) -> (TcpStream, std::net::TcpStream) {
    let peer = connect(listener);
    let address = peer.local_addr().expect("a socket");
    loop {
        let (stream, from) = listener.accept().await.expect("a connection is queued");
        if from == address {
            return (stream, peer);
        }
    }
}

async fn refused_descriptors() {
    let (ours, _peer) = UnixStream::pair().expect("a pair");
    let error = AsyncFd::with_interest(ours, Interest::empty()).expect_err("empty");
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    let (ours, _peer) = UnixStream::pair().expect("a pair");
    let first = AsyncFd::new(&ours).expect("it can be polled");
    AsyncFd::new(&ours).expect_err("it is taken");
    drop(first);
    let taken_out = AsyncFd::new(ours).expect("it is free").into_inner();
    drop(OwnedFd::from(taken_out));
    let (stream, peer) = pair().await;
    reset(peer);
    stream.closed().await.expect("a driver");
    drop(stream.into_std().expect("no error today"));
}

/// A runtime that goes while its tasks hold sockets and timers in every state.
fn dropped_runtime() {
    let runtime = runtime();
    let mut outlives = runtime.block_on(async {
        let listener = listener().await;
        let (waiting, _peer) = accepted(&listener).await;
        spawn_local(async move { waiting.readable().await });
        let (panics, peer) = accepted(&listener).await;
        spawn_local(async move {
            let _held = (panics, peer);
            panic!("a panic of the test");
        });
        spawn_local(sleep(Duration::from_secs(3600)));
        let queued = connect(&listener);
        let (outlives, mut peer) = accepted_after(&listener).await;
        drop(queued);
        spawn_local(async move {
            loop {
                drop(listener.accept().await);
            }
        });
        let mut wait = Box::pin(outlives.readable());
        assert!(WakeCount::new().poll(&mut wait).is_pending());
        drop(wait);
        peer.write_all(b"x").expect("room");
        for _ in 0..10 {
            yield_now().await;
        }
        outlives
    });
    let handle = runtime.handle();
    let _never_run = runtime.spawn(std::future::pending::<()>());
    drop(runtime);
    assert_eq!(outlives.try_read(&mut [0; 4]).expect("what was sent"), 1);
    let late = handle.spawn(async {});
    assert!(futures::executor::block_on(late).expect_err("too late").is_cancelled());
    let lost = futures::executor::block_on(outlives.read(&mut [0; 4]));
    assert!(lost.is_ok_and(|count| count == 0), "the peer has closed");
}

// T24, T51, T59. Goal: nothing is left open after operations that succeed, fail or are dropped, nor
// after runtimes that are.
#[test]
fn t59_no_descriptor_is_left_open() {
    deadline(|| {
        // Whatever std opens once and keeps is open from here on.
        runtime().block_on(echo_once());
        leaves_nothing("a runtime", || drop(runtime()));
        leaves_nothing("an echo", || runtime().block_on(echo_once()));
        leaves_nothing("failures", || runtime().block_on(failures()));
        leaves_nothing("cancellations", || runtime().block_on(cancellations()));
        leaves_nothing("refused descriptors", || runtime().block_on(refused_descriptors()));
        quietly("a panic of the test", || {
            leaves_nothing("a dropped runtime", dropped_runtime);
        });
        leaves_nothing("no runtime", || {
            let (_held, address) = refusing();
            let refused = futures::executor::block_on(TcpStream::connect(address));
            refused.expect_err("neither a driver nor a listener");
            let (ours, _peer) = UnixStream::pair().expect("a pair");
            let error = AsyncFd::new(ours).expect_err("no driver is running");
            assert_eq!(error.kind(), io::ErrorKind::NotConnected);
        });
        leaves_nothing("a panic of the root", || {
            let panic = std::panic::catch_unwind(|| {
                quietly("a panic of the test", || {
                    runtime().block_on(async {
                        let _held = pair().await;
                        panic!("a panic of the test");
                    });
                });
            });
            assert_eq!(message(&*panic.expect_err("it panics")), "a panic of the test");
        });
        // What a handle may keep open, it keeps no longer than it lives.
        leaves_nothing("a handle that outlives its runtime", || {
            let handle = runtime().handle();
            drop(handle.spawn(async {}));
            drop(handle);
        });
    });
}
