//! The bench's door to the kernel: the only home of `unsafe` and of `libc::` in this package.
//!
//! Each function is one system call, returns `io::Result`, retries nothing and keeps no state.
//! They are `#[inline]`, so that the baseline's loop compiles to what the same loop in C would.

pub mod batch;
pub mod clock;
pub mod datagram;
pub mod epoll;
pub mod event;
pub mod pipe;
pub mod process;
pub mod rights;
pub mod segments;
pub mod signals;
pub mod socket;
pub mod storm;

use std::io;

/// Turns the -1 of a system call into the error in `errno`.
///
/// # Errors
///
/// Returns the error in `errno` if `result` is negative.
#[inline]
pub(crate) fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// The same for calls that return a byte count.
///
/// # Errors
///
/// Returns the error in `errno` if `result` is negative.
#[inline]
pub(crate) fn check_len(result: libc::ssize_t) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}
