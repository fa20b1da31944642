//! The future of an operation on a socket's error queue: it tries, and waits for the next error
//! event, as often as it takes.
//!
//! The queue has no bit of its own. An error event says that something is in it, but the bit that
//! the event sets is cleared by whoever next finds no *data* (the kernel has then said that nothing
//! holds now), and it outlives what was in the queue where nobody does. So what this waits for is
//! an event that came after its own attempt, by the generation of the reading side: no event is
//! missed, and none is waited through twice (T88).

use std::{
    future::Future,
    io,
    os::fd::{AsFd, BorrowedFd},
    pin::Pin,
    task::{Context, Poll, ready},
};

use super::AsyncFd;
use crate::{
    driver::{budget, context},
    reactor::{Direction, Key, Wait, bits},
};

/// Runs `operation` until it does not block, after each error event.
#[must_use = "futures do nothing unless awaited"]
pub(crate) struct OnErrors<'a, T: AsFd, F> {
    io: &'a AsyncFd<T>,
    operation: F,
    key: Option<Key>,
}

/// The operation is called, never pinned.
impl<T: AsFd, F> Unpin for OnErrors<'_, T, F> {}

impl<T: AsFd> AsyncFd<T> {
    /// Tries an operation on the error queue until it does not block. It must have completed or
    /// done nothing: then dropping the future loses nothing.
    pub(crate) fn on_errors<R, F>(&self, operation: F) -> OnErrors<'_, T, F>
    where
        F: FnMut(BorrowedFd<'_>) -> io::Result<R>,
    {
        OnErrors { io: self, operation, key: None }
    }
}

impl<T, R, F> Future for OnErrors<'_, T, F>
where
    T: AsFd,
    F: FnMut(BorrowedFd<'_>) -> io::Result<R>,
{
    type Output = io::Result<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        ready!(budget::poll_spend(cx));
        let this = &mut *self;
        let registration = &this.io.registration;
        loop {
            // Before the attempt, which tells of all that came before this.
            let seen = registration.snapshot(Direction::Read);
            match (this.operation)(this.io.fd()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return Poll::Ready(outcome),
            }
            if seen.is_shut() {
                return Poll::Ready(Err(registration.shut_down()));
            }
            if !seen.is_registered() {
                // Reports at once what is in the queue by then.
                let interest = registration.interest(Direction::Read);
                registration.enroll(this.io.fd(), interest, context::reactor())?;
            }
            let due = bits::ERROR | bits::SHUT;
            // Unregistered, behind our back, it has to be registered again.
            if registration.park_beyond(seen, due, cx.waker(), &mut this.key) == Wait::Pending {
                budget::refund();
                return Poll::Pending;
            }
        }
    }
}

impl<T: AsFd, F> Drop for OnErrors<'_, T, F> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.io.registration.forget(key);
        }
    }
}
