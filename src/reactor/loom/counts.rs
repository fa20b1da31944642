//! Models of short counts: a read that got less than it asked for takes the readiness with it,
//! unless an event came in between, or the rule does not hold any more.

use std::sync::Arc;
#[cfg(edgewake_selector = "epoll")]
use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::fd::AsFd,
    time::Duration,
};

use ::loom::thread;
#[cfg(edgewake_selector = "epoll")]
use edgewake_sys::{Event, Events, Interest, Selector, Token, socket};

use super::Fd;
#[cfg(edgewake_selector = "epoll")]
use crate::{reactor::readiness::bits::DATA, sync::model::ordered};
use crate::{
    reactor::{
        kind::Kind,
        side::Direction,
        source::{Source, Wait},
    },
    sync::{
        atomic::{AtomicUsize, Ordering},
        model::{Bell, bounded, model},
    },
};

/// A stream, of which a short count says that nothing is left.
fn stream() -> Arc<Fd> {
    let source = Source::new(Kind::Stream, false, None);
    source.assume_registered();
    Arc::new(Fd { source, units: AtomicUsize::new(0) })
}

/// Reads whatever is there, up to eight units, as `AsyncFd::poll_receive` does. Not zero.
fn read_some(fd: &Fd, bell: &Arc<Bell>) -> usize {
    loop {
        let seen = fd.source.snapshot(Direction::Read);
        if seen.is_worth_trying() {
            // AcqRel: as in `Fd::read`.
            let count = fd.units.swap(0, Ordering::AcqRel);
            if count > 0 {
                fd.source.note_count(Direction::Read, seen, count, 8);
                return count;
            }
            fd.source.clear_blocked(Direction::Read, seen);
        } else if fd.source.park(Direction::Read, &bell.waker()) == Wait::Pending {
            bell.wait();
        }
    }
}

// T17. Goal: what arrives after a short count is read, whenever its event comes: the count takes
// away what it has seen and no more.
#[test]
fn t17_a_short_count_races_with_an_event() {
    bounded(4, || {
        let fd = stream();
        let kernel = Arc::clone(&fd);
        let arriving = thread::spawn(move || {
            kernel.arrive(1);
            kernel.arrive(1);
        });
        let bell = Bell::new();
        let mut count = 0;
        while count < 2 {
            count += read_some(&fd, &bell);
        }
        assert_eq!(count, 2);
        arriving.join().expect("no panic");
    });
}

/// The event of bytes in front of the urgent mark, the mark, and bytes behind it.
#[cfg(edgewake_selector = "epoll")]
fn event_of_a_mark() -> Event {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let peer = TcpStream::connect(address).expect("it listens");
    let (stream, _) = listener.accept().expect("a connection is queued");
    socket::send_oob(peer.as_fd(), b"in front!").expect("room");
    socket::send(peer.as_fd(), b"behind").expect("room");
    let selector = Selector::new().expect("a selector");
    let interest = Interest::READABLE | Interest::PRIORITY;
    selector.register(stream.as_fd(), Token(1), interest).expect("it is pollable");
    let mut events = Events::with_capacity(1);
    selector.select(&mut events, Some(Duration::from_secs(60))).expect("a select");
    let event = events.iter().next().expect("there is something to read");
    assert!(event.is_readable() && event.is_priority());
    event
}

// T1, T89. Goal: a read stops short at an urgent mark, of which an event tells at the same time:
// the bytes behind the mark, of which no other event will tell, are read. On kqueue the mark has an
// event of its own, and the other one's number of bytes says that there are more.
#[cfg(edgewake_selector = "epoll")]
#[test]
fn t01_a_short_count_at_the_mark_races_with_its_event() {
    let event = event_of_a_mark();
    ordered(4, move || {
        let fd = stream();
        // Of an event before that one.
        fd.source.raise(DATA, 0);
        let kernel = Arc::clone(&fd);
        let telling = thread::spawn(move || kernel.source.set_readiness(&event));
        // All of it has come by now, whoever has been told: the read gets what is in front.
        let seen = fd.source.snapshot(Direction::Read);
        assert!(seen.is_worth_trying());
        fd.source.note_count(Direction::Read, seen, 1, 8);
        let bell = Bell::new();
        // What is behind the mark is for the next read, which may have to wait for the event.
        while !fd.source.snapshot(Direction::Read).is_worth_trying() {
            if fd.source.park(Direction::Read, &bell.waker()) == Wait::Pending {
                bell.wait();
            }
        }
        let _somebody_has_waited = telling.join().expect("no panic");
    });
}

// T89. Goal: another thread ends the rule, with no event, before it makes the receive that shows
// more behind the mark: a count that comes after it says nothing any more.
#[test]
fn t89_a_short_count_races_with_the_end_of_its_rule() {
    model(|| {
        let fd = stream();
        fd.arrive(1);
        let passed = Arc::new(AtomicUsize::new(0));
        let seen = fd.source.snapshot(Direction::Read);
        let other = Arc::clone(&fd);
        let told = Arc::clone(&passed);
        let ending = thread::spawn(move || {
            other.source.read_until_would_block();
            // Release: the out-of-band receive comes after it.
            told.store(1, Ordering::Release);
        });
        // Acquire: see above. A read that stops at the mark because of that receive.
        let after = passed.load(Ordering::Acquire) == 1;
        fd.source.note_count(Direction::Read, seen, 1, 8);
        ending.join().expect("no panic");
        if after {
            assert!(fd.source.snapshot(Direction::Read).is_worth_trying());
        }
    });
}
