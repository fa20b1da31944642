//! Closures that may block: the pool's jobs as users see them.
//!
//! A closure runs as a guest of its runtime (see `context`), so that it can spawn tasks there. It
//! keeps what all threads may touch of the runtime alive while it runs, the runtime itself not.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use super::{Handle, Runtime, context, handle::panic_outside, scheduler::MOVED_MAX};
use crate::{
    blocking::{Failure, Job},
    sync::Arc,
    task::JoinError,
};

/// Waits for a closure of [`spawn_blocking`]: a future of its output.
///
/// Dropping it detaches the closure, which runs all the same. [`abort`](Self::abort) keeps one that
/// has not started from running. A panic of the closure arrives here as a [`JoinError`] and nowhere
/// else; so does that there was no thread for it ([`JoinError::is_no_thread`]).
///
/// # Cancel safety
///
/// Dropping the handle, or a future that borrows it, loses nothing but the output.
///
/// # Panics
///
/// Panics when it is polled again after it has returned the output.
pub struct BlockingHandle<T> {
    job: Job<T>,
}

impl<T> BlockingHandle<T> {
    /// Takes the closure off the queue and drops it, if no thread has started it. The handle then
    /// returns an error that [is cancelled](JoinError::is_cancelled).
    ///
    /// A closure that runs cannot be stopped: the handle returns its output.
    pub fn abort(&self) {
        self.job.withdraw();
    }

    /// Whether the closure has returned, has panicked or was aborted, so that the handle's next
    /// poll returns.
    pub fn is_finished(&self) -> bool {
        self.job.is_finished()
    }
}

impl<T> Future for BlockingHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, JoinError>> {
        let outcome = ready!(Pin::new(&mut self.job).poll(cx));
        Poll::Ready(outcome.map_err(|failure| match failure {
            Failure::Cancelled => JoinError::cancelled(),
            Failure::Panicked(payload) => JoinError::panicked(payload),
            Failure::NoThread(error) => JoinError::no_thread(error),
        }))
    }
}

impl<T> fmt::Debug for BlockingHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingHandle").field("finished", &self.is_finished()).finish()
    }
}

impl Handle {
    /// As [`spawn_blocking`], from any thread.
    ///
    /// Once the runtime has been dropped the closure is dropped at once, cancelled.
    pub fn spawn_blocking<F, T>(&self, function: F) -> BlockingHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        // Boxed like a large future, and for the same reason (T85).
        if size_of::<F>() > MOVED_MAX {
            self.submit(Box::new(function))
        } else {
            self.submit(function)
        }
    }

    fn submit<F, T>(&self, function: F) -> BlockingHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let runtime = self.clone();
        let job = Job::submit(self.driver().blocking().pool(), move || {
            let _visiting = context::visit(runtime);
            function()
        });
        BlockingHandle { job }
    }
}

impl Runtime {
    /// As [`spawn_blocking`], outside of the runtime's tasks. It starts at once, whether the
    /// runtime is inside [`block_on`](Self::block_on) or not.
    pub fn spawn_blocking<F, T>(&self, function: F) -> BlockingHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Handle::new(Arc::clone(&self.shared)).spawn_blocking(function)
    }
}

/// Runs a closure that may block, on a thread of the current runtime's pool.
///
/// The pool starts threads as they are needed, up to
/// [`Builder::blocking_threads`](crate::Builder::blocking_threads); beyond that closures wait their
/// turn. Where the system lets it start no more, those that there are serve all; if there is none,
/// the closure is dropped, and the handle's error says so ([`JoinError::is_no_thread`]).
///
/// Inside the closure the runtime is current: [`spawn`](crate::spawn) and [`Handle::current`] work,
/// and a `block_on` of another runtime does, since nothing waits for this thread but the handle.
///
/// Dropping the runtime drops the closures that have not started, and waits for none that run:
/// these end in their own time, or with the process.
///
/// # Panics
///
/// Panics outside of a runtime; [`Handle::spawn_blocking`] and
/// [`Runtime::spawn_blocking`](crate::Runtime::spawn_blocking) work anywhere.
///
/// # Examples
///
/// ```
/// let runtime = edgewake::Runtime::new()?;
/// runtime.block_on(async {
///     let length = edgewake::spawn_blocking(|| std::fs::read("Cargo.toml").map(|all| all.len()));
///     // Meanwhile the loop turns.
///     assert!(length.await.unwrap()? > 0);
///     # Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[track_caller]
pub fn spawn_blocking<F, T>(function: F) -> BlockingHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    match context::with(Handle::clone) {
        Some(runtime) => runtime.spawn_blocking(function),
        None => panic_outside(),
    }
}
