//! Watching for the failure of a descriptor that nobody reads from or writes to.
//!
//! As for the error queue (see `events`) what counts is an event after the last look, by the
//! generation of the reading side: the bit that an error sets is cleared by whoever next finds no
//! data, and outlives what it speaks of where nobody does.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    task::Context,
};

use super::AsyncFd;
use crate::{
    driver::context,
    reactor::{Direction, Key, Wait, bits},
};

impl<T: AsFd> AsyncFd<T> {
    /// Watches, under `key`, for an error that `take_error` then finds, and returns it: at once,
    /// or to a later call, for which the task is woken. For who has nothing to read or to write
    /// and still has to learn that the connection has failed.
    /// [`forget_failure`](Self::forget_failure) ends the watch.
    pub(crate) fn watch_for_failure(
        &self,
        cx: &mut Context<'_>,
        key: &mut Option<Key>,
        take_error: impl Fn(BorrowedFd<'_>) -> io::Result<Option<io::Error>>,
    ) -> io::Result<()> {
        let registration = &self.registration;
        loop {
            // Before the look, which tells of all that came before this.
            let seen = registration.snapshot(Direction::Read);
            if seen.is_shut() {
                return Err(registration.shut_down());
            }
            if seen.word() & bits::ERROR != 0 {
                if let Some(error) = take_error(self.fd())? {
                    return Err(error);
                }
            }
            if !seen.is_registered() {
                // Reports at once what holds by then.
                let interest = registration.interest(Direction::Read);
                registration.enroll(self.fd(), interest, context::reactor())?;
            }
            let due = bits::ERROR | bits::SHUT;
            if registration.park_beyond(Direction::Read, seen, due, cx.waker(), key)
                == Wait::Pending
            {
                return Ok(());
            }
        }
    }

    /// Ends a watch for a failure.
    pub(crate) fn forget_failure(&self, key: &mut Option<Key>) {
        if let Some(key) = key.take() {
            self.registration.forget(key);
        }
    }
}
