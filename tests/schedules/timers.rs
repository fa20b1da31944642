//! Timers: none ends early, none is forgotten or late by more than the loop may be, whether it is
//! reset, by another thread too, given up, or one of many with the same deadline.

use std::{
    cell::Cell,
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::{Duration, Instant},
};

use edgewake::{
    time::{Sleep, interval, sleep, sleep_until, timeout, timeout_at},
    yield_now,
};
use edgewake_sys::faults::schedule::{self, LOOK_MAX};

use crate::{
    run::{draw, drive, once_in},
    tracked::{self, on_another_thread, spawn},
};

pub(crate) fn run() {
    drive(async {
        let count = 1 + draw(8);
        let common = schedule::now() + some_time();
        let tasks: Vec<_> = (0..count)
            .map(|_| match draw(6) {
                0 => spawn(sleeps()),
                1 => spawn(timeouts(common)),
                2 => spawn(ticks()),
                3 => spawn(resets()),
                4 => spawn(moved_by_another_thread()),
                _ => spawn(same_deadline(common)),
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }
    });
}

/// From microseconds to minutes: of time that does not pass.
fn some_time() -> Duration {
    Duration::from_micros(draw(10_u64.pow(1 + draw(8) as u32)))
}

/// Whoever was woken at this time, by a timer or otherwise, is polled soon: the wait may end late,
/// and then a task waits for its poll, while time goes by at each look at the kernel.
pub(crate) fn is_in_time(deadline: Instant) {
    let now = schedule::now();
    assert!(now >= deadline, "it ended {:?} early", deadline - now);
    let polls = tracked::most_polls_between() as u32;
    let most = LOOK_MAX * (2 * polls + 200) + Duration::from_millis(1);
    assert!(now - deadline <= most, "it ended {:?} late", now - deadline);
}

async fn sleeps() {
    for _ in 0..1 + draw(4) {
        let time = some_time();
        let deadline = schedule::now() + time;
        if once_in(2) {
            sleep(time).await
        } else {
            sleep_until(deadline).await
        }
        is_in_time(deadline);
    }
}

/// All these are equal.
async fn same_deadline(deadline: Instant) {
    sleep_until(deadline).await;
    is_in_time(deadline);
}

/// A future against a deadline: whichever is first.
async fn timeouts(common: Instant) {
    for _ in 0..1 + draw(4) {
        let deadline = if once_in(4) { common } else { schedule::now() + some_time() };
        let (time, started) = (some_time(), schedule::now());
        match timeout_at(deadline, sleep(time)).await {
            Ok(()) => is_in_time(started + time),
            Err(_elapsed) => {
                assert!(schedule::now() >= deadline, "a timeout was early");
                is_in_time(deadline.max(started));
            }
        }
        // Most timeouts never come.
        timeout(Duration::from_secs(3600), yield_now()).await.expect("it takes no hour");
    }
}

async fn ticks() {
    let period = Duration::from_micros(1 + draw(100_000));
    let mut ticks = interval(period);
    let mut before = ticks.tick().await;
    for _ in 0..1 + draw(5) {
        let tick = ticks.tick().await;
        assert!(tick - before >= period, "two ticks are too close");
        assert!(schedule::now() >= tick, "a tick was early");
        before = tick;
    }
}

/// Moved to and fro while it is waited for.
async fn resets() {
    let mut sleep = sleep(some_time());
    for _ in 0..draw(5) {
        let given = timeout(some_time(), &mut sleep).await;
        let over = schedule::now() >= sleep.deadline();
        assert!(over || given.is_err(), "a sleep ended early");
        sleep.reset(schedule::now() + some_time());
    }
    let deadline = sleep.deadline();
    (&mut sleep).await;
    is_in_time(deadline);
}

/// Another thread makes it earlier, perhaps while the loop waits for the later deadline, or is
/// about to.
async fn moved_by_another_thread() {
    let far = schedule::now() + Duration::from_secs(1000 + draw(1000));
    let shared = Arc::new(Mutex::new(sleep_until(far)));
    let deadline = Rc::new(Cell::new(far));
    let intruder = {
        let (shared, deadline) = (Arc::clone(&shared), Rc::clone(&deadline));
        move |_: &'static str| {
            if !once_in(3) {
                return;
            }
            let sooner = (schedule::now() + some_time()).min(deadline.get());
            deadline.set(sooner);
            let shared = Arc::clone(&shared);
            on_another_thread(move || lock(&shared).reset(sooner));
        }
    };
    schedule::intrude(intruder);
    poll_fn(|cx| {
        if Pin::new(&mut *lock(&shared)).poll(cx).is_pending() {
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
    schedule::intrude(|_| tracked::wake_for_nothing());
    is_in_time(deadline.get());
}

fn lock(sleep: &Mutex<Sleep>) -> std::sync::MutexGuard<'_, Sleep> {
    sleep.lock().unwrap_or_else(PoisonError::into_inner)
}
