//! Models of a whole runtime: its scheduler, its driver's flag, its queues and its end, against
//! what other threads do.
//!
//! The loop is driven from outside ([`Runtime::turn`]), so that what it would wait for in the
//! kernel is the driver's `kicked`. Its selector and notifier are real, and are only ever looked
//! at.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use ::loom::thread;

use super::{Handle, Runtime, root::Root};
use crate::{
    sync::{
        atomic::{AtomicUsize, Ordering},
        model::{Bell, Place, Tally, bounded, model},
    },
    task::JoinHandle,
};

/// What becomes of a task that waits for so many signals.
#[derive(Default)]
struct Fate {
    polls: Tally,
    drops: Tally,
    waker: Place<Waker>,
    signals: Option<AtomicUsize>,
}

impl Fate {
    fn new() -> Arc<Fate> {
        Arc::new(Fate { signals: Some(AtomicUsize::new(0)), ..Fate::default() })
    }

    fn signals(&self) -> &AtomicUsize {
        self.signals.as_ref().expect("made in `new`")
    }

    fn signal(&self, waker: Waker) {
        // Relaxed: the wake-up has to make the signal visible to the poll.
        self.signals().fetch_add(1, Ordering::Relaxed);
        waker.wake();
    }
}

struct Waits {
    fate: Arc<Fate>,
    signals: usize,
    home: thread::ThreadId,
}

impl Future for Waits {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        assert!(self.home == thread::current().id(), "polled elsewhere");
        self.fate.polls.count();
        drop(self.fate.waker.replace(cx.waker().clone()));
        // Relaxed: see `Fate::signal`.
        let seen = self.fate.signals().load(Ordering::Relaxed);
        if seen >= self.signals { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        assert!(self.home == thread::current().id(), "dropped elsewhere");
        self.fate.drops.count();
    }
}

fn waits(fate: &Arc<Fate>, signals: usize) -> Waits {
    Waits { fate: Arc::clone(fate), signals, home: thread::current().id() }
}

/// A runtime with a task that was polled once, and its waker.
fn started(signals: usize) -> (Runtime, Arc<Fate>, JoinHandle<()>, Waker) {
    let (runtime, fate) = (Runtime::new().expect("a runtime"), Fate::new());
    let handle = runtime.spawn_local(waits(&fate, signals));
    assert_eq!(runtime.turn().expect("a turn"), None);
    let waker = fate.waker.take().expect("it was polled");
    (runtime, fate, handle, waker)
}

/// Turns as a foreign loop does, waiting in between, until `done`.
fn drive(runtime: &Runtime, done: impl Fn() -> bool) {
    while !done() {
        if runtime.turn().expect("a turn").is_none() && !done() {
            runtime.shared.driver.kicked.wait();
        }
    }
}

/// Everything has let go of the runtime's shared part, but so many handles.
fn holders(handle: &Handle) -> usize {
    Arc::strong_count(&handle.shared)
}

// T69. Goal: wake-ups from two threads reach a loop that turns, rests or is about to, and the last
// poll sees both.
#[test]
fn t69_wakes_from_elsewhere_reach_the_loop() {
    bounded(2, || {
        let (runtime, fate, handle, waker) = started(2);
        let waking = [waker.clone(), waker].map(|waker| {
            let fate = Arc::clone(&fate);
            thread::spawn(move || fate.signal(waker))
        });
        drive(&runtime, || handle.is_finished());
        for waking in waking {
            waking.join().expect("no panic");
        }
        assert!((2..=3).contains(&fate.polls.get()));
        assert_eq!(fate.drops.get(), 1);
    });
}

// T69. Goal: a task that is spawned from elsewhere runs, and who waits for it elsewhere is told.
#[test]
fn t69_a_task_from_elsewhere_runs() {
    bounded(3, || {
        let runtime = Runtime::new().expect("a runtime");
        let (handle, done) = (runtime.handle(), Arc::new(Tally::default()));
        let spawning = {
            let done = Arc::clone(&done);
            thread::spawn(move || {
                let bell = Bell::new();
                let mut task = handle.spawn(async move { done.count() });
                let waker = bell.waker();
                let mut cx = Context::from_waker(&waker);
                while Pin::new(&mut task).poll(&mut cx).is_pending() {
                    bell.wait();
                }
            })
        };
        drive(&runtime, || done.get() == 1);
        spawning.join().expect("no panic");
    });
}

// Goal: an abort from elsewhere ends a task of a loop that rests, on the loop's own thread.
#[test]
fn an_abort_from_elsewhere_reaches_the_loop() {
    model(|| {
        let (runtime, fate, handle, waker) = started(1);
        drop(waker);
        let aborting = thread::spawn(move || handle.abort());
        drive(&runtime, || fate.drops.get() == 1);
        aborting.join().expect("no panic");
        assert_eq!(fate.polls.get(), 1);
    });
}

// Goal: the future of `block_on` is polled after the last of two wake-ups from elsewhere. Method:
// the steps of `block_on`, with the wait of a loop that is driven from outside.
#[test]
fn the_root_is_polled_after_the_last_wake() {
    bounded(2, || {
        let runtime = Runtime::new().expect("a runtime");
        let (root, fate) = (Root::new(&runtime.shared), Fate::new());
        let waking = [(); 2].map(|()| {
            let (waker, fate) = (root.waker(), Arc::clone(&fate));
            thread::spawn(move || fate.signal(waker))
        });
        loop {
            // Relaxed: see `Fate::signal`.
            if root.take_wake() && fate.signals().load(Ordering::Relaxed) == 2 {
                break;
            }
            if runtime.core.borrow_mut().driver.park_outside(|| root.is_woken()) {
                runtime.shared.driver.kicked.wait();
            }
        }
        for waking in waking {
            waking.join().expect("no panic");
        }
    });
}

// Goal: a runtime that is dropped while one of its tasks is woken elsewhere drops that task once,
// on its own thread, and nothing keeps any of it afterwards.
#[test]
fn a_drop_races_with_a_wake() {
    model(|| {
        let (runtime, fate, handle, waker) = started(1);
        let shared = runtime.handle();
        let waker_fate = Arc::clone(&fate);
        let waking = thread::spawn(move || waker_fate.signal(waker));
        drop(runtime);
        assert!(handle.is_finished());
        waking.join().expect("no panic");
        assert_eq!((fate.polls.get(), fate.drops.get()), (1, 1));
        drop(handle);
        assert_eq!(holders(&shared), 1, "a task, or its Runnable, is left");
    });
}

// Goal: the same where the loop turns once more before its end.
#[test]
fn a_turn_and_a_drop_race_with_a_wake() {
    model(|| {
        let (runtime, fate, handle, waker) = started(1);
        let shared = runtime.handle();
        let waker_fate = Arc::clone(&fate);
        let waking = thread::spawn(move || waker_fate.signal(waker));
        let _either_way = runtime.turn().expect("a turn");
        drop(runtime);
        assert!(handle.is_finished());
        waking.join().expect("no panic");
        assert_eq!(fate.drops.get(), 1);
        drop((handle, fate.waker.take()));
        assert_eq!(holders(&shared), 1, "a task, or its Runnable, is left");
    });
}

// T79. Goal: a task that is spawned, and awaited, elsewhere while the runtime is dropped runs not
// at all, is dropped once, and its handle says so.
#[test]
fn t79_a_drop_races_with_a_spawn_from_elsewhere() {
    model(|| {
        let runtime = Runtime::new().expect("a runtime");
        let (handle, fate) = (runtime.handle(), Fate::new());
        let spawning = {
            let (handle, fate) = (handle.clone(), Arc::clone(&fate));
            thread::spawn(move || {
                let bell = Bell::new();
                let guard = DropsCounted(fate);
                let mut task = handle.spawn(async move { drop(guard) });
                let waker = bell.waker();
                let mut cx = Context::from_waker(&waker);
                loop {
                    match Pin::new(&mut task).poll(&mut cx) {
                        Poll::Ready(outcome) => break outcome.is_err_and(|e| e.is_cancelled()),
                        Poll::Pending => bell.wait(),
                    }
                }
            })
        };
        drop(runtime);
        assert!(spawning.join().expect("no panic"), "nobody could have run it");
        assert_eq!((fate.drops.get(), holders(&handle)), (1, 1));
    });
}

struct DropsCounted(Arc<Fate>);

impl Drop for DropsCounted {
    fn drop(&mut self) {
        self.0.drops.count();
    }
}
