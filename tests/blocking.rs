//! `spawn_blocking` and the pool behind it: what runs, what is dropped, how many run at once.

mod support;

use std::{
    cell::Cell,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    task::Poll,
    thread,
    time::Duration,
};

use edgewake::{
    BlockingHandle, Builder, Handle, Runtime, spawn, spawn_blocking, spawn_local, yield_now,
};

use crate::support::{
    PATIENCE, Probe, WakeCount, assert_debug, assert_send, assert_sync, assert_unpin, deadline,
    eventually, message, quietly,
};

fn runtime_of(threads: usize) -> Runtime {
    Builder::new().blocking_threads(threads).build().expect("a runtime")
}

/// A closure that runs, holding its thread, until it is told to go on.
struct Held {
    go_on: Sender<()>,
    handle: BlockingHandle<()>,
}

/// Returns once the closure runs.
fn hold(runtime: &Runtime) -> Held {
    let (go_on, wait): (Sender<()>, Receiver<()>) = channel();
    let (started, has_started) = channel();
    let handle = runtime.spawn_blocking(move || {
        started.send(()).expect("the test waits");
        // The sender may also be dropped.
        let _either = wait.recv_timeout(PATIENCE);
    });
    has_started.recv_timeout(PATIENCE).expect("a thread");
    Held { go_on, handle }
}

impl Held {
    fn finish(self, runtime: &Runtime) {
        self.go_on.send(()).expect("it waits");
        runtime.block_on(self.handle).expect("it ends");
    }
}

// Goal: what crosses threads can.
#[test]
fn handles_cross_threads() {
    assert_send::<BlockingHandle<Cell<u8>>>();
    assert_sync::<BlockingHandle<Cell<u8>>>();
    assert_unpin::<BlockingHandle<std::marker::PhantomPinned>>();
    assert_debug::<BlockingHandle<()>>();
}

// Goal: the closure runs on another thread, and its output arrives, by every way in.
#[test]
fn output_comes_back() {
    deadline(|| {
        let runtime = runtime_of(2);
        let here = thread::current().id();
        let elsewhere = move || {
            assert_ne!(thread::current().id(), here);
            "done".to_owned()
        };
        let outside = runtime.spawn_blocking(elsewhere);
        let handle = runtime.handle();
        let other = thread::spawn(move || handle.spawn_blocking(elsewhere)).join().expect("ends");
        runtime.block_on(async {
            for handle in [spawn_blocking(elsewhere), outside, other] {
                assert_eq!(handle.await.expect("it ran"), "done");
            }
        });
        // Any executor can await it.
        let foreign = runtime.spawn_blocking(elsewhere);
        assert_eq!(futures::executor::block_on(foreign).expect("it ran"), "done");
    });
}

// Goal: the loop turns while closures run, and as many run at once as there may be threads, no
// more. Method: each waits for all, and a task of the loop lets them go.
#[test]
fn as_many_run_at_once_as_there_are_threads() {
    deadline(|| {
        const THREADS: usize = 4;
        let runtime = runtime_of(THREADS);
        let most = Arc::new(AtomicUsize::new(0));
        let now = Arc::new(AtomicUsize::new(0));
        let meet = Arc::new(Barrier::new(THREADS + 1));
        let first = Arc::clone(&meet);
        let mut handles = Vec::new();
        for _ in 0..THREADS {
            let meet = Arc::clone(&meet);
            handles.push(runtime.spawn_blocking(move || {
                meet.wait();
            }));
        }
        for _ in 0..100 {
            let (most, now) = (Arc::clone(&most), Arc::clone(&now));
            handles.push(runtime.spawn_blocking(move || {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                thread::yield_now();
                now.fetch_sub(1, Ordering::SeqCst);
            }));
        }
        runtime.block_on(async {
            yield_now().await;
            assert!(handles.iter().all(|handle| !handle.is_finished()), "all threads are held");
            first.wait();
            for handle in handles {
                handle.await.expect("it ran");
            }
        });
        assert!((1..=THREADS).contains(&most.load(Ordering::SeqCst)));
    });
}

// Goal: zero threads count as one, and one runs closures in their order.
#[test]
fn one_thread_keeps_the_order() {
    deadline(|| {
        let runtime = runtime_of(0);
        let held = hold(&runtime);
        let (sender, order) = channel();
        for number in 0..100 {
            let sender = sender.clone();
            drop(runtime.spawn_blocking(move || sender.send(number)));
        }
        drop(sender);
        held.finish(&runtime);
        assert!(order.iter().eq(0..100));
    });
}

// Goal: no closure is left behind by a thread that ends at the moment it is pushed. Method: threads
// that end as soon as the queue is empty, or nearly, and closures that come one by one and in
// bursts.
#[test]
fn no_closure_is_lost_to_a_thread_that_ends() {
    deadline(|| {
        for keep_alive in [Duration::ZERO, Duration::from_micros(50)] {
            let builder = Builder::new().blocking_threads(3).blocking_keep_alive(keep_alive);
            let runtime = builder.build().expect("a runtime");
            runtime.block_on(async {
                for round in 0..300_usize {
                    let handles: Vec<_> =
                        (0..round % 7 + 1).map(|number| spawn_blocking(move || number)).collect();
                    for (number, handle) in handles.into_iter().enumerate() {
                        assert_eq!(handle.await.expect("it ran"), number);
                    }
                }
            });
        }
    });
}

// Goal: a closure of which others depend is served as long as the bound allows: with as many
// threads as closures, all of them run at once, however they were pushed.
#[test]
fn closures_that_wait_for_one_another_all_run() {
    deadline(|| {
        const MANY: usize = 16;
        let runtime = runtime_of(MANY);
        for _ in 0..30 {
            let meet = Arc::new(Barrier::new(MANY));
            let handles: Vec<_> = (0..MANY)
                .map(|_| {
                    let meet = Arc::clone(&meet);
                    runtime.spawn_blocking(move || {
                        meet.wait();
                    })
                })
                .collect();
            runtime.block_on(async {
                for handle in handles {
                    handle.await.expect("it ran");
                }
            });
        }
    });
}

// Goal: a panic comes back as an error with its payload, and the thread goes on.
#[test]
fn panics_come_back() {
    deadline(|| {
        let runtime = runtime_of(1);
        let panics = || -> u8 { panic!("a panic of the test") };
        let error = quietly("a panic of the test", || {
            runtime.block_on(runtime.spawn_blocking(panics)).expect_err("it panicked")
        });
        assert!(error.is_panic() && !error.is_cancelled() && !error.is_no_thread());
        assert_eq!(error.to_string(), "the task panicked: a panic of the test");
        let payload = error.try_into_panic().expect("a panic");
        assert_eq!(message(&*payload), "a panic of the test");
        // One that nobody waits for is reported by the hook alone.
        quietly("a panic of the test", || {
            drop(runtime.spawn_blocking(panics));
            assert_eq!(runtime.block_on(runtime.spawn_blocking(|| 5)).expect("it ran"), 5);
        });
    });
}

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

// T74. Goal: the last waker counts, and there is only one.
#[test]
fn t74_the_last_waker_is_woken() {
    deadline(|| {
        let runtime = runtime_of(1);
        let held = hold(&runtime);
        let mut handle = runtime.spawn_blocking(|| 7);
        let (first, second) = (WakeCount::new(), WakeCount::new());
        assert!(first.poll(&mut handle).is_pending());
        assert!(second.poll(&mut handle).is_pending());
        assert!(second.poll(&mut handle).is_pending());
        assert_eq!((first.alive(), second.alive()), (0, 1));
        held.finish(&runtime);
        eventually("it is finished", || second.wakes() == 1);
        assert_eq!(first.wakes(), 0);
        assert!(matches!(second.poll(&mut handle), Poll::Ready(Ok(7))));
    });
}

// Goal: polling again after the output panics, as it does with a task.
#[test]
fn polling_after_the_output_panics() {
    deadline(|| {
        let runtime = runtime_of(1);
        let mut handle = runtime.spawn_blocking(|| 7);
        let output = runtime.block_on(poll_fn(|cx| Pin::new(&mut handle).poll(cx)));
        assert_eq!(output.expect("it ran"), 7);
        let again = quietly("polled again", || {
            catch_unwind(AssertUnwindSafe(|| drop(WakeCount::new().poll(&mut handle))))
        });
        assert!(message(&*again.expect_err("it panics")).contains("polled again"));
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
        let error = futures::executor::block_on(late).expect_err("too late");
        assert!(error.is_cancelled() && !error.is_no_thread());
        assert!(!running.is_finished());
        drop(running);
        go_on.send(()).expect("it waits");
        eventually("the output is dropped", || probe.seen().output_drops == 3);
    });
}

// Goal: inside a closure the runtime is current: it can be named, and tasks spawned onto it.
#[test]
fn closures_reach_their_runtime() {
    deadline(|| {
        let runtime = runtime_of(2);
        let worker = thread::current().id();
        runtime.block_on(async {
            let inner = spawn_blocking(|| {
                let by_name = spawn(async { thread::current().id() });
                let by_handle = Handle::current().spawn(async { thread::current().id() });
                let nested = spawn_blocking(|| Handle::try_current().is_some());
                (by_name, by_handle, nested)
            });
            let (by_name, by_handle, nested) = inner.await.expect("it ran");
            assert_eq!(by_name.await.expect("it ran"), worker);
            assert_eq!(by_handle.await.expect("it ran"), worker);
            assert!(nested.await.expect("it ran"));
        });
        // The thread is a guest for no longer than the closure: a closure of another runtime, or
        // none, finds its own.
        assert!(Handle::try_current().is_none());
    });
}

// Goal: a closure may block: in a `block_on` of a runtime of its own, too.
#[test]
fn closures_may_block_on() {
    deadline(|| {
        let runtime = runtime_of(1);
        let sum = runtime.spawn_blocking(|| {
            let inner = Runtime::new().expect("a runtime");
            let sum =
                inner.block_on(async { spawn_local(async { 40 }).await.expect("it ran") + 2 });
            drop(inner);
            assert!(Handle::try_current().is_some(), "the outer one is current again");
            sum
        });
        assert_eq!(runtime.block_on(sum).expect("it ran"), 42);
    });
}

// Goal: what has to stay on the loop's thread cannot be spawned from a closure's.
#[test]
fn closures_cannot_spawn_locally() {
    deadline(|| {
        let runtime = runtime_of(1);
        let handle = runtime.spawn_blocking(|| drop(spawn_local(async {})));
        let error = quietly("no edgewake runtime is running on this thread", || {
            runtime.block_on(handle).expect_err("it panics")
        });
        assert!(error.is_panic());
    });
}

// Goal: outside of a runtime the sentence says what to do.
#[test]
fn outside_of_a_runtime_it_panics() {
    let panic = quietly("no edgewake runtime is running on this thread", || {
        catch_unwind(|| drop(spawn_blocking(|| ()))).expect_err("it panics")
    });
    assert!(message(&*panic).contains("Runtime::block_on"));
}

// Goal: the output wakes the loop that waits for it, from whatever it waits in. Method: it has
// nothing else to do.
#[test]
fn an_output_wakes_the_loop() {
    deadline(|| {
        let runtime = runtime_of(1);
        for round in 0..200 {
            let held = hold(&runtime);
            let handle = runtime.spawn_blocking(move || round);
            held.go_on.send(()).expect("it waits");
            assert_eq!(runtime.block_on(handle).expect("it ran"), round);
        }
    });
}
