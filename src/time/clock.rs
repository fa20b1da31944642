//! From a duration to a deadline. What an [`Instant`] cannot hold is replaced by a time that
//! nobody lives to see fire (T71, T75).

use std::time::{Duration, Instant};

/// Thirty years. Every platform's `Instant` can go that far from its present.
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// `duration` after `start`; at the least thirty years after it where that cannot be represented.
#[inline]
pub(super) fn after(start: Instant, duration: Duration) -> Instant {
    start.checked_add(duration).unwrap_or_else(|| far_after(start))
}

#[cold]
fn far_after(start: Instant) -> Instant {
    // A start that is itself near the end of time is as far as one can get.
    start.checked_add(FAR).unwrap_or(start)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{FAR, after};

    // T71. Goal: no duration overflows, and none that is too long becomes a short one.
    #[test]
    fn t71_what_does_not_fit_is_far_away() {
        let now = Instant::now();
        assert_eq!(after(now, Duration::ZERO), now);
        assert_eq!(after(now, Duration::from_nanos(1)) - now, Duration::from_nanos(1));
        for exponent in 0..64 {
            let duration = Duration::from_secs(1 << exponent);
            assert!(after(now, duration) - now >= duration.min(FAR), "{duration:?}");
        }
        assert!(after(now, Duration::MAX) - now >= FAR);
    }

    // T75. Goal: steps of any size can be repeated without end.
    #[test]
    fn t75_steps_never_go_back_nor_overflow() {
        for step in [FAR, Duration::from_secs(u64::MAX / 4), Duration::MAX] {
            let mut at = Instant::now();
            for _ in 0..1000 {
                let next = after(at, step);
                assert!(next >= at);
                at = next;
            }
        }
    }
}
