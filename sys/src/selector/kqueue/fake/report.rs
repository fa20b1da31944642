//! From epoll's report about a descriptor to kqueue's events, one per filter.
//!
//! `EPOLLERR` wakes both filters, as a pending socket error does on BSD. The end of a stream is
//! `EV_EOF` on READ (`RDHUP` or `HUP`) and on WRITE (`HUP`); a pipe's writer whose reader is gone
//! has `ERR` alone and is at its end too.
//!
//! Called by `poll` under the lock on the knotes. It never waits and consumes nothing.

use std::os::fd::RawFd;

use super::{
    super::ffi::{
        self, EV_ADD, EV_CLEAR, EV_EOF, EV_RECEIPT, EVFILT_READ, EVFILT_USER, EVFILT_WRITE, Flags,
        Kevent,
    },
    knotes::{Descriptor, Knotes, Owed, Target},
    poll::Sink,
};
use crate::Token;

/// What every event has in its flags, as on macOS: those of the knote.
const KNOTE_FLAGS: Flags = EV_ADD | EV_RECEIPT;

impl Knotes {
    /// Delivers what an earlier call had no room for.
    pub(super) fn pay(&mut self, sink: &mut Sink<'_>) {
        while sink.left() > 0 {
            let Some(owed) = self.owed.pop_front() else { return };
            self.deliver(owed, sink);
        }
    }

    /// Translates a batch of epoll's reports into the room, and keeps what does not fit.
    pub(super) fn report(&mut self, reported: &[libc::epoll_event], sink: &mut Sink<'_>) {
        for event in reported {
            let (serial, bits) = (event.u64, event.events as i32);
            match self.target(serial) {
                Some(Target::Descriptor(fd)) => {
                    for owed in self.translate(serial, fd, bits).into_iter().flatten() {
                        self.deliver(owed, sink);
                    }
                }
                Some(Target::User(ident)) => self.report_user(ident, sink),
                // The knotes have gone since the report was made.
                None => {}
            }
        }
    }

    fn report_user(&mut self, ident: usize, sink: &mut Sink<'_>) {
        let Some(user) = self.user(ident) else { return };
        // Without room it stays readable, and epoll reports it again.
        if user.triggered && sink.left() > 0 {
            let knote = user.knote;
            if knote.clear {
                user.reset();
            }
            let flags = KNOTE_FLAGS | clear_flag(knote.clear);
            sink.put(ffi::entry(ident, EVFILT_USER, flags, 0, knote.token));
        }
    }

    fn translate(&mut self, serial: u64, fd: RawFd, bits: i32) -> [Option<Owed>; 2] {
        let Some(known) = self.descriptor(fd) else { return [None, None] };
        known.urgent |= bits & libc::EPOLLPRI != 0;
        [known.read_event(serial, fd, bits), known.write_event(serial, fd, bits)]
    }

    /// Writes an event with its knote's present token, or keeps it if there is no room.
    fn deliver(&mut self, owed: Owed, sink: &mut Sink<'_>) {
        if sink.left() == 0 {
            self.owed.push_back(owed);
            return;
        }
        let Some(Target::Descriptor(fd)) = self.target(owed.serial) else { return };
        let known = self.descriptor(fd);
        if let Some(knote) = known.and_then(|known| *known.knote(owed.filter)) {
            let flags = owed.flags | clear_flag(knote.clear);
            let mut event = event(fd, &owed, flags, knote.token);
            event.data = owed.data;
            sink.put(event);
        }
    }
}

impl Descriptor {
    fn read_event(&self, serial: u64, fd: RawFd, bits: i32) -> Option<Owed> {
        let causes = libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR;
        if self.read.is_none() || bits & causes == 0 {
            return None;
        }
        let is_end = bits & (libc::EPOLLRDHUP | libc::EPOLLHUP) != 0 || is_broken_pipe(fd, bits);
        let data = readable_bytes(fd) + isize::from(self.urgent);
        let (flags, fflags) = end(is_end, fd, bits);
        Some(Owed { serial, filter: EVFILT_READ, flags, fflags, data })
    }

    fn write_event(&self, serial: u64, fd: RawFd, bits: i32) -> Option<Owed> {
        let causes = libc::EPOLLOUT | libc::EPOLLHUP | libc::EPOLLERR;
        if self.write.is_none() || bits & causes == 0 {
            return None;
        }
        let is_end = bits & libc::EPOLLHUP != 0 || is_broken_pipe(fd, bits);
        let (flags, fflags) = end(is_end, fd, bits);
        Some(Owed { serial, filter: EVFILT_WRITE, flags, fflags, data: 1 })
    }
}

/// The flags and `fflags` of an event. The error of a failed socket stands in `fflags` on BSD; it
/// cannot be read on Linux without consuming it, so that one value stands for all.
fn end(is_end: bool, fd: RawFd, bits: i32) -> (Flags, u32) {
    let is_failure = bits & libc::EPOLLERR != 0 && is_socket(fd);
    match (is_end, is_failure) {
        (false, _) => (KNOTE_FLAGS, 0),
        (true, false) => (KNOTE_FLAGS | EV_EOF, 0),
        (true, true) => (KNOTE_FLAGS | EV_EOF, libc::ECONNRESET as u32),
    }
}

fn event(fd: RawFd, owed: &Owed, flags: Flags, token: Token) -> Kevent {
    ffi::entry(fd as usize, owed.filter, flags, owed.fflags, token)
}

fn clear_flag(is_clear: bool) -> Flags {
    if is_clear { EV_CLEAR } else { 0 }
}

/// A pipe's writer without a reader. On a socket `ERR` alone is no end: datagrams, error queue.
fn is_broken_pipe(fd: RawFd, bits: i32) -> bool {
    bits & libc::EPOLLERR != 0 && !is_socket(fd)
}

fn is_socket(fd: RawFd) -> bool {
    let mut kind: libc::c_int = 0;
    let mut length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: `kind` and `length` are writable, and `length` says how long `kind` is.
    let result = unsafe {
        libc::getsockopt(
            fd,
            libc::SOL_SOCKET,
            libc::SO_TYPE,
            (&raw mut kind).cast(),
            &raw mut length,
        )
    };
    result == 0
}

/// What `data` of an `EVFILT_READ` event says. Where Linux does not tell, more than there can be:
/// a reader must not take a short read for the end.
///
/// Linux counts up to the urgent mark, BSD everything; therefore the caller adds one after an
/// urgent byte.
fn readable_bytes(fd: RawFd) -> isize {
    let mut count: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int, for which `count` is the room.
    if unsafe { libc::ioctl(fd, libc::FIONREAD, &raw mut count) } == 0 {
        return count as isize;
    }
    // A listener: at least one connection.
    if super::last_errno() == libc::EINVAL { 1 } else { libc::c_int::MAX as isize }
}
