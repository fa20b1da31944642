//! What the sockets are built from: making one without a system call, the loops in which an
//! operation is tried and waits, and what its outcome says of the readiness.
//!
//! The loops are inlined into each operation, and whatever is not the usual case (registering,
//! contention, another waker) is in cold functions: that is worth a third of the instructions of
//! an echo.

use std::{
    io, mem,
    os::fd::{AsFd, BorrowedFd},
    task::{Context, Poll, Waker, ready},
};

use edgewake_sys::Interest;

use super::{AsyncFd, ready::Watch};
use crate::{
    driver::{budget, context},
    reactor::{Direction, Kind, Reactor, Registration, Snapshot, Wait},
    sync::Arc,
};

/// What a receive took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    count: usize,
    /// A count below what was asked for proves that nothing is left.
    proves: bool,
}

impl Taken {
    /// A count that proves what a count can prove.
    #[inline(always)]
    pub(crate) fn whole(count: usize) -> Taken {
        Taken { count, proves: true }
    }

    /// A count that proves nothing: more may be left, however short it is.
    #[inline(always)]
    pub(crate) fn part(count: usize) -> Taken {
        Taken { count, proves: false }
    }
}

impl<T: AsFd> AsyncFd<T> {
    /// A descriptor of this library's making, registered when somebody first has to wait.
    pub(crate) fn lazy(inner: T, kind: Kind) -> AsyncFd<T> {
        let registration = Registration::lazy(kind, context::birthplace());
        AsyncFd { registration, inner }
    }

    /// The same for a connection that was just accepted: one that is short is never registered.
    #[cfg(feature = "net")]
    pub(crate) fn accepted(inner: T, kind: Kind) -> AsyncFd<T> {
        let registration = Registration::accepted(kind, context::birthplace());
        AsyncFd { registration, inner }
    }

    /// Ends the registration, whose waiters are woken, and lets `exchange` close the descriptor and
    /// put another in its place, which is registered when somebody first has to wait. If that fails
    /// this goes on with the descriptor that it had.
    pub(crate) fn replace(
        &mut self,
        kind: Kind,
        exchange: impl FnOnce(BorrowedFd<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let fresh = Registration::lazy(kind, context::birthplace());
        // In the drop order: before the descriptor closes.
        drop(mem::replace(&mut self.registration, fresh));
        exchange(self.inner.as_fd())
    }

    /// The same where nothing can be assumed to be ready, such as a socket that is connecting.
    pub(crate) fn unready(inner: T, kind: Kind) -> AsyncFd<T> {
        let registration = Registration::unassuming(kind, context::birthplace());
        AsyncFd { registration, inner }
    }

    /// The descriptor, for system calls of this library.
    #[inline(always)]
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }

    pub(crate) fn registration(&self) -> &Registration {
        &self.registration
    }

    /// Waits until the peer has closed.
    pub(crate) fn closed(&self) -> Watch<'_> {
        Watch::closed(&self.registration, self.inner.as_fd())
    }

    /// Waits until there is urgent data, or the peer has closed.
    pub(crate) fn urgent(&self) -> Watch<'_> {
        Watch::urgent(&self.registration, self.inner.as_fd())
    }

    /// Tries an operation until it does not block, and waits between.
    #[inline(always)]
    pub(crate) fn poll_io<R>(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(BorrowedFd<'_>) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.poll_seen(direction, cx, |fd, _| operation(fd))
    }

    /// A receive of at most `length` bytes, from whose count a conclusion may be drawn. One of no
    /// bytes completes at once (T62): recv(2) of none waits for data all the same.
    #[inline(always)]
    pub(crate) fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        length: usize,
        mut operation: impl FnMut(BorrowedFd<'_>) -> io::Result<Taken>,
    ) -> Poll<io::Result<usize>> {
        if length == 0 {
            return Poll::Ready(Ok(0));
        }
        self.poll_seen(Direction::Read, cx, |fd, seen| {
            operation(fd).map(|taken| self.note(Direction::Read, seen, taken, length))
        })
    }

    /// A send of at most `length` bytes; a short one says that there is no more room.
    #[inline(always)]
    pub(crate) fn poll_transmit(
        &self,
        cx: &mut Context<'_>,
        length: usize,
        mut operation: impl FnMut(BorrowedFd<'_>) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        if length == 0 {
            return Poll::Ready(Ok(0));
        }
        self.poll_seen(Direction::Write, cx, |fd, seen| {
            let taken = Taken::whole(operation(fd)?);
            Ok(self.note(Direction::Write, seen, taken, length))
        })
    }

    /// Draws the conclusion, if there is one, and passes the count on.
    #[inline(always)]
    fn note(&self, direction: Direction, seen: Snapshot, taken: Taken, length: usize) -> usize {
        let asked = if taken.proves { length } else { taken.count };
        self.registration.note_count(direction, seen, taken.count, asked);
        taken.count
    }

    #[inline(always)]
    fn poll_seen<R>(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(BorrowedFd<'_>, Snapshot) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let mut seen = self.registration.snapshot(direction);
        // What waits spends nothing, so this comes before the budget.
        if !seen.is_worth_trying() && self.registration.park_again(direction, seen, cx.waker()) {
            return Poll::Pending;
        }
        ready!(budget::poll_spend(cx));
        loop {
            if seen.is_worth_trying() {
                match operation(self.inner.as_fd(), seen) {
                    Ok(value) => return Poll::Ready(Ok(value)),
                    Err(error) => {
                        if let Some(error) = self.settle(direction, seen, error) {
                            return Poll::Ready(Err(error));
                        }
                    }
                }
            } else if self.park(direction, seen, cx.waker())? == Wait::Pending {
                budget::refund();
                return Poll::Pending;
            }
            seen = self.registration.snapshot(direction);
        }
    }

    /// Waits, and registers the direction if it is not.
    #[cold]
    fn park(&self, direction: Direction, seen: Snapshot, waker: &Waker) -> io::Result<Wait> {
        if self.registration.park_again(direction, seen, waker) {
            return Ok(Wait::Pending);
        }
        match self.registration.park(direction, waker) {
            Wait::Unregistered => self.postpone_or_enroll(direction).map(|()| Wait::Pending),
            wait => Ok(wait),
        }
    }

    /// What an operation's error means: `None` is "go round again" (which then waits, if nothing
    /// came meanwhile).
    #[cold]
    pub(super) fn settle(
        &self,
        direction: Direction,
        seen: Snapshot,
        error: io::Error,
    ) -> Option<io::Error> {
        match error.kind() {
            io::ErrorKind::Interrupted => None,
            io::ErrorKind::WouldBlock => {
                self.registration.clear_blocked(direction, seen);
                seen.is_shut().then(|| self.registration.shut_down())
            }
            _ => Some(error),
        }
    }

    /// One attempt at a receive, for the `try_` functions.
    #[inline]
    pub(crate) fn try_receive(
        &self,
        length: usize,
        operation: impl FnMut(BorrowedFd<'_>) -> io::Result<Taken>,
    ) -> io::Result<usize> {
        self.try_transfer(Direction::Read, length, operation)
    }

    /// One attempt at a send, likewise.
    #[inline]
    pub(crate) fn try_transmit(
        &self,
        length: usize,
        mut operation: impl FnMut(BorrowedFd<'_>) -> io::Result<usize>,
    ) -> io::Result<usize> {
        self.try_transfer(Direction::Write, length, |fd| operation(fd).map(Taken::whole))
    }

    #[inline]
    fn try_transfer(
        &self,
        direction: Direction,
        length: usize,
        mut operation: impl FnMut(BorrowedFd<'_>) -> io::Result<Taken>,
    ) -> io::Result<usize> {
        if length == 0 {
            return Ok(0);
        }
        loop {
            let seen = self.registration.snapshot(direction);
            match operation(self.inner.as_fd()) {
                Ok(taken) => return Ok(self.note(direction, seen, taken, length)),
                Err(error) => match self.settle_attempt(direction, seen, error) {
                    Some(error) => return Err(error),
                    None => continue,
                },
            }
        }
    }

    /// What the error of a single attempt means: `None` is "again".
    #[cold]
    pub(super) fn settle_attempt(
        &self,
        direction: Direction,
        seen: Snapshot,
        error: io::Error,
    ) -> Option<io::Error> {
        match error.kind() {
            io::ErrorKind::Interrupted => None,
            io::ErrorKind::WouldBlock => {
                self.registration.clear_blocked(direction, seen);
                Some(error)
            }
            _ => Some(error),
        }
    }

    /// Waits for one direction as `poll_*` functions do.
    pub(crate) fn poll_direction(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let seen = self.registration.snapshot(direction);
        // What waits spends nothing.
        if self.registration.park_again(direction, seen, cx.waker()) {
            return Poll::Pending;
        }
        ready!(budget::poll_spend(cx));
        if !seen.is_registered() {
            self.enroll(direction)?;
        }
        match self.registration.park(direction, cx.waker()) {
            Wait::Retry if self.registration.snapshot(direction).is_shut() => {
                Poll::Ready(Err(self.registration.shut_down()))
            }
            Wait::Retry => Poll::Ready(Ok(())),
            Wait::Pending | Wait::Unregistered => {
                budget::refund();
                Poll::Pending
            }
        }
    }

    /// For a wait whose waker is stored: has the loop look again, or registers.
    #[cold]
    pub(super) fn postpone_or_enroll(&self, direction: Direction) -> io::Result<()> {
        let Some((reactor, drives)) = context::reactor_and_role() else {
            return self.enroll_with(direction, None);
        };
        // Another thread's loop may be asleep, and would not look.
        if drives && self.registration.postpone(direction, &reactor) {
            return Ok(());
        }
        self.enroll_with(direction, Some(reactor))
    }

    fn enroll(&self, direction: Direction) -> io::Result<()> {
        self.enroll_with(direction, context::reactor())
    }

    #[cold]
    fn enroll_with(&self, direction: Direction, current: Option<Arc<Reactor>>) -> io::Result<()> {
        let interest = self.registration.interest(direction);
        let outcome = self.registration.enroll(self.inner.as_fd(), interest, current);
        if outcome.is_err() {
            self.registration.assume(direction);
        }
        outcome
    }

    pub(crate) fn snapshots(&self) -> [Snapshot; 2] {
        [Direction::Read, Direction::Write].map(|direction| self.registration.snapshot(direction))
    }

    /// Forgets the readiness of `interest`, unless an event has come since `seen`.
    pub(crate) fn clear(&self, interest: Interest, seen: [Snapshot; 2]) {
        if interest.is_readable() {
            self.registration.clear_blocked(Direction::Read, seen[0]);
        }
        if interest.is_priority() {
            self.registration.clear_priority(seen[0]);
        }
        if interest.is_writable() {
            self.registration.clear_blocked(Direction::Write, seen[1]);
        }
    }
}
