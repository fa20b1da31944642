//! Where a source is registered: its first registration, the second direction's, and the end of
//! both, in the drop order.
//!
//! All of it runs under the enrollment's mutex, system calls included, so that a registration and
//! its end cannot pass each other. The `REGISTERED` and `ASSUMED` bits belong to that mutex too.

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd, RawFd},
    sync::{Arc, Weak},
};

use edgewake_sys::{Interest, Selector, Token};

use super::{NO_TOKEN, PRIVATE, REPLACEABLE, Source};
use crate::{
    reactor::{
        Reactor,
        kind::Kind,
        readiness::bits::{ASSUMED, CLOSED, DATA, REGISTERED, SHUT},
        refusal::{already_registered, no_reactor, shut_down, slots_used_up, unpollable},
        side::Direction,
        slots::Insertion,
    },
    sync::{atomic::Ordering, lock},
};

/// Where and for what a source is registered.
#[derive(Debug)]
pub(super) enum Enrollment {
    /// Not registered; the reactor that was current at birth is the second choice.
    Born(Option<Weak<Reactor>>),
    Registered(Arc<Reactor>, Interest),
    /// The reactor it was registered with has shut down, or the owner has gone.
    Gone,
}

impl Source {
    /// The descriptor, token and interest under which it is registered, for a rebuilt selector.
    pub(in crate::reactor) fn enlisted(&self) -> Option<(RawFd, Token, Interest)> {
        match &*lock(&self.enrollment) {
            Enrollment::Registered(_, interest) => Some((self.fd(), self.token(), *interest)),
            Enrollment::Born(_) | Enrollment::Gone => None,
        }
    }

    /// The reactor has shut down: nobody can wait here any more.
    pub(in crate::reactor) fn shut(&self) {
        let home = std::mem::replace(&mut *lock(&self.enrollment), Enrollment::Gone);
        self.set_token(NO_TOKEN);
        self.raise(SHUT, SHUT);
        drop(home);
    }

    /// The selector has lost the registration. Whoever waits, for whatever, is woken, registers
    /// anew, and gets the error if that fails.
    pub(in crate::reactor) fn disenroll(&self, reactor: &Arc<Reactor>) {
        {
            let mut enrollment = lock(&self.enrollment);
            if !matches!(&*enrollment, Enrollment::Registered(..)) {
                return;
            }
            *enrollment = Enrollment::Born(Some(Arc::downgrade(reactor)));
            for side in [&self.read, &self.write] {
                side.unset(REGISTERED);
                let _tried_by_the_next_poll = side.set(ASSUMED);
            }
            // Relaxed: see `token`.
            let token = Token(self.token.swap(NO_TOKEN.0, Ordering::Relaxed));
            // Before anybody can register anew, whom a slot with this descriptor would refuse.
            reactor.remove(token);
        }
        self.raise(DATA, DATA);
        // And those who wait for something that this is not: a close, an error, urgent data.
        self.wake_list(u64::MAX, u64::MAX);
    }

    /// Registers the directions of `asked`, if they are not yet: with the reactor it is registered
    /// with, else with `current`, else with the one that was current at its birth.
    pub(in crate::reactor) fn enroll(
        self: &Arc<Source>,
        fd: BorrowedFd<'_>,
        asked: Interest,
        current: Option<Arc<Reactor>>,
    ) -> io::Result<()> {
        let ended = self.enroll_silently(fd, asked, current)?;
        if !ended.is_empty() {
            // In the place of the event that will not come; outside the mutex, for it wakes.
            self.raise_ends(ended);
        }
        Ok(())
    }

    /// The other end of a pipe had gone when `ended` was registered.
    #[cold]
    fn raise_ends(&self, ended: Interest) {
        let closed = |holds| if holds { CLOSED } else { 0 };
        let reads = ended.is_readable() || ended.is_priority();
        // Whichever filter tells it, it is the reader that has gone (T36).
        let writes = ended.is_writable() || self.kind == Kind::PipeWriter;
        self.raise(closed(reads), closed(writes));
    }

    /// Returns the conditions of which no event will tell.
    fn enroll_silently(
        self: &Arc<Source>,
        fd: BorrowedFd<'_>,
        asked: Interest,
        current: Option<Arc<Reactor>>,
    ) -> io::Result<Interest> {
        let mut enrollment = lock(&self.enrollment);
        let manner = if self.is_exclusive() { Interest::EXCLUSIVE } else { Interest::empty() };
        let asked = asked | manner;
        let ended;
        match &mut *enrollment {
            Enrollment::Registered(_, known) if known.contains(asked) => {
                return Ok(Interest::empty());
            }
            Enrollment::Registered(reactor, known) => {
                let interest = *known | asked;
                ended = match reactor.selector().reregister(self.fd(), self.token(), interest) {
                    // The selector is being rebuilt, and this source's turn has not come yet.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        reactor.selector().register(fd, self.token(), interest)?
                    }
                    outcome => outcome?,
                };
                *known = interest;
            }
            Enrollment::Gone => return Err(shut_down()),
            Enrollment::Born(born) => {
                let reactor = match (current, born) {
                    (Some(current), _) => current,
                    (None, Some(born)) => born.upgrade().ok_or_else(shut_down)?,
                    (None, None) => return Err(no_reactor()),
                };
                ended = self.register(&reactor, fd, asked)?;
                *enrollment = Enrollment::Registered(reactor, asked);
            }
        }
        // Urgent data alone does not make a direction registered: readers must still add theirs.
        for (direction, registered) in
            [(Direction::Read, asked.is_readable()), (Direction::Write, asked.is_writable())]
        {
            if registered {
                // Nothing is assumed any more: the kernel reports what holds. Both bits belong to
                // the enrollment's mutex.
                self.side(direction).unset(ASSUMED);
                let _known_to_pollers = self.side(direction).set(REGISTERED);
            }
        }
        Ok(ended)
    }

    /// Registering `direction` failed: no event will tell of it, so the system call decides again.
    pub(in crate::reactor) fn assume(&self, direction: Direction) {
        let _both_bits_are_its = lock(&self.enrollment);
        if !self.snapshot(direction).is_registered() {
            let _tried_by_the_next_poll = self.side(direction).set(ASSUMED);
        }
    }

    /// The first registration: a slot, then the system call; if that fails the slot is given back
    /// and the source may try again.
    fn register(
        self: &Arc<Source>,
        reactor: &Reactor,
        fd: BorrowedFd<'_>,
        interest: Interest,
    ) -> io::Result<Interest> {
        let raw = fd.as_raw_fd();
        let token = match reactor.insert(raw, self) {
            Insertion::Token(token) => token,
            Insertion::Taken => return Err(already_registered()),
            Insertion::Shut => return Err(shut_down()),
            Insertion::Full => return Err(slots_used_up()),
        };
        self.set_token(token);
        let outcome = reactor
            .selector()
            .register(fd, token, interest)
            .or_else(|error| self.register_refused(error, reactor, fd, token, interest));
        match outcome {
            // Relaxed: see `fd`.
            Ok(_) => self.fd.store(raw, Ordering::Relaxed),
            Err(_) => {
                self.set_token(NO_TOKEN);
                reactor.remove(token);
            }
        }
        outcome
    }

    /// The kernel did not take it at the first attempt.
    #[cold]
    fn register_refused(
        &self,
        error: io::Error,
        reactor: &Reactor,
        fd: BorrowedFd<'_>,
        token: Token,
        interest: Interest,
    ) -> io::Result<Interest> {
        let (raw, selector) = (fd.as_raw_fd(), reactor.selector());
        match error.kind() {
            // A registration under this number: of a live source, or one that a closed descriptor
            // left behind (T27, T91).
            io::ErrorKind::AlreadyExists if reactor.is_owned(raw, token) => {
                Err(already_registered())
            }
            io::ErrorKind::AlreadyExists => selector.reregister(raw, token, interest),
            io::ErrorKind::PermissionDenied => Err(unpollable()),
            // OpenBSD does so with a FIFO by path that is open for writing alone, and tells its
            // writer of the reader's end by the other filter (T36).
            io::ErrorKind::InvalidInput
                if self.kind == Kind::PipeWriter && interest.is_writable() =>
            {
                selector.register(fd, token, interest.difference(Interest::READABLE))
            }
            _ => Err(error),
        }
    }

    /// For models and tests: as if both directions had been registered long ago.
    #[cfg(test)]
    pub(in crate::reactor) fn assume_registered(&self) {
        let _known = [self.read.set(REGISTERED), self.write.set(REGISTERED)];
    }

    /// What registering `direction` asks for.
    pub(in crate::reactor) fn interest(&self, direction: Direction) -> Interest {
        self.kind.interest(direction)
    }

    /// From its registration on, one driver of several that watch this listener is enough to be
    /// told. Whether that was in time: a registration is not changed any more.
    pub(in crate::reactor) fn tell_one(&self) -> bool {
        let enrollment = lock(&self.enrollment);
        let in_time = matches!(&*enrollment, Enrollment::Born(_));
        if in_time {
            // Relaxed: `enroll` reads it under the same mutex.
            self.exclusive.store(true, Ordering::Relaxed);
        }
        in_time
    }

    pub(in crate::reactor) fn is_exclusive(&self) -> bool {
        // Relaxed: in `enroll` the mutex orders it; elsewhere the owner asks for what it has done.
        self.exclusive.load(Ordering::Relaxed)
    }

    /// Whether `asked` is registered now.
    pub(in crate::reactor) fn is_enrolled(&self, asked: Interest) -> bool {
        let enrollment = lock(&self.enrollment);
        matches!(&*enrollment, Enrollment::Registered(_, known) if known.contains(asked))
    }

    /// See `Kind::widened`.
    pub(in crate::reactor) fn widened(&self, asked: Interest) -> Interest {
        self.kind.widened(asked)
    }

    /// Ends the registration, in the drop order: stale events miss, the kernel forgets, waiters
    /// learn of it, the slot is given back. The owner closes the descriptor after this, or, unless
    /// `closes`, keeps it.
    pub(in crate::reactor) fn detach(&self, closes: bool) {
        let (token, home) = {
            let mut enrollment = lock(&self.enrollment);
            // Relaxed: see `token`. Under the mutex, as in `disenroll`: who takes the token gives
            // the slot back.
            let token = Token(self.token.swap(NO_TOKEN.0, Ordering::Relaxed));
            let home = std::mem::replace(&mut *enrollment, Enrollment::Gone);
            if let Enrollment::Registered(reactor, _) = &home {
                // Relaxed: see `lend`; the owner is here, so every loan has happened.
                let exposure = self.exposure.load(Ordering::Relaxed);
                let private = exposure == PRIVATE && !reactor.is_lent();
                let closing = closes && private && Selector::CLOSE_DEREGISTERS;
                // Closed behind our back, and the number has a new owner, who registered it (T27).
                let taken = exposure == REPLACEABLE && reactor.is_owned(self.fd(), token);
                if !closing && !taken {
                    // ENOENT or EBADF: somebody closed the descriptor behind our back. There is
                    // nothing left to end, and the state here is cleaned up all the same (T24).
                    let _already_gone: io::Result<()> = reactor.selector().deregister(self.fd());
                }
            }
            (token, home)
        };
        self.raise(SHUT, SHUT);
        if let Enrollment::Registered(reactor, _) = home {
            reactor.remove(token);
        }
        // A task that waited here may be kept alive by its waker alone (T23).
        drop([self.read.take_waker(), self.write.take_waker()]);
    }
}

#[cfg(all(test, not(edgewake_loom)))]
mod tests;
