//! The wheel of a driver behind a lock, and its clock.
//!
//! The wheel counts nanoseconds since the driver was made. A deadline that is reached leaves the
//! wheel, so a key that finds nothing is a timer that has fired, or a driver that has shut down;
//! `is_shut` tells the two apart.

use std::{
    fmt,
    task::Waker,
    time::{Duration, Instant},
};

use crate::{
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

pub(crate) struct Timers {
    wheel: Mutex<Wheel<Waker>>,
    origin: Instant,
    /// The wheel may hold something: read by the driver's thread to save the lock and the clock.
    occupied: AtomicBool,
    shut: AtomicBool,
}

impl fmt::Debug for Timers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers").field("pending", &lock(&self.wheel).len()).finish_non_exhaustive()
    }
}

impl Timers {
    pub(super) fn new() -> Timers {
        Timers {
            wheel: Mutex::new(Wheel::new(0)),
            origin: Instant::now(),
            occupied: AtomicBool::new(false),
            shut: AtomicBool::new(false),
        }
    }

    /// Nanoseconds from the origin; what lies before it is due, what lies beyond 584 years never.
    fn ticks(&self, instant: Instant) -> u64 {
        let since = instant.saturating_duration_since(self.origin);
        since.as_nanos().try_into().unwrap_or(u64::MAX)
    }

    /// Returns the key, and whether this is now the earliest deadline.
    pub(super) fn insert(&self, deadline: Instant, waker: Waker) -> (TimerKey, bool) {
        let deadline = self.ticks(deadline);
        let mut wheel = lock(&self.wheel);
        let earliest = wheel.next_deadline().is_none_or(|next| deadline < next);
        let key = wheel.insert(deadline, waker);
        // Relaxed: the mutex orders it with `until_next`'s own look, and a driver that waits
        // meanwhile is kicked after this insertion.
        self.occupied.store(true, Ordering::Relaxed);
        (TimerKey(key), earliest)
    }

    /// Polls a timer: false once it has fired. Otherwise `waker` is the one that will be woken.
    pub(crate) fn update(&self, key: TimerKey, waker: &Waker) -> bool {
        let mut wheel = lock(&self.wheel);
        match wheel.get_mut(key.0) {
            None => false,
            Some(present) if present.will_wake(waker) => true,
            Some(_) => {
                drop(wheel);
                self.replace(key, waker.clone())
            }
        }
    }

    /// The last waker counts. It was cloned, and the old one is dropped, outside the lock.
    fn replace(&self, key: TimerKey, waker: Waker) -> bool {
        let unused = {
            let mut wheel = lock(&self.wheel);
            match wheel.get_mut(key.0) {
                None => Err(waker),
                Some(present) => Ok(std::mem::replace(present, waker)),
            }
        };
        unused.is_ok()
    }

    /// Takes a timer off, if it has not fired.
    pub(crate) fn remove(&self, key: TimerKey) {
        let waker = lock(&self.wheel).remove(key.0);
        drop(waker);
    }

    /// Until the earliest deadline: zero if it is reached, `None` without a timer.
    #[inline]
    pub(super) fn until_next(&self) -> Option<Duration> {
        if self.may_be_due() { self.until_next_of_some() } else { None }
    }

    /// Whether there is any timer.
    #[inline]
    pub(super) fn may_be_due(&self) -> bool {
        // Relaxed: see `insert`.
        self.occupied.load(Ordering::Relaxed)
    }

    #[cold]
    fn until_next_of_some(&self) -> Option<Duration> {
        let next = lock(&self.wheel).next_deadline()?;
        let now = self.ticks(Instant::now());
        Some(Duration::from_nanos(next.saturating_sub(now)))
    }

    /// Moves the wakers of all reached deadlines to `fired`.
    pub(super) fn advance(&self, fired: &mut Vec<Waker>) {
        let now = self.ticks(Instant::now());
        let mut wheel = lock(&self.wheel);
        wheel.advance(now, fired);
        // Relaxed: under the mutex, as in `insert`.
        self.occupied.store(!wheel.is_empty(), Ordering::Relaxed);
    }

    /// Ends the service and hands out every waker.
    pub(super) fn shut(&self) -> Vec<Waker> {
        // Release: pairs with `is_shut`: who finds its entry gone sees this.
        self.shut.store(true, Ordering::Release);
        let mut wakers = Vec::new();
        lock(&self.wheel).advance(u64::MAX, &mut wakers);
        wakers
    }

    pub(crate) fn is_shut(&self) -> bool {
        // Acquire: pairs with `shut`.
        self.shut.load(Ordering::Acquire)
    }
}
