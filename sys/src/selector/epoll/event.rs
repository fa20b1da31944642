//! What the kernel reported, and the buffer for it, which the selector fills.

#[cfg(edgewake_faults)]
use std::os::fd::RawFd;
use std::{fmt, slice};

use crate::Token;
#[cfg(edgewake_faults)]
use crate::syscall::faults;

/// One report of the kernel about one registration.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Event(pub(super) libc::epoll_event);

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
    #[inline]
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

/// A reusable buffer of events that [`Selector::select`](crate::Selector::select) fills.
pub struct Events {
    pub(super) list: Vec<libc::epoll_event>,
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

    /// The events of the last [`Selector::select`](crate::Selector::select), in the kernel's
    /// order.
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
    #[inline]
    pub fn capacity(&self) -> usize {
        self.most as usize
    }

    /// Doubles and adds what a fault plan wants, and rearranges it all as a schedule does.
    #[cfg(edgewake_faults)]
    pub(super) fn rewrite(&mut self, selector: RawFd) {
        let (double, added) = faults::rewritten(selector);
        if double {
            self.list.extend_from_within(..);
        }
        self.list.extend(added.into_iter().map(|(token, interest)| {
            let bits = super::mask(interest) & (libc::EPOLLIN | libc::EPOLLOUT) as u32;
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
    pub(super) fn room(&mut self) -> (*mut libc::epoll_event, i32) {
        (self.list.as_mut_ptr(), self.most)
    }
}

impl fmt::Debug for Events {
    #[inline]
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
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}
