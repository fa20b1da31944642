//! The word of a task: six bits and a count of references, and every transition between them.
//!
//! The transitions are the only way to the bits. Each is one atomic step and says what its caller
//! must do next.

use crate::sync::atomic::{AtomicUsize, Ordering};

/// A Runnable exists, or the worker will make one when the poll that is under way ends. Set by a
/// wake-up, an abort, or birth; cleared when the poll begins.
const SCHEDULED: usize = 1 << 0;
/// The worker is polling. Set together with the clearing of `SCHEDULED`.
const RUNNING: usize = 1 << 1;
/// The future is gone and the outcome is there. Set once, by the worker, never cleared. A wake-up
/// after it does nothing.
const COMPLETED: usize = 1 << 2;
/// The next poll drops the future instead. Set by an abort, never cleared.
const ABORTED: usize = 1 << 3;
/// The join handle exists: the output is its to take or drop. Cleared by its drop.
const JOIN_INTEREST: usize = 1 << 4;
/// The join waker is in place, and the worker's to use at completion. Set and cleared by the join
/// handle, only while `COMPLETED` is not set.
const JOIN_WAKER: usize = 1 << 5;
/// One reference.
const REFERENCE: usize = 1 << 6;

/// More references than this are a leak in a loop; the process ends before the count can wrap into
/// a use after free, as with `std::sync::Arc`.
const REFERENCES_MAX: usize = isize::MAX as usize;

#[derive(Debug)]
pub(super) struct State(AtomicUsize);

/// What a wake-up or an abort asks of the one who made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Scheduling {
    /// Push the Runnable: there was none.
    Push,
    /// Nothing: there is one, or there will be, or it is too late.
    Nothing,
}

/// What the worker does with a Runnable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Start {
    Poll,
    /// It was aborted: drop the future.
    Cancel,
}

/// What the worker does after a poll that was pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Pause {
    Rest,
    /// It was woken while it ran: push the Runnable.
    Again,
}

/// What completion leaves the worker to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) struct Completion {
    /// Nobody will take the output.
    pub(super) drop_output: bool,
    /// The join waker is to be woken.
    pub(super) wake_join: bool,
}

impl State {
    /// A task that is scheduled, with the worker's reference and the join handle's.
    pub(super) fn new() -> State {
        State(AtomicUsize::new(SCHEDULED | JOIN_INTEREST | (2 * REFERENCE)))
    }

    /// A wake-up of a task that rests, which most are: true is [`Scheduling::Push`]. False if it
    /// does not; then nothing has changed, and [`wake`](Self::wake) has to follow.
    #[inline(always)]
    pub(super) fn wake_at_rest(&self) -> bool {
        // Relaxed: the compare-and-swap confirms it.
        let state = self.0.load(Ordering::Relaxed);
        // AcqRel: as in `wake`, whose step this is. Relaxed on failure: nothing is read.
        let (success, failure) = (Ordering::AcqRel, Ordering::Relaxed);
        state & (SCHEDULED | RUNNING | COMPLETED) == 0
            && self.0.compare_exchange(state, state | SCHEDULED, success, failure).is_ok()
    }

    /// A wake-up. It is a step on the word even where no bit changes: the poll to come sees what
    /// the waking thread did before.
    #[inline(always)]
    pub(super) fn wake(&self) -> Scheduling {
        // Release: pairs with `start`'s Acquire, so that the poll sees what the waking thread did
        // before. Acquire: the one who pushes may see what the last poll did.
        let before = self.0.fetch_or(SCHEDULED, Ordering::AcqRel);
        if before & (SCHEDULED | RUNNING | COMPLETED) == 0 {
            Scheduling::Push
        } else {
            Scheduling::Nothing
        }
    }

    pub(super) fn abort(&self) -> Scheduling {
        // AcqRel: as in `wake`.
        let before = self.0.fetch_or(ABORTED | SCHEDULED, Ordering::AcqRel);
        if before & (SCHEDULED | RUNNING | COMPLETED) == 0 {
            Scheduling::Push
        } else {
            Scheduling::Nothing
        }
    }

    /// Takes the Runnable away from everyone, for a shutdown: from now on nobody pushes it.
    pub(super) fn withdraw(&self) {
        // AcqRel: as in `wake`.
        self.0.fetch_or(SCHEDULED, Ordering::AcqRel);
    }

    /// The worker begins to poll: `SCHEDULED` becomes `RUNNING`, in one addition.
    #[inline(always)]
    pub(super) fn start(&self) -> Start {
        // Acquire: pairs with the Release of `wake` and `abort`. Release: the task may be woken
        // again from now on by who sees this.
        let before = self.0.fetch_add(RUNNING - SCHEDULED, Ordering::AcqRel);
        debug_assert_eq!(before & (SCHEDULED | RUNNING | COMPLETED), SCHEDULED);
        if before & ABORTED == 0 { Start::Poll } else { Start::Cancel }
    }

    /// The poll was pending.
    #[inline(always)]
    pub(super) fn pause(&self) -> Pause {
        // Release: publishes the poll to the next one, should it come by another thread's push.
        // Acquire: as in `start`, for a wake-up that came during the poll.
        let before = self.0.fetch_sub(RUNNING, Ordering::AcqRel);
        debug_assert_eq!(before & (RUNNING | COMPLETED), RUNNING);
        if before & SCHEDULED == 0 { Pause::Rest } else { Pause::Again }
    }

    /// The outcome is in the cell. The worker holds `RUNNING`, or has withdrawn the Runnable.
    pub(super) fn complete(&self) -> Completion {
        // Release: pairs with `is_completed`'s Acquire, publishing the outcome. Acquire: pairs
        // with `set_join_waker`, so that the waker is seen.
        let before = self.0.fetch_or(COMPLETED, Ordering::AcqRel);
        Completion { drop_output: before & JOIN_INTEREST == 0, wake_join: before & JOIN_WAKER != 0 }
    }

    pub(super) fn is_completed(&self) -> bool {
        // Acquire: pairs with `complete`.
        self.0.load(Ordering::Acquire) & COMPLETED != 0
    }

    pub(super) fn has_join_waker(&self) -> bool {
        // Relaxed: only the join handle, which asks, changes the bit.
        self.0.load(Ordering::Relaxed) & JOIN_WAKER != 0
    }

    /// The join handle has put its waker into the cell. False if the task has completed: then the
    /// worker will not look at it.
    pub(super) fn set_join_waker(&self) -> bool {
        self.update_unless_completed(|state| state | JOIN_WAKER).is_ok()
    }

    /// The join handle wants its waker back, to replace it. False if the task has completed.
    pub(super) fn unset_join_waker(&self) -> bool {
        self.update_unless_completed(|state| state & !JOIN_WAKER).is_ok()
    }

    /// The join handle goes. `Ok(true)`: the join waker is its to drop. `Err`: the task has
    /// completed, so the output is.
    #[inline]
    pub(super) fn drop_join_interest(&self) -> Result<bool, ()> {
        let before = self.update_unless_completed(|state| state & !(JOIN_INTEREST | JOIN_WAKER))?;
        Ok(before & JOIN_WAKER != 0)
    }

    fn update_unless_completed(&self, change: impl Fn(usize) -> usize) -> Result<usize, ()> {
        // Acquire, here and on failure: who is told "completed" goes on to the outcome.
        let mut state = self.0.load(Ordering::Acquire);
        while state & COMPLETED == 0 {
            // Release: publishes the join waker to `complete`.
            match self.0.compare_exchange_weak(
                state,
                change(state),
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(before) => return Ok(before),
                Err(actual) => state = actual,
            }
        }
        Err(())
    }

    #[inline]
    pub(super) fn add_reference(&self) {
        // Relaxed: who makes a reference has one already, so the memory cannot go away.
        let before = self.0.fetch_add(REFERENCE, Ordering::Relaxed);
        if before > REFERENCES_MAX {
            std::process::abort();
        }
    }

    /// Whether this was the last one, so that the caller frees the memory.
    #[inline]
    #[must_use]
    pub(super) fn drop_reference(&self) -> bool {
        // AcqRel: whatever others did with the memory before they dropped theirs comes before it
        // is freed.
        let before = self.0.fetch_sub(REFERENCE, Ordering::AcqRel);
        debug_assert!(before >= REFERENCE);
        before < 2 * REFERENCE
    }
}

#[cfg(all(test, not(edgewake_loom)))]
mod tests;
