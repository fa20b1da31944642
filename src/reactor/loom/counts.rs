//! Models of short counts: a read that got less than it asked for takes the readiness with it,
//! unless an event came in between, or the rule does not hold any more.

use std::sync::Arc;

use ::loom::thread;

use super::Fd;
use crate::{
    reactor::{
        kind::Kind,
        readiness::bits::{DATA, PRIORITY},
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

// T1, T89. Goal: a read stops short at an urgent mark, of which an event tells at the same time:
// the bytes behind the mark are read. Method: as `Source::set_readiness_in_full` has it, the rule
// ends before the bits that let a reader run.
#[test]
fn t01_a_short_count_at_the_mark_races_with_its_event() {
    model(|| {
        let fd = stream();
        fd.arrive(1);
        let behind = Arc::new(AtomicUsize::new(0));
        let kernel = Arc::clone(&fd);
        let mark = Arc::clone(&behind);
        let arriving = thread::spawn(move || {
            // AcqRel: as in `Fd::arrive`.
            mark.fetch_add(1, Ordering::AcqRel);
            kernel.source.read_until_would_block();
            kernel.source.raise(DATA | PRIORITY, 0);
        });
        let bell = Bell::new();
        let before = read_some(&fd, &bell);
        // The mark is passed by the next read only, which may have to wait for the event.
        loop {
            let seen = fd.source.snapshot(Direction::Read);
            if seen.is_worth_trying() {
                if behind.swap(0, Ordering::AcqRel) == 1 {
                    fd.source.note_count(Direction::Read, seen, 1, 8);
                    break;
                }
                fd.source.clear_blocked(Direction::Read, seen);
            } else if fd.source.park(Direction::Read, &bell.waker()) == Wait::Pending {
                bell.wait();
            }
        }
        assert_eq!(before, 1);
        arriving.join().expect("no panic");
        let left = fd.source.snapshot(Direction::Read).word();
        assert_ne!(left & PRIORITY, 0, "no count takes the mark's bit");
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
