//! A runtime in the hands of the test, which sees when it has nothing to do.
//!
//! A loop that spins never rests: its turns always ask for another one, or its descriptor is always
//! readable. So [`Driven::rest`] finds what measuring time could only suspect.

#![allow(dead_code, reason = "each test binary compiles its own copy and uses a part of it")]
#![allow(unreachable_pub, reason = "a module of each test binary, reached as `driven::…`")]

use std::{future::Future, os::fd::AsFd, time::Duration};

use edgewake::{JoinHandle, Runtime};
use edgewake_sys::{Events, Interest, Selector, Token};

/// How long "nothing happens" is watched. Several ticks of 10 ms.
pub const QUIET: Duration = Duration::from_millis(60);

/// A runtime driven by `turn`, its descriptor watched by a selector of its own.
pub struct Driven {
    runtime: Runtime,
    selector: Selector,
    events: Events,
}

impl Driven {
    pub fn new() -> Driven {
        let runtime = Runtime::new().expect("a runtime");
        let selector = Selector::new().expect("a selector");
        selector.register(runtime.as_fd(), Token(1), Interest::READABLE).expect("it is pollable");
        Driven { runtime, selector, events: Events::with_capacity(8) }
    }

    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    pub fn spawn<F: Future + 'static>(&self, future: F) -> JoinHandle<F::Output> {
        self.runtime.spawn_local(future)
    }

    /// Turns until the runtime would wait. Returns for how long.
    #[track_caller]
    pub fn settle(&mut self) -> Option<Duration> {
        for _ in 0..10_000 {
            match self.runtime.turn().expect("a turn") {
                Some(Duration::ZERO) => {}
                wait => return wait,
            }
        }
        panic!("it spins: 10000 turns, and always one more to do");
    }

    /// Turns until nothing has happened for [`QUIET`]. No timer may be pending.
    #[track_caller]
    pub fn rest(&mut self) {
        for _ in 0..1000 {
            assert_eq!(self.settle(), None, "no timer is pending");
            if !self.wait(QUIET) {
                return;
            }
        }
        panic!("it spins: its descriptor is always readable");
    }

    /// Drives until the task is finished.
    #[track_caller]
    pub fn finish<T>(&mut self, task: JoinHandle<T>) -> T {
        loop {
            let wait = self.settle();
            if task.is_finished() {
                return self.block_on(task).expect("neither panicked nor aborted");
            }
            let most = crate::support::PATIENCE;
            let wait = wait.map_or(most, |wait| wait.min(most));
            assert!(self.wait(wait) || wait < most, "nothing happens any more");
        }
    }

    /// Waits until the runtime's descriptor is readable; false if it was not in time.
    fn wait(&mut self, most: Duration) -> bool {
        self.selector.select(&mut self.events, Some(most)).expect("a select");
        !self.events.is_empty()
    }
}
