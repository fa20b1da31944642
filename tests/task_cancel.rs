//! Aborting tasks: when and where the future is dropped, and what the handle says.
//!
//! Every test steps the runtime by `turn` and asserts every count after each step.

mod support;

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    thread,
};

use edgewake::{JoinHandle, Runtime, yield_now};

use crate::support::{Probe, WakeCount, deadline, message, quietly};

fn runtime() -> Runtime {
    Runtime::new().expect("a runtime")
}

fn turn(runtime: &Runtime) {
    runtime.turn().expect("a turn");
}

#[track_caller]
fn assert_cancelled<T: std::fmt::Debug>(task: &mut JoinHandle<T>) {
    match WakeCount::new().poll(task) {
        Poll::Ready(Err(error)) => assert!(error.is_cancelled() && !error.is_panic()),
        other => panic!("it should be cancelled, not {other:?}"),
    }
}

// Goal: a task aborted before its first poll is never polled. Its future goes in the next turn,
// not inside `abort`.
#[test]
fn abort_before_the_first_poll() {
    let (runtime, probe, count) = (runtime(), Probe::new(), WakeCount::new());
    let mut task = runtime.spawn(probe.ready_after(0, false));
    assert!(count.poll(&mut task).is_pending());
    task.abort();
    probe.expect(0, 0, 0);
    assert!(!task.is_finished());
    turn(&runtime);
    probe.expect(0, 1, 0);
    assert!(task.is_finished());
    assert_eq!(count.wakes(), 1);
    assert_cancelled(&mut task);
}

// Goal: a waiting task is scheduled by its abort, and its wakers do nothing afterwards.
#[test]
fn abort_of_a_waiting_task() {
    let (runtime, probe) = (runtime(), Probe::new());
    let mut task = runtime.spawn(probe.pending());
    turn(&runtime);
    probe.expect(1, 0, 0);
    task.abort();
    task.abort();
    probe.waker().wake();
    probe.expect(1, 0, 0);
    turn(&runtime);
    probe.expect(1, 1, 0);
    probe.waker().wake();
    turn(&runtime);
    probe.expect(1, 1, 0);
    assert_cancelled(&mut task);
    task.abort();
    turn(&runtime);
    probe.expect(1, 1, 0);
}

// Goal: an abort that comes with a wake-up already pending drops the future instead of polling it.
#[test]
fn abort_of_a_scheduled_task() {
    let (runtime, probe) = (runtime(), Probe::new());
    let mut task = runtime.spawn(probe.ready_after(1, false));
    turn(&runtime);
    probe.waker().wake();
    task.abort();
    turn(&runtime);
    probe.expect(1, 1, 0);
    assert_cancelled(&mut task);
}

// Goal: an aborted task is dropped on its own thread, wherever the abort comes from, also while
// the runtime is parked, and before another thread's `await` of the handle returns.
#[test]
fn abort_from_another_thread() {
    deadline(|| {
        let (runtime, probe) = (runtime(), Probe::new());
        let task = runtime.spawn(probe.pending());
        let seen = probe.clone();
        let (done, wait) = futures::channel::oneshot::channel();
        turn(&runtime);
        let elsewhere = thread::spawn(move || {
            task.abort();
            let error = futures::executor::block_on(task).expect_err("it was aborted");
            seen.expect(1, 1, 0);
            done.send(error.is_cancelled()).expect("the root listens");
        });
        assert!(runtime.block_on(wait).expect("sent"));
        elsewhere.join().expect("no panic");
        probe.expect(1, 1, 0);
        assert_eq!(probe.dropped_on(), Some(thread::current().id()));
    });
}

// Goal: a task that aborts itself is dropped after that poll if it was pending, and has its output
// if it was not.
#[test]
fn abort_from_inside() {
    for ready in [false, true] {
        let (runtime, probe) = (runtime(), Probe::new());
        let own: Arc<Mutex<Option<JoinHandle<_>>>> = Arc::default();
        let (slot, output) = (Arc::clone(&own), probe.clone());
        let task = runtime.spawn(probe.future(move |_| {
            slot.lock().expect("no panic").as_ref().expect("set below").abort();
            if ready { Poll::Ready(output.output()) } else { Poll::Pending }
        }));
        *own.lock().expect("no panic") = Some(task);
        turn(&runtime);
        probe.expect(1, 1, 0);
        let mut task = own.lock().expect("no panic").take().expect("set above");
        if ready {
            assert!(matches!(WakeCount::new().poll(&mut task), Poll::Ready(Ok(_))));
            probe.expect(1, 1, 1);
        } else {
            assert_cancelled(&mut task);
            probe.expect(1, 1, 0);
        }
    }
}

// Goal: an abort after completion takes nothing away.
#[test]
fn abort_after_completion() {
    let (runtime, probe) = (runtime(), Probe::new());
    let mut task = runtime.spawn(probe.ready_after(0, false));
    turn(&runtime);
    task.abort();
    turn(&runtime);
    probe.expect(1, 1, 0);
    assert!(matches!(WakeCount::new().poll(&mut task), Poll::Ready(Ok(_))));
    probe.expect(1, 1, 1);
}

// Goal: a handle that aborts and is dropped leaves no trace of the task.
#[test]
fn abort_and_drop() {
    let (runtime, probe) = (runtime(), Probe::new());
    let task = runtime.spawn(probe.pending());
    turn(&runtime);
    task.abort();
    drop(task);
    probe.expect(1, 0, 0);
    turn(&runtime);
    probe.expect(1, 1, 0);
}

// Goal: the drop of an aborted future may use its runtime: spawn, wake, abort others, await
// nothing.
#[test]
fn the_drop_of_an_aborted_future_may_use_the_runtime() {
    struct Busy {
        other: JoinHandle<()>,
        probe: Probe,
    }
    impl Drop for Busy {
        fn drop(&mut self) {
            self.other.abort();
            self.probe.waker().wake();
            drop(edgewake::spawn(self.probe.ready_after(0, false)));
        }
    }

    let (runtime, probe, other) = (runtime(), Probe::new(), Probe::new());
    let aborted = runtime.spawn(other.pending());
    let waiting = runtime.spawn(probe.ready_after(1, false));
    turn(&runtime);
    let busy = Busy { other: aborted, probe: probe.clone() };
    let task = runtime.spawn(async move {
        let _busy = busy;
        pending::<()>().await;
    });
    turn(&runtime);
    probe.expect(1, 0, 0);
    task.abort();
    turn(&runtime);
    turn(&runtime);
    other.expect(1, 1, 0);
    // The one that waited has its output in its handle; the one spawned late dropped its own.
    probe.expect(3, 2, 1);
    drop(waiting);
    probe.expect(3, 2, 2);
}

// Goal: a panic in the drop of an aborted future arrives at the handle.
#[test]
fn a_panic_in_the_drop_of_an_aborted_future() {
    struct Bad;
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("dropped badly");
        }
    }

    quietly("dropped badly", || {
        let runtime = runtime();
        let bad = Bad;
        let task = runtime.spawn(async move {
            let _bad = bad;
            pending::<()>().await;
        });
        turn(&runtime);
        task.abort();
        let error = runtime.block_on(task).expect_err("it was aborted");
        assert!(error.is_panic() && !error.is_cancelled());
        assert_eq!(message(&*error.try_into_panic().expect("a panic")), "dropped badly");
        assert_eq!(runtime.block_on(async { 1 }), 1);
    });
}

// Goal: aborts and completions that race give one of the two outcomes and drop the future once.
#[test]
fn aborts_race_with_completion() {
    deadline(|| {
        let runtime = runtime();
        let handle = runtime.handle();
        let drops = Arc::new(AtomicUsize::new(0));
        let (done, wait) = futures::channel::oneshot::channel();
        struct CountsDrop(Arc<AtomicUsize>);
        impl Drop for CountsDrop {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        let counted = Arc::clone(&drops);
        let elsewhere = thread::spawn(move || {
            for number in 0..500 {
                let owned = CountsDrop(Arc::clone(&counted));
                let task = handle.spawn(async move {
                    let _owned = owned;
                    for _ in 0..number % 4 {
                        yield_now().await;
                    }
                    number
                });
                if number % 3 == 0 {
                    thread::yield_now();
                }
                task.abort();
                match futures::executor::block_on(task) {
                    Ok(output) => assert_eq!(output, number),
                    Err(error) => assert!(error.is_cancelled()),
                }
                assert_eq!(counted.load(Ordering::SeqCst), number + 1);
            }
            done.send(()).expect("the root listens");
        });
        runtime.block_on(wait).expect("sent");
        elsewhere.join().expect("no panic");
        assert_eq!(drops.load(Ordering::SeqCst), 500);
    });
}

// Goal: dropping a future that awaits a handle (by reference) loses nothing: the handle still has
// the output.
#[test]
fn a_dropped_await_of_a_handle_loses_nothing() {
    let runtime = runtime();
    let (open, gate) = futures::channel::oneshot::channel();
    let mut task = runtime.spawn(gate);
    let output = runtime.block_on(async {
        let first = futures::future::select(&mut task, yield_now()).await;
        assert!(matches!(first, futures::future::Either::Right(_)), "the gate is closed");
        drop(first);
        open.send(3).expect("the task listens");
        task.await
    });
    assert_eq!(output.expect("not cancelled"), Ok(3));
}
