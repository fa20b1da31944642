//! Connecting without blocking: the start, and the check that tells how it went.
//!
//! The order of a connect: [`connect`]; if it is in progress, wait until the socket is writable;
//! [`connect_outcome`]; if that says "in progress" again, the event was spurious: wait on (T55).

use std::{
    io,
    net::SocketAddr,
    os::fd::{AsRawFd, BorrowedFd},
};

use crate::{sockaddr::RawAddr, socket};

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "a connection in progress is not there yet"]
pub enum Progress {
    /// It stands.
    Done,
    /// It is being made; writability and [`connect_outcome`] will tell.
    InProgress,
}

/// Starts to connect.
///
/// `EINPROGRESS`, `EALREADY` and `EINTR` are [`Progress::InProgress`] (an interrupted connect goes
/// on in the background: connect(2), `EINTR`), `EISCONN` is [`Progress::Done`].
///
/// # Errors
///
/// - `ECONNREFUSED`, `ENETUNREACH`, `EHOSTUNREACH`, `ETIMEDOUT` if that is known at once;
/// - `EADDRNOTAVAIL`: no local port is free, or the address is not one to connect to;
/// - `EAFNOSUPPORT`, `EINVAL`: the socket is of another family.
///
/// A socket whose connect failed is to be closed: what a second connect on it does differs.
///
/// # References
///
/// [connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html)
#[inline]
pub fn connect(fd: BorrowedFd<'_>, address: &SocketAddr) -> io::Result<Progress> {
    connect_raw(fd, &RawAddr::from(address))
}

/// How a connect that was in progress has gone. Makes two system calls.
///
/// A writable event alone proves nothing: Darwin reports writability that is not there
/// (golang/go#14548), and a socket registered before its connect reports a hang-up at once (T10).
/// So the pending error is taken first, and then only a socket with a peer is connected.
///
/// # Errors
///
/// Why the connect failed: `ECONNREFUSED`, `ETIMEDOUT`, `EHOSTUNREACH`, `ENETUNREACH` … Taking it
/// clears it, so ask once and keep the answer. `EINVAL` on Apple: the connection stood and was
/// closed since.
///
/// # References
///
/// [connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html) `EINPROGRESS`,
/// [getpeername(2)](https://man7.org/linux/man-pages/man2/getpeername.2.html)
#[doc(alias = "SO_ERROR")]
#[inline]
pub fn connect_outcome(fd: BorrowedFd<'_>) -> io::Result<Progress> {
    if let Some(error) = socket::take_error(fd)? {
        return Err(error);
    }
    match socket::peer_raw(fd) {
        Ok(_) => Ok(Progress::Done),
        Err(error) if error.raw_os_error() == Some(libc::ENOTCONN) => Ok(Progress::InProgress),
        Err(error) => Err(error),
    }
}

/// [`connect`] to an address in the kernel's form, of any family.
///
/// # Errors
///
/// As for [`connect`], and whatever else the family has to say: of a Unix listener whose backlog
/// is full Linux says `EAGAIN`, which is not "in progress" (T56).
///
/// # References
///
/// [connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html)
#[inline]
pub fn connect_raw(fd: BorrowedFd<'_>, address: &RawAddr) -> io::Result<Progress> {
    match connect_step(fd, address) {
        Ok(()) => Ok(Progress::Done),
        Err(error) if error.raw_os_error() == Some(libc::EINTR) => Ok(Progress::InProgress),
        Err(error) => progress(error),
    }
}

/// The call itself.
#[inline]
pub(super) fn connect_step(fd: BorrowedFd<'_>, address: &RawAddr) -> io::Result<()> {
    let (address, length) = address.as_parts();
    // SAFETY: `address` outlives the call and is initialised for `length` bytes.
    unsafe { syscall!(connect(fd.as_raw_fd(), address, length)) }.map(drop)
}

/// What the error of a connect says of it.
#[inline]
pub(super) fn progress(error: io::Error) -> io::Result<Progress> {
    match error.raw_os_error() {
        Some(libc::EINPROGRESS | libc::EALREADY) => Ok(Progress::InProgress),
        Some(libc::EISCONN) => Ok(Progress::Done),
        // EAGAIN is none of these: it is a full backlog of a Unix socket (T56).
        _ => Err(error),
    }
}
