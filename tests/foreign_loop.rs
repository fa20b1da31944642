//! A runtime that a foreign loop drives: `Runtime::turn`, its descriptor, and how long to wait.
//!
//! The foreign loop here is a raw selector that watches the runtime's descriptor.

mod support;

use std::{
    future::poll_fn,
    os::fd::AsFd,
    sync::{Arc, Barrier, mpsc},
    task::{Poll, Waker},
    thread,
    time::Duration,
};

use edgewake::{JoinHandle, Runtime, yield_now};
use edgewake_sys::{Events, Interest, Selector, Token};

use crate::support::{PATIENCE, Probe, deadline, eventually};

/// Watches a runtime's descriptor with a selector of its own.
struct Loop {
    runtime: Runtime,
    selector: Selector,
    events: Events,
}

impl Loop {
    fn new() -> Loop {
        let runtime = Runtime::new().expect("a runtime");
        let selector = Selector::new().expect("a selector");
        selector.register(runtime.as_fd(), Token(7), Interest::READABLE).expect("it is pollable");
        Loop { runtime, selector, events: Events::with_capacity(8) }
    }

    /// Turns until the runtime has nothing to do. Returns how often that took.
    fn settle(&mut self) -> usize {
        for turns in 1..1000 {
            match self.runtime.turn().expect("a turn") {
                Some(Duration::ZERO) => {}
                wait => {
                    assert_eq!(wait, None, "there is no timer");
                    return turns;
                }
            }
        }
        panic!("the runtime never has nothing to do");
    }

    /// Waits until the runtime's descriptor is readable.
    fn wait(&mut self) {
        self.selector.select(&mut self.events, Some(PATIENCE)).expect("a select");
        let tokens: Vec<_> = self.events.iter().map(|event| event.token()).collect();
        assert_eq!(tokens, [Token(7)], "the descriptor becomes readable");
    }

    /// Whether the descriptor is readable by now.
    fn is_readable(&mut self) -> bool {
        self.selector.select(&mut self.events, Some(Duration::ZERO)).expect("a select");
        !self.events.is_empty()
    }

    fn drive<T>(&mut self, task: &JoinHandle<T>) {
        loop {
            self.settle();
            if task.is_finished() {
                return;
            }
            self.wait();
        }
    }
}

// Goal: what is spawned from the loop's own thread runs in the next turns, and an idle runtime
// says so.
#[test]
fn turns_run_what_is_ready_and_then_ask_for_no_more() {
    let mut foreign = Loop::new();
    let probe = Probe::new();
    let task = foreign.runtime.spawn(probe.ready_after(3, true));
    foreign.settle();
    assert!(task.is_finished());
    probe.expect(4, 1, 0);
    // Being kicked by the spawn is allowed for; then there is nothing more.
    foreign.settle();
    while foreign.is_readable() {
        foreign.settle();
    }
    assert_eq!(foreign.settle(), 1, "nothing to do");
    assert!(!foreign.is_readable());
}

// Goal: a wake-up and a spawn from another thread make the descriptor readable, whenever they
// come. Method: two hundred of each, the loop waiting on nothing but its own selector.
#[test]
fn wakes_and_spawns_from_elsewhere_make_the_descriptor_readable() {
    deadline(|| {
        let mut foreign = Loop::new();
        let (to_thread, requests) = mpsc::channel::<Waker>();
        let handle = foreign.runtime.handle();
        let elsewhere = thread::spawn(move || {
            let mut spawned = 0;
            for waker in requests {
                waker.wake();
                let task = handle.spawn(yield_now());
                futures::executor::block_on(task).expect("not cancelled");
                spawned += 1;
            }
            spawned
        });
        let mut rounds = 0;
        let task = foreign.runtime.spawn(poll_fn(move |cx| {
            if rounds == 200 {
                return Poll::Ready(());
            }
            rounds += 1;
            to_thread.send(cx.waker().clone()).expect("the thread listens");
            Poll::Pending
        }));
        foreign.drive(&task);
        // The thread's last task may still be on its way.
        eventually("the other thread ends", || {
            foreign.settle();
            elsewhere.is_finished()
        });
        assert_eq!(elsewhere.join().expect("no panic"), 200);
    });
}

// Goal: a wake-up that comes between two turns, before the loop looks at the descriptor, is kept.
// Method: it is made for certain before the loop waits.
#[test]
fn a_wake_between_turn_and_wait_is_kept() {
    deadline(|| {
        let mut foreign = Loop::new();
        let probe = Probe::new();
        let task = foreign.runtime.spawn(probe.ready_after(1, false));
        foreign.settle();
        probe.expect(1, 0, 0);
        let waker = probe.waker();
        let barrier = Arc::new(Barrier::new(2));
        let waking = thread::spawn({
            let barrier = Arc::clone(&barrier);
            move || {
                waker.wake();
                barrier.wait();
            }
        });
        barrier.wait();
        foreign.wait();
        foreign.settle();
        probe.expect(2, 1, 0);
        waking.join().expect("no panic");
        drop(task);
        probe.expect(2, 1, 1);
    });
}

// Goal: a wake-up from the loop's own thread, between turns, is kept too.
#[test]
fn a_wake_from_the_loops_own_thread_is_kept() {
    deadline(|| {
        let mut foreign = Loop::new();
        let probe = Probe::new();
        let task = foreign.runtime.spawn(probe.ready_after(1, false));
        foreign.settle();
        probe.waker().wake();
        foreign.wait();
        foreign.drive(&task);
        probe.expect(2, 1, 0);
    });
}

// Goal: `block_on` and `turn` can be mixed; neither leaves the other without its wake-ups.
#[test]
fn block_on_works_between_turns() {
    deadline(|| {
        let mut foreign = Loop::new();
        for _ in 0..50 {
            foreign.settle();
            let handle = foreign.runtime.handle();
            let elsewhere = thread::spawn(move || {
                let task = handle.spawn(async { 5 });
                futures::executor::block_on(task).expect("not cancelled")
            });
            let task = foreign.runtime.spawn(yield_now());
            foreign.runtime.block_on(task).expect("not cancelled");
            eventually("the other thread ends", || {
                foreign.settle();
                elsewhere.is_finished()
            });
            assert_eq!(elsewhere.join().expect("no panic"), 5);
        }
    });
}
