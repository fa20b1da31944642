//! `eventfd(2)`: a counter that is readable once something was added to it.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

use super::check;

/// The counter.
#[derive(Debug)]
pub struct EventFd(File);

impl EventFd {
    /// Makes a counter of zero, non-blocking and close-on-exec.
    ///
    /// # Errors
    ///
    /// Returns the error of `eventfd(2)`.
    pub fn new() -> io::Result<Self> {
        // SAFETY: takes no pointer.
        let fd = check(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
        // SAFETY: the kernel has just made this descriptor and nobody else knows it.
        Ok(Self(File::from(unsafe { OwnedFd::from_raw_fd(fd) })))
    }

    /// Adds to it.
    ///
    /// # Errors
    ///
    /// Returns the error of `write(2)`: `WouldBlock` when the counter cannot hold more.
    pub fn add(&self, count: u64) -> io::Result<()> {
        (&self.0).write_all(&count.to_ne_bytes())
    }
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
