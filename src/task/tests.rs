//! One task, one thread, a scheduler that counts: how often a Runnable is made, and when the block
//! is freed. No reactor and no runtime, so that it also runs where system calls cannot.

#![allow(clippy::waker_clone_wake, reason = "a waker that is consumed is what is tested")]

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll, Waker},
};

use super::{Inject, JoinError, JoinHandle, Runnable, Schedule, refuse};
use crate::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
    lock,
};

/// What the tasks of a test share. Its count says how many blocks there are.
#[derive(Default)]
struct Worker {
    queue: Mutex<VecDeque<Runnable>>,
    schedules: AtomicUsize,
}

struct Scheduler(Arc<Worker>);

impl Schedule for Scheduler {
    fn schedule(&self, runnable: Runnable) {
        // Relaxed: counted for tests that join their threads.
        self.0.schedules.fetch_add(1, Ordering::Relaxed);
        lock(&self.0.queue).push_back(runnable);
    }
}

impl Worker {
    /// A task whose first Runnable is in the queue, not counted.
    fn spawn<F>(self: &Arc<Worker>, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let (runnable, handle) = super::new(future, Scheduler(Arc::clone(self)));
        lock(&self.queue).push_back(runnable);
        handle
    }

    /// Runs what is queued now, and returns how much that was.
    fn run(&self) -> usize {
        let queued: Vec<_> = lock(&self.queue).drain(..).collect();
        let count = queued.len();
        queued.into_iter().for_each(Runnable::run);
        count
    }

    fn schedules(&self) -> usize {
        // Relaxed: see `schedule`.
        self.schedules.load(Ordering::Relaxed)
    }

    fn blocks(self: &Arc<Worker>) -> usize {
        Arc::strong_count(self) - 1
    }
}

/// The waker of the last poll.
type Slot = Arc<Mutex<Option<Waker>>>;

/// Pending `polls` times, then ready with `output`; keeps its waker in `slot`.
fn waits<T: Unpin + 'static>(
    slot: &Slot,
    polls: usize,
    output: T,
) -> impl Future<Output = T> + use<T> {
    let (slot, mut output, mut left) = (Arc::clone(slot), Some(output), polls);
    poll_fn(move |cx| {
        let old = lock(&slot).replace(cx.waker().clone());
        drop(old);
        if left == 0 {
            return Poll::Ready(output.take().expect("ready once"));
        }
        left -= 1;
        Poll::Pending
    })
}

fn take(slot: &Slot) -> Waker {
    lock(slot).take().expect("it was polled")
}

fn poll<T>(handle: &mut JoinHandle<T>) -> Poll<Result<T, JoinError>> {
    Pin::new(handle).poll(&mut Context::from_waker(Waker::noop()))
}

// Goal: however often a task is woken, there is one Runnable at a time: none is made while one
// exists, one after it was polled, none after completion.
#[test]
fn wakes_make_one_runnable_at_a_time() {
    let (worker, slot) = (Arc::<Worker>::default(), Slot::default());
    let mut handle = worker.spawn(waits(&slot, 2, 7));
    assert_eq!((worker.run(), worker.schedules()), (1, 0));
    let waker = take(&slot);
    for _ in 0..3 {
        waker.wake_by_ref();
        assert_eq!(worker.schedules(), 1);
    }
    assert_eq!(worker.run(), 1);
    waker.clone().wake();
    assert_eq!((worker.run(), worker.schedules()), (1, 2));
    waker.wake();
    assert_eq!((worker.run(), worker.schedules()), (0, 2));
    assert!(matches!(poll(&mut handle), Poll::Ready(Ok(7))));
    drop(handle);
    assert_eq!(worker.blocks(), 1, "the future's slot has a waker");
    drop(take(&slot));
    assert_eq!(worker.blocks(), 0);
}

// Goal: wake-ups during a poll make one Runnable, after it; with the last one there is none.
#[test]
fn wakes_during_a_poll_make_one_runnable_after_it() {
    let worker = Arc::<Worker>::default();
    let (seen, mut left) = (Arc::clone(&worker), 2);
    let handle = worker.spawn(poll_fn(move |cx| {
        let before = seen.schedules();
        cx.waker().wake_by_ref();
        cx.waker().clone().wake();
        assert_eq!(seen.schedules(), before, "not during the poll");
        left -= 1;
        if left == 0 { Poll::Ready(()) } else { Poll::Pending }
    }));
    assert_eq!((worker.run(), worker.schedules()), (1, 1));
    assert_eq!((worker.run(), worker.schedules()), (1, 1));
    assert_eq!(worker.run(), 0);
    assert!(handle.is_finished());
    drop(handle);
    assert_eq!(worker.blocks(), 0);
}

// Goal: an abort makes a Runnable where there was none, and none where there was one; its run
// drops the future.
#[test]
fn aborts_make_one_runnable() {
    for scheduled in [false, true] {
        let (worker, slot, captured) = (Arc::<Worker>::default(), Slot::default(), Arc::new(()));
        let mut handle = worker.spawn(waits(&slot, 9, Arc::clone(&captured)));
        assert_eq!(worker.run(), 1);
        if scheduled {
            take(&slot).wake();
        }
        handle.abort();
        handle.abort();
        assert_eq!((worker.schedules(), Arc::strong_count(&captured)), (1, 2));
        assert_eq!((worker.run(), Arc::strong_count(&captured)), (1, 1));
        assert!(matches!(poll(&mut handle), Poll::Ready(Err(error)) if error.is_cancelled()));
        handle.abort();
        assert_eq!(worker.schedules(), 1);
        drop((handle, lock(&slot).take()));
        assert_eq!(worker.blocks(), 0);
    }
}

// Goal: the block goes with its last reference: the handle, a waker, or the worker's own.
#[test]
fn the_last_reference_frees_the_block() {
    for last in ["handle", "waker", "worker"] {
        let (worker, slot) = (Arc::<Worker>::default(), Slot::default());
        let mut handle = Some(worker.spawn(waits(&slot, 1, [0_u8; 100])));
        assert_eq!(worker.run(), 1);
        let mut waker = Some(take(&slot));
        waker.iter().for_each(Waker::wake_by_ref);
        if last != "handle" {
            handle = None;
        }
        if last != "waker" {
            waker = None;
        }
        assert_eq!(worker.blocks(), 1);
        assert_eq!(worker.run(), 1);
        drop(lock(&slot).take());
        assert_eq!(worker.blocks(), usize::from(last != "worker"), "{last}");
        drop((handle, waker));
        assert_eq!(worker.blocks(), 0, "{last}");
    }
}

// Goal: the worker's reference may be the last one, and is given up after its last use of the
// block, which memcheck watches: no handle, no waker, the commonest end of a task.
#[test]
fn a_detached_task_is_freed_by_its_worker() {
    let worker = Arc::<Worker>::default();
    drop(worker.spawn(async {}));
    assert_eq!(worker.blocks(), 1);
    assert_eq!((worker.run(), worker.blocks()), (1, 0));
}

// Goal: a task that is refused, or left in a queue that is closed, is dropped by whoever has it.
#[test]
fn refused_tasks_are_dropped_where_they_are() {
    let (worker, captured) = (Arc::<Worker>::default(), Arc::new(()));
    let inject = Inject::new();
    let make = || {
        let held = Arc::clone(&captured);
        super::new(async move { drop(held) }, Scheduler(Arc::clone(&worker)))
    };
    let (first, mut first_handle) = make();
    let (second, second_handle) = make();
    assert!(inject.push(first).is_ok());
    inject.close().for_each(refuse);
    assert_eq!(Arc::strong_count(&captured), 2);
    refuse(inject.push(second).expect_err("it is closed"));
    assert_eq!(Arc::strong_count(&captured), 1);
    assert!(matches!(poll(&mut first_handle), Poll::Ready(Err(error)) if error.is_cancelled()));
    assert!(second_handle.is_finished());
    drop((first_handle, second_handle));
    assert_eq!((worker.blocks(), worker.schedules()), (0, 0));
}

// Goal: wakers of many threads, and handles dropped on others, leave nothing behind.
#[test]
fn threads_share_a_tasks_wakers() {
    let worker = Arc::<Worker>::default();
    for _ in 0..20 {
        let slot = Slot::default();
        let handle = worker.spawn(waits(&slot, 3, vec![1, 2, 3]));
        worker.run();
        let waker = take(&slot);
        let threads = [(); 3].map(|()| {
            let waker = waker.clone();
            std::thread::spawn(move || {
                for _ in 0..10 {
                    let copy = waker.clone();
                    waker.wake_by_ref();
                    copy.wake();
                }
            })
        });
        let dropping = std::thread::spawn(move || drop(handle));
        while threads.iter().any(|thread| !thread.is_finished()) {
            worker.run();
            std::thread::yield_now();
        }
        for thread in threads {
            thread.join().expect("no panic");
        }
        dropping.join().expect("no panic");
        // What the threads did not bring to its end.
        while !matches!(Arc::strong_count(&slot), 1) {
            waker.wake_by_ref();
            worker.run();
        }
        drop((waker, lock(&slot).take()));
        assert_eq!(worker.blocks(), 0);
    }
}

// Goal: what is printed of a handle is whether its task is done.
#[test]
fn printing_a_handle_says_whether_the_task_is_done() {
    let (worker, slot) = (Arc::<Worker>::default(), Slot::default());
    let handle = worker.spawn(waits(&slot, 0, ()));
    assert_eq!(format!("{handle:?}"), "JoinHandle { finished: false }");
    assert_eq!(worker.run(), 1);
    assert_eq!(format!("{handle:?}"), "JoinHandle { finished: true }");
}

// Goal: an error says what kind it is, and only that there was no thread has a reason behind it.
#[test]
fn errors_say_what_they_are() {
    use std::{error::Error, io};

    let none = JoinError::no_thread(io::Error::from_raw_os_error(11));
    assert!(none.is_no_thread() && !none.is_cancelled() && !none.is_panic());
    let source = none.source().and_then(|source| source.downcast_ref::<io::Error>());
    assert_eq!(source.and_then(io::Error::raw_os_error), Some(11));
    let cancelled = JoinError::cancelled();
    assert!(cancelled.is_cancelled() && !cancelled.is_no_thread() && !cancelled.is_panic());
    assert!(cancelled.source().is_none());
    assert_eq!(
        format!("{cancelled:?}: {cancelled}"),
        "JoinError::Cancelled: the task was cancelled"
    );
    let panicked = JoinError::panicked(Box::new("so it goes"));
    assert!(panicked.is_panic() && !panicked.is_no_thread() && !panicked.is_cancelled());
    let printed = format!("{panicked:?}: {panicked}");
    assert_eq!(printed, "JoinError::Panicked(Some(\"so it goes\")): the task panicked: so it goes");
}
