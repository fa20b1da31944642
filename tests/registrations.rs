//! What stays registered in the kernel: nothing that was closed or taken out, whoever holds copies.
//!
//! On Linux a registration lives as long as any copy of what it was made for, in whatever process,
//! a forked child above all; and can then no longer be ended. A kqueue is not inherited by a child
//! and forgets a descriptor that is closed here, so there is nothing of this on it (T42).
//!
//! One test: it looks at all descriptors of the process.

#![cfg(all(feature = "net", feature = "time"))]
#![cfg(all(target_os = "linux", edgewake_selector = "epoll"))]

#[path = "support/os.rs"]
mod os;
#[path = "support/peer.rs"]
mod peer;
mod support;

use std::{
    io::Write,
    net,
    os::fd::{AsFd, OwnedFd},
    thread,
};

use edgewake::{Runtime, net::TcpStream};
use futures::channel::oneshot;

use crate::{
    os::{Fork, registrations},
    peer::{accepted, listener, read_when_readable},
    support::{WakeCount, deadline},
};

const ORPHANS: usize = 20;

/// Has the stream registered.
fn wait_once(stream: &TcpStream) {
    let mut wait = Box::pin(stream.readable());
    assert!(WakeCount::new().poll(&mut wait).is_pending());
}

/// Without a child: however a registered connection leaves the library, and whatever was done with
/// it before, its registration ends.
fn ends_with_its_owner(waiting: impl Fn() -> (TcpStream, net::TcpStream), check: impl Fn()) {
    let (closed, _peer) = waiting();
    drop(closed);
    check();
    // T27: the duplicate keeps the socket alive.
    let (duplicated, _peer) = waiting();
    let _duplicate = duplicated.as_fd().try_clone_to_owned().expect("a duplicate");
    drop(duplicated);
    check();
    // T30: so does who it was given to.
    let (given, _peer) = waiting();
    let _std = given.into_std().expect("no error today");
    check();
    let (given, _peer) = waiting();
    let _owned = OwnedFd::from(given);
    check();
}

// T27, T30, T42. Goal: a child that keeps closed connections' registrations alive costs a
// bounded number of stale events, which reach nobody; then they are gone, and what lives still
// works.
#[test]
fn t27_registrations_that_a_child_keeps_alive_are_shed() {
    deadline(|| {
        let runtime = Runtime::new().expect("a runtime");
        let none = registrations();
        let listener = runtime.block_on(listener());
        let connect = || runtime.block_on(accepted(&listener));

        let waiting = || {
            let (stream, peer) = connect();
            runtime.block_on(async { wait_once(&stream) });
            assert_eq!(registrations(), none + 1);
            (stream, peer)
        };
        ends_with_its_owner(waiting, || assert_eq!(registrations(), none));

        let (live, mut live_peer) = connect();
        // Several: a socket that nobody reads tells of no more than its buffer takes.
        let (orphans, mut orphan_peers): (Vec<_>, Vec<_>) = (0..ORPHANS).map(|_| connect()).unzip();
        runtime.block_on(async {
            wait_once(&live);
            orphans.iter().for_each(wait_once);
        });
        let child = Fork::new();
        drop(orphans);
        assert_eq!(registrations(), none + 1 + ORPHANS, "the child keeps the orphans' alive");

        // The slots are given out again after a turn.
        let _wait = runtime.turn().expect("a turn");
        // A successor in an orphan's slot and under its number gets none of its events.
        let (successor, mut successor_peer) = connect();
        let count = WakeCount::new();
        let mut wait = Box::pin(successor.readable());
        runtime.block_on(async { assert!(count.poll(&mut wait).is_pending()) });
        let mut stale = 0;
        while registrations() > none + 2 {
            assert!(stale < 2000, "the registrations are never shed");
            orphan_peers[stale % ORPHANS].write_all(b"x").expect("room");
            let _wait = runtime.turn().expect("a turn");
            stale += 1;
        }
        assert!(stale >= 1000, "the loop bears some before it rebuilds: {stale}");
        assert_eq!(count.wakes(), 0, "a stale event reached somebody");

        // The new selector knows who lives.
        successor_peer.write_all(b"next").expect("room");
        live_peer.write_all(b"live").expect("room");
        runtime.block_on(async {
            wait.await.expect("a driver");
            assert_eq!(read_when_readable(&successor, 4).await, b"next");
            assert_eq!(read_when_readable(&live, 4).await, b"live");
            let (new, mut peer) = accepted(&listener).await;
            wait_once(&new);
            peer.write_all(b"new!").expect("room");
            assert_eq!(read_when_readable(&new, 4).await, b"new!");
        });
        // Wake-ups of other threads come through as well, to a runtime that waits for them.
        for round in 0..20 {
            let (sender, receiver) = oneshot::channel();
            let elsewhere = thread::spawn(move || {
                // Past the moment at which the runtime starts to wait, as a rule.
                thread::yield_now();
                sender.send(round).expect("the runtime waits");
            });
            assert_eq!(runtime.block_on(receiver), Ok(round));
            elsewhere.join().expect("no panic");
        }
        drop(child);
    });
}
