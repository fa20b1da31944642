//! The notifier on kqueue's `EVFILT_USER`: a knote that belongs to no descriptor.
//!
//! It is added once with `EV_CLEAR`, so that taking the event resets it, and triggered by a change
//! with *no* flag of its own. Both other forms in use are wrong somewhere: `EV_ADD` without
//! `EV_CLEAR` makes the knote level-triggered on macOS, which then never stops reporting (T40,
//! polling#265); `EV_CLEAR` in the trigger resets it on FreeBSD (`filt_usertouch`). The trigger
//! carries the token again, because any change overwrites the knote's `udata` (measured on NetBSD
//! and libkqueue).

use std::{
    io,
    os::fd::{AsFd, RawFd},
};

use crate::{
    Interest, Selector, Token,
    selector::kqueue::{
        change::Changes,
        ffi::{EV_ADD, EV_CLEAR, EVFILT_USER, Flags, NOTE_TRIGGER},
    },
};

/// Wakes a blocked [`Selector::select`] from any thread.
#[derive(Debug)]
pub struct Notifier {
    token: Token,
}

impl Notifier {
    /// Creates a notifier whose event in `selector` carries `token`. Makes one system call.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or `EINVAL` from a kernel without `EVFILT_USER`.
    ///
    /// # Platform notes
    ///
    /// The token also names the notifier in the kernel: two with one token in one selector are
    /// the same. It stays there until the selector is dropped.
    ///
    /// # References
    ///
    /// [kqueue(2)](https://man.freebsd.org/cgi/man.cgi?query=kqueue&sektion=2) `EVFILT_USER`
    #[doc(alias = "EVFILT_USER")]
    #[inline]
    pub fn new(selector: &Selector, token: Token) -> io::Result<Notifier> {
        let notifier = Notifier { token };
        notifier.change(selector, EV_ADD | EV_CLEAR, 0)?;
        Ok(notifier)
    }

    /// What it is registered as, for [`Selector::rebuild`]: the descriptor and the interest.
    /// `None` where no descriptor is registered and a rebuild leaves it alone.
    #[inline]
    pub fn entry(&self) -> Option<(RawFd, Interest)> {
        None
    }

    /// Makes the current or the next [`Selector::select`] of `selector` return an event. Makes
    /// one system call, and one more each time a signal interrupts it: a notification is never
    /// lost to `EINTR`.
    ///
    /// # Errors
    ///
    /// `ENOENT` if `selector` is not the one that the notifier was made for.
    #[inline]
    pub fn notify(&self, selector: &Selector) -> io::Result<()> {
        self.change(selector, 0, NOTE_TRIGGER)
    }

    /// Acknowledges the event: nothing to do, taking it has reset it (`EV_CLEAR`).
    ///
    /// # Errors
    ///
    /// None.
    #[inline]
    pub fn drain(&self) -> io::Result<()> {
        Ok(())
    }

    fn change(&self, selector: &Selector, flags: Flags, fflags: u32) -> io::Result<()> {
        let mut changes = Changes::new();
        changes.push(self.token.0 as usize, EVFILT_USER, flags, fflags, self.token);
        changes.submit(selector.as_fd())?.check(|_, _| false)
    }
}
