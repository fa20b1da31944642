//! The futures that wait for readiness. They borrow the socket, and take their entry off its wait
//! list when they are dropped.

use std::{
    future::Future,
    io,
    os::fd::{AsFd, BorrowedFd},
    pin::Pin,
    task::{Context, Poll, ready},
};

use edgewake_sys::Interest;

use super::AsyncFd;
use crate::{
    driver::{budget, context},
    reactor::{Direction, Key, Registration, Wait, Wanted, bits},
};

/// What ends a wait for data, if the direction is registered.
const DUE: u64 = bits::DATA | bits::CLOSED | bits::ERROR;

/// What makes waiting for data end: data, the end of it, an error, the end of the reactor.
const OVER: u64 = bits::DATA | bits::CLOSED | bits::ERROR | bits::SHUT;

/// What makes waiting for urgent data end. An error is none: the descriptors that report both at
/// once (sysfs attributes) keep theirs for ever.
const URGENT: u64 = bits::PRIORITY | bits::CLOSED | bits::SHUT;

/// Waits until one direction is ready.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub(crate) struct ReadyFor<'a, T: AsFd, const READS: bool> {
    io: &'a AsyncFd<T>,
    key: Option<Key>,
}

impl<'a, T: AsFd, const READS: bool> ReadyFor<'a, T, READS> {
    const DIRECTION: Direction = if READS { Direction::Read } else { Direction::Write };

    #[inline(always)]
    pub(super) fn new(io: &'a AsyncFd<T>) -> ReadyFor<'a, T, READS> {
        ReadyFor { io, key: None }
    }

    /// Whatever is not "registered, and ready or at rest".
    #[cold]
    fn poll_slowly(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(budget::poll_spend(cx));
        let registration = &self.io.registration;
        loop {
            let seen = registration.snapshot(Self::DIRECTION);
            if seen.is_shut() {
                return Poll::Ready(Err(registration.shut_down()));
            }
            if !seen.is_registered() {
                let interest = registration.interest(Self::DIRECTION);
                registration.enroll(self.io.fd(), interest, context::reactor())?;
            } else if seen.word() & DUE != 0 {
                return Poll::Ready(Ok(()));
            } else if registration.park_future(Self::DIRECTION, cx.waker(), &mut self.key)
                == Wait::Pending
            {
                budget::refund();
                return Poll::Pending;
            }
        }
    }
}

impl<T: AsFd, const READS: bool> Future for ReadyFor<'_, T, READS> {
    type Output = io::Result<()>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let registration = &this.io.registration;
        let seen = registration.snapshot(Self::DIRECTION);
        if seen.is_due() {
            ready!(budget::poll_spend(cx));
            if this.key.is_none() {
                // Known here, so that the drop has nothing to look at. Who waited in the list takes
                // the other way, and spends one operation more.
                return Poll::Ready(Ok(()));
            }
        // What waits spends nothing.
        } else if this.key.is_none() && registration.park_again(Self::DIRECTION, seen, cx.waker()) {
            return Poll::Pending;
        }
        this.poll_slowly(cx)
    }
}

impl<T: AsFd, const READS: bool> Drop for ReadyFor<'_, T, READS> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.io.registration.forget(key);
        }
    }
}

/// Waits until something of any interest is ready, in the wait list.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub(crate) struct Ready<'a> {
    registration: &'a Registration,
    fd: BorrowedFd<'a>,
    interest: Interest,
    key: Option<Key>,
}

impl<'a> Ready<'a> {
    #[inline]
    pub(super) fn new(
        registration: &'a Registration,
        fd: BorrowedFd<'a>,
        interest: Interest,
    ) -> Ready<'a> {
        Ready { registration, fd, interest, key: None }
    }

    fn wanted(&self) -> Wanted {
        let read = if self.interest.is_readable() { OVER } else { 0 };
        let urgent = if self.interest.is_priority() { URGENT } else { 0 };
        let write = if self.interest.is_writable() { OVER } else { 0 };
        Wanted { read: read | urgent, write }
    }
}

impl Future for Ready<'_> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(budget::poll_spend(cx));
        let this = &mut *self;
        let registration = this.registration;
        if this.interest.is_empty() {
            let sentence = "an empty interest waits for nothing";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidInput, sentence)));
        }
        if registration.snapshot(Direction::Read).is_shut() {
            return Poll::Ready(Err(registration.shut_down()));
        }
        let interest = registration.widened(this.interest);
        let wanted = this.wanted();
        if enlist(registration, this.fd, interest, wanted, cx, &mut this.key)? != Wait::Retry {
            budget::refund();
            return Poll::Pending;
        }
        if registration.snapshot(Direction::Read).is_shut() {
            return Poll::Ready(Err(registration.shut_down()));
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Ready<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.registration.forget(key);
        }
    }
}

/// Waits until the reading side is in a certain condition: closed, or with urgent data. What else
/// happens to it does not wake this.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub(crate) struct Watch<'a> {
    registration: &'a Registration,
    fd: BorrowedFd<'a>,
    interest: Interest,
    until: u64,
    key: Option<Key>,
}

impl<'a> Watch<'a> {
    /// Until the peer has closed its writing half, or the connection is gone.
    #[inline]
    pub(super) fn closed(registration: &'a Registration, fd: BorrowedFd<'a>) -> Watch<'a> {
        let interest = registration.interest(Direction::Read);
        Watch { registration, fd, interest, until: bits::CLOSED | bits::SHUT, key: None }
    }

    /// Until there is urgent data, or certainly will be none.
    #[inline]
    pub(super) fn urgent(registration: &'a Registration, fd: BorrowedFd<'a>) -> Watch<'a> {
        // A close is reported only where reading is registered.
        let interest = registration.interest(Direction::Read) | Interest::PRIORITY;
        Watch { registration, fd, interest, until: URGENT, key: None }
    }
}

impl Future for Watch<'_> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(budget::poll_spend(cx));
        let this = &mut *self;
        let wanted = Wanted { read: this.until, write: 0 };
        let registration = this.registration;
        match enlist(registration, this.fd, this.interest, wanted, cx, &mut this.key)? {
            Wait::Retry if registration.snapshot(Direction::Read).is_shut() => {
                Poll::Ready(Err(registration.shut_down()))
            }
            Wait::Retry => Poll::Ready(Ok(())),
            Wait::Pending | Wait::Unregistered => {
                budget::refund();
                Poll::Pending
            }
        }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.registration.forget(key);
        }
    }
}

/// Registers `interest` and waits in the list for `wanted`; again, if the registration was lost in
/// between (a rebuilt selector refused it), when the entry could not be woken yet.
#[inline]
fn enlist(
    registration: &Registration,
    fd: BorrowedFd<'_>,
    interest: Interest,
    wanted: Wanted,
    cx: &Context<'_>,
    key: &mut Option<Key>,
) -> io::Result<Wait> {
    loop {
        registration.enroll(fd, interest, context::reactor())?;
        match registration.park_keyed(wanted, cx.waker(), key) {
            Wait::Unregistered if !registration.is_enrolled(interest) => {}
            wait => return Ok(wait),
        }
    }
}
