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
    task::{Context, Poll, ready},
};

use super::AsyncFd;
use crate::{
    driver::budget,
    reactor::{Direction, Key, Wait},
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
        ready!(budget::poll_spend(cx));
        let this = &mut *self;
        let registration = &this.io.registration;
        loop {
            let seen = registration.snapshot(Self::DIRECTION);
            if seen.is_worth_trying() {
                match (this.operation)(this.io.fd()) {
                    Ok(value) => return Poll::Ready(Ok(value)),
                    Err(error) => match this.io.settle(Self::DIRECTION, seen, error) {
                        Some(error) => return Poll::Ready(Err(error)),
                        None => continue,
                    },
                }
            }
            match registration.park_future(Self::DIRECTION, cx.waker(), &mut this.key) {
                Wait::Retry => {}
                waiting => {
                    if waiting == Wait::Unregistered {
                        this.io.postpone_or_enroll(Self::DIRECTION)?;
                    }
                    budget::refund();
                    return Poll::Pending;
                }
            }
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
