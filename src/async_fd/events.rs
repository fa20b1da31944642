//! The future of an operation for whose outcome no bit stands: it tries, and waits for the next
//! event that may have changed it, as often as it takes.
//!
//! - A socket's error queue. An error event says that something is in it, but the bit that the
//!   event sets is cleared by whoever next finds no *data* (the kernel has then said that nothing
//!   holds now), and it outlives what was in the queue where nobody does.
//! - The end of a pipe, which a FIFO may have and lose again, while its bit stays until somebody
//!   finds nothing to read (T88), or no room.
//!
//! So what this waits for is an event that came after its own attempt, by the generation of the
//! direction: no event is missed, and none is waited through twice.

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

/// Runs `operation` until it does not block, after each event with one of `due`.
#[must_use = "futures do nothing unless awaited"]
pub(crate) struct OnEvents<'a, T: AsFd, F, const READS: bool> {
    io: &'a AsyncFd<T>,
    due: u64,
    operation: F,
    key: Option<Key>,
}

/// The operation is called, never pinned.
impl<T: AsFd, F, const READS: bool> Unpin for OnEvents<'_, T, F, READS> {}

impl<T: AsFd> AsyncFd<T> {
    /// Tries an operation on the error queue until it does not block. It must have completed or
    /// done nothing: then dropping the future loses nothing.
    #[cfg(feature = "net")]
    pub(crate) fn on_errors<R, F>(&self, operation: F) -> OnEvents<'_, T, F, true>
    where
        F: FnMut(BorrowedFd<'_>) -> io::Result<R>,
    {
        OnEvents { io: self, due: bits::ERROR | bits::SHUT, operation, key: None }
    }

    /// Asks until the answer is yes, again after each event that the other end may have caused by
    /// going; or by anything, if `or_data`.
    pub(crate) fn until<const READS: bool, F>(
        &self,
        or_data: bool,
        mut question: F,
    ) -> impl Future<Output = io::Result<()>>
    where
        F: FnMut(BorrowedFd<'_>) -> io::Result<bool>,
    {
        let data = if or_data { bits::DATA } else { 0 };
        let due = bits::CLOSED | bits::ERROR | bits::SHUT | data;
        let operation = move |fd: BorrowedFd<'_>| match question(fd)? {
            true => Ok(()),
            false => Err(io::ErrorKind::WouldBlock.into()),
        };
        OnEvents::<_, _, READS> { io: self, due, operation, key: None }
    }
}

impl<T: AsFd, F, const READS: bool> OnEvents<'_, T, F, READS> {
    const DIRECTION: Direction = if READS { Direction::Read } else { Direction::Write };
}

impl<T, R, F, const READS: bool> Future for OnEvents<'_, T, F, READS>
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
            let seen = registration.snapshot(Self::DIRECTION);
            match (this.operation)(this.io.fd()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return Poll::Ready(outcome),
            }
            if seen.is_shut() {
                return Poll::Ready(Err(registration.shut_down()));
            }
            if !seen.is_registered() {
                // Reports at once what holds by then.
                let interest = registration.interest(Self::DIRECTION);
                registration.enroll(this.io.fd(), interest, context::reactor())?;
            }
            // Unregistered, behind our back, it has to be registered again.
            let (waker, due) = (cx.waker(), this.due);
            let wait = registration.park_beyond(Self::DIRECTION, seen, due, waker, &mut this.key);
            if wait == Wait::Pending {
                budget::refund();
                return Poll::Pending;
            }
        }
    }
}

impl<T: AsFd, F, const READS: bool> Drop for OnEvents<'_, T, F, READS> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.io.registration.forget(key);
        }
    }
}
