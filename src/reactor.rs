//! Readiness: from an event of the kernel to the wakers of those who wait for it.
//!
//! - `readiness`: what is remembered of a descriptor, as bits.
//! - `side`: one direction of a source: its state word and the waker slot beside it.
//! - `slot`: that slot: a waker in two atomics.
//! - `waiters`: the wait list of a source, for everyone who is not in a slot.
//! - `source`: the record of a descriptor: two sides, the wait list, where it is registered.
//!   `looks`: when a new connection is not registered yet.
//! - `slots`: the table from tokens to sources.
//! - `refusal`: the errors with which a wait is refused.
//! - `registration`: the owner's handle; its drop follows the drop order.
//!
//! # The protocol of a wait
//!
//! 1. Sample the side's word (its generation with it).
//! 2. Make the system call. It says `WouldBlock`:
//! 3. clear the side's bits, unless the generation has moved;
//! 4. store the waker, and set `WAITER` in the same step that checks that nothing is ready;
//! 5. register the direction, if it is not (under the source's registration lock), or, if the
//!    connection is new, have the loop look again in its next turn;
//! 6. `Pending`. An event between 1 and 4 has moved the generation or is seen in 4; data that came
//!    before 5 gives an initial edge.
//!
//! # Who may touch what
//!
//! | field | writer | when |
//! |---|---|---|
//! | `Side::state` | anyone | one atomic step each, described in `side` |
//! | `Side::slot` | the holder of `LOCKED` | from the step that sets it to the one that clears it |
//! | | (comparing: anyone) | always; the word tells whether the answer still holds |
//! | `Source::waiters` | anyone | under its mutex; wakers are woken and dropped outside |
//! | `Source::enrollment` | registering and deregistering | under its mutex, system call included |
//! | `Slots` | anyone | under its mutex |
//! | `Table` | the dispatching thread | always |
//!
//! Lock order: `enrollment`, then `slots`. `waiters` is innermost. No lock is held while a waker is
//! woken, cloned or dropped.
//!
//! This module knows `std::task::Waker` and nothing of tasks, queues or the loop above it.

#[cfg(edgewake_fuzz)]
pub(crate) mod fuzz;
mod kind;
mod readiness;
mod refusal;
mod registration;
mod side;
mod slot;
mod slots;
mod source;
mod waiters;

#[cfg(all(test, edgewake_loom))]
mod loom;
#[cfg(all(test, not(edgewake_loom)))]
mod wakers;

use std::{
    io,
    os::fd::RawFd,
    panic::{AssertUnwindSafe, catch_unwind},
};

use edgewake_sys::{Events, Interest, Selector, Token};

pub use self::readiness::Readiness;
pub(crate) use self::{
    kind::Kind,
    readiness::bits,
    registration::Registration,
    side::{Direction, Snapshot},
    source::{Wait, wake_all, wake_each},
    waiters::{Key, Wanted},
};
use self::{
    slots::{Insertion, Slots, Table},
    source::Source,
};
use crate::{
    metrics::Counter,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        lock,
    },
};

/// After this many events for dead slots (and at least as many as there are live sources) the
/// selector is rebuilt: a forked child may be keeping registrations of closed descriptors alive.
const STALE_EVENTS_MAX: usize = 1024;

/// Room for so many second looks is kept from turn to turn.
const LOOKS_KEPT: usize = 256;

/// A selector and the sources registered with it. Shared between the driver that selects and the
/// sources that register themselves, from any thread.
#[derive(Debug)]
pub(crate) struct Reactor {
    selector: Selector,
    slots: Mutex<Slots>,
    /// Sources came or went since the table last caught up.
    changed: AtomicBool,
    /// The selector's descriptor was handed to a foreign loop: it is never rebuilt, and every
    /// registration is ended by a system call.
    lent: AtomicBool,
    /// Events that woke nobody. Counted by the dispatching thread.
    spurious: Counter,
    /// Events of the notifier. Likewise.
    kicks: Counter,
}

impl Reactor {
    pub(crate) fn new() -> io::Result<Reactor> {
        Ok(Reactor {
            selector: Selector::new()?,
            slots: Mutex::new(Slots::default()),
            changed: AtomicBool::new(false),
            lent: AtomicBool::new(false),
            spurious: Counter::default(),
            kicks: Counter::default(),
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

    /// How many sources are registered, or about to be.
    pub(crate) fn live(&self) -> usize {
        lock(&self.slots).live()
    }

    /// How many events were the notifier's (the driver counts all events).
    pub(crate) fn kicks(&self) -> u64 {
        self.kicks.get()
    }

    pub(crate) fn spurious_events(&self) -> u64 {
        self.spurious.get()
    }

    /// An event met a source for which nobody waited.
    #[cold]
    fn count_unwanted(&self) {
        self.spurious.add(1);
    }

    /// An event met no source.
    #[cold]
    fn count_missed(&self, is_kick: bool, missed: &mut Missed) {
        if is_kick {
            self.kicks.add(1);
            missed.notified += 1;
        } else {
            self.spurious.add(1);
            missed.stale += 1;
        }
    }

    /// Finds a token for `source`, which is about to register `fd`.
    fn insert(&self, fd: RawFd, source: &Arc<Source>) -> Insertion {
        let mut slots = lock(&self.slots);
        let insertion = slots.insert(fd, source);
        // Release: pairs with `catch_up`. Under the lock, so that it is not unset unseen.
        self.changed.store(true, Ordering::Release);
        insertion
    }

    /// Gives a token back. The slot is free for others once no batch can hold an event for it.
    #[inline(never)]
    fn remove(&self, token: Token) {
        let mut slots = lock(&self.slots);
        slots.remove(token);
        // Release: pairs with `catch_up`. Under the lock, so that it is not unset unseen.
        self.changed.store(true, Ordering::Release);
    }

    /// Notes that `source` is to be looked at again in the next turn. On the thread that drives
    /// this. False once it has shut down.
    fn look_again(&self, source: &Arc<Source>) -> bool {
        let mut slots = lock(&self.slots);
        let noted = slots.look_again(source);
        // Release: pairs with `catch_up`. Under the lock, so that it is not unset unseen.
        self.changed.store(true, Ordering::Release);
        noted
    }

    /// Whether another live source of this reactor has registered `fd`.
    fn is_owned(&self, fd: RawFd, token: Token) -> bool {
        lock(&self.slots).is_owned(fd, token)
    }
}

/// The part of a reactor that belongs to the thread that dispatches.
#[derive(Debug)]
pub(crate) struct Dispatcher {
    reactor: Arc<Reactor>,
    table: Table,
    /// To be looked at again in this turn.
    looks: Vec<Arc<Source>>,
    /// Events for slots that had no owner any more, since the selector was last rebuilt.
    stale: usize,
    /// What is registered besides the sources, and has to be registered again in a rebuilt
    /// selector.
    notifier: Option<(RawFd, Token, Interest)>,
}

impl Dispatcher {
    pub(crate) fn new(reactor: Arc<Reactor>) -> Dispatcher {
        Dispatcher { reactor, table: Table::default(), looks: Vec::new(), stale: 0, notifier: None }
    }

    /// With a notifier that is registered besides the sources. It must outlive the dispatcher.
    pub(crate) fn with_notifier(self, notifier: Option<(RawFd, Token, Interest)>) -> Dispatcher {
        Dispatcher { notifier, ..self }
    }

    /// Hands every event of a batch to its source and wakes who waits for it. Returns how many
    /// carry `notifier`. Stale events are a miss.
    ///
    /// A waker that panics stops nobody else: the batch goes on behind it.
    #[inline(always)]
    pub(crate) fn dispatch(&mut self, events: &Events, notifier: Token) -> usize {
        self.catch_up();
        let mut rest = events.iter();
        let mut missed = Missed::default();
        let table = self.table.view();
        let mut deliver = || {
            for event in &mut rest {
                let token = event.token();
                match table.find(token) {
                    Some(source) if source.set_readiness(&event) => {}
                    Some(_) => self.reactor.count_unwanted(),
                    None => self.reactor.count_missed(token == notifier, &mut missed),
                }
            }
        };
        // The panic hook has reported a panic that lands here; the waker's owner learns of it
        // there, and everyone else still gets their wake-up (T22).
        while catch_unwind(AssertUnwindSafe(&mut deliver)).is_err() {}
        if missed.stale > 0 {
            self.note_stale(missed.stale);
        }
        missed.notified
    }

    /// Lets the table know what came and went. Called before `select`, so that a loop that goes
    /// idle holds on to nothing, and after it, so that every event finds its source.
    #[inline(always)]
    pub(crate) fn catch_up(&mut self) {
        // Acquire: pairs with `insert`, whose store comes before the system call
        // that makes the event possible; the kernel orders that call with the report of its event.
        if self.reactor.changed.load(Ordering::Acquire) {
            self.catch_up_now();
        }
    }

    #[cold]
    fn catch_up_now(&mut self) {
        Dispatcher::catch_up_with(&self.reactor, &mut self.table, &mut self.looks);
    }

    fn catch_up_with(reactor: &Reactor, table: &mut Table, looks: &mut Vec<Arc<Source>>) {
        let gone = {
            let mut slots = lock(&reactor.slots);
            slots.take_looks(looks);
            // Relaxed: under the lock, like the stores that set it.
            reactor.changed.store(false, Ordering::Relaxed);
            table.catch_up(&mut slots)
        };
        drop(gone);
    }

    /// Whether a source is to be looked at again: then the turn does not wait. What came up to the
    /// last [`catch_up`](Self::catch_up) counts, and only this thread adds to it.
    #[inline(always)]
    pub(crate) fn has_looks(&self) -> bool {
        !self.looks.is_empty()
    }

    /// Wakes who waits for one of these.
    #[cold]
    pub(crate) fn look(&mut self) {
        for source in &self.looks {
            source.look();
        }
        // Not for ever the room that one burst of connections took.
        if self.looks.capacity() > LOOKS_KEPT {
            self.looks = Vec::new();
        } else {
            self.looks.clear();
        }
    }

    #[cold]
    fn note_stale(&mut self, count: usize) {
        self.stale += count;
        let live = self.reactor.live();
        if self.stale < STALE_EVENTS_MAX.max(live) || self.reactor.is_lent() {
            return;
        }
        self.stale = 0;
        let Dispatcher { reactor, table, looks, notifier, .. } = self;
        let rebuilt = reactor.selector.rebuild(&mut || {
            Dispatcher::catch_up_with(reactor, table, looks);
            let mut entries = Vec::new();
            if let Some(notifier) = *notifier {
                entries.push(notifier);
            }
            for source in table.iter() {
                if let Some(entry) = source.enlisted() {
                    entries.push(entry);
                }
            }
            entries
        });
        // At a limit of descriptors or watches there is no new selector to be had: the old one
        // still works, and the next `STALE_EVENTS_MAX` stale events try again. The notifier is
        // never among the lost: it was there before the exchange.
        for token in rebuilt.iter().flatten() {
            if let Some(source) = table.find(*token) {
                source.disenroll(reactor);
            }
        }
    }

    /// Refuses registrations from now on, detaches every source and wakes all their waiters.
    pub(crate) fn shut(&mut self) {
        lock(&self.reactor.slots).shut();
        self.catch_up_now();
        while let Some(source) = self.table.pop() {
            source.shut();
        }
        // Who waits without a registration learns of it when the next attempt would register.
        self.look();
    }
}

/// Events of a batch that met no source.
#[derive(Default)]
struct Missed {
    notified: usize,
    stale: usize,
}
