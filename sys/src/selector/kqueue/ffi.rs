//! Types, constants and calls of kqueue, in one shape for every system.
//!
//! What differs between the systems stops here: NetBSD's unsigned 32-bit filters and `size_t`
//! counts, Apple's packed `struct kevent` (its fields are always copied out, never borrowed),
//! FreeBSD's `ext`. `system` below is libc on the BSDs and Apple; on Linux it is the C face of
//! kqueue over the in-tree fake (`--cfg edgewake_kqueue="fake"`) or libkqueue (`"system"`).
//!
//! Called by the rest of the kqueue selector only. It decides nothing and looks into no receipt.

use std::{
    ffi::c_void,
    io,
    mem::MaybeUninit,
    os::fd::{AsRawFd, BorrowedFd},
    ptr,
};

use crate::Token;

cfg_if::cfg_if! {
    if #[cfg(edgewake_kqueue = "libc")] {
        use libc as system;
    } else {
        mod linux;
        use self::linux as system;
    }
}
/// kevent(2) under the names by which a fault plan knows its waits, and looks that do not wait.
mod waiting {
    pub(super) use super::system::{kevent as kevent_look, kevent as kevent_wait};
}

pub(crate) use self::system::{
    EV_ADD, EV_CLEAR, EV_DELETE, EV_EOF, EV_ERROR, EV_RECEIPT, EVFILT_READ, EVFILT_WRITE,
};
#[cfg(edgewake_has = "priority")]
pub(crate) use self::system::{EVFILT_EXCEPT, NOTE_OOB};
#[cfg(any(edgewake_notifier = "user_event", edgewake_kqueue = "fake"))]
pub(crate) use self::system::{EVFILT_USER, NOTE_TRIGGER};

/// `struct kevent`: a change, a receipt or an event, depending on the way it travels.
pub(crate) type Kevent = system::kevent;

// NetBSD numbers its filters from 0 (EVFILT_READ), so a zeroed entry is a valid change there.
cfg_if::cfg_if! {
    if #[cfg(target_os = "netbsd")] {
        pub(crate) type Filter = u32;
        pub(crate) type Flags = u32;
        type Count = libc::size_t;
    } else {
        pub(crate) type Filter = i16;
        pub(crate) type Flags = u16;
        type Count = libc::c_int;
    }
}

cfg_if::cfg_if! {
    if #[cfg(edgewake_kqueue = "libc")] {
        pub(crate) type Queue = std::os::fd::OwnedFd;
    } else {
        pub(crate) use self::linux::Queue;
    }
}

/// Fills in one entry. `Token` and `udata` have the same 64 bits: build.rs refuses other targets.
pub(crate) fn entry(
    ident: usize,
    filter: Filter,
    flags: Flags,
    fflags: u32,
    token: Token,
) -> Kevent {
    // SAFETY: the structure is integers and one raw pointer, for all of which zero is a value.
    // FreeBSD's `ext` must be zero.
    let mut entry: Kevent = unsafe { MaybeUninit::zeroed().assume_init() };
    entry.ident = ident;
    entry.filter = filter;
    entry.flags = flags;
    entry.fflags = fflags;
    // A number on its way through the kernel, not an address.
    entry.udata = ptr::without_provenance_mut::<c_void>(token.0 as usize);
    entry
}

/// The token that an entry carries.
#[inline(always)]
pub(crate) fn token(entry: &Kevent) -> Token {
    // Copied out: the structure is packed on Apple.
    let udata = entry.udata;
    Token(udata.addr() as u64)
}

/// Creates a kqueue, close-on-exec. Makes one system call on NetBSD, elsewhere two.
pub(crate) fn open() -> io::Result<Queue> {
    #[cfg(edgewake_has = "kqueue1")]
    // SAFETY: takes a flag by value.
    let number = unsafe { syscall!(system::kqueue1(libc::O_CLOEXEC)) }?;
    #[cfg(not(edgewake_has = "kqueue1"))]
    // SAFETY: takes no argument.
    let number = unsafe { syscall!(system::kqueue()) }?;
    // SAFETY: the call succeeded, so `number` is a new descriptor that nobody else owns.
    let queue = Queue::from(unsafe { crate::fd::own(number) });
    // A kqueue is not inherited by fork but stays open through exec. A fork needs no care
    // between the two calls, an exec of this very process does not happen there.
    #[cfg(not(edgewake_has = "kqueue1"))]
    crate::fd::set_cloexec(std::os::fd::AsFd::as_fd(&queue))?;
    Ok(queue)
}

/// Hands `changes` to the kernel and lets it write as many receipts into `receipts`; returns how
/// many it wrote. Every change carries `EV_RECEIPT`, so the call neither waits nor takes events.
pub(crate) fn change(
    queue: BorrowedFd<'_>,
    changes: &[Kevent],
    receipts: &mut [Kevent],
) -> io::Result<usize> {
    let (fd, room) = (queue.as_raw_fd(), receipts.as_mut_ptr());
    let (given, wanted) = (changes.len() as Count, receipts.len() as Count);
    // SAFETY: `changes` is readable and `receipts` writable for the lengths given; a null timeout
    // is allowed.
    let count = unsafe {
        syscall!(system::kevent(fd, changes.as_ptr(), given, room, wanted, ptr::null()))
    }?;
    Ok(count as usize)
}

/// Waits for events, at most `room.len()` of them, and returns how many entries it has written.
/// `None` waits for ever.
pub(crate) fn wait(
    queue: BorrowedFd<'_>,
    room: &mut [MaybeUninit<Kevent>],
    timeout: Option<&libc::timespec>,
) -> io::Result<usize> {
    let most = room.len().min(libc::c_int::MAX as usize) as Count;
    let (fd, room) = (queue.as_raw_fd(), room.as_mut_ptr().cast::<Kevent>());
    let timeout = timeout.map_or(ptr::null(), ptr::from_ref);
    // SAFETY: no changes; `room` is valid for writes of `most` entries; `timeout` is null or
    // points to a timespec that outlives the call.
    let count = unsafe { syscall!(waiting::kevent_wait(fd, ptr::null(), 0, room, most, timeout)) }?;
    Ok(count as usize)
}

/// Takes the events that are there, at most `room.len()` of them, and returns how many entries it
/// has written. It does not wait, so no time-out can be early.
pub(crate) fn look(queue: BorrowedFd<'_>, room: &mut [MaybeUninit<Kevent>]) -> io::Result<usize> {
    let most = room.len().min(libc::c_int::MAX as usize) as Count;
    let (fd, room) = (queue.as_raw_fd(), room.as_mut_ptr().cast::<Kevent>());
    let none = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: no changes; `room` is valid for writes of `most` entries; `none` outlives the call.
    let count = unsafe { syscall!(waiting::kevent_look(fd, ptr::null(), 0, room, most, &none)) }?;
    Ok(count as usize)
}
