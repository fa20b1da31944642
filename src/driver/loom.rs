//! Models of the flag between a thread that is about to wait and those who push work to it.
//!
//! The selector is a [`Kernel`]: a kick that comes before the wait is kept, as the notifier keeps
//! it, and the wait may also end for another reason. A missed kick is a deadlock.

use std::{
    sync::Arc,
    task::Waker,
    time::{Duration, Instant},
};

use ::loom::{sync::Notify, thread};

use super::{parked::Parked, timers::Timers};
use crate::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
    lock,
    model::{Bell, Tally, model, wide_model},
};

const HOUR: Duration = Duration::from_secs(3600);

/// What the worker waits in. The end without a kick, once, is loom's.
#[derive(Default)]
struct Kernel {
    notify: Notify,
    kicks: Tally,
}

impl Kernel {
    fn kick(&self) {
        self.kicks.count();
        self.notify.notify();
    }

    fn kicks(&self) -> usize {
        self.kicks.get()
    }
}

/// A queue as `task::Inject` is one, with the driver's flag and its kick.
struct Worker {
    items: Mutex<usize>,
    occupied: AtomicBool,
    timers: Timers,
    parked: Parked,
    kernel: Kernel,
}

impl Worker {
    fn new() -> Arc<Worker> {
        Arc::new(Worker {
            items: Mutex::new(0),
            occupied: AtomicBool::new(false),
            timers: Timers::new(),
            parked: Parked::new(),
            kernel: Kernel::default(),
        })
    }

    fn push(&self) {
        {
            let mut items = lock(&self.items);
            *items += 1;
            // Relaxed: as in `task::Inject`.
            self.occupied.store(true, Ordering::Relaxed);
        }
        self.unpark();
    }

    fn unpark(&self) {
        if self.parked.take() {
            self.kernel.kick();
        }
    }

    /// As `Shared::insert_timer`.
    fn insert_timer(&self, deadline: Instant) {
        let inserted = self.timers.insert(deadline, Waker::noop().clone());
        let (_key, kick) = inserted.expect("the driver is not shut down");
        if kick {
            self.unpark();
        }
    }

    fn take(&self) -> usize {
        let mut items = lock(&self.items);
        // Relaxed: as in `task::Inject`.
        self.occupied.store(false, Ordering::Relaxed);
        std::mem::take(&mut *items)
    }

    /// The rounds of a loop that ends once it has seen `expected` items.
    fn run(&self, expected: usize) {
        let mut seen = 0;
        loop {
            // Relaxed: as in `task::Inject`.
            if self.occupied.load(Ordering::Relaxed) {
                seen += self.take();
            }
            if seen == expected {
                return;
            }
            self.parked.publish();
            // Relaxed: as in `task::Inject`, after the fence in `publish`.
            if !self.occupied.load(Ordering::Relaxed) {
                self.kernel.notify.wait();
            }
            self.parked.retract();
        }
    }
}

// Goal: a push is seen before the wait, or it kicks.
#[test]
fn a_push_is_seen_or_kicks() {
    model(|| {
        let worker = Worker::new();
        let pusher = Arc::clone(&worker);
        let pushing = thread::spawn(move || pusher.push());
        worker.run(1);
        pushing.join().expect("no panic");
        assert!(worker.kernel.kicks() <= 1);
    });
}

// Goal: the same with one thread that pushes twice, across a round of the loop.
#[test]
fn two_pushes_of_one_thread_are_seen_or_kick() {
    model(|| {
        let worker = Worker::new();
        let pusher = Arc::clone(&worker);
        let pushing = thread::spawn(move || {
            pusher.push();
            pusher.push();
        });
        worker.run(2);
        pushing.join().expect("no panic");
    });
}

// Goal: of two pushers that find the flag only one kicks, and no push is missed.
#[test]
fn two_pushers_are_both_seen() {
    wide_model(|| {
        let worker = Worker::new();
        let pushing = [Arc::clone(&worker), Arc::clone(&worker)]
            .map(|pusher| thread::spawn(move || pusher.push()));
        worker.run(2);
        for pushing in pushing {
            pushing.join().expect("no panic");
        }
    });
}

// Goal: a foreign loop publishes and goes away; what is pushed before or after kicks, if it was
// not seen.
#[test]
fn a_push_kicks_a_loop_that_waits_elsewhere() {
    model(|| {
        let worker = Worker::new();
        let pusher = Arc::clone(&worker);
        let pushing = thread::spawn(move || pusher.push());
        // As `Driver::park_outside`: between two turns the flag stays up.
        worker.parked.publish();
        // Relaxed: as in `run`.
        if worker.occupied.load(Ordering::Relaxed) {
            worker.parked.retract();
        } else {
            worker.kernel.notify.wait();
            // Spurious ends of a wait are loom's; the loop would poll again.
            while worker.kernel.kicks() == 0 {
                worker.kernel.notify.wait();
            }
        }
        pushing.join().expect("no panic");
        assert_eq!(worker.take(), 1);
    });
}

/// Until the worker would wait no longer than `bound`.
fn wait_until_bounded(worker: &Worker, bound: Duration) {
    loop {
        worker.parked.publish();
        let timeout = worker.timers.until_next();
        if timeout.is_some_and(|timeout| timeout <= bound) {
            worker.parked.retract();
            return;
        }
        worker.kernel.notify.wait();
        worker.parked.retract();
    }
}

// T73. Goal: a timer inserted from elsewhere, earlier than all others, is seen before the wait or
// kicks, whether the wheel was empty or not.
#[test]
fn t73_an_earlier_timer_is_seen_or_kicks() {
    for occupied in [false, true] {
        model(move || {
            let worker = Worker::new();
            let now = Instant::now();
            if occupied {
                worker.insert_timer(now + 4 * HOUR);
            }
            let inserter = Arc::clone(&worker);
            let inserting = thread::spawn(move || inserter.insert_timer(now + HOUR));
            wait_until_bounded(&worker, HOUR);
            inserting.join().expect("no panic");
        });
    }
}

// T73. Goal: the same for a timer that is moved, and for a worker that is awake at first, which
// nobody kicks.
#[test]
fn t73_a_timer_moved_to_the_front_is_seen_or_kicks() {
    for awake in [false, true] {
        model(move || {
            let worker = Worker::new();
            let now = Instant::now();
            // The wheel is not empty in between: that alone would kick.
            worker.insert_timer(now + 5 * HOUR);
            let inserted = worker.timers.insert(now + 4 * HOUR, Waker::noop().clone());
            let (key, _) = inserted.expect("the driver is not shut down");
            if awake {
                worker.timers.advance(&mut Vec::new());
            }
            let mover = Arc::clone(&worker);
            let moving = thread::spawn(move || {
                let moved = mover.timers.reset(key, now + HOUR).expect("it is pending");
                if moved.1 {
                    mover.unpark();
                }
            });
            wait_until_bounded(&worker, HOUR);
            moving.join().expect("no panic");
        });
    }
}

// T73. Goal: of two timers inserted at once the worker waits for the earlier one.
#[test]
fn t73_the_earlier_of_two_timers_counts() {
    wide_model(|| {
        let worker = Worker::new();
        let now = Instant::now();
        let inserting = [HOUR, 4 * HOUR].map(|after| {
            let inserter = Arc::clone(&worker);
            thread::spawn(move || inserter.insert_timer(now + after))
        });
        wait_until_bounded(&worker, HOUR);
        for inserting in inserting {
            inserting.join().expect("no panic");
        }
    });
}

// T73. Goal: a timer inserted while the worker fires the last one is not forgotten with it.
#[test]
fn t73_a_timer_inserted_while_the_last_one_fires_is_kept() {
    model(|| {
        let worker = Worker::new();
        let now = Instant::now();
        worker.insert_timer(now);
        let inserter = Arc::clone(&worker);
        let inserting = thread::spawn(move || inserter.insert_timer(now + HOUR));
        let mut fired = Vec::new();
        worker.timers.advance(&mut fired);
        assert_eq!(fired.len(), 1);
        wait_until_bounded(&worker, HOUR);
        inserting.join().expect("no panic");
    });
}

// T74. Goal: a timer polled with another waker while it fires wakes that waker, or says that it
// has fired.
#[test]
fn t74_the_last_waker_of_a_timer_is_woken_or_told() {
    model(|| {
        let worker = Worker::new();
        let [first, second] = [Bell::new(), Bell::new()];
        let inserted = worker.timers.insert(Instant::now(), first.waker());
        let (key, _) = inserted.expect("the driver is not shut down");
        let poller = Arc::clone(&worker);
        let last = Arc::clone(&second);
        let polling = thread::spawn(move || {
            while poller.timers.update(key, &last.waker()) {
                last.wait();
            }
        });
        let mut fired = Vec::new();
        worker.timers.advance(&mut fired);
        for waker in fired {
            waker.wake();
        }
        polling.join().expect("no panic");
        assert_eq!(first.rings() + second.rings(), 1);
    });
}
