//! The futures that wait for readiness. They borrow the socket, and take their entry off its wait
//! list when they are dropped.

use std::{
    future::Future,
    io,
    os::fd::BorrowedFd,
    pin::Pin,
    task::{Context, Poll, ready},
};

use edgewake_sys::Interest;

use crate::{
    driver::{budget, context},
    reactor::{Direction, Key, Registration, Wait, Wanted, bits},
};

/// What makes waiting for data end: data, the end of it, an error, the end of the reactor.
const OVER: u64 = bits::DATA | bits::CLOSED | bits::ERROR | bits::SHUT;

/// Waits until something of an interest is ready.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub(crate) struct Ready<'a> {
    registration: &'a Registration,
    fd: BorrowedFd<'a>,
    interest: Interest,
    key: Option<Key>,
}

impl<'a> Ready<'a> {
    #[inline(always)]
    pub(super) fn new(
        registration: &'a Registration,
        fd: BorrowedFd<'a>,
        interest: Interest,
    ) -> Ready<'a> {
        Ready { registration, fd, interest, key: None }
    }

    /// The usual case: one direction, registered.
    #[inline(always)]
    fn poll_direction(
        &mut self,
        direction: Direction,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let seen = self.registration.snapshot(direction);
            if seen.word() & OVER != 0 && seen.is_registered() {
                return self.finish(seen.is_shut());
            }
            if !seen.is_registered() {
                self.enroll(self.registration.interest(direction))?;
                continue;
            }
            match self.registration.park_future(direction, cx.waker(), &mut self.key) {
                Wait::Pending => return Poll::Pending,
                Wait::Retry | Wait::Unregistered => {}
            }
        }
    }

    /// Both directions, or urgent data: in the list.
    #[cold]
    fn poll_any(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let interest = self.interest;
        if interest.is_empty() {
            let sentence = "an empty interest waits for nothing";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidInput, sentence)));
        }
        self.enroll(interest)?;
        let read = if interest.is_readable() { OVER } else { 0 };
        let urgent = if interest.is_priority() { bits::PRIORITY | bits::SHUT } else { 0 };
        let write = if interest.is_writable() { OVER } else { 0 };
        let wanted = Wanted { read: read | urgent, write };
        match self.registration.park_keyed(wanted, cx.waker(), &mut self.key) {
            Wait::Retry => self.finish(self.registration.snapshot(Direction::Read).is_shut()),
            Wait::Pending | Wait::Unregistered => Poll::Pending,
        }
    }

    #[cold]
    fn enroll(&self, interest: Interest) -> io::Result<()> {
        self.registration.enroll(self.fd, interest, context::reactor())
    }

    #[inline(always)]
    fn finish(&mut self, shut: bool) -> Poll<io::Result<()>> {
        if shut {
            return Poll::Ready(Err(self.registration.shut_down()));
        }
        budget::spend();
        Poll::Ready(Ok(()))
    }
}

impl Future for Ready<'_> {
    type Output = io::Result<()>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(budget::poll_proceed(cx));
        match self.interest {
            Interest::READABLE | Interest::INCOMING => self.poll_direction(Direction::Read, cx),
            Interest::WRITABLE => self.poll_direction(Direction::Write, cx),
            _ => self.poll_any(cx),
        }
    }
}

impl Drop for Ready<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.registration.forget(key);
        }
    }
}

/// Waits until the peer has closed its writing half, or the connection is gone. Data does not
/// wake it.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub(crate) struct Closed<'a> {
    registration: &'a Registration,
    fd: BorrowedFd<'a>,
    key: Option<Key>,
}

impl<'a> Closed<'a> {
    pub(super) fn new(registration: &'a Registration, fd: BorrowedFd<'a>) -> Closed<'a> {
        Closed { registration, fd, key: None }
    }
}

impl Future for Closed<'_> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(budget::poll_proceed(cx));
        let interest = self.registration.interest(Direction::Read);
        self.registration.enroll(self.fd, interest, context::reactor())?;
        let wanted = Wanted { read: bits::CLOSED | bits::SHUT, write: 0 };
        let registration = self.registration;
        match registration.park_keyed(wanted, cx.waker(), &mut self.key) {
            Wait::Retry if registration.snapshot(Direction::Read).is_shut() => {
                Poll::Ready(Err(registration.shut_down()))
            }
            Wait::Retry => {
                budget::spend();
                Poll::Ready(Ok(()))
            }
            Wait::Pending | Wait::Unregistered => Poll::Pending,
        }
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.registration.forget(key);
        }
    }
}
