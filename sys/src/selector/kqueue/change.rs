//! A short list of changes, handed to the kernel in one call, and the receipts it answers with.
//!
//! Protocol: every change carries `EV_RECEIPT`, so the kernel answers each with an entry of its
//! own instead of events. An entry is an error if the *bit* `EV_ERROR` is set (systems leave other
//! bits beside it: T34, libevent#376) and its `data` is not zero (T33).
//!
//! An interrupted call is made again. kqueue(2) promises that its changes were applied, but not
//! that the receipts were written, and without them a refused change would pass for a made one.
//! The list can be repeated: an `EV_ADD` of what is there only reports anew, an `EV_DELETE` of
//! what is gone says `ENOENT` ([`Receipts::repeated`] tells the caller that this may be why), a
//! second `NOTE_TRIGGER` falls together with the first.
//!
//! Called by the selector and by the `EVFILT_USER` notifier. What an error means is theirs to say.

use std::{
    io,
    os::fd::{BorrowedFd, RawFd},
};

use super::ffi::{self, EV_ADD, EV_CLEAR, EV_DELETE, EV_ERROR, EV_RECEIPT, Filter, Flags, Kevent};
use crate::Token;

/// As many filters as one descriptor can have here: `READ`, `WRITE`, `EXCEPT`.
const MOST: usize = 3;

/// Changes to make, in order.
pub(crate) struct Changes {
    entries: [Kevent; MOST],
    len: usize,
}

impl Changes {
    /// The empty list.
    pub(crate) fn new() -> Changes {
        Changes { entries: [ffi::entry(0, ffi::EVFILT_READ, 0, 0, Token(0)); MOST], len: 0 }
    }

    /// Appends an edge-triggered `EV_ADD`.
    pub(crate) fn add(&mut self, fd: RawFd, filter: Filter, fflags: u32, token: Token) {
        self.push(ident(fd), filter, EV_ADD | EV_CLEAR, fflags, token);
    }

    /// Appends an `EV_DELETE`.
    pub(crate) fn delete(&mut self, fd: RawFd, filter: Filter) {
        self.push(ident(fd), filter, EV_DELETE, 0, Token(0));
    }

    /// Appends any change; `EV_RECEIPT` is added to its flags.
    pub(crate) fn push(
        &mut self,
        ident: usize,
        filter: Filter,
        flags: Flags,
        fflags: u32,
        token: Token,
    ) {
        self.entries[self.len] = ffi::entry(ident, filter, flags | EV_RECEIPT, fflags, token);
        self.len += 1;
    }

    /// Makes the changes, in order, and returns what became of each. Makes one system call, none
    /// for an empty list, and one more each time a signal interrupts it.
    ///
    /// # Errors
    ///
    /// What kevent(2) itself returned; what it said about single changes is in the receipts.
    pub(crate) fn submit(&self, queue: BorrowedFd<'_>) -> io::Result<Receipts> {
        if self.len == 0 {
            return Ok(self.unanswered(false));
        }
        let mut repeated = false;
        loop {
            let mut receipts = self.unanswered(repeated);
            let room = &mut receipts.entries[..self.len];
            match ffi::change(queue, &self.entries[..self.len], room) {
                Ok(_) => return Ok(receipts),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => repeated = true,
                Err(error) => return Err(error),
            }
        }
    }

    /// The receipts before the kernel has written them: the changes themselves, so that one it
    /// leaves out has no `EV_ERROR`.
    fn unanswered(&self, repeated: bool) -> Receipts {
        Receipts { entries: self.entries, len: self.len, repeated }
    }
}

/// A descriptor as the kernel wants it in `ident`. A negative number becomes one that no process
/// can have, which the kernel answers with `EBADF`.
fn ident(fd: RawFd) -> usize {
    fd as usize
}

/// What the kernel answered to each change.
pub(crate) struct Receipts {
    entries: [Kevent; MOST],
    len: usize,
    repeated: bool,
}

impl Receipts {
    /// The filter of each change with its `errno`, `None` for a change that was made.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Filter, Option<i32>)> + '_ {
        self.entries[..self.len].iter().map(|entry| (entry.filter, errno(entry)))
    }

    /// The first error that `is_harmless` does not excuse.
    pub(crate) fn check(&self, is_harmless: impl Fn(Filter, i32) -> bool) -> io::Result<()> {
        let mut failures = self.iter().filter_map(|(filter, errno)| Some((filter, errno?)));
        match failures.find(|(filter, errno)| !is_harmless(*filter, *errno)) {
            None => Ok(()),
            Some((_, errno)) => Err(io::Error::from_raw_os_error(errno)),
        }
    }

    /// Whether a signal interrupted the call, so that these are the answers to a repetition.
    pub(crate) fn repeated(&self) -> bool {
        self.repeated
    }
}

/// The `errno` in a receipt, if it is one of a failure.
fn errno(entry: &Kevent) -> Option<i32> {
    let (flags, data) = (entry.flags, entry.data);
    if flags & EV_ERROR != 0 && data != 0 { Some(data as i32) } else { None }
}

#[cfg(test)]
mod tests {
    use super::{super::ffi, EV_ADD, EV_ERROR, EV_RECEIPT, Flags, Kevent, errno};
    use crate::Token;

    fn receipt(flags: Flags, data: i32) -> Kevent {
        let mut entry = ffi::entry(7, ffi::EVFILT_WRITE, flags, 0, Token(1));
        entry.data = data as _;
        entry
    }

    // T33, T34. Goal: an error is the bit EV_ERROR, whatever stands beside it, with an errno.
    #[test]
    fn t34_receipts_are_read_by_the_bit() {
        assert_eq!(errno(&receipt(EV_ERROR, libc::ENOMEM)), Some(libc::ENOMEM));
        let with_more = EV_ERROR | EV_ADD | EV_RECEIPT;
        assert_eq!(errno(&receipt(with_more, libc::ENOMEM)), Some(libc::ENOMEM));
        assert_eq!(errno(&receipt(with_more, 0)), None);
        assert_eq!(errno(&receipt(EV_ERROR, 0)), None);
        // A change that the kernel left unanswered, and an event.
        assert_eq!(errno(&receipt(EV_ADD | EV_RECEIPT, 0)), None);
        assert_eq!(errno(&receipt(EV_ADD, 8192)), None);
    }
}
