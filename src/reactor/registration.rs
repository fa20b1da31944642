//! The owner's handle of a source. Dropping it follows the drop order; the owner's field for the
//! descriptor stands after it, so that the descriptor closes last.
//!
//! Held by `AsyncFd`, which knows the descriptor and which reactor is current.

use std::{
    io,
    os::fd::BorrowedFd,
    sync::{Arc, Weak},
    task::Waker,
};

use edgewake_sys::Interest;

use super::{
    Reactor, Readiness,
    kind::Kind,
    readiness::bits::SHUT,
    refusal::shut_down,
    side::{Direction, Snapshot},
    source::{Source, Wait},
    waiters::{Key, Wanted},
};

#[derive(Debug)]
pub(crate) struct Registration {
    source: Arc<Source>,
}

impl Registration {
    /// A descriptor of this library's making, registered when somebody first waits.
    pub(crate) fn lazy(kind: Kind, born: Option<Weak<Reactor>>) -> Registration {
        Registration { source: Arc::new(Source::new(kind, true, born)) }
    }

    /// The same for a connection that was just accepted: it may be short. See `source::looks`.
    pub(crate) fn accepted(kind: Kind, born: Option<Weak<Reactor>>) -> Registration {
        Registration { source: Arc::new(Source::new(kind, true, born).with_looks()) }
    }

    /// A descriptor of which nothing is assumed.
    pub(crate) fn unassuming(kind: Kind, born: Option<Weak<Reactor>>) -> Registration {
        Registration { source: Arc::new(Source::new(kind, false, born)) }
    }

    #[cfg(edgewake_fuzz)]
    pub(super) fn token(&self) -> edgewake_sys::Token {
        self.source.token()
    }

    #[inline(always)]
    pub(crate) fn snapshot(&self, direction: Direction) -> Snapshot {
        self.source.snapshot(direction)
    }

    #[inline(always)]
    pub(crate) fn clear_blocked(&self, direction: Direction, seen: Snapshot) {
        self.source.clear_blocked(direction, seen);
    }

    /// See [`Side::clear_priority`](super::side::Side::clear_priority).
    #[cold]
    pub(crate) fn clear_priority(&self, seen: Snapshot) {
        self.source.clear_priority(seen);
    }

    /// See [`Source::note_count`].
    #[inline(always)]
    pub(crate) fn note_count(
        &self,
        direction: Direction,
        seen: Snapshot,
        count: usize,
        length: usize,
    ) {
        self.source.note_count(direction, seen, count, length);
    }

    /// See [`Source::park_again`].
    #[inline(always)]
    pub(crate) fn park_again(&self, direction: Direction, seen: Snapshot, waker: &Waker) -> bool {
        self.source.park_again(direction, seen, waker)
    }

    /// See [`Source::park`].
    #[inline]
    pub(crate) fn park(&self, direction: Direction, waker: &Waker) -> Wait {
        self.source.park(direction, waker)
    }

    /// See [`Source::park_future`].
    #[inline]
    pub(crate) fn park_future(
        &self,
        direction: Direction,
        waker: &Waker,
        key: &mut Option<Key>,
    ) -> Wait {
        self.source.park_future(direction, waker, key)
    }

    /// See [`Source::park_keyed`].
    pub(crate) fn park_keyed(&self, wanted: Wanted, waker: &Waker, key: &mut Option<Key>) -> Wait {
        self.source.park_keyed(wanted, waker, key)
    }

    /// See [`Source::park_beyond`].
    pub(crate) fn park_beyond(
        &self,
        direction: Direction,
        seen: Snapshot,
        bits: u64,
        waker: &Waker,
        key: &mut Option<Key>,
    ) -> Wait {
        self.source.park_beyond(direction, seen, bits, waker, key)
    }

    pub(crate) fn forget(&self, key: Key) {
        self.source.forget(key);
    }

    /// What is remembered of both directions, as far as `interest` asks.
    ///
    /// # Errors
    ///
    /// `BrokenPipe` once the reactor has shut down.
    pub(crate) fn readiness(&self, interest: Interest) -> io::Result<Readiness> {
        let read = self.snapshot(Direction::Read).word();
        let write = self.snapshot(Direction::Write).word();
        if (read | write) & SHUT != 0 {
            return Err(self.shut_down());
        }
        Ok(Readiness::of(read, write, interest))
    }

    /// See [`Source::enroll`].
    #[cold]
    pub(crate) fn enroll(
        &self,
        fd: BorrowedFd<'_>,
        interest: Interest,
        current: Option<Arc<Reactor>>,
    ) -> io::Result<()> {
        self.source.enroll(fd, interest, current)
    }

    /// See [`Source::postpone`].
    #[cold]
    pub(crate) fn postpone(&self, direction: Direction, reactor: &Reactor) -> bool {
        self.source.postpone(direction, reactor)
    }

    /// See [`Source::assume`].
    #[cold]
    pub(crate) fn assume(&self, direction: Direction) {
        self.source.assume(direction);
    }

    /// What registering `direction` asks the kernel for.
    pub(crate) fn interest(&self, direction: Direction) -> Interest {
        self.source.interest(direction)
    }

    /// See [`Source::widened`].
    pub(crate) fn widened(&self, asked: Interest) -> Interest {
        self.source.widened(asked)
    }

    /// See [`Source::is_enrolled`].
    pub(crate) fn is_enrolled(&self, asked: Interest) -> bool {
        self.source.is_enrolled(asked)
    }

    /// See [`Source::tell_one`].
    pub(crate) fn tell_one(&self) -> bool {
        self.source.tell_one()
    }

    pub(crate) fn is_exclusive(&self) -> bool {
        self.source.is_exclusive()
    }

    #[inline]
    pub(crate) fn lend(&self) {
        self.source.lend();
    }

    /// See [`Source::give_away`].
    pub(crate) fn give_away(&self) {
        self.source.give_away();
    }

    pub(crate) fn read_until_would_block(&self) {
        self.source.read_until_would_block();
    }

    /// Ends the registration of a descriptor that lives on.
    pub(crate) fn release(self) {
        self.source.detach(false);
        // The drop that follows finds nothing left to end.
    }

    pub(crate) fn shut_down(&self) -> io::Error {
        shut_down()
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.source.detach(true);
    }
}

#[cfg(test)]
mod tests {
    use std::{os::fd::AsFd, sync::Arc};

    use super::Registration;
    use crate::reactor::{Direction, Kind, Reactor};

    // Goal: it counts as enrolled by what is registered now, not by what was asked for.
    #[test]
    fn enrolled_is_what_is_registered() {
        let reactor = Arc::new(Reactor::new().unwrap());
        let (_end, other) = edgewake_sys::pipe::pipe().unwrap();
        let registration = Registration::unassuming(Kind::Other, None);
        let interest = registration.interest(Direction::Write);
        assert!(!registration.is_enrolled(interest));
        registration.enroll(other.as_fd(), interest, Some(reactor)).unwrap();
        assert!(registration.is_enrolled(interest));
    }
}
