//! Which descriptors are registered, and by whom (T91).
//!
//! Kept only where the kernel would silently replace a registration (kqueue's `EV_ADD`) instead of
//! refusing the second (epoll's `EEXIST`). Elsewhere this is nothing: even an empty map is a
//! kilobyte of code in every program.

use std::os::fd::RawFd;

use edgewake_sys::Token;

#[cfg(edgewake_selector = "kqueue")]
#[derive(Debug, Default)]
pub(super) struct Owners(std::collections::BTreeMap<RawFd, Token>);

#[cfg(edgewake_selector = "kqueue")]
impl Owners {
    pub(super) fn has(&self, fd: RawFd) -> bool {
        self.0.contains_key(&fd)
    }

    pub(super) fn add(&mut self, fd: RawFd, token: Token) {
        self.0.insert(fd, token);
    }

    /// Forgets `fd`, if it is `token`'s.
    pub(super) fn remove(&mut self, fd: RawFd, token: Token) {
        if self.0.get(&fd) == Some(&token) {
            self.0.remove(&fd);
        }
    }
}

#[cfg(not(edgewake_selector = "kqueue"))]
#[derive(Debug, Default)]
pub(super) struct Owners;

#[cfg(not(edgewake_selector = "kqueue"))]
impl Owners {
    pub(super) fn has(&self, _: RawFd) -> bool {
        false
    }

    pub(super) fn add(&mut self, _: RawFd, _: Token) {}

    pub(super) fn remove(&mut self, _: RawFd, _: Token) {}
}
