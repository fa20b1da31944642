//! The reactor for the fuzz targets: a loop that is fed batches instead of selecting, and the
//! owners' handles of what it watches; see `crate::fuzz`.
//!
//! Beside the batches everything is as in a program: registrations are system calls on the
//! descriptors that the target gives.

use std::{io, os::fd::BorrowedFd, task::Waker};

use edgewake_sys::{Events, Interest, Token};

pub use super::slots::fuzz::{Occupant, SlotTable};
use super::{
    Direction, Dispatcher, Key, Reactor, Registration, Snapshot, Wait, Wanted, bits, kind,
};
use crate::sync::Arc;

/// A reactor and the part of it that dispatches.
#[derive(Debug)]
pub struct Loop {
    reactor: Arc<Reactor>,
    dispatcher: Dispatcher,
}

/// A registration.
#[derive(Debug)]
pub struct Watched(Registration);

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "as `Direction`")]
pub enum Way {
    Read,
    Write,
}

/// A kind of descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "as `Kind` within the reactor")]
pub enum Kind {
    Stream,
    Listener,
    Datagram,
    PipeReader,
    PipeWriter,
    Other,
}

/// What a wait came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "as `Wait`")]
pub enum Waited {
    Retry,
    Pending,
    Unregistered,
}

/// A direction's word at one moment, for what follows it.
#[derive(Clone, Copy, Debug)]
pub struct Seen(Snapshot);

/// A future's place in the wait list.
#[derive(Clone, Copy, Debug)]
pub struct Entry(Key);

/// The bits of a direction's word that others than its slot and its list know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in `readiness::bits`")]
pub struct Word {
    pub data: bool,
    pub closed: bool,
    pub error: bool,
    pub priority: bool,
    pub registered: bool,
    pub assumed: bool,
    pub shut: bool,
    pub drains: bool,
}

impl Way {
    fn inner(self) -> Direction {
        match self {
            Way::Read => Direction::Read,
            Way::Write => Direction::Write,
        }
    }
}

impl Kind {
    fn inner(self) -> kind::Kind {
        match self {
            Kind::Stream => kind::Kind::Stream,
            Kind::Listener => kind::Kind::Listener,
            Kind::Datagram => kind::Kind::Datagram,
            Kind::PipeReader => kind::Kind::PipeReader,
            Kind::PipeWriter => kind::Kind::PipeWriter,
            Kind::Other => kind::Kind::Other,
        }
    }
}

impl From<Wait> for Waited {
    fn from(wait: Wait) -> Waited {
        match wait {
            Wait::Retry => Waited::Retry,
            Wait::Pending => Waited::Pending,
            Wait::Unregistered => Waited::Unregistered,
        }
    }
}

#[expect(missing_docs, reason = "each forwards to a method of its name")]
#[allow(clippy::missing_errors_doc, reason = "as above")]
impl Loop {
    pub fn new() -> io::Result<Loop> {
        let reactor = Arc::new(Reactor::new()?);
        Ok(Loop { dispatcher: Dispatcher::new(Arc::clone(&reactor)), reactor })
    }

    pub fn dispatch(&mut self, events: &Events, notifier: u64) -> usize {
        self.dispatcher.dispatch(events, Token(notifier))
    }

    pub fn catch_up(&mut self) {
        self.dispatcher.catch_up();
    }

    pub fn has_looks(&self) -> bool {
        self.dispatcher.has_looks()
    }

    pub fn look(&mut self) {
        self.dispatcher.look();
    }

    pub fn shut(&mut self) {
        self.dispatcher.shut();
    }

    pub fn live(&self) -> usize {
        self.reactor.live()
    }

    pub fn kicks(&self) -> u64 {
        self.reactor.kicks()
    }

    pub fn spurious(&self) -> u64 {
        self.reactor.spurious_events()
    }

    pub fn lend(&self) {
        self.reactor.lend();
    }
}

#[expect(missing_docs, reason = "each forwards to a method of its name")]
#[allow(clippy::missing_errors_doc, reason = "as above")]
impl Watched {
    pub fn lazy(kind: Kind) -> Watched {
        Watched(Registration::lazy(kind.inner(), None))
    }

    pub fn accepted(kind: Kind) -> Watched {
        Watched(Registration::accepted(kind.inner(), None))
    }

    pub fn unassuming(kind: Kind) -> Watched {
        Watched(Registration::unassuming(kind.inner(), None))
    }

    pub fn token(&self) -> u64 {
        self.0.token().0
    }

    pub fn word(&self, way: Way) -> Word {
        let word = self.0.snapshot(way.inner()).word();
        Word {
            data: word & bits::DATA != 0,
            closed: word & bits::CLOSED != 0,
            error: word & bits::ERROR != 0,
            priority: word & bits::PRIORITY != 0,
            registered: word & bits::REGISTERED != 0,
            assumed: word & bits::ASSUMED != 0,
            shut: word & bits::SHUT != 0,
            drains: word & bits::DRAINS != 0,
        }
    }

    pub fn snapshot(&self, way: Way) -> Seen {
        Seen(self.0.snapshot(way.inner()))
    }

    pub fn clear_blocked(&self, way: Way, seen: Seen) {
        self.0.clear_blocked(way.inner(), seen.0);
    }

    pub fn clear_priority(&self, seen: Seen) {
        self.0.clear_priority(seen.0);
    }

    pub fn note_count(&self, way: Way, seen: Seen, count: usize, length: usize) {
        self.0.note_count(way.inner(), seen.0, count, length);
    }

    pub fn read_until_would_block(&self) {
        self.0.read_until_would_block();
    }

    pub fn park_again(&self, way: Way, seen: Seen, waker: &Waker) -> bool {
        self.0.park_again(way.inner(), seen.0, waker)
    }

    pub fn park(&self, way: Way, waker: &Waker) -> Waited {
        self.0.park(way.inner(), waker).into()
    }

    pub fn park_future(&self, way: Way, waker: &Waker, entry: &mut Option<Entry>) -> Waited {
        let mut key = entry.map(|entry| entry.0);
        let wait = self.0.park_future(way.inner(), waker, &mut key);
        *entry = key.map(Entry);
        wait.into()
    }

    /// Waits for the end of a direction alone.
    pub fn park_closed(&self, way: Way, waker: &Waker, entry: &mut Option<Entry>) -> Waited {
        let ends = bits::CLOSED | bits::SHUT;
        let wanted = match way {
            Way::Read => Wanted { read: ends, write: 0 },
            Way::Write => Wanted { read: 0, write: ends },
        };
        let mut key = entry.map(|entry| entry.0);
        let wait = self.0.park_keyed(wanted, waker, &mut key);
        *entry = key.map(Entry);
        wait.into()
    }

    pub fn forget(&self, entry: Entry) {
        self.0.forget(entry.0);
    }

    pub fn widened(&self, asked: Interest) -> Interest {
        self.0.widened(asked)
    }

    pub fn enroll(&self, fd: BorrowedFd<'_>, asked: Interest, at: &Loop) -> io::Result<()> {
        self.0.enroll(fd, asked, Some(Arc::clone(&at.reactor)))
    }

    pub fn postpone(&self, way: Way, at: &Loop) -> bool {
        self.0.postpone(way.inner(), &at.reactor)
    }

    pub fn assume(&self, way: Way) {
        self.0.assume(way.inner());
    }

    pub fn lend(&self) {
        self.0.lend();
    }
}
