//! Turns of a driver that has no runtime: what each looks at, and that it says when it is awake.

use std::{
    cell::Cell,
    sync::Arc,
    task::{Wake, Waker},
    time::{Duration, Instant},
};

use super::{Driver, OnDemand};
use crate::sync::atomic::{AtomicUsize, Ordering};

const HOUR: Duration = Duration::from_secs(3600);

fn driver(busy_poll: Duration) -> Driver {
    Driver::new(busy_poll, false, OnDemand::new(1, HOUR)).unwrap()
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Count>) {
        // Relaxed: one thread.
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Count {
    fn wakes(&self) -> usize {
        // Relaxed: one thread.
        self.0.load(Ordering::Relaxed)
    }
}

// T73. Goal: a turn for which work came at the last moment does what a turn does, without a wait,
// and leaves nobody to believe that this thread must be kicked.
#[test]
fn t73_a_turn_that_finds_work_looks_and_does_not_wait() {
    let mut driver = driver(Duration::ZERO);
    let count = Arc::<Count>::default();
    let waker = Waker::from(Arc::clone(&count));
    let shared = Arc::clone(driver.shared());
    shared.insert_timer(Instant::now(), waker.clone()).unwrap();
    // Were it to wait, it would do so for an hour.
    shared.insert_timer(Instant::now() + HOUR, waker).unwrap();
    driver.turn(|| true).unwrap();
    assert_eq!(count.wakes(), 1);
    shared.unpark();
    assert_eq!(shared.kicks.get(), 0);
}

// Goal: a turn that polls busily asks again and again, and ends with what it finds, without a wait.
#[test]
fn a_busy_turn_ends_with_what_it_finds() {
    let mut driver = driver(HOUR);
    let asked = Cell::new(0);
    // Were it to wait, it would be for this.
    let soon = Instant::now() + Duration::from_secs(5);
    driver.shared().insert_timer(soon, Waker::noop().clone()).unwrap();
    driver
        .turn(|| {
            asked.set(asked.get() + 1);
            asked.get() == 3
        })
        .unwrap();
    assert_eq!(asked.get(), 3);
}

// Goal: busy polling sees a timer that is due, and ends in a wait once its patience is over.
#[test]
fn a_busy_turn_sees_timers_and_loses_patience() {
    let count = Arc::<Count>::default();
    let waker = Waker::from(Arc::clone(&count));
    let mut patient = driver(HOUR);
    let soon = Instant::now() + Duration::from_millis(20);
    patient.shared().insert_timer(soon, waker.clone()).unwrap();
    patient.turn(|| false).unwrap();
    assert_eq!(count.wakes(), 1);
    let mut hasty = driver(Duration::from_nanos(1));
    let asked = Cell::new(0);
    hasty.shared().insert_timer(Instant::now() + Duration::from_millis(20), waker).unwrap();
    hasty
        .turn(|| {
            asked.set(asked.get() + 1);
            false
        })
        .unwrap();
    assert_eq!(asked.get(), 2, "once while it polls, once before it waits");
}
