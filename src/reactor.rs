//! Readiness: from an event of the kernel to the wakers of those who wait for it.
//!
//! - `readiness`: what is remembered of a descriptor, as bits.
//! - `side`: one direction of a source: its state word and the waker slot beside it.
//! - `waiters`: the wait list of a source, for everyone who is not in a slot.
//! - `source`: the record of a descriptor: two sides, the wait list, where it is registered.
//! - `slots`: the table from tokens to sources.
//! - `registration`: the owner's handle; its drop follows the drop order.
//!
//! # The protocol of a wait
//!
//! 1. Sample the side's word (its generation with it).
//! 2. Make the system call. It says `WouldBlock`:
//! 3. clear the side's bits, unless the generation has moved;
//! 4. store the waker, and set `WAITER` in the same step that checks that nothing is ready;
//! 5. register the direction, if it is not (under the source's registration lock);
//! 6. `Pending`. An event between 1 and 4 has moved the generation or is seen in 4; data that came
//!    before 5 gives an initial edge.
//!
//! # Who may touch what
//!
//! | field | writer | when |
//! |---|---|---|
//! | `Side::state` | anyone | one atomic step each, described in `side` |
//! | `Side::slot` | the holder of the `LOCKED` bit | between the step that set it and the one that clears it |
//! | `Source::waiters` | anyone | under its mutex; wakers are woken and dropped outside |
//! | `Source::enrollment` | registering and deregistering | under its mutex, system call included |
//! | `Slots` | anyone; the table is lent to the dispatching thread for one batch | under its mutex |
//!
//! Lock order: `enrollment`, then `slots`. `waiters` is innermost. No lock is held while a waker
//! is woken, cloned or dropped.
//!
//! This module knows `std::task::Waker` and nothing of tasks, queues or the loop above it.

mod readiness;
mod registration;
mod side;
mod slots;
mod source;
mod waiters;

#[cfg(all(test, edgewake_loom))]
mod loom;

use std::{
    io,
    os::fd::RawFd,
    panic::{AssertUnwindSafe, catch_unwind},
};

use edgewake_sys::{Events, Selector, Token};

pub use self::readiness::Readiness;
pub(crate) use self::{
    registration::Registration,
    side::{Direction, Snapshot},
    source::Kind,
    waiters::{Key, Wanted},
};
use self::{
    slots::{Insertion, Slots},
    source::Source,
};
use crate::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
    lock,
};

/// After this many events for dead slots (and at least as many as there are live sources) the
/// selector is rebuilt: a forked child may be keeping registrations of closed descriptors alive.
const STALE_EVENTS_MAX: usize = 1024;

/// A selector and the sources registered with it. Shared between the driver that selects and the
/// sources that register themselves, from any thread.
#[derive(Debug)]
pub(crate) struct Reactor {
    selector: Selector,
    slots: Mutex<Slots>,
    /// Events for slots that had no owner any more, since the selector was last rebuilt.
    stale: AtomicUsize,
    /// The selector's descriptor was handed to a foreign loop: it is never rebuilt, and every
    /// registration is ended by a system call.
    lent: AtomicBool,
}

impl Reactor {
    pub(crate) fn new() -> io::Result<Reactor> {
        Ok(Reactor {
            selector: Selector::new()?,
            slots: Mutex::new(Slots::new()),
            stale: AtomicUsize::new(0),
            lent: AtomicBool::new(false),
        })
    }

    pub(crate) fn selector(&self) -> &Selector {
        &self.selector
    }

    /// Marks the selector's descriptor as lent to code outside.
    pub(crate) fn lend(&self) {
        // Relaxed: it only turns optimisations off, for registrations that end later.
        self.lent.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_lent(&self) -> bool {
        // Relaxed: see `lend`.
        self.lent.load(Ordering::Relaxed)
    }

    /// Hands every event of a batch to its source and wakes who waits for it. Events that carry
    /// `notifier` are counted and returned; stale ones are a miss.
    ///
    /// A waker that panics stops nobody else: the batch goes on behind it.
    #[inline]
    pub(crate) fn dispatch(&self, events: &Events, notifier: Token) -> usize {
        if events.is_empty() {
            return 0;
        }
        let table = lock(&self.slots).lend_table();
        let mut rest = events.iter();
        let mut missed = Missed::default();
        let mut deliver = || {
            for event in &mut rest {
                let token = event.token();
                match slots::find(&table, token) {
                    Some(source) => source.set_readiness(&event),
                    None => missed.count(token, notifier),
                }
            }
        };
        // The panic hook has reported a panic that lands here; the waker's owner learns of it
        // there, and everyone else still gets their wake-up (T22).
        while catch_unwind(AssertUnwindSafe(&mut deliver)).is_err() {}
        let (freed, shut) = lock(&self.slots).restore_table(table);
        if shut {
            freed.iter().for_each(|source| source.shut());
        }
        drop(freed);
        if missed.stale > 0 {
            self.note_stale(missed.stale);
        }
        missed.notified
    }

    #[cold]
    fn note_stale(&self, count: usize) {
        // Relaxed: only the dispatching thread writes it.
        let total = self.stale.load(Ordering::Relaxed) + count;
        let bound = STALE_EVENTS_MAX.max(lock(&self.slots).live());
        if total < bound || self.is_lent() {
            self.stale.store(total, Ordering::Relaxed);
            return;
        }
        self.stale.store(0, Ordering::Relaxed);
        let live: Vec<_> = lock(&self.slots).sources();
        let entries = live.iter().filter_map(|source| source.enlisted());
        // At the descriptor limit there is no fresh selector to be had: the old one still works,
        // and the next `STALE_EVENTS_MAX` stale events try again.
        let _postponed: io::Result<()> = self.selector.rebuild(entries);
    }

    /// Finds a token for `source`, which is about to register `fd`.
    fn insert(&self, fd: RawFd, source: &Arc<Source>) -> Insertion {
        lock(&self.slots).insert(fd, source)
    }

    /// Gives a token back. The slot is free for others once no batch can hold an event for it.
    fn remove(&self, token: Token, fd: RawFd) {
        let freed = lock(&self.slots).remove(token, fd);
        drop(freed);
    }

    /// Whether a live source other than `asking` has registered `fd`, may have, or is about to.
    fn may_own(&self, fd: RawFd, asking: &Source) -> bool {
        lock(&self.slots).may_own(fd, asking)
    }

    /// Refuses registrations from now on, detaches every source and wakes all their waiters.
    pub(crate) fn shut(&self) {
        let sources = lock(&self.slots).shut();
        for source in sources {
            source.shut();
        }
    }

    /// How many sources are registered.
    #[cfg(test)]
    pub(crate) fn live(&self) -> usize {
        lock(&self.slots).live()
    }
}

/// Events of a batch that met no source.
#[derive(Default)]
struct Missed {
    notified: usize,
    stale: usize,
}

impl Missed {
    #[cold]
    fn count(&mut self, token: Token, notifier: Token) {
        if token == notifier { self.notified += 1 } else { self.stale += 1 }
    }
}
