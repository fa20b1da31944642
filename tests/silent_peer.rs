//! A peer that goes without a word: no FIN, no RST and no acknowledgement, as after a power cut or
//! behind a cable that was pulled. What the options for that case bring about, as its user sees it.
//!
//! The peer is a socket of this process whose filter drops whatever comes. It stays open until the
//! end of its test, since the filter does not keep it from sending: a close would be a FIN. Linux
//! only: elsewhere a filter sits at a network device (bpf(4)), and needs a privileged user.
//!
//! The kernel's times for this are whole seconds, so two of these tests take two or three. Nothing
//! here waits for a time: an end is waited for, as long as it takes.

#![cfg(all(target_os = "linux", feature = "net", feature = "time"))]

#[path = "support/driven.rs"]
mod driven;
#[path = "support/os.rs"]
mod os;
#[path = "support/peer.rs"]
mod peer;
mod support;
#[path = "support/tcp.rs"]
mod tcp;

use std::{
    io::{self, ErrorKind, Read, Write},
    net::Shutdown,
    time::Duration,
};

use edgewake::{
    Handle,
    net::{Keepalive, TcpStream},
    time::timeout,
};
use futures::{AsyncReadExt, AsyncWriteExt};

use crate::{
    driven::Driven,
    os::errno::ETIMEDOUT,
    support::{alone, deadline},
    tcp::{fill, poll_once},
};

/// More than any socket's buffers hold while nothing is acknowledged.
const MUCH: usize = 64 << 20;

/// The soonest that Linux gives up an idle connection: after two seconds.
const KEEPALIVE: Keepalive = Keepalive::new()
    .with_idle(Duration::from_secs(1))
    .with_interval(Duration::from_secs(1))
    .with_count(1);

/// How long data may stay unacknowledged. Seen at the next retransmission, within a second or so.
const UNACKNOWLEDGED: Duration = Duration::from_millis(500);

/// Runs a scenario. The loop is then at rest, and nothing is left of what was there.
#[track_caller]
fn leaves_nothing(scenario: impl FnOnce(&mut Driven) + Send + 'static) {
    let _alone = alone();
    deadline(|| {
        let mut driven = Driven::new();
        let before = os::open_descriptors();
        scenario(&mut driven);
        driven.rest();
        assert_eq!(os::open_descriptors(), before);
        let left = driven.block_on(async { Handle::current().metrics() });
        assert_eq!((left.sources, left.timers_pending, left.tasks_alive), (0, 0, 0));
    });
}

#[track_caller]
fn assert_timed_out<T: std::fmt::Debug>(outcome: io::Result<T>) {
    let error = outcome.expect_err("the peer is silent");
    assert_eq!((error.kind(), error.raw_os_error()), (ErrorKind::TimedOut, Some(ETIMEDOUT)));
}

/// A byte there and back.
fn echo(driven: &mut Driven, stream: TcpStream, peer: &mut std::net::TcpStream) -> TcpStream {
    peer.write_all(b"x").expect("it is connected");
    let echoing = driven.spawn(async move {
        let mut byte = [0];
        (&stream).read_exact(&mut byte).await.expect("a byte");
        (&stream).write_all(&byte).await.expect("room for a byte");
        stream
    });
    let stream = driven.finish(echoing);
    let mut byte = [0];
    peer.read_exact(&mut byte).expect("a byte");
    assert_eq!(&byte, b"x");
    stream
}

/// A connection that works, and its other end.
fn pair(driven: &mut Driven) -> (TcpStream, std::net::TcpStream) {
    let (stream, mut peer) = driven.block_on(peer::pair());
    (echo(driven, stream, &mut peer), peer)
}

// Goal: with keepalive, who waits for a peer that is gone gets ETIMEDOUT, once: a reader, and who
// waits for the end. A peer that has nothing to say, and answers the probes, loses nothing.
#[test]
fn keepalive_ends_the_waits_for_a_silent_peer() {
    leaves_nothing(|driven| {
        let (quiet, mut quiet_peer) = pair(driven);
        let (mut read, read_peer) = pair(driven);
        let (watched, watched_peer) = pair(driven);
        // In this order: were the first not heard, it would be the first to go.
        for stream in [&quiet, &read, &watched] {
            stream.set_keepalive(Some(KEEPALIVE)).expect("options of TCP");
        }
        let waiting = driven.spawn(async move {
            quiet.readable().await.expect("a driver");
            quiet
        });
        let reading = driven.spawn(async move {
            let mut room = [0; 8];
            let first = read.read(&mut room).await;
            (first, read.read(&mut room).await, read.write(b"x").await)
        });
        let watching = driven.spawn(async move {
            watched.closed().await.expect("a driver");
            (watched.try_read(&mut [0; 8]), watched.try_read(&mut [0; 8]))
        });
        assert_eq!(driven.settle(), None, "all three wait");
        os::receive_nothing(&read_peer);
        os::receive_nothing(&watched_peer);
        let (first, then, write) = driven.finish(reading);
        assert_timed_out(first);
        assert_eq!(then.expect("it was told once"), 0);
        assert_eq!(write.expect_err("it is over").kind(), ErrorKind::BrokenPipe);
        let (first, then) = driven.finish(watching);
        assert_timed_out(first);
        assert_eq!(then.expect("it was told once"), 0);
        assert!(!waiting.is_finished(), "that peer is there");
        quiet_peer.write_all(b"x").expect("it is connected");
        let quiet = driven.finish(waiting);
        quiet_peer.write_all(b"y").expect("it is connected");
        driven.block_on(peer::read_when_readable(&quiet, 2));
    });
}

// Goal: with a limit to how long data may stay unacknowledged, ETIMEDOUT is what a reader gets who
// has written, a writer whose data finds no room, and one whose peer's window was closed before.
#[test]
fn user_timeout_ends_what_a_silent_peer_never_acknowledges() {
    leaves_nothing(|driven| {
        let connections = [(); 3].map(|()| {
            let (stream, peer) = pair(driven);
            stream.set_user_timeout(UNACKNOWLEDGED).expect("an option of TCP");
            (stream, peer)
        });
        let [(asking, asked_peer), (writing, write_peer), (full, full_peer)] = connections;
        fill(&full);
        for peer in [&asked_peer, &write_peer, &full_peer] {
            os::receive_nothing(peer);
        }
        let asking = driven.spawn(async move {
            (&asking).write_all(b"a question").await.expect("room");
            (&asking).read(&mut [0; 8]).await
        });
        let writing = driven.spawn(async move { (&writing).write_all(&vec![7; MUCH]).await });
        let stuck = driven.spawn(async move { (&full).write(b"x").await });
        assert_timed_out(driven.finish(asking));
        assert_timed_out(driven.finish(writing));
        assert_timed_out(driven.finish(stuck));
    });
}

// Goal: a reader and a writer who wait at once both end, and one of them is told why: the system
// tells it once, and the other one gets what is left, the end.
#[test]
fn both_directions_end_with_a_silent_peer() {
    leaves_nothing(|driven| {
        let (stream, peer) = pair(driven);
        stream.set_user_timeout(UNACKNOWLEDGED).expect("an option of TCP");
        os::receive_nothing(&peer);
        let both = driven.spawn(async move {
            let much = vec![7; MUCH];
            let mut room = [0; 8];
            let (mut from, mut to) = (&stream, &stream);
            futures::join!(from.read(&mut room), to.write_all(&much))
        });
        match driven.finish(both) {
            (read, Err(error)) if error.kind() == ErrorKind::BrokenPipe => assert_timed_out(read),
            (read, write) => {
                assert_timed_out(write);
                assert_eq!(read.expect("it was told once"), 0);
            }
        }
    });
}

// Goal: without any option a `timeout` is enough to be rid of a silent peer, with data on its way
// and without.
#[test]
fn a_timeout_is_enough_for_a_silent_peer() {
    leaves_nothing(|driven| {
        let (asking, asked_peer) = pair(driven);
        let (idle, idle_peer) = pair(driven);
        os::receive_nothing(&asked_peer);
        os::receive_nothing(&idle_peer);
        let asking = driven.spawn(async move {
            (&asking).write_all(b"a question").await.expect("room");
            timeout(Duration::from_millis(50), (&asking).read(&mut [0; 8])).await.is_err()
        });
        let idle = driven
            .spawn(async move { timeout(Duration::from_millis(50), idle.closed()).await.is_err() });
        assert!(driven.finish(asking), "nobody answers");
        assert!(driven.finish(idle), "nobody ends it");
    });
}

// Goal: ends towards a silent peer wait for nobody. A shutdown is done with the first poll, a
// stream whose buffers are full is dropped without holding up the loop, and others are served
// meanwhile. The end that was sent is data like any other, so the limit for that applies.
#[test]
fn ends_towards_a_silent_peer_wait_for_nobody() {
    leaves_nothing(|driven| {
        let (shut, shut_peer) = pair(driven);
        let (full, full_peer) = pair(driven);
        let (other, mut other_peer) = pair(driven);
        shut.set_user_timeout(UNACKNOWLEDGED).expect("an option of TCP");
        os::receive_nothing(&shut_peer);
        os::receive_nothing(&full_peer);
        assert!(fill(&full) > 0);
        drop(full);
        assert!(poll_once(std::pin::pin!((&shut).close())).is_ready());
        shut.shutdown(Shutdown::Write).expect("once more is no error");
        let reading = driven.spawn(async move { (&shut).read(&mut [0; 8]).await });
        assert_eq!(driven.settle(), None, "it waits");
        assert!(!reading.is_finished());
        let other = echo(driven, other, &mut other_peer);
        assert_timed_out(driven.finish(reading));
        drop(echo(driven, other, &mut other_peer));
    });
}
