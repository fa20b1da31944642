//! The selector on Linux's and Android's epoll, edge-triggered.
//!
//! Guarantees of the kernel that it hands on: data that arrived before `register` gives an initial
//! event; `reregister` reports pending conditions anew (measured on Linux 6.18); registrations
//! from other threads take effect while `select` blocks (epoll_wait(2), "NOTES").

use std::{
    fmt, io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
    slice,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

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
                self.look(events, Some(patience)).map(|()| !events.is_empty())
            });
        }
        self.look(events, timeout)
    }

    #[inline(always)]
    fn look(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
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
fn is_refusal(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM))
}

/// Rounds up, so that a loop never wakes just before its deadline and spins, and saturates, so
/// that a long wait does not become a negative and so endless one.
#[inline]
fn milliseconds(timeout: Duration) -> i32 {
    let begun = timeout.subsec_nanos().div_ceil(1_000_000).into();
    timeout.as_secs().saturating_mul(1000).saturating_add(begun).try_into().unwrap_or(i32::MAX)
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

/// One report of the kernel about one registration.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Event(libc::epoll_event);

impl Event {
    /// The token given with the registration.
    #[inline(always)]
    pub fn token(&self) -> Token {
        Token(self.0.u64)
    }

    /// There is something to read, or a connection to accept (`EPOLLIN`).
    #[inline(always)]
    pub fn is_readable(&self) -> bool {
        self.has(libc::EPOLLIN)
    }

    /// There is something to read, and nothing else to report (`EPOLLIN` alone): what nearly
    /// every event says, told in one comparison.
    #[inline(always)]
    pub fn is_only_readable(&self) -> bool {
        let events = self.0.events;
        events == libc::EPOLLIN as u32
    }

    /// There is room to write (`EPOLLOUT`).
    #[inline(always)]
    pub fn is_writable(&self) -> bool {
        self.has(libc::EPOLLOUT)
    }

    /// There is urgent data (`EPOLLPRI`).
    #[inline(always)]
    pub fn is_priority(&self) -> bool {
        self.has(libc::EPOLLPRI)
    }

    /// Nothing will come after what can be read now (`EPOLLRDHUP` or `EPOLLHUP`).
    #[inline(always)]
    pub fn is_read_closed(&self) -> bool {
        self.has(libc::EPOLLRDHUP | libc::EPOLLHUP)
    }

    /// Nothing can be written any more (`EPOLLHUP`). A peer's half-close is not that
    /// (`EPOLLRDHUP`; tokio#449).
    #[inline(always)]
    pub fn is_write_closed(&self) -> bool {
        self.has(libc::EPOLLHUP)
    }

    /// An error is pending (`EPOLLERR`); for sockets `SO_ERROR` has it. A pipe's writer sees
    /// this alone when the pipe is full and the reader has gone.
    #[inline(always)]
    pub fn is_error(&self) -> bool {
        self.has(libc::EPOLLERR)
    }

    /// How many bytes the kernel said can be read, where it says so: never on epoll.
    #[inline(always)]
    pub fn readable_bytes(&self) -> Option<u64> {
        None
    }

    #[inline(always)]
    fn has(&self, bits: i32) -> bool {
        // Copied out: the structure is packed on x86-64.
        let events = self.0.events;
        events & bits as u32 != 0
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("token", &self.token())
            .field("readable", &self.is_readable())
            .field("writable", &self.is_writable())
            .field("priority", &self.is_priority())
            .field("read_closed", &self.is_read_closed())
            .field("write_closed", &self.is_write_closed())
            .field("error", &self.is_error())
            .finish()
    }
}

/// A reusable buffer of events that [`Selector::select`] fills.
pub struct Events {
    list: Vec<libc::epoll_event>,
    /// What was asked for, at least one: no more than the list's capacity.
    most: i32,
}

impl Events {
    /// Creates a buffer for up to `capacity` events a call, at least one. What does not fit is
    /// reported by the next call.
    #[inline]
    pub fn with_capacity(capacity: usize) -> Events {
        let most = i32::try_from(capacity.max(1)).unwrap_or(i32::MAX);
        Events { list: Vec::with_capacity(most as usize), most }
    }

    /// The events of the last [`Selector::select`], in the kernel's order.
    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        Iter { inner: self.list.iter() }
    }

    /// How many events there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many events fit.
    pub fn capacity(&self) -> usize {
        self.most as usize
    }

    /// Doubles and adds what a fault plan wants, and rearranges it all as a schedule does.
    #[cfg(edgewake_faults)]
    fn rewrite(&mut self, selector: RawFd) {
        let (double, added) = faults::rewritten(selector);
        if double {
            self.list.extend_from_within(..);
        }
        self.list.extend(added.into_iter().map(|(token, interest)| {
            let bits = mask(interest) & (libc::EPOLLIN | libc::EPOLLOUT) as u32;
            libc::epoll_event { events: bits, u64: token.0 }
        }));
        faults::schedule::rearrange(
            &mut self.list,
            |event| Token(event.u64),
            |token| faults::holds(selector, token),
        );
    }

    /// Called while the list is empty.
    #[inline]
    fn room(&mut self) -> (*mut libc::epoll_event, i32) {
        (self.list.as_mut_ptr(), self.most)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> IntoIterator for &'a Events {
    type Item = Event;
    type IntoIter = Iter<'a>;

    #[inline]
    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// The events of one batch.
#[derive(Clone)]
pub struct Iter<'a> {
    inner: slice::Iter<'a, libc::epoll_event>,
}

impl Iterator for Iter<'_> {
    type Item = Event;

    #[inline]
    fn next(&mut self) -> Option<Event> {
        self.inner.next().copied().map(Event)
    }
}

impl fmt::Debug for Iter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{KernelTimespec, milliseconds};

    // T71. Goal: a wait never ends before its time and never turns endless.
    #[test]
    fn t71_timeouts_round_up_and_saturate() {
        assert_eq!(milliseconds(Duration::from_nanos(1)), 1);
        assert_eq!(milliseconds(Duration::from_micros(1_001)), 2);
        assert_eq!(milliseconds(Duration::from_millis(7)), 7);
        assert_eq!(milliseconds(Duration::from_secs(25 * 24 * 3600)), i32::MAX);
        assert_eq!(milliseconds(Duration::MAX), i32::MAX);
        let longest = KernelTimespec::from(Duration::MAX);
        assert_eq!((longest.seconds, longest.nanoseconds), (1_000_000_000, 999_999_999));
    }
}
