//! The reactor's record of a descriptor: two sides, a wait list, and where it is registered.
//!
//! Shared by the slot table, which hands it events, and by its owner's `Registration`. A source is
//! born unregistered, with both directions *assumed* ready, and is registered for a direction when
//! somebody first has to wait for that direction.
//!
//! # The drain rule
//!
//! A short count (`0 < n < len`) means that the kernel has nothing more only where `DRAINS` is set
//! in the side's word. It is set at birth by [`Kind::Stream`], for connections that this library
//! made, and lost for good when: urgent data was seen (TCP stops reads at the mark, T1, T89); an
//! out-of-band receive was made; the owner asks to read until `WouldBlock`. A peek never clears
//! anything (T90).
//!
//! A new connection is registered only when it has blocked twice: see `looks`.
//!
//! On kqueue the last event's `data` is remembered less what was read since, and a short count
//! counts only once nothing of it is left.

mod enrollment;
mod looks;

use std::{
    os::fd::RawFd,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Weak,
    task::Waker,
};

use edgewake_sys::{Event, Token};

use self::enrollment::Enrollment;
use super::{
    Reactor,
    kind::Kind,
    readiness::bits::{ASSUMED, CLOSED, DATA, DRAINS, ERROR, LISTED, PRIORITY, SHUT},
    side::{Claim, Direction, Parked, Raised, Side, Snapshot},
    waiters::{Crowded, Key, WaitList, Wanted},
};
#[cfg(edgewake_selector = "kqueue")]
use crate::sync::atomic::AtomicI64;
use crate::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicU64, Ordering},
    lock,
};

/// No slot: the notifier's token less one, which `slots` never gives out.
pub(super) const NO_TOKEN: Token = Token(u64::MAX - 1);

// Who has no slot does not pass for the notifier.
const _: () = assert!(NO_TOKEN.0 < u64::MAX);

/// No code outside this library has seen the descriptor.
const PRIVATE: u8 = 0;
/// Some has, and may have duplicated it.
const LENT: u8 = 1;
/// Some may have put another descriptor in its place.
const REPLACEABLE: u8 = 2;

#[derive(Debug)]
pub(crate) struct Source {
    read: Side,
    write: Side,
    /// The token of the slot that holds this source, or `NO_TOKEN`.
    token: AtomicU64,
    /// Most sources never have a list.
    waiters: Mutex<Option<Box<WaitList>>>,
    enrollment: Mutex<Enrollment>,
    /// The number of the descriptor once it is registered, -1 before.
    fd: AtomicI32,
    /// What code outside this library may have done to the descriptor: `PRIVATE` or what follows.
    exposure: AtomicU8,
    kind: Kind,
    /// One driver of several is enough to be told.
    exclusive: AtomicBool,
    /// What the last readable event said can be read, less what was read since.
    #[cfg(edgewake_selector = "kqueue")]
    remembered: AtomicI64,
}

/// What a wait came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Wait {
    /// Something is ready, or was: try again.
    Retry,
    /// The waker will be woken.
    Pending,
    /// The waker is stored, but the direction is not registered yet.
    Unregistered,
}

impl Source {
    pub(super) fn new(kind: Kind, assumed: bool, born: Option<Weak<Reactor>>) -> Source {
        let drains = if kind == Kind::Stream { DRAINS } else { 0 };
        let initial = drains | if assumed { ASSUMED } else { 0 };
        Source {
            read: Side::new(initial),
            write: Side::new(initial),
            token: AtomicU64::new(NO_TOKEN.0),
            waiters: Mutex::new(None),
            enrollment: Mutex::new(Enrollment::Born(born)),
            fd: AtomicI32::new(-1),
            exposure: AtomicU8::new(if kind == Kind::Other { LENT } else { PRIVATE }),
            kind,
            exclusive: AtomicBool::new(false),
            #[cfg(edgewake_selector = "kqueue")]
            remembered: AtomicI64::new(0),
        }
    }

    #[inline(always)]
    pub(super) fn token(&self) -> Token {
        // Relaxed: written before the registration's system call and after the one that ends it,
        // and the kernel orders those with the events it reports. A racing end is a stale event,
        // which the protocol allows either way.
        Token(self.token.load(Ordering::Relaxed))
    }

    /// From now on events with `token` are for this source, and others are not.
    pub(super) fn set_token(&self, token: Token) {
        // Relaxed: see `token`.
        self.token.store(token.0, Ordering::Relaxed);
    }

    pub(super) fn fd(&self) -> RawFd {
        // Relaxed: read under the slots' mutex, under which the source was inserted.
        self.fd.load(Ordering::Relaxed)
    }

    #[inline(always)]
    fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }

    #[inline(always)]
    pub(super) fn snapshot(&self, direction: Direction) -> Snapshot {
        self.side(direction).snapshot()
    }

    #[inline(always)]
    pub(super) fn clear_blocked(&self, direction: Direction, seen: Snapshot) {
        self.side(direction).clear_blocked(seen);
    }

    #[cold]
    pub(super) fn clear_priority(&self, seen: Snapshot) {
        self.read.clear_priority(seen);
    }

    /// Draws the conclusion from a transfer of `count` of `length` bytes, by the drain rule.
    #[inline(always)]
    pub(super) fn note_count(
        &self,
        direction: Direction,
        seen: Snapshot,
        count: usize,
        len: usize,
    ) {
        #[cfg(edgewake_selector = "kqueue")]
        if direction == Direction::Read && self.take_remembered(count) > 0 {
            return;
        }
        // `0 < count < len`, in one comparison: none is the largest number there is.
        if count.wrapping_sub(1) < len.wrapping_sub(1) {
            self.side(direction).clear_drained(seen);
        }
    }

    /// Counts `count` bytes as read, and says how many of the last report are left.
    #[cfg(edgewake_selector = "kqueue")]
    fn take_remembered(&self, count: usize) -> i64 {
        let count = count as i64;
        // Relaxed: a hint; an event that changes it concurrently has moved the generation, and
        // then nothing is cleared.
        self.remembered.fetch_sub(count, Ordering::Relaxed) - count
    }

    /// Ends the drain rule for this source: from now on only `WouldBlock` says "nothing left".
    pub(super) fn read_until_would_block(&self) {
        self.read.unset(DRAINS);
    }

    /// Notes that code outside this library has seen the descriptor.
    #[inline]
    pub(super) fn lend(&self) {
        // Relaxed: read by the owner when it ends the registration, after every loan.
        if self.exposure.load(Ordering::Relaxed) == PRIVATE {
            self.exposure.store(LENT, Ordering::Relaxed);
        }
    }

    /// Notes that code outside this library can replace the descriptor by another one.
    pub(super) fn give_away(&self) {
        // Relaxed: as in `lend`.
        self.exposure.store(REPLACEABLE, Ordering::Relaxed);
    }

    /// An event of the kernel. Returns whether somebody waited for it.
    #[inline(always)]
    pub(super) fn set_readiness(&self, event: &Event) -> bool {
        if !event.is_only_readable() {
            return self.set_readiness_in_full(event);
        }
        #[cfg(edgewake_selector = "kqueue")]
        self.remember(event);
        if self.read.raise_waiter(DATA) {
            self.read.wake_slot();
            return true;
        }
        self.raise_data()
    }

    /// Data that does not meet one task waiting in the slot: nobody waits, or more than one. Cold
    /// for the sake of the loop around, which then runs straight on in the other case.
    #[cold]
    fn raise_data(&self) -> bool {
        let raised = self.read.raise(DATA);
        let woke_listed = raised.owes_list() && self.wake_list(DATA, 0);
        if raised.owes_slot() {
            self.read.wake_slot();
            return true;
        }
        woke_listed
    }

    #[cfg(edgewake_selector = "kqueue")]
    fn remember(&self, event: &Event) {
        if let Some(bytes) = event.readable_bytes() {
            // Relaxed: see `take_remembered`.
            self.remembered.store(bytes.try_into().unwrap_or(i64::MAX), Ordering::Relaxed);
        }
    }

    #[cold]
    fn set_readiness_in_full(&self, event: &Event) -> bool {
        #[cfg(edgewake_selector = "kqueue")]
        self.remember(event);
        let mut read = 0;
        let mut write = 0;
        let mut note = |holds: bool, read_bits: u64, write_bits: u64| {
            if holds {
                read |= read_bits;
                write |= write_bits;
            }
        };
        note(event.is_readable(), DATA, 0);
        note(event.is_writable(), 0, DATA);
        note(event.is_read_closed(), CLOSED, 0);
        note(event.is_write_closed(), 0, CLOSED);
        note(event.is_priority(), PRIORITY, 0);
        note(event.is_error(), ERROR, ERROR);
        // All that some kqueues tell a pipe's writer of its reader's end (T36).
        #[cfg(edgewake_has = "pipe_end_by_read")]
        note(self.kind == Kind::PipeWriter && event.is_read_closed(), 0, CLOSED);
        if event.is_priority() {
            // Before the bit that lets a reader run: a read stops at the urgent mark (T1).
            self.read.unset(DRAINS);
        }
        self.raise(read, write)
    }

    /// Sets bits of both directions and wakes whoever waits for one of them. A waker that panics
    /// stops nobody else (T22). Returns whether somebody did wait.
    pub(super) fn raise(&self, read: u64, write: u64) -> bool {
        let raise = |side: &Side, bits| if bits == 0 { None } else { Some(side.raise(bits)) };
        let raised = [raise(&self.read, read), raise(&self.write, write)];
        let listed = raised.iter().flatten().any(|raised: &Raised| raised.owes_list());
        let mut woke = listed && self.wake_list(read, write);
        for (side, raised) in [&self.read, &self.write].into_iter().zip(raised) {
            if raised.is_some_and(Raised::owes_slot) {
                isolate(|| side.wake_slot());
                woke = true;
            }
        }
        woke
    }

    /// Returns whether somebody in the list waited for it.
    #[cold]
    fn wake_list(&self, read: u64, write: u64) -> bool {
        let met = {
            let mut waiters = lock(&self.waiters);
            let Some(list) = waiters.as_mut() else { return false };
            let met = list.take_met(read, write);
            self.settle_listed(list);
            met
        };
        let woke = !met.is_empty();
        wake_all(met);
        woke
    }

    /// Takes `LISTED` from the directions that nobody in the list waits for any more. Under the
    /// list's mutex, like every change of that bit.
    fn settle_listed(&self, list: &WaitList) {
        for direction in [Direction::Read, Direction::Write] {
            if !list.wants(direction) {
                self.side(direction).unset(LISTED);
            }
        }
    }

    /// Waits where the same task has waited before, if nothing was ready in `seen`. False if that
    /// is not so, and nothing has changed.
    #[inline(always)]
    pub(super) fn park_again(&self, direction: Direction, seen: Snapshot, waker: &Waker) -> bool {
        self.side(direction).park_again(seen, waker)
    }

    /// Waits as a `poll_*` function does: the newest caller's waker is in the slot.
    #[cold]
    pub(super) fn park(&self, direction: Direction, waker: &Waker) -> Wait {
        let (seen, displaced) = match self.side(direction).park(waker, Claim::Newest) {
            Parked::Ready(_) => return Wait::Retry,
            Parked::Waiting(seen) => (seen, None),
            Parked::Displaced(seen, old) => (seen, Some(old)),
            // Somebody is in the slot at this very moment, perhaps further up this thread's stack
            // (a waker that polls). The list needs no slot.
            Parked::Occupied => (self.snapshot(direction), Some(waker.clone())),
        };
        if displaced.is_some_and(|waker| self.list_displaced(direction, waker) == Wait::Retry) {
            return Wait::Retry;
        }
        if seen.is_registered() { Wait::Pending } else { Wait::Unregistered }
    }

    /// Puts a waker into the list that nobody will take off again.
    fn list_displaced(&self, direction: Direction, waker: Waker) -> Wait {
        const BITS: u64 = DATA | CLOSED | ERROR | SHUT;
        let (crowded, seen) = {
            let mut waiters = lock(&self.waiters);
            let list = waiters.get_or_insert_default();
            let crowded = list.add_displaced(Wanted::one(direction, BITS), waker);
            (crowded, self.side(direction).set(LISTED))
        };
        match crowded {
            Crowded::No => {}
            Crowded::Duplicate(waker) => drop(waker),
            Crowded::Sweep(woken) => wake_all(woken),
        }
        if seen.word() & (BITS | ASSUMED) == 0 {
            return Wait::Pending;
        }
        // An event came before `LISTED` could be seen, or a look (see `looks`), which says nothing
        // and is for who waits for data: its wake-up is ours to give.
        let looked = if seen.word() & ASSUMED != 0 { DATA } else { 0 };
        let word = seen.word() | looked;
        let _perhaps_only_us = match direction {
            Direction::Read => self.wake_list(word, 0),
            Direction::Write => self.wake_list(0, word),
        };
        Wait::Retry
    }

    /// Waits for one direction as a future does: in the slot if it is free, else in the list under
    /// `key`. [`forget`](Self::forget) takes the entry off again.
    #[cold]
    pub(super) fn park_future(
        &self,
        direction: Direction,
        waker: &Waker,
        key: &mut Option<Key>,
    ) -> Wait {
        if key.is_none() {
            match self.side(direction).park(waker, Claim::Present) {
                Parked::Waiting(seen) if seen.is_registered() => return Wait::Pending,
                Parked::Waiting(_) => return Wait::Unregistered,
                Parked::Ready(_) => return Wait::Retry,
                Parked::Displaced(..) | Parked::Occupied => {}
            }
        }
        let wanted = Wanted::one(direction, DATA | CLOSED | ERROR | SHUT);
        self.park_keyed(wanted, waker, key)
    }

    /// Waits in the list, under `key`, until one of `wanted` holds.
    #[cold]
    pub(super) fn park_keyed(&self, wanted: Wanted, waker: &Waker, key: &mut Option<Key>) -> Wait {
        self.enlist(wanted, waker, key);
        if self.meets(wanted) {
            return Wait::Retry;
        }
        let registered = |side: &Side, bits| bits == 0 || side.snapshot().is_registered();
        if registered(&self.read, wanted.read) && registered(&self.write, wanted.write) {
            Wait::Pending
        } else {
            Wait::Unregistered
        }
    }

    /// Waits in the list, under `key`, until `direction` has an event with one of `bits` that
    /// `seen` does not know. What is remembered from before does not count, and neither does that
    /// somebody else has cleared an event's bits meanwhile.
    #[cold]
    pub(super) fn park_beyond(
        &self,
        direction: Direction,
        seen: Snapshot,
        bits: u64,
        waker: &Waker,
        key: &mut Option<Key>,
    ) -> Wait {
        self.enlist(Wanted::one(direction, bits), waker, key);
        // After `enlist`: an event that could not see the entry is seen here.
        let now = self.snapshot(direction);
        if now.is_later_than(seen) || now.is_shut() {
            Wait::Retry
        } else if now.is_registered() {
            Wait::Pending
        } else {
            Wait::Unregistered
        }
    }

    /// Puts a future's waker into the list.
    fn enlist(&self, wanted: Wanted, waker: &Waker, key: &mut Option<Key>) {
        let waker = waker.clone();
        let replaced = {
            let mut waiters = lock(&self.waiters);
            let list = waiters.get_or_insert_default();
            let (entry, replaced) = list.put(*key, wanted, waker);
            *key = Some(entry);
            for (direction, bits) in
                [(Direction::Read, wanted.read), (Direction::Write, wanted.write)]
            {
                if bits != 0 {
                    let _seen_below = self.side(direction).set(LISTED);
                }
            }
            replaced
        };
        drop(replaced);
    }

    /// Whether one of `wanted` holds now.
    pub(super) fn meets(&self, wanted: Wanted) -> bool {
        wanted.is_met_by(self.read.snapshot().word(), self.write.snapshot().word())
    }

    /// Takes a future's entry off the list.
    pub(super) fn forget(&self, key: Key) {
        let waker = {
            let mut waiters = lock(&self.waiters);
            let Some(list) = waiters.as_mut() else { return };
            let waker = list.remove(key);
            self.settle_listed(list);
            waker
        };
        drop(waker);
    }
}

/// Runs foreign code so that a panic in it, which the panic hook has reported, stops nobody else.
#[inline]
fn isolate(wake: impl FnOnce()) {
    let _reported_by_the_hook = catch_unwind(AssertUnwindSafe(wake));
}

/// Wakes them all, as [`wake_each`].
pub(crate) fn wake_all(mut wakers: Vec<Waker>) {
    wake_each(&mut wakers);
}

/// Wakes them all, in their order, and leaves the list empty; one that panics stops nobody else
/// (T22).
pub(crate) fn wake_each(wakers: &mut Vec<Waker>) {
    wakers.reverse();
    // By `pop`, whose code is a fraction of that of `drain` or an owning iterator.
    while let Some(waker) = wakers.pop() {
        isolate(|| waker.wake());
    }
}

#[cfg(all(test, not(edgewake_loom)))]
mod tests;
