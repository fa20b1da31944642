//! A fake kqueue on Linux over epoll, so that the kqueue selector and everything above it is
//! tested where the library is developed.
//!
//! Compiled with `--cfg edgewake_kqueue="fake"` only, never in a build for use. It has the calls of
//! kqueue(2) with their C types and leaves `errno`. The descriptor of a kqueue is a real epoll
//! descriptor, so that poll(2) and epoll see its events; a process-wide table holds its knotes.
//! Where systems differ it takes the side that a mistake survives least on:
//!
//! - a receipt has the change's flags beside `EV_ERROR`, as on macOS (T34);
//! - a change to an `EVFILT_USER` knote overwrites its `udata`; with `EV_ADD` it also replaces its
//!   `EV_CLEAR` (macOS); with `EV_CLEAR` it takes the trigger back (FreeBSD);
//! - `EVFILT_WRITE` of an anonymous pipe whose reader has gone is `EPIPE` (FreeBSD, OpenBSD,
//!   DragonFly; NetBSD says `EBADF`), and the filter that a FIFO by path is not open for `EINVAL`
//!   (OpenBSD);
//! - a wait of more than 100,000,000 seconds is `EINVAL` (macOS, T43).
//!
//! What it cannot do as a BSD does:
//!
//! - one epoll registration serves both filters of a descriptor: what is new for one reports the
//!   other again if it still holds. More events than on BSD, never fewer;
//! - knotes go at close only lazily: the number's next change finds the old ones stale;
//! - a stream socket that was never connected shows its end at once (epoll's `HUP`);
//! - `fflags` of a failed stream is always `ECONNRESET`: the true error cannot be read on Linux
//!   without consuming it;
//! - `EVFILT_WRITE` does not tell the room (`data` is 1), a listener not its queue's length;
//! - regular files and directories are `EPERM`, as on epoll;
//! - other filters, `EV_ONESHOT`, `EV_DISABLE` and `EV_DISPATCH` are `EINVAL`;
//! - a kqueue with one event left over (a call with room for one) does not show as readable.
//!
//! Called through `ffi` by the selector. The table's lock is never held while a call waits.

use std::{
    collections::BTreeMap,
    io,
    mem::MaybeUninit,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
    slice,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::ffi::{
    EV_ADD, EV_CLEAR, EV_DELETE, EV_ERROR, EV_RECEIPT, EVFILT_READ, EVFILT_USER, EVFILT_WRITE,
    Flags, Kevent,
};

#[cfg(test)]
pub(super) mod journal;
mod knotes;
mod poll;
mod report;
#[cfg(test)]
mod tests;

use self::knotes::Knotes;

/// The knotes of every kqueue of the process, by descriptor.
static QUEUES: Mutex<BTreeMap<RawFd, Arc<Mutex<Knotes>>>> = Mutex::new(BTreeMap::new());

/// A failed call's `errno`.
type Errno = i32;

/// Locks, also after a panic in a test elsewhere: nothing is left half-done under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Owns a kqueue's descriptor; dropping it drops the knotes and closes it.
#[derive(Debug)]
pub(crate) struct Queue {
    epoll: OwnedFd,
}

impl From<OwnedFd> for Queue {
    fn from(epoll: OwnedFd) -> Queue {
        Queue { epoll }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // Before the number is free for another kqueue. Dropped outside the lock.
        let knotes = lock(&QUEUES).remove(&self.epoll.as_raw_fd());
        drop(knotes);
    }
}

impl AsFd for Queue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

impl AsRawFd for Queue {
    fn as_raw_fd(&self) -> RawFd {
        self.epoll.as_raw_fd()
    }
}

/// `int kqueue(void)`. Not close-on-exec, like on BSD.
///
/// # Safety
///
/// None; unsafe like every C function.
pub(crate) unsafe fn kqueue() -> libc::c_int {
    // SAFETY: takes a flag by value.
    let epoll = unsafe { libc::epoll_create1(0) };
    if epoll != -1 {
        lock(&QUEUES).insert(epoll, Arc::new(Mutex::new(Knotes::new(epoll))));
    }
    epoll
}

/// `int kevent(int, const struct kevent *, int, struct kevent *, int, const struct timespec *)`.
///
/// # Safety
///
/// - `changelist` is readable for `nchanges` entries, `eventlist` writable for `nevents`; they do
///   not overlap;
/// - `timeout` is null or readable.
pub(crate) unsafe fn kevent(
    kq: libc::c_int,
    changelist: *const Kevent,
    nchanges: libc::c_int,
    eventlist: *mut Kevent,
    nevents: libc::c_int,
    timeout: *const libc::timespec,
) -> libc::c_int {
    let changes = match nchanges {
        0 => &[],
        // SAFETY: the caller's obligation.
        _ => unsafe { slice::from_raw_parts(changelist, nchanges as usize) },
    };
    let room = match nevents {
        0 => &mut [],
        // SAFETY: the caller's obligation.
        _ => unsafe {
            slice::from_raw_parts_mut(eventlist.cast::<MaybeUninit<Kevent>>(), nevents as usize)
        },
    };
    // SAFETY: the caller's obligation.
    let timeout = unsafe { timeout.as_ref() };
    match run(kq, changes, room, timeout) {
        Ok(count) => count as libc::c_int,
        Err(errno) => {
            // SAFETY: points to this thread's `errno`.
            unsafe { *libc::__errno_location() = errno };
            -1
        }
    }
}

/// Applies the changes; then returns their receipts and errors if there are any, and waits if not.
fn run(
    kq: RawFd,
    changes: &[Kevent],
    room: &mut [MaybeUninit<Kevent>],
    timeout: Option<&libc::timespec>,
) -> Result<usize, Errno> {
    let knotes = lock(&QUEUES).get(&kq).cloned().ok_or(libc::EBADF)?;
    let timeout = timeout.map(duration).transpose()?;
    let mut written = 0;
    for change in changes {
        let errno = match planted_error(change) {
            Some(errno) => errno,
            None => apply(&knotes, change).err().unwrap_or(0),
        };
        if errno == 0 && change.flags & EV_RECEIPT == 0 {
            continue;
        }
        match room.get_mut(written) {
            Some(slot) => {
                let flags = change.flags | EV_ERROR;
                slot.write(Kevent { flags, data: errno as isize, ..*change });
                written += 1;
            }
            None if errno != 0 => return Err(errno),
            None => {}
        }
    }
    if !changes.is_empty() && planted_interrupt() {
        return Err(libc::EINTR);
    }
    // A call without room does not wait, whatever the timeout (kevent(2)).
    if written > 0 || room.is_empty() {
        return Ok(written);
    }
    poll::wait(&knotes, room, timeout)
}

fn apply(knotes: &Mutex<Knotes>, change: &Kevent) -> Result<(), Errno> {
    const KNOWN: Flags = EV_ADD | EV_DELETE | EV_CLEAR | EV_RECEIPT;
    if change.flags & !KNOWN != 0 {
        return Err(libc::EINVAL);
    }
    match change.filter {
        EVFILT_USER => lock(knotes).change_user(change),
        EVFILT_READ | EVFILT_WRITE => {
            let fd = RawFd::try_from(change.ident).map_err(|_| libc::EBADF)?;
            // A kqueue can be read only; macOS and the BSDs refuse the other filter (T39).
            if change.filter == EVFILT_WRITE && lock(&QUEUES).contains_key(&fd) {
                return Err(libc::EINVAL);
            }
            lock(knotes).change_descriptor(fd, change)
        }
        _ => Err(libc::EINVAL),
    }
}

fn duration(timeout: &libc::timespec) -> Result<Duration, Errno> {
    let seconds = u64::try_from(timeout.tv_sec).map_err(|_| libc::EINVAL)?;
    let nanoseconds = u32::try_from(timeout.tv_nsec).map_err(|_| libc::EINVAL)?;
    if seconds > 100_000_000 || nanoseconds >= 1_000_000_000 {
        return Err(libc::EINVAL);
    }
    Ok(Duration::new(seconds, nanoseconds))
}

/// Shows a change to the test that runs on this thread; the error it has planted for it.
fn planted_error(change: &Kevent) -> Option<Errno> {
    #[cfg(test)]
    return journal::record(change);
    #[cfg(not(test))]
    {
        let _ = change;
        None
    }
}

/// Whether the test that runs on this thread wants this call interrupted.
fn planted_interrupt() -> bool {
    #[cfg(test)]
    return journal::take_interrupt();
    #[cfg(not(test))]
    false
}

/// What the last call of this thread failed with.
fn last_errno() -> Errno {
    io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}
