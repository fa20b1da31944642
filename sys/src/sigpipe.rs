//! Calls that would raise `SIGPIPE` and have no flag against it.
//!
//! A write to a pipe or a socket whose reader has gone raises the signal, which by default ends
//! the process. `send` has `MSG_NOSIGNAL` and sockets have `SO_NOSIGPIPE`; splice(2), sendfile(2)
//! and write(2) have neither (T86). Rust's `main` ignores the signal, but a library cannot rely on
//! that: it may be linked into a program of C, or of Rust that wants the default.
//!
//! The protocol is POSIX's: a synchronous `SIGPIPE` goes to the thread that made the call
//! (write(2), `EPIPE`), so it is blocked in this thread, consumed if the call has raised it, and
//! the mask restored. A signal that was pending before is left alone. (Apple sends that of a pipe
//! to the process; there pipes and sockets have a flag of their own against it.)
//!
//! Called by the transfers of this crate. Its own calls cannot fail with valid arguments, take no
//! time that matters beside a transfer (three system calls), and are not behind the door.

use std::{io, mem::MaybeUninit, ptr};

/// Runs `operation` so that no `SIGPIPE` of its making is delivered. Around a row of transfers,
/// rather than around each.
///
/// # Errors
///
/// What `operation` returns.
///
/// # References
///
/// [pthread_sigmask(3)](https://man7.org/linux/man-pages/man3/pthread_sigmask.3.html),
/// [sigpending(2)](https://man7.org/linux/man-pages/man2/sigpending.2.html),
/// [signal(7)](https://man7.org/linux/man-pages/man7/signal.7.html)
#[inline]
pub fn quietly<T>(operation: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let _quiet = Quiet::begin();
    operation()
}

/// The signal is blocked in this thread until this drops, also by a panic.
#[derive(Debug)]
struct Quiet {
    /// The mask to restore; `None` where nothing was changed.
    before: Option<libc::sigset_t>,
}

impl Quiet {
    fn begin() -> Quiet {
        let pipe = sigpipe();
        let mut before = MaybeUninit::uninit();
        // SAFETY: both point to a set, and the second is room for one.
        let failed = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &pipe, before.as_mut_ptr()) };
        debug_assert_eq!(failed, 0, "pthread_sigmask fails for an unknown `how` only");
        // SAFETY: the call succeeded, so it has written the set.
        let before = unsafe { before.assume_init() };
        if has_sigpipe(&before) && pending() {
            // Blocked and pending already: what the operation raises is merged with that, and
            // whoever blocked it decides what becomes of it.
            return Quiet { before: None };
        }
        Quiet { before: Some(before) }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let Some(before) = self.before else { return };
        // A transfer may have raised it and still tell of the bytes it moved before, so the
        // operation's outcome says nothing.
        if pending() {
            consume();
        }
        // SAFETY: it points to a set that pthread_sigmask has written.
        let failed = unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &before, ptr::null_mut()) };
        debug_assert_eq!(failed, 0, "pthread_sigmask fails for an unknown `how` only");
    }
}

#[inline]
fn sigpipe() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset initialises the set that it points to; SIGPIPE is a signal.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGPIPE);
        set.assume_init()
    }
}

#[inline]
fn has_sigpipe(set: &libc::sigset_t) -> bool {
    // SAFETY: it points to an initialised set; SIGPIPE is a signal.
    unsafe { libc::sigismember(set, libc::SIGPIPE) == 1 }
}

/// Whether a `SIGPIPE` waits for this thread, or for the process.
#[inline]
fn pending() -> bool {
    let mut set = MaybeUninit::uninit();
    // SAFETY: it points to room for a set, which is read only where the call has written it.
    unsafe { libc::sigpending(set.as_mut_ptr()) == 0 && has_sigpipe(set.assume_init_ref()) }
}

/// Takes the pending signal. Where there is a call that does not wait, that one: a signal sent to
/// the whole process may have gone to another thread meanwhile.
#[cfg(edgewake_has = "sigtimedwait")]
#[inline]
fn consume() {
    let none = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the set and the time are initialised, and a null information is not written. The
    // value, the signal or "none", makes no difference: either way none is pending.
    unsafe { libc::sigtimedwait(&sigpipe(), ptr::null_mut(), &none) };
}

/// Under a lock, and after another look: of two threads that saw the one signal of a process, the
/// second would wait for the next.
#[cfg(not(edgewake_has = "sigtimedwait"))]
#[inline]
fn consume() {
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if !pending() {
        return;
    }
    let mut signal = 0;
    // SAFETY: the set is initialised, and `signal` is room for the number.
    let failed = unsafe { libc::sigwait(&sigpipe(), &mut signal) };
    debug_assert_eq!(failed, 0, "sigwait fails for an invalid set only");
}
