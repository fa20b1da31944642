//! `epoll(7)`: an owned instance, its four calls, and the event buffer they fill.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use super::check;

/// Readable.
pub const IN: u32 = libc::EPOLLIN as u32;
/// Writable.
pub const OUT: u32 = libc::EPOLLOUT as u32;
/// Priority (out-of-band) data.
pub const PRI: u32 = libc::EPOLLPRI as u32;
/// The peer has shut its writing side down.
pub const RDHUP: u32 = libc::EPOLLRDHUP as u32;
/// Edge-triggered.
pub const ET: u32 = libc::EPOLLET as u32;

/// An epoll instance.
#[derive(Debug)]
pub struct Epoll(OwnedFd);

/// The buffer [`Epoll::wait`] fills.
#[derive(Debug)]
pub struct Events {
    raw: Vec<libc::epoll_event>,
    filled: usize,
}

impl Events {
    /// A buffer for `capacity` events.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { raw: vec![libc::epoll_event { events: 0, u64: 0 }; capacity], filled: 0 }
    }

    /// The events of the last wait, as (event bits, token).
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.raw[..self.filled].iter().map(|event| (event.events, event.u64))
    }
}

impl Epoll {
    /// Creates an instance, close-on-exec.
    ///
    /// # Errors
    ///
    /// Returns the error of `epoll_create1(2)`.
    pub fn new() -> io::Result<Self> {
        // SAFETY: takes no pointer.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the kernel has just made this descriptor and nobody else knows it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Registers `fd` for `events`, reported with `token`.
    ///
    /// # Errors
    ///
    /// Returns the error of `epoll_ctl(2)`.
    #[inline]
    pub fn add(&self, fd: BorrowedFd<'_>, events: u32, token: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, events, token)
    }

    /// Replaces what `fd` is registered for; re-arms an edge that holds at this moment.
    ///
    /// # Errors
    ///
    /// Returns the error of `epoll_ctl(2)`.
    #[inline]
    pub fn modify(&self, fd: BorrowedFd<'_>, events: u32, token: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, fd, events, token)
    }

    #[inline]
    fn control(
        &self,
        operation: libc::c_int,
        fd: BorrowedFd<'_>,
        events: u32,
        token: u64,
    ) -> io::Result<()> {
        let mut event = libc::epoll_event { events, u64: token };
        let (epoll, fd) = (self.0.as_raw_fd(), fd.as_raw_fd());
        // SAFETY: both descriptors are borrowed for the call; `event` lives through it and the
        // kernel only reads it.
        check(unsafe { libc::epoll_ctl(epoll, operation, fd, &raw mut event) })?;
        Ok(())
    }

    /// Waits for events; `timeout` in milliseconds, -1 for ever.
    ///
    /// # Errors
    ///
    /// Returns the error of `epoll_wait(2)`, `Interrupted` included.
    #[inline]
    pub fn wait(&self, events: &mut Events, timeout: i32) -> io::Result<usize> {
        let capacity = i32::try_from(events.raw.len()).unwrap_or(i32::MAX);
        events.filled = 0;
        // SAFETY: the buffer holds `capacity` events and is borrowed mutably for the call.
        let filled = check(unsafe {
            libc::epoll_wait(self.0.as_raw_fd(), events.raw.as_mut_ptr(), capacity, timeout)
        })?;
        // The kernel returns at most `capacity`, and `check` refused what is negative.
        events.filled = filled as usize;
        Ok(events.filled)
    }

    /// Waits with `epoll_pwait2(2)`, whose timeout has nanoseconds (Linux 5.11).
    ///
    /// The call goes through `syscall(2)` because C libraries older than glibc 2.35 lack it.
    ///
    /// # Errors
    ///
    /// Returns the error of `epoll_pwait2(2)`; `ENOSYS` on an older kernel and under valgrind.
    pub fn wait_precise(&self, events: &mut Events, timeout: Duration) -> io::Result<usize> {
        let mut spec: libc::timespec = super::clock::timespec(timeout);
        let capacity = i32::try_from(events.raw.len()).unwrap_or(i32::MAX);
        events.filled = 0;
        // SAFETY: buffer and timespec live through the call; a null signal mask leaves the
        // thread's mask alone, and its size argument is then ignored.
        let filled = unsafe {
            libc::syscall(
                libc::SYS_epoll_pwait2,
                self.0.as_raw_fd(),
                events.raw.as_mut_ptr(),
                capacity,
                &raw mut spec,
                std::ptr::null::<libc::sigset_t>(),
                0_usize,
            )
        };
        events.filled = usize::try_from(filled).map_err(|_| io::Error::last_os_error())?;
        Ok(events.filled)
    }
}
