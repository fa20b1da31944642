//! The current-thread runtime: `block_on`, handles, shutdown, fairness, panics.

mod support;

use std::{
    cell::{Cell, RefCell},
    future::{pending, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::{Poll, Waker},
    thread,
    time::Duration,
};

use edgewake::{Builder, Handle, JoinError, JoinHandle, Readiness, Runtime, YieldNow, yield_now};
use futures::channel::oneshot;

use crate::support::{
    Probe, WakeCount, assert_debug, assert_error, assert_send, assert_sync, assert_unpin, deadline,
    message, quietly,
};

fn runtime() -> Runtime {
    Runtime::new().expect("a runtime")
}

// Goal: what crosses threads can, and what must not is documented (`Runtime` is `!Send`).
#[test]
fn handles_and_outcomes_cross_threads() {
    assert_send::<Handle>();
    assert_sync::<Handle>();
    assert_send::<JoinHandle<Cell<u8>>>();
    assert_sync::<JoinHandle<Cell<u8>>>();
    assert_unpin::<JoinHandle<std::marker::PhantomPinned>>();
    assert_send::<JoinError>();
    assert_sync::<JoinError>();
    assert_error::<JoinError>();
    assert_send::<YieldNow>();
    assert_send::<Builder>();
    assert_send::<Readiness>();
    assert_debug::<Runtime>();
    assert_debug::<Handle>();
    assert_debug::<JoinHandle<()>>();
}

// Goal: the future runs on the calling thread, may borrow from it, and need not be Send.
#[test]
fn block_on_runs_a_borrowing_future_on_this_thread() {
    let runtime = runtime();
    let count = Rc::new(Cell::new(0));
    let borrowed = &count;
    let id = thread::current().id();
    let ran_on = runtime.block_on(async {
        borrowed.set(borrowed.get() + 1);
        yield_now().await;
        borrowed.set(borrowed.get() + 1);
        thread::current().id()
    });
    assert_eq!((count.get(), ran_on), (2, id));
    assert_eq!(runtime.block_on(async { 5 }), 5, "it can be called again");
}

// Goal: tasks that are unfinished when `block_on` returns go on in the next one.
#[test]
fn tasks_go_on_in_the_next_block_on() {
    let runtime = runtime();
    let probe = Probe::new();
    let task = runtime.spawn_local(probe.ready_after(1, false));
    runtime.block_on(yield_now());
    probe.expect(1, 0, 0);
    assert!(!task.is_finished());
    probe.waker().wake();
    drop(runtime.block_on(task).expect("it was not cancelled"));
    probe.expect(2, 1, 1);
}

// T77. Goal: a nested `block_on` panics with a sentence that says what to do, also for another
// runtime and from inside `turn`; the outer runtime goes on.
#[test]
fn t77_nested_block_on_panics_and_leaves_the_runtime_usable() {
    deadline(|| {
        quietly("called inside a runtime", || {
            let outer = Rc::new(runtime());
            let inner = Rc::clone(&outer);
            outer.block_on(async {
                let nested = [
                    catch_unwind(AssertUnwindSafe(|| inner.block_on(async {}))),
                    catch_unwind(AssertUnwindSafe(|| runtime().block_on(async {}))),
                    catch_unwind(AssertUnwindSafe(|| inner.turn().map(drop).expect("a turn"))),
                ];
                for outcome in nested {
                    let panic = outcome.expect_err("it must not block inside a runtime");
                    assert!(message(&*panic).contains("Await the future, or spawn it"));
                }
                // The context is still the outer one.
                assert_eq!(edgewake::spawn(async { 3 }).await.expect("not cancelled"), 3);
            });
            let task = outer.spawn_local(async move { inner.block_on(async {}) });
            let error = outer.block_on(task).expect_err("it panics in a task, too");
            assert!(error.is_panic());
            assert_eq!(outer.block_on(async { 4 }), 4);
        });
    });
}

// Goal: a panic of `block_on`'s future goes through, drops the future inside the runtime, and
// leaves the runtime and its tasks as they were.
#[test]
fn a_panic_of_the_root_future_leaves_the_runtime_usable() {
    quietly("root goes down", || {
        struct SpawnsOnDrop(Rc<RefCell<Option<JoinHandle<u8>>>>);
        impl Drop for SpawnsOnDrop {
            fn drop(&mut self) {
                *self.0.borrow_mut() = Some(edgewake::spawn(async { 9 }));
            }
        }

        let runtime = runtime();
        let last_words = Rc::new(RefCell::new(None));
        let guard = SpawnsOnDrop(Rc::clone(&last_words));
        let task = runtime.spawn(async {
            yield_now().await;
            8
        });
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            runtime.block_on(async move {
                let _guard = guard;
                yield_now().await;
                panic!("root goes down");
            })
        }));
        assert_eq!(message(&*outcome.expect_err("it goes through")), "root goes down");
        assert!(Handle::try_current().is_none(), "no runtime is current any more");
        assert_eq!(runtime.block_on(task).expect("not cancelled"), 8);
        let spawned = last_words.borrow_mut().take().expect("the guard dropped");
        assert_eq!(runtime.block_on(spawned).expect("not cancelled"), 9);
    });
}

// T77. Goal: a runtime dropped inside a task of another one drops its tasks there, and the outer
// one goes on, its context and its queue as they were.
#[test]
fn t77_a_runtime_dropped_inside_another_ones_task() {
    deadline(|| {
        let outer = runtime();
        let probe = Probe::new();
        let seen = probe.clone();
        let values = outer.block_on(async move {
            let before = edgewake::spawn(async { 1 });
            let inner = runtime();
            let stuck = inner.spawn(seen.pending());
            drop(inner);
            assert!(stuck.await.expect_err("its runtime is gone").is_cancelled());
            let after = edgewake::spawn(async { 2 });
            (before.await.expect("not cancelled"), after.await.expect("not cancelled"))
        });
        assert_eq!(values, (1, 2));
        probe.expect(0, 1, 0);
        assert_eq!(probe.dropped_on(), Some(thread::current().id()));
    });
}

// Goal: dropping the runtime drops every future (never polled, pending, woken, not Send) on its
// own thread, inside its own context, and a panic of one does not spare the others. The handles
// learn of it.
#[test]
fn dropping_the_runtime_drops_every_future_on_its_thread() {
    struct SpawnsOnDrop(mpsc::Sender<JoinHandle<u8>>);
    impl Drop for SpawnsOnDrop {
        fn drop(&mut self) {
            self.0.send(edgewake::spawn(async { 1 })).expect("the test listens");
        }
    }
    struct PanicsOnDrop;
    impl Drop for PanicsOnDrop {
        fn drop(&mut self) {
            panic!("a future's drop goes down");
        }
    }

    quietly("a future's drop goes down", || {
        let runtime = runtime();
        let probes: [Probe; 4] = Default::default();
        let [unpolled, waiting, woken, injected] = &probes;
        let (sender, late) = mpsc::channel();

        let waiting_task = runtime.spawn(waiting.pending());
        let woken_task = runtime.spawn(woken.pending());
        let not_send = Rc::new(());
        let kept = Rc::downgrade(&not_send);
        let guard = SpawnsOnDrop(sender);
        let local_task = runtime.spawn_local(async move {
            let _owned = (not_send, guard);
            pending::<()>().await;
        });
        let bad = PanicsOnDrop;
        let panicking_task = runtime.spawn(async move {
            let _owned = bad;
            pending::<()>().await;
        });
        runtime.block_on(yield_now());
        let unpolled_task = runtime.spawn(unpolled.pending());
        let from_elsewhere = {
            let (handle, injected) = (runtime.handle(), injected.clone());
            thread::spawn(move || handle.spawn(injected.pending())).join().expect("it spawns")
        };
        woken.waker().wake();
        assert!(kept.upgrade().is_some());
        drop(runtime);

        let here = Some(thread::current().id());
        for (probe, polls) in [(unpolled, 0), (waiting, 1), (woken, 1), (injected, 0)] {
            probe.expect(polls, 1, 0);
            assert_eq!(probe.dropped_on(), here);
        }
        assert!(kept.upgrade().is_none());
        for task in [unpolled_task, waiting_task, woken_task, from_elsewhere, local_task] {
            let error = futures::executor::block_on(task).expect_err("its runtime is gone");
            assert!(error.is_cancelled());
        }
        let error = futures::executor::block_on(panicking_task).expect_err("it panicked");
        let panic = error.try_into_panic().expect("a panic");
        assert_eq!(message(&*panic), "a future's drop goes down");
        let late = late.recv().expect("the guard was dropped");
        assert!(futures::executor::block_on(late).expect_err("too late").is_cancelled());
    });
}

// Goal: a handle that outlives its runtime spawns tasks that end at once, cancelled, their future
// dropped where it was offered.
#[test]
fn spawning_after_the_runtime_is_gone_is_cancelled_at_once() {
    deadline(|| {
        let runtime = runtime();
        let handle = runtime.handle();
        drop(runtime);
        let probe = Probe::new();
        let future = probe.pending();
        let offered = thread::spawn(move || {
            let task = handle.spawn(future);
            assert!(task.is_finished());
            (task, thread::current().id())
        });
        let (task, offerer) = offered.join().expect("it does not panic");
        probe.expect(0, 1, 0);
        assert_eq!(probe.dropped_on(), Some(offerer));
        assert!(futures::executor::block_on(task).expect_err("no runtime").is_cancelled());
    });
}

// T23. Goal: nothing is left after a shutdown: the futures' captures, the outputs, the tasks'
// wakers, and through them the runtime itself. Counted by `Arc`s, with wakers kept in both
// directions.
#[test]
fn t23_nothing_outlives_the_runtime_but_what_the_test_holds() {
    deadline(|| {
        let runtime = runtime();
        let captured = Arc::new(());
        let probe = Probe::new();
        for task in 0..100 {
            let (owned, observed) = (Arc::clone(&captured), Arc::downgrade(&captured));
            let (waits, wakes_itself) = (probe.pending(), task % 3 == 0);
            drop(runtime.spawn(async move {
                let _owned = owned;
                if wakes_itself {
                    yield_now().await;
                }
                waits.await;
            }));
            // One task waits for another: its waker is in the other's cell.
            let inner = runtime.spawn(pending::<()>());
            drop(runtime.spawn(async move { (observed, inner.await) }));
        }
        runtime.block_on(async {
            for _ in 0..50 {
                yield_now().await;
            }
        });
        assert_eq!(Arc::strong_count(&captured), 101);
        assert_eq!(Arc::weak_count(&captured), 100);
        let waker = probe.waker();
        drop(runtime);
        assert_eq!((Arc::strong_count(&captured), Arc::weak_count(&captured)), (1, 0));
        probe.expect(100, 100, 0);
        // A waker that outlives its runtime does nothing, on whatever thread it is used.
        waker.wake_by_ref();
        thread::spawn(move || waker.wake()).join().expect("it does nothing");
    });
}

// Goal: a task's handle can be awaited in any executor, on any thread, before and after the task
// is done.
#[test]
fn a_join_handle_is_awaited_by_a_foreign_executor() {
    deadline(|| {
        let runtime = runtime();
        let (go, gate) = oneshot::channel::<()>();
        let early = runtime.spawn(async move {
            gate.await.expect("the gate opens");
            "early"
        });
        let late = runtime.spawn(async { "late" });
        let waiting = Arc::new(Barrier::new(2));
        let elsewhere = {
            let waiting = Arc::clone(&waiting);
            thread::spawn(move || {
                let mut early = early;
                let count = WakeCount::new();
                assert!(count.poll(&mut early).is_pending());
                waiting.wait();
                futures::executor::block_on(early).expect("not cancelled")
            })
        };
        waiting.wait();
        runtime.block_on(async { go.send(()).expect("the task listens") });
        runtime.block_on(yield_now());
        assert_eq!(elsewhere.join().expect("it does not panic"), "early");
        assert!(late.is_finished());
        let late = thread::spawn(|| futures::executor::block_on(late));
        assert_eq!(late.join().expect("no panic").expect("not cancelled"), "late");
    });
}

/// Waits for `signals` wake-ups of the root future, each from another thread while this one is
/// parked in the kernel.
fn wake_from_elsewhere(runtime: &Runtime, signals: usize) {
    let (to_thread, requests) = mpsc::channel::<Waker>();
    let woken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&woken);
    let waking = thread::spawn(move || {
        for waker in requests {
            counted.fetch_add(1, Ordering::SeqCst);
            waker.wake();
        }
    });
    let mut asked = 0;
    runtime.block_on(poll_fn(|cx| {
        if woken.load(Ordering::SeqCst) == signals {
            return Poll::Ready(());
        }
        if woken.load(Ordering::SeqCst) == asked {
            asked += 1;
            to_thread.send(cx.waker().clone()).expect("the thread listens");
        }
        Poll::Pending
    }));
    drop(to_thread);
    waking.join().expect("it does not panic");
}

// Goal: a wake-up from another thread reaches a runtime that waits in the kernel, also when it
// comes just as it is about to wait: a thousand times, with and without busy polling.
#[test]
fn wakes_from_another_thread_reach_a_parked_runtime() {
    deadline(|| wake_from_elsewhere(&runtime(), 1000));
}

// Goal: `busy_poll` sees wake-ups and timers' end of patience as parking does. Method: the wakes
// of the test above, and one that comes only after the patience is over.
#[test]
fn busy_polling_sees_wakes_while_it_spins_and_after() {
    deadline(|| {
        let spinning = Builder::new().busy_poll(Duration::from_micros(50));
        wake_from_elsewhere(&spinning.build().expect("a runtime"), 200);
        let runtime = Builder::new().busy_poll(Duration::from_nanos(1)).build().expect("a runtime");
        wake_from_elsewhere(&runtime, 200);
    });
}

// Goal: tasks, too, are woken from elsewhere while the runtime is parked, and new ones arrive.
#[test]
fn tasks_are_woken_and_spawned_from_other_threads() {
    deadline(|| {
        let runtime = runtime();
        let threads: Vec<_> = (0..4)
            .map(|number| {
                let handle = runtime.handle();
                thread::spawn(move || {
                    let mut sum = 0;
                    for round in 0..50 {
                        let (sender, receiver) = oneshot::channel();
                        let task = handle.spawn(receiver);
                        sender.send(number * round).expect("the task listens");
                        let sent = futures::executor::block_on(task).expect("not cancelled");
                        sum += sent.expect("sent");
                    }
                    sum
                })
            })
            .collect();
        let (done, all) = oneshot::channel();
        let watcher = thread::spawn(move || {
            let sums: Vec<_> = threads.into_iter().map(|t| t.join().expect("no panic")).collect();
            done.send(sums).expect("the root listens");
        });
        let sums = runtime.block_on(all).expect("sent");
        watcher.join().expect("no panic");
        assert_eq!(sums, [0, 1225, 2450, 3675]);
    });
}

// Goal: wake-ups before a task's first poll, several at once, during a poll and after completion
// cost at most one poll each time, and none after.
#[test]
fn wakes_before_during_and_after() {
    let runtime = runtime();
    let probe = Probe::new();
    let task = runtime.spawn(probe.ready_after(2, false));
    runtime.block_on(yield_now());
    probe.expect(1, 0, 0);
    let waker = probe.waker();
    (0..10).for_each(|_| waker.wake_by_ref());
    thread::scope(|scope| {
        scope.spawn(|| waker.wake_by_ref());
    });
    runtime.block_on(async {
        for _ in 0..4 {
            yield_now().await;
        }
    });
    probe.expect(2, 0, 0);
    waker.wake_by_ref();
    runtime.block_on(yield_now());
    probe.expect(3, 1, 0);
    waker.wake_by_ref();
    thread::spawn(move || waker.wake()).join().expect("no panic");
    runtime.block_on(yield_now());
    probe.expect(3, 1, 0);
    drop(task);
    probe.expect(3, 1, 1);
}

// Goal: an aborted or finished root leaves no wake-up behind that a later root would take for its
// own completion, and a stale root waker is harmless.
#[test]
fn a_stale_waker_of_an_earlier_root_is_harmless() {
    deadline(|| {
        let runtime = runtime();
        let stale = runtime.block_on(poll_fn(|cx| Poll::Ready(cx.waker().clone())));
        let mut polls = 0;
        runtime.block_on(poll_fn(|cx| {
            polls += 1;
            stale.wake_by_ref();
            if polls == 3 {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }));
        assert_eq!(polls, 3);
        thread::spawn(move || stale.wake()).join().expect("it does nothing");
    });
}

// Goal: two runtimes on two threads, each waking the other's tasks.
#[test]
fn two_runtimes_wake_each_other() {
    deadline(|| {
        let (ping, mut pings) = futures::channel::mpsc::unbounded::<u32>();
        let (pong, mut pongs) = futures::channel::mpsc::unbounded::<u32>();
        let other = thread::spawn(move || {
            runtime().block_on(async {
                use futures::StreamExt;
                while let Some(number) = pings.next().await {
                    pong.unbounded_send(number + 1).expect("the other side listens");
                }
            });
        });
        runtime().block_on(async {
            use futures::StreamExt;
            let mut number = 0;
            while number < 500 {
                ping.unbounded_send(number).expect("the other side listens");
                number = pongs.next().await.expect("an answer");
            }
            drop(ping);
        });
        other.join().expect("no panic");
    });
}

// Goal: the setting works where the system has it and fails when it is built elsewhere.
#[test]
fn timer_slack_is_set_or_refused() {
    let built = Builder::new().timer_slack(Duration::from_micros(1)).build();
    if cfg!(any(target_os = "linux", target_os = "android")) {
        let runtime = built.expect("prctl(2) PR_SET_TIMERSLACK");
        assert_eq!(runtime.block_on(async { 1 }), 1);
    } else {
        let error = built.expect_err("no such setting");
        assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
    }
}

// Goal: outside of a runtime the free functions panic with a sentence, and `try_current` does not.
#[test]
fn spawning_outside_of_a_runtime_panics_with_a_sentence() {
    quietly("no edgewake runtime is running", || {
        assert!(Handle::try_current().is_none());
        for outcome in [
            catch_unwind(|| drop(edgewake::spawn(async {}))),
            catch_unwind(|| drop(edgewake::spawn_local(async {}))),
            catch_unwind(|| drop(Handle::current())),
        ] {
            let panic = outcome.expect_err("there is no runtime");
            assert!(message(&*panic).contains("Runtime::block_on"));
        }
        let runtime = runtime();
        let handle = runtime.block_on(async { Handle::current() });
        let task = handle.spawn(async { 1 });
        assert_eq!(runtime.block_on(task).expect("not cancelled"), 1);
    });
}
