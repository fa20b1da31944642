//! When sleeps end: never early, in the order of their deadlines, and at once if they are due.
//!
//! How late they end depends on the machine. The tests named `precise_` bound that as well; they
//! are ignored by default: `cargo test --test timer_precision -- --ignored`.

#![cfg(feature = "time")]

mod support;

use std::{cell::RefCell, pin::Pin, rc::Rc, task::Poll};

use edgewake::{
    Runtime, spawn_local,
    time::{Duration, Instant, sleep, sleep_until},
};
use futures::{FutureExt, future::join_all, future::poll_fn};
use support::deadline;

const US: Duration = Duration::from_micros(1);
const MS: Duration = Duration::from_millis(1);

/// Goal: durations of every magnitude, below and above what a selector counts in, are kept.
#[test]
fn no_sleep_ends_early() {
    deadline(|| {
        Runtime::new().unwrap().block_on(async {
            let nanosecond = Duration::from_nanos(1);
            for duration in [nanosecond, US, 50 * US, 333 * US, 999 * US, MS, 1001 * US, 7 * MS] {
                for _ in 0..5 {
                    let start = Instant::now();
                    sleep(duration).await;
                    assert!(start.elapsed() >= duration, "sleep({duration:?})");

                    let at = Instant::now() + duration;
                    sleep_until(at).await;
                    assert!(Instant::now() >= at, "sleep_until after {duration:?}");
                }
            }
        });
    });
}

/// Goal: the same with many at once, whose deadlines share ticks and turns.
#[test]
fn no_sleep_of_many_ends_early() {
    deadline(|| {
        Runtime::new().unwrap().block_on(async {
            let sleeps = (0..500).map(|n| async move {
                let at = Instant::now() + n % 50 * 97 * US;
                sleep_until(at).await;
                assert!(Instant::now() >= at);
            });
            join_all(sleeps).await;
        });
    });
}

// T74. Goal: a deadline that is exactly now, or was, is over at the first poll; so is zero.
#[test]
fn t74_what_is_due_is_ready_at_once() {
    deadline(|| {
        Runtime::new().unwrap().block_on(async {
            for _ in 0..100 {
                assert_eq!(sleep_until(Instant::now()).now_or_never(), Some(()));
            }
            assert_eq!(sleep(Duration::ZERO).now_or_never(), Some(()));
            if let Some(past) = Instant::now().checked_sub(5 * MS) {
                assert_eq!(sleep_until(past).now_or_never(), Some(()));
            }
            assert_eq!(sleep_until(Instant::now() + 3600 * 1000 * MS).now_or_never(), None);
        });
    });
}

// T80. Goal: a poll after the deadline is ready, though the driver had no turn since: on the
// first poll of `sleep_until`, and on the second or third of a timer that is in the wheel.
#[test]
fn t80_a_poll_after_the_deadline_needs_no_turn() {
    deadline(|| {
        Runtime::new().unwrap().block_on(async {
            let mut sleep = sleep(2 * MS);
            let polls = poll_fn(|cx| {
                let mut polls_after_deadline = 0;
                loop {
                    let reached = Instant::now() >= sleep.deadline();
                    polls_after_deadline += u32::from(reached);
                    if Pin::new(&mut sleep).poll(cx).is_ready() {
                        return Poll::Ready(polls_after_deadline);
                    }
                }
            });
            let polls = polls.await;
            assert!(polls <= 3, "ready at poll {polls} after the deadline");
        });
    });
}

/// Goal: tasks wake in the order of their deadlines, whatever the order of insertion.
#[test]
fn timers_fire_in_the_order_of_their_deadlines() {
    deadline(|| {
        let fired = Rc::new(RefCell::new(Vec::new()));
        Runtime::new().unwrap().block_on(async {
            let start = Instant::now() + 200 * MS;
            let tasks = (0..2000_u32).map(|n| {
                let fired = Rc::clone(&fired);
                // All of 0..2000, scattered; 20 microseconds apart, some pairs on one deadline.
                let at = start + (n * 1237 % 2000) / 2 * 2 * 20 * US;
                spawn_local(async move {
                    let mut sleep = sleep_until(at);
                    // On a machine too slow to insert it in time it is ready now, and has no
                    // place in the order.
                    if (&mut sleep).now_or_never().is_none() {
                        sleep.await;
                        fired.borrow_mut().push(at);
                    }
                })
            });
            for ended in join_all(tasks.collect::<Vec<_>>()).await {
                ended.unwrap();
            }
        });
        let fired = fired.borrow();
        assert!(fired.is_sorted(), "out of order");
        assert!(fired.len() >= 100, "only {} of 2000 had to wait", fired.len());
    });
}

/// The median of what `sleep(duration)` has over `duration`.
fn median_lateness(duration: Duration) -> Duration {
    Runtime::new().unwrap().block_on(async {
        let mut late = Vec::new();
        for _ in 0..200 {
            let start = Instant::now();
            sleep(duration).await;
            late.push(start.elapsed() - duration);
        }
        late.sort_unstable();
        late[late.len() / 2]
    })
}

#[test]
#[ignore = "precise: bounds lateness, for an idle machine whose kernel waits in nanoseconds"]
fn precise_a_tenth_of_a_millisecond() {
    let late = median_lateness(100 * US);
    assert!(late < 500 * US, "{late:?}");
}

#[test]
#[ignore = "precise: bounds lateness, for an idle machine whose kernel waits in nanoseconds"]
fn precise_a_millisecond() {
    let late = median_lateness(MS);
    assert!(late < 500 * US, "{late:?}");
}
