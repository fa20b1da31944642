//! Moving bytes between a pipe and another descriptor inside the kernel: splice(2).

use std::{io, os::fd::BorrowedFd};

/// Moves at most `length` bytes from one descriptor to the other, of which one at least is a pipe,
/// and returns how many. 0 is the end of what `from` has, unless `length` is 0. It never waits, as
/// far as the pipe is concerned; for the other descriptor its own flag says that.
///
/// It can raise `SIGPIPE`: see [`sigpipe`](crate::sigpipe). A count below `length` proves nothing:
/// a pipe is full by pages, and whatever is not a page of its own takes one.
///
/// # Errors
///
/// - `EAGAIN`: either of them would have to wait (T87); only a pipe that is known to be empty, or
///   known not to be, tells which;
/// - `EINVAL`, `ENOSYS`: it cannot be done with these descriptors, or here at all;
/// - `EPIPE`, `ECONNRESET`, `ENOTCONN`, `ETIMEDOUT`: the socket's;
/// - [`Unsupported`](io::ErrorKind::Unsupported) where the system has no such call;
/// - `EINTR`.
///
/// # Platform notes
///
/// Linux and Android only. A TCP socket with an urgent mark in front of its bytes is `EAGAIN` for
/// ever, where a receive would pass the mark (`tcp_splice_read`, measured on Linux 6.18).
///
/// # References
///
/// [splice(2)](https://man7.org/linux/man-pages/man2/splice.2.html)
#[inline]
pub fn splice(from: BorrowedFd<'_>, to: BorrowedFd<'_>, length: usize) -> io::Result<usize> {
    transfer(from, to, length)
}

#[cfg(edgewake_has = "splice")]
#[inline]
fn transfer(from: BorrowedFd<'_>, to: BorrowedFd<'_>, length: usize) -> io::Result<usize> {
    use std::{os::fd::AsRawFd, ptr::null_mut};

    use crate::syscall::{beside, transfer_length};

    let length = transfer_length("splice", length);
    beside(to);
    let (from, to) = (from.as_raw_fd(), to.as_raw_fd());
    let flags = libc::SPLICE_F_NONBLOCK | libc::SPLICE_F_MOVE;
    // SAFETY: the offsets are null, and no memory of this process is touched.
    let count = unsafe { syscall!(splice(from, null_mut(), to, null_mut(), length, flags)) }?;
    Ok(count as usize)
}

#[cfg(not(edgewake_has = "splice"))]
#[inline]
fn transfer(_: BorrowedFd<'_>, _: BorrowedFd<'_>, _: usize) -> io::Result<usize> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no splice(2)"))
}
