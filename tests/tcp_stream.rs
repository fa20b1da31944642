//! TcpStream: echo in both styles of reading, watching for the peer's end, readiness by name.

#![cfg(feature = "net")]

mod support;
#[path = "support/tcp.rs"]
mod tcp;

use std::{
    io::{self, IoSlice, IoSliceMut},
    net::Shutdown,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    pin::pin,
};

use edgewake::{
    Interest,
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tcp::{drain, fill, kind, listener, pair, poll_once, run, turn};

/// Echoes until the end, with no buffer while it waits.
async fn echo(stream: TcpStream) {
    let mut buffer = [0; 1000];
    loop {
        stream.readable().await.unwrap();
        match stream.try_read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => (&stream).write_all(&buffer[..count]).await.unwrap(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => panic!("{error}"),
        }
    }
}

// Goal: many connections at once, small messages to and fro and then more than the buffers hold,
// each byte back where it belongs. Method: both styles of reading, one at each end.
#[test]
fn echo_of_many_connections() {
    run(|| async {
        const CONNECTIONS: u8 = 50;
        let listener = listener().await;
        let address = listener.local_addr().unwrap();
        let server = edgewake::spawn(async move {
            let mut tasks = Vec::new();
            for _ in 0..CONNECTIONS {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                tasks.push(edgewake::spawn(echo(stream)));
            }
            for task in tasks {
                task.await.unwrap();
            }
        });
        let client = |number: u8| async move {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.set_nodelay(true).unwrap();
            for round in 0..20 {
                client.write_all(&[number, round]).await.unwrap();
                let mut answer = [0; 2];
                client.read_exact(&mut answer).await.unwrap();
                assert_eq!(answer, [number, round]);
            }
            let sent: Vec<u8> = (0..100_000).map(|n| n as u8 ^ number).collect();
            let mut answer = vec![0; sent.len()];
            let (mut read, mut write) = (&client, &client);
            let (written, received) =
                futures::join!(write.write_all(&sent), read.read_exact(&mut answer));
            written.unwrap();
            received.unwrap();
            assert!(answer == sent);
            client.close().await.unwrap();
            assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
        };
        let clients: Vec<_> = (0..CONNECTIONS).map(|n| edgewake::spawn(client(n))).collect();
        for client in clients {
            client.await.unwrap();
        }
        server.await.unwrap();
    });
}

// Goal: `closed` tells that the peer has closed without anything being read; data does not wake
// it, and stays.
#[test]
fn closed_waits_for_the_end_alone() {
    run(|| async {
        let (mut client, mut server) = pair().await;
        {
            let mut closed = pin!(server.closed());
            assert!(poll_once(closed.as_mut()).is_pending());
            client.write_all(b"data").await.unwrap();
            turn().await;
            assert!(poll_once(closed.as_mut()).is_pending());
            client.shutdown(Shutdown::Write).unwrap();
            closed.await.unwrap();
        }
        server.closed().await.unwrap();
        let mut received = String::new();
        server.read_to_string(&mut received).await.unwrap();
        assert_eq!(received, "data");
        server.closed().await.unwrap();
        // The other direction is open.
        assert!(poll_once(pin!(client.closed())).is_pending());
    });
}

// Goal: `closed` ends with a reset too, and two that wait are both woken.
#[test]
fn closed_by_a_reset() {
    run(|| async {
        let (client, server) = pair().await;
        let (first, second) = (server.closed(), server.closed());
        let closing = async {
            turn().await;
            client.set_linger(Some(std::time::Duration::ZERO)).unwrap();
            drop(client);
        };
        let (first, second, ()) = futures::join!(first, second, closing);
        first.unwrap();
        second.unwrap();
    });
}

// Goal: `ready` says what was reported of what was asked for, and an empty interest is refused.
#[test]
fn ready_by_interest() {
    run(|| async {
        let (mut client, server) = pair().await;
        let both = Interest::READABLE | Interest::WRITABLE;
        let readiness = server.ready(both).await.unwrap();
        assert!(readiness.is_writable() && !readiness.is_readable());
        assert!(poll_once(pin!(server.ready(Interest::READABLE))).is_pending());

        client.write_all(b"x").await.unwrap();
        assert!(server.ready(Interest::READABLE).await.unwrap().is_readable());
        let readiness = server.ready(both).await.unwrap();
        assert!(readiness.is_readable() && readiness.is_writable());
        assert!(!readiness.is_read_closed() && !readiness.is_error());

        drop(client);
        server.closed().await.unwrap();
        assert!(server.ready(Interest::READABLE).await.unwrap().is_read_closed());
        let nothing = Interest::empty();
        assert_eq!(kind(server.ready(nothing).await), io::ErrorKind::InvalidInput);
    });
}

// Goal: writability is lost when the buffers are full and comes back when the peer reads.
#[test]
fn writable_again() {
    run(|| async {
        let (client, server) = pair().await;
        for _ in 0..3 {
            client.writable().await.unwrap();
            let filled = fill(&client);
            assert!(filled > 0);
            assert!(poll_once(pin!(client.writable())).is_pending());
            drain(&server, filled).await;
        }
        client.writable().await.unwrap();
    });
}

// Goal: the `try_` functions, vectored too, never wait.
#[test]
fn attempts() {
    run(|| async {
        let (client, server) = pair().await;
        assert_eq!(kind(server.try_read(&mut [0; 4])), io::ErrorKind::WouldBlock);
        let parts = [IoSlice::new(b"ab"), IoSlice::new(b"cd")];
        assert_eq!(client.try_write_vectored(&parts).unwrap(), 4);
        assert_eq!(client.try_write(b"e").unwrap(), 1);
        while server.peek(&mut [0; 8]).await.unwrap() < 5 {
            turn().await;
        }
        let (mut first, mut second) = ([0; 3], [0; 3]);
        let mut parts = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(server.try_read_vectored(&mut parts).unwrap(), 5);
        assert_eq!((&first, &second[..2]), (b"abc", &b"de"[..]));
        let mut parts = [IoSliceMut::new(&mut first)];
        assert_eq!(kind(server.try_read_vectored(&mut parts)), io::ErrorKind::WouldBlock);
    });
}

// Goal: the descriptor goes out and comes back as it was.
#[test]
fn conversions() {
    run(|| async {
        let (client, mut server) = pair().await;
        let number = client.as_raw_fd();
        assert_eq!(client.as_fd().as_raw_fd(), number);
        let owned = OwnedFd::from(client);
        assert_eq!(owned.as_raw_fd(), number);
        let client = TcpStream::try_from(owned).unwrap();
        let std = client.into_std().unwrap();
        assert_eq!(std.as_raw_fd(), number);
        let mut client = TcpStream::try_from(std).unwrap();
        assert!(format!("{client:?}").contains("TcpStream"));
        client.write_all(b"x").await.unwrap();
        server.read_exact(&mut [0]).await.unwrap();
    });
}
