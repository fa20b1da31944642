//! Readiness of TCP connections: what an edge promises, what clears it, and what outlives a read.
//!
//! Each test drives one sequence in which a loop of this kind has lost a wake-up, or has spun.

#![cfg(all(feature = "net", feature = "time"))]

#[path = "support/driven.rs"]
mod driven;
#[path = "support/peer.rs"]
mod peer;
mod support;

use std::{
    cell::Cell,
    future::poll_fn,
    io::{self, Write},
    net::Shutdown,
    os::fd::AsFd,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread,
};

use edgewake::{Interest, Readiness, Runtime, net::TcpStream, spawn_local, yield_now};
use edgewake_sys::socket;
use futures::{AsyncReadExt, AsyncWriteExt};

use crate::{
    driven::Driven,
    peer::{accepted, listener, pair, pattern, read_to_end, read_when_readable, reset, until},
    support::{WakeCount, deadline, quietly},
};

/// Runs a future on a runtime of its own, and fails where it would hang.
#[track_caller]
fn run<F: Future<Output = ()>>(future: impl FnOnce() -> F + Send + 'static) {
    deadline(|| Runtime::new().expect("a runtime").block_on(future()));
}

/// Lets the tasks that are ready run, and the kernel be asked, several times over.
async fn let_others_run() {
    for _ in 0..300 {
        yield_now().await;
    }
}

async fn read_exactly(mut stream: &TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut room = [0; 1024];
    while bytes.len() < count {
        let received = stream.read(&mut room).await.expect("a live connection");
        assert_ne!(received, 0, "the stream ends after {bytes:?}");
        bytes.extend_from_slice(&room[..received]);
    }
    bytes
}

// T1. Goal: bytes behind the urgent mark, where a read stops short and the kernel gives no second
// edge, are read. Method: both ways to read, with and without a wait before the bytes come.
#[test]
fn t01_bytes_behind_the_urgent_mark_are_read() {
    run(|| async {
        let listener = listener().await;
        for round in 0..40 {
            let (by_readable, waits_first) = (round % 2 == 0, round % 4 < 2);
            let (stream, mut peer) = accepted(&listener).await;
            let reader = spawn_local(async move {
                if by_readable {
                    read_when_readable(&stream, 6).await
                } else {
                    read_exactly(&stream, 6).await
                }
            });
            if waits_first {
                let_others_run().await;
            }
            peer.write_all(b"abc").expect("room");
            assert_eq!(socket::send_oob(peer.as_fd(), b"X").expect("room"), 1);
            peer.write_all(b"def").expect("room");
            assert_eq!(reader.await.expect("no panic"), b"abcdef");
        }
    });
}

// T89. Goal: the same where the urgent byte was taken before the registration, so that no event
// ever tells of it: that is what `read_until_would_block` is for.
#[test]
fn t89_urgent_byte_taken_before_the_first_wait() {
    run(|| async {
        let listener = listener().await;
        for by_readable in [true, false] {
            let (stream, mut peer) = accepted(&listener).await;
            stream.read_until_would_block();
            peer.write_all(b"abc").expect("room");
            assert_eq!(socket::send_oob(peer.as_fd(), b"X").expect("room"), 1);
            peer.write_all(b"def").expect("room");
            let mut urgent = [0; 4];
            until("the urgent byte comes", || {
                let receive = || socket::recv_oob(stream.as_fd(), &mut urgent);
                stream.try_io(Interest::READABLE, receive).is_ok_and(|count| count == 1)
            })
            .await;
            assert_eq!(urgent[0], b'X');
            let bytes = if by_readable {
                read_when_readable(&stream, 6).await
            } else {
                read_exactly(&stream, 6).await
            };
            assert_eq!(bytes, b"abcdef");
        }
    });
}

// T14. Goal: an out-of-band receive that would block clears what is known of urgent data, and not
// that there is other data to read, for which no second edge comes.
#[test]
fn t14_a_failed_urgent_receive_leaves_the_data_readable() {
    run(|| async {
        let (stream, mut peer) = pair().await;
        let reads = async { stream.readable().await.expect("a driver") };
        let writes = async { peer.write_all(b"data").expect("room") };
        futures::join!(reads, writes);
        let refused: io::Result<()> =
            stream.try_io(Interest::PRIORITY, || Err(io::ErrorKind::WouldBlock.into()));
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(read_when_readable(&stream, 4).await, b"data");
    });
}

// T90. Goal: a short peek leaves the data, and the readiness with it.
#[test]
fn t90_a_short_peek_leaves_the_data_readable() {
    run(|| async {
        let listener = listener().await;
        for waits_first in [true, false] {
            let (stream, mut peer) = accepted(&listener).await;
            let mut peeked = [0; 64];
            let peek = async {
                if waits_first {
                    stream.readable().await.expect("a driver");
                }
                stream.peek(&mut peeked).await.expect("data")
            };
            let writes = async { peer.write_all(b"abcdef").expect("room") };
            let (count, ()) = futures::join!(peek, writes);
            assert_eq!(&peeked[..count], b"abcdef");
            assert_eq!(stream.peek(&mut peeked[..2]).await.expect("data"), 2);
            assert_eq!(read_when_readable(&stream, 6).await, b"abcdef");
        }
    });
}

// T15. Goal: a peek that finds nothing waits, is woken by the next data, and does not spin before.
#[test]
fn t15_a_peek_that_finds_nothing_waits_for_the_next_data() {
    deadline(|| {
        let mut driven = Driven::new();
        let (stream, mut peer) = driven.block_on(pair());
        // From here on it is registered: a new connection would be looked at once more.
        let mut wait = Box::pin(stream.readable());
        driven.block_on(async { assert!(WakeCount::new().poll(&mut wait).is_pending()) });
        drop(wait);
        for letter in [b"a", b"b", b"c"] {
            let stream = &stream;
            let mut room = [0; 8];
            let mut peek = Box::pin(stream.peek(&mut room));
            let count = WakeCount::new();
            driven.block_on(async { assert!(count.poll(&mut peek).is_pending()) });
            driven.rest();
            assert_eq!(count.wakes(), 0);
            peer.write_all(letter).expect("room");
            driven.block_on(async { assert_eq!(peek.await.expect("data"), 1) });
            assert_eq!(&room[..1], letter);
            driven.block_on(async { assert_eq!(read_exactly(stream, 1).await, letter) });
        }
    });
}

// T2. Goal: the end of a stream is seen although a short read came between the one event that told
// of both and the read that finds it.
#[test]
fn t02_the_end_behind_a_short_read_is_seen() {
    run(|| async {
        let listener = listener().await;
        for round in 0..40 {
            let (mut stream, mut peer) = accepted(&listener).await;
            let reader = spawn_local(async move {
                let mut room = [0; 1024];
                let mut bytes = Vec::new();
                loop {
                    let count = if round % 2 == 0 {
                        stream.read(&mut room).await.expect("no reset")
                    } else {
                        stream.readable().await.expect("a driver");
                        match stream.try_read(&mut room) {
                            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                            outcome => outcome.expect("no reset"),
                        }
                    };
                    if count == 0 {
                        stream.closed().await.expect("a driver");
                        return bytes;
                    }
                    bytes.extend_from_slice(&room[..count]);
                }
            });
            if round % 4 < 2 {
                let_others_run().await;
            }
            peer.write_all(b"last words").expect("room");
            drop(peer);
            assert_eq!(reader.await.expect("no panic"), b"last words");
        }
    });
}

// T6. Goal: a writer whose peer has closed its own writing half waits for room like any other: it
// does not spin, and gets everything across.
#[test]
fn t06_half_close_does_not_make_a_writer_spin() {
    deadline(|| {
        let mut driven = Driven::new();
        let (stream, peer) = driven.block_on(pair());
        peer.shutdown(Shutdown::Write).expect("connected");
        let bytes = pattern(6, 8 << 20);
        let polls = Rc::new(Cell::new(0));
        let task = driven.spawn({
            let (bytes, polls) = (bytes.clone(), Rc::clone(&polls));
            async move {
                stream.closed().await.expect("the peer has closed its half");
                let mut rest = &bytes[..];
                while !rest.is_empty() {
                    polls.set(polls.get() + 1);
                    stream.writable().await.expect("a driver");
                    match stream.try_write(rest) {
                        Ok(count) => rest = &rest[count..],
                        Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
                    }
                }
            }
        });
        driven.rest();
        assert!(!task.is_finished(), "more than any socket's buffer");
        let tried = polls.get();
        driven.rest();
        assert_eq!(polls.get(), tried, "nothing is tried while there is no room");
        let reader = thread::spawn(move || read_to_end(peer));
        driven.finish(task);
        assert!(reader.join().expect("no panic") == bytes);
    });
}

// T7. Goal: `ready` says what the kernel reported, as far as was asked: nothing of a close where
// the stream is open, nothing of writing where only reading was asked for, and a half-close as what
// it is.
#[test]
fn t07_ready_says_what_was_reported() {
    run(|| async {
        let (stream, mut peer) = pair().await;
        let both = Interest::READABLE | Interest::WRITABLE;
        assert_eq!(stream.ready(both).await.expect("a driver"), Readiness::WRITABLE);
        peer.write_all(b"x").expect("room");
        let ready = stream.ready(Interest::READABLE).await.expect("a driver");
        assert_eq!(ready, Readiness::READABLE);
        let ready = stream.ready(both).await.expect("a driver");
        assert_eq!(ready, Readiness::READABLE | Readiness::WRITABLE);
        peer.shutdown(Shutdown::Write).expect("connected");
        stream.closed().await.expect("a driver");
        let ready = stream.ready(both).await.expect("a driver");
        assert!(ready.is_read_closed() && !ready.is_write_closed(), "{ready:?}");
        assert!(!ready.is_error() && ready.is_writable() && ready.is_readable(), "{ready:?}");
        let ready = stream.ready(Interest::WRITABLE).await.expect("a driver");
        assert_eq!(ready, Readiness::WRITABLE, "the read half was not asked for");
    });
}

// Goal: a reset wakes whoever waits, in both directions, and whoever watches for the close.
#[test]
fn a_reset_wakes_both_directions() {
    run(|| async {
        let (stream, peer) = pair().await;
        let stream = Rc::new(stream);
        let reader = spawn_local({
            let stream = Rc::clone(&stream);
            async move { (&*stream).read(&mut [0; 16]).await }
        });
        let writer = spawn_local({
            let stream = Rc::clone(&stream);
            async move { (&*stream).write_all(&vec![0; 32 << 20]).await }
        });
        let closed = spawn_local(async move { stream.closed().await });
        let_others_run().await;
        assert!(!reader.is_finished() && !writer.is_finished() && !closed.is_finished());
        reset(peer);
        // The socket's error goes to whoever asks first; the other finds the end.
        let read = reader.await.expect("no panic");
        assert!(read.as_ref().is_ok_and(|count| *count == 0) || read.is_err(), "{read:?}");
        writer.await.expect("no panic").expect_err("the connection is gone");
        closed.await.expect("no panic").expect("it is closed");
    });
}

// Goal: data does not wake who waits for the close; the close does, with data still unread, and
// leaves it to be read.
#[test]
fn closed_is_woken_by_the_close_and_by_nothing_else() {
    run(|| async {
        let (stream, mut peer) = pair().await;
        let mut closed = Box::pin(stream.closed());
        let count = WakeCount::new();
        assert!(count.poll(&mut closed).is_pending());
        for _ in 0..3 {
            peer.write_all(b"data").expect("room");
            stream.readable().await.expect("a driver");
            let_others_run().await;
        }
        assert_eq!(count.wakes(), 0);
        peer.shutdown(Shutdown::Write).expect("connected");
        closed.await.expect("a driver");
        assert_eq!(read_exactly(&stream, 12).await, b"datadatadata");
        assert_eq!((&stream).read(&mut [0; 8]).await.expect("the end"), 0);
        stream.closed().await.expect("it still is");
    });
}

// Goal: what came before the first wait is found, by every way to wait.
#[test]
fn data_before_the_first_wait_is_found() {
    run(|| async {
        let listener = listener().await;
        for way in 0..5 {
            let (stream, mut peer) = accepted(&listener).await;
            peer.write_all(b"early").expect("room");
            peer.shutdown(Shutdown::Write).expect("connected");
            match way {
                0 => stream.readable().await.expect("a driver"),
                1 => drop(stream.ready(Interest::READABLE).await.expect("a driver")),
                2 => poll_fn(|cx| stream.poll_read_ready(cx)).await.expect("a driver"),
                3 => stream.closed().await.expect("a driver"),
                _ => {}
            }
            assert_eq!(read_exactly(&stream, 5).await, b"early");
        }
    });
}

// T12, T14. Goal: what one direction does leaves the other's readiness and waiters alone. Method: a
// reader waits while the writer fills the socket and waits as well; then either is woken for its
// own reason, in either order.
#[test]
fn t12_directions_are_woken_for_their_own_reasons() {
    run(|| async {
        let listener = listener().await;
        for read_first in [true, false] {
            let (stream, mut peer) = accepted(&listener).await;
            let stream = Rc::new(stream);
            let bytes = pattern(12, 8 << 20);
            let writer = spawn_local({
                let (stream, bytes) = (Rc::clone(&stream), bytes.clone());
                async move { (&*stream).write_all(&bytes).await }
            });
            let reader = spawn_local({
                let stream = Rc::clone(&stream);
                async move { read_exactly(&stream, 4).await }
            });
            let_others_run().await;
            let mut drain = {
                let peer = peer.try_clone().expect("a duplicate");
                let length = bytes.len() as u64;
                Some(move || read_to_end(io::Read::take(peer, length)))
            };
            let mut drained = None;
            if !read_first {
                drained = drain.take().map(thread::spawn);
                writer.await.expect("no panic").expect("all is written");
                assert!(!reader.is_finished());
                peer.write_all(b"ping").expect("room");
                assert_eq!(reader.await.expect("no panic"), b"ping");
            } else {
                peer.write_all(b"ping").expect("room");
                assert_eq!(reader.await.expect("no panic"), b"ping");
                assert!(!writer.is_finished());
                drained = drain.take().map(thread::spawn).or(drained);
                writer.await.expect("no panic").expect("all is written");
            }
            let drained = drained.expect("one of the two started it");
            assert!(drained.join().expect("no panic") == bytes);
        }
    });
}

// T19. Goal: several readers of one stream, all woken by one edge, of whom one takes everything,
// wait again rather than fail or spin.
#[test]
fn t19_readiness_that_another_task_used_up_is_waited_for_again() {
    run(|| async {
        let (stream, mut peer) = pair().await;
        let stream = Rc::new(stream);
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let stream = Rc::clone(&stream);
                spawn_local(async move { read_when_readable(&stream, 1).await })
            })
            .collect();
        let_others_run().await;
        for _ in 0..tasks.len() {
            // One byte an edge: one task is served, the others are woken in vain.
            let before = tasks.iter().filter(|task| task.is_finished()).count();
            peer.write_all(b"!").expect("room");
            until("one more task is served", || {
                tasks.iter().filter(|task| task.is_finished()).count() == before + 1
            })
            .await;
        }
        for task in tasks {
            assert_eq!(task.await.expect("no panic"), b"!");
        }
    });
}

// T4. Goal: a writer that the kernel let write a part is woken when there is room again, and no
// byte is lost or doubled, however oddly the other side reads.
#[test]
fn t04_partial_writes_are_continued_exactly() {
    run(|| async {
        let (mut stream, peer) = pair().await;
        let bytes = pattern(4, 3_000_001);
        let reader = thread::spawn(move || {
            let mut peer = peer;
            let mut received = Vec::new();
            let mut room = vec![0; 70_000];
            for odd in [1, 100, 4097, 65_536, 69_999].into_iter().cycle() {
                match io::Read::read(&mut peer, &mut room[..odd]).expect("no reset") {
                    0 => return received,
                    count => received.extend_from_slice(&room[..count]),
                }
            }
            unreachable!("the cycle has no end")
        });
        stream.write_all(&bytes).await.expect("the peer reads");
        stream.close().await.expect("connected");
        assert!(reader.join().expect("no panic") == bytes);
    });
}

// T20. Goal: two tasks that poll the same direction of one stream through `poll_*` functions are
// both woken.
#[test]
fn t20_two_pollers_of_one_direction_are_both_woken() {
    run(|| async {
        let (stream, mut peer) = pair().await;
        let counts = [WakeCount::new(), WakeCount::new(), WakeCount::new()];
        for count in &counts {
            let mut poll = poll_fn(|cx| {
                let mut stream = &stream;
                futures::AsyncRead::poll_read(Pin::new(&mut stream), cx, &mut [0; 1])
            });
            assert!(matches!(count.poll(&mut poll), Poll::Pending));
        }
        peer.write_all(b"x").expect("room");
        until("all are woken", || counts.iter().all(|count| count.wakes() > 0)).await;
    });
}

/// A waker of somebody whose code is broken.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Panics>) {
        panic!("a waker of the test");
    }
}

// T21, T22. Goal: a waker that panics, in the slot or in the list, stops neither the loop nor the
// wake-ups of others, in the same direction, the other one, or another socket of the same batch.
#[test]
fn t22_a_panicking_waker_stops_nobody_else() {
    run(|| async {
        let listener = listener().await;
        let (mut streams, mut peers) = (Vec::new(), Vec::new());
        for _ in 0..6 {
            let (stream, peer) = accepted(&listener).await;
            streams.push(stream);
            peers.push(peer);
        }
        let counts: Vec<_> = streams.iter().map(|_| WakeCount::new()).collect();
        let panics = Waker::from(Arc::new(Panics));
        let mut waits = Vec::new();
        for (stream, count) in streams.iter().zip(&counts) {
            // Of two futures the first is in the slot, the second in the list.
            let mut pair = [Box::pin(stream.readable()), Box::pin(stream.readable())];
            let bad = waits.len() % 2;
            for (index, wait) in pair.iter_mut().enumerate() {
                let waker = if index == bad { panics.clone() } else { count.waker() };
                assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            }
            waits.push(pair);
        }
        quietly("a waker of the test", || ());
        for peer in &mut peers {
            peer.write_all(b"x").expect("room");
        }
        until("all others are woken", || counts.iter().all(|count| count.wakes() > 0)).await;
        drop(waits);
        for stream in &streams {
            assert_eq!(read_when_readable(stream, 1).await, b"x");
        }
    });
}

// T78. Goal: the kernel is asked for events also while there is always a task to run.
#[test]
fn t78_a_loop_that_is_never_idle_still_asks_the_kernel() {
    run(|| async {
        let (stream, mut peer) = pair().await;
        let reader = spawn_local(async move { read_when_readable(&stream, 4).await });
        let_others_run().await;
        peer.write_all(b"data").expect("room");
        while !reader.is_finished() {
            yield_now().await;
        }
        assert_eq!(reader.await.expect("no panic"), b"data");
    });
}
