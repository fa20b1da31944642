//! Readiness in a user's hand: what was seen, and the right to say that it holds no more.

use std::{fmt, io, os::fd::AsFd};

use edgewake_sys::Interest;

use super::{AsyncFd, would_block};
use crate::reactor::{Readiness, Snapshot};

/// A descriptor that was reported ready.
///
/// Dropping it changes nothing: the descriptor stays ready. Use [`try_io`](Self::try_io), or
/// [`clear_ready`](Self::clear_ready) after an operation that would have blocked; without either,
/// waiting again returns at once.
#[must_use = "readiness stays until an operation, or `clear_ready`, clears it"]
pub struct ReadyGuard<'a, T: AsFd> {
    fd: &'a AsyncFd<T>,
    interest: Interest,
    seen: [Snapshot; 2],
}

impl<'a, T: AsFd> ReadyGuard<'a, T> {
    pub(super) fn new(fd: &'a AsyncFd<T>, interest: Interest) -> ReadyGuard<'a, T> {
        ReadyGuard { fd, interest, seen: fd.snapshots() }
    }

    /// What was known to be ready when the guard was made.
    pub fn readiness(&self) -> Readiness {
        let [read, write] = self.seen.map(Snapshot::word);
        Readiness::of(read, write, self.interest)
    }

    /// Forgets the readiness of the guard's interest, unless the kernel has reported anew since
    /// the guard was made. Call it when an operation would have blocked, and only then: what is
    /// forgotten although it holds is not reported again.
    pub fn clear_ready(&mut self) {
        self.fd.clear(self.interest, self.seen);
    }

    /// Forgets nothing. For symmetry with `clear_ready`, where code decides between the two.
    pub fn retain_ready(&mut self) {}

    /// Tries an operation once; if it would block, clears the readiness.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`] if the operation would block: wait again. What else the operation returns is
    /// inside the `Ok`.
    pub fn try_io<R>(
        &mut self,
        operation: impl FnOnce(&'a AsyncFd<T>) -> io::Result<R>,
    ) -> Result<io::Result<R>, WouldBlock> {
        let outcome = operation(self.fd);
        if would_block(&outcome) {
            self.clear_ready();
            return Err(WouldBlock(()));
        }
        Ok(outcome)
    }

    /// The descriptor.
    pub fn get_ref(&self) -> &'a AsyncFd<T> {
        self.fd
    }

    /// The value that owns the descriptor.
    pub fn get_inner(&self) -> &'a T {
        self.fd.get_ref()
    }
}

impl<T: AsFd + fmt::Debug> fmt::Debug for ReadyGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadyGuard")
            .field("readiness", &self.readiness())
            .field("fd", self.fd)
            .finish()
    }
}

/// The operation would have blocked; the readiness is cleared.
#[derive(Debug)]
pub struct WouldBlock(());

impl fmt::Display for WouldBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the operation would block")
    }
}

impl std::error::Error for WouldBlock {}
