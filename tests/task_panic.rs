//! Panics in tasks: in a poll, in a drop, in a waker. Each arrives at the join handle, if at all,
//! and stops nobody else.
//!
//! Every test steps the runtime by `turn` and asserts every count after each step.

mod support;

use std::{
    future::pending,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use edgewake::{JoinError, Runtime};
use futures::FutureExt;

use crate::support::{Probe, message, quietly};

fn runtime() -> Runtime {
    Runtime::new().expect("a runtime")
}

fn turn(runtime: &Runtime) {
    runtime.turn().expect("a turn");
}

/// Panics when it is dropped, with this text.
struct Bad(&'static str);

impl Drop for Bad {
    fn drop(&mut self) {
        panic!("{}", self.0);
    }
}

#[track_caller]
fn panic_of<T: std::fmt::Debug>(outcome: Result<T, JoinError>) -> String {
    let error = outcome.expect_err("it panicked");
    assert!(error.is_panic() && !error.is_cancelled());
    message(&*error.try_into_panic().expect("a panic"))
}

// Goal: a panic in a poll drops the future once, arrives with its payload, and the others go on.
#[test]
fn a_panic_in_a_poll() {
    quietly("expected: poll", || {
        let (runtime, probe, other) = (runtime(), Probe::new(), Probe::new());
        let task = runtime.spawn(probe.future(|_| -> Poll<()> { panic!("expected: poll") }));
        let sibling = runtime.spawn(other.ready_after(0, false));
        turn(&runtime);
        probe.expect(1, 1, 0);
        other.expect(1, 1, 0);
        assert!(task.is_finished());
        probe.waker().wake();
        turn(&runtime);
        probe.expect(1, 1, 0);
        assert_eq!(panic_of(runtime.block_on(task)), "expected: poll");
        drop(sibling);
        other.expect(1, 1, 1);
    });
}

// Goal: a panic in a later poll, with a handle that waits, and with one that was dropped.
#[test]
fn a_panic_in_a_later_poll() {
    quietly("expected: later", || {
        for detached in [false, true] {
            let (runtime, probe) = (runtime(), Probe::new());
            let mut polls = 0;
            let mut task = Some(runtime.spawn(probe.future(move |_| -> Poll<()> {
                polls += 1;
                assert!(polls < 2, "expected: later");
                Poll::Pending
            })));
            turn(&runtime);
            probe.expect(1, 0, 0);
            if detached {
                task = None;
            }
            probe.waker().wake();
            turn(&runtime);
            probe.expect(2, 1, 0);
            if let Some(task) = task {
                assert_eq!(panic_of(runtime.block_on(task)), "expected: later");
            }
            assert_eq!(runtime.block_on(async { 1 }), 1);
        }
    });
}

// Goal: any payload goes through, and the error's texts say what happened.
#[test]
fn payloads_and_texts() {
    quietly("expected: text", || {
        let runtime = runtime();
        let numbered = runtime.spawn(async { std::panic::panic_any(7_u32) });
        let error = runtime.block_on(numbered).expect_err("it panicked");
        assert_eq!(error.to_string(), "the task panicked");
        let payload = error.try_into_panic().expect("a panic");
        assert_eq!(payload.downcast_ref::<u32>(), Some(&7));

        let texts = [
            runtime.spawn(async { panic!("expected: text") }),
            runtime.spawn(async { panic!("expected: text{}", std::hint::black_box("")) }),
        ];
        for task in texts {
            let error = runtime.block_on(task).expect_err("it panicked");
            assert_eq!(error.to_string(), "the task panicked: expected: text");
            assert!(format!("{error:?}").contains("expected: text"));
            let error = std::io::Error::from(error);
            assert_eq!(error.to_string(), "the task panicked: expected: text");
            assert!(error.get_ref().is_some_and(|inner| inner.is::<JoinError>()));
        }

        let aborted = runtime.spawn(pending::<()>());
        aborted.abort();
        let error = runtime.block_on(aborted).expect_err("it was aborted");
        assert_eq!(error.to_string(), "the task was cancelled");
        assert_eq!(format!("{error:?}"), "JoinError::Cancelled");
        let error = error.try_into_panic().expect_err("it did not panic");
        assert!(error.is_cancelled());
    });
}

// Goal: a future whose drop panics after it was ready: the handle gets the panic, the output is
// dropped once.
#[test]
fn a_panic_in_the_drop_of_a_ready_future() {
    quietly("expected: future", || {
        let (runtime, probe) = (runtime(), Probe::new());
        let bad = Bad("expected: future");
        let output = probe.clone();
        let task = runtime.spawn(probe.future(move |_| {
            let _captured = &bad;
            Poll::Ready(output.output())
        }));
        turn(&runtime);
        probe.expect(1, 1, 1);
        assert_eq!(panic_of(runtime.block_on(task)), "expected: future");
        probe.expect(1, 1, 1);
    });
}

// Goal: an output whose drop panics, wherever it is dropped, stops nobody; nor do a future and its
// output that both panic.
#[test]
fn a_panic_in_the_drop_of_an_output() {
    quietly("expected: output", || {
        let (runtime, probe) = (runtime(), Probe::new());
        let other = runtime.spawn(probe.ready_after(2, true));
        drop(runtime.spawn(async { Bad("expected: output") }));
        let kept = runtime.spawn(async { Bad("expected: output, with the handle") });
        let both = Bad("expected: output, before it its future");
        let both = runtime.spawn(async move {
            let output = Bad("expected: output");
            let _dropped_after = &both;
            output
        });
        turn(&runtime);
        assert!(kept.is_finished() && both.is_finished());
        drop(kept);
        drop(both);
        turn(&runtime);
        assert!(other.is_finished());
        probe.expect(3, 1, 0);
        drop(other);
        probe.expect(3, 1, 1);
    });
}

// T22. Goal: a join waker that panics leaves its task completed, and the runtime and the others
// as they were.
#[test]
fn t22_a_join_waker_that_panics() {
    struct BadWaker;
    impl Wake for BadWaker {
        fn wake(self: Arc<BadWaker>) {
            panic!("expected: waker");
        }
    }

    quietly("expected: waker", || {
        let (runtime, probe, other) = (runtime(), Probe::new(), Probe::new());
        let mut task = runtime.spawn(probe.ready_after(0, false));
        let sibling = runtime.spawn(other.ready_after(0, false));
        let waker = Waker::from(Arc::new(BadWaker));
        assert!(task.poll_unpin(&mut Context::from_waker(&waker)).is_pending());
        turn(&runtime);
        probe.expect(1, 1, 0);
        other.expect(1, 1, 0);
        drop(runtime.block_on(task).expect("it was ready"));
        probe.expect(1, 1, 1);
        drop(sibling);
        other.expect(1, 1, 1);
    });
}

// Goal: a waker whose clone panics inside the handle's poll unwinds to that poll alone; the task
// is done all the same and the handle can be polled again.
#[test]
fn a_join_waker_whose_clone_panics() {
    use std::task::{RawWaker, RawWakerVTable};

    const BAD_CLONE: &RawWakerVTable =
        &RawWakerVTable::new(|_| panic!("expected: clone"), |_| {}, |_| {}, |_| {});

    quietly("expected: clone", || {
        let (runtime, probe) = (runtime(), Probe::new());
        let mut task = runtime.spawn(probe.ready_after(0, false));
        // SAFETY: the functions touch no data and can be called from any thread.
        let waker = unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), BAD_CLONE)) };
        let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            task.poll_unpin(&mut Context::from_waker(&waker)).is_pending()
        }));
        assert_eq!(message(&*polled.expect_err("it goes through")), "expected: clone");
        turn(&runtime);
        probe.expect(1, 1, 0);
        drop(runtime.block_on(task).expect("it was ready"));
        probe.expect(1, 1, 1);
    });
}
