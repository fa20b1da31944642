//! Datagrams of the Unix family, with the address that they come from or go to.
//!
//! Lengths are cut to what every kernel accepts, which no message reaches.

use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsRawFd, BorrowedFd},
};

use super::transfer::{SEND_FLAGS, sent_into_the_end};
use crate::{
    sockaddr::{RawAddr, UnixAddr},
    syscall::transfer_length,
};

/// Receives a datagram, and says where it came from: the unnamed address if the sender has none.
/// What does not fit into `buffer` is lost, and the count does not say so.
///
/// # Errors
///
/// `EAGAIN` if there is none; `ECONNRESET` on Linux, once, if the peer of a connected socket has
/// closed it with datagrams unread; `EINTR`.
///
/// # References
///
/// [recvfrom(2)](https://man7.org/linux/man-pages/man2/recv.2.html)
#[doc(alias = "recvfrom")]
#[inline]
pub fn recv_from_unix(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<(usize, UnixAddr)> {
    // SAFETY: `buffer` is writable for its length; the kernel writes whole bytes only.
    unsafe { receive_from(fd, buffer.as_mut_ptr(), buffer.len(), 0) }
}

/// [`recv_from_unix`] into memory that need not be initialised: the first bytes, as many as the
/// count says, are initialised afterwards.
///
/// # Errors
///
/// As [`recv_from_unix`].
///
/// # References
///
/// [recvfrom(2)](https://man7.org/linux/man-pages/man2/recv.2.html)
#[inline]
pub fn recv_from_unix_uninit(
    fd: BorrowedFd<'_>,
    buffer: &mut [MaybeUninit<u8>],
) -> io::Result<(usize, UnixAddr)> {
    // SAFETY: `buffer` is writable for its length.
    unsafe { receive_from(fd, buffer.as_mut_ptr().cast(), buffer.len(), 0) }
}

/// [`recv_from_unix`] that leaves the datagram there (`MSG_PEEK`).
///
/// # Errors
///
/// As [`recv_from_unix`].
///
/// # References
///
/// [recvfrom(2)](https://man7.org/linux/man-pages/man2/recv.2.html) `MSG_PEEK`
#[inline]
pub fn peek_from_unix(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<(usize, UnixAddr)> {
    // SAFETY: `buffer` is writable for its length; the kernel writes whole bytes only.
    unsafe { receive_from(fd, buffer.as_mut_ptr(), buffer.len(), libc::MSG_PEEK) }
}

/// Sends a datagram to an address. It goes whole or not at all.
///
/// # Errors
///
/// - `EAGAIN` on Linux if the socket's buffer is full, *or* the queue at `target`, of which no
///   event tells (see [`as_queue_full`]);
/// - `ENOBUFS` on Apple and the BSDs if the queue at `target` is full;
/// - `ECONNREFUSED`, `ENOENT`: nobody is there; `EPROTOTYPE`: a socket of another type;
/// - `EMSGSIZE`: longer than the send buffer.
///
/// # References
///
/// [sendto(2)](https://man7.org/linux/man-pages/man2/send.2.html),
/// [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)
#[doc(alias = "sendto")]
#[inline]
pub fn send_to_unix(fd: BorrowedFd<'_>, bytes: &[u8], target: &UnixAddr) -> io::Result<usize> {
    let raw = RawAddr::from(target);
    let (address, size) = raw.as_parts();
    let (fd, start) = (fd.as_raw_fd(), bytes.as_ptr().cast());
    let length = transfer_length("sendto", bytes.len());
    // SAFETY: `bytes` is readable for at least `length` bytes and `raw` for `size`, and both
    // outlive the call.
    match unsafe { syscall!(sendto(fd, start, length, SEND_FLAGS, address, size)) } {
        Ok(count) => Ok(count as usize),
        Err(error) => Err(sent_into_the_end(error)),
    }
}

/// The error of a send to an address, as it should be waited for: `EAGAIN` becomes `ENOBUFS`.
///
/// Linux answers `EAGAIN` where the queue at the target is full, and tells when there is room only
/// a sender whose connected peer the target is (`unix_dgram_sendmsg`, Linux 6.18). Any other stays
/// writable all the while, and each failed attempt is an edge of its own, so that waiting for those
/// spins (measured). A queue that is full is waited out by time (T45).
#[inline]
pub fn as_queue_full(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(libc::EAGAIN) => io::Error::from_raw_os_error(libc::ENOBUFS),
        _ => error,
    }
}

/// # Safety
///
/// `start` is writable for `length` bytes.
#[inline]
unsafe fn receive_from(
    fd: BorrowedFd<'_>,
    start: *mut u8,
    length: usize,
    flags: i32,
) -> io::Result<(usize, UnixAddr)> {
    let length = transfer_length("recvfrom", length);
    let (count, raw) = RawAddr::filled_by(|room, size| {
        let (fd, start) = (fd.as_raw_fd(), start.cast());
        // SAFETY: the caller promises that `start` is writable for at least `length` bytes; `room`
        // is for `*size`, and both outlive the call.
        unsafe { syscall!(recvfrom(fd, start, length, flags, room, size)) }
    })?;
    Ok((count as usize, UnixAddr::or_unnamed(&raw)))
}
