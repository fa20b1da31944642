//! At the descriptor limit: accepting pauses without spinning and loses nothing, and what cannot be
//! opened says so.
//!
//! A process has one limit, so these tests take turns; a binary of their own keeps them away from
//! all others.

#![cfg(all(feature = "net", feature = "time"))]

#[path = "support/os.rs"]
mod os;
#[path = "support/peer.rs"]
mod peer;
mod support;

use std::{
    future::poll_fn,
    net,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use edgewake::{
    Runtime,
    io::pipe,
    net::{TcpListener, TcpStream},
    spawn_local,
    time::{sleep, timeout},
};
use futures::{AsyncReadExt, AsyncWriteExt, Stream};

use crate::{
    os::errno,
    peer::{connect, listener, until},
    support::{Probe, alone, deadline},
};

/// All descriptors that the process may have, until it drops.
struct Hoard {
    descriptors: Vec<OwnedFd>,
    soft_before: u64,
}

impl Hoard {
    fn new(any: impl AsFd) -> Hoard {
        let (soft_before, _) = os::descriptor_limits();
        os::limit_descriptors(soft_before.min(256));
        let mut descriptors = Vec::new();
        loop {
            match edgewake_sys::fd::duplicate(any.as_fd()) {
                Ok(copy) => descriptors.push(copy),
                Err(error) => {
                    assert_eq!(error.raw_os_error(), Some(errno::EMFILE));
                    return Hoard { descriptors, soft_before };
                }
            }
        }
    }

    fn free(&mut self, count: usize) {
        self.descriptors.truncate(self.descriptors.len() - count);
    }
}

impl Drop for Hoard {
    fn drop(&mut self) {
        os::limit_descriptors(self.soft_before);
    }
}

/// Both ends of a connection that came through at last.
async fn works(mut stream: TcpStream, peer: &mut net::TcpStream) {
    std::io::Write::write_all(peer, b"ping").expect("room");
    stream.read_exact(&mut [0; 4]).await.expect("data");
    stream.write_all(b"pong").await.expect("room");
    std::io::Read::read_exact(peer, &mut [0; 4]).expect("data");
}

/// Polls `accept` for 300 ms at the limit, and says how often and for how much processor time.
async fn at_the_limit<F: Future + Unpin>(mut accept: F) -> (usize, Duration, F) {
    let probe = Probe::new();
    let before = os::processor_time();
    let watched = probe.future(|cx: &mut Context<'_>| Pin::new(&mut accept).poll(cx));
    let outcome = timeout(Duration::from_millis(300), watched).await;
    assert!(outcome.is_err(), "there is no descriptor for it");
    (probe.seen().polls, os::processor_time() - before, accept)
}

#[track_caller]
fn assert_idle(polls: usize, processor_time: Duration) {
    // Pauses of 5, 10, 20, 40, 80, 160 ms, and what the ticks of a slow kernel add.
    assert!((2..=12).contains(&polls), "{polls} polls in 300 ms");
    assert!(processor_time < Duration::from_millis(100), "{processor_time:?} of 300 ms");
}

// T57, T58. Goal: at the limit, with connections queued, accepting pauses longer and longer instead
// of spinning; once there is room it goes on by itself, though the kernel gives no new edge, and no
// connection is lost.
#[test]
fn t57_accept_at_the_limit_pauses_and_goes_on() {
    let _alone = alone();
    deadline(|| {
        Runtime::new().expect("a runtime").block_on(async {
            let listener = listener().await;
            let mut peers = [connect(&listener), connect(&listener), connect(&listener)];
            let mut hoard = Hoard::new(&peers[0]);
            let (polls, time, accept) = at_the_limit(Box::pin(listener.accept())).await;
            assert_idle(polls, time);
            hoard.free(1);
            let (first, _) = accept.await.expect("a descriptor is free");
            // At the limit again, and a fresh call starts with a short pause.
            let (polls, time, accept) = at_the_limit(Box::pin(listener.accept())).await;
            assert_idle(polls, time);
            drop(hoard);
            let (second, _) = accept.await.expect("descriptors are free");
            let (third, _) = listener.accept().await.expect("descriptors are free");
            for (stream, peer) in [first, second, third].into_iter().zip(&mut peers) {
                works(stream, peer).await;
            }
        });
    });
}

// T57, T20. Goal: the same through `poll_accept`, which has no future to keep its pause in, polled
// by several tasks at once: none of them spins, and none is forgotten when there is room.
#[test]
fn t57_incoming_of_several_tasks_at_the_limit() {
    let _alone = alone();
    deadline(|| {
        Runtime::new().expect("a runtime").block_on(async {
            let listener = std::rc::Rc::new(listener().await);
            let peers = [connect(&listener), connect(&listener), connect(&listener)];
            let hoard = Hoard::new(&peers[0]);
            let probe = Probe::new();
            let tasks = [(); 3].map(|()| {
                let (listener, probe) = (std::rc::Rc::clone(&listener), probe.clone());
                spawn_local(async move {
                    let mut incoming = listener.incoming();
                    let next = |cx: &mut Context<'_>| Pin::new(&mut incoming).poll_next(cx);
                    probe.future(next).await.expect("it never ends")
                })
            });
            let before = os::processor_time();
            sleep(Duration::from_millis(300)).await;
            let (polls, time) = (probe.seen().polls, os::processor_time() - before);
            assert!(tasks.iter().all(|task| !task.is_finished()));
            assert!((3..=100).contains(&polls), "{polls} polls in 300 ms");
            assert!(time < Duration::from_millis(100), "{time:?} of 300 ms");
            drop(hoard);
            for task in tasks {
                drop(task.await.expect("no panic").expect("descriptors are free"));
            }
        });
    });
}

// T57. Goal: without a driver there is nothing to time the pause with, so the error is returned.
#[test]
fn t57_accept_at_the_limit_without_a_driver() {
    let _alone = alone();
    deadline(|| {
        let listener = futures::executor::block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a free port");
        let peer = connect(&listener);
        let hoard = Hoard::new(&peer);
        let error = futures::executor::block_on(listener.accept()).expect_err("no descriptor");
        assert_eq!(error.raw_os_error(), Some(errno::EMFILE));
        let polled = poll_fn(|cx| listener.poll_accept(cx));
        let error = futures::executor::block_on(polled).expect_err("no descriptor");
        assert_eq!(error.raw_os_error(), Some(errno::EMFILE));
        let error = listener.try_accept().expect_err("no descriptor");
        assert_eq!(error.raw_os_error(), Some(errno::EMFILE));
        drop(hoard);
        futures::executor::block_on(listener.accept()).expect("the connection is still there");
    });
}

// T24. Goal: a runtime that finds no descriptor, or one too few, says so and keeps none; the next
// one works.
#[test]
fn t24_a_runtime_at_the_limit() {
    let _alone = alone();
    deadline(|| {
        let any = net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let mut hoard = Hoard::new(&any);
        let mut needed = 0;
        loop {
            let open = os::open_descriptors();
            match Runtime::new() {
                Err(error) => assert_eq!(error.raw_os_error(), Some(errno::EMFILE)),
                Ok(runtime) => {
                    runtime.block_on(sleep(Duration::from_millis(1)));
                    break;
                }
            }
            assert_eq!(os::open_descriptors(), open, "the failed attempt left something open");
            hoard.free(1);
            needed += 1;
        }
        assert!((1..=3).contains(&needed), "a runtime takes {needed} descriptors");
    });
}

// T57. Goal: connecting and binding at the limit fail at once with EMFILE, and work when there is
// room.
#[test]
fn connect_and_bind_at_the_limit() {
    let _alone = alone();
    deadline(|| {
        Runtime::new().expect("a runtime").block_on(async {
            let listener = listener().await;
            let address = listener.local_addr().expect("bound");
            let mut hoard = Hoard::new(&listener);
            let error = TcpStream::connect(address).await.expect_err("no descriptor");
            assert_eq!(error.raw_os_error(), Some(errno::EMFILE));
            let error = TcpListener::bind("127.0.0.1:0").await.expect_err("no descriptor");
            assert_eq!(error.raw_os_error(), Some(errno::EMFILE));
            hoard.free(2);
            let mut client = TcpStream::connect(address).await.expect("a descriptor is free");
            let (mut server, _) = listener.accept().await.expect("a descriptor is free");
            client.write_all(b"ping").await.expect("room");
            server.read_exact(&mut [0; 4]).await.expect("data");
        });
    });
}

// T58. Goal: a server whose accept loop never has to wait lets its other tasks run, so that they
// can close the connections whose descriptors it lacks. Method: as many connections as there are
// descriptors for twice over; each is served and closed by a task of its own.
#[test]
fn t58_an_accept_loop_lets_others_close() {
    let _alone = alone();
    deadline(|| {
        Runtime::new().expect("a runtime").block_on(async {
            let listener = listener().await;
            let mut peers: Vec<_> = (0..60).map(|_| connect(&listener)).collect();
            let mut hoard = Hoard::new(&listener);
            hoard.free(20);
            let server = spawn_local(async move {
                for _ in 0..60 {
                    let (mut stream, _) = listener.accept().await.expect("it pauses instead");
                    drop(spawn_local(async move { stream.write_all(b"served").await }));
                }
            });
            until("all are served", || server.is_finished()).await;
            drop(hoard);
            for peer in &mut peers {
                let mut text = [0; 6];
                std::io::Read::read_exact(peer, &mut text).expect("it was served");
                assert_eq!(&text, b"served");
            }
        });
    });
}

// T57, T24. Goal: a sender is closed although no descriptor is left, whether it was registered or
// not: the reader is at the end, its number stays its own, close-on-exec, and nothing is left open.
// Method: a pipe before it makes what the process keeps.
#[test]
fn t57_closing_a_sender_at_the_limit() {
    let _alone = alone();
    deadline(|| {
        Runtime::new().expect("a runtime").block_on(async {
            for registered in [true, false, true] {
                drop(pipe::pipe().expect("descriptors"));
                let open = os::open_descriptors();
                let (mut sender, mut receiver) = pipe::pipe().expect("descriptors");
                if registered {
                    sender.writable().await.expect("room");
                }
                let number = sender.as_raw_fd();
                let hoard = Hoard::new(&receiver);
                sender.write_all(b"last").await.expect("room");
                sender.close().await.expect("no descriptor is needed");
                let mut text = String::new();
                receiver.read_to_string(&mut text).await.expect("the end");
                assert_eq!(text, "last");
                assert_eq!(sender.as_raw_fd(), number);
                assert!(os::is_cloexec(sender.as_fd()));
                let error = sender.write(b"x").await.expect_err("it is closed");
                assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
                sender.writable().await.expect("ready to fail");
                sender.close().await.expect("it is closed already");
                drop(hoard);
                sender.closed().await.expect("a driver");
                drop((sender, receiver));
                assert_eq!(os::open_descriptors(), open, "registered: {registered}");
            }
        });
    });
}

// T57. Goal: a pause ends early with its future, and leaves no timer that would wake anybody.
#[test]
fn a_dropped_accept_takes_its_pause_along() {
    let _alone = alone();
    deadline(|| {
        Runtime::new().expect("a runtime").block_on(async {
            let listener = listener().await;
            let peer = connect(&listener);
            let hoard = Hoard::new(&peer);
            let count = support::WakeCount::new();
            let mut accept = Box::pin(listener.accept());
            assert!(matches!(count.poll(&mut accept), Poll::Pending));
            drop(accept);
            assert_eq!(count.alive(), 0, "nobody holds its waker any more");
            drop(hoard);
            listener.accept().await.expect("the connection is still there");
        });
    });
}
