//! The selector on Linux's and Android's epoll, edge-triggered.
//!
//! Guarantees of the kernel that it hands on: data that arrived before `register` gives an initial
//! event; `reregister` reports pending conditions anew (measured on Linux 6.18); registrations
//! from other threads take effect while `select` blocks (epoll_wait(2), "NOTES").

mod event;
#[cfg(edgewake_fuzz)]
pub(crate) mod fuzz;

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

pub use self::event::{Event, Events, Iter};
use super::Entry;
#[cfg(edgewake_faults)]
use crate::syscall::faults;
use crate::{Interest, Token, fd, probe};

/// An epoll instance.
///
/// Every method takes `&self`; registrations may come from any thread while another one selects.
#[derive(Debug)]
pub struct Selector {
    epoll: OwnedFd,
    /// epoll_pwait2 was refused once (kernels before 5.11, seccomp filters, valgrind):
    /// milliseconds from then on.
    coarse: AtomicBool,
}

impl Selector {
    /// Whether registering a descriptor a second time silently replaces the first registration.
    /// Not here: epoll refuses it with `EEXIST`.
    pub const REPLACES_DUPLICATES: bool = false;

    /// Whether closing the last descriptor of a file ends its registration. So on epoll, where
    /// `deregister` can be saved for a descriptor that nobody duplicated (epoll(7), questions).
    pub const CLOSE_DEREGISTERS: bool = true;

    /// Whether [`Interest::EXCLUSIVE`] can be registered.
    pub const HAS_EXCLUSIVE: bool = true;

    /// Creates a selector; its descriptor is close-on-exec.
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE` or `ENOMEM`.
    ///
    /// # References
    ///
    /// [epoll_create1(2)](https://man7.org/linux/man-pages/man2/epoll_create.2.html)
    #[doc(alias = "epoll_create1")]
    #[inline]
    pub fn new() -> io::Result<Selector> {
        // SAFETY: takes a flag by value.
        let epoll = unsafe { syscall!(epoll_create1(libc::EPOLL_CLOEXEC)) }?;
        // SAFETY: the call succeeded, so `epoll` is a new descriptor that nobody else owns.
        let epoll = unsafe { fd::own(epoll) };
        #[cfg(edgewake_faults)]
        faults::opened(epoll.as_raw_fd());
        Ok(Selector { epoll, coarse: AtomicBool::new(false) })
    }

    /// Registers a descriptor. What holds already is reported by the next
    /// [`select`](Self::select).
    ///
    /// Returns the conditions that no event will tell of although they hold: none, here. On kqueue
    /// there are some where the other end of a pipe has gone.
    ///
    /// The owner of the descriptor calls [`deregister`](Self::deregister) before it closes it: a
    /// duplicate, in this process or a child, would keep the registration alive.
    ///
    /// # Errors
    ///
    /// - `EEXIST`: the descriptor is registered here already;
    /// - `EPERM`: it cannot be polled, such as a regular file or a directory;
    /// - `ENOSPC`: the user's limit of watches (`/proc/sys/fs/epoll/max_user_watches`);
    /// - `ENOMEM`.
    ///
    /// # References
    ///
    /// [epoll_ctl(2)](https://man7.org/linux/man-pages/man2/epoll_ctl.2.html) `EPOLL_CTL_ADD`
    #[doc(alias = "epoll_ctl")]
    #[inline]
    pub fn register(
        &self,
        fd: BorrowedFd<'_>,
        token: Token,
        interest: Interest,
    ) -> io::Result<Interest> {
        probe::register(fd.as_raw_fd() as u64, interest.bits());
        self.control(libc::EPOLL_CTL_ADD, fd.as_raw_fd(), token, interest)?;
        Ok(Interest::empty())
    }

    /// Replaces a registration's token and interest, and reports anew what holds. Returns what
    /// [`register`](Self::register) does.
    ///
    /// Takes the number under which the descriptor was registered: its owner may not be able to
    /// lend it any more, and a number that is not registered is an error, nothing worse.
    ///
    /// # Errors
    ///
    /// `ENOENT` if the descriptor is not registered here, `EBADF` if it is not open; `EINVAL` for
    /// a registration that is exclusive and shall not be any more.
    ///
    /// # Platform notes
    ///
    /// With [`Interest::EXCLUSIVE`] it makes two system calls, `EPOLL_CTL_DEL` and
    /// `EPOLL_CTL_ADD`: if the second fails, the descriptor is not registered any more.
    ///
    /// # References
    ///
    /// [epoll_ctl(2)](https://man7.org/linux/man-pages/man2/epoll_ctl.2.html) `EPOLL_CTL_MOD`
    #[inline]
    pub fn reregister(&self, fd: RawFd, token: Token, interest: Interest) -> io::Result<Interest> {
        probe::register(fd as u64, interest.bits());
        let mut change = libc::EPOLL_CTL_MOD;
        if interest.is_exclusive() {
            // EINVAL with MOD. Nothing is lost in between: ADD reports what holds.
            self.deregister(fd)?;
            change = libc::EPOLL_CTL_ADD;
        }
        self.control(change, fd, token, interest)?;
        Ok(Interest::empty())
    }

    /// Ends a registration. An event of it that was selected before can still be in a batch.
    ///
    /// # Errors
    ///
    /// `ENOENT` if the descriptor is not registered here, `EBADF` if it is not open.
    ///
    /// # References
    ///
    /// [epoll_ctl(2)](https://man7.org/linux/man-pages/man2/epoll_ctl.2.html) `EPOLL_CTL_DEL`
    #[inline]
    pub fn deregister(&self, fd: RawFd) -> io::Result<()> {
        // Kernels before 2.6.9 want a non-null event with DEL; `control` always gives one.
        self.control(libc::EPOLL_CTL_DEL, fd, Token(0), Interest::empty())
    }

    /// Waits until something is ready or `timeout` has passed (`None`: for ever), and replaces the
    /// contents of `events`. A time-out leaves them empty.
    ///
    /// The timeout is rounded up: to nanoseconds with `epoll_pwait2` (Linux 5.11), else to
    /// milliseconds. More than the kernel can count is cut, so a return before the time has passed
    /// is possible and means nothing.
    ///
    /// # Errors
    ///
    /// `EINTR` when a signal handler ran; `events` is empty then.
    ///
    /// # References
    ///
    /// [epoll_wait(2)](https://man7.org/linux/man-pages/man2/epoll_wait.2.html)
    #[doc(alias = "epoll_wait")]
    #[doc(alias = "epoll_pwait2")]
    #[inline]
    pub fn select(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        #[cfg(edgewake_faults)]
        if faults::schedule::is_installed() {
            return faults::schedule::select(timeout, |patience| {
                self.ask(events, Some(patience)).map(|()| !events.is_empty())
            });
        }
        self.ask(events, timeout)
    }

    #[inline(always)]
    fn ask(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        events.list.clear();
        #[cfg(edgewake_faults)]
        self.report_anew();
        let count = match timeout {
            None => self.wait(events, -1)?,
            Some(Duration::ZERO) => self.wait(events, 0)?,
            Some(timeout) => self.wait_for(events, timeout)?,
        };
        // SAFETY: the kernel has written `count` entries, at most the capacity that it was given.
        unsafe { events.list.set_len(count) };
        #[cfg(edgewake_faults)]
        events.rewrite(self.epoll.as_raw_fd());
        Ok(())
    }

    /// Replaces the kernel object behind this selector by a new one that holds exactly what `live`
    /// lists.
    ///
    /// For registrations that can no longer be ended because their descriptor was closed here
    /// while a child process holds a copy (measured on Linux 6.18: such a registration keeps
    /// reporting, and `EPOLL_CTL_DEL` answers `EBADF`). The descriptor number stays the same.
    /// Every live registration reports anew what holds.
    ///
    /// `live` is asked twice: before the objects are exchanged, and after, for what another thread
    /// has registered with the old one meanwhile. Returns the tokens of those that came in between
    /// and could not be registered with the new one: they are not registered any more.
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE`, `ENOMEM`, or `ENOSPC` of an entry: then nothing has changed. An entry
    /// whose descriptor is closed (`EBADF`) is skipped.
    ///
    /// # References
    ///
    /// [dup(2)](https://man7.org/linux/man-pages/man2/dup.2.html) `dup3`
    #[cold]
    pub fn rebuild(&self, live: &mut dyn FnMut() -> Vec<Entry>) -> io::Result<Vec<Token>> {
        let fresh = Selector::new()?;
        for &(fd, token, interest) in &live() {
            fresh.add_if_open(fd, token, interest)?;
        }
        let (new, old) = (fresh.epoll.as_raw_fd(), self.epoll.as_raw_fd());
        // SAFETY: both are open descriptors that we own; `old` is replaced by a duplicate of
        // `new` atomically, so `self.epoll` never refers to anything else.
        unsafe { syscall!(by_number::dup3(new, old, libc::O_CLOEXEC)) }?;
        let mut lost = Vec::new();
        for &(fd, token, interest) in &live() {
            if self.add_if_open(fd, token, interest).is_err() {
                lost.push(token);
            }
        }
        Ok(lost)
    }

    /// Registers what is neither closed nor registered yet.
    fn add_if_open(&self, fd: RawFd, token: Token, interest: Interest) -> io::Result<()> {
        match self.control(libc::EPOLL_CTL_ADD, fd, token, interest) {
            Err(error) if matches!(error.raw_os_error(), Some(libc::EEXIST | libc::EBADF)) => {
                Ok(())
            }
            outcome => outcome,
        }
    }

    fn control(&self, op: i32, fd: RawFd, token: Token, interest: Interest) -> io::Result<()> {
        let mut event = libc::epoll_event { events: mask(interest), u64: token.0 };
        // SAFETY: `event` is a valid epoll_event for the duration of the call.
        unsafe { syscall!(epoll_ctl(self.epoll.as_raw_fd(), op, fd, &mut event)) }?;
        #[cfg(edgewake_faults)]
        match op {
            libc::EPOLL_CTL_DEL => faults::deregistered(self.epoll.as_raw_fd(), fd),
            _ => faults::registered(self.epoll.as_raw_fd(), fd, token, interest),
        }
        Ok(())
    }

    /// Has what a fault plan owes reported by the next wait, past the door.
    #[cfg(edgewake_faults)]
    fn report_anew(&self) {
        for (fd, token, interest) in faults::owed(self.epoll.as_raw_fd()) {
            let mut event = libc::epoll_event { events: mask(interest), u64: token.0 };
            // What was closed since is registered no more, which is no news to anybody.
            // SAFETY: `event` is a valid epoll_event for the duration of the call.
            unsafe { libc::epoll_ctl(self.epoll.as_raw_fd(), libc::EPOLL_CTL_MOD, fd, &mut event) };
        }
    }

    #[inline]
    fn wait(&self, events: &mut Events, milliseconds: i32) -> io::Result<usize> {
        let (room, capacity) = events.room();
        let epoll = self.epoll.as_raw_fd();
        // SAFETY: `room` is the whole of an empty list, valid for writes of `capacity` entries.
        let count = unsafe { syscall!(epoll_wait(epoll, room, capacity, milliseconds)) }?;
        Ok(count as usize)
    }

    #[inline(never)]
    fn wait_for(&self, events: &mut Events, timeout: Duration) -> io::Result<usize> {
        // Relaxed: a hint with no data behind it; a thread that misses it asks the kernel again.
        if !self.coarse.load(Ordering::Relaxed) {
            match self.wait_precisely(events, timeout) {
                Err(error) if is_refusal(&error) => self.coarse.store(true, Ordering::Relaxed),
                outcome => return outcome,
            }
        }
        self.wait(events, milliseconds(timeout))
    }

    fn wait_precisely(&self, events: &mut Events, timeout: Duration) -> io::Result<usize> {
        let (room, capacity) = events.room();
        let timeout = KernelTimespec::from(timeout);
        // SAFETY: `room` is valid for writes of `capacity` entries, and `timeout` outlives the
        // call.
        let count = unsafe {
            syscall!(by_number::epoll_pwait2(self.epoll.as_raw_fd(), room, capacity, &timeout))
        }?;
        Ok(count as usize)
    }
}

impl AsFd for Selector {
    #[inline]
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

impl AsRawFd for Selector {
    #[inline]
    fn as_raw_fd(&self) -> RawFd {
        self.epoll.as_raw_fd()
    }
}

/// `struct __kernel_timespec`, which is 64-bit on every architecture, as `epoll_pwait2` takes it.
#[repr(C)]
struct KernelTimespec {
    seconds: i64,
    nanoseconds: i64,
}

impl From<Duration> for KernelTimespec {
    #[inline]
    fn from(duration: Duration) -> KernelTimespec {
        // 30 years: the kernel's own limit (KTIME_MAX) is 292.
        const MOST: u64 = 1_000_000_000;
        KernelTimespec {
            seconds: duration.as_secs().min(MOST) as i64,
            nanoseconds: i64::from(duration.subsec_nanos()),
        }
    }
}

/// Calls made by their number, under the names that a fault plan knows them by.
mod by_number {
    use std::{os::fd::RawFd, ptr};

    use super::KernelTimespec;

    /// The libc crate has none for Android.
    ///
    /// # Safety
    ///
    /// As for dup2(2): whoever uses `old` gets what is behind `new`.
    #[cold]
    pub(super) unsafe fn dup3(new: RawFd, old: RawFd, flags: i32) -> libc::c_long {
        // SAFETY: takes its arguments by value.
        unsafe { libc::syscall(libc::SYS_dup3, new, old, flags) }
    }

    /// glibc has the wrapper only since 2.35, musl since 1.2.5.
    ///
    /// # Safety
    ///
    /// `room` is valid for writes of `capacity` entries.
    #[inline(always)]
    pub(super) unsafe fn epoll_pwait2(
        epoll: RawFd,
        room: *mut libc::epoll_event,
        capacity: i32,
        timeout: &KernelTimespec,
    ) -> libc::c_long {
        let (timeout, mask) = (ptr::from_ref(timeout), ptr::null::<libc::sigset_t>());
        // SAFETY: the caller answers for `room`; a null signal mask, whose size is then not read,
        // leaves the mask alone.
        unsafe {
            libc::syscall(libc::SYS_epoll_pwait2, epoll, room, capacity, timeout, mask, 0_usize)
        }
    }
}

/// Whether epoll_pwait2 is not to be had: ENOSYS from an old kernel, EPERM from a seccomp filter
/// that predates it (as container runtimes shipped).
#[inline]
fn is_refusal(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM))
}

/// Rounds up, so that a loop never wakes just before its deadline and spins, and saturates, so
/// that a long wait does not become a negative and so endless one.
#[inline]
fn milliseconds(timeout: Duration) -> i32 {
    // Not by `as_nanos`: to divide 128 bits is a function of its own in every program.
    let begun = u64::from(timeout.subsec_nanos().div_ceil(1_000_000));
    let whole = timeout.as_secs().saturating_mul(1000);
    whole.saturating_add(begun).try_into().unwrap_or(i32::MAX)
}

fn mask(interest: Interest) -> u32 {
    let mut mask = libc::EPOLLET;
    if interest.is_readable() {
        mask |= libc::EPOLLIN;
    }
    if interest.contains(Interest::READABLE) {
        mask |= libc::EPOLLRDHUP;
    }
    if interest.is_writable() {
        mask |= libc::EPOLLOUT;
    }
    if interest.is_priority() {
        mask |= libc::EPOLLPRI;
    }
    if interest.is_exclusive() {
        mask |= libc::EPOLLEXCLUSIVE;
    }
    mask as u32
}

#[cfg(test)]
mod tests;
