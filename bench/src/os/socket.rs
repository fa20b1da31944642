//! The socket calls of the baseline and the generator, and the few options they set.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::{check, check_len};

/// A non-blocking TCP listener with a deep backlog, whose connections inherit `TCP_NODELAY`.
///
/// On Linux an accepted socket copies the option from its listener (tcp(7) does not promise it,
/// every kernel since 2.4 does it), which saves a `setsockopt` a connection.
///
/// # Errors
///
/// Returns the error of the first call that fails.
pub fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(addr)?;
    listener.set_nonblocking(true)?;
    // A second listen(2) on a listening socket sets the backlog anew; std's own may be 128, which
    // a round of 512 connections overflows, and an overflow costs the client a second (SYN retry).
    // SAFETY: takes no pointer; the descriptor is owned by `listener`.
    check(unsafe { libc::listen(listener.as_raw_fd(), 4096) })?;
    set_nodelay(listener.as_fd())?;
    Ok(listener)
}

/// Sets `TCP_NODELAY`.
///
/// # Errors
///
/// Returns the error of `setsockopt(2)`.
pub fn set_nodelay(fd: BorrowedFd<'_>) -> io::Result<()> {
    let on: libc::c_int = 1;
    let len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: `on` lives through the call and `len` is its size.
    check(unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_NODELAY,
            (&raw const on).cast(),
            len,
        )
    })?;
    Ok(())
}

/// Accepts a connection, non-blocking and close-on-exec from birth, without asking for the peer.
///
/// # Errors
///
/// Returns the error of `accept4(2)`.
#[inline]
pub fn accept(listener: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    // SAFETY: null for the address and its length means that the peer is not wanted.
    let fd = check(unsafe {
        libc::accept4(
            listener.as_raw_fd(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC,
        )
    })?;
    // SAFETY: the kernel has just made this descriptor and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Receives into `buffer`; 0 is end of file.
///
/// # Errors
///
/// Returns the error of `recv(2)`.
#[inline]
pub fn recv(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the buffer is borrowed mutably for the call and its length is given.
    check_len(unsafe { libc::recv(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), 0) })
}

/// Sends from `bytes`; a broken pipe is an error, never a signal.
///
/// # Errors
///
/// Returns the error of `send(2)`.
#[inline]
pub fn send(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: the bytes are borrowed for the call and their length is given.
    check_len(unsafe {
        libc::send(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), libc::MSG_NOSIGNAL)
    })
}
