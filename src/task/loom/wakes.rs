//! Models of wake-ups and aborts against polls, and of the last reference.

use std::sync::Arc;

use ::loom::thread;

use super::{Fate, Worker, fated};
use crate::sync::{
    atomic::{AtomicUsize, Ordering},
    model::{bounded, model},
};

/// A worker with a task that waits, polled once, for `signals` to reach a number.
fn waiting_task(
    worker: &Arc<Worker>,
    fate: &Arc<Fate>,
    signals: &Arc<AtomicUsize>,
    enough: usize,
) -> crate::task::JoinHandle<super::FatedOutput> {
    let signals = Arc::clone(signals);
    // Relaxed: the wake-up has to make the signal visible to the poll.
    let future = fated(fate, move || signals.load(Ordering::Relaxed) >= enough);
    let (runnable, handle) = worker.task(future);
    runnable.run();
    assert_eq!(fate.polls(), 1);
    handle
}

fn signal(signals: &AtomicUsize, waker: std::task::Waker) {
    // Relaxed: see `waiting_task`.
    signals.fetch_add(1, Ordering::Relaxed);
    waker.wake();
}

// Goal: a wake-up from another thread is followed by a poll that sees what came before it, and the
// block is freed by whoever is last.
#[test]
fn a_wake_is_followed_by_a_poll() {
    model(|| {
        let (worker, fate) = (Worker::new(), Arc::new(Fate::default()));
        let signals = Arc::new(AtomicUsize::new(0));
        let handle = waiting_task(&worker, &fate, &signals, 1);
        let waker = fate.take_waker();
        let waking = thread::spawn(move || signal(&signals, waker));
        worker.run_until(|| handle.is_finished());
        waking.join().expect("no panic");
        drop((handle, fate.take_waker()));
        assert_eq!((fate.polls(), fate.drops(), fate.output_drops()), (2, 1, 1));
        assert_eq!(worker.blocks(1), 0);
    });
}

// Goal: two wake-ups at once, also while the first is being answered, make one Runnable at a time,
// and the last poll sees both.
#[test]
fn two_wakes_race_with_polls() {
    bounded(2, || {
        let (worker, fate) = (Worker::new(), Arc::new(Fate::default()));
        let signals = Arc::new(AtomicUsize::new(0));
        let handle = waiting_task(&worker, &fate, &signals, 2);
        let waker = fate.take_waker();
        let waking = [waker.clone(), waker].map(|waker| {
            let signals = Arc::clone(&signals);
            thread::spawn(move || signal(&signals, waker))
        });
        worker.run_until(|| handle.is_finished());
        for waking in waking {
            waking.join().expect("no panic");
        }
        assert!((2..=3).contains(&fate.polls()));
        drop((handle, fate.take_waker()));
        assert_eq!((fate.drops(), fate.output_drops()), (1, 1));
        assert_eq!(worker.blocks(1), 0);
    });
}

// Goal: two wake-ups of one thread, each of which may come during a poll.
#[test]
fn wakes_in_a_row_race_with_polls() {
    bounded(4, || {
        let (worker, fate) = (Worker::new(), Arc::new(Fate::default()));
        let signals = Arc::new(AtomicUsize::new(0));
        let handle = waiting_task(&worker, &fate, &signals, 2);
        let waker = fate.take_waker();
        let waking = thread::spawn(move || {
            signal(&signals, waker.clone());
            signal(&signals, waker);
        });
        worker.run_until(|| handle.is_finished());
        waking.join().expect("no panic");
        drop((handle, fate.take_waker()));
        assert_eq!((fate.drops(), fate.output_drops()), (1, 1));
        assert_eq!(worker.blocks(1), 0);
    });
}

// Goal: an abort from another thread ends a task that waits, on the worker.
#[test]
fn an_abort_ends_a_waiting_task() {
    model(|| {
        let (worker, fate) = (Worker::new(), Arc::new(Fate::default()));
        let signals = Arc::new(AtomicUsize::new(0));
        let handle = Arc::new(waiting_task(&worker, &fate, &signals, 1));
        let aborter = Arc::clone(&handle);
        let aborting = thread::spawn(move || aborter.abort());
        worker.run_until(|| handle.is_finished());
        aborting.join().expect("no panic");
        assert_eq!((fate.polls(), fate.drops(), fate.output_drops()), (1, 1, 0));
        drop((handle, fate.take_waker()));
        assert_eq!(worker.blocks(1), 0);
    });
}

// Goal: an abort and a wake-up that make the task ready race with the poll: it ends in one of the
// two ways, once.
#[test]
fn an_abort_races_with_a_wake_and_a_poll() {
    bounded(2, || {
        let (worker, fate) = (Worker::new(), Arc::new(Fate::default()));
        let signals = Arc::new(AtomicUsize::new(0));
        let handle = Arc::new(waiting_task(&worker, &fate, &signals, 1));
        let waker = fate.take_waker();
        let aborter = Arc::clone(&handle);
        let others = [
            thread::spawn(move || aborter.abort()),
            thread::spawn(move || signal(&signals, waker)),
        ];
        worker.run_until(|| handle.is_finished());
        for other in others {
            other.join().expect("no panic");
        }
        drop(handle);
        let polled = fate.polls();
        assert_eq!((fate.drops(), fate.output_drops()), (1, polled - 1));
        if polled == 2 {
            drop(fate.take_waker());
        }
        assert_eq!(worker.blocks(1), 0);
    });
}

// Goal: the last references, a waker and the handle, are dropped on two other threads while the
// task completes on its own: the block is freed once.
#[test]
fn the_last_references_go_on_other_threads() {
    bounded(2, || {
        let (worker, fate) = (Worker::new(), Arc::new(Fate::default()));
        let (runnable, handle) = worker.task(fated(&fate, || true));
        let copy = Arc::new(Fate::default());
        let (waited_for, other_handle) = worker.task(fated(&copy, || false));
        waited_for.run();
        let waker = copy.take_waker();
        let others = [
            thread::spawn(move || drop(handle)),
            thread::spawn(move || drop((waker.clone(), waker))),
        ];
        other_handle.abort();
        drop(other_handle);
        runnable.run();
        worker.run_until(|| copy.drops() == 1);
        drop(fate.take_waker());
        for other in others {
            other.join().expect("no panic");
        }
        assert_eq!((fate.drops(), fate.output_drops()), (1, 1));
        assert_eq!(worker.blocks(1), 0);
    });
}

// Goal: a waker that is cloned, woken and dropped elsewhere while its task completes does nothing
// worse than that.
#[test]
fn a_wake_races_with_completion() {
    model(|| {
        let (worker, fate) = (Worker::new(), Arc::new(Fate::default()));
        let signals = Arc::new(AtomicUsize::new(0));
        let handle = waiting_task(&worker, &fate, &signals, 1);
        let waker = fate.take_waker();
        let late = waker.clone();
        signal(&signals, waker);
        let waking = thread::spawn(move || {
            late.wake_by_ref();
            drop(late.clone());
            late.wake();
        });
        worker.run_until(|| handle.is_finished());
        drop((handle, fate.take_waker()));
        waking.join().expect("no panic");
        assert_eq!((fate.drops(), fate.output_drops()), (1, 1));
        // A wake-up after the last poll leaves nothing in the queue.
        assert_eq!(worker.inject.take().count(), 0);
        assert_eq!(worker.blocks(1), 0);
    });
}
