//! `spawn_blocking` and the pool behind it: what runs, where, and how many threads there are.

#[path = "support/pool.rs"]
mod pool;
mod support;

use std::{
    cell::Cell,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
        mpsc::channel,
    },
    task::Poll,
    thread,
    time::Duration,
};

use edgewake::{
    BlockingHandle, Builder, Handle, Runtime, spawn, spawn_blocking, spawn_local, yield_now,
};

use crate::{
    pool::{hold, runtime_of},
    support::{
        WakeCount, assert_debug, assert_send, assert_sync, assert_unpin, deadline, eventually,
        message, quietly,
    },
};

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

// Goal: what waits inside a closure, under whatever executor blocks its thread, waits with the
// runtime's driver.
#[cfg(all(feature = "net", feature = "time"))]
#[test]
fn closures_wait_with_their_runtimes_driver() {
    use edgewake::{
        net::{TcpListener, TcpStream},
        time::sleep,
    };

    deadline(|| {
        runtime_of(1).block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let address = listener.local_addr().expect("bound");
            let connected = spawn_blocking(move || {
                futures::executor::block_on(async {
                    sleep(Duration::from_millis(1)).await;
                    let stream = TcpStream::connect(address).await.expect("it listens");
                    stream.readable().await.expect("a driver");
                    stream.try_read(&mut [0; 8]).expect("a byte")
                })
            });
            let (stream, _) = listener.accept().await.expect("a connection");
            stream.try_write(b"x").expect("room");
            assert_eq!(connected.await.expect("no panic"), 1);
        });
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
