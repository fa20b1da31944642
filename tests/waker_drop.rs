//! Task wakers: what keeps a task, what a waker still does when its task is done, and who frees it.
//!
//! That the memory is freed, once, is checked by running this under valgrind or a sanitizer; what
//! can be seen from here are the drops.

mod support;

use std::{
    sync::{Arc, Mutex, Weak},
    task::{Poll, Waker},
    thread,
};

use edgewake::Runtime;

use crate::support::{Probe, deadline};

fn runtime() -> Runtime {
    Runtime::new().expect("a runtime")
}

fn turn(runtime: &Runtime) {
    runtime.turn().expect("a turn");
}

// Goal: a task's wakers are equal for `will_wake`, and differ from those of another task.
#[test]
fn wakers_of_one_task_will_wake_the_same() {
    let (runtime, first, second) = (runtime(), Probe::new(), Probe::new());
    let tasks = [runtime.spawn(first.pending()), runtime.spawn(second.pending())];
    turn(&runtime);
    let waker = first.waker();
    first.waker().wake();
    turn(&runtime);
    first.expect(2, 0, 0);
    assert!(waker.will_wake(&first.waker()), "of an earlier poll");
    assert!(!waker.will_wake(&second.waker()));
    drop(tasks);
}

// Goal: dropping every waker of a waiting task neither wakes nor drops it: only its runtime does.
#[test]
fn a_task_without_wakers_stays_until_its_runtime_goes() {
    let (runtime, probe) = (runtime(), Probe::new());
    drop(runtime.spawn(probe.pending()));
    turn(&runtime);
    probe.drop_waker();
    turn(&runtime);
    probe.expect(1, 0, 0);
    drop(runtime);
    probe.expect(1, 1, 0);
}

// Goal: wakers outlive a completed task and do nothing, on any thread; the last of them may be
// dropped anywhere, with or without the handle.
#[test]
fn wakers_of_a_completed_task_do_nothing() {
    for detached in [false, true] {
        let (runtime, probe) = (runtime(), Probe::new());
        let mut task = Some(runtime.spawn(probe.ready_after(1, false)));
        turn(&runtime);
        probe.expect(1, 0, 0);
        if detached {
            task = None;
        }
        let waker = probe.waker();
        waker.wake_by_ref();
        turn(&runtime);
        let dropped = usize::from(detached);
        probe.expect(2, 1, dropped);
        let copies: Vec<Waker> = (0..4).map(|_| waker.clone()).collect();
        waker.wake();
        turn(&runtime);
        probe.expect(2, 1, dropped);
        probe.drop_waker();
        thread::spawn(move || copies.into_iter().for_each(Waker::wake)).join().expect("no panic");
        turn(&runtime);
        probe.expect(2, 1, dropped);
        drop(task);
        probe.expect(2, 1, 1);
    }
}

// Goal: a waker that outlives task, handle and runtime still does nothing, and frees them from
// another thread.
#[test]
fn a_waker_outlives_its_runtime() {
    let probe = Probe::new();
    let waker = {
        let runtime = runtime();
        let task = runtime.spawn(probe.pending());
        turn(&runtime);
        let waker = probe.waker();
        probe.drop_waker();
        drop((runtime, task));
        waker
    };
    probe.expect(1, 1, 0);
    thread::spawn(move || {
        waker.wake_by_ref();
        drop(waker.clone());
        waker.wake();
    })
    .join()
    .expect("no panic");
    probe.expect(1, 1, 0);
}

// T23. Goal: a future that keeps its own waker, in itself or in something it shares, does not keep
// itself alive past its completion, its abort or its runtime.
#[test]
fn t23_a_future_that_holds_its_own_waker_is_no_leak() {
    enum End {
        Completes,
        Aborted,
        WithRuntime,
    }
    for end in [End::Completes, End::Aborted, End::WithRuntime] {
        let runtime = runtime();
        let own: Arc<Mutex<Vec<Waker>>> = Arc::default();
        let kept: Weak<_> = Arc::downgrade(&own);
        let ready = matches!(end, End::Completes);
        let task = runtime.spawn(std::future::poll_fn(move |cx| {
            let mut own = own.lock().expect("no panic");
            own.push(cx.waker().clone());
            if ready && own.len() == 3 {
                return Poll::Ready(());
            }
            if own.len() < 3 {
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        }));
        turn(&runtime);
        turn(&runtime);
        assert_eq!(kept.upgrade().is_none(), ready);
        if let End::Aborted = end {
            task.abort();
            turn(&runtime);
            assert!(kept.upgrade().is_none());
        }
        drop(runtime);
        assert!(kept.upgrade().is_none());
        assert!(task.is_finished());
    }
}

// Goal: a poll that drops the last other reference to its own task (the handle, inside the future)
// goes on and ends well.
#[test]
fn a_task_may_drop_its_own_handle() {
    let (runtime, probe) = (runtime(), Probe::new());
    let own: Arc<Mutex<Option<edgewake::JoinHandle<_>>>> = Arc::default();
    let slot = Arc::clone(&own);
    let output = probe.clone();
    let task = runtime.spawn(probe.future(move |_| {
        drop(slot.lock().expect("no panic").take().expect("set below"));
        Poll::Ready(output.output())
    }));
    *own.lock().expect("no panic") = Some(task);
    turn(&runtime);
    probe.expect(1, 1, 1);
}

// Goal: wakers that are cloned, woken and dropped on many threads while the task runs and
// completes cost no wake-up and no double free.
#[test]
fn wakers_on_many_threads() {
    deadline(|| {
        let runtime = runtime();
        for _ in 0..20 {
            let (sender, wakers) = std::sync::mpsc::channel::<Waker>();
            let threads: Vec<_> = {
                let wakers = Arc::new(Mutex::new(wakers));
                let take = move || wakers.lock().expect("no panic").recv();
                (0..3)
                    .map(|_| {
                        let take = take.clone();
                        thread::spawn(move || {
                            while let Ok(waker) = take() {
                                let copy = waker.clone();
                                waker.wake_by_ref();
                                copy.wake();
                            }
                        })
                    })
                    .collect()
            };
            let mut left = 30;
            let task = runtime.spawn(std::future::poll_fn(move |cx| {
                if left == 0 {
                    return Poll::Ready(());
                }
                left -= 1;
                sender.send(cx.waker().clone()).expect("the threads listen");
                Poll::Pending
            }));
            runtime.block_on(task).expect("not cancelled");
            threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
        }
    });
}
