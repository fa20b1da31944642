//! What the services do at this moment, and have done. Cells: there is one thread.

use std::cell::Cell;
use std::fmt;

/// Numbers that the owner waits for.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Connections that were accepted, by all services.
    pub(super) accepted: Cell<u64>,
    /// Of these, those whose task is there.
    pub(super) alive: Cell<u64>,
    /// Those that have ended with an error.
    pub(super) failed: Cell<u64>,
    /// Echoes that wait for room to send.
    pub(super) writing: Cell<u64>,
    /// How often echoes have waited for room so far.
    pub(super) stalled: Cell<u64>,
    /// Frames of which a part is there, and the rest is waited for.
    pub(super) partial: Cell<u64>,
    /// Connections whose sending side is shut down, and that wait for the peer's end.
    pub(super) half_closed: Cell<u64>,
    /// Descriptors that came.
    pub(super) descriptors: Cell<u64>,
    /// Datagrams that were sent back.
    pub(super) datagrams: Cell<u64>,
    /// Errors of the socket of datagrams.
    pub(super) datagram_errors: Cell<u64>,
}

/// Counts somebody who waits, as long as he does.
pub(super) struct While<'a>(&'a Cell<u64>);

impl<'a> While<'a> {
    pub(super) fn new(counter: &'a Cell<u64>) -> Self {
        counter.set(counter.get() + 1);
        While(counter)
    }
}

impl Drop for While<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "accepted={} alive={}", self.accepted.get(), self.alive.get())?;
        write!(f, " failed={} writing={}", self.failed.get(), self.writing.get())?;
        write!(f, " stalled={}", self.stalled.get())?;
        write!(f, " partial={} half_closed={}", self.partial.get(), self.half_closed.get())?;
        write!(f, " descriptors={} datagrams={}", self.descriptors.get(), self.datagrams.get())?;
        write!(f, " datagram_errors={}", self.datagram_errors.get())
    }
}
