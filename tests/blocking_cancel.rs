//! Closures of the blocking pool that do not run to an output that somebody takes: aborted, left
//! behind, or queued when their runtime is dropped.

#[path = "support/pool.rs"]
mod pool;
mod support;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
    mpsc::channel,
};

use edgewake::Runtime;
use pool::{hold, runtime_of};

use crate::support::{PATIENCE, Probe, WakeCount, deadline, eventually, quietly};

/// A value whose drop panics.
struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("a panic of a drop");
    }
}

// T22. Goal: panics of what is dropped unseen, a result and a queued closure, harm nobody else.
#[test]
fn t22_panics_of_drops_are_isolated() {
    deadline(|| {
        quietly("a panic of a drop", || {
            let runtime = runtime_of(1);
            let held = hold(&runtime);
            let unseen = runtime.spawn_blocking(|| PanicsWhenDropped);
            drop(unseen);
            let bomb = PanicsWhenDropped;
            let aborted = runtime.spawn_blocking(move || drop(bomb));
            let bomb = PanicsWhenDropped;
            let never_run = runtime.spawn_blocking(move || drop(bomb));
            aborted.abort();
            assert!(runtime.block_on(aborted).expect_err("it was aborted").is_cancelled());
            held.finish(&runtime);
            // The thread that dropped the result goes on; this one blew up in its closure.
            assert!(runtime.block_on(never_run).expect_err("it panicked").is_panic());
            assert_eq!(runtime.block_on(runtime.spawn_blocking(|| 5)).expect("it ran"), 5);

            let held = hold(&runtime);
            let bomb = PanicsWhenDropped;
            let first = runtime.spawn_blocking(move || drop(bomb));
            let second = runtime.spawn_blocking(|| ());
            drop(runtime);
            for queued in [first, second] {
                let outcome = futures::executor::block_on(queued);
                assert!(outcome.expect_err("its runtime has gone").is_cancelled());
            }
            held.go_on.send(()).expect("it waits");
        });
    });
}

// Goal: a closure that has not started can be aborted: it is dropped there and then, never runs,
// and its waiter is woken.
#[test]
fn aborted_closures_are_dropped_before_they_start() {
    deadline(|| {
        let runtime = runtime_of(1);
        let held = hold(&runtime);
        let probe = Probe::new();
        let ran = Arc::new(AtomicUsize::new(0));
        let mut handles: Vec<_> = (0..10)
            .map(|_| {
                let (captured, ran) = (probe.output(), Arc::clone(&ran));
                runtime.spawn_blocking(move || {
                    ran.fetch_add(1, Ordering::SeqCst);
                    drop(captured);
                })
            })
            .collect();
        let count = WakeCount::new();
        for handle in &mut handles {
            assert!(count.poll(handle).is_pending());
        }
        // The first, the last, and one between.
        for (aborted, index) in [9, 0, 4].into_iter().enumerate() {
            handles[index].abort();
            assert_eq!(probe.seen().output_drops, aborted + 1);
            assert_eq!(count.wakes(), aborted + 1);
            assert!(handles[index].is_finished());
            handles[index].abort();
        }
        held.finish(&runtime);
        runtime.block_on(async {
            for (index, handle) in handles.into_iter().enumerate() {
                let outcome = handle.await;
                let is_aborted = [0, 4, 9].contains(&index);
                assert_eq!(outcome.is_err_and(|error| error.is_cancelled()), is_aborted);
            }
        });
        assert_eq!(ran.load(Ordering::SeqCst), 7);
        probe.expect(0, 0, 10);
    });
}

// Goal: a closure that runs is not aborted.
#[test]
fn running_closures_are_not_aborted() {
    deadline(|| {
        let runtime = runtime_of(1);
        let held = hold(&runtime);
        held.handle.abort();
        assert!(!held.handle.is_finished());
        held.finish(&runtime);
    });
}

// Goal: dropping a handle detaches: the closure runs, and its output is dropped, once; no waker of
// the dropped handle is kept.
#[test]
fn dropped_handles_detach() {
    deadline(|| {
        let runtime = runtime_of(1);
        let held = hold(&runtime);
        let (probe, count) = (Probe::new(), WakeCount::new());
        let output = probe.output();
        let mut handle = runtime.spawn_blocking(move || output);
        assert!(count.poll(&mut handle).is_pending());
        assert_eq!(count.alive(), 1);
        drop(handle);
        assert_eq!(count.alive(), 0);
        probe.expect(0, 0, 0);
        held.finish(&runtime);
        // Behind it in the queue.
        runtime.block_on(runtime.spawn_blocking(|| ())).expect("it ran");
        probe.expect(0, 0, 1);
        assert_eq!(count.wakes(), 0);
        // One that has finished already.
        let output = probe.output();
        let handle = runtime.spawn_blocking(move || output);
        eventually("it is finished", || handle.is_finished());
        probe.expect(0, 0, 1);
        drop(handle);
        probe.expect(0, 0, 2);
    });
}

// Goal: dropping the runtime drops what is queued, tells its waiters, and waits for nothing that
// runs; what runs ends by itself, and its output is dropped. Later closures are cancelled at once.
#[test]
fn dropped_runtimes_drop_what_is_queued() {
    deadline(|| {
        let runtime = runtime_of(1);
        let (probe, count) = (Probe::new(), WakeCount::new());
        let (go_on, wait) = channel::<()>();
        let (started, has_started) = channel();
        let output = probe.output();
        let mut running = runtime.spawn_blocking(move || {
            started.send(()).expect("the test waits");
            wait.recv_timeout(PATIENCE).expect("it is let go");
            output
        });
        let captured = probe.output();
        let mut queued = runtime.spawn_blocking(move || drop(captured));
        has_started.recv_timeout(PATIENCE).expect("it runs");
        assert!(count.poll(&mut queued).is_pending());
        assert!(count.poll(&mut running).is_pending());
        let handle = runtime.handle();
        drop(runtime);
        probe.expect(0, 0, 1);
        assert_eq!(count.wakes(), 1);
        let outcome = futures::executor::block_on(queued);
        assert!(outcome.expect_err("its runtime has gone").is_cancelled());
        let captured = probe.output();
        let late = handle.spawn_blocking(move || drop(captured));
        assert!(late.is_finished());
        probe.expect(0, 0, 2);
        assert!(futures::executor::block_on(late).expect_err("too late").is_cancelled());
        assert!(!running.is_finished());
        drop(running);
        go_on.send(()).expect("it waits");
        eventually("the output is dropped", || probe.seen().output_drops == 3);
    });
}

// Goal: a runtime that has gone takes no closure either if it never had one.
#[test]
fn a_dropped_runtime_starts_no_pool() {
    deadline(|| {
        let handle = Runtime::new().expect("a runtime").handle();
        for _ in 0..2 {
            let late = handle.spawn_blocking(|| ());
            assert!(late.is_finished());
            assert!(futures::executor::block_on(late).expect_err("too late").is_cancelled());
        }
    });
}
