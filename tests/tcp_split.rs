//! The halves of a TcpStream: borrowed and owned, dropped, forgotten and reunited.

#![cfg(feature = "net")]

mod support;
#[path = "support/tcp.rs"]
mod tcp;

use std::{
    io::{self, IoSlice, IoSliceMut},
    pin::pin,
};

use bytes::BytesMut;
use edgewake::{
    Interest,
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, WriteHalf},
    },
};
use support::{assert_debug, assert_error, assert_send, assert_sync};
use tcp::{kind, pair, poll_once, run};

/// More than the buffers of both ends hold.
const LARGE: usize = 4 << 20;

// Goal: both directions at once through borrowed halves, past what the buffers hold.
#[test]
fn borrowed_halves_go_both_ways_at_once() {
    run(|| async {
        let (mut client, mut server) = pair().await;
        let echo = edgewake::spawn(async move {
            let (mut read, mut write) = TcpStream::split(&mut server);
            edgewake::io::copy(&mut read, &mut write).await.unwrap();
            write.close().await.unwrap();
        });
        let sent: Vec<u8> = (0..LARGE).map(|n| n as u8).collect();
        let mut received = Vec::new();
        let (mut read, mut write) = TcpStream::split(&mut client);
        let writing = async {
            write.write_all(&sent).await.unwrap();
            write.close().await.unwrap();
        };
        let reading = async { read.read_to_end(&mut received).await.unwrap() };
        let ((), count) = futures::join!(writing, reading);
        assert_eq!(count, LARGE);
        assert!(sent == received);
        echo.await.unwrap();
    });
}

// T60. Goal: dropping a borrowed half does nothing.
#[test]
fn t60_borrowed_halves_do_not_shut_down() {
    run(|| async {
        let (mut client, mut server) = pair().await;
        {
            let (_read, _write) = TcpStream::split(&mut client);
        }
        client.write_all(b"still").await.unwrap();
        drop(client);
        let mut received = String::new();
        server.read_to_string(&mut received).await.unwrap();
        assert_eq!(received, "still");
    });
}

// T60. Goal: dropping the owned writing half ends the stream for the peer, and for it alone:
// reading goes on.
#[test]
fn t60_dropped_write_half_shuts_writing_down() {
    run(|| async {
        let (client, mut server) = pair().await;
        let (mut read, mut write) = client.into_split();
        write.write_all(b"bye").await.unwrap();
        drop(write);
        let mut received = String::new();
        server.read_to_string(&mut received).await.unwrap();
        assert_eq!(received, "bye");
        assert_eq!(kind(read.as_ref().try_write(b"x")), io::ErrorKind::BrokenPipe);
        server.write_all(b"answer").await.unwrap();
        drop(server);
        received.clear();
        read.read_to_string(&mut received).await.unwrap();
        assert_eq!(received, "answer");
    });
}

// T60. Goal: forgetting the writing half shuts nothing down. Method: the stream behind the reading
// half still writes.
#[test]
fn t60_forgotten_write_half_leaves_writing_open() {
    run(|| async {
        let (client, mut server) = pair().await;
        let (read, write) = client.into_split();
        write.forget();
        let mut whole: &TcpStream = read.as_ref();
        whole.write_all(b"open").await.unwrap();
        let mut bytes = [0; 4];
        server.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"open");
        drop(read);
        assert_eq!(server.read(&mut bytes).await.unwrap(), 0);
    });
}

// T60. Goal: reuniting, from either half, shuts nothing down.
#[test]
fn t60_reunite_leaves_writing_open() {
    run(|| async {
        let (client, mut server) = pair().await;
        let (read, write) = client.into_split();
        let client = read.reunite(write).unwrap();
        let (read, write) = client.into_split();
        let mut client = write.reunite(read).unwrap();
        client.write_all(b"open").await.unwrap();
        let mut bytes = [0; 4];
        server.read_exact(&mut bytes).await.unwrap();
        server.write_all(b"both").await.unwrap();
        client.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"both");
    });
}

// T60. Goal: halves of different streams come back unharmed.
#[test]
fn t60_reunite_of_strangers_gives_both_back() {
    run(|| async {
        let (first, mut first_peer) = pair().await;
        let (second, mut second_peer) = pair().await;
        let (read, second_write) = first.into_split();
        let (second_read, write) = second.into_split();
        let error = read.reunite(write).unwrap_err();
        assert_eq!(error.to_string(), "the halves are not of the same stream");
        let ReuniteError(mut read, mut write) = error;
        first_peer.write_all(b"1").await.unwrap();
        let mut byte = [0];
        read.read_exact(&mut byte).await.unwrap();
        write.write_all(b"2").await.unwrap();
        second_peer.read_exact(&mut byte).await.unwrap();
        assert_eq!(&byte, b"2");
        read.reunite(second_write).unwrap();
        write.reunite(second_read).unwrap();
    });
}

// Goal: closing the writing half twice, and dropping it then, ends the stream once and is no error.
#[test]
fn close_is_idempotent() {
    run(|| async {
        let (client, mut server) = pair().await;
        let (read, mut write) = client.into_split();
        write.close().await.unwrap();
        write.close().await.unwrap();
        assert_eq!(kind(write.write(b"x").await), io::ErrorKind::BrokenPipe);
        drop(write);
        assert_eq!(server.read(&mut [0]).await.unwrap(), 0);
        drop(read);
    });
}

// Goal: each half keeps the socket open, and the last one closes it.
#[test]
fn socket_closes_with_the_last_half() {
    run(|| async {
        let (client, mut server) = pair().await;
        let (read, mut write) = client.into_split();
        drop(read);
        write.write_all(b"w").await.unwrap();
        let mut byte = [0];
        server.read_exact(&mut byte).await.unwrap();
        drop(write);
        assert_eq!(server.read(&mut byte).await.unwrap(), 0);
    });
}

// Goal: two tasks, one a half, move more than the buffers hold in both directions.
#[test]
fn owned_halves_in_two_tasks() {
    run(|| async {
        let (client, server) = pair().await;
        let echo = edgewake::spawn(async move {
            let (mut read, mut write) = server.into_split();
            edgewake::io::copy(&mut read, &mut write).await.unwrap()
        });
        let (mut read, mut write) = client.into_split();
        let writer = edgewake::spawn(async move {
            let chunk = [5; 10_000];
            for _ in 0..LARGE / chunk.len() {
                write.write_all(&chunk).await.unwrap();
            }
        });
        let mut received = Vec::new();
        read.read_to_end(&mut received).await.unwrap();
        assert_eq!(received.len(), LARGE / 10_000 * 10_000);
        assert!(received.iter().all(|byte| *byte == 5));
        writer.await.unwrap();
        assert_eq!(echo.await.unwrap() as usize, received.len());
    });
}

// Goal: the halves' own methods do what those of the stream do.
#[test]
fn methods_of_the_halves() {
    run(|| async {
        let (mut client, server) = pair().await;
        let address = client.local_addr().unwrap();
        let (read, write) = server.into_split();
        assert_eq!(read.peer_addr().unwrap(), address);
        assert_eq!(write.peer_addr().unwrap(), address);
        assert_eq!(read.local_addr().unwrap(), write.local_addr().unwrap());

        let mut bytes = [0; 4];
        assert_eq!(kind(read.try_read(&mut bytes)), io::ErrorKind::WouldBlock);
        assert!(poll_once(pin!(read.readable())).is_pending());
        let (mut client_read, client_write) = TcpStream::split(&mut client);
        client_write.writable().await.unwrap();
        assert_eq!(client_write.try_write(b"ab").unwrap(), 2);
        let parts = [IoSlice::new(b"c"), IoSlice::new(b"d")];
        assert_eq!(client_write.try_write_vectored(&parts).unwrap(), 2);

        read.readable().await.unwrap();
        assert!(read.ready(Interest::READABLE).await.unwrap().is_readable());
        while read.peek(&mut bytes).await.unwrap() < 4 {
            edgewake::yield_now().await;
        }
        let (mut first, mut second) = ([0; 1], [0; 1]);
        let mut parts = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(read.try_read_vectored(&mut parts).unwrap(), 2);
        assert_eq!([first, second], [*b"a", *b"b"]);
        let mut rest = BytesMut::new();
        assert_eq!(read.try_read_buf(&mut rest).unwrap(), 2);
        assert_eq!(rest, "cd");

        assert!(write.ready(Interest::WRITABLE).await.unwrap().is_writable());
        assert_eq!(write.try_write_buf(&mut &b"e"[..]).unwrap(), 1);
        assert_eq!(write.write_buf(&mut &b"f"[..]).await.unwrap(), 1);
        write.write_all_buf(&mut &b"gh"[..]).await.unwrap();
        client_read.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"efgh");

        drop(client);
        read.closed().await.unwrap();
        assert_eq!(read.read_buf(&mut rest).await.unwrap(), 0);
    });
}

// Goal: a reader that waits is woken by its data although the other half is busy, and dropped.
#[test]
fn reader_waits_while_the_other_half_goes() {
    run(|| async {
        let (client, mut server) = pair().await;
        let (mut read, write) = client.into_split();
        let reader = edgewake::spawn(async move {
            let mut byte = [0];
            read.read_exact(&mut byte).await.map(|()| byte)
        });
        edgewake::yield_now().await;
        drop(write);
        assert_eq!(server.read(&mut [0]).await.unwrap(), 0);
        server.write_all(b"!").await.unwrap();
        assert_eq!(reader.await.unwrap().unwrap(), *b"!");
    });
}

// Goal: the promises of the types themselves.
#[test]
fn bounds() {
    assert_send::<ReadHalf<'static>>();
    assert_sync::<ReadHalf<'static>>();
    assert_debug::<ReadHalf<'static>>();
    assert_send::<WriteHalf<'static>>();
    assert_sync::<WriteHalf<'static>>();
    assert_debug::<WriteHalf<'static>>();
    assert_send::<OwnedReadHalf>();
    assert_sync::<OwnedReadHalf>();
    assert_send::<OwnedWriteHalf>();
    assert_sync::<OwnedWriteHalf>();
    assert_error::<ReuniteError>();
}

// Goal: every future that a half gives out can go to another thread.
#[test]
fn futures_are_send() {
    fn check<T: Send>(_: T) {}
    run(|| async {
        let (client, _server) = pair().await;
        let (read, write) = client.into_split();
        let mut bytes = [0; 8];
        check(read.readable());
        check(read.ready(Interest::READABLE));
        check(read.closed());
        check(read.peek(&mut bytes));
        check(read.read_buf(&mut BytesMut::new()));
        check(write.writable());
        check(write.write_buf(&mut &b""[..]));
        check(write.write_all_buf(&mut &b""[..]));
    });
}
