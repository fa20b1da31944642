//! SIGINT and SIGTERM as a descriptor, so that a loop ends cleanly without a handler.
//!
//! `signalfd(2)` instead of a flag that a handler sets: the flag could be set between the check
//! and the wait, and that wait would then last for ever.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use super::check;

/// Blocks SIGINT and SIGTERM for this thread (call it before any other is started) and returns a
/// descriptor that becomes readable when one of them is pending.
///
/// # Errors
///
/// Returns the error of `sigprocmask(2)` or `signalfd(2)`.
pub fn termination() -> io::Result<OwnedFd> {
    // SAFETY: sigemptyset initialises the set before sigaddset, sigprocmask and signalfd read it;
    // a null old mask is allowed, and a new signalfd is asked for with -1.
    let fd = unsafe {
        let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        check(libc::sigemptyset(set.as_mut_ptr()))?;
        check(libc::sigaddset(set.as_mut_ptr(), libc::SIGINT))?;
        check(libc::sigaddset(set.as_mut_ptr(), libc::SIGTERM))?;
        check(libc::sigprocmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut()))?;
        check(libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK))?
    };
    // SAFETY: the kernel has just made this descriptor and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
