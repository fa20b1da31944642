//! `Interval`: when it ticks, what it does about missed ticks, and whom it wakes.

#![cfg(feature = "time")]

mod support;

use std::{
    pin::Pin,
    task::{Context, Poll},
    thread,
};

use edgewake::{
    Runtime,
    time::{
        Duration, Instant, Interval, MissedTickBehavior, interval, interval_at, sleep, sleep_until,
    },
};
use futures::{FutureExt, StreamExt, stream::FusedStream, stream::Stream};
use support::{WakeCount, deadline};

const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Runs `body` in a runtime of its own; a hang fails.
#[track_caller]
fn in_runtime<F: Future<Output = ()>>(body: impl FnOnce() -> F + Send + 'static) {
    deadline(|| Runtime::new().unwrap().block_on(body()));
}

fn poll(interval: &mut Interval, wakes: &WakeCount) -> Poll<Instant> {
    interval.poll_tick(&mut Context::from_waker(&wakes.waker()))
}

/// Keeps the thread from its runtime until `at`.
fn block_until(at: Instant) {
    while let Some(left) = at.checked_duration_since(Instant::now()).filter(|it| !it.is_zero()) {
        thread::park_timeout(left);
    }
}

#[test]
fn intervals_can_go_anywhere() {
    support::assert_send::<Interval>();
    support::assert_sync::<Interval>();
    support::assert_unpin::<Interval>();
    support::assert_debug::<Interval>();
}

/// Goal: the first tick at once, then one a period, never early, each named by its time.
#[test]
fn it_ticks_at_once_and_then_every_period() {
    in_runtime(|| async {
        let start = Instant::now();
        let mut interval = interval(2 * MS);
        assert_eq!(interval.period(), 2 * MS);
        let first = interval.tick().now_or_never().expect("the first tick comes at once");
        assert!(first >= start && first <= Instant::now());
        for n in 1..10 {
            assert_eq!(interval.tick().await, first + n * 2 * MS);
            assert!(Instant::now() >= first + n * 2 * MS);
        }
    });
}

#[test]
fn it_can_start_later_or_in_the_past() {
    in_runtime(|| async {
        let start = Instant::now() + 3 * MS;
        let mut later = interval_at(start, HOUR);
        assert_eq!(later.tick().await, start);
        assert!(Instant::now() >= start);
        assert!(later.tick().now_or_never().is_none());

        let mut past = interval_at(start, HOUR);
        assert_eq!(past.tick().now_or_never(), Some(start));
    });
}

#[test]
#[should_panic(expected = "must not be zero")]
fn a_period_of_zero_panics() {
    drop(interval(Duration::ZERO));
}

/// Goal: missed ticks come one after the other, without waiting, each with its own time.
#[test]
fn burst_catches_up() {
    in_runtime(|| async {
        let mut interval = interval(4 * MS);
        assert_eq!(interval.missed_tick_behavior(), MissedTickBehavior::Burst);
        let first = interval.tick().await;
        block_until(first + 42 * MS);
        for n in 1..=10 {
            assert_eq!(interval.tick().now_or_never(), Some(first + n * 4 * MS));
        }
        assert_eq!(interval.tick().await, first + 44 * MS);
    });
}

/// Goal: the tick after a late one comes a period after that was returned.
#[test]
fn delay_starts_anew() {
    in_runtime(|| async {
        let mut interval = interval(4 * MS);
        // Also on a machine that is late for the first tick, the second is due a period after it.
        let first = interval.tick().await;
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        block_until(first + 42 * MS);
        let before = Instant::now();
        assert_eq!(interval.tick().now_or_never(), Some(first + 4 * MS));
        let after = Instant::now();
        let next = interval.tick().await;
        assert!(next >= before + 4 * MS && next <= after + 4 * MS);
        assert!(Instant::now() >= next);
    });
}

/// Goal: the tick after a late one comes at the first multiple of the period that lies ahead.
#[test]
fn skip_leaves_the_missed_ticks_out() {
    in_runtime(|| async {
        let mut interval = interval(4 * MS);
        // Also on a machine that is late for the first tick, the second is due a period after it.
        let first = interval.tick().await;
        interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
        block_until(first + 42 * MS);
        let before = Instant::now();
        assert_eq!(interval.tick().now_or_never(), Some(first + 4 * MS));
        let after = Instant::now();
        let next = interval.tick().await;
        assert!(next > before && next <= after + 4 * MS);
        assert_eq!((next - first).as_nanos() % (4 * MS).as_nanos(), 0);
        assert!(next >= first + 44 * MS);
    });
}

// T74. Goal: between a tick and the next poll it is in no wheel: no wake-up is left behind.
#[test]
fn t74_a_tick_leaves_no_wake_up_behind() {
    in_runtime(|| async {
        let wakes = WakeCount::new();
        let mut interval = interval(MS);
        assert!(poll(&mut interval, &wakes).is_ready());
        assert_eq!(wakes.alive(), 0);
        sleep(5 * MS).await;
        assert_eq!(wakes.wakes(), 0);

        interval.reset_at(Instant::now() + HOUR);
        assert!(poll(&mut interval, &wakes).is_pending());
        assert_eq!(wakes.alive(), 1);
        interval.reset_at(Instant::now() + MS);
        while wakes.wakes() == 0 {
            sleep(MS).await;
        }
        assert!(poll(&mut interval, &wakes).is_ready());
        assert_eq!((wakes.alive(), wakes.wakes()), (0, 1));
    });
}

// T74. Goal: the waker of the last poll is woken, no other.
#[test]
fn t74_the_last_waker_counts() {
    in_runtime(|| async {
        let (first, last) = (WakeCount::new(), WakeCount::new());
        let mut interval = interval_at(Instant::now() + HOUR, HOUR);
        assert!(poll(&mut interval, &first).is_pending());
        assert!(poll(&mut interval, &last).is_pending());
        interval.reset_after(MS);
        while last.wakes() == 0 {
            sleep(MS).await;
        }
        assert_eq!((first.wakes(), first.alive()), (0, 0));
    });
}

/// Goal: a tick that nobody waited for to the end comes to who asks next.
#[test]
fn a_dropped_tick_is_not_lost() {
    in_runtime(|| async {
        let start = Instant::now();
        let mut interval = interval_at(start + 3 * MS, HOUR);
        if let Some(tick) = interval.tick().now_or_never() {
            // Too slow a machine to see it pending.
            assert!(tick == start + 3 * MS && Instant::now() >= tick);
            return;
        }
        sleep_until(start + 4 * MS).await;
        assert_eq!(interval.tick().now_or_never(), Some(start + 3 * MS));
    });
}

#[test]
fn resets_say_when_the_next_tick_comes() {
    in_runtime(|| async {
        let mut interval = interval(HOUR);
        interval.tick().await;
        assert!(interval.tick().now_or_never().is_none());

        let before = Instant::now();
        interval.reset_immediately();
        let tick = interval.tick().now_or_never().expect("at once");
        assert!(tick >= before);

        interval.reset_after(2 * MS);
        assert!(interval.tick().await >= tick + 2 * MS);

        let at = Instant::now() + 2 * MS;
        interval.reset_at(at);
        assert_eq!(interval.tick().await, at);
        assert!(interval.tick().now_or_never().is_none(), "the period holds again");

        let mut short = edgewake::time::interval(3 * MS);
        short.tick().await;
        block_until(Instant::now() + 10 * MS);
        let before = Instant::now();
        short.reset();
        assert!(short.tick().await >= before + 3 * MS, "the missed ticks are forgotten");
    });
}

// T75. Goal: periods beyond all time do not overflow, in any way to set them.
#[test]
fn t75_huge_periods_do_not_overflow() {
    in_runtime(|| async {
        let behaviors =
            [MissedTickBehavior::Burst, MissedTickBehavior::Delay, MissedTickBehavior::Skip];
        for period in [Duration::from_secs(u64::MAX / 2), Duration::MAX] {
            for behavior in behaviors {
                let start = Instant::now();
                let mut interval = interval_at(start, period);
                interval.set_missed_tick_behavior(behavior);
                block_until(start + 6 * MS);
                assert_eq!(interval.tick().now_or_never(), Some(start));
                assert!(interval.tick().now_or_never().is_none());
                interval.reset();
                assert!(interval.tick().now_or_never().is_none());
                interval.reset_after(Duration::MAX);
                assert!(interval.tick().now_or_never().is_none());
                interval.reset_immediately();
                assert!(interval.tick().now_or_never().is_some());
            }
        }
    });
}

#[test]
fn it_is_a_stream_without_end() {
    in_runtime(|| async {
        let mut interval = interval(MS);
        assert_eq!(interval.size_hint(), (usize::MAX, None));
        let first = interval.next().await.expect("it has no end");
        let next: Vec<Instant> = (&mut interval).take(3).collect().await;
        assert_eq!(next, [1, 2, 3].map(|n| first + n * MS));
        assert!(!interval.is_terminated());
        interval.reset_at(Instant::now() + HOUR);
        let mut cx = Context::from_waker(futures::task::noop_waker_ref());
        assert!(Pin::new(&mut interval).poll_next(&mut cx).is_pending());
    });
}

// T80. Goal: one that has many ticks to catch up with yields to the others in between.
#[test]
fn t80_a_burst_yields() {
    in_runtime(|| async {
        let start = Instant::now();
        let mut interval = interval_at(start, Duration::from_nanos(1));
        let wakes = WakeCount::new();
        block_until(start + MS);
        let ticks = (0..1000).filter(|_| poll(&mut interval, &wakes).is_ready()).count();
        assert!(ticks < 1000, "its budget never ran out");
        assert!(ticks > 900, "only {ticks} of 1000 polls returned a tick");
        assert_eq!(wakes.wakes(), 1000 - ticks, "who is told to wait is woken");
    });
}
