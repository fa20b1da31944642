//! Models of timers that come, move, go and fire while the driver waits, or is about to.

use std::{
    sync::Arc,
    task::Waker,
    time::{Duration, Instant},
};

use ::loom::thread;

use super::Worker;
use crate::{
    driver::{TimerKey, TimerState},
    sync::model::{Bell, bounded, model},
};

const HOUR: Duration = Duration::from_secs(3600);

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
    bounded(3, || {
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

/// Fires what is due, as the driver does.
fn fire(worker: &Worker) -> usize {
    let mut fired = Vec::new();
    worker.timers.advance(&mut fired);
    let count = fired.len();
    fired.into_iter().for_each(Waker::wake);
    count
}

fn inserted(worker: &Worker, deadline: Instant, waker: Waker) -> TimerKey {
    worker.timers.insert(deadline, waker).expect("the driver is not shut down").0
}

// Goal: a timer that is cancelled while it fires: its waker is woken or not, once at most, and let
// go of; it is gone either way, as is one that was far from due, and their neighbour fires.
#[test]
fn a_cancel_races_with_the_fire() {
    model(|| {
        let worker = Worker::new();
        let (bell, neighbour) = (Bell::new(), Bell::new());
        let key = inserted(&worker, Instant::now(), bell.waker());
        let due = inserted(&worker, Instant::now(), neighbour.waker());
        let far = inserted(&worker, Instant::now() + HOUR, bell.waker());
        let canceller = Arc::clone(&worker);
        let cancelling = thread::spawn(move || [key, far].map(|key| canceller.timers.remove(key)));
        let fired = fire(&worker);
        cancelling.join().expect("no panic");
        assert_eq!((bell.rings() + 1, neighbour.rings()), (fired, 1));
        assert_eq!((bell.wakers(1), worker.timers.pending()), (0, 0));
        let gone = [key, due].map(|key| !worker.timers.update(key, Waker::noop()));
        assert_eq!(gone, [true, true]);
    });
}

// Goal: who cancels a timer that has just fired does not cancel the one that got its place, nor is
// that one forgotten.
#[test]
fn a_late_cancel_spares_the_next_owner_of_the_place() {
    model(|| {
        let worker = Worker::new();
        let now = Instant::now();
        let old = inserted(&worker, now, Waker::noop().clone());
        let owner = Arc::clone(&worker);
        let owning = thread::spawn(move || {
            let new = inserted(&owner, now + HOUR, Waker::noop().clone());
            owner.timers.remove(old);
            owner.timers.remove(old);
            new
        });
        assert!(fire(&worker) <= 1);
        let new = owning.join().expect("no panic");
        assert_eq!(worker.timers.pending(), 1);
        assert!(worker.timers.update(new, Waker::noop()));
        assert!(worker.timers.until_next().is_some(), "the driver does not know of it");
    });
}

// Goal: a timer that is moved while it fires has fired or is pending, not both and not neither.
#[test]
fn a_move_races_with_the_fire() {
    model(|| {
        let worker = Worker::new();
        let now = Instant::now();
        let bell = Bell::new();
        let key = inserted(&worker, now, bell.waker());
        let mover = Arc::clone(&worker);
        let moving = thread::spawn(move || mover.timers.reset(key, now + HOUR));
        let fired = fire(&worker);
        let moved = moving.join().expect("no panic").is_some();
        let outcome = (fired, bell.rings(), worker.timers.pending(), bell.wakers(1));
        assert_eq!(outcome, if moved { (0, 0, 1, 1) } else { (1, 1, 0, 0) });
        assert_eq!(worker.timers.until_next().is_some(), moved);
    });
}

// T73. Goal: a timer that is cancelled, in whose stead a later one comes, which need not kick if
// the first one did: the driver waits for the second.
#[test]
fn t73_a_timer_in_the_stead_of_a_cancelled_one_counts() {
    bounded(4, || {
        let worker = Worker::new();
        let now = Instant::now();
        worker.insert_timer(now + 5 * HOUR);
        let other = Arc::clone(&worker);
        let inserting = thread::spawn(move || {
            let first = other.insert_timer(now + HOUR);
            other.timers.remove(first);
            other.insert_timer(now + 2 * HOUR);
        });
        wait_until_bounded(&worker, 2 * HOUR);
        inserting.join().expect("no panic");
        // Not by the first one's deadline, which has gone.
        assert!(worker.timers.until_next().is_some_and(|until| until > HOUR));
    });
}

// T79. Goal: who inserts a timer, or waits for one, while the driver shuts down is told.
#[test]
fn t79_shutting_races_with_an_insertion_and_a_wait() {
    model(|| {
        let worker = Worker::new();
        let bell = Bell::new();
        let waiter = Arc::clone(&worker);
        let waiting = {
            let bell = Arc::clone(&bell);
            thread::spawn(move || {
                let deadline = Instant::now() + HOUR;
                let Some((key, _)) = waiter.timers.insert(deadline, bell.waker()) else { return };
                let mut seen = 0;
                loop {
                    match waiter.timers.poll(key, &bell.waker(), &mut seen) {
                        TimerState::Shut => return,
                        TimerState::Fired => panic!("an hour has not passed"),
                        TimerState::Pending | TimerState::Unattended => bell.wait(),
                    }
                }
            })
        };
        worker.timers.shut().into_iter().for_each(Waker::wake);
        waiting.join().expect("no panic");
        assert_eq!((bell.wakers(1), worker.timers.pending()), (0, 0));
    });
}
