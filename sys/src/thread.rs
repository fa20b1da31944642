//! Settings of the calling thread.

use std::{io, time::Duration};

/// Sets the calling thread's timer slack, by how much the kernel may delay its waits, and returns
/// the one before. Makes two system calls.
///
/// Linux gives every thread 50 us. Less means more precise timers and more wake-ups of the
/// processor; the least is 1 ns, and zero stands for the thread's default.
///
/// # Errors
///
/// [`Unsupported`](io::ErrorKind::Unsupported) where the system has no such setting.
///
/// # Platform notes
///
/// Linux and Android only.
///
/// # References
///
/// [prctl(2)](https://man7.org/linux/man-pages/man2/prctl.2.html) `PR_SET_TIMERSLACK`
#[doc(alias = "prctl")]
#[inline]
pub fn set_timer_slack(slack: Duration) -> io::Result<Duration> {
    set(slack)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn set(slack: Duration) -> io::Result<Duration> {
    // SAFETY: PR_GET_TIMERSLACK takes no argument.
    let before = unsafe { syscall!(prctl(libc::PR_GET_TIMERSLACK)) }?;
    let slack = libc::c_ulong::try_from(slack.as_nanos()).unwrap_or(libc::c_ulong::MAX);
    // SAFETY: PR_SET_TIMERSLACK takes an unsigned long by value.
    unsafe { syscall!(prctl(libc::PR_SET_TIMERSLACK, slack)) }?;
    Ok(Duration::from_nanos(u64::from(before.unsigned_abs())))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn set(_: Duration) -> io::Result<Duration> {
    let sentence = "timer slack can be set on Linux and Android only";
    Err(io::Error::new(io::ErrorKind::Unsupported, sentence))
}
