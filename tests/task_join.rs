//! Join handles: who gets the output, who is woken, who drops what, and where.
//!
//! Every test steps the runtime by `turn` and asserts every count after each step.

mod support;

use std::{
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    thread,
};

use edgewake::{Runtime, yield_now};
use futures::FutureExt;

use crate::support::{Probe, WakeCount, deadline, quietly};

fn runtime() -> Runtime {
    Runtime::new().expect("a runtime")
}

fn turn(runtime: &Runtime) {
    runtime.turn().expect("a turn");
}

// Goal: a handle that waits is woken once, at completion, and then has the output.
#[test]
fn a_waiting_handle_is_woken_once_by_completion() {
    let (runtime, probe, count) = (runtime(), Probe::new(), WakeCount::new());
    let mut task = runtime.spawn(probe.ready_after(1, false));
    assert!(count.poll(&mut task).is_pending());
    assert_eq!((count.wakes(), count.alive()), (0, 1));
    probe.expect(0, 0, 0);

    turn(&runtime);
    probe.expect(1, 0, 0);
    assert_eq!((count.wakes(), count.alive()), (0, 1));
    assert!(!task.is_finished());
    assert!(count.poll(&mut task).is_pending());
    assert_eq!(count.alive(), 1, "the same waker is not stored twice");

    probe.waker().wake();
    turn(&runtime);
    probe.expect(2, 1, 0);
    assert_eq!(count.wakes(), 1);
    assert!(task.is_finished());

    let Poll::Ready(output) = count.poll(&mut task) else { panic!("it is finished") };
    probe.expect(2, 1, 0);
    drop(output);
    probe.expect(2, 1, 1);
    drop(task);
    probe.expect(2, 1, 1);
    assert_eq!(count.wakes(), 1);
    probe.drop_waker();
    assert_eq!(count.alive(), 0, "the last reference frees the waker");
}

// Goal: a handle polled after completion has the output at once and stores no waker.
#[test]
fn a_late_handle_has_the_output_at_once() {
    let (runtime, probe, count) = (runtime(), Probe::new(), WakeCount::new());
    let mut task = runtime.spawn(probe.ready_after(0, false));
    turn(&runtime);
    probe.expect(1, 1, 0);
    assert!(count.poll(&mut task).is_ready());
    probe.expect(1, 1, 1);
    assert_eq!((count.wakes(), count.alive()), (0, 0));
}

// Goal: of several wakers the last one counts, and the others are dropped when they are replaced.
#[test]
fn the_last_waker_of_a_handle_counts() {
    let (runtime, probe) = (runtime(), Probe::new());
    let [first, second] = [WakeCount::new(), WakeCount::new()];
    let mut task = runtime.spawn(probe.ready_after(0, false));
    assert!(first.poll(&mut task).is_pending());
    assert!(second.poll(&mut task).is_pending());
    assert_eq!((first.alive(), second.alive()), (0, 1));
    turn(&runtime);
    assert_eq!((first.wakes(), second.wakes()), (0, 1));
    probe.expect(1, 1, 0);
    assert!(first.poll(&mut task).is_ready());
    probe.expect(1, 1, 1);
}

// Goal: a dropped handle detaches: the task runs on, its output is dropped on its thread at once,
// the stored waker is dropped with the handle and never woken.
#[test]
fn a_dropped_handle_detaches() {
    let (runtime, probe, count) = (runtime(), Probe::new(), WakeCount::new());
    drop(runtime.spawn(probe.ready_after(0, false)));
    probe.expect(0, 0, 0);
    turn(&runtime);
    probe.expect(1, 1, 1);

    let probe = Probe::new();
    let mut task = runtime.spawn(probe.ready_after(1, false));
    assert!(count.poll(&mut task).is_pending());
    turn(&runtime);
    drop(task);
    assert_eq!((count.wakes(), count.alive()), (0, 0));
    probe.expect(1, 0, 0);
    probe.waker().wake();
    turn(&runtime);
    probe.expect(2, 1, 1);
    assert_eq!(count.wakes(), 0);
}

// Goal: an output that nobody took is dropped with the handle, on the handle's thread.
#[test]
fn an_output_is_dropped_with_its_handle_where_that_is() {
    let (runtime, probe) = (runtime(), Probe::new());
    let task = runtime.spawn(probe.ready_after(0, false));
    turn(&runtime);
    probe.expect(1, 1, 0);
    let seen = probe.clone();
    let elsewhere = thread::spawn(move || {
        drop(task);
        seen.expect(1, 1, 1);
    });
    elsewhere.join().expect("no panic");
    probe.expect(1, 1, 1);
    assert_eq!(probe.dropped_on(), Some(thread::current().id()), "the future: here");
}

// Goal: a handle is woken by a task that is faster or slower than its poll, from another thread.
#[test]
fn handles_wait_on_another_thread() {
    deadline(|| {
        let runtime = runtime();
        let handle = runtime.handle();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let elsewhere = thread::spawn(move || {
            for number in 0..500 {
                let task = handle.spawn(async move {
                    if number % 2 == 0 {
                        yield_now().await;
                    }
                    Box::new(number)
                });
                if number % 5 == 0 {
                    drop(task);
                } else {
                    assert_eq!(*futures::executor::block_on(task).expect("an output"), number);
                }
            }
            stop.store(true, Ordering::SeqCst);
            drop(handle.spawn(async {}));
        });
        runtime.block_on(async {
            while !stopped.load(Ordering::SeqCst) {
                yield_now().await;
            }
        });
        elsewhere.join().expect("no panic");
    });
}

// Goal: tasks that are not Send give outputs that are not Send.
#[test]
fn local_tasks_have_local_outputs() {
    let runtime = runtime();
    let shared = Rc::new(5);
    let inner = Rc::clone(&shared);
    let task = runtime.spawn_local(async move { inner });
    let output = runtime.block_on(task).expect("not cancelled");
    assert!(Rc::ptr_eq(&shared, &output));
}

// Goal: a handle that is polled again after its output says so, and breaks nothing.
#[test]
fn polling_a_handle_again_panics_with_a_sentence() {
    quietly("polled again", || {
        let (runtime, probe) = (runtime(), Probe::new());
        let mut task = runtime.spawn(probe.ready_after(0, false));
        turn(&runtime);
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(task.poll_unpin(&mut cx).is_ready());
        let again = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            drop(task.poll_unpin(&mut Context::from_waker(std::task::Waker::noop())));
        }));
        assert!(support::message(&*again.expect_err("no second output")).contains("polled again"));
        probe.expect(1, 1, 1);
        assert!(task.is_finished());
    });
}

// Goal: a chain of tasks, each waiting for the next, ends from its far end.
#[test]
fn a_chain_of_handles_unwinds() {
    let runtime = runtime();
    let mut last = runtime.spawn(async {
        yield_now().await;
        0
    });
    for _ in 0..100 {
        last = runtime.spawn(async move { last.await.expect("not cancelled") + 1 });
    }
    assert_eq!(runtime.block_on(last).expect("not cancelled"), 100);
}
