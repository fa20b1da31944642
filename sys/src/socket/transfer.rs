//! Receiving and sending bytes. The hot path: each function is the libc call, one `min` for its
//! length, and one comparison.
//!
//! Lengths are cut to what every kernel accepts (T49), so a count may be shorter than asked for
//! that reason too. No send raises `SIGPIPE` (T50).

use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsRawFd, BorrowedFd},
};

use crate::syscall::transfer_length;

/// The flags of every send. Apple relies on `SO_NOSIGPIPE` instead, which
/// [`create`](crate::socket::create) and [`accept`](crate::socket::accept()) set.
#[cfg(edgewake_has = "msg_nosignal")]
pub(super) const SEND_FLAGS: i32 = libc::MSG_NOSIGNAL;
#[cfg(not(edgewake_has = "msg_nosignal"))]
pub(super) const SEND_FLAGS: i32 = 0;

/// Receives what is there, at most `buffer.len()` bytes, and returns how many. 0 is the end of the
/// stream, unless `buffer` is empty.
///
/// # Errors
///
/// `EAGAIN` if nothing is there, `ECONNRESET` if the peer reset the connection, `ENOTCONN`,
/// `ETIMEDOUT`, `EINTR`.
///
/// # References
///
/// [recv(2)](https://man7.org/linux/man-pages/man2/recv.2.html)
#[inline]
pub fn recv(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: `buffer` is writable for its length; the kernel writes whole bytes only.
    unsafe { receive(fd, buffer.as_mut_ptr(), buffer.len(), 0) }
}

/// [`recv`] into memory that need not be initialised: the first bytes, as many as the count says,
/// are initialised afterwards.
///
/// # Errors
///
/// As [`recv`].
///
/// # References
///
/// [recv(2)](https://man7.org/linux/man-pages/man2/recv.2.html)
#[inline]
pub fn recv_uninit(fd: BorrowedFd<'_>, buffer: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
    // SAFETY: `buffer` is writable for its length.
    unsafe { receive(fd, buffer.as_mut_ptr().cast(), buffer.len(), 0) }
}

/// Receives what is there and leaves it there (`MSG_PEEK`).
///
/// A short peek leaves data behind and causes no new edge (T90, measured on Linux 6.18): it proves
/// nothing about what is left.
///
/// # Errors
///
/// As [`recv`].
///
/// # References
///
/// [recv(2)](https://man7.org/linux/man-pages/man2/recv.2.html) `MSG_PEEK`
#[doc(alias = "MSG_PEEK")]
#[inline]
pub fn peek(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: `buffer` is writable for its length; the kernel writes whole bytes only.
    unsafe { receive(fd, buffer.as_mut_ptr(), buffer.len(), libc::MSG_PEEK) }
}

/// [`peek`] into memory that need not be initialised: the first bytes, as many as the count says,
/// are initialised afterwards.
///
/// # Errors
///
/// As [`recv`].
///
/// # References
///
/// [recv(2)](https://man7.org/linux/man-pages/man2/recv.2.html) `MSG_PEEK`
#[inline]
pub fn peek_uninit(fd: BorrowedFd<'_>, buffer: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
    // SAFETY: `buffer` is writable for its length.
    unsafe { receive(fd, buffer.as_mut_ptr().cast(), buffer.len(), libc::MSG_PEEK) }
}

/// Receives the urgent byte of a TCP stream (`MSG_OOB`).
///
/// # Errors
///
/// `EINVAL` if there is none, it was taken already, or
/// [`OOB_INLINE`](crate::sockopt::OOB_INLINE) is set; `EAGAIN` if it is announced but has not
/// arrived.
///
/// # References
///
/// [recv(2)](https://man7.org/linux/man-pages/man2/recv.2.html) `MSG_OOB`,
/// [RFC 6093](https://www.rfc-editor.org/rfc/rfc6093), which advises against urgent data
#[doc(alias = "MSG_OOB")]
#[inline]
pub fn recv_oob(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: `buffer` is writable for its length; the kernel writes whole bytes only.
    unsafe { receive(fd, buffer.as_mut_ptr(), buffer.len(), libc::MSG_OOB) }
}

/// Sends what there is room for, at most `bytes.len()` bytes, and returns how many.
///
/// # Errors
///
/// - `EAGAIN` if there is no room;
/// - `EPIPE` if writing was shut down or the connection is gone, without `SIGPIPE`;
/// - `ECONNRESET` if the peer reset the connection;
/// - `ENOTCONN`, `ETIMEDOUT`, `ENOBUFS`, `EINTR`.
///
/// # Platform notes
///
/// Apple answers `EPROTOTYPE` to a send that races with the end of the connection; it is
/// `ECONNRESET` here (T47).
///
/// # References
///
/// [send(2)](https://man7.org/linux/man-pages/man2/send.2.html)
#[inline]
pub fn send(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    transmit(fd, bytes, SEND_FLAGS)
}

/// Sends bytes of which the last is urgent (`MSG_OOB`).
///
/// # Errors
///
/// As [`send`]; `EOPNOTSUPP` for a socket without urgent data.
///
/// # References
///
/// [send(2)](https://man7.org/linux/man-pages/man2/send.2.html) `MSG_OOB`
#[doc(alias = "MSG_OOB")]
#[inline]
pub fn send_oob(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    transmit(fd, bytes, SEND_FLAGS | libc::MSG_OOB)
}

/// # Safety
///
/// `start` is writable for `length` bytes.
#[inline]
pub(super) unsafe fn receive(
    fd: BorrowedFd<'_>,
    start: *mut u8,
    length: usize,
    flags: i32,
) -> io::Result<usize> {
    let length = transfer_length("recv", length);
    // SAFETY: the caller promises that the memory is writable for at least `length` bytes.
    let count = unsafe { syscall!(recv(fd.as_raw_fd(), start.cast(), length, flags)) }?;
    Ok(count as usize)
}

#[inline]
fn transmit(fd: BorrowedFd<'_>, bytes: &[u8], flags: i32) -> io::Result<usize> {
    let length = transfer_length("send", bytes.len());
    // SAFETY: `bytes` is readable for at least `length` bytes.
    match unsafe { syscall!(send(fd.as_raw_fd(), bytes.as_ptr().cast(), length, flags)) } {
        Ok(count) => Ok(count as usize),
        Err(error) => Err(sent_into_the_end(error)),
    }
}

/// What a failed send means: `EPROTOTYPE` is a connection that was torn down meanwhile (T47,
/// libuv#482). It must not be retried, it may be permanent.
#[cfg(edgewake_has = "eprototype_race")]
#[cold]
pub(super) fn sent_into_the_end(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(libc::EPROTOTYPE) => io::Error::from_raw_os_error(libc::ECONNRESET),
        _ => error,
    }
}

/// Elsewhere an error is what it says.
#[cfg(not(edgewake_has = "eprototype_race"))]
#[inline(always)]
pub(super) fn sent_into_the_end(error: io::Error) -> io::Error {
    error
}

#[cfg(all(test, edgewake_has = "eprototype_race"))]
mod tests {
    use std::io;

    use super::sent_into_the_end;

    // T47. Goal: the race with a close is a reset, and every other error is what it says.
    #[test]
    fn t47_eprototype_is_a_reset() {
        for (said, meant) in [(libc::EPROTOTYPE, libc::ECONNRESET), (libc::EPIPE, libc::EPIPE)] {
            let error = sent_into_the_end(io::Error::from_raw_os_error(said));
            assert_eq!(error.raw_os_error(), Some(meant));
        }
    }
}
