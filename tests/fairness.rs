//! Fairness: tasks that are always ready let the others, the kernel and the timers have their turn.

#![cfg(feature = "time")]

mod support;

use std::{
    cell::{Cell, RefCell},
    io::Write,
    os::unix::net::UnixStream,
    rc::Rc,
    thread,
    time::Duration,
};

use edgewake::{AsyncFd, Builder, Interest, Runtime, spawn_local, time::sleep, yield_now};
use futures::{AsyncReadExt, AsyncWriteExt, channel::oneshot};

use crate::support::deadline;

fn runtime() -> Runtime {
    Runtime::new().expect("a runtime")
}

/// Tasks that yield and yield until `stop`.
fn spinners(runtime: &Runtime, count: usize) -> (Rc<Cell<bool>>, Vec<edgewake::JoinHandle<()>>) {
    let stop = Rc::new(Cell::new(false));
    let tasks = (0..count).map(|_| {
        let stop = Rc::clone(&stop);
        runtime.spawn_local(async move {
            while !stop.get() {
                yield_now().await;
            }
        })
    });
    let tasks = tasks.collect();
    (stop, tasks)
}

/// Ends them, and expects that they were running.
fn end(runtime: &Runtime, (stop, tasks): (Rc<Cell<bool>>, Vec<edgewake::JoinHandle<()>>)) {
    assert!(tasks.iter().all(|task| !task.is_finished()));
    stop.set(true);
    runtime.block_on(async {
        for task in tasks {
            task.await.expect("not cancelled");
        }
    });
}

// Goal: a wake-up during a poll polls again, once, behind whatever was queued before.
#[test]
fn tasks_that_yield_take_turns() {
    let runtime = runtime();
    let order = Rc::new(RefCell::new(String::new()));
    let task = |name: char| {
        let order = Rc::clone(&order);
        runtime.spawn_local(async move {
            for _ in 0..3 {
                order.borrow_mut().push(name);
                yield_now().await;
            }
        })
    };
    let tasks = [task('a'), task('b'), task('c')];
    runtime.block_on(async {
        for task in tasks {
            task.await.expect("not cancelled");
        }
    });
    assert_eq!(*order.borrow(), "abcabcabc");
}

// T58. Goal: tasks that are always ready starve neither the others, nor what other threads send,
// nor the root future.
#[test]
fn t58_busy_tasks_do_not_starve_other_threads() {
    deadline(|| {
        let runtime = runtime();
        let busy = spinners(&runtime, 100);
        let handle = runtime.handle();
        let (sender, receiver) = oneshot::channel();
        let elsewhere = thread::spawn(move || {
            let task = handle.spawn(async { 1 });
            let one = futures::executor::block_on(task).expect("not cancelled");
            sender.send(one + 1).expect("the root listens");
        });
        assert_eq!(runtime.block_on(receiver).expect("sent"), 2);
        end(&runtime, busy);
        elsewhere.join().expect("no panic");
    });
}

// T58. Goal: nor the kernel's events, nor timers. Method: one busy task and many, few polls between
// two looks at the kernel and many; the task that waits is one of theirs, or the root.
#[test]
fn t58_busy_tasks_do_not_starve_sockets_and_timers() {
    deadline(|| {
        for interval in [1, 64, 10_000] {
            for count in [1, 200] {
                let runtime = Builder::new().event_interval(interval).build().expect("a runtime");
                let busy = spinners(&runtime, count);
                let (ours, mut theirs) = UnixStream::pair().expect("a pair");
                let watching = runtime.spawn_local(async move {
                    let ours = AsyncFd::with_interest(ours, Interest::READABLE);
                    let ours = ours.expect("it registers");
                    ours.readable().await.expect("it lives").readiness().is_readable()
                });
                runtime.block_on(yield_now());
                theirs.write_all(b"x").expect("room");
                assert!(runtime.block_on(watching).expect("not cancelled"));
                runtime.block_on(async {
                    sleep(Duration::from_millis(1)).await;
                    spawn_local(sleep(Duration::from_millis(1))).await.expect("not cancelled");
                });
                end(&runtime, busy);
            }
        }
    });
}

// T58. Goal: a root future that is always ready starves nobody either.
#[test]
fn t58_a_busy_root_starves_nobody() {
    deadline(|| {
        let runtime = runtime();
        let slept = runtime.spawn_local(sleep(Duration::from_millis(1)));
        runtime.block_on(async {
            while !slept.is_finished() {
                yield_now().await;
            }
        });
    });
}

// T58. Goal: timers fire although every wait of the loop ends by an event before it has lasted.
// Method: two tasks hand a byte to and fro, so that the loop waits again and again, and the kernel
// always has something to tell it.
#[test]
fn t58_a_steady_stream_of_events_does_not_starve_timers() {
    deadline(|| {
        let runtime = runtime();
        let (mut here, there) = UnixStream::pair().expect("a pair");
        here.write_all(b"x").expect("room for a byte");
        let pass_on = |end: UnixStream| async move {
            let end = AsyncFd::new(end).expect("it registers");
            let mut byte = [0];
            while (&end).read_exact(&mut byte).await.is_ok() {
                (&end).write_all(&byte).await.expect("room for a byte");
            }
        };
        let tasks = [runtime.spawn(pass_on(here)), runtime.spawn(pass_on(there))];
        for _ in 0..3 {
            runtime.block_on(sleep(Duration::from_millis(20)));
        }
        assert!(tasks.iter().all(|task| !task.is_finished()), "the stream of events went on");
    });
}
