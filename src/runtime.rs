//! Policy: which task runs next, how often the kernel is asked, when the thread waits.
//!
//! - `scheduler`: the part of a runtime that wakers and handles reach from any thread.
//! - `builder`, `handle`: how users make a runtime, and how they reach it.
//! - `blocking`: closures that may block, on the threads of the driver's pool.
//! - `metrics`: the snapshot of what is counted.
//! - `root`: the waker of `block_on`'s own future.
//! - `context`: which runtime is current on a thread.
//!
//! It ties `driver` (readiness, timers) and `task` (futures) together; nothing below names it.
//!
//! # A round
//!
//! 1. Adopt what other threads injected.
//! 2. Poll `block_on`'s future, if it was woken.
//! 3. Run at most [`ROUND`] tasks of the queue.
//! 4. If anything is left to run: go on with 1, but after `event_interval` polls ask the driver
//!    first, without waiting. If nothing is: a turn of the driver that waits.

mod blocking;
mod builder;
mod context;
mod handle;
#[cfg(all(test, edgewake_loom))]
mod loom;
mod metrics;
mod root;
mod scheduler;
mod yield_now;

use std::{
    cell::{RefCell, RefMut},
    fmt,
    future::Future,
    io,
    marker::PhantomData,
    os::fd::{AsFd, BorrowedFd},
    pin::pin,
    task::{Context, Poll},
    time::Duration,
};

use edgewake_sys::thread::set_timer_slack;

pub use self::{
    blocking::{BlockingHandle, spawn_blocking},
    builder::Builder,
    handle::{Handle, spawn, spawn_local},
    yield_now::{YieldNow, yield_now},
};
use self::{root::Root, scheduler::Shared};
use crate::{
    choice,
    driver::{self, Driver, budget},
    metrics::Metrics,
    sync::Arc,
    task::{self, JoinHandle, Local},
};

/// Tasks to run before `block_on`'s own future and the injection queue get a look.
const ROUND: u32 = 32;

/// An event loop with its tasks, on the thread that calls [`block_on`](Runtime::block_on).
///
/// It starts no thread, but for [`spawn_blocking`] and for names that are looked up. Tasks run only
/// inside `block_on` (or [`turn`](Runtime::turn)), on the calling thread, which is why a runtime
/// cannot be sent to another; its [`Handle`] can. Several runtimes can live side by side.
///
/// Dropping it drops every task's future, and the closures that no thread has started; sockets that
/// outlive it return [`BrokenPipe`](io::ErrorKind::BrokenPipe) where they would have to wait.
///
/// # Examples
///
/// ```
/// let runtime = edgewake::Runtime::new()?;
/// let answer = runtime.block_on(async { 6 * 7 });
/// assert_eq!(answer, 42);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Runtime {
    shared: Arc<Shared>,
    core: RefCell<Core>,
    event_interval: u32,
    timer_slack: Option<Duration>,
    /// It may hold tasks that are not Send.
    not_send: PhantomData<*const ()>,
}

/// What one thread at a time uses to run the loop.
#[derive(Debug)]
struct Core {
    driver: Driver,
    local: Local,
}

impl Runtime {
    /// Creates a runtime with the default settings of [`Builder`].
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE` or `ENOMEM`: a runtime takes two descriptors, with the pipe notifier
    /// three.
    pub fn new() -> io::Result<Runtime> {
        Builder::new().build()
    }

    /// Runs a future to its end, and the runtime's tasks beside it, on this thread.
    ///
    /// Tasks that are not finished by then stay, and go on in the next call.
    ///
    /// # Panics
    ///
    /// Panics inside another `block_on` of this thread, of whatever runtime: it would block the
    /// tasks of the outer one. A panic of the future goes through; the runtime stays usable.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let mut session = Session::begin(self);
        let root = Root::new(&self.shared);
        let waker = root.waker();
        let mut cx = Context::from_waker(&waker);
        let mut future = pin!(future);
        loop {
            if root.take_wake() {
                session.polls += 1;
                self.shared.count_root_poll();
                budget::refill();
                if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                    return output;
                }
            }
            if let Err(error) = session.run_until_woken(&root) {
                panic!("edgewake cannot ask the kernel for events any more: {error}");
            }
        }
    }

    /// Spawns a task onto this runtime; it runs inside the next [`block_on`](Self::block_on).
    ///
    /// # Examples
    ///
    /// ```
    /// let runtime = edgewake::Runtime::new()?;
    /// let task = runtime.spawn(async { "done" });
    /// assert_eq!(runtime.block_on(task).unwrap(), "done");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.shared.spawn(future)
    }

    /// Spawns a task that need not be [`Send`].
    pub fn spawn_local<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        // The runtime is not Send, so this is the thread that will run the task.
        self.shared.spawn(future)
    }

    /// What this runtime has done so far and what it has in hand, in numbers.
    ///
    /// A monitoring thread calls [`Handle::metrics`]. See [`Metrics`].
    pub fn metrics(&self) -> Metrics {
        self.shared.metrics()
    }

    /// A handle to this runtime, for other threads.
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.shared))
    }

    /// One turn for a foreign loop: runs what is ready, asks the kernel once, never waits.
    ///
    /// Returns how long the foreign loop may wait for the runtime's [descriptor](AsFd) to become
    /// readable before it calls this again: zero if there is more to do, `None` if only the
    /// descriptor can bring work. Wake-ups from other threads make it readable too.
    ///
    /// # Errors
    ///
    /// What the kernel's selector returns; only a closed descriptor causes one.
    ///
    /// # Panics
    ///
    /// Panics inside [`block_on`](Self::block_on).
    ///
    /// # Examples
    ///
    /// ```
    /// let runtime = edgewake::Runtime::new()?;
    /// let task = runtime.spawn(async { 7 });
    /// while !task.is_finished() {
    ///     let _wait = runtime.turn()?;
    ///     // A real loop polls the runtime's descriptor for that long, beside its own.
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn turn(&self) -> io::Result<Option<Duration>> {
        let mut session = Session::begin(self);
        session.run_tasks();
        session.turn_without_waiting()?;
        session.run_tasks();
        Ok(session.park_outside())
    }
}

impl AsFd for Runtime {
    /// The descriptor that becomes readable when [`turn`](Runtime::turn) has something to do.
    ///
    /// It is only to be polled for reading. Once lent, the runtime ends every registration by a
    /// system call of its own (ARCHITECTURE.md, "drop order").
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.driver.reactor().lend();
        self.shared.driver.reactor().selector().as_fd()
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let interval = &self.event_interval;
        f.debug_struct("Runtime").field("event_interval", interval).finish_non_exhaustive()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        {
            // Futures are dropped with their worker installed, as they would be in `block_on`:
            // what they wake, or try to spawn, finds its runtime.
            let _session = Session::install(self);
            let late = self.shared.close();
            task::cancel_all(late);
        }
        self.core.get_mut().driver.shut();
    }
}

/// A runtime that is current on this thread, its queue installed, until this drops.
#[derive(Debug)]
struct Session<'a> {
    runtime: &'a Runtime,
    core: RefMut<'a, Core>,
    /// What was installed before.
    outer: Option<Local>,
    slack_before: Option<Duration>,
    /// Since the driver was asked last.
    polls: u32,
    _driver: driver::context::Entered,
    _runtime: context::Entered,
}

impl<'a> Session<'a> {
    #[track_caller]
    fn begin(runtime: &'a Runtime) -> Session<'a> {
        assert!(
            !context::is_entered(),
            "`Runtime::block_on` was called inside a runtime: it would block the tasks of this \
             thread. Await the future, or spawn it, instead"
        );
        let mut session = Session::install(runtime);
        session.slack_before = runtime.timer_slack.and_then(|slack| set_timer_slack(slack).ok());
        session
    }

    /// Without the check and the settings of `begin`: for a runtime that is dropped, perhaps inside
    /// another one.
    #[track_caller]
    fn install(runtime: &'a Runtime) -> Session<'a> {
        let mut core = runtime.core.borrow_mut();
        let outer = core.local.install();
        core.driver.begin();
        Session {
            runtime,
            core,
            outer: Some(outer),
            slack_before: None,
            polls: 0,
            _driver: driver::context::enter(Arc::clone(&runtime.shared.driver)),
            _runtime: context::enter(Handle::new(Arc::clone(&runtime.shared))),
        }
    }

    /// Adopts what was injected, and runs a round of tasks.
    #[inline]
    fn run_tasks(&mut self) {
        let shared = &self.runtime.shared;
        if shared.inject.is_occupied() && !choice::postpone("adopt") {
            shared.adopt();
        }
        let polls = &shared.counters.polls;
        let round = choice::at_most("round", ROUND);
        let mut left = round;
        while let Some(runnable) = task::pop() {
            polls.add(1);
            budget::refill();
            runnable.run();
            choice::moment("a task");
            left -= 1;
            if left == 0 {
                break;
            }
        }
        self.polls += round - left;
    }

    /// Rounds and turns until the root has to be polled. One text for all `block_on`, whatever
    /// their futures.
    #[inline(never)]
    fn run_until_woken(&mut self, root: &Root) -> io::Result<()> {
        loop {
            self.run_tasks();
            self.turn_if_due(root)?;
            if root.is_woken() && !choice::postpone("root") {
                return Ok(());
            }
        }
    }

    /// Asks the driver: without waiting if there is work and it is time to, waiting if there is
    /// none.
    #[inline(always)]
    fn turn_if_due(&mut self, root: &Root) -> io::Result<()> {
        let inject = &self.runtime.shared.inject;
        let more = || !task::is_empty() || root.is_woken() || inject.is_occupied();
        if !more() {
            self.polls = 0;
            return self.core.driver.turn(more);
        }
        if self.polls < choice::at_most("interval", self.runtime.event_interval) {
            return Ok(());
        }
        self.turn_without_waiting()
    }

    #[inline(never)]
    fn turn_without_waiting(&mut self) -> io::Result<()> {
        self.polls = 0;
        self.core.driver.look()
    }

    /// How long a foreign loop may wait; from then on, whoever pushes kicks.
    fn park_outside(&mut self) -> Option<Duration> {
        let inject = &self.runtime.shared.inject;
        let more = || !task::is_empty() || inject.is_occupied();
        if self.core.driver.park_outside(more) {
            self.core.driver.until_next_timer()
        } else {
            Some(Duration::ZERO)
        }
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        self.core.driver.end();
        if let Some(outer) = self.outer.take() {
            self.core.local.uninstall(outer);
        }
        if let Some(slack) = self.slack_before {
            // The value was the thread's own a moment ago; that it could be set shows that the
            // call exists.
            let _restored: io::Result<Duration> = set_timer_slack(slack);
        }
    }
}
