//! Models of a source: events, waits, clears and ends that race.
//!
//! - `waits`: the slot of a side, one waiter or several, `poll_*` callers.
//! - `listed`: the wait list, futures that come, go and are told.
//! - `errors`: waits for the error queue.
//! - `futures`: futures that wait in the slot, as most do.
//! - `counts`: short counts, which say that nothing is left.
//! - `ends`: sources that are shut or detached while somebody waits.
//! - `looks`: the second look at a new connection.
//! - `enrollment`: registrations that come twice, are lost, or end twice.
//! - `slots`: the table that catches up, while sources come and go.
//!
//! What is here is what they share: a descriptor whose kernel is a counter. Whoever got `Pending`
//! waits on a bell until an event rings it, so a wake-up that is lost is a deadlock.

mod counts;
mod ends;
mod enrollment;
mod errors;
mod futures;
mod listed;
mod looks;
mod slots;
mod waits;

use std::{sync::Arc, task::Waker};

use super::{
    kind::Kind,
    readiness::bits::{CLOSED, DATA, ERROR, SHUT},
    side::Direction,
    source::{Source, Wait},
    waiters::{Key, Wanted},
};
use crate::sync::{
    atomic::{AtomicUsize, Ordering},
    model::Bell,
};

/// A source and the kernel's side of its descriptor: so many units can be read.
struct Fd {
    source: Source,
    units: AtomicUsize,
}

const READABLE: Wanted = Wanted { read: DATA | CLOSED | ERROR | SHUT, write: 0 };

impl Fd {
    /// Of which nothing is assumed, as if it was registered long ago.
    fn new() -> Arc<Fd> {
        let source = Source::new(Kind::Other, false, None);
        source.assume_registered();
        Arc::new(Fd { source, units: AtomicUsize::new(0) })
    }

    /// Units arrive and the kernel reports an edge.
    fn arrive(&self, units: usize) {
        // AcqRel, here and in `read`: a system call orders what comes before and after it.
        self.units.fetch_add(units, Ordering::AcqRel);
        self.source.raise(DATA, 0);
    }

    /// Reads one unit; false is `WouldBlock`.
    fn read(&self) -> bool {
        let take = |units: usize| units.checked_sub(1);
        self.units.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).is_ok()
    }

    /// As `AsyncFd::poll_io` does it: the protocol of a wait, up to the point where the caller is
    /// told to wait (`None`), has a unit (`Some(true)`) or is shut (`Some(false)`).
    fn poll_read(&self, waker: &Waker) -> Option<bool> {
        loop {
            let seen = self.source.snapshot(Direction::Read);
            if seen.is_shut() {
                return Some(false);
            }
            if seen.is_worth_trying() {
                if self.read() {
                    return Some(true);
                }
                self.source.clear_blocked(Direction::Read, seen);
                continue;
            }
            if self.source.park_again(Direction::Read, seen, waker) {
                return None;
            }
            match self.source.park(Direction::Read, waker) {
                Wait::Retry => {}
                Wait::Pending | Wait::Unregistered => return None,
            }
        }
    }

    /// The same for a future with a key to its entry in the list.
    fn poll_read_keyed(&self, waker: &Waker, key: &mut Option<Key>) -> Option<bool> {
        loop {
            let seen = self.source.snapshot(Direction::Read);
            if seen.is_shut() {
                return Some(false);
            }
            if seen.is_worth_trying() {
                if self.read() {
                    return Some(true);
                }
                self.source.clear_blocked(Direction::Read, seen);
            }
            match self.source.park_keyed(READABLE, waker, key) {
                Wait::Retry => {}
                Wait::Pending | Wait::Unregistered => return None,
            }
        }
    }

    /// A task that reads one unit by `poll_*`. False: it was shut.
    fn read_as_task(&self, bell: &Arc<Bell>) -> bool {
        loop {
            if let Some(read) = self.poll_read(&bell.waker()) {
                return read;
            }
            bell.wait();
        }
    }

    /// A task that reads one unit by awaiting a future, which it then drops.
    fn read_as_future(&self, bell: &Arc<Bell>) -> bool {
        let mut key = None;
        loop {
            if let Some(read) = self.poll_read_keyed(&bell.waker(), &mut key) {
                if let Some(key) = key {
                    self.source.forget(key);
                }
                return read;
            }
            bell.wait();
        }
    }
}
