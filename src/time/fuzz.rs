//! The wheel and the arithmetic of ticks for the fuzz targets; see `crate::fuzz`.

use std::time::{Duration, Instant};

use super::{clock, interval::MissedTickBehavior, wheel};

/// The timer wheel, its values being numbers.
pub struct Wheel(wheel::Wheel<u64>);

/// A timer of a [`Wheel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer(wheel::Key);

#[expect(missing_docs, reason = "each forwards to the wheel's method of its name")]
impl Wheel {
    pub fn new(now: u64) -> Wheel {
        Wheel(wheel::Wheel::new(now))
    }

    pub fn insert(&mut self, deadline: u64, value: u64) -> Timer {
        Timer(self.0.insert(deadline, value))
    }

    pub fn get(&mut self, timer: Timer) -> Option<u64> {
        self.0.get_mut(timer.0).copied()
    }

    pub fn remove(&mut self, timer: Timer) -> Option<u64> {
        self.0.remove(timer.0)
    }

    pub fn next_deadline(&mut self) -> Option<u64> {
        self.0.next_deadline()
    }

    pub fn advance(&mut self, now: u64, fired: &mut Vec<u64>) {
        self.0.advance(now, fired);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Wheel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wheel").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// `duration` after `start`, or as far as that goes.
pub fn after(start: Instant, duration: Duration) -> Instant {
    clock::after(start, duration)
}

/// The tick after the one that was due at `tick` and is returned at `now`.
pub fn next_tick(
    missed: MissedTickBehavior,
    tick: Instant,
    period: Duration,
    now: Instant,
) -> Instant {
    missed.next_after(tick, period, now)
}
