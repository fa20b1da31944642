//! The part of a runtime that wakers and handles reach from any thread.
//!
//! A Runnable that is scheduled on the worker's thread goes into its queue; from elsewhere it goes
//! through the injection queue, and the worker is kicked if it is waiting.

use std::future::Future;

use crate::{
    driver,
    metrics::{Counters, Elsewhere},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{self, Inject, JoinHandle, Runnable, Schedule},
};

/// A future larger than this gets a box of its own before it moves into its task: each move on the
/// way can be a copy on the stack, and in unoptimised code each is. A future of 1 MiB cost eight
/// of them there, which overflowed the stack of a main thread (T85).
pub(super) const MOVED_MAX: usize = if cfg!(debug_assertions) { 2 << 10 } else { 16 << 10 };

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) inject: Inject,
    pub(super) driver: Arc<driver::Shared>,
    pub(super) counters: Counters,
    pub(super) elsewhere: Elsewhere,
    /// The runtime is being dropped, and takes no tasks.
    closed: AtomicBool,
}

/// What each task holds.
#[derive(Clone, Debug)]
pub(super) struct Scheduler(Arc<Shared>);

impl Shared {
    pub(super) fn new(driver: Arc<driver::Shared>) -> Shared {
        Shared {
            inject: Inject::new(),
            driver,
            counters: Counters::default(),
            elsewhere: Elsewhere::default(),
            closed: AtomicBool::new(false),
        }
    }

    /// By what the worker's thread knows this runtime. Nonzero, and nobody else's while it lives.
    #[inline(always)]
    pub(super) fn identity(self: &Arc<Shared>) -> usize {
        Arc::as_ptr(self).addr()
    }

    /// Makes a task and schedules it. A future that is not Send may only come here on the
    /// worker's thread.
    #[inline]
    pub(super) fn spawn<F>(self: &Arc<Shared>, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        if size_of::<F>() > MOVED_MAX {
            self.spawn_moved(Box::pin(future))
        } else {
            self.spawn_moved(future)
        }
    }

    fn spawn_moved<F>(self: &Arc<Shared>, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let (runnable, handle) = task::new(future, Scheduler(Arc::clone(self)));
        if !task::is_installed(self.identity()) {
            self.inject(runnable);
        } else if self.is_closed() {
            task::refuse(runnable);
        } else {
            self.counters.spawns.add(1);
            self.admit(runnable);
        }
        handle
    }

    /// Sends a new task to the worker. If that has gone, the task ends here, cancelled.
    fn inject(&self, runnable: Runnable) {
        match self.inject.push(runnable) {
            Ok(()) => {
                self.elsewhere.spawns.increment();
                self.driver.unpark();
            }
            Err(runnable) => task::refuse(runnable),
        }
    }

    /// Takes over what was injected. On the worker's thread.
    #[cold]
    pub(super) fn adopt(self: &Arc<Shared>) {
        for runnable in self.inject.take() {
            self.admit(runnable);
        }
    }

    fn admit(self: &Arc<Shared>, runnable: Runnable) {
        self.counters.admissions.add(1);
        task::push_new(self.identity(), runnable);
    }

    /// `block_on` polls its own future, which was in no queue.
    pub(super) fn count_root_poll(&self) {
        self.counters.admissions.add(1);
        self.counters.polls.add(1);
    }

    /// The runtime is being dropped, or has been.
    pub(super) fn is_closed(&self) -> bool {
        // Relaxed: asked by `spawn` on the thread that runs `close`, and for a snapshot.
        self.closed.load(Ordering::Relaxed)
    }

    /// Refuses tasks from now on, and returns those that were on their way.
    pub(super) fn close(&self) -> impl Iterator<Item = Runnable> + use<> {
        // Relaxed: other threads are refused by the injection queue, under its lock.
        self.closed.store(true, Ordering::Relaxed);
        self.inject.close()
    }
}

impl Schedule for Scheduler {
    #[inline(always)]
    fn schedule(&self, runnable: Runnable) {
        match task::push(self.0.identity(), runnable) {
            Ok(()) => self.0.counters.local_wakes.add(1),
            Err(runnable) => self.schedule_from_elsewhere(runnable),
        }
    }

    fn retire(&self) {
        self.0.counters.completions.add(1);
    }
}

impl Scheduler {
    #[cold]
    fn schedule_from_elsewhere(&self, runnable: Runnable) {
        // Refused: the runtime is being dropped and has withdrawn the Runnable of every task, or
        // will; this one is of no use any more.
        if self.0.inject.push(runnable).is_ok() {
            self.0.elsewhere.wakes.increment();
            self.0.driver.unpark();
        }
    }
}
