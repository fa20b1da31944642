//! The knotes of one fake kqueue, and what a change does to them.
//!
//! Invariant: a descriptor in the table has at least one knote and had, when the table last
//! looked, exactly one epoll registration under its serial number, with the union of its filters.
//! Serial numbers are never used twice, so that a report about an earlier owner of the number is
//! known as such.
//!
//! Called under the table's lock by `fake` (changes) and `report` (events).

use std::{
    collections::{BTreeMap, VecDeque},
    mem::MaybeUninit,
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
    ptr,
};

use super::{
    super::ffi::{
        self, EV_ADD, EV_CLEAR, EV_DELETE, EVFILT_READ, EVFILT_WRITE, Filter, Flags, Kevent,
        NOTE_TRIGGER,
    },
    Errno, last_errno,
};
use crate::{Token, pipe::is_fifo_under};

/// The file system of anonymous pipes, `PIPEFS_MAGIC` of linux/magic.h.
const PIPEFS: libc::__fsword_t = 0x5049_5045;

/// One knote: what travels back with its events, and whether taking one resets it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Knote {
    pub(super) token: Token,
    pub(super) clear: bool,
}

impl Knote {
    fn of(change: &Kevent) -> Knote {
        Knote { token: ffi::token(change), clear: change.flags & EV_CLEAR != 0 }
    }
}

/// A descriptor with its knotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Descriptor {
    serial: u64,
    pub(super) read: Option<Knote>,
    pub(super) write: Option<Knote>,
    /// An urgent byte was pending at some time.
    pub(super) urgent: bool,
}

impl Descriptor {
    fn new(serial: u64) -> Descriptor {
        Descriptor { serial, read: None, write: None, urgent: false }
    }

    pub(super) fn knote(&mut self, filter: Filter) -> &mut Option<Knote> {
        if filter == EVFILT_READ { &mut self.read } else { &mut self.write }
    }

    fn mask(&self) -> u32 {
        let mut mask = 0;
        if self.read.is_some() {
            // PRI for `urgent` only: no event comes of it.
            mask |= libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLPRI;
        }
        if self.write.is_some() {
            mask |= libc::EPOLLOUT;
        }
        if [self.read, self.write].iter().flatten().all(|knote| knote.clear) {
            mask |= libc::EPOLLET;
        }
        mask as u32
    }
}

/// An `EVFILT_USER` knote. While it is triggered its eventfd is readable, level-triggered.
#[derive(Debug)]
pub(super) struct User {
    serial: u64,
    pub(super) knote: Knote,
    eventfd: OwnedFd,
    pub(super) triggered: bool,
}

impl User {
    fn trigger(&mut self) {
        self.triggered = true;
        // SAFETY: an open eventfd; the value goes by copy. It fails only when the counter is
        // full, and is as readable then as it needs to be.
        unsafe { libc::eventfd_write(self.eventfd.as_raw_fd(), 1) };
    }

    pub(super) fn reset(&mut self) {
        self.triggered = false;
        let mut count = 0;
        // SAFETY: an open eventfd and room for its counter. It is non-blocking, and fails only
        // when the counter is zero, which is what is wanted.
        unsafe { libc::eventfd_read(self.eventfd.as_raw_fd(), &mut count) };
    }
}

/// What a serial number stands for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    Descriptor(RawFd),
    User(usize),
}

/// The knotes of one kqueue.
#[derive(Debug)]
pub(super) struct Knotes {
    epoll: RawFd,
    descriptors: BTreeMap<RawFd, Descriptor>,
    users: BTreeMap<usize, User>,
    targets: BTreeMap<u64, Target>,
    last_serial: u64,
    /// Events that did not fit into the room of the call that took them from epoll.
    pub(super) owed: VecDeque<Owed>,
}

/// An event of a descriptor that is still to be delivered, unless its knote goes first.
#[derive(Debug)]
pub(super) struct Owed {
    pub(super) serial: u64,
    pub(super) filter: Filter,
    pub(super) flags: Flags,
    pub(super) fflags: u32,
    pub(super) data: isize,
}

impl Knotes {
    pub(super) fn new(epoll: RawFd) -> Knotes {
        Knotes {
            epoll,
            descriptors: BTreeMap::new(),
            users: BTreeMap::new(),
            targets: BTreeMap::new(),
            last_serial: 0,
            owed: VecDeque::new(),
        }
    }

    pub(super) fn epoll(&self) -> RawFd {
        self.epoll
    }

    pub(super) fn target(&self, serial: u64) -> Option<Target> {
        self.targets.get(&serial).copied()
    }

    pub(super) fn descriptor(&mut self, fd: RawFd) -> Option<&mut Descriptor> {
        self.descriptors.get_mut(&fd)
    }

    pub(super) fn user(&mut self, ident: usize) -> Option<&mut User> {
        self.users.get_mut(&ident)
    }

    /// Applies a change with `EVFILT_READ` or `EVFILT_WRITE`.
    pub(super) fn change_descriptor(&mut self, fd: RawFd, change: &Kevent) -> Result<(), Errno> {
        // SAFETY: takes no argument and touches no memory.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } == -1 {
            self.forget(fd);
            return Err(libc::EBADF);
        }
        if change.flags & EV_DELETE != 0 {
            self.delete(fd, change.filter)
        } else if change.flags & EV_ADD != 0 {
            self.add(fd, change)
        } else {
            let token = ffi::token(change);
            let known = self.descriptors.get_mut(&fd);
            let knote = known.and_then(|known| known.knote(change.filter).as_mut());
            knote.ok_or(libc::ENOENT)?.token = token;
            Ok(())
        }
    }

    fn add(&mut self, fd: RawFd, change: &Kevent) -> Result<(), Errno> {
        let known = self.descriptors.get_mut(&fd);
        if known.is_none_or(|known| known.knote(change.filter).is_none()) {
            check_attachable(fd, change.filter)?;
        }
        if let Some(mut known) = self.descriptors.get(&fd).copied() {
            *known.knote(change.filter) = Some(Knote::of(change));
            // MOD reports anew what holds, as a BSD does when a knote is added again.
            match self.control(libc::EPOLL_CTL_MOD, fd, known.mask(), known.serial) {
                Ok(()) => {
                    self.descriptors.insert(fd, known);
                    return Ok(());
                }
                // The descriptor was closed since, and this is another under its number.
                Err(libc::ENOENT) => self.forget(fd),
                Err(errno) => return Err(errno),
            }
        }
        let mut fresh = Descriptor::new(self.new_serial());
        *fresh.knote(change.filter) = Some(Knote::of(change));
        match self.control(libc::EPOLL_CTL_ADD, fd, fresh.mask(), fresh.serial) {
            // Forgotten when the number was closed, but a duplicate had kept it in the epoll.
            Err(libc::EEXIST) => {
                self.control(libc::EPOLL_CTL_MOD, fd, fresh.mask(), fresh.serial)?;
            }
            outcome => outcome?,
        }
        self.targets.insert(fresh.serial, Target::Descriptor(fd));
        self.descriptors.insert(fd, fresh);
        Ok(())
    }

    fn delete(&mut self, fd: RawFd, filter: Filter) -> Result<(), Errno> {
        let mut known = self.descriptors.get(&fd).copied().ok_or(libc::ENOENT)?;
        known.knote(filter).take().ok_or(libc::ENOENT)?;
        let is_last = known.read.is_none() && known.write.is_none();
        let op = if is_last { libc::EPOLL_CTL_DEL } else { libc::EPOLL_CTL_MOD };
        let outcome = self.control(op, fd, known.mask(), known.serial);
        // ENOENT: the knotes are those of an earlier owner of the number, and went with it.
        if is_last || outcome == Err(libc::ENOENT) {
            self.forget(fd);
        } else if outcome.is_ok() {
            self.owed.retain(|owed| owed.serial != known.serial || owed.filter != filter);
            self.descriptors.insert(fd, known);
        }
        outcome
    }

    /// Drops every knote of a number, as BSD does when it is closed.
    fn forget(&mut self, fd: RawFd) {
        if let Some(known) = self.descriptors.remove(&fd) {
            self.targets.remove(&known.serial);
            self.owed.retain(|owed| owed.serial != known.serial);
        }
    }

    /// Applies a change with `EVFILT_USER`.
    pub(super) fn change_user(&mut self, change: &Kevent) -> Result<(), Errno> {
        if change.flags & EV_DELETE != 0 {
            let user = self.users.remove(&change.ident).ok_or(libc::ENOENT)?;
            self.targets.remove(&user.serial);
            return self.control(libc::EPOLL_CTL_DEL, user.eventfd.as_raw_fd(), 0, user.serial);
        }
        let (is_add, has_clear) = (change.flags & EV_ADD != 0, change.flags & EV_CLEAR != 0);
        if let Some(user) = self.users.get_mut(&change.ident) {
            user.knote.token = ffi::token(change);
            if is_add {
                user.knote.clear = has_clear;
            }
            if change.fflags & NOTE_TRIGGER != 0 {
                user.trigger();
            }
            // After the trigger, as in FreeBSD's filt_usertouch.
            if has_clear {
                user.reset();
            }
            return Ok(());
        }
        if !is_add {
            return Err(libc::ENOENT);
        }
        let mut user = self.create_user(change)?;
        if change.fflags & NOTE_TRIGGER != 0 {
            user.trigger();
        }
        self.targets.insert(user.serial, Target::User(change.ident));
        self.users.insert(change.ident, user);
        Ok(())
    }

    fn create_user(&mut self, change: &Kevent) -> Result<User, Errno> {
        // SAFETY: takes its arguments by value.
        let eventfd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if eventfd == -1 {
            return Err(last_errno());
        }
        // SAFETY: the call succeeded, so it is a new descriptor that nobody else owns.
        let eventfd = unsafe { OwnedFd::from_raw_fd(eventfd) };
        let serial = self.new_serial();
        let readable = libc::EPOLLIN as u32;
        self.control(libc::EPOLL_CTL_ADD, eventfd.as_raw_fd(), readable, serial)?;
        Ok(User { serial, knote: Knote::of(change), eventfd, triggered: false })
    }

    fn new_serial(&mut self) -> u64 {
        self.last_serial += 1;
        self.last_serial
    }

    /// Not through the door to the kernel: a fault plan counts the `kevent` that this is part of.
    fn control(&self, op: i32, fd: RawFd, mask: u32, serial: u64) -> Result<(), Errno> {
        let mut event = libc::epoll_event { events: mask, u64: serial };
        // SAFETY: `event` is a valid epoll_event for the duration of the call.
        match unsafe { libc::epoll_ctl(self.epoll, op, fd, ptr::from_mut(&mut event)) } {
            -1 => Err(last_errno()),
            _ => Ok(()),
        }
    }
}

/// What the kernels refuse of pipes, and epoll does not: of an anonymous one `EVFILT_WRITE` once
/// the reader has gone, of a FIFO by path (OpenBSD) the filter that it is not open for.
fn check_attachable(fd: RawFd, filter: Filter) -> Result<(), Errno> {
    if !is_fifo_under(fd).unwrap_or(false) {
        return Ok(());
    }
    let unfit = if filter == EVFILT_READ { libc::O_WRONLY } else { libc::O_RDONLY };
    // SAFETY: takes no argument and touches no memory.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
    let mut entry = libc::pollfd { fd, events: 0, revents: 0 };
    // SAFETY: `entry` is one entry to read and write; with a timeout of zero nothing waits.
    unsafe { libc::poll(&mut entry, 1, 0) };
    match is_anonymous(fd) {
        true if filter == EVFILT_WRITE && entry.revents & libc::POLLERR != 0 => Err(libc::EPIPE),
        false if flags & libc::O_ACCMODE == unfit => Err(libc::EINVAL),
        _ => Ok(()),
    }
}

fn is_anonymous(pipe: RawFd) -> bool {
    let mut system = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: `system` is room for what the call writes.
    let known = unsafe { libc::fstatfs(pipe, system.as_mut_ptr()) } == 0;
    // SAFETY: only looked at if the call succeeded, and then it has written the structure.
    known && unsafe { system.assume_init() }.f_type == PIPEFS
}
