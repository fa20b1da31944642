//! Anonymous pipes, non-blocking and close-on-exec.
//!
//! Called by the pipe notifier and by whoever wants a pollable pair without a socket.

use std::{io, os::fd::OwnedFd};

use crate::fd;

/// Creates a pipe and returns its read end and its write end, in this order.
///
/// # Errors
///
/// `EMFILE` or `ENFILE` at a descriptor limit.
///
/// # Platform notes
///
/// Apple has no `pipe2`: the flags are set by four more calls, and a `fork` between them leaks
/// the descriptors to the child.
///
/// # References
///
/// [pipe(2)](https://man7.org/linux/man-pages/man2/pipe.2.html)
#[doc(alias = "pipe2")]
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut fds = [-1; 2];
    create(&mut fds)?;
    // SAFETY: the call succeeded and has put two new descriptors there, which nobody else owns.
    let (reader, writer) = unsafe { (fd::own(fds[0]), fd::own(fds[1])) };
    #[cfg(not(edgewake_has = "pipe2"))]
    let (reader, writer) = (fd::finish_birth(reader)?, fd::finish_birth(writer)?);
    Ok((reader, writer))
}

#[cfg(edgewake_has = "pipe2")]
fn create(fds: &mut [libc::c_int; 2]) -> io::Result<()> {
    // SAFETY: `fds` is room for the two descriptors that the call writes.
    unsafe { syscall!(pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC | libc::O_NONBLOCK)) }.map(drop)
}

#[cfg(not(edgewake_has = "pipe2"))]
fn create(fds: &mut [libc::c_int; 2]) -> io::Result<()> {
    // SAFETY: `fds` is room for the two descriptors that the call writes.
    unsafe { syscall!(pipe(fds.as_mut_ptr())) }.map(drop)
}
