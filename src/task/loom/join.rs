//! Models of the join handle against the completion of its task.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use ::loom::thread;

use super::{Fate, FatedOutput, Worker, fated};
use crate::{
    sync::model::{Bell, model},
    task::JoinHandle,
};

fn poll(
    handle: &mut JoinHandle<FatedOutput>,
    bell: &Arc<Bell>,
) -> Poll<Result<FatedOutput, crate::task::JoinError>> {
    Pin::new(handle).poll(&mut Context::from_waker(&bell.waker()))
}

/// Waits for the output.
fn join(mut handle: JoinHandle<FatedOutput>, bell: &Arc<Bell>) -> FatedOutput {
    loop {
        if let Poll::Ready(outcome) = poll(&mut handle, bell) {
            return outcome.expect("it was ready");
        }
        bell.wait();
    }
}

// Goal: a handle that is polled while its task completes has the output or is woken.
#[test]
fn a_poll_of_the_handle_races_with_completion() {
    model(|| {
        let (worker, fate) = (Worker::new(), Arc::new(Fate::default()));
        let (runnable, handle) = worker.task(fated(&fate, || true));
        let joining = thread::spawn(move || {
            let bell = Bell::new();
            drop(join(handle, &bell));
            assert!(bell.rings() <= 1);
            bell
        });
        runnable.run();
        drop(fate.take_waker());
        let bell = joining.join().expect("no panic");
        assert_eq!((fate.polls(), fate.drops(), fate.output_drops()), (1, 1, 1));
        assert_eq!((worker.blocks(1), bell.wakers(1)), (0, 0));
    });
}

// Goal: the same with a handle that has stored a waker before, and is polled again with it or with
// another one while its task completes: the last one counts.
#[test]
fn a_waker_of_the_handle_is_replaced_during_completion() {
    for same in [false, true] {
        model(move || {
            let (worker, fate) = (Worker::new(), Arc::new(Fate::default()));
            let (runnable, mut handle) = worker.task(fated(&fate, || true));
            let first = Bell::new();
            assert!(poll(&mut handle, &first).is_pending());
            let last = if same { Arc::clone(&first) } else { Bell::new() };
            let joining = thread::spawn(move || drop(join(handle, &last)));
            runnable.run();
            drop(fate.take_waker());
            joining.join().expect("no panic");
            assert_eq!((fate.drops(), fate.output_drops()), (1, 1));
            assert_eq!((worker.blocks(1), first.wakers(1)), (0, 0));
        });
    }
}

// Goal: a handle that is dropped while its task completes: one of the two drops the output, one
// the stored waker.
#[test]
fn a_drop_of_the_handle_races_with_completion() {
    for waits in [false, true] {
        model(move || {
            let (worker, fate) = (Worker::new(), Arc::new(Fate::default()));
            let (runnable, mut handle) = worker.task(fated(&fate, || true));
            let bell = Bell::new();
            if waits {
                assert!(poll(&mut handle, &bell).is_pending());
            }
            let dropping = thread::spawn(move || drop(handle));
            runnable.run();
            dropping.join().expect("no panic");
            assert_eq!((fate.drops(), fate.output_drops()), (1, 1), "before the block goes");
            drop(fate.take_waker());
            assert!(bell.rings() <= usize::from(waits));
            assert_eq!((worker.blocks(1), bell.wakers(1)), (0, 0));
        });
    }
}

// Goal: a task that is aborted while its handle is polled elsewhere: the handle has the output or
// learns that it was cancelled.
#[test]
fn a_poll_of_the_handle_races_with_an_abort() {
    model(|| {
        let (worker, fate) = (Worker::new(), Arc::new(Fate::default()));
        let (runnable, mut handle) = worker.task(fated(&fate, || false));
        runnable.run();
        drop(fate.take_waker());
        let joining = thread::spawn(move || {
            let bell = Bell::new();
            handle.abort();
            loop {
                match poll(&mut handle, &bell) {
                    Poll::Ready(outcome) => {
                        return assert!(outcome.is_err_and(|error| error.is_cancelled()));
                    }
                    Poll::Pending => bell.wait(),
                }
            }
        });
        worker.run_until(|| fate.drops() == 1);
        joining.join().expect("no panic");
        assert_eq!((fate.polls(), fate.output_drops()), (1, 0));
        assert_eq!(worker.blocks(1), 0);
    });
}

// Goal: one task's handle is what another task waits with: the completion of the first schedules
// the second, while a third thread drops a waker of it.
#[test]
fn a_task_joins_another_one() {
    model(|| {
        let (worker, inner, outer) = (Worker::new(), Arc::default(), Arc::<Fate>::default());
        let (first, mut waits_for) = worker.task(fated(&inner, || true));
        let waiter = Arc::clone(&outer);
        let (second, handle) = worker.task(std::future::poll_fn(move |cx| {
            drop(waiter.waker.replace(cx.waker().clone()));
            Pin::new(&mut waits_for).poll(cx).map(drop)
        }));
        second.run();
        let waker = outer.take_waker();
        let dropping = thread::spawn(move || drop(waker));
        first.run();
        worker.run_until(|| handle.is_finished());
        dropping.join().expect("no panic");
        drop((handle, inner.take_waker(), outer.take_waker()));
        assert_eq!((inner.drops(), inner.output_drops()), (1, 1));
        assert_eq!(worker.blocks(1), 0);
    });
}
