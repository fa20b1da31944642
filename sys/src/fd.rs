//! Descriptor flags: non-blocking and close-on-exec, for descriptors that were not born with them.
//!
//! Called by the selectors, pipes and sockets of this crate, and by the library when a user hands
//! in a descriptor of their own (a blocking one would hang the whole thread).

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
};

/// Sets or clears `O_NONBLOCK`. Makes one or two system calls.
///
/// The flag belongs to the open file description: every duplicate of the descriptor, in this
/// process or another, sees the change.
///
/// # Errors
///
/// `EBADF` if the descriptor is not open.
///
/// # References
///
/// [fcntl(2)](https://man7.org/linux/man-pages/man2/fcntl.2.html) `F_SETFL`
#[inline]
pub fn set_nonblocking(fd: BorrowedFd<'_>, nonblocking: bool) -> io::Result<()> {
    // SAFETY: F_GETFL takes no argument and touches no memory of ours.
    let before = unsafe { syscall!(fcntl(fd.as_raw_fd(), libc::F_GETFL)) }?;
    let after = if nonblocking { before | libc::O_NONBLOCK } else { before & !libc::O_NONBLOCK };
    if before != after {
        // SAFETY: F_SETFL takes an int by value.
        unsafe { syscall!(fcntl(fd.as_raw_fd(), libc::F_SETFL, after)) }?;
    }
    Ok(())
}

/// Whether `O_NONBLOCK` is set.
///
/// # Errors
///
/// `EBADF` if the descriptor is not open.
#[inline]
pub fn is_nonblocking(fd: BorrowedFd<'_>) -> io::Result<bool> {
    // SAFETY: F_GETFL takes no argument and touches no memory of ours.
    let flags = unsafe { syscall!(fcntl(fd.as_raw_fd(), libc::F_GETFL)) }?;
    Ok(flags & libc::O_NONBLOCK != 0)
}

/// Sets close-on-exec.
///
/// # Errors
///
/// `EBADF` if the descriptor is not open.
///
/// # References
///
/// [fcntl(2)](https://man7.org/linux/man-pages/man2/fcntl.2.html) `F_SETFD`
#[inline]
pub fn set_cloexec(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: F_SETFD takes an int by value.
    unsafe { syscall!(fcntl(fd.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC)) }?;
    Ok(())
}

/// Duplicates a descriptor; the copy is close-on-exec.
///
/// # Errors
///
/// `EMFILE` at the process's descriptor limit.
///
/// # References
///
/// [fcntl(2)](https://man7.org/linux/man-pages/man2/fcntl.2.html) `F_DUPFD_CLOEXEC`
#[inline]
pub fn duplicate(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    // SAFETY: F_DUPFD_CLOEXEC takes an int by value; 0 asks for the lowest free number.
    let copy = unsafe { syscall!(fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 0)) }?;
    // SAFETY: the call succeeded, so `copy` is a new descriptor that nobody else owns.
    Ok(unsafe { own(copy) })
}

/// Takes ownership of a descriptor that a call has just returned.
///
/// # Safety
///
/// `fd` is open and nobody else owns it.
#[inline]
pub(crate) unsafe fn own(fd: RawFd) -> OwnedFd {
    // SAFETY: forwarded to the caller.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Makes a new descriptor close-on-exec and non-blocking by separate calls, on systems where it
/// cannot be born so. A fork between the birth and this call leaks it to the child; std accepts
/// the same race there.
#[cfg_attr(edgewake_has = "sock_cloexec", allow(dead_code))]
#[inline]
pub(crate) fn finish_birth(fd: OwnedFd) -> io::Result<OwnedFd> {
    set_cloexec(fd.as_fd())?;
    set_nonblocking(fd.as_fd(), true)?;
    Ok(fd)
}
