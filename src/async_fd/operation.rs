//! The future of an operation: it tries, and waits where it would block, as often as it takes.
//!
//! What `AsyncFd::poll_io` is to the `poll_*` functions this is to the `async` ones of sockets that
//! many tasks share: the wait is an entry of its own, in the slot if that is free and else in the
//! list, so that any number of tasks wait at once (T20), and dropping the future takes it off.
//!
//! For operations from whose count nothing is concluded: messages, accepts, peeks.

use std::{
    future::Future,
    io,
    os::fd::{AsFd, BorrowedFd},
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use super::AsyncFd;
use crate::{
    driver::budget,
    reactor::{Direction, Key, Snapshot, Wait},
};

/// Runs `operation` until it does not block.
#[must_use = "futures do nothing unless awaited"]
pub(crate) struct Operation<'a, T: AsFd, F, const READS: bool> {
    io: &'a AsyncFd<T>,
    operation: F,
    key: Option<Key>,
}

/// The operation is called, never pinned.
impl<T: AsFd, F, const READS: bool> Unpin for Operation<'_, T, F, READS> {}

impl<T: AsFd> AsyncFd<T> {
    /// Tries an operation until it does not block, and waits between. It must have completed or
    /// done nothing: then dropping the future loses nothing.
    #[inline(always)]
    pub(crate) fn operation<const READS: bool, R, F>(
        &self,
        operation: F,
    ) -> Operation<'_, T, F, READS>
    where
        F: FnMut(BorrowedFd<'_>) -> io::Result<R>,
    {
        Operation { io: self, operation, key: None }
    }

    /// Waits as a future does, and registers the direction if it is not.
    #[cold]
    fn park_future(
        &self,
        direction: Direction,
        seen: Snapshot,
        waker: &Waker,
        key: &mut Option<Key>,
    ) -> io::Result<Wait> {
        if key.is_none() && self.registration.park_again(direction, seen, waker) {
            return Ok(Wait::Pending);
        }
        match self.registration.park_future(direction, waker, key) {
            Wait::Unregistered => self.postpone_or_enroll(direction).map(|()| Wait::Pending),
            wait => Ok(wait),
        }
    }

    /// One attempt at an operation, for the `try_` functions: if it would block, that is
    /// remembered, so that the next wait waits.
    #[inline]
    pub(crate) fn attempt<R>(
        &self,
        direction: Direction,
        mut operation: impl FnMut(BorrowedFd<'_>) -> io::Result<R>,
    ) -> io::Result<R> {
        loop {
            let seen = self.registration.snapshot(direction);
            match operation(self.fd()) {
                Ok(value) => return Ok(value),
                Err(error) => match self.settle_attempt(direction, seen, error) {
                    Some(error) => return Err(error),
                    None => continue,
                },
            }
        }
    }
}

impl<T: AsFd, F, const READS: bool> Operation<'_, T, F, READS> {
    const DIRECTION: Direction = if READS { Direction::Read } else { Direction::Write };
}

impl<T, R, F, const READS: bool> Future for Operation<'_, T, F, READS>
where
    T: AsFd,
    F: FnMut(BorrowedFd<'_>) -> io::Result<R>,
{
    type Output = io::Result<R>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        let this = &mut *self;
        let registration = &this.io.registration;
        let mut seen = registration.snapshot(Self::DIRECTION);
        // What waits spends nothing, so this comes before the budget.
        if !seen.is_worth_trying()
            && this.key.is_none()
            && registration.park_again(Self::DIRECTION, seen, cx.waker())
        {
            return Poll::Pending;
        }
        ready!(budget::poll_spend(cx));
        loop {
            if seen.is_worth_trying() {
                match (this.operation)(this.io.fd()) {
                    Ok(value) => return Poll::Ready(Ok(value)),
                    Err(error) => {
                        if let Some(error) = this.io.settle(Self::DIRECTION, seen, error) {
                            return Poll::Ready(Err(error));
                        }
                    }
                }
            } else if this.io.park_future(Self::DIRECTION, seen, cx.waker(), &mut this.key)?
                == Wait::Pending
            {
                budget::refund();
                return Poll::Pending;
            }
            seen = registration.snapshot(Self::DIRECTION);
        }
    }
}

impl<T: AsFd, F, const READS: bool> Drop for Operation<'_, T, F, READS> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.io.registration.forget(key);
        }
    }
}
