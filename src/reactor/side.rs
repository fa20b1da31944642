//! One direction of a source: a state word, and the slot of the one waker that usually waits.
//!
//! The waker stays in its slot after it was woken, so that a task that waits again finds its own
//! waker there and pays one atomic step and a comparison, no clone and no lock. The right to the
//! slot is the `LOCKED` bit of the word. It is only ever *tried*: who finds it taken goes to the
//! wait list instead, so nobody waits for it and a waker that calls back in here cannot deadlock.
//!
//! Every change is one compare-and-swap of the word, so "nothing is ready" and "wake me" are one
//! step, and so are "something is ready" and "whom do I wake". That is why no wake-up is lost.
//! The loom models of this protocol are in `reactor/loom.rs`.
//!
//! # Waiting again
//!
//! Whoever finds his own waker in the slot only has to set `WAITER`, in one compare-and-swap from a
//! word that he has looked at *before* he compared ([`Side::park_again`]). It succeeds only if the
//! slot has not changed from that look on: who changes it has `LOCKED` set meanwhile, and counts
//! the generation up before giving it free, so the word is never again what it was. A comparison
//! that saw a later waker came, by Release of this step and Acquire of the one that sets `LOCKED`,
//! after the word had changed.
#![allow(unsafe_code, reason = "the right to the slot is a bit of the word; see `slot`")]

use std::task::Waker;

use super::{
    readiness::bits::{
        ASSUMED, CLOSED, DATA, DECIDES, DRAINS, EVENT, GENERATION, LISTED, LOCKED, LOOK, LOOKS,
        PRIORITY, REGISTERED, SHUT, TRY, WAITER,
    },
    slot::Slot,
};
use crate::sync::atomic::{AtomicU64, Ordering};

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

    /// Whether a wait for readiness is over, by what a registered direction is known to be: data,
    /// the end of it, or an error. False, too, where it takes more than one look to tell.
    #[inline(always)]
    pub(crate) fn is_due(self) -> bool {
        const { assert!(EVENT == REGISTERED - 1, "the bits below it") };
        // One comparison: `REGISTERED`, something below it, and nothing else.
        (self.0 & DECIDES).wrapping_sub(REGISTERED + 1) < EVENT
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
    /// Woken and changed only by the holder of `LOCKED`; filled wherever `WAITER` is set.
    slot: Slot,
}

impl Side {
    pub(super) fn new(initial: u64) -> Side {
        Side { state: AtomicU64::new(initial), slot: Slot::new() }
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

    /// An event that meets the usual case: somebody waits in the slot, nobody in the list. Then
    /// the caller owes [`wake_slot`](Self::wake_slot). False if it is not so, and nothing has
    /// changed.
    #[inline(always)]
    pub(super) fn raise_waiter(&self, bits: u64) -> bool {
        // Relaxed: the compare-and-swap below confirms it.
        let state = self.state.load(Ordering::Relaxed);
        if state & (WAITER | LISTED) != WAITER {
            return false;
        }
        // One sum for "one event more" and "LOCKED instead of WAITER": they are never both set.
        let next = (state | bits).wrapping_add(GENERATION + LOCKED - WAITER);
        // AcqRel, Relaxed: as in `raise`.
        self.state.compare_exchange(state, next, Ordering::AcqRel, Ordering::Relaxed).is_ok()
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
    /// Called by the one who set `LOCKED` where `WAITER` was. A panic of the waker unwinds out of
    /// here with the slot free.
    #[inline(always)]
    pub(super) fn wake_slot(&self) {
        let _free = FreeOnDrop(&self.state);
        // SAFETY: LOCKED is ours until `_free` drops, and WAITER said that there is a waker.
        unsafe { self.slot.wake() };
    }

    /// Waits where the same task has waited before, which is nearly every wait: nothing was ready
    /// in `seen`, the direction registered, the slot free and holding this waker. False if it is
    /// not so, or stopped being so; then nothing has changed, and [`park`](Self::park) finds out.
    #[inline(always)]
    pub(super) fn park_again(&self, seen: Snapshot, waker: &Waker) -> bool {
        let before = seen.0;
        if before & DECIDES != REGISTERED || !self.slot.holds(waker) {
            return false;
        }
        // Release: pairs with the Acquire of whoever sets LOCKED (see above). What is in the slot
        // was published by the one who put it there; this step hands that on.
        // Relaxed on failure: nothing is read.
        let (success, failure) = (Ordering::Release, Ordering::Relaxed);
        self.state.compare_exchange(before, before | WAITER, success, failure).is_ok()
    }

    /// Waits: puts `waker` into the slot, unless something is ready.
    #[cold]
    pub(super) fn park(&self, waker: &Waker, claim: Claim) -> Parked {
        let before = match self.try_lock() {
            Ok(before) => before,
            Err(parked) => return parked,
        };
        if self.slot.holds(waker) {
            self.settle(before)
        } else {
            self.park_stranger(waker, claim, before)
        }
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
            let settle = SettleOnDrop(self, before);
            let new = waker.clone();
            std::mem::forget(settle);
            new
        };
        // SAFETY: LOCKED is ours.
        let old = unsafe { self.slot.replace(Some(new)) };
        // Relaxed: `settle`, of the same word, publishes it. From now on no comparison that came
        // before counts: see "Waiting again" above.
        self.state.fetch_add(GENERATION, Ordering::Relaxed);
        match (self.settle((before & !WAITER).wrapping_add(GENERATION)), old) {
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
        let lock = |state: u64| {
            let next = (state | LOCKED) & !WAITER;
            (state & LOCKED == 0).then(|| next.wrapping_add(GENERATION))
        };
        // Acquire: pairs with the Release that last cleared LOCKED. Relaxed on failure: nothing is
        // read. The generation: as in `park_stranger`.
        self.state.fetch_update(Ordering::Acquire, Ordering::Relaxed, lock).ok()?;
        let _free = FreeOnDrop(&self.state);
        // SAFETY: LOCKED is ours until `_free` drops.
        unsafe { self.slot.replace(None) }
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

/// Gives the slot free as it was found in this word, waking whoever waited there, when a clone
/// panics.
struct SettleOnDrop<'a>(&'a Side, u64);

impl Drop for SettleOnDrop<'_> {
    fn drop(&mut self) {
        let _nobody_is_told = self.0.settle_ready(self.1);
    }
}

#[cfg(all(test, not(edgewake_loom)))]
mod tests;
