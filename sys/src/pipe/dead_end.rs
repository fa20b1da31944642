//! Closing a writing end whose number must stay a descriptor: a dead one takes its place.
//!
//! The dead end is a writing end without a reader: whatever is written to it is `EPIPE`. There is
//! one in the process, which never closes. It is made *before* there is anything to close
//! ([`prepare_end`]), so that closing ([`end`]) takes no descriptor that could be lacking then.
//!
//! Called by the library's writing end of a pipe.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    sync::OnceLock,
};

use crate::fd;

static DEAD_END: OnceLock<OwnedFd> = OnceLock::new();

/// Makes what [`end`] will need, once in the process: one descriptor, which stays.
///
/// # Errors
///
/// `EMFILE` or `ENFILE` at a descriptor limit: it takes two for a moment.
#[inline]
pub fn prepare_end() -> io::Result<()> {
    dead_end().map(drop)
}

fn dead_end() -> io::Result<BorrowedFd<'static>> {
    if let Some(writer) = DEAD_END.get() {
        return Ok(writer.as_fd());
    }
    let (reader, writer) = super::pipe()?;
    drop(reader);
    // If another thread was faster, that one's is taken and this one closes.
    Ok(DEAD_END.get_or_init(|| writer).as_fd())
}

/// Closes a descriptor and leaves in its place, under its number, the writing end of a pipe that
/// has no reader. No other thread can get the number in between. The other end of what it was
/// learns of its end, unless there are duplicates.
///
/// The caller has ended its registrations.
///
/// # Errors
///
/// None that is known to happen after [`prepare_end`]; `EMFILE` or `ENFILE` without it. Then it can
/// be called again.
///
/// # References
///
/// [dup(2)](https://man7.org/linux/man-pages/man2/dup.2.html) `dup2`
#[doc(alias = "dup2")]
pub fn end(fd: BorrowedFd<'_>) -> io::Result<()> {
    let dead = dead_end()?;
    loop {
        // SAFETY: both are open. What `fd` borrows from owns the number before and after, and its
        // users find a dead end there instead of what it was.
        match unsafe { syscall!(dup2(dead.as_raw_fd(), fd.as_raw_fd())) } {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => break outcome,
        }
    }?;
    // Not dup3, which Apple lacks: what a child that is born in between inherits is a dead end.
    fd::set_cloexec(fd)
}
