//! A storm of signals on this process: `SIGALRM` from setitimer(2), counted by a handler.
//!
//! The handler is installed without `SA_RESTART`, so that whatever call waits returns `EINTR`.

use std::io;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::check;

static HANDLED: AtomicU64 = AtomicU64::new(0);

extern "C" fn count(_signal: libc::c_int) {
    // Relaxed: the number is all there is to see, and one thread handles and reads it.
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

/// Has `SIGALRM` counted from now on, instead of ending the process.
///
/// # Errors
///
/// Returns the error of `sigaction(2)`.
pub fn count_alarms() -> io::Result<()> {
    let handler: extern "C" fn(libc::c_int) = count;
    // SAFETY: all zeros are a valid sigaction; its handler does nothing but add to an atomic, which
    // a signal handler may do (signal-safety(7)); the old action is not asked for.
    unsafe {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
        action.sa_sigaction = handler as libc::sighandler_t;
        action.sa_flags = 0;
        check(libc::sigemptyset(&raw mut action.sa_mask))?;
        check(libc::sigaction(libc::SIGALRM, &raw const action, std::ptr::null_mut()))?;
    }
    Ok(())
}

/// Sends this process a `SIGALRM` every `interval`, or none any more if that is zero.
///
/// # Errors
///
/// Returns the error of `setitimer(2)`: an interval of too many seconds.
pub fn every(interval: Duration) -> io::Result<()> {
    let each = libc::timeval {
        tv_sec: interval.as_secs().try_into().map_err(io::Error::other)?,
        tv_usec: interval.subsec_micros().into(),
    };
    let timer = libc::itimerval { it_interval: each, it_value: each };
    // SAFETY: `timer` lives through the call, and the old timer is not asked for.
    check(unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) })?;
    Ok(())
}

/// How many signals were handled.
#[must_use]
pub fn handled() -> u64 {
    // Relaxed: as where it is counted.
    HANDLED.load(Ordering::Relaxed)
}
