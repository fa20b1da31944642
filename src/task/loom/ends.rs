//! Models of several ends of a task at once: a handle that aborts, asks and goes, wake-ups, and the
//! shutdown of the worker.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use ::loom::thread;

use super::{Fate, FatedOutput, Worker, fated};
use crate::{
    sync::{
        atomic::{AtomicBool, Ordering},
        model::{Bell, bounded, model},
    },
    task::{JoinError, JoinHandle, Local, Runnable},
};

type Outcome = Poll<Result<FatedOutput, JoinError>>;

fn ask(handle: &mut JoinHandle<FatedOutput>, bell: &Arc<Bell>) -> Outcome {
    Future::poll(Pin::new(handle), &mut Context::from_waker(&bell.waker()))
}

/// Waits until there is an outcome; whether there was an output.
fn join(handle: &mut JoinHandle<FatedOutput>, bell: &Arc<Bell>) -> bool {
    loop {
        match ask(handle, bell) {
            Poll::Ready(Ok(_)) => return true,
            Poll::Ready(Err(error)) => {
                assert!(error.is_cancelled(), "nothing has panicked");
                return false;
            }
            Poll::Pending => bell.wait(),
        }
    }
}

/// A task that was polled once and is done once `ready`.
fn waiting(
    worker: &Arc<Worker>,
    fate: &Arc<Fate>,
    ready: &Arc<AtomicBool>,
) -> JoinHandle<FatedOutput> {
    let ready = Arc::clone(ready);
    // Relaxed: the wake-up has to make it visible to the poll.
    let (task, handle) = worker.task(fated(fate, move || ready.load(Ordering::Relaxed)));
    task.run();
    handle
}

// Goal: a handle that aborts, asks and is dropped on one thread, while another wakes the task for
// its last poll: the future is dropped once, and the output, if there is one, once, by whoever has
// it; no waker and no block is left.
#[test]
fn abort_ask_and_drop_race_with_a_wake_and_a_poll() {
    bounded(3, || {
        let (worker, fate) = (Worker::new(), Arc::new(Fate::default()));
        let ready = Arc::new(AtomicBool::new(false));
        let mut handle = waiting(&worker, &fate, &ready);
        let waker = fate.take_waker();
        let ending = thread::spawn(move || {
            let bell = Bell::new();
            handle.abort();
            let asked = ask(&mut handle, &bell);
            drop((handle, asked));
            bell
        });
        let waking = thread::spawn(move || {
            // Relaxed: as in `waiting`.
            ready.store(true, Ordering::Relaxed);
            waker.wake();
        });
        worker.run_until(|| fate.drops() == 1);
        let bell = ending.join().expect("no panic");
        waking.join().expect("no panic");
        let polled = fate.polls();
        assert_eq!((fate.drops(), fate.output_drops()), (1, polled - 1));
        assert!(bell.rings() <= 1);
        drop(fate.waker.take());
        assert_eq!((worker.blocks(1), bell.wakers(1)), (0, 0));
    });
}

// Goal: the same where the handle was waiting, and its drop meets the completion that an abort on
// this thread has brought about.
#[test]
fn a_waiting_handle_goes_while_its_task_is_aborted() {
    model(|| {
        let (worker, fate) = (Worker::new(), Arc::new(Fate::default()));
        let mut handle = waiting(&worker, &fate, &Arc::new(AtomicBool::new(false)));
        drop(fate.take_waker());
        let bell = Bell::new();
        assert!(ask(&mut handle, &bell).is_pending());
        handle.abort();
        let dropping = thread::spawn(move || drop(handle));
        worker.run_until(|| fate.drops() == 1);
        dropping.join().expect("no panic");
        assert!(bell.rings() <= 1);
        assert_eq!((fate.polls(), worker.blocks(1), bell.wakers(1)), (1, 0, 0));
    });
}

// Goal: two aborts at once make one Runnable.
#[test]
fn two_aborts_and_a_wake_make_one_runnable() {
    model(|| {
        let (worker, fate) = (Worker::new(), Arc::new(Fate::default()));
        let handle = Arc::new(waiting(&worker, &fate, &Arc::new(AtomicBool::new(false))));
        let waker = fate.take_waker();
        let aborter = Arc::clone(&handle);
        let aborting = thread::spawn(move || {
            aborter.abort();
            aborter.abort();
        });
        handle.abort();
        waker.wake();
        worker.run_until(|| handle.is_finished());
        aborting.join().expect("no panic");
        assert_eq!(worker.inject.take().count(), 0, "one more was pushed");
        drop(handle);
        assert_eq!((fate.polls(), fate.drops(), worker.blocks(1)), (1, 1, 0));
    });
}

/// The worker takes a task in, polls it once, and shuts down; meanwhile `elsewhere` happens.
fn shut_down_beside(
    elsewhere: impl FnOnce(&mut JoinHandle<FatedOutput>) + Send + 'static,
) -> (Arc<Worker>, Arc<Fate>) {
    let (worker, fate) = (Worker::new(), Arc::new(Fate::default()));
    let identity = Arc::as_ptr(&worker).addr();
    let mut local = Local::new(identity);
    let before = local.install();
    let (task, mut handle) = worker.task(fated(&fate, || false));
    crate::task::push_new(identity, task);
    crate::task::pop().expect("pushed").run();
    drop(fate.take_waker());
    let other = thread::spawn(move || elsewhere(&mut handle));
    crate::task::cancel_all(worker.inject.close());
    local.uninstall(before);
    other.join().expect("no panic");
    assert_eq!(worker.inject.len(), 0, "it is closed, and nobody takes it out any more");
    (worker, fate)
}

// Goal: an abort from elsewhere while the worker cancels everything: the future is dropped once, on
// the worker's thread, and no Runnable is left behind.
#[test]
fn an_abort_races_with_the_shutdown() {
    model(|| {
        let (worker, fate) = shut_down_beside(|handle| handle.abort());
        assert_eq!((fate.polls(), fate.drops(), fate.output_drops()), (1, 1, 0));
        assert_eq!(worker.blocks(1), 0);
    });
}

// Goal: who waits elsewhere for a task of a worker that shuts down is told.
#[test]
fn joining_races_with_the_shutdown() {
    model(|| {
        let (worker, fate) = shut_down_beside(|handle| assert!(!join(handle, &Bell::new())));
        assert_eq!((fate.polls(), fate.drops(), worker.blocks(1)), (1, 1, 0));
    });
}

// Goal: a task that goes in while the worker closes is run, cancelled with the others, or refused;
// its handle learns of it, and its future is dropped once.
#[test]
fn a_new_task_races_with_the_shutdown() {
    model(|| {
        let (worker, fate) = (Worker::new(), Arc::new(Fate::default()));
        let mut local = Local::new(Arc::as_ptr(&worker).addr());
        let before = local.install();
        let pushing = {
            let (worker, fate) = (Arc::clone(&worker), Arc::clone(&fate));
            // Its home would be the worker's thread if it got there, so it does not ask.
            let (task, handle) = worker.task(DroppedAnywhere(fate));
            thread::spawn(move || {
                let refused: Option<Runnable> = worker.inject.push(task).err();
                refused.into_iter().for_each(crate::task::refuse);
                handle
            })
        };
        crate::task::cancel_all(worker.inject.close());
        local.uninstall(before);
        let handle = pushing.join().expect("no panic");
        assert!(handle.is_finished());
        drop(handle);
        assert_eq!((fate.polls(), fate.drops(), worker.blocks(1)), (0, 1, 0));
    });
}

/// A future of a task that may be refused, and is dropped where that happens.
struct DroppedAnywhere(Arc<Fate>);

impl Future for DroppedAnywhere {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        self.0.polls.count();
        Poll::Ready(())
    }
}

impl Drop for DroppedAnywhere {
    fn drop(&mut self) {
        self.0.drops.count();
    }
}
