//! How code inside and outside a runtime reaches it: handles, and the free functions that use the
//! current one.

use std::{fmt, future::Future};

use super::{context, scheduler::Shared};
use crate::{driver, metrics::Metrics, sync::Arc, task::JoinHandle};

/// Reaches a runtime from any thread.
///
/// It does not keep the runtime alive: once that is dropped, spawned tasks end at once, cancelled.
///
/// # Examples
///
/// ```
/// let runtime = edgewake::Runtime::new()?;
/// let handle = runtime.handle();
/// let thread = std::thread::spawn(move || handle.spawn(async { 5 }));
/// let task = thread.join().unwrap();
/// assert_eq!(runtime.block_on(task).unwrap(), 5);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Handle {
    pub(super) shared: Arc<Shared>,
}

impl Handle {
    pub(super) fn new(shared: Arc<Shared>) -> Handle {
        Handle { shared }
    }

    pub(super) fn driver(&self) -> &Arc<driver::Shared> {
        &self.shared.driver
    }

    /// The runtime inside which this is called.
    ///
    /// # Panics
    ///
    /// Panics outside of a runtime; [`try_current`](Self::try_current) does not.
    #[track_caller]
    pub fn current() -> Handle {
        Handle::try_current().unwrap_or_else(|| panic_outside())
    }

    /// The runtime inside which this is called, if there is one.
    pub fn try_current() -> Option<Handle> {
        context::with(Handle::clone)
    }

    /// Spawns a task onto the runtime, from any thread.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.shared.spawn(future)
    }

    /// What the runtime has done so far and what it has in hand, in numbers. From any thread, at
    /// the price of three short locks.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let runtime = edgewake::Runtime::new()?;
    /// let handle = runtime.handle();
    /// let before = handle.metrics();
    /// # #[cfg(feature = "time")]
    /// runtime.block_on(edgewake::time::sleep(Duration::from_millis(5)));
    /// // A thread that reports would do this once in a while.
    /// let now = handle.metrics();
    /// let turns = now.turns - before.turns;
    /// println!("{turns} turns, {} tasks, {} timers", now.tasks_alive, now.timers_pending);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn metrics(&self) -> Metrics {
        self.shared.metrics()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

/// Spawns a task onto the current runtime.
///
/// # Panics
///
/// Panics outside of a runtime; [`Handle::spawn`] and
/// [`Runtime::spawn`](crate::Runtime::spawn) work anywhere.
///
/// # Examples
///
/// ```
/// let runtime = edgewake::Runtime::new()?;
/// runtime.block_on(async {
///     let task = edgewake::spawn(async { 40 + 2 });
///     assert_eq!(task.await.unwrap(), 42);
/// });
/// # Ok::<(), std::io::Error>(())
/// ```
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match context::with(|handle| handle.shared.clone()) {
        Some(shared) => shared.spawn(future),
        None => panic_outside(),
    }
}

/// Spawns a task that need not be [`Send`] onto the current runtime.
///
/// # Panics
///
/// Panics outside of a runtime, and in a closure of [`spawn_blocking`](crate::spawn_blocking),
/// whose thread runs no tasks.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc};
///
/// let runtime = edgewake::Runtime::new()?;
/// runtime.block_on(async {
///     let count = Rc::new(Cell::new(0));
///     let inner = Rc::clone(&count);
///     edgewake::spawn_local(async move { inner.set(1) }).await.unwrap();
///     assert_eq!(count.get(), 1);
/// });
/// # Ok::<(), std::io::Error>(())
/// ```
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    // The current runtime's thread is this one, a guest's excepted.
    match context::with_own(|handle| handle.shared.clone()) {
        Some(shared) => shared.spawn(future),
        None => panic_outside(),
    }
}

#[track_caller]
#[cold]
#[inline]
pub(super) fn panic_outside() -> ! {
    panic!(
        "no edgewake runtime is running on this thread: call this inside `Runtime::block_on` or \
         one of its tasks, or spawn through a `Handle`"
    )
}
