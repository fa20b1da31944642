//! Models of a task: wake-ups, polls, aborts, its join handle, its last reference, and the way in
//! from other threads.
//!
//! - `wakes`, `join`: wake-ups and aborts against polls, the handle against completion.
//! - `ends`: several ends at once, and the shutdown.
//! - `inject`: the way in.
//!
//! One model thread is the worker: it alone runs Runnables, which come to it through an [`Inject`]
//! and a bell. The thread-local queue is left out (loom's threads share one, and only the worker
//! would use it). A wake-up that is lost is a deadlock; a cell that is touched out of turn is
//! found by loom; a block that is freed twice, too early or never shows in the scheduler's count.

mod ends;
mod inject;
mod join;
mod wakes;

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use ::loom::thread;

use super::{Inject, JoinHandle, Runnable, Schedule};
use crate::sync::model::{Bell, Place, Tally};

/// The worker's end of the way in.
struct Worker {
    inject: Inject,
    bell: Arc<Bell>,
}

/// What each task holds. Its count says how many blocks there are.
#[derive(Clone)]
struct Scheduler(Arc<Worker>);

impl Schedule for Scheduler {
    fn schedule(&self, runnable: Runnable) {
        if self.0.inject.push(runnable).is_ok() {
            self.0.bell.ring();
        }
    }
}

impl Worker {
    fn new() -> Arc<Worker> {
        Arc::new(Worker { inject: Inject::new(), bell: Bell::new() })
    }

    /// Makes a task that is in no queue yet.
    fn task<F>(self: &Arc<Worker>, future: F) -> (Runnable, JoinHandle<F::Output>)
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        super::new(future, Scheduler(Arc::clone(self)))
    }

    /// How many tasks' blocks there are, if the caller and nobody else has `own` references.
    fn blocks(self: &Arc<Worker>, own: usize) -> usize {
        Arc::strong_count(self) - own
    }

    /// Runs what comes until `done`. On the worker's thread.
    fn run_until(&self, done: impl Fn() -> bool) {
        while !done() {
            let taken: Vec<_> = self.inject.take().collect();
            if taken.is_empty() {
                self.bell.wait();
            }
            taken.into_iter().for_each(Runnable::run);
        }
    }
}

/// What becomes of a future.
#[derive(Default)]
struct Fate {
    polls: Tally,
    drops: Tally,
    output_drops: Tally,
    waker: Place<Waker>,
}

impl Fate {
    fn polls(&self) -> usize {
        self.polls.get()
    }

    fn drops(&self) -> usize {
        self.drops.get()
    }

    fn output_drops(&self) -> usize {
        self.output_drops.get()
    }

    /// The waker of the last poll, taken out.
    fn take_waker(&self) -> Waker {
        self.waker.take().expect("it was polled")
    }
}

/// A future that counts, keeps its waker in its fate, and asserts that it stays on one thread.
struct Fated<F> {
    fate: Arc<Fate>,
    poll: F,
    home: thread::ThreadId,
}

/// Made on the worker's thread.
fn fated<F: FnMut() -> bool>(fate: &Arc<Fate>, ready: F) -> Fated<F> {
    Fated { fate: Arc::clone(fate), poll: ready, home: thread::current().id() }
}

impl<F: FnMut() -> bool + Unpin> Future for Fated<F> {
    type Output = FatedOutput;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<FatedOutput> {
        assert!(self.home == thread::current().id(), "polled elsewhere");
        self.fate.polls.count();
        let old = self.fate.waker.replace(cx.waker().clone());
        drop(old);
        if (self.poll)() { Poll::Ready(FatedOutput(Arc::clone(&self.fate))) } else { Poll::Pending }
    }
}

impl<F> Drop for Fated<F> {
    fn drop(&mut self) {
        assert!(self.home == thread::current().id(), "dropped elsewhere");
        self.fate.drops.count();
    }
}

struct FatedOutput(Arc<Fate>);

impl Drop for FatedOutput {
    fn drop(&mut self) {
        self.0.output_drops.count();
    }
}
