//! Connecting Unix streams: refusals, and the backlog that is full.

#![cfg(all(feature = "net", feature = "time"))]

#[path = "support/driven.rs"]
mod driven;
mod support;
#[path = "support/tcp.rs"]
mod tcp;
#[path = "support/unix.rs"]
mod unix;

use std::{fs, io, os::unix::net as std_net, pin::pin, time::Duration};

use driven::Driven;
use edgewake::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream, unix::UnixBind},
    time::timeout,
};
use futures::executor;
use support::deadline;
use tcp::{kind, poll_once, run};
use unix::{LINUX, SocketPath, fill_backlog};

/// A listener with a backlog that its clients have filled.
fn full(path: &SocketPath) -> (UnixListener, Vec<UnixStream>) {
    let listener = UnixBind::new().backlog(1).listener(&**path).expect("a listener");
    (listener, fill_backlog(path))
}

// Goal: each refusal says what it is.
#[test]
fn refusals() {
    run(|| async {
        let path = SocketPath::new();
        assert_eq!(kind(UnixStream::connect(&*path).await), io::ErrorKind::NotFound);
        fs::write(&*path, b"").unwrap();
        UnixStream::connect(&*path).await.unwrap_err();
        fs::remove_file(&*path).unwrap();
        drop(std_net::UnixListener::bind(&*path).unwrap());
        assert_eq!(kind(UnixStream::connect(&*path).await), io::ErrorKind::ConnectionRefused);
        assert_eq!(kind(UnixStream::try_connect(&*path)), io::ErrorKind::ConnectionRefused);
        fs::remove_file(&*path).unwrap();
        // Of another type.
        let _datagram = std_net::UnixDatagram::bind(&*path).unwrap();
        UnixStream::connect(&*path).await.unwrap_err();
    });
}

// T56. Goal: a connect that finds the backlog full waits, and is connected once there is room: its
// bytes arrive. Everybody that waits gets there.
#[test]
fn t56_full_backlog_waits() {
    if !LINUX {
        return;
    }
    run(|| async {
        let path = SocketPath::new();
        let (listener, clients) = full(&path);
        let late: Vec<_> = (0..4_u8)
            .map(|number| {
                let path = path.to_path_buf();
                edgewake::spawn(async move {
                    let mut client = UnixStream::connect(path).await.unwrap();
                    client.write_all(&[number]).await.unwrap();
                    client
                })
            })
            .collect();
        let mut numbers = Vec::new();
        for _ in 0..clients.len() {
            let (_quiet, _) = listener.accept().await.unwrap();
        }
        drop(clients);
        for _ in 0..late.len() {
            let (mut server, _) = listener.accept().await.unwrap();
            let mut byte = [0];
            server.read_exact(&mut byte).await.unwrap();
            numbers.push(byte[0]);
        }
        numbers.sort_unstable();
        assert_eq!(numbers, [0, 1, 2, 3]);
        for task in late {
            task.await.unwrap();
        }
    });
}

// T56. Goal: the wait can be cancelled, by a timeout and by dropping, and leaves nothing in the
// listener's queue; trying does not wait.
#[test]
fn t56_full_backlog_can_be_given_up() {
    if !LINUX {
        return;
    }
    run(|| async {
        let path = SocketPath::new();
        let (listener, clients) = full(&path);
        assert_eq!(kind(UnixStream::try_connect(&*path)), io::ErrorKind::WouldBlock);
        let waiting = timeout(Duration::from_millis(30), UnixStream::connect(&*path));
        waiting.await.unwrap_err();
        {
            let mut dropped = pin!(UnixStream::connect(&*path));
            assert!(poll_once(dropped.as_mut()).is_pending());
        }
        let queued = clients.len();
        for _ in 0..queued {
            listener.try_accept().unwrap();
        }
        assert_eq!(kind(listener.try_accept()), io::ErrorKind::WouldBlock);
    });
}

// T56. Goal: the listener that goes while a connect waits refuses it.
#[test]
fn t56_listener_goes_while_a_connect_waits() {
    if !LINUX {
        return;
    }
    run(|| async {
        let path = SocketPath::new();
        let (listener, _clients) = full(&path);
        let mut connect = pin!(UnixStream::connect(&*path));
        assert!(poll_once(connect.as_mut()).is_pending());
        drop(listener);
        assert_eq!(kind(connect.await), io::ErrorKind::ConnectionRefused);
    });
}

// T56. Goal: waiting for room does not spin. Method: the loop has nothing to do but a timer, each
// time that it is looked at.
#[test]
fn t56_waiting_is_at_rest() {
    if !LINUX {
        return;
    }
    deadline(|| {
        let path = SocketPath::new();
        let mut driven = Driven::new();
        let (_listener, _clients) = driven.block_on(async { full(&path) });
        let target = path.to_path_buf();
        let task = driven.spawn(async move { UnixStream::connect(target).await.map(drop) });
        for _ in 0..5 {
            let pause = driven.settle().expect("a timer is pending");
            assert!(pause > Duration::ZERO && pause <= Duration::from_millis(100), "{pause:?}");
        }
        task.abort();
        drop(task);
        driven.rest();
    });
}

// T56. Goal: where nothing can time the wait, the error is what the system said.
#[test]
fn t56_without_a_driver() {
    if !LINUX {
        return;
    }
    deadline(|| {
        let path = SocketPath::new();
        let (_listener, _clients) = full(&path);
        let outcome = executor::block_on(UnixStream::connect(&*path));
        assert_eq!(kind(outcome), io::ErrorKind::WouldBlock);
    });
}

// Goal: elsewhere a full backlog is a refusal, and never a connection that does not stand.
#[test]
fn full_backlog_elsewhere() {
    if LINUX {
        return;
    }
    run(|| async {
        let path = SocketPath::new();
        let _listener = UnixBind::new().backlog(1).listener(&*path).unwrap();
        let mut clients = Vec::new();
        let error = loop {
            match UnixStream::connect(&*path).await {
                Ok(client) => clients.push(client),
                Err(error) => break error,
            }
            assert!(clients.len() < 100, "the backlog is never full");
        };
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    });
}
