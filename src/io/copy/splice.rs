//! The two halves of moving bytes by splice: from a descriptor into a pipe of ours, and from that
//! to the other descriptor.
//!
//! `EAGAIN` of a splice does not say which of its two ends would have to wait (T87). So a pipe is
//! filled only while it is empty, which leaves the source, and emptied of no more than is in it,
//! which leaves the destination: each half clears the readiness of a descriptor of which alone it
//! can have spoken.
//!
//! Two answers are not taken at their word. The end of the source is left for a read to say, since
//! a splice stops for good at a TCP socket's urgent mark, and at the end of what it has received
//! that looks like the end of all. And where the mark cannot be ruled out, because urgent data was
//! seen or the socket came from elsewhere, a read has to confirm that nothing is there.

use std::{io, os::fd::BorrowedFd};

use edgewake_sys::{socket, splice};

use super::{
    pipes::{LARGE, Pipe},
    recognise::{Link, LinkKind},
};
use crate::reactor::{Direction, bits};

/// What came of filling a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filled {
    /// So many bytes are in it.
    Bytes(usize),
    /// Nothing is: a read will tell why.
    Read,
    /// Nothing is, and the source cannot be spliced from.
    Refused,
}

/// What came of emptying one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Emptied {
    /// So many bytes are gone.
    Bytes(usize),
    /// None is: the destination cannot be spliced to.
    Refused,
}

/// Fills an empty pipe with what the source has.
///
/// # Errors
///
/// `WouldBlock`: it has nothing, which is remembered of it; otherwise what is wrong with it.
pub(super) fn fill(from: Link<'_>, pipe: &mut Pipe) -> io::Result<Filled> {
    debug_assert_eq!(pipe.holds(), 0, "what EAGAIN means depends on it");
    let write_end = pipe.write_end();
    let filled = from.io.attempt(Direction::Read, |fd| match splice(fd, write_end, LARGE) {
        Ok(0) => Ok(Filled::Read),
        Ok(count) => Ok(Filled::Bytes(count)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => confirm(from, fd, error),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(Filled::Read),
        Err(error) if is_refused(&error) => Ok(Filled::Refused),
        Err(error) => Err(error),
    })?;
    if let Filled::Bytes(count) = filled {
        pipe.came(count);
    }
    Ok(filled)
}

/// Empties a pipe with bytes in it as far as the destination has room.
///
/// # Errors
///
/// `WouldBlock`: it has none, which is remembered of it; otherwise what is wrong with it.
pub(super) fn empty(pipe: &mut Pipe, to: Link<'_>) -> io::Result<Emptied> {
    debug_assert_ne!(pipe.holds(), 0, "what EAGAIN means depends on it");
    let (read_end, holds) = (pipe.read_end(), pipe.holds());
    let emptied = to.io.attempt(Direction::Write, |fd| match splice(read_end, fd, holds) {
        Ok(0) => Err(io::Error::new(io::ErrorKind::WriteZero, "the writer takes nothing more")),
        Ok(count) => Ok(Emptied::Bytes(count)),
        Err(error) if is_refused(&error) => Ok(Emptied::Refused),
        Err(error) => Err(error),
    })?;
    if let Emptied::Bytes(count) = emptied {
        pipe.went(count);
    }
    Ok(emptied)
}

/// Nothing could be spliced from `fd`: passes the error on if nothing is there.
#[cold]
fn confirm(from: Link<'_>, fd: BorrowedFd<'_>, error: io::Error) -> io::Result<Filled> {
    let registration = from.io.registration();
    // On kqueue urgent data takes no part in the drain rule, which this rests on.
    let no_mark = cfg!(edgewake_selector = "epoll")
        && registration.snapshot(Direction::Read).word() & bits::DRAINS != 0;
    if no_mark || from.kind == LinkKind::Pipe {
        return Err(error);
    }
    socket::peek(fd, &mut [0]).map(|_| Filled::Read)
}

#[inline]
fn is_refused(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};

    // EINVAL, ENOSYS and EOPNOTSUPP, and EPERM, by which filters of system calls refuse.
    matches!(error.kind(), InvalidInput | PermissionDenied | Unsupported)
}
