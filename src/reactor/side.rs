//! One direction of a source: a state word, and the slot of the one waker that usually waits.
//!
//! The waker stays in its slot after it was woken, so that a task that waits again finds its own
//! waker there and pays two atomic steps and a comparison, no clone and no lock. The right to the
//! slot is the `LOCKED` bit of the word. It is only ever *tried*: who finds it taken goes to the
//! wait list instead, so nobody waits for it and a waker that calls back in here cannot deadlock.
//!
//! Every change is one compare-and-swap of the word, so "nothing is ready" and "wake me" are one
//! step, and so are "something is ready" and "whom do I wake". That is why no wake-up is lost.
//! The loom models of this protocol are in `reactor/loom.rs`.
//!
//! This file holds the reactor's only `unsafe`: an `AtomicWaker` here costs 90 instructions more
//! an echo, a mutex 190 (measured on a prototype; see the budget in ARCHITECTURE.md).
#![allow(unsafe_code, reason = "the waker slot, guarded by a bit of the state word; see above")]

use std::task::Waker;

use super::readiness::bits::{
    ASSUMED, CLOSED, DATA, DRAINS, EVENT, GENERATION, LISTED, LOCKED, LOOK, LOOKS, PRIORITY,
    REGISTERED, SHUT, TRY, WAITER,
};
use crate::sync::{
    UnsafeCell,
    atomic::{AtomicU64, Ordering},
};

/// Which half of a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

/// A side's word as it was at one moment, before a system call. Its generation guards the clear
/// that may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) struct Snapshot(u64);

impl Snapshot {
    /// Whether a system call of this direction is worth making.
    #[inline(always)]
    pub(crate) fn is_worth_trying(self) -> bool {
        self.0 & TRY != 0
    }

    pub(crate) fn is_registered(self) -> bool {
        self.0 & REGISTERED != 0
    }

    pub(crate) fn is_shut(self) -> bool {
        self.0 & SHUT != 0
    }

    /// Whether a wait may go on to another look, with no registration.
    pub(crate) fn has_looks(self) -> bool {
        self.0 & LOOKS != 0
    }

    /// Whether the peer had closed this direction.
    pub(crate) fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    pub(crate) fn word(self) -> u64 {
        self.0
    }

    /// Whether an event has come since `seen`.
    pub(super) fn is_later_than(self, seen: Snapshot) -> bool {
        self.generation() != seen.generation()
    }

    fn generation(self) -> u64 {
        self.0 / GENERATION
    }
}

/// What became of an attempt to wait.
#[derive(Debug)]
#[must_use]
pub(super) enum Parked {
    /// Something is ready: try again.
    Ready(Snapshot),
    /// The waker is in the slot. The snapshot says whether the direction is registered.
    Waiting(Snapshot),
    /// The waker is in the slot, and this one was waiting there before: it goes to the list.
    Displaced(Snapshot, Waker),
    /// The slot is not to be had: wait in the list.
    Occupied,
}

/// Who has the better right to a slot in which someone else waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// The newcomer: a `poll_*` function has no drop that could take an entry off the list.
    Newest,
    /// The one who waits there: a future has a key to its entry and takes it off when dropped.
    Present,
}

/// One direction of a source.
#[derive(Debug)]
pub(super) struct Side {
    state: AtomicU64,
    /// Touched only by the holder of `LOCKED`.
    slot: UnsafeCell<Option<Waker>>,
}

// SAFETY: the slot is the only part that is not Sync by itself. It is reached only between the
// atomic step that sets LOCKED (Acquire) and the one that clears it (Release), by the thread that
// set it, and `Waker` is Send and Sync.
unsafe impl Sync for Side {}
// SAFETY: it owns its waker, and `Waker` is Send.
unsafe impl Send for Side {}

impl Side {
    pub(super) fn new(initial: u64) -> Side {
        Side { state: AtomicU64::new(initial), slot: UnsafeCell::new(None) }
    }

    #[inline(always)]
    pub(super) fn snapshot(&self) -> Snapshot {
        // Acquire: pairs with the Release half of `raise` and `set`, so that what was written
        // before them is seen by who acts on their bits.
        Snapshot(self.state.load(Ordering::Acquire))
    }

    /// Sets bits that are no event. Returns the word with them.
    pub(super) fn set(&self, bits: u64) -> Snapshot {
        // AcqRel: pairs with `raise`: either it sees the bits, or we see its event.
        Snapshot(self.state.fetch_or(bits, Ordering::AcqRel) | bits)
    }

    pub(super) fn unset(&self, bits: u64) {
        // AcqRel: as in `set`.
        self.state.fetch_and(!bits, Ordering::AcqRel);
    }

    /// Forgets `bits`, unless an event has come since `seen` was taken.
    #[inline(always)]
    fn clear(&self, seen: Snapshot, bits: u64) {
        self.clear_while(seen, bits, 0);
    }

    /// Forgets `bits`, unless an event has come since `seen` was taken, or `condition`, bits of
    /// `seen`, does not hold any more.
    #[inline(always)]
    fn clear_while(&self, seen: Snapshot, bits: u64, condition: u64) {
        // Relaxed on both: nothing is published or read here; who acts on the word later takes an
        // Acquire snapshot of its own.
        let next = seen.0 & !bits;
        let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
        if let Err(actual) = self.state.compare_exchange(seen.0, next, success, failure) {
            self.clear_changed(seen, Snapshot(actual), bits, condition);
        }
    }

    /// [`clear_while`](Self::clear_while) where the word has changed: by an event, or by a bit that
    /// is none.
    #[cold]
    fn clear_changed(&self, seen: Snapshot, mut current: Snapshot, bits: u64, condition: u64) {
        while current.generation() == seen.generation() && current.0 & condition == condition {
            // Relaxed on both: as in `clear_while`.
            match self.state.compare_exchange(
                current.0,
                current.0 & !bits,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(actual) => current = Snapshot(actual),
            }
        }
    }

    /// The kernel said `WouldBlock`: nothing holds now, and what comes later is a new edge. Urgent
    /// data is not what was asked for: it may be there still.
    #[inline(always)]
    pub(super) fn clear_blocked(&self, seen: Snapshot) {
        if seen.has_looks() {
            let _one_less = self.spend_look();
        }
        self.clear(seen, EVENT | ASSUMED);
    }

    /// For a connection that nobody knows yet.
    pub(super) fn grant_looks(&mut self) {
        let _nobody_else_knows_it = self.set(LOOKS);
    }

    /// Takes one of the looks that are left; false if there is none.
    #[cold]
    pub(super) fn spend_look(&self) -> bool {
        let spend = |state| (state & LOOKS != 0).then(|| state - LOOK);
        // Relaxed on both: a count that publishes nothing.
        self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_ok()
    }

    /// There is no urgent data, whatever else there is (T14).
    pub(super) fn clear_priority(&self, seen: Snapshot) {
        self.clear(seen, PRIORITY);
    }

    /// A short count used everything up, where the drain rule holds. Closed and error bits stay:
    /// they get no second edge (T2).
    ///
    /// On a direction that is not registered yet the rule holds for every descriptor: whoever
    /// waits next registers it, and registering reports whatever is there by then.
    #[inline(always)]
    pub(super) fn clear_drained(&self, seen: Snapshot) {
        if seen.0 & DRAINS != 0 {
            // Of the word as it is now, too: an out-of-band receive of another thread ends the
            // rule without an event.
            self.clear_while(seen, DATA | ASSUMED, DRAINS);
        }
    }

    /// An event: sets bits and counts the generation up. The caller then owes a wake-up to the
    /// slot and to the list, as the answer says.
    #[inline(always)]
    pub(super) fn raise(&self, bits: u64) -> Raised {
        // Relaxed: the compare-and-swap below confirms it.
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            let mut next = (state | bits).wrapping_add(GENERATION);
            if state & WAITER != 0 {
                next = (next & !WAITER) | LOCKED;
            }
            // AcqRel: Acquire pairs with the Release of `settle`, which published the waker in
            // the slot; Release pairs with `snapshot`.
            match self.state.compare_exchange_weak(state, next, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) => return Raised(state),
                Err(actual) => state = actual,
            }
        }
    }

    /// Wakes the waker in the slot, which stays there, and gives the slot free.
    ///
    /// Called by the holder of `LOCKED`. A panic of the waker unwinds out of here with the slot
    /// free.
    #[inline(always)]
    pub(super) fn wake_slot(&self) {
        let _free = FreeOnDrop(&self.state);
        self.slot.with(|slot| {
            // SAFETY: LOCKED is ours until `_free` drops, so nobody writes the slot.
            if let Some(waker) = unsafe { &*slot } {
                waker.wake_by_ref();
            }
        });
    }

    /// Waits where the same task has waited before, which is nearly every wait: nothing is ready,
    /// the direction is registered, the slot is free and holds this waker. False if it is not so,
    /// or stopped being so; then nothing has changed, and [`park`](Self::park) finds out.
    #[inline(always)]
    pub(super) fn park_again(&self, waker: &Waker) -> bool {
        // Relaxed: the compare-and-swap below confirms it.
        let before = self.state.load(Ordering::Relaxed);
        if before & (TRY | LOCKED | REGISTERED) != REGISTERED {
            return false;
        }
        let locked = (before | LOCKED) & !WAITER;
        // Acquire: as in `try_lock`.
        let (success, failure) = (Ordering::Acquire, Ordering::Relaxed);
        if self.state.compare_exchange(before, locked, success, failure).is_err() {
            return false;
        }
        let present = self.slot.with(|slot| {
            // SAFETY: LOCKED is ours since the step above, so nobody writes the slot.
            unsafe { &*slot }.as_ref().is_some_and(|present| present.will_wake(waker))
        });
        if !present {
            return self.give_back(before);
        }
        // Release: as in `settle`.
        let (success, failure) = (Ordering::Release, Ordering::Relaxed);
        let parked = (locked & !LOCKED) | WAITER;
        self.state.compare_exchange(locked, parked, success, failure).is_ok()
            || matches!(self.settle(before), Parked::Waiting(_))
    }

    /// Gives the slot free as it was found. Always false.
    #[cold]
    fn give_back(&self, before: u64) -> bool {
        if before & WAITER != 0 {
            let _whoever_waits_is_served = self.settle(before);
        } else {
            self.unset(LOCKED);
        }
        false
    }

    /// Waits: puts `waker` into the slot, unless something is ready.
    #[cold]
    pub(super) fn park(&self, waker: &Waker, claim: Claim) -> Parked {
        let before = match self.try_lock() {
            Ok(before) => before,
            Err(parked) => return parked,
        };
        let present = self.slot.with(|slot| {
            // SAFETY: LOCKED is ours since `try_lock`, so nobody writes the slot.
            unsafe { &*slot }.as_ref().is_some_and(|present| present.will_wake(waker))
        });
        if present { self.settle(before) } else { self.park_stranger(waker, claim, before) }
    }

    /// Takes the right to the slot, or says why there is none to take.
    fn try_lock(&self) -> Result<u64, Parked> {
        // Acquire, here and on failure: a ready word is handed out as a snapshot.
        let mut state = self.state.load(Ordering::Acquire);
        loop {
            if state & TRY != 0 {
                return Err(Parked::Ready(Snapshot(state)));
            }
            if state & LOCKED != 0 {
                return Err(Parked::Occupied);
            }
            // Acquire: pairs with the Release that last cleared LOCKED, so that what that holder
            // put into the slot is seen.
            match self.state.compare_exchange_weak(
                state,
                (state | LOCKED) & !WAITER,
                Ordering::Acquire,
                Ordering::Acquire,
            ) {
                Ok(_) => return Ok(state),
                Err(actual) => state = actual,
            }
        }
    }

    /// Gives the slot free with `WAITER` set, in the step that finds nothing ready. `before` is
    /// the word from which the slot was taken: if it said that someone waits, they are owed the
    /// wake-up that an event meanwhile could not give.
    #[cold]
    fn settle(&self, before: u64) -> Parked {
        // What `try_lock` left there. Likely still so, and confirmed by the compare-and-swap.
        let mut state = (before | LOCKED) & !WAITER;
        loop {
            if state & TRY != 0 {
                return self.settle_ready(before);
            }
            let next = (state & !LOCKED) | WAITER;
            // Release: publishes the slot to `raise` and to the next `try_lock`.
            match self.state.compare_exchange(state, next, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return Parked::Waiting(Snapshot(next)),
                Err(actual) => state = actual,
            }
        }
    }

    /// Something became ready while the slot was taken. Two futures of one task can share a
    /// waker, so the owed wake-up is given even where the slot holds the caller's own.
    #[cold]
    fn settle_ready(&self, before: u64) -> Parked {
        if before & WAITER != 0 {
            self.wake_slot();
        } else {
            self.unset(LOCKED);
        }
        Parked::Ready(self.snapshot())
    }

    /// [`park`](Self::park) where the slot is empty or holds another waker. `LOCKED` is ours.
    #[cold]
    fn park_stranger(&self, waker: &Waker, claim: Claim, before: u64) -> Parked {
        let waiting = before & WAITER != 0;
        if waiting && claim == Claim::Present {
            return match self.settle(before) {
                Parked::Waiting(_) => Parked::Occupied,
                ready => ready,
            };
        }
        let new = {
            // A clone that panics must not cost the present waiter its wake-up.
            let wake = WakeOnDrop(self);
            let new = waker.clone();
            std::mem::forget(wake);
            new
        };
        let old = self.slot.with_mut(|slot| {
            // SAFETY: LOCKED is ours, so nobody else reads or writes the slot.
            unsafe { &mut *slot }.replace(new)
        });
        match (self.settle(before & !WAITER), old) {
            (Parked::Waiting(seen), Some(old)) if waiting => Parked::Displaced(seen, old),
            (Parked::Ready(seen), Some(old)) if waiting => {
                old.wake();
                Parked::Ready(seen)
            }
            (parked, _) => parked,
        }
    }

    /// Empties the slot if nobody is using it, for a source that ends.
    pub(super) fn take_waker(&self) -> Option<Waker> {
        // Acquire: pairs with the Release that last cleared LOCKED.
        let before = self.state.fetch_or(LOCKED, Ordering::Acquire);
        if before & LOCKED != 0 {
            return None;
        }
        let _free = FreeOnDrop(&self.state);
        self.slot.with_mut(|slot| {
            // SAFETY: LOCKED is ours until `_free` drops.
            unsafe { &mut *slot }.take()
        })
    }
}

/// The word that an event met: what the one who raised it owes.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub(super) struct Raised(u64);

impl Raised {
    /// `LOCKED` is ours, and [`Side::wake_slot`] must follow.
    #[inline(always)]
    pub(super) fn owes_slot(self) -> bool {
        self.0 & WAITER != 0
    }

    /// The wait list has entries for this direction.
    #[inline(always)]
    pub(super) fn owes_list(self) -> bool {
        self.0 & LISTED != 0
    }
}

/// Clears `LOCKED`, also when a waker panics.
struct FreeOnDrop<'a>(&'a AtomicU64);

impl Drop for FreeOnDrop<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // Release: publishes the slot to the next `try_lock` (Acquire).
        self.0.fetch_and(!LOCKED, Ordering::Release);
    }
}

/// Wakes whoever is in the slot and gives it free, when a clone panics.
struct WakeOnDrop<'a>(&'a Side);

impl Drop for WakeOnDrop<'_> {
    fn drop(&mut self) {
        self.0.wake_slot();
    }
}

#[cfg(all(test, not(edgewake_loom)))]
mod tests;
