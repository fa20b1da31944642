//! The selector on kqueue (macOS, iOS and their kin, the BSDs), edge-triggered.
//!
//! An [`Interest`] becomes one knote per filter (`EVFILT_READ`, `EVFILT_WRITE`, `EVFILT_EXCEPT`),
//! always with `EV_CLEAR`, and every change is made with `EV_RECEIPT` and its receipt looked at.
//! Guarantees of the kernel that it hands on: data that arrived before `register` gives an initial
//! event; `reregister` reports pending conditions anew (measured on NetBSD); registrations from
//! other threads take effect while `select` blocks.
//!
//! It keeps no table of what is registered: closing a descriptor takes its knotes with it, so a
//! table would go stale (T31). The files below: `ffi` is what each system calls things, `change`
//! the list of changes with its receipts, `event` what comes back.

use std::{
    fmt, io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd},
    time::Duration,
};

pub(crate) mod change;
mod event;
#[cfg(edgewake_kqueue = "fake")]
mod fake;
pub(crate) mod ffi;
#[cfg(edgewake_fuzz)]
pub(crate) mod fuzz;
#[cfg(test)]
mod tests;

pub use self::event::{Event, Events, Iter};
use self::{
    change::{Changes, Receipts},
    ffi::{EVFILT_READ, EVFILT_WRITE, Filter},
};
use super::Entry;
#[cfg(edgewake_faults)]
use crate::syscall::faults;
use crate::{Interest, Token, pipe, probe};

/// A kqueue.
///
/// Every method takes `&self`; registrations may come from any thread while another one selects.
///
/// # Platform notes
///
/// A kqueue is not inherited by `fork`: in the child its descriptor is closed, and the number may
/// name something else soon. A child that goes on without `exec` must neither use nor drop the
/// selector ([`std::mem::forget`] it) and create its own.
pub struct Selector {
    queue: ffi::Queue,
}

impl Selector {
    /// Whether registering a descriptor a second time silently replaces the first registration.
    /// So on kqueue: `EV_ADD` of a knote that is there gives it the new token (T91).
    pub const REPLACES_DUPLICATES: bool = true;

    /// Whether `deregister` can be saved for a descriptor that nobody duplicated. Not here:
    /// closing takes the knotes with it on a BSD, but libkqueue keeps them, and then mutes the
    /// next owner of the number.
    pub const CLOSE_DEREGISTERS: bool = false;

    /// Whether [`Interest::EXCLUSIVE`] can be registered. Not here: every queue is told.
    pub const HAS_EXCLUSIVE: bool = false;

    /// Creates a selector; its descriptor is close-on-exec.
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE` or `ENOMEM`.
    ///
    /// # Platform notes
    ///
    /// Makes two system calls where there is no `kqueue1`.
    ///
    /// # References
    ///
    /// [kqueue(2)](https://man.freebsd.org/cgi/man.cgi?query=kqueue&sektion=2)
    #[doc(alias = "kqueue")]
    pub fn new() -> io::Result<Selector> {
        let selector = Selector { queue: ffi::open()? };
        #[cfg(edgewake_faults)]
        faults::opened(selector.as_raw_fd());
        Ok(selector)
    }

    /// Registers a descriptor. What holds already is reported by the next
    /// [`select`](Self::select).
    ///
    /// All or nothing: if one filter is refused, those that were added are taken back. But where
    /// the other end of a pipe has gone, that is no error: returns the conditions that no event
    /// will tell of because of it ([`READABLE`](Interest::READABLE) stands for either kind of
    /// reading), nearly always none. The next read or write says the same.
    ///
    /// The owner of the descriptor calls [`deregister`](Self::deregister) before it closes it: an
    /// event that was reported already would meet the next owner of the number.
    ///
    /// # Errors
    ///
    /// - [`Unsupported`](io::ErrorKind::Unsupported): [`Interest::PRIORITY`], where the system
    ///   cannot tell;
    /// - `EINVAL`: it cannot be polled so, such as a kqueue for writing, or `/dev/tty` on macOS;
    /// - `ENOMEM`.
    ///
    /// # Platform notes
    ///
    /// A second registration of a descriptor does not fail as on epoll (`EEXIST`): it replaces the
    /// first one's token for the filters that it asks for. An empty interest leaves nothing in the
    /// kernel. Where the other end of a pipe has gone, macOS may refuse either filter with `EPIPE`
    /// (mio#582); FreeBSD, OpenBSD and DragonFly refuse `EVFILT_WRITE` of an anonymous pipe with
    /// it, and NetBSD with `EBADF`.
    ///
    /// # References
    ///
    /// [kevent(2)](https://man.freebsd.org/cgi/man.cgi?query=kevent&sektion=2) `EV_ADD`
    #[doc(alias = "kevent")]
    pub fn register(
        &self,
        fd: BorrowedFd<'_>,
        token: Token,
        interest: Interest,
    ) -> io::Result<Interest> {
        check_supported(interest)?;
        let fd = fd.as_raw_fd();
        probe::register(fd as u64, interest.bits());
        let receipts = change_list(fd, token, interest, Others::Leave).submit(self.as_fd())?;
        let outcome = receipts.check(|filter, errno| is_end(fd, filter, errno));
        if outcome.is_err() {
            self.take_back(fd, &receipts);
        }
        #[cfg(edgewake_faults)]
        if outcome.is_ok() {
            faults::registered(self.as_raw_fd(), fd, token, interest);
        }
        outcome.map(|()| ended(interest, &receipts))
    }

    /// Replaces a registration's token and interest, and reports anew what holds. Returns the
    /// conditions that no event will tell of, as [`register`](Self::register) does.
    ///
    /// Takes the number under which the descriptor was registered: its owner may not be able to
    /// lend it any more, and a number that is not open is an error, nothing worse.
    ///
    /// # Errors
    ///
    /// `EBADF` if the descriptor is not open, else as [`register`](Self::register); but what was
    /// changed before an error stays changed: deregister then.
    ///
    /// # Platform notes
    ///
    /// A descriptor that is not registered here is registered; on epoll it is `ENOENT`.
    ///
    /// # References
    ///
    /// [kevent(2)](https://man.freebsd.org/cgi/man.cgi?query=kevent&sektion=2) `EV_ADD`
    pub fn reregister(&self, fd: RawFd, token: Token, interest: Interest) -> io::Result<Interest> {
        check_supported(interest)?;
        probe::register(fd as u64, interest.bits());
        let receipts = change_list(fd, token, interest, Others::Delete).submit(self.as_fd())?;
        receipts.check(|filter, errno| {
            // The end only answers an EV_ADD, absence only an EV_DELETE.
            if filters(interest).any(|wanted| wanted.0 == filter) {
                is_end(fd, filter, errno)
            } else {
                is_absence(errno)
            }
        })?;
        #[cfg(edgewake_faults)]
        faults::registered(self.as_raw_fd(), fd, token, interest);
        Ok(ended(interest, &receipts))
    }

    /// Ends a registration. An event of it that was selected before can still be in a batch.
    ///
    /// # Errors
    ///
    /// `ENOENT` if the descriptor is not registered here, `EBADF` if it is not open.
    ///
    /// # References
    ///
    /// [kevent(2)](https://man.freebsd.org/cgi/man.cgi?query=kevent&sektion=2) `EV_DELETE`
    pub fn deregister(&self, fd: RawFd) -> io::Result<()> {
        #[cfg(edgewake_faults)]
        faults::deregistered(self.as_raw_fd(), fd);
        let mut changes = Changes::new();
        for (filter, _) in FILTERS {
            changes.delete(fd, filter);
        }
        let receipts = changes.submit(self.as_fd())?;
        receipts.check(|_, errno| is_absence(errno))?;
        let found = receipts.iter().any(|(_, errno)| errno.is_none());
        // A repetition finds nothing because the interrupted call had done the work.
        if found || receipts.repeated() {
            Ok(())
        } else {
            Err(io::Error::from_raw_os_error(libc::ENOENT))
        }
    }

    /// Waits until something is ready or `timeout` has passed (`None`: for ever), and replaces the
    /// contents of `events`. A time-out leaves them empty.
    ///
    /// The timeout has nanoseconds; the kernel rounds up to its own clock. More than eleven days
    /// is cut, so a return before the time has passed is possible and means nothing.
    ///
    /// # Errors
    ///
    /// `EINTR` when a signal handler ran; `events` is empty then.
    ///
    /// # References
    ///
    /// [kevent(2)](https://man.freebsd.org/cgi/man.cgi?query=kevent&sektion=2)
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
        events.clear();
        #[cfg(edgewake_faults)]
        for (fd, token, interest) in faults::owed(self.as_raw_fd()) {
            // What was closed since is registered no more, which is no news to anybody.
            drop(change_list(fd, token, interest, Others::Leave).submit(self.as_fd()));
        }
        let timeout = timeout.map(timespec);
        let count = ffi::wait(self.as_fd(), events.room(), timeout.as_ref())?;
        // SAFETY: `events` was cleared above, and the kernel has written `count` entries since.
        unsafe { events.filled(count) };
        #[cfg(edgewake_faults)]
        events.rewrite(self.as_raw_fd());
        Ok(())
    }

    /// Replaces the contents of `events` by what is there, without waiting, for a queue that is
    /// asked once.
    pub(crate) fn look(&self, events: &mut Events) -> io::Result<()> {
        events.clear();
        let count = ffi::look(self.as_fd(), events.room())?;
        // SAFETY: `events` was cleared above, and the kernel has written `count` entries since.
        unsafe { events.filled(count) };
        Ok(())
    }

    /// Registers everything that `live` lists anew in the same kqueue, which reports anew what
    /// holds. Returns the tokens of those that could not be registered, or not in full, unless
    /// their descriptor is closed (`EBADF`).
    ///
    /// On epoll this replaces the kernel object, to lose registrations that a child process keeps
    /// alive. There are none on kqueue: closing a descriptor takes its knotes with it, whoever
    /// else holds a copy, and a kqueue is not inherited by `fork`. So what is registered besides
    /// stays, and nothing needs to be replaced.
    ///
    /// # Errors
    ///
    /// None; on epoll there are some.
    #[cold]
    pub fn rebuild(&self, live: &mut dyn FnMut() -> Vec<Entry>) -> io::Result<Vec<Token>> {
        let mut lost = Vec::new();
        for &(fd, token, interest) in &live() {
            match self.reregister(fd, token, interest) {
                Err(error) if error.raw_os_error() == Some(libc::EBADF) => {}
                Ok(ended) if ended.is_empty() => {}
                Ok(_) | Err(_) => lost.push(token),
            }
        }
        Ok(lost)
    }

    /// Deletes those filters of `fd` whose addition `receipts` confirms.
    fn take_back(&self, fd: RawFd, receipts: &Receipts) {
        let mut changes = Changes::new();
        for (filter, _) in receipts.iter().filter(|(_, errno)| errno.is_none()) {
            changes.delete(fd, filter);
        }
        // The descriptor is open and the knotes were there a moment ago, so that only the absence
        // of one can be the answer, and that is what is wanted. The error that the caller gets is
        // the one that made this necessary.
        drop(changes.submit(self.as_fd()));
    }
}

impl fmt::Debug for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Selector").field("kqueue", &self.as_raw_fd()).finish()
    }
}

impl AsFd for Selector {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

impl AsRawFd for Selector {
    fn as_raw_fd(&self) -> RawFd {
        self.queue.as_raw_fd()
    }
}

/// The filters of a descriptor that this selector uses, with their `fflags`, in the order of
/// every change list.
const FILTERS: [(Filter, u32); FILTER_COUNT] = [
    (EVFILT_READ, 0),
    (EVFILT_WRITE, 0),
    #[cfg(edgewake_has = "priority")]
    (ffi::EVFILT_EXCEPT, ffi::NOTE_OOB),
];
const FILTER_COUNT: usize = if cfg!(edgewake_has = "priority") { 3 } else { 2 };

/// What a change list does with the filters that the interest does not ask for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    Leave,
    Delete,
}

/// Every filter gets at most one change, in the order of [`FILTERS`].
fn change_list(fd: RawFd, token: Token, interest: Interest, others: Others) -> Changes {
    let mut changes = Changes::new();
    for (filter, fflags) in FILTERS {
        if filters(interest).any(|wanted| wanted.0 == filter) {
            changes.add(fd, filter, fflags, token);
        } else if others == Others::Delete {
            changes.delete(fd, filter);
        }
    }
    changes
}

/// The filters that an interest stands for.
fn filters(interest: Interest) -> impl Iterator<Item = (Filter, u32)> {
    FILTERS.into_iter().filter(move |&(filter, _)| match filter {
        EVFILT_READ => interest.is_readable(),
        EVFILT_WRITE => interest.is_writable(),
        _ => interest.is_priority(),
    })
}

fn check_supported(interest: Interest) -> io::Result<()> {
    if interest.is_priority() && cfg!(not(edgewake_has = "priority")) {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "this system's kqueue cannot tell about urgent data",
        ));
    }
    if interest.is_exclusive() {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "a kqueue cannot be told instead of others (EPOLLEXCLUSIVE)",
        ));
    }
    Ok(())
}

/// Whether the refusal of an addition says that the other end of a pipe has gone. EPIPE is that
/// everywhere. NetBSD (11 at least) says EBADF instead, of EVFILT_WRITE alone; whether it was about
/// the number is asked of the number.
fn is_end(fd: RawFd, filter: Filter, errno: i32) -> bool {
    match errno {
        libc::EPIPE => true,
        libc::EBADF => filter == EVFILT_WRITE && pipe::is_fifo_under(fd).unwrap_or(false),
        _ => false,
    }
}

/// What was asked for and refused, after every refusal of an addition was found to be an end.
fn ended(interest: Interest, receipts: &Receipts) -> Interest {
    let refused = |filter| receipts.iter().any(|(other, errno)| other == filter && errno.is_some());
    let ends = filters(interest).filter(|&(filter, _)| refused(filter));
    ends.fold(Interest::empty(), |ends, (filter, _)| match filter {
        EVFILT_READ => ends | Interest::READABLE,
        EVFILT_WRITE => ends | Interest::WRITABLE,
        _ => ends | Interest::PRIORITY,
    })
}

/// Whether the refusal of a deletion says that there was nothing to delete.
fn is_absence(errno: i32) -> bool {
    errno == libc::ENOENT
}

/// Cut to what every system accepts: Darwin refuses very long waits with EINVAL (T43; Go cuts at
/// the same length).
fn timespec(timeout: Duration) -> libc::timespec {
    const MOST: Duration = Duration::from_secs(1_000_000);
    let timeout = timeout.min(MOST);
    libc::timespec {
        tv_sec: timeout.as_secs() as libc::time_t,
        tv_nsec: timeout.subsec_nanos() as libc::c_long,
    }
}
