//! Unix streams whose reads stop short: no byte is left behind without an edge.
//!
//! Each sequence is one of which a loop that takes a short read for the last one never learns
//! (T1, T89; measured on Linux 6.18). They run with the reader registered before and after the
//! bytes come, and by each way to read.

#![cfg(feature = "net")]

#[path = "support/driven.rs"]
mod driven;
#[path = "support/os.rs"]
mod os;
mod support;
#[path = "support/tcp.rs"]
mod tcp;
#[path = "support/unix.rs"]
mod unix;

use std::{
    io::{self, IoSlice, IoSliceMut},
    os::fd::AsFd,
    pin::pin,
};

use bytes::BytesMut;
use driven::Driven;
use edgewake::{
    io::AsyncReadExt,
    net::{
        UnixStream,
        unix::{Control, SendControl},
    },
};
use support::deadline;
use tcp::{poll_once, run};
use unix::{connection, take};

/// A way to read some bytes: as many as are wanted, and more room than that.
#[derive(Clone, Copy, Debug)]
enum Way {
    AsyncRead,
    Vectored,
    Buffer,
    Try,
    WithFds,
}

const WAYS: [Way; 5] = [Way::AsyncRead, Way::Vectored, Way::Buffer, Way::Try, Way::WithFds];

/// Reads once, with room for more than comes. Appends what came.
async fn read_once(way: Way, stream: &UnixStream, received: &mut Vec<u8>) {
    let mut buffer = [0; 256];
    let count = match way {
        Way::AsyncRead => { stream }.read(&mut buffer).await.unwrap(),
        Way::Vectored => {
            let (first, second) = buffer.split_at_mut(2);
            let mut pieces = [IoSliceMut::new(first), IoSliceMut::new(second)];
            { stream }.read_vectored(&mut pieces).await.unwrap()
        }
        Way::Buffer => {
            let mut bytes = BytesMut::with_capacity(256);
            let count = stream.read_buf(&mut bytes).await.unwrap();
            buffer[..count].copy_from_slice(&bytes);
            count
        }
        Way::Try => loop {
            stream.readable().await.unwrap();
            match stream.try_read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => break outcome.unwrap(),
            }
        },
        Way::WithFds => {
            let mut fds = Vec::new();
            stream.recv_with_fds(&mut buffer, &mut fds).await.unwrap().length
        }
    };
    assert_ne!(count, 0, "the stream has ended");
    received.extend_from_slice(&buffer[..count]);
}

/// Has `send` bring `expected`, and reads all of it, in each way, registered before and after.
fn all_arrives(expected: &'static [u8], send: impl AsyncFn(&UnixStream) + Send + Copy + 'static) {
    for way in WAYS {
        for registered in [false, true] {
            run(move || async move {
                let (here, there) = connection().await;
                if registered {
                    assert!(poll_once(pin!({ &there }.read(&mut [0; 8]))).is_pending());
                }
                // Twice: the second time the readiness is what the first has left of it.
                for _ in 0..2 {
                    send(&here).await;
                    let mut received = Vec::new();
                    while received.len() < expected.len() {
                        read_once(way, &there, &mut received).await;
                    }
                    assert_eq!(received, expected, "{way:?}, registered before: {registered}");
                }
            });
        }
    }
}

// T1. Goal: bytes behind a piece that carries descriptors are read. `onetwo`, no second edge, and
// `three` left, is what the kernel makes of it.
#[test]
fn t01_bytes_behind_descriptors_are_read() {
    all_arrives(b"onetwothree", async |here| {
        assert_eq!(here.try_write(b"one").unwrap(), 3);
        assert_eq!(here.send_with_fds(b"two", &[here.as_fd()]).await.unwrap(), 3);
        assert_eq!(here.try_write(b"three").unwrap(), 5);
    });
}

// T1. Goal: the same where every piece carries some.
#[test]
fn t01_descriptors_in_every_piece() {
    all_arrives(b"abcdef", async |here| {
        for piece in [b"ab", b"cd", b"ef"] {
            here.send_with_fds(piece, &[here.as_fd(), here.as_fd()]).await.unwrap();
        }
    });
}

// T1. Goal: bytes of another sender behind those of the first, where the receiver asks for
// credentials: a read ends between the two. Method: a child process writes before this one does.
#[test]
fn t01_bytes_of_two_senders_are_read() {
    for way in WAYS {
        for registered in [false, true] {
            run(move || async move {
                let (here, there) = connection().await;
                if there.set_pass_credentials(true).is_err() {
                    return;
                }
                if registered {
                    assert!(poll_once(pin!({ &there }.read(&mut [0; 8]))).is_pending());
                }
                for _ in 0..2 {
                    os::write_from_a_child(here.as_fd(), b"child");
                    assert_eq!(here.try_write(b"parent").unwrap(), 6);
                    let mut received = Vec::new();
                    while received.len() < 11 {
                        read_once(way, &there, &mut received).await;
                    }
                    assert_eq!(received, b"childparent", "{way:?}, registered: {registered}");
                }
            });
        }
    }
}

/// Whether this system has urgent data on Unix streams (Linux since 5.15).
fn has_urgent_data() -> bool {
    run(|| async {
        let (here, _there) = UnixStream::pair().unwrap();
        here.send_oob(b"x").await.is_ok()
    })
}

// T89. Goal: an urgent byte ends a read where it stands, without any control data, and the bytes
// behind are read. Method: it is left where it is.
#[test]
fn t89_bytes_behind_the_urgent_mark_are_read() {
    if !has_urgent_data() {
        return;
    }
    for way in WAYS {
        for registered in [false, true] {
            run(move || async move {
                let (here, there) = connection().await;
                if registered {
                    assert!(poll_once(pin!({ &there }.read(&mut [0; 8]))).is_pending());
                }
                assert_eq!(here.try_write(b"abc").unwrap(), 3);
                assert_eq!(here.send_oob(b"X").await.unwrap(), 1);
                assert_eq!(here.try_write(b"def").unwrap(), 3);
                let mut received = Vec::new();
                while !received.ends_with(b"f") {
                    read_once(way, &there, &mut received).await;
                }
                // The kernel drops the urgent byte that nobody asked for.
                assert_eq!(received, b"abcdef", "{way:?}, registered before: {registered}");
            });
        }
    }
}

// T89. Goal: the same where the urgent byte was taken before the registration, so that no event
// ever tells of it.
#[test]
fn t89_urgent_byte_taken_before_the_first_wait() {
    if !has_urgent_data() {
        return;
    }
    for way in WAYS {
        run(move || async move {
            let (here, there) = connection().await;
            assert_eq!(here.try_write(b"abc").unwrap(), 3);
            assert_eq!(here.send_oob(b"X").await.unwrap(), 1);
            let mut urgent = [0];
            assert_eq!(there.recv_oob(&mut urgent).await.unwrap(), 1);
            assert_eq!(&urgent, b"X");
            assert_eq!(here.try_write(b"def").unwrap(), 3);
            let mut received = Vec::new();
            while received.len() < 6 {
                read_once(way, &there, &mut received).await;
            }
            assert_eq!(received, b"abcdef", "{way:?}");
        });
    }
}

// Goal: the urgent byte is waited for, apart from the data, and in line where that was asked for.
#[test]
fn urgent_byte_is_received_apart() {
    if cfg!(not(edgewake_has = "priority")) || !has_urgent_data() {
        return;
    }
    run(|| async {
        let (here, there) = connection().await;
        let mut urgent = [0];
        {
            let mut waiting = pin!(there.recv_oob(&mut urgent));
            assert!(poll_once(waiting.as_mut()).is_pending());
            assert_eq!(here.try_write(b"data").unwrap(), 4);
            assert_eq!(here.send_oob(b"!").await.unwrap(), 1);
            assert_eq!(waiting.await.unwrap(), 1);
        }
        assert_eq!(&urgent, b"!");
        assert_eq!(take(&there, 4).await, b"data");
    });
}

// T1. Goal: receiving with storage for descriptors and plain reading take turns without a loss.
#[test]
fn t01_plain_reads_and_receives_mix() {
    run(|| async {
        let (here, there) = connection().await;
        let mut received = Vec::new();
        let mut control = Control::for_fds(4);
        for round in 0..6 {
            here.try_write(b"plain ").unwrap();
            here.send_with_fds(b"marked ", &[here.as_fd()]).await.unwrap();
            here.try_write(b"plain;").unwrap();
            let wanted = received.len() + 19;
            while received.len() < wanted {
                if (received.len() + round) % 2 == 0 {
                    read_once(Way::AsyncRead, &there, &mut received).await;
                } else {
                    let mut buffer = [0; 5];
                    let mut data = [IoSliceMut::new(&mut buffer)];
                    let got = there.recv_message(&mut data, &mut control).await.unwrap();
                    received.extend_from_slice(&buffer[..got.length]);
                }
            }
        }
        assert_eq!(received, b"plain marked plain;".repeat(6));
    });
}

// Goal: a stream that a short read has drained waits, its loop at rest, and is woken by what comes.
#[test]
fn drained_stream_waits_and_wakes() {
    deadline(|| {
        let mut driven = Driven::new();
        let (mut here, there) = driven.block_on(async { connection().await });
        let echo = driven.spawn(async move {
            let mut bytes = [0; 64];
            for _ in 0..3 {
                assert_eq!(here.read(&mut bytes).await.unwrap(), 4);
            }
        });
        for _ in 0..3 {
            driven.rest();
            assert_eq!(there.try_write(b"ping").unwrap(), 4);
        }
        driven.finish(echo);
    });
}

/// Buffers of one byte, as many as `bytes` has.
fn singles(bytes: &mut [u8]) -> Vec<IoSliceMut<'_>> {
    bytes.chunks_mut(1).map(IoSliceMut::new).collect()
}

/// One buffer behind more empty ones than a call takes.
fn behind_empty(bytes: &mut [u8]) -> Vec<IoSliceMut<'_>> {
    let empty = (0..1025).map(|_| IoSliceMut::new(&mut []));
    empty.chain([IoSliceMut::new(bytes)]).collect()
}

// T49. Goal: a read into more buffers than one call takes is one into the first of them, and no
// short count: nothing waits for an edge that does not come.
#[test]
fn t49_reads_into_any_number_of_buffers() {
    run(|| async {
        const MANY: usize = 3000;
        let (here, mut there) = connection().await;
        assert!(poll_once(pin!({ &there }.read(&mut [0; 8]))).is_pending());
        let sent: Vec<u8> = (0..MANY).map(|n| n as u8).collect();
        assert_eq!(here.try_write(&sent).unwrap(), MANY);
        let (mut received, mut filled) = (vec![0; MANY], 0);
        while filled < MANY {
            filled += there.read_vectored(&mut singles(&mut received[filled..])).await.unwrap();
        }
        assert_eq!(received, sent);
    });
}

// T49. Goal: buffers without room at the front of a long list are passed over.
#[test]
fn t49_room_behind_empty_buffers_is_found() {
    run(|| async {
        let (here, mut there) = connection().await;
        let mut bytes = [0; 8];
        here.try_write(b"hello").unwrap();
        assert_eq!(there.try_read_vectored(&mut behind_empty(&mut bytes)).unwrap(), 5);
        here.try_write(b"hi").unwrap();
        assert_eq!(there.read_vectored(&mut behind_empty(&mut bytes)).await.unwrap(), 2);
        here.try_write(b"received").unwrap();
        let (mut control, mut data) = (Control::for_fds(1), behind_empty(&mut bytes));
        assert_eq!(there.recv_message(&mut data, &mut control).await.unwrap().length, 8);
        assert_eq!(&bytes, b"received");
    });
}

// T49. Goal: sending and receiving with something attached cut long lists as reads and writes do,
// and what is attached goes with the first byte.
#[test]
fn t49_messages_of_any_number_of_buffers() {
    run(|| async {
        const MANY: usize = 1500;
        let (here, there) = connection().await;
        let sent: Vec<u8> = (0..MANY).map(|n| n as u8).collect();
        let pieces: Vec<IoSlice<'_>> = sent.chunks(1).map(IoSlice::new).collect();
        let mut control = SendControl::new();
        control.push_fds(&[here.as_fd()]);
        let first = here.send_message(&pieces, &control).await.unwrap();
        assert!((1..MANY).contains(&first));
        let rest = here.try_send_message(&pieces[first..], &SendControl::new()).unwrap();
        assert_eq!(first + rest, MANY);

        let mut storage = Control::for_fds(1);
        let (mut received, mut filled, mut fds) = (vec![0; MANY], 0, 0);
        while filled < MANY {
            let mut data = singles(&mut received[filled..]);
            filled += there.recv_message(&mut data, &mut storage).await.unwrap().length;
            fds += storage.messages().count();
        }
        assert_eq!((received, fds), (sent, 1));

        // Of a list whose first byte is far back.
        let mut pieces = vec![IoSlice::new(b""); 1025];
        pieces.push(IoSlice::new(b"far"));
        assert_eq!(here.send_message(&pieces, &control).await.unwrap(), 3);
        let (mut bytes, mut fds) = ([0; 8], Vec::new());
        assert_eq!(there.recv_with_fds(&mut bytes, &mut fds).await.unwrap().length, 3);
        assert_eq!((&bytes[..3], fds.len()), (&b"far"[..], 1));
    });
}
