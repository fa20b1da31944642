//! The handle that waits for a task's output, and the error where there is none.

use std::{
    any::Any,
    fmt,
    future::Future,
    io,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use super::cell::TaskRef;
use crate::sync::{Mutex, lock};

/// Waits for a task: a future of its output.
///
/// Dropping it detaches the task, which runs on. [`abort`](Self::abort) ends it. A panic in the
/// task arrives here as a [`JoinError`] and nowhere else.
///
/// # Cancel safety
///
/// Dropping the handle, or a future that borrows it, loses nothing but the output.
///
/// # Panics
///
/// Panics when it is polled again after it has returned the output.
///
/// # Examples
///
/// ```
/// let runtime = edgewake::Runtime::new()?;
/// let sum = runtime.block_on(async {
///     let task = edgewake::spawn(async { 1 + 2 });
///     task.await.unwrap()
/// });
/// assert_eq!(sum, 3);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct JoinHandle<T> {
    task: TaskRef,
    output: PhantomData<fn() -> T>,
}

// SAFETY: the handle moves or drops the output, which is a `T`, on the thread that holds it.
unsafe impl<T: Send> Send for JoinHandle<T> {}
// SAFETY: through `&JoinHandle` only the atomic state is reached.
unsafe impl<T: Send> Sync for JoinHandle<T> {}

impl<T> Unpin for JoinHandle<T> {}

impl<T> JoinHandle<T> {
    pub(super) fn new(task: TaskRef) -> JoinHandle<T> {
        JoinHandle { task, output: PhantomData }
    }

    /// Ends the task: its future is dropped on its own thread, soon, without being polled again.
    ///
    /// The handle then returns an error that [is cancelled](JoinError::is_cancelled), or the
    /// output, if the task was faster.
    pub fn abort(&self) {
        self.task.abort();
    }

    /// Whether the task has completed, was aborted or has panicked, so that the handle's next poll
    /// returns.
    pub fn is_finished(&self) -> bool {
        self.task.state().is_completed()
    }

    fn poll_outcome(&self, cx: &Context<'_>) -> Poll<Result<T, JoinError>> {
        let state = self.task.state();
        if !state.is_completed() && self.store_waker(cx) {
            return Poll::Pending;
        }
        // SAFETY: the task has completed (asked just now, or by the failed transition inside
        // `store_waker`), this is its join handle, and `T` is its output by construction.
        unsafe { self.task.take_outcome() }
    }

    /// Puts the caller's waker into the task. False if the task has completed.
    fn store_waker(&self, cx: &Context<'_>) -> bool {
        let state = self.task.state();
        if state.has_join_waker() {
            // SAFETY: while JOIN_WAKER is set both sides only read.
            if unsafe { self.task.will_wake_join(cx.waker()) } {
                return !state.is_completed();
            }
            if !state.unset_join_waker() {
                return false;
            }
        }
        // SAFETY: JOIN_WAKER is not set, so the waker is the join handle's alone.
        let old = unsafe { self.task.join_waker(|waker| waker.replace(cx.waker().clone())) };
        drop(old);
        state.set_join_waker()
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_outcome(cx)
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        match self.task.state().drop_join_interest() {
            // SAFETY: JOIN_WAKER was taken back with the interest: the waker is ours alone.
            Ok(true) => drop(unsafe { self.task.join_waker(Option::take) }),
            Ok(false) => {}
            // SAFETY: the task has completed and this is its join handle.
            Err(()) => unsafe { self.task.drop_outcome() },
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("finished", &self.is_finished()).finish()
    }
}

/// Why a task, or a closure of [`spawn_blocking`](crate::spawn_blocking), has no output: it
/// panicked, or it was ended before it was done, or there was no thread for it.
pub struct JoinError {
    reason: Reason,
}

enum Reason {
    Cancelled,
    /// In a mutex, so that the error is `Sync` although the payload need not be.
    Panicked(Mutex<Box<dyn Any + Send>>),
    NoThread(io::Error),
}

impl JoinError {
    pub(crate) fn cancelled() -> JoinError {
        JoinError { reason: Reason::Cancelled }
    }

    pub(crate) fn panicked(payload: Box<dyn Any + Send>) -> JoinError {
        JoinError { reason: Reason::Panicked(Mutex::new(payload)) }
    }

    /// For a blocking closure: the error with which a thread could not be started.
    pub(crate) fn no_thread(error: io::Error) -> JoinError {
        JoinError { reason: Reason::NoThread(error) }
    }

    /// Whether the task was aborted, or its runtime dropped.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.reason, Reason::Cancelled)
    }

    /// Whether the task panicked.
    pub fn is_panic(&self) -> bool {
        matches!(self.reason, Reason::Panicked(_))
    }

    /// Whether there was no thread for a closure of [`spawn_blocking`](crate::spawn_blocking), and
    /// none could be started. It has not run, and was dropped. Why is told by
    /// [`source`](std::error::Error::source), an [`io::Error`].
    pub fn is_no_thread(&self) -> bool {
        matches!(self.reason, Reason::NoThread(_))
    }

    /// The payload of the panic, for [`resume_unwind`](std::panic::resume_unwind).
    ///
    /// # Errors
    ///
    /// Returns the error itself if the task did not panic.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send>, JoinError> {
        match self.reason {
            Reason::Panicked(payload) => {
                Ok(payload.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()))
            }
            Reason::Cancelled | Reason::NoThread(_) => Err(self),
        }
    }

    /// The panic's message, where it is a string, as `panic!` makes it.
    fn message(&self) -> Option<String> {
        let Reason::Panicked(payload) = &self.reason else { return None };
        let payload = lock(payload);
        let text = payload.downcast_ref::<&str>().copied().map(str::to_owned);
        text.or_else(|| payload.downcast_ref::<String>().cloned())
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.reason, self.message()) {
            (Reason::Cancelled, _) => f.write_str("the task was cancelled"),
            (Reason::NoThread(error), _) => write!(f, "no thread could be started: {error}"),
            (_, Some(message)) => write!(f, "the task panicked: {message}"),
            (_, None) => f.write_str("the task panicked"),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.reason, self.message()) {
            (Reason::Cancelled, _) => f.write_str("JoinError::Cancelled"),
            (Reason::NoThread(error), _) => write!(f, "JoinError::NoThread({error:?})"),
            (_, message) => write!(f, "JoinError::Panicked({message:?})"),
        }
    }
}

impl std::error::Error for JoinError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.reason {
            Reason::NoThread(error) => Some(error),
            Reason::Cancelled | Reason::Panicked(_) => None,
        }
    }
}

impl From<JoinError> for io::Error {
    fn from(error: JoinError) -> io::Error {
        io::Error::other(error)
    }
}
