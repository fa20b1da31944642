//! Models of the way in from other threads.

use std::sync::Arc;

use ::loom::thread;

use super::{Fate, Worker, fated};
use crate::{
    sync::{
        atomic::{AtomicBool, Ordering, fence},
        model::{Bell, model},
    },
    task::{Runnable, refuse},
};

/// A new task for each push, its handle dropped.
fn runnable(worker: &Arc<Worker>, fate: &Arc<Fate>) -> Runnable {
    worker.task(fated(fate, || true)).0
}

// Goal: two pushers, and a worker that takes twice and closes: each Runnable comes out once, or is
// given back to who pushed it.
#[test]
fn a_push_races_with_take_and_close() {
    model(|| {
        let (worker, fate) = (Worker::new(), Arc::new(Fate::default()));
        let pushing = [0, 1].map(|_| {
            let (worker, runnable) = (Arc::clone(&worker), runnable(&worker, &fate));
            thread::spawn(move || worker.inject.push(runnable).err())
        });
        let mut taken: Vec<Runnable> = worker.inject.take().collect();
        taken.extend(worker.inject.close());
        let refused = pushing.map(|pushing| pushing.join().expect("no panic"));
        let refused: Vec<Runnable> = refused.into_iter().flatten().collect();
        assert_eq!(taken.len() + refused.len(), 2);
        taken.into_iter().for_each(Runnable::run);
        // Their home is this thread, as it is of every future of these models.
        refused.into_iter().for_each(refuse);
        assert_eq!(fate.drops(), 2);
        assert_eq!(worker.inject.close().count(), 0);
        drop(fate.waker.take());
        assert_eq!(worker.blocks(1), 0);
    });
}

// Goal: the hint that saves the lock is never wrong for a worker that is about to wait. Method:
// the fences of the driver's flag, which both sides pass.
#[test]
fn a_worker_that_waits_has_been_told_of_every_push() {
    model(|| {
        let (worker, fate) = (Worker::new(), Arc::new(Fate::default()));
        let waits = Arc::new(AtomicBool::new(false));
        let kick = Bell::new();
        let pushing = {
            let (worker, waits, kick) =
                (Arc::clone(&worker), Arc::clone(&waits), Arc::clone(&kick));
            let runnable = runnable(&worker, &fate);
            thread::spawn(move || {
                assert!(worker.inject.push(runnable).is_ok());
                fence(Ordering::SeqCst);
                // Relaxed: ordered by the fence, which pairs with the worker's.
                if waits.load(Ordering::Relaxed) {
                    kick.ring();
                }
            })
        };
        let early: Vec<_> = worker.inject.take().collect();
        let mut count = early.len();
        early.into_iter().for_each(Runnable::run);
        // Relaxed: as above.
        waits.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if count == 0 && !worker.inject.is_occupied() {
            kick.wait();
        }
        let late: Vec<_> = worker.inject.take().collect();
        count += late.len();
        late.into_iter().for_each(Runnable::run);
        assert_eq!(count, 1);
        pushing.join().expect("no panic");
        drop(fate.waker.take());
        assert_eq!((fate.drops(), worker.blocks(1)), (1, 0));
    });
}

// Goal: a task that is woken from elsewhere while its worker closes and cancels everything is
// cancelled once, whether the wake-up came through or was refused.
#[test]
fn a_wake_races_with_the_shutdown() {
    model(|| {
        let (worker, fate) = (Worker::new(), Arc::new(Fate::default()));
        let identity = Arc::as_ptr(&worker).addr();
        let mut local = crate::task::Local::new(identity);
        let before = local.install();
        let (task, handle) = worker.task(fated(&fate, || false));
        crate::task::push_new(identity, task);
        crate::task::pop().expect("pushed").run();
        let waker = fate.take_waker();
        let waking = thread::spawn(move || waker.wake());
        let late = worker.inject.close();
        crate::task::cancel_all(late);
        assert!(handle.is_finished());
        local.uninstall(before);
        waking.join().expect("no panic");
        drop(handle);
        assert_eq!((fate.polls(), fate.drops()), (1, 1));
        assert_eq!(worker.blocks(1), 0);
    });
}
