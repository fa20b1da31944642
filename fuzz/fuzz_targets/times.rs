//! The arithmetic of ticks, against whole numbers of nanoseconds: which tick follows one that was
//! late by any time, for any period, and that nothing overflows however far away it is.
#![no_main]

use std::time::{Duration, Instant};

use arbitrary::Arbitrary;
use edgewake::{
    fuzz::{after, next_tick},
    time::MissedTickBehavior,
};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input {
    behavior: u8,
    start: Duration,
    period: Duration,
    late: Late,
}

#[derive(Arbitrary, Debug)]
enum Late {
    By(Duration),
    Nanos(u32),
    /// So many periods, a nanosecond less, or one more.
    Periods {
        count: u16,
        beside: u8,
    },
    /// What counts as late, a nanosecond less, or one more.
    Tolerated {
        beside: u8,
    },
    Early(u32),
}

const THIRTY_YEARS: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

fn lateness(late: &Late, period: Duration) -> Option<Duration> {
    Some(match late {
        Late::By(late) => *late,
        Late::Nanos(nanos) => Duration::from_nanos((*nanos).into()),
        Late::Periods { count, beside } => period
            .checked_mul((*count).into())?
            .checked_add(Duration::from_nanos(u64::from(beside % 3)))?
            .saturating_sub(Duration::from_nanos(1)),
        Late::Tolerated { beside } => (period / 8)
            .min(Duration::from_millis(5))
            .saturating_add(Duration::from_nanos(u64::from(beside % 3)))
            .saturating_sub(Duration::from_nanos(1)),
        Late::Early(_) => Duration::ZERO,
    })
}

/// The time from `tick` to the one that follows it, or none where it is beyond what there is.
fn expected(behavior: MissedTickBehavior, period: Duration, late: Duration) -> u128 {
    let (period, late) = (period.as_nanos(), late.as_nanos());
    if late <= 5_000_000.min(period / 8) {
        return period;
    }
    match behavior {
        MissedTickBehavior::Burst => period,
        MissedTickBehavior::Delay => late + period,
        MissedTickBehavior::Skip => (late / period + 1) * period,
    }
}

fuzz_target!(|input: Input| {
    let origin = Instant::now();
    let far = after(origin, input.start);
    assert!(far >= origin);
    assert!(far - origin == input.start || far - origin >= THIRTY_YEARS);
    if input.period.is_zero() {
        return;
    }
    let Some(late) = lateness(&input.late, input.period) else { return };
    let (tick, Some(mut now)) = (far, far.checked_add(late)) else { return };
    if let Late::Early(nanos) = input.late {
        now = now.checked_sub(Duration::from_nanos(nanos.into())).unwrap_or(now);
    }
    let behavior = [MissedTickBehavior::Burst, MissedTickBehavior::Delay, MissedTickBehavior::Skip]
        [usize::from(input.behavior % 3)];
    let next = next_tick(behavior, tick, input.period, now);
    let step = (next - tick).as_nanos();
    let right = expected(behavior, input.period, late);
    // Or as far as one can go, where the right one does not exist.
    let exists = u64::try_from(right / 1_000_000_000)
        .ok()
        .and_then(|seconds| {
            tick.checked_add(Duration::new(seconds, (right % 1_000_000_000) as u32))
        })
        .is_some();
    assert!(step == right || !exists, "{step} instead of {right}");
    assert!(next >= tick);
});
