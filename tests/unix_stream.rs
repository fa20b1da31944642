//! UnixStream: all that a TCP stream does, over a pair and over a connection by path.

#![cfg(feature = "net")]

#[path = "support/driven.rs"]
mod driven;
mod support;
#[path = "support/tcp.rs"]
mod tcp;
#[path = "support/unix.rs"]
mod unix;

use std::{
    io::{self, IoSlice, IoSliceMut},
    net::Shutdown,
    os::fd::{AsFd, OwnedFd},
    pin::pin,
};

use bytes::{Buf, BytesMut};
use driven::Driven;
use edgewake::{
    Interest,
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
};
use support::{assert_debug, assert_send, assert_sync, assert_unpin};
use tcp::{kind, poll_once, run};
use unix::{connection, fill, take};

/// Both kinds of connected streams.
async fn both() -> [(UnixStream, UnixStream); 2] {
    [UnixStream::pair().expect("a pair"), connection().await]
}

// Goal: bytes go both ways, past what the buffers hold, in both styles of reading.
#[test]
fn both_ways_at_once() {
    run(|| async {
        for (here, there) in both().await {
            let sent: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
            let copy = sent.clone();
            let echo = edgewake::spawn(async move {
                let (mut read, mut write) = there.into_split();
                edgewake::io::copy(&mut read, &mut write).await.unwrap();
            });
            let (mut read, mut write) = here.into_split();
            let writer = edgewake::spawn(async move {
                write.write_all(&copy).await.unwrap();
                write.close().await.unwrap();
            });
            let mut received = Vec::new();
            read.read_to_end(&mut received).await.unwrap();
            assert!(received == sent);
            writer.await.unwrap();
            echo.await.unwrap();
        }
    });
}

// Goal: a reader that waits is woken by data and by the end, and sees both (T2: the end behind a
// short read).
#[test]
fn t02_end_behind_a_short_read() {
    run(|| async {
        for (mut here, there) in both().await {
            let mut bytes = [0; 64];
            assert!(poll_once(pin!(here.read(&mut bytes))).is_pending());
            assert_eq!(there.try_write(b"last words").unwrap(), 10);
            drop(there);
            assert_eq!(here.read(&mut bytes).await.unwrap(), 10);
            assert_eq!(here.read(&mut bytes).await.unwrap(), 0);
            assert_eq!(here.read(&mut bytes).await.unwrap(), 0);
        }
    });
}

// T4. Goal: a writer without room waits, is woken when there is some, and no byte is lost.
#[test]
fn t04_writer_waits_for_room() {
    run(|| async {
        for (here, there) in both().await {
            let filled = fill(&here);
            let rest = vec![9; 100_000];
            let copy = rest.clone();
            let mut write = pin!(async { (&here).write_all(&copy).await });
            assert!(poll_once(write.as_mut()).is_pending());
            let (written, received) =
                futures::future::join(write, take(&there, filled + rest.len())).await;
            written.unwrap();
            assert!(received[..filled].iter().all(|byte| *byte == 7));
            assert!(received[filled..] == rest);
        }
    });
}

// Goal: peeking leaves the data, waits where there is none, and hides no later data (T15, T90).
#[test]
fn t90_peek() {
    run(|| async {
        let (here, there) = UnixStream::pair().unwrap();
        let mut bytes = [0; 8];
        assert!(poll_once(pin!(here.peek(&mut bytes))).is_pending());
        there.try_write(b"abcdef").unwrap();
        assert_eq!(here.peek(&mut bytes[..2]).await.unwrap(), 2);
        assert_eq!(here.peek(&mut bytes).await.unwrap(), 6);
        assert_eq!(take(&here, 6).await, b"abcdef");
        assert!(poll_once(pin!(here.peek(&mut bytes))).is_pending());
    });
}

// Goal: the `try_` functions never wait, and vectored ones fill and send in turn.
#[test]
fn attempts() {
    run(|| async {
        let (here, there) = UnixStream::pair().unwrap();
        let mut bytes = [0; 8];
        assert_eq!(kind(here.try_read(&mut bytes)), io::ErrorKind::WouldBlock);
        let pieces = [IoSlice::new(b"ab"), IoSlice::new(b""), IoSlice::new(b"cde")];
        assert_eq!(there.try_write_vectored(&pieces).unwrap(), 5);
        let (mut first, mut second) = ([0; 3], [0; 8]);
        let mut room = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(here.try_read_vectored(&mut room).unwrap(), 5);
        assert_eq!((&first[..], &second[..2]), (&b"abc"[..], &b"de"[..]));
        fill(&there);
        assert_eq!(kind(there.try_write(b"x")), io::ErrorKind::WouldBlock);
    });
}

// Goal: the buffers of the `bytes` crate are filled and emptied, of several pieces too.
#[test]
fn buffers() {
    run(|| async {
        let (here, there) = UnixStream::pair().unwrap();
        let mut pieces = Buf::chain(&b"one "[..], &b"two "[..]).chain(&b"three"[..]);
        here.write_all_buf(&mut pieces).await.unwrap();
        assert!(!pieces.has_remaining());
        let mut received = BytesMut::with_capacity(64);
        while received.len() < 13 {
            assert_ne!(there.read_buf(&mut received).await.unwrap(), 0);
        }
        assert_eq!(received, "one two three");
    });
}

// T60, T61. Goal: closing shuts writing down, once; dropping an owned write half does too, and
// forgetting it or reuniting does not.
#[test]
fn t61_closing_and_halves() {
    run(|| async {
        let (mut here, mut there) = UnixStream::pair().unwrap();
        here.close().await.unwrap();
        here.close().await.unwrap();
        assert_eq!(there.read(&mut [0]).await.unwrap(), 0);
        there.write_all(b"still").await.unwrap();
        assert_eq!(take(&here, 5).await, b"still");
        assert_eq!(kind(here.write_all(b"x").await), io::ErrorKind::BrokenPipe);

        let (here, mut there) = UnixStream::pair().unwrap();
        let (read, write) = here.into_split();
        drop(write);
        assert_eq!(there.read(&mut [0]).await.unwrap(), 0);
        drop(read);

        let (here, there) = UnixStream::pair().unwrap();
        let (read, write) = here.into_split();
        let here = read.reunite(write).unwrap();
        let (read, write) = here.into_split();
        write.forget();
        assert!(poll_once(pin!(there.closed())).is_pending());
        drop(read);
        there.closed().await.unwrap();

        let (mut first, mut second) = UnixStream::pair().unwrap();
        let (read, _) = UnixStream::split(&mut first);
        let (_, write) = UnixStream::split(&mut second);
        assert!(read.peer_addr().unwrap().is_unnamed());
        assert_eq!(write.try_write(b"y").unwrap(), 1);
        read.readable().await.unwrap();
        assert_eq!(read.try_read(&mut [0]).unwrap(), 1);
    });
}

// T48. Goal: shutting down what the peer has closed is no error.
#[test]
fn t48_shutdown_after_the_peer() {
    run(|| async {
        for (here, there) in both().await {
            drop(there);
            for how in [Shutdown::Write, Shutdown::Read, Shutdown::Both] {
                here.shutdown(how).unwrap();
            }
        }
    });
}

// T50. Goal: writing to an end that has gone is EPIPE and no signal.
#[test]
fn t50_writing_to_a_dead_peer() {
    run(|| async {
        for (mut here, there) in both().await {
            drop(there);
            assert_eq!(kind(here.write_all(b"x").await), io::ErrorKind::BrokenPipe);
            assert_eq!(
                kind(here.try_write_vectored(&[IoSlice::new(b"x")])),
                io::ErrorKind::BrokenPipe
            );
        }
    });
}

// Goal: `closed` waits for the end alone, `ready` says what there is.
#[test]
fn closed_and_ready() {
    run(|| async {
        let (here, there) = UnixStream::pair().unwrap();
        let mut closed = pin!(here.closed());
        assert!(poll_once(closed.as_mut()).is_pending());
        there.try_write(b"data").unwrap();
        let ready = here.ready(Interest::READABLE).await.unwrap();
        assert!(ready.is_readable());
        assert!(poll_once(closed.as_mut()).is_pending());
        drop(there);
        closed.await.unwrap();
        assert_eq!(take(&here, 4).await, b"data");
    });
}

// Goal: options, and the address that neither end of a pair has.
#[test]
fn options() {
    run(|| async {
        let (here, _there) = UnixStream::pair().unwrap();
        here.set_send_buffer_size(32 * 1024).unwrap();
        assert!(here.send_buffer_size().unwrap() >= 32 * 1024);
        here.set_recv_buffer_size(32 * 1024).unwrap();
        assert!(here.recv_buffer_size().unwrap() >= 32 * 1024);
        assert!(here.take_error().unwrap().is_none());
        assert!(here.local_addr().unwrap().is_unnamed());
        assert!(here.peer_addr().unwrap().is_unnamed());
    });
}

// T30. Goal: `into_std` and the descriptor deregister: the same descriptor is taken up again, with
// data on its way.
#[test]
fn t30_into_std_and_back() {
    run(|| async {
        let (mut here, mut there) = UnixStream::pair().unwrap();
        for _ in 0..3 {
            assert!(poll_once(pin!((&here).read(&mut [0]))).is_pending());
            let std = here.into_std().unwrap();
            there.write_all(b"12").await.unwrap();
            here = UnixStream::from_std(std).unwrap();
            assert_eq!(take(&here, 2).await, b"12");
            let owned = OwnedFd::from(here);
            there.write_all(b"345").await.unwrap();
            here = UnixStream::try_from(owned).unwrap();
            assert_eq!(take(&here, 3).await, b"345");
        }
        here.as_fd().try_clone_to_owned().unwrap();
    });
}

// T6, T88. Goal: a loop with half-closed, closed and full streams rests.
#[test]
fn t88_closed_streams_do_not_spin() {
    support::deadline(|| {
        let mut driven = Driven::new();
        let task = driven.spawn(async {
            let (mut here, there) = UnixStream::pair().unwrap();
            there.shutdown(Shutdown::Write).unwrap();
            assert_eq!(here.read(&mut [0]).await.unwrap(), 0);
            fill(&here);
            let (reader, _waits) = UnixStream::pair().unwrap();
            let mut bytes = [0];
            let (mut from, mut into) = (&reader, &here);
            let mut waiting = pin!(from.read(&mut bytes));
            let mut room = pin!(into.write(b"x"));
            std::future::poll_fn(|cx| {
                assert!(waiting.as_mut().poll(cx).is_pending());
                assert!(room.as_mut().poll(cx).is_pending());
                std::task::Poll::<()>::Pending
            })
            .await;
        });
        driven.rest();
        drop(task);
    });
}

// Goal: the promises of the types themselves.
#[test]
fn bounds() {
    fn check<T: Send>(_: T) {}
    assert_send::<UnixStream>();
    assert_sync::<UnixStream>();
    assert_unpin::<UnixStream>();
    assert_debug::<UnixStream>();
    assert_send::<OwnedReadHalf>();
    assert_send::<OwnedWriteHalf>();
    check(UnixStream::connect("/nowhere"));
    run(|| async {
        let (here, _there) = UnixStream::pair().unwrap();
        check(here.readable());
        check(here.closed());
        check((&here).read(&mut [0]));
    });
}
