//! Models of the flag between a thread that is about to wait and those who push work to it.
//!
//! - `timers`: timers that come, move, go and fire.
//!
//! The selector is a [`Kernel`]: a kick that comes before the wait is kept, as the notifier keeps
//! it, and the wait may also end for another reason. A missed kick is a deadlock.

mod timers;

use std::{sync::Arc, task::Waker, time::Instant};

use ::loom::{sync::Notify, thread};

use super::{
    parked::Parked,
    timers::{TimerKey, Timers},
};
use crate::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
    lock,
    model::{Tally, bounded, model},
};

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
    fn insert_timer(&self, deadline: Instant) -> TimerKey {
        let inserted = self.timers.insert(deadline, Waker::noop().clone());
        let (key, kick) = inserted.expect("the driver is not shut down");
        if kick {
            self.unpark();
        }
        key
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
    bounded(4, || {
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
    bounded(2, || {
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
