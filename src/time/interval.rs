//! One tick after the other: a `Sleep` whose next deadline is computed when a tick is returned.
//!
//! The `Sleep` is reset before the tick is returned, and inserted by the poll that waits for it.
//! So an interval that was not polled since its last tick has no entry, and wakes nobody (T74).

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use futures::stream::{FusedStream, Stream};

use super::{
    clock,
    sleep::{Sleep, sleep_until},
};
use crate::choice;

/// Ticks at once, and then every `period`.
///
/// # Panics
///
/// Panics if `period` is zero. A tick panics where [`Sleep`](Sleep#panics) does.
///
/// # Platform notes
///
/// See [`Sleep`](Sleep#platform-notes) for the precision.
///
/// # Examples
///
/// ```
/// use edgewake::time::{Duration, Instant, interval};
///
/// let runtime = edgewake::Runtime::new()?;
/// runtime.block_on(async {
///     let start = Instant::now();
///     let mut interval = interval(Duration::from_millis(1));
///     interval.tick().await; // at once
///     interval.tick().await;
///     interval.tick().await;
///     assert!(start.elapsed() >= Duration::from_millis(2));
/// });
/// # Ok::<(), std::io::Error>(())
/// ```
#[track_caller]
#[inline]
pub fn interval(period: Duration) -> Interval {
    interval_at(choice::now(), period)
}

/// Ticks at `start`, and then every `period`.
///
/// # Panics
///
/// Panics if `period` is zero. A tick panics where [`Sleep`](Sleep#panics) does.
///
/// # Platform notes
///
/// See [`Sleep`](Sleep#platform-notes) for the precision.
///
/// # Examples
///
/// ```
/// use edgewake::time::{Duration, Instant, interval_at};
///
/// let runtime = edgewake::Runtime::new()?;
/// runtime.block_on(async {
///     let start = Instant::now() + Duration::from_millis(1);
///     let mut interval = interval_at(start, Duration::from_secs(60));
///     assert_eq!(interval.tick().await, start);
///     assert!(Instant::now() >= start);
/// });
/// # Ok::<(), std::io::Error>(())
/// ```
#[track_caller]
#[inline]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    assert!(!period.is_zero(), "the period of an interval must not be zero");
    Interval { sleep: sleep_until(start), period, missed: MissedTickBehavior::default() }
}

/// What an [`Interval`] does about ticks that came late.
///
/// No wake-up comes exactly in time. A tick counts as late when it is returned more than an eighth
/// of the period after its time, or more than five milliseconds if that is less. One that is not
/// late leaves the schedule as it is: the next comes a period after its time.
///
/// Below, with a period of 4, ticks are due at 0, 4, 8 and so on, and the task is busy from 4 to
/// 18; the one it then gets was due at 8:
///
/// ```text
/// time    0       4       8       12      16      20      24      28
/// Burst   x       x                           xxx x       x       x
/// Delay   x       x                           x       x       x
/// Skip    x       x                           x   x       x       x
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissedTickBehavior {
    /// Returns the missed ticks one after the other, without waiting, until it has caught up.
    ///
    /// As many ticks are returned as periods have passed; the default.
    #[default]
    Burst,
    /// Starts anew: the next tick comes a period after the late one was returned.
    ///
    /// Two ticks are never much less than a period apart.
    Delay,
    /// Leaves the missed ticks out: the next one comes at the first multiple of the period, counted
    /// from the start, that lies ahead.
    Skip,
}

impl MissedTickBehavior {
    /// The tick after the one that was due at `tick`, and is returned now.
    fn next(self, tick: Instant, period: Duration) -> Instant {
        match self {
            // Whatever the time is: no need to read the clock.
            MissedTickBehavior::Burst => clock::after(tick, period),
            _ => self.next_after(tick, period, choice::now()),
        }
    }

    pub(super) fn next_after(self, tick: Instant, period: Duration, now: Instant) -> Instant {
        let late = now.saturating_duration_since(tick);
        if late <= tolerance(period) {
            return clock::after(tick, period);
        }
        match self {
            MissedTickBehavior::Burst => clock::after(tick, period),
            MissedTickBehavior::Delay => clock::after(now, period),
            MissedTickBehavior::Skip => clock::after(now, period - remainder(late, period)),
        }
    }
}

/// How late a tick may be to count as being in time.
fn tolerance(period: Duration) -> Duration {
    const MOST: Duration = Duration::from_millis(5);
    MOST.min(period / 8)
}

/// `late` modulo `period`.
fn remainder(late: Duration, period: Duration) -> Duration {
    if late < period {
        return late;
    }
    let nanos = late.as_nanos() % period.as_nanos();
    // Less than `late`, so the seconds fit again (T75).
    const SECOND: u128 = 1_000_000_000;
    Duration::new((nanos / SECOND) as u64, (nanos % SECOND) as u32)
}

/// Ticks time and again; made by [`interval`] and [`interval_at`].
///
/// Also a [`Stream`] that never ends, whose items are what [`tick`](Interval::tick) returns.
///
/// Between a tick and the next poll it is in no runtime's wheel and wakes nobody; who polls it by
/// hand polls until it is pending.
///
/// # Examples
///
/// ```
/// use edgewake::time::{Duration, interval};
/// use futures::stream::StreamExt;
///
/// let runtime = edgewake::Runtime::new()?;
/// runtime.block_on(async {
///     let ticks: Vec<_> = interval(Duration::from_micros(100)).take(3).collect().await;
///     assert_eq!(ticks[2] - ticks[0], Duration::from_micros(200));
/// });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "an interval ticks only while it is polled"]
pub struct Interval {
    sleep: Sleep,
    period: Duration,
    missed: MissedTickBehavior,
}

impl Interval {
    /// Waits for the next tick, and returns the time it was due at, which may have passed since.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: the tick comes to the next call.
    ///
    /// # Panics
    ///
    /// Panics where [`Sleep`](Sleep#panics) does.
    #[inline]
    pub async fn tick(&mut self) -> Instant {
        poll_fn(|cx| self.poll_tick(cx)).await
    }

    /// The same for futures written by hand. The waker of the last call is woken.
    ///
    /// # Panics
    ///
    /// Panics where [`Sleep`](Sleep#panics) does.
    #[inline]
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        ready!(Pin::new(&mut self.sleep).poll(cx));
        let tick = self.sleep.deadline();
        self.sleep.reset(self.missed.next(tick, self.period));
        Poll::Ready(tick)
    }

    /// Starts anew: the next tick comes a period from now.
    #[inline]
    pub fn reset(&mut self) {
        self.reset_after(self.period);
    }

    /// Has the next tick come at once, and the others follow it.
    #[inline]
    pub fn reset_immediately(&mut self) {
        self.reset_at(choice::now());
    }

    /// Has the next tick come after a time of its own, and the others follow it.
    ///
    /// # Examples
    ///
    /// ```
    /// use edgewake::time::{Duration, Instant, interval};
    ///
    /// let runtime = edgewake::Runtime::new()?;
    /// runtime.block_on(async {
    ///     let mut retry = interval(Duration::from_millis(1));
    ///     retry.tick().await;
    ///     let soon = Instant::now();
    ///     retry.reset_after(Duration::from_micros(10));
    ///     assert!(retry.tick().await >= soon + Duration::from_micros(10));
    /// });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[inline]
    pub fn reset_after(&mut self, after: Duration) {
        self.reset_at(clock::after(choice::now(), after));
    }

    /// Has the next tick come at `deadline`, and the others follow it.
    ///
    /// A task that waits for the tick need not poll again: its wake-up moves along.
    #[inline]
    pub fn reset_at(&mut self, deadline: Instant) {
        self.sleep.reset(deadline);
    }

    /// The time between two ticks.
    #[inline]
    pub fn period(&self) -> Duration {
        self.period
    }

    /// What is done about late ticks.
    #[inline]
    pub fn missed_tick_behavior(&self) -> MissedTickBehavior {
        self.missed
    }

    /// Says what to do about late ticks, from the next tick on.
    ///
    /// # Examples
    ///
    /// ```
    /// use edgewake::time::{Duration, MissedTickBehavior, interval};
    ///
    /// let mut interval = interval(Duration::from_secs(1));
    /// assert_eq!(interval.missed_tick_behavior(), MissedTickBehavior::Burst);
    /// interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
    /// assert_eq!(interval.missed_tick_behavior(), MissedTickBehavior::Skip);
    /// ```
    #[inline]
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.missed = behavior;
    }
}

impl Stream for Interval {
    type Item = Instant;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Instant>> {
        self.poll_tick(cx).map(Some)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

impl FusedStream for Interval {
    /// Returns false: it never ends.
    #[inline]
    fn is_terminated(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{MissedTickBehavior, MissedTickBehavior::*};

    const MS: Duration = Duration::from_millis(1);

    /// Asserts when the tick after one that was due at zero comes, if that is returned at `now`.
    #[track_caller]
    fn expect(behavior: MissedTickBehavior, period: Duration, now: Duration, next: Duration) {
        let zero = Instant::now();
        assert_eq!(behavior.next_after(zero, period, zero + now) - zero, next, "{behavior:?}");
    }

    #[test]
    fn a_tick_in_time_leaves_the_schedule_as_it_is() {
        for behavior in [Burst, Delay, Skip] {
            expect(behavior, 8 * MS, Duration::ZERO, 8 * MS);
            expect(behavior, 8 * MS, MS, 8 * MS);
            expect(behavior, 1000 * MS, 5 * MS, 1000 * MS);
        }
        // It never comes early, but a caller may have reset it to any time.
        let zero = Instant::now();
        for behavior in [Burst, Delay, Skip] {
            assert_eq!(behavior.next_after(zero + MS, 8 * MS, zero), zero + 9 * MS);
        }
    }

    #[test]
    fn a_late_tick_is_treated_as_asked() {
        let bit = Duration::from_nanos(1);
        expect(Burst, 8 * MS, MS + bit, 8 * MS);
        expect(Delay, 8 * MS, MS + bit, 9 * MS + bit);
        expect(Skip, 8 * MS, MS + bit, 8 * MS);
        expect(Burst, 8 * MS, 41 * MS, 8 * MS);
        expect(Delay, 8 * MS, 41 * MS, 49 * MS);
        expect(Skip, 8 * MS, 41 * MS, 48 * MS);
        expect(Delay, 1000 * MS, 5 * MS + bit, 1005 * MS + bit);
        expect(Skip, 1000 * MS, 999 * MS, 1000 * MS);
    }

    #[test]
    fn a_skipping_interval_ticks_next_strictly_after_now() {
        let bit = Duration::from_nanos(1);
        expect(Skip, 8 * MS, 8 * MS - bit, 8 * MS);
        expect(Skip, 8 * MS, 8 * MS, 16 * MS);
        expect(Skip, 8 * MS, 16 * MS, 24 * MS);
        expect(Skip, bit, 41 * MS, 41 * MS + bit);
    }

    // T75. Goal: periods that are longer than time itself do not overflow, late or not.
    #[test]
    fn t75_huge_periods_are_far_away() {
        let zero = Instant::now();
        let century = Duration::from_secs(100 * 365 * 24 * 3600);
        let year = century / 100;
        for behavior in [Burst, Delay, Skip] {
            for period in [century, Duration::from_secs(u64::MAX / 2), Duration::MAX] {
                for late in [Duration::ZERO, MS, 2 * century] {
                    let next = behavior.next_after(zero, period, zero + late);
                    assert!(next >= zero + 29 * year, "{behavior:?} {period:?} {late:?}");
                }
            }
        }
        expect(Skip, century, 5 * century + MS, 6 * century);
    }
}
