//! The second look: a new connection is registered only when it has blocked twice, and nobody who
//! waits for one can tell.

#![cfg(all(feature = "net", feature = "time"))]

#[path = "support/driven.rs"]
mod driven;
#[path = "support/peer.rs"]
mod peer;
mod support;

use std::{
    io::{ErrorKind, Read, Write},
    net::Shutdown,
    os::fd::AsFd,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    thread,
    time::Duration,
};

use edgewake::{Runtime, net::TcpStream};
use edgewake_sys::{Events, Interest, Selector, Token};
use futures::{AsyncRead, AsyncReadExt, AsyncWriteExt, future::poll_fn};

use crate::{
    driven::Driven,
    peer::{accepted, connect, listener, pair},
    support::{PATIENCE, WakeCount, deadline},
};

/// Looks that a connection gets at most.
const LOOKS: usize = 3;

/// A read of one byte, polled once for each call.
fn poll_byte(stream: &TcpStream, cx: &mut Context<'_>) -> Poll<std::io::Result<u8>> {
    let mut byte = [0];
    let count = std::task::ready!(Pin::new(&mut &*stream).poll_read(cx, &mut byte))?;
    assert_eq!(count, 1, "the connection ends");
    Poll::Ready(Ok(byte[0]))
}

// Goal: a connection that stays silent is looked at, then left to the kernel: the loop rests, and
// its waiter was polled a bounded number of times. What comes then arrives.
#[test]
fn silent_connection_lets_the_loop_rest() {
    deadline(|| {
        let mut driven = Driven::new();
        let (stream, mut peer) = driven.block_on(pair());
        let task = driven.spawn(async move {
            let mut polls = 0;
            let byte = poll_fn(|cx| {
                polls += 1;
                poll_byte(&stream, cx)
            });
            let byte = byte.await.expect("a byte");
            (byte, polls)
        });
        driven.rest();
        assert!(!task.is_finished());
        peer.write_all(b"x").expect("room");
        let (byte, polls) = driven.finish(task);
        assert_eq!(byte, b'x');
        assert!((2..=LOOKS + 2).contains(&polls), "{polls} polls");
    });
}

// Goal: bytes that come at any moment of the way from accepted to registered are read. Method: the
// peer writes each after another pause, in steps that span the whole way.
#[test]
fn bytes_at_any_moment_are_read() {
    deadline(|| {
        let runtime = Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let listener = listener().await;
            for round in 0..300 {
                let mut peer = connect(&listener);
                let writer = thread::spawn(move || {
                    for _ in 0..round % 60 {
                        thread::yield_now();
                    }
                    peer.write_all(b"a").expect("room");
                    let mut answer = [0];
                    peer.read_exact(&mut answer).expect("an answer");
                    peer.write_all(b"b").expect("room");
                    peer.shutdown(Shutdown::Write).expect("a connection");
                    assert_eq!(peer.read(&mut answer).expect("the end"), 0);
                });
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let mut bytes = [0; 8];
                assert_eq!(stream.read(&mut bytes).await.expect("a byte"), 1);
                stream.write_all(&bytes[..1]).await.expect("room");
                let mut rest = Vec::new();
                stream.read_to_end(&mut rest).await.expect("the rest");
                assert_eq!(rest, b"b");
                drop(stream);
                writer.join().expect("the peer is content");
            }
        });
    });
}

// T20. Goal: two tasks that wait for one new connection are both looked at, and both get a byte.
#[test]
fn t20_two_tasks_wait_for_a_new_connection() {
    deadline(|| {
        let mut driven = Driven::new();
        let (stream, mut peer) = driven.block_on(pair());
        let stream = Arc::new(stream);
        let tasks = [(); 2].map(|()| {
            let stream = Arc::clone(&stream);
            driven.spawn(async move { poll_fn(|cx| poll_byte(&stream, cx)).await })
        });
        driven.rest();
        peer.write_all(b"xx").expect("room");
        for task in tasks {
            assert_eq!(driven.finish(task).expect("a byte"), b'x');
        }
    });
}

// T59. Goal: a wait that was given up between two looks takes nothing with it, and the next one is
// told.
#[test]
fn t59_wait_that_is_given_up_between_looks() {
    deadline(|| {
        let mut driven = Driven::new();
        let (stream, mut peer) = driven.block_on(pair());
        for byte in *b"xyz" {
            let mut room = [0];
            let mut peek = Box::pin(stream.peek(&mut room));
            driven.block_on(async { assert!(WakeCount::new().poll(&mut peek).is_pending()) });
            drop(peek);
            peer.write_all(&[byte]).expect("room");
            let read = poll_fn(|cx| poll_byte(&stream, cx));
            assert_eq!(driven.block_on(read).expect("a byte"), byte);
        }
        driven.rest();
    });
}

// Goal: `readable` is exact: it speaks of what is there, and not of looks.
#[test]
fn readable_is_not_told_of_looks() {
    deadline(|| {
        let mut driven = Driven::new();
        let (stream, mut peer) = driven.block_on(pair());
        let count = WakeCount::new();
        let mut wait = Box::pin(stream.readable());
        driven.block_on(async { assert!(count.poll(&mut wait).is_pending()) });
        driven.rest();
        assert_eq!(count.wakes(), 0);
        peer.write_all(b"x").expect("room");
        driven.block_on(wait).expect("a driver");
        assert_eq!(stream.try_read(&mut [0; 2]).expect("a byte"), 1);
    });
}

// T79. Goal: who waits unregistered, on another thread by then, learns of the runtime's end.
#[test]
fn t79_runtime_ends_before_the_look() {
    deadline(|| {
        let runtime = Runtime::new().expect("a runtime");
        let (stream, _peer) = runtime.block_on(pair());
        let count = WakeCount::new();
        let mut read = Box::pin(poll_fn(|cx| poll_byte(&stream, cx)));
        runtime.block_on(async { assert!(count.poll(&mut read).is_pending()) });
        assert_eq!(count.wakes(), 0, "the loop has not turned since");
        drop(runtime);
        assert!(count.wakes() > 0);
        let Poll::Ready(Err(error)) = count.poll(&mut read) else { panic!("it waits for nothing") };
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    });
}

// T58. Goal: a connection that is fed without end and never registered does not keep the others
// from their turn, nor does a crowd of new ones keep a timer from firing.
#[test]
fn t58_crowd_of_new_connections_starves_nobody() {
    deadline(|| {
        let runtime = Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let listener = listener().await;
            let timer = edgewake::spawn_local(edgewake::time::sleep(Duration::from_millis(1)));
            let mut crowd = Vec::new();
            while !timer.is_finished() || crowd.len() < 50 {
                let (stream, peer) = accepted(&listener).await;
                let read = poll_fn(move |cx| poll_byte(&stream, cx));
                crowd.push((edgewake::spawn_local(read), peer));
                edgewake::yield_now().await;
                assert!(crowd.len() < 500, "the timer never fires");
            }
            for (task, mut peer) in crowd {
                peer.write_all(b"x").expect("room");
                let read = edgewake::time::timeout(PATIENCE, task).await.expect("in time");
                assert_eq!(read.expect("no panic").expect("a byte"), b'x');
            }
        });
    });
}

// Goal: nor is it told of the look at a wait that was given up before, or that began beside it.
#[test]
fn readable_is_not_told_of_an_abandoned_wait() {
    deadline(|| {
        for given_up in [true, false] {
            let mut driven = Driven::new();
            let (stream, mut peer) = driven.block_on(pair());
            let mut room = [0];
            let mut peek = Some(Box::pin(stream.peek(&mut room)));
            let (peeks, count) = (WakeCount::new(), WakeCount::new());
            let mut wait = Box::pin(stream.readable());
            driven.block_on(async {
                assert!(peeks.poll(peek.as_mut().expect("it is there")).is_pending());
                if !given_up {
                    assert!(count.poll(&mut wait).is_pending());
                }
            });
            if given_up {
                peek = None;
                driven.rest();
                driven.block_on(async { assert!(count.poll(&mut wait).is_pending()) });
            }
            driven.rest();
            assert_eq!(count.wakes(), 0);
            peer.write_all(b"x").expect("room");
            driven.block_on(wait).expect("a driver");
            drop(peek);
        }
    });
}

// Goal: a wait on a thread of the pool, which turns no loop, reaches the loop's selector: nobody
// would look again. Method: the loop is at rest and is not turned until its descriptor says so.
#[test]
fn wait_on_a_thread_of_the_pool_is_told() {
    deadline(|| {
        let runtime = Runtime::new().expect("a runtime");
        let (stream, mut peer) = runtime.block_on(pair());
        while runtime.turn().expect("a turn") == Some(Duration::ZERO) {}
        let job = runtime.spawn_blocking(move || {
            let count = WakeCount::new();
            {
                let mut read = Box::pin(poll_fn(|cx| poll_byte(&stream, cx)));
                assert!(count.poll(&mut read).is_pending());
            }
            (stream, count)
        });
        let (_stream, count) = futures::executor::block_on(job).expect("it ran");
        peer.write_all(b"x").expect("room");
        let selector = Selector::new().expect("a selector");
        selector.register(runtime.as_fd(), Token(1), Interest::READABLE).expect("a pollable one");
        let mut events = Events::with_capacity(4);
        selector.select(&mut events, Some(PATIENCE)).expect("a select");
        assert_eq!(events.len(), 1, "nobody tells the loop");
        while runtime.turn().expect("a turn") == Some(Duration::ZERO) {}
        assert!(count.wakes() > 0);
    });
}
