//! `Sleep`: what it is bound to, who is woken, and what is left behind when it is reset or dropped.

#![cfg(feature = "time")]

mod support;

use std::{
    future::{pending, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex, mpsc},
    task::{Context, Poll, Wake, Waker},
    thread,
};

use edgewake::{
    Runtime, spawn,
    time::{Duration, Instant, Sleep, interval, sleep, sleep_until, timeout},
};
use futures::{
    FutureExt,
    channel::oneshot,
    executor,
    future::{self, Either, join_all},
};
use support::{WakeCount, deadline};

const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Runs `body` in a runtime of its own; a hang fails.
#[track_caller]
fn in_runtime<F: Future<Output = ()>>(body: impl FnOnce() -> F + Send + 'static) {
    deadline(|| Runtime::new().unwrap().block_on(body()));
}

/// Lets the runtime turn until `condition` holds.
async fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        sleep(MS).await;
    }
}

/// The message of the panic that `body` ends with.
#[track_caller]
fn panic_of<R>(body: impl FnOnce() -> R) -> String {
    support::quietly("the timer made at", || match catch_unwind(AssertUnwindSafe(body)) {
        Ok(_) => panic!("it did not panic"),
        Err(panic) => support::message(&*panic),
    })
}

#[test]
fn sleeps_can_go_anywhere() {
    support::assert_send::<Sleep>();
    support::assert_sync::<Sleep>();
    support::assert_unpin::<Sleep>();
    support::assert_debug::<Sleep>();
}

/// Goal: made outside, and moved between polls, it is bound where it is first polled.
#[test]
fn a_sleep_can_be_made_outside_of_a_runtime() {
    let start = Instant::now();
    let mut sleep = sleep(5 * MS);
    assert!(sleep.deadline() >= start + 5 * MS);
    in_runtime(move || async move {
        assert!((&mut sleep).now_or_never().is_none());
        let mut moved = Box::new(sleep);
        (&mut *moved).await;
        assert!(start.elapsed() >= 5 * MS);
        assert!(moved.is_elapsed());
    });
}

/// Goal: the panic outside of a runtime names the line to blame, whatever stands in between, and
/// does not depend on the deadline.
#[test]
fn a_poll_outside_of_a_runtime_panics_and_says_where_the_timer_was_made() {
    let wakes = WakeCount::new();
    let here = |line: u32| format!("the timer made at {}:{line}:", file!());

    let (mut sleep, line) = (sleep(HOUR), line!());
    let said = panic_of(|| wakes.poll(&mut sleep));
    assert!(said.contains(&here(line)), "{said}");
    assert!(said.contains("`Runtime::block_on`"), "{said}");

    let (mut due, line) = (sleep_until(Instant::now()), line!());
    assert!(panic_of(|| wakes.poll(&mut due)).contains(&here(line)));
    let (mut late, line) = (Box::pin(timeout(HOUR, pending::<()>())), line!());
    assert!(panic_of(|| wakes.poll(&mut late)).contains(&here(line)));
    let (mut ticks, line) = (interval(HOUR), line!());
    let said = panic_of(|| ticks.poll_tick(&mut Context::from_waker(&wakes.waker())));
    assert!(said.contains(&here(line)), "{said}");
    assert_eq!(wakes.alive(), 0);
}

// T79. Goal: a dropped runtime wakes who still waits for its timers, and they neither end early
// nor hang: before the deadline a poll panics, after it it is ready.
#[test]
fn t79_a_sleep_outlives_its_runtime() {
    in_runtime(|| async {
        let wakes = WakeCount::new();
        let (mut far, mut near) = (sleep(HOUR), sleep(5 * MS));
        let line = line!() - 1;
        thread::scope(|scope| {
            let lifetime = scope.spawn(|| {
                let runtime = Runtime::new().unwrap();
                runtime.block_on(async {
                    assert!(wakes.poll(&mut far).is_pending());
                    assert!(wakes.poll(&mut near).is_pending());
                });
                assert_eq!(wakes.alive(), 2);
            });
            lifetime.join().unwrap();
        });
        assert_eq!((wakes.wakes(), wakes.alive()), (2, 0));
        let said = panic_of(|| wakes.poll(&mut far));
        assert!(said.contains(&format!("{}:{line}:", file!())), "{said}");
        assert!(said.contains("dropped"), "{said}");

        sleep_until(near.deadline()).await;
        assert!(wakes.poll(&mut near).is_ready());
        assert!(wakes.poll(&mut near).is_ready());
        // Given a new deadline it belongs to the runtime it is polled in.
        far.reset(Instant::now() + MS);
        far.await;
    });
}

/// Goal: a timer leaves no waker behind when it fires or is dropped, and is ready from then on.
#[test]
fn the_entry_goes_with_the_sleep() {
    in_runtime(|| async {
        let wakes = WakeCount::new();
        let mut sleeps: Vec<Sleep> = (1..=100).map(|n| sleep(n * HOUR)).collect();
        for round in 0..3 {
            for sleep in &mut sleeps {
                assert!(wakes.poll(sleep).is_pending());
            }
            assert_eq!(wakes.alive(), 100, "round {round}");
        }
        sleeps.truncate(40);
        assert_eq!(wakes.alive(), 40);
        drop(sleeps);
        assert_eq!((wakes.alive(), wakes.wakes()), (0, 0));

        let mut short = sleep(MS);
        assert!(wakes.poll(&mut short).is_pending());
        until(|| wakes.wakes() > 0).await;
        assert_eq!((wakes.alive(), wakes.wakes()), (0, 1));
        for _ in 0..3 {
            assert!(wakes.poll(&mut short).is_ready());
        }
        drop(short);
        assert_eq!((wakes.alive(), wakes.wakes()), (0, 1));
    });
}

// T74. Goal: of several wakers it was polled with, the last one is woken, and the others are let
// go of.
#[test]
fn t74_the_last_waker_counts() {
    in_runtime(|| async {
        let (first, last) = (WakeCount::new(), WakeCount::new());
        let mut sleep = sleep(HOUR);
        assert!(first.poll(&mut sleep).is_pending());
        assert!(last.poll(&mut sleep).is_pending());
        assert!(first.poll(&mut sleep).is_pending());
        assert!(last.poll(&mut sleep).is_pending());
        assert_eq!((first.alive(), last.alive()), (0, 1));
        sleep.reset(Instant::now() + MS);
        until(|| last.wakes() > 0).await;
        assert_eq!((first.wakes(), last.wakes()), (0, 1));
        assert!(last.poll(&mut sleep).is_ready());
    });
}

/// Goal: once bound it can be awaited anywhere, here on a thread with another executor.
#[test]
fn a_bound_sleep_can_be_awaited_on_another_thread() {
    deadline(|| {
        let (send, receive) = mpsc::channel::<Sleep>();
        let (end, ended) = oneshot::channel();
        let awaiting = thread::spawn(move || {
            let sleep = receive.recv().unwrap();
            let at = sleep.deadline();
            executor::block_on(sleep);
            end.send(Instant::now() >= at).unwrap();
        });
        let in_time = Runtime::new().unwrap().block_on(async move {
            let mut sleep = sleep(10 * MS);
            assert!((&mut sleep).now_or_never().is_none());
            send.send(sleep).unwrap();
            ended.await.unwrap()
        });
        assert!(in_time);
        awaiting.join().unwrap();
    });
}

// T73. Goal: a deadline that another thread moves to the front wakes a parked runtime, or one that
// is about to park; in many rounds both come about.
#[test]
fn t73_an_earlier_deadline_from_another_thread_ends_the_wait() {
    deadline(|| {
        let runtime = Runtime::new().unwrap();
        let (send, receive) = mpsc::channel::<Arc<Mutex<Sleep>>>();
        let thread = thread::spawn(move || {
            for (round, sleep) in receive.iter().enumerate() {
                if round % 4 == 0 {
                    // Most likely the runtime is parked by then.
                    thread::park_timeout(MS);
                }
                let soon = Instant::now() + Duration::from_micros(50) * (round as u32 % 3);
                sleep.lock().unwrap().reset(soon);
            }
        });
        for round in 0..200 {
            runtime.block_on(async {
                let sleep = Arc::new(Mutex::new(sleep(HOUR)));
                assert!((&mut *sleep.lock().unwrap()).now_or_never().is_none());
                send.send(Arc::clone(&sleep)).unwrap();
                poll_fn(|cx| Pin::new(&mut *sleep.lock().unwrap()).poll(cx)).await;
                let at = sleep.lock().unwrap().deadline();
                assert!(Instant::now() >= at, "round {round}");
            });
        }
        drop(send);
        thread.join().unwrap();
    });
}

/// Goal: a reset moves the wake-up without a poll: to earlier, to later, and to the past.
#[test]
fn reset_moves_the_wake_up_of_a_pending_sleep() {
    in_runtime(|| async {
        let wakes = WakeCount::new();
        let mut sleep = sleep(HOUR);
        assert!(wakes.poll(&mut sleep).is_pending());
        sleep.reset(Instant::now() + 2 * MS);
        until(|| wakes.wakes() == 1).await;
        assert!(Instant::now() >= sleep.deadline());
        assert!(wakes.poll(&mut sleep).is_ready());

        sleep.reset(Instant::now() + HOUR);
        assert!(wakes.poll(&mut sleep).is_pending());
        let earlier = Instant::now() + 5 * MS;
        sleep.reset(earlier);
        sleep.reset(earlier + 20 * MS);
        sleep_until(earlier).await;
        if Instant::now() < sleep.deadline() {
            assert_eq!(wakes.wakes(), 1, "the earlier deadline counted");
        }
        until(|| wakes.wakes() == 2).await;
        assert!(Instant::now() >= earlier + 20 * MS);

        sleep.reset(Instant::now() + HOUR);
        assert!(wakes.poll(&mut sleep).is_pending());
        sleep.reset(Instant::now());
        until(|| wakes.wakes() == 3).await;
        assert!(wakes.poll(&mut sleep).is_ready());
        assert_eq!(wakes.alive(), 0);
    });
}

/// Goal: one that is over, or never was polled, waits again after a reset.
#[test]
fn reset_starts_anew() {
    in_runtime(|| async {
        let mut sleep = sleep(Duration::ZERO);
        sleep.reset(Instant::now() + HOUR);
        assert!((&mut sleep).now_or_never().is_none());
        assert!(!sleep.is_elapsed());
        for _ in 0..5 {
            let at = Instant::now() + MS;
            sleep.reset(at);
            assert_eq!(sleep.deadline(), at);
            (&mut sleep).await;
            assert!(Instant::now() >= at);
            assert!(sleep.is_elapsed());
        }
        // Its deadline was reached, its waker woken, but it was not polled since.
        let wakes = WakeCount::new();
        sleep.reset(Instant::now() + HOUR);
        assert!(wakes.poll(&mut sleep).is_pending());
        sleep.reset(Instant::now() + MS);
        until(|| wakes.wakes() == 1).await;
        sleep.reset(Instant::now() + HOUR);
        assert!(wakes.poll(&mut sleep).is_pending());
        assert_eq!((wakes.wakes(), wakes.alive()), (1, 1));
    });
}

// T71. Goal: the longest durations and the furthest deadlines neither overflow, nor end early, nor
// disturb the short ones beside them; and a runtime that has nothing else still hears its kicks.
#[test]
fn t71_far_deadlines_are_far() {
    in_runtime(|| async {
        let year = 365 * 24 * HOUR;
        let mut furthest = Instant::now();
        for step in (0..63).rev().map(|exponent| Duration::from_secs(1 << exponent)) {
            furthest = furthest.checked_add(step).unwrap_or(furthest);
        }
        let mut far = [sleep(Duration::MAX), sleep(1000 * year), sleep(25 * 24 * HOUR)];
        assert!(far[0].deadline() - Instant::now() > 29 * year);
        let mut last = sleep_until(furthest);
        for sleep in far.iter_mut().chain([&mut last]) {
            assert!(sleep.now_or_never().is_none());
        }
        sleep(2 * MS).await;
        let (send, receive) = oneshot::channel();
        let kick = thread::spawn(move || send.send(()).unwrap());
        receive.await.unwrap();
        kick.join().unwrap();
        for sleep in far.iter_mut().chain([&mut last]) {
            assert!(!sleep.is_elapsed());
            sleep.reset(Instant::now());
            sleep.await;
        }
    });
}

/// Goal: thousands of timers, half of them cancelled while the others fire.
#[test]
fn thousands_of_timers() {
    in_runtime(|| async {
        let tasks: Vec<_> = (0..5000_u32)
            .map(|n| {
                spawn(async move {
                    let short = sleep(n * 7919 % 30_000 * Duration::from_micros(1));
                    if n % 2 == 0 {
                        short.await;
                        return true;
                    }
                    // The loser is dropped.
                    matches!(future::select(sleep(HOUR + n * MS), short).await, Either::Right(_))
                })
            })
            .collect();
        for outcome in join_all(tasks).await {
            assert!(outcome.unwrap());
        }
    });
}

// T58. Goal: a task that polls more pending timers than its budget has operations just waits.
#[test]
fn t58_pending_timers_cost_no_budget() {
    in_runtime(|| async {
        let wakes = WakeCount::new();
        let mut sleeps: Vec<Sleep> = (0..1000).map(|_| sleep(HOUR)).collect();
        for sleep in &mut sleeps {
            assert!(wakes.poll(sleep).is_pending());
        }
        assert_eq!(wakes.wakes(), 0);
    });
}

// T80. Goal: a task that awaits what is over time and again lets the others run, and the driver.
#[test]
fn t80_a_loop_of_zero_sleeps_starves_nobody() {
    in_runtime(|| async {
        let busy = spawn(async {
            loop {
                sleep(Duration::ZERO).await;
            }
        });
        spawn(sleep(2 * MS)).await.unwrap();
        busy.abort();
        assert!(busy.await.unwrap_err().is_cancelled());
    });
}

// T80. Goal: a task that never returns to its driver sees its timer end.
#[test]
fn t80_a_task_that_never_waits_is_timed_out() {
    in_runtime(|| async {
        let mut sleep = sleep(3 * MS);
        poll_fn(|cx| {
            while Pin::new(&mut sleep).poll(cx).is_pending() {
                std::hint::spin_loop();
            }
            Poll::Ready(())
        })
        .await;
        assert!(Instant::now() >= sleep.deadline());
    });
}

struct Rude;

impl Wake for Rude {
    fn wake(self: Arc<Rude>) {
        panic!("a rude waker");
    }
}

// T22. Goal: a waker that panics does not take the wake-ups of the others with it.
#[test]
fn t22_a_panicking_waker_does_not_stop_the_others() {
    support::quietly("a rude waker", || {
        in_runtime(|| async {
            let rude = Waker::from(Arc::new(Rude));
            let at = Instant::now() + 2 * MS;
            let mut sleeps: Vec<Sleep> = (0..10).map(|_| sleep_until(at)).collect();
            let wakes = WakeCount::new();
            for (n, sleep) in sleeps.iter_mut().enumerate() {
                if n % 2 == 0 {
                    let mut cx = Context::from_waker(&rude);
                    let _due_on_a_slow_machine = Pin::new(sleep).poll(&mut cx);
                } else if wakes.poll(sleep).is_ready() {
                    wakes.waker().wake();
                }
            }
            until(|| wakes.wakes() == 5).await;
        });
    });
}

/// Goal: a foreign loop learns from `turn` how long it may wait, and timers fire in its turns.
#[test]
fn a_foreign_loop_waits_no_longer_than_the_earliest_deadline() {
    deadline(|| {
        let runtime = Runtime::new().unwrap();
        assert_eq!(runtime.turn().unwrap(), None);
        let long = runtime.spawn(sleep(HOUR));
        let wait = runtime.turn().unwrap().expect("there is a timer");
        assert!(wait > HOUR / 2 && wait <= HOUR, "{wait:?}");
        let start = Instant::now();
        let short = runtime.spawn(sleep(5 * MS));
        while !short.is_finished() {
            let wait = runtime.turn().unwrap().expect("there are timers");
            assert!(wait <= 5 * MS || short.is_finished(), "{wait:?}");
            if !short.is_finished() {
                thread::park_timeout(wait);
            }
        }
        assert!(start.elapsed() >= 5 * MS);
        long.abort();
    });
}
