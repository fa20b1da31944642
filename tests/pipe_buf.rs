//! Pipes and the buffers of the `bytes` crate; several buffers at once.

#[path = "support/pipe.rs"]
mod pipes;
mod support;

use std::{
    io::{self, IoSlice, IoSliceMut},
    pin::pin,
};

use bytes::{Buf, BufMut, BytesMut};
use edgewake::io::{AsyncReadExt, AsyncWriteExt, pipe};

use crate::pipes::{empty, fill, kind, pattern, poll_once, run};

// Goal: a buffer is filled, piece by piece, and emptied, past what the pipe holds.
#[test]
fn buffers_are_advanced_by_what_moved() {
    run(|| async {
        let (sender, receiver) = pipe::pipe().expect("a pipe");
        let bytes = pattern(300_000);
        let mut left = Buf::chain(&bytes[..7], &bytes[7..]);
        let write = async {
            sender.write_all_buf(&mut left).await.expect("it is read");
            drop(sender);
        };
        let read = async {
            let mut received = BytesMut::with_capacity(1000);
            loop {
                received.reserve(500);
                if receiver.read_buf(&mut received).await.expect("a pipe") == 0 {
                    return received;
                }
            }
        };
        let ((), received) = futures::join!(write, read);
        assert!(received == bytes[..]);
        assert!(!left.has_remaining());
    });
}

// T62. Goal: a full buffer and an empty one complete at once; attempts say that they would block,
// and leave the buffer as it is.
#[test]
fn t62_buffers_without_room_and_without_bytes() {
    run(|| async {
        let (sender, receiver) = pipe::pipe().expect("a pipe");
        let mut full = (&mut [0_u8; 0][..]).limit(9);
        assert_eq!(receiver.read_buf(&mut full).await.expect("nothing to do"), 0);
        assert_eq!(receiver.try_read_buf(&mut full).expect("nothing to do"), 0);
        assert_eq!(sender.write_buf(&mut &b""[..]).await.expect("nothing to do"), 0);
        let mut room = Vec::with_capacity(16);
        assert_eq!(kind(receiver.try_read_buf(&mut room)), io::ErrorKind::WouldBlock);
        assert!(poll_once(pin!(receiver.read_buf(&mut room))).is_pending());
        assert!(room.is_empty());
        let filled = fill(&sender);
        let mut rest = &b"rest"[..];
        assert_eq!(kind(sender.try_write_buf(&mut rest)), io::ErrorKind::WouldBlock);
        assert!(poll_once(pin!(sender.write_buf(&mut rest))).is_pending());
        assert_eq!(rest, b"rest");
        assert_eq!(empty(&receiver), filled);
        assert_eq!(sender.try_write_buf(&mut rest).expect("room"), 4);
        let mut pieces = Buf::chain(&b"an"[..], &b"d more"[..]);
        assert_eq!(sender.try_write_buf(&mut pieces).expect("room"), 8);
        assert!(rest.is_empty() && !pieces.has_remaining());
        assert_eq!(receiver.try_read_buf(&mut room).expect("data"), 12);
        assert_eq!(room, b"restand more");
    });
}

// T49. Goal: several buffers go out and come in, in turn; empty ones among them, or alone, are no
// end, and more of them than one call takes are taken one after the other.
#[test]
fn t49_several_buffers() {
    run(|| async {
        let (mut sender, mut receiver) = pipe::pipe().expect("a pipe");
        let nothing = [IoSlice::new(b""), IoSlice::new(b"")];
        assert_eq!(sender.write_vectored(&nothing).await.expect("nothing to do"), 0);
        let words = [IoSlice::new(b"one"), IoSlice::new(b""), IoSlice::new(b"three")];
        assert_eq!(sender.write_vectored(&words).await.expect("room"), 8);
        assert_eq!(sender.try_write_vectored(&words).expect("room"), 8);
        let (mut first, mut none, mut rest) = ([0; 2], [0; 0], [0; 20]);
        let mut room = [&mut first[..], &mut none[..], &mut rest[..]].map(IoSliceMut::new);
        assert_eq!(receiver.read_vectored(&mut room).await.expect("data"), 16);
        assert_eq!((&first, &rest[..14]), (b"on", &b"ethreeonethree"[..]));

        let many = vec![IoSlice::new(b"x"); 1500];
        assert_eq!(sender.write_vectored(&many).await.expect("room"), 1024);
        let mut late = vec![IoSlice::new(b""); 1500];
        late.push(IoSlice::new(b"late"));
        assert_eq!(sender.write_vectored(&late).await.expect("room"), 4);
        let mut bytes = [0; 1500];
        let mut room: Vec<_> = bytes.chunks_mut(1).map(IoSliceMut::new).collect();
        assert_eq!(receiver.try_read_vectored(&mut room).expect("data"), 1024);
        assert_eq!(receiver.try_read_vectored(&mut room).expect("data"), 4);
        assert_eq!(&bytes[..4], b"late");
        let mut room = [IoSliceMut::new(&mut bytes)];
        assert_eq!(kind(receiver.try_read_vectored(&mut room)), io::ErrorKind::WouldBlock);
    });
}

// Goal: a write that is dropped has taken from the buffer what went into the pipe, and goes on
// there.
#[test]
fn a_dropped_write_goes_on_where_it_was() {
    run(|| async {
        let (sender, receiver) = pipe::pipe().expect("a pipe");
        let bytes = pattern(500_000);
        let mut left = &bytes[..];
        let mut received = Vec::new();
        while !left.is_empty() {
            assert!(
                poll_once(pin!(sender.write_all_buf(&mut left))).is_pending() || left.is_empty()
            );
            while received.len() < bytes.len() - left.len() {
                receiver.read_buf(&mut received).await.expect("data");
            }
            sender.writable().await.expect("room");
        }
        assert!(received == bytes);
    });
}
