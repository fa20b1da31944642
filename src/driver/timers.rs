//! The wheel of a driver behind a lock, and its clock.
//!
//! The wheel counts nanoseconds since the driver was made. A deadline that is reached leaves the
//! wheel, so a key that finds nothing is a timer that has fired, or that of a driver that has shut
//! down; a poll tells the two apart.
//!
//! # When an insertion kicks (T73)
//!
//! `awaited` is the deadline the driver will look at the wheel by, whatever comes: what
//! `until_next` found before the driver began to wait, or an earlier one that was inserted since.
//! Only an insertion that is earlier still has to kick. `advance` makes it zero: a driver that is
//! awake asks `until_next` before it waits.
//!
//! `until_next` does not take the lock, nor set `awaited`, while `occupied` is false. So an
//! insertion into an empty wheel kicks, always.
//!
//! Called by the driver, and by `Sleep` through `driver::Shared`. It wakes nobody.

use std::{
    fmt, mem,
    task::Waker,
    time::{Duration, Instant},
};

use crate::{
    choice,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
        lock,
    },
    time::wheel::{Key, Wheel},
};

/// A timer's right to its entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimerKey(Key);

/// What a poll of a timer found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimerState {
    /// Not when the wheel was last looked at. The waker of the poll will be woken.
    Pending,
    /// The same, but the wheel was not looked at since the last poll of this timer.
    Unattended,
    Fired,
    /// The driver has shut down; the timer may or may not have fired before.
    Shut,
}

pub(crate) struct Timers {
    inner: Mutex<Inner>,
    origin: Instant,
    /// The wheel may hold something: read by the driver's thread to save the lock and the clock.
    occupied: AtomicBool,
}

struct Inner {
    wheel: Wheel<Waker>,
    /// See the module's header.
    awaited: u64,
    /// How often the driver looked what is due; wraps round.
    looks: u32,
    shut: bool,
}

impl Inner {
    /// Returns the key, and whether the driver has to be told.
    #[inline]
    fn insert(&mut self, deadline: u64, waker: Waker) -> (TimerKey, bool) {
        let kick = deadline < self.awaited || self.wheel.is_empty();
        if kick {
            self.awaited = deadline;
        }
        (TimerKey(self.wheel.insert(deadline, waker)), kick)
    }

    /// The state of a timer whose entry is there.
    #[inline]
    fn pending(&self, seen: &mut u32) -> TimerState {
        let before = mem::replace(seen, self.looks);
        if before == self.looks { TimerState::Unattended } else { TimerState::Pending }
    }

    /// The state of a timer that has no entry any more.
    #[inline]
    fn gone(&self) -> TimerState {
        if self.shut { TimerState::Shut } else { TimerState::Fired }
    }
}

impl fmt::Debug for Timers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pending = self.pending();
        f.debug_struct("Timers").field("pending", &pending).finish_non_exhaustive()
    }
}

impl Timers {
    pub(super) fn new() -> Timers {
        Timers {
            inner: Mutex::new(Inner { wheel: Wheel::new(0), awaited: 0, looks: 0, shut: false }),
            origin: choice::now(),
            occupied: AtomicBool::new(false),
        }
    }

    /// How many timers are to come.
    pub(crate) fn pending(&self) -> usize {
        lock(&self.inner).wheel.len()
    }

    /// Nanoseconds from the origin; what lies before it is due, what lies beyond 584 years never.
    #[inline]
    fn ticks(&self, instant: Instant) -> u64 {
        let since = instant.saturating_duration_since(self.origin);
        since.as_nanos().try_into().unwrap_or(u64::MAX)
    }

    /// Returns the key, and whether the driver has to be kicked; `None` once it has shut down.
    #[inline]
    pub(super) fn insert(&self, deadline: Instant, waker: Waker) -> Option<(TimerKey, bool)> {
        let deadline = self.ticks(deadline);
        let mut inner = lock(&self.inner);
        if inner.shut {
            // The guard is the younger of the two, so the waker is dropped outside the lock.
            return None;
        }
        // Relaxed: a driver that misses it before it waits is kicked, after a fence, because it
        // was the first insertion into an empty wheel that made it true.
        self.occupied.store(true, Ordering::Relaxed);
        Some(inner.insert(deadline, waker))
    }

    /// Gives a timer another deadline, and a new key; its waker stays. `None` if it has gone.
    pub(super) fn reset(&self, key: TimerKey, deadline: Instant) -> Option<(TimerKey, bool)> {
        let deadline = self.ticks(deadline);
        let mut inner = lock(&self.inner);
        let waker = inner.wheel.remove(key.0)?;
        // `occupied` is still true: only `advance` makes it false, and it left this timer there.
        Some(inner.insert(deadline, waker))
    }

    /// Polls a timer: if it is pending, `waker` is the one that will be woken. `seen` is the
    /// timer's own, zero before the first poll: by it two polls know if anything went on between.
    #[inline]
    pub(crate) fn poll(&self, key: TimerKey, waker: &Waker, seen: &mut u32) -> TimerState {
        let mut inner = lock(&self.inner);
        let Some(present) = inner.wheel.get_mut(key.0) else { return inner.gone() };
        if present.will_wake(waker) {
            return inner.pending(seen);
        }
        drop(inner);
        self.replace(key, waker.clone(), seen)
    }

    /// The same for who need not know why a timer has gone: true while it is there.
    pub(crate) fn update(&self, key: TimerKey, waker: &Waker) -> bool {
        let state = self.poll(key, waker, &mut 0);
        matches!(state, TimerState::Pending | TimerState::Unattended)
    }

    /// The last waker counts (T74). It was cloned, and the old one is dropped, outside the lock;
    /// so the timer may have fired in between, and the new waker not have been woken.
    #[cold]
    fn replace(&self, key: TimerKey, mut waker: Waker, seen: &mut u32) -> TimerState {
        let mut inner = lock(&self.inner);
        let Some(present) = inner.wheel.get_mut(key.0) else { return inner.gone() };
        mem::swap(present, &mut waker);
        inner.pending(seen)
    }

    /// Takes a timer off, if it has not fired.
    #[inline]
    pub(crate) fn remove(&self, key: TimerKey) {
        // The lock is released at the end of this statement, the waker dropped after it.
        let waker = lock(&self.inner).wheel.remove(key.0);
        drop(waker);
    }

    /// Until the earliest deadline: zero if it is reached, `None` without a timer.
    ///
    /// Called before the driver waits, or has another loop wait: from now on who inserts an
    /// earlier one kicks.
    #[inline]
    pub(super) fn until_next(&self) -> Option<Duration> {
        if self.may_be_due() { self.until_next_of_some() } else { None }
    }

    /// Whether there may be a timer.
    #[inline]
    pub(super) fn may_be_due(&self) -> bool {
        // Relaxed: see `insert`.
        self.occupied.load(Ordering::Relaxed)
    }

    #[cold]
    fn until_next_of_some(&self) -> Option<Duration> {
        // Before the lock, which other threads wait for. A clock read too early makes the wait
        // longer by what comes in between, some nanoseconds.
        let now = self.ticks(choice::now());
        let mut inner = lock(&self.inner);
        let next = inner.wheel.next_deadline();
        inner.awaited = next.unwrap_or(u64::MAX);
        let until = next?.saturating_sub(now);
        if until > 0 {
            // Nothing is due: as good as an advance, for which the driver may now have no reason.
            inner.looks = inner.looks.wrapping_add(1);
        }
        Some(Duration::from_nanos(until))
    }

    /// Moves the wakers of all reached deadlines to `fired`.
    pub(super) fn advance(&self, fired: &mut Vec<Waker>) {
        let now = self.ticks(choice::now());
        let mut inner = lock(&self.inner);
        inner.wheel.advance(now, fired);
        inner.looks = inner.looks.wrapping_add(1);
        inner.awaited = 0;
        // Relaxed: under the mutex, as in `insert`.
        self.occupied.store(!inner.wheel.is_empty(), Ordering::Relaxed);
    }

    /// Ends the service and hands out every waker.
    pub(super) fn shut(&self) -> Vec<Waker> {
        let mut wakers = Vec::new();
        let mut inner = lock(&self.inner);
        inner.shut = true;
        inner.wheel.advance(u64::MAX, &mut wakers);
        wakers
    }
}

#[cfg(all(test, not(edgewake_loom)))]
mod tests;
