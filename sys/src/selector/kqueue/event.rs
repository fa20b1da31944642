//! What the kernel reported, and the buffer for it.
//!
//! kqueue reports each filter by itself: reading and writing of one descriptor are two events with
//! the same token. Fields are copied out of the entry before use: it is packed on Apple.

#[cfg(edgewake_faults)]
use std::os::fd::RawFd;
use std::{fmt, mem::MaybeUninit, ptr, slice};

use super::ffi::{self, EV_EOF, EV_ERROR, EVFILT_READ, EVFILT_WRITE, Filter, Flags, Kevent};
use crate::Token;
#[cfg(edgewake_faults)]
use crate::syscall::faults;

/// One report of the kernel about one filter of one registration.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Event(Kevent);

// SAFETY: the only part of an entry that is not an integer is `udata`, which holds a token's bits
// and is never dereferenced.
unsafe impl Send for Event {}
// SAFETY: as above; a shared reference only copies out.
unsafe impl Sync for Event {}

impl Event {
    /// The token given with the registration.
    #[inline(always)]
    pub fn token(&self) -> Token {
        ffi::token(&self.0)
    }

    /// There is something to read, or a connection to accept (`EVFILT_READ`). The event of a
    /// notifier is not (`EVFILT_USER`): it is known by its token.
    ///
    /// # Platform notes
    ///
    /// A pending error of a datagram socket shows as this and nothing more on most systems.
    #[inline(always)]
    pub fn is_readable(&self) -> bool {
        self.is(EVFILT_READ)
    }

    /// There is something to read, and nothing else to report (`EVFILT_READ` without `EV_EOF` and
    /// `EV_ERROR`): what nearly every event says.
    #[inline(always)]
    pub fn is_only_readable(&self) -> bool {
        self.is(EVFILT_READ) && !self.has(EV_EOF | EV_ERROR)
    }

    /// There is room to write (`EVFILT_WRITE`).
    #[inline(always)]
    pub fn is_writable(&self) -> bool {
        self.is(EVFILT_WRITE)
    }

    /// There is urgent data (`EVFILT_EXCEPT` with `NOTE_OOB`); never on FreeBSD and NetBSD.
    #[inline(always)]
    pub fn is_priority(&self) -> bool {
        #[cfg(edgewake_has = "priority")]
        let priority = self.is(ffi::EVFILT_EXCEPT) && self.fflags() & ffi::NOTE_OOB != 0;
        #[cfg(not(edgewake_has = "priority"))]
        let priority = false;
        priority
    }

    /// Nothing will come after what can be read now (`EVFILT_READ` with `EV_EOF`). Unread data may
    /// still lie before the end.
    ///
    /// # Platform notes
    ///
    /// A pipe's writer whose reader has gone is told by this alone on some systems, if it is
    /// registered for reading.
    #[inline(always)]
    pub fn is_read_closed(&self) -> bool {
        self.is(EVFILT_READ) && self.has(EV_EOF)
    }

    /// Nothing can be written any more (`EVFILT_WRITE` with `EV_EOF`): the peer is gone or has
    /// shut its reading side. A TCP peer's half-close is not that.
    #[inline(always)]
    pub fn is_write_closed(&self) -> bool {
        self.is(EVFILT_WRITE) && self.has(EV_EOF)
    }

    /// An error is pending: `EV_ERROR`, or `EV_EOF` with the socket's `SO_ERROR` in `fflags`.
    #[inline(always)]
    pub fn is_error(&self) -> bool {
        let stream_failed =
            self.has(EV_EOF) && self.fflags() != 0 && (self.is_readable() || self.is_writable());
        self.has(EV_ERROR) || stream_failed
    }

    /// How many bytes the kernel said can be read, in an `EVFILT_READ` event; for a listener the
    /// length of its queue.
    ///
    /// # Platform notes
    ///
    /// Exact for streams. For datagrams a hint: NetBSD counts headers too.
    #[inline(always)]
    pub fn readable_bytes(&self) -> Option<u64> {
        let data = self.0.data;
        if self.is_readable() { u64::try_from(data).ok() } else { None }
    }

    #[inline(always)]
    fn is(&self, filter: Filter) -> bool {
        let own = self.0.filter;
        own == filter
    }

    #[inline(always)]
    fn has(&self, bit: Flags) -> bool {
        let flags = self.0.flags;
        flags & bit != 0
    }

    #[inline(always)]
    fn fflags(&self) -> u32 {
        self.0.fflags
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
            .field("readable_bytes", &self.readable_bytes())
            .finish()
    }
}

/// A reusable buffer of events that [`Selector::select`](crate::Selector::select) fills.
pub struct Events {
    list: Vec<Event>,
}

impl Events {
    /// Creates a buffer for up to `capacity` events a call, at least one. What does not fit is
    /// reported by the next call.
    pub fn with_capacity(capacity: usize) -> Events {
        Events { list: Vec::with_capacity(capacity.clamp(1, i32::MAX as usize)) }
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
    pub fn capacity(&self) -> usize {
        self.list.capacity()
    }

    /// Empties the buffer.
    pub(super) fn clear(&mut self) {
        self.list.clear();
    }

    /// The room to be filled after [`clear`](Self::clear).
    pub(super) fn room(&mut self) -> &mut [MaybeUninit<Kevent>] {
        let room = self.list.spare_capacity_mut();
        // SAFETY: the same memory under the name of what is in an `Event`, which is transparent.
        unsafe { &mut *(ptr::from_mut(room) as *mut [MaybeUninit<Kevent>]) }
    }

    /// Takes the first `count` entries of [`room`](Self::room) as events.
    ///
    /// # Safety
    ///
    /// The buffer is empty, and those entries have been written since it was emptied.
    pub(super) unsafe fn filled(&mut self, count: usize) {
        // SAFETY: forwarded to the caller; `count` is at most the capacity, because so many
        // entries were written into it.
        unsafe { self.list.set_len(count) };
    }

    /// Doubles and adds what a fault plan wants, and rearranges it all as a schedule does. Of what
    /// can be read an added event says one byte.
    #[cfg(edgewake_faults)]
    pub(super) fn rewrite(&mut self, selector: RawFd) {
        let (double, added) = faults::rewritten(selector);
        if double {
            self.list.extend_from_within(..);
        }
        for (token, interest) in added {
            let wanted =
                [(EVFILT_READ, interest.is_readable()), (EVFILT_WRITE, interest.is_writable())];
            for (filter, _) in wanted.into_iter().filter(|(_, wanted)| *wanted) {
                let mut entry = ffi::entry(0, filter, ffi::EV_ADD, 0, token);
                entry.data = 1;
                self.list.push(Event(entry));
            }
        }
        faults::schedule::rearrange(&mut self.list, Event::token, |token| {
            faults::holds(selector, token)
        });
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

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// The events of one batch.
#[derive(Clone)]
pub struct Iter<'a> {
    inner: slice::Iter<'a, Event>,
}

impl Iterator for Iter<'_> {
    type Item = Event;

    #[inline]
    fn next(&mut self) -> Option<Event> {
        self.inner.next().copied()
    }
}

impl fmt::Debug for Iter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::ffi::{self, EV_CLEAR, EV_EOF, EV_ERROR, EVFILT_READ, EVFILT_WRITE, Filter, Flags},
        Event, Events,
    };
    use crate::Token;

    fn event(filter: Filter, flags: Flags, fflags: u32, data: i32) -> Event {
        let mut entry = ffi::entry(3, filter, flags, fflags, Token(u64::MAX - 1));
        entry.data = data as _;
        Event(entry)
    }

    // Goal: what each accessor says of plain events, and that 64 bits of token survive.
    #[test]
    fn plain_events() {
        let read = event(EVFILT_READ, EV_CLEAR, 0, 5);
        assert!(read.is_readable() && !read.is_writable() && !read.is_priority());
        assert!(read.is_only_readable());
        assert!(!read.is_read_closed() && !read.is_write_closed() && !read.is_error());
        assert_eq!(read.readable_bytes(), Some(5));
        assert_eq!(read.token(), Token(u64::MAX - 1));
        let write = event(EVFILT_WRITE, EV_CLEAR, 0, 4096);
        assert!(write.is_writable() && !write.is_readable() && !write.is_write_closed());
        assert!(!write.is_only_readable());
        assert_eq!(write.readable_bytes(), None);
    }

    // Goal: printed, an event shows what it says, and a buffer and its iterator their events.
    #[test]
    fn printed() {
        let mut events = Events::with_capacity(2);
        assert_eq!((events.len(), format!("{events:?}")), (0, "[]".to_owned()));
        events.list.push(event(EVFILT_READ, EV_CLEAR, 0, 5));
        events.list.push(event(EVFILT_WRITE, EV_CLEAR, 0, 4096));
        assert_eq!(events.len(), 2);
        let text = format!("{events:?}");
        assert!(text.starts_with("[Event {") && text.contains("readable: true"), "{text}");
        assert!(text.contains("readable_bytes: Some(5)"), "{text}");
        assert_eq!(format!("{:?}", events.iter()), text);
    }

    // T35, T6. Goal: the end of reading is not the end of writing; the error is in fflags.
    #[test]
    fn t35_ends_and_errors() {
        let read = event(EVFILT_READ, EV_CLEAR | EV_EOF, 0, 3);
        assert!(read.is_readable() && read.is_read_closed() && !read.is_only_readable());
        assert!(!read.is_write_closed() && !read.is_error());
        assert_eq!(read.readable_bytes(), Some(3));
        let write = event(EVFILT_WRITE, EV_EOF, 0, 0);
        assert!(write.is_writable() && write.is_write_closed());
        assert!(!write.is_read_closed() && !write.is_error());
        let reset = libc::ECONNRESET as u32;
        assert!(event(EVFILT_READ, EV_EOF, reset, 0).is_error());
        assert!(event(EVFILT_WRITE, EV_EOF, reset, 0).is_error());
        assert!(!event(EVFILT_READ, 0, reset, 0).is_error());
        let failed = event(EVFILT_READ, EV_ERROR, 0, libc::EBADF);
        assert!(failed.is_error() && !failed.is_only_readable());
    }

    // T41. Goal: urgent data is EVFILT_EXCEPT with NOTE_OOB, whose fflags are no error.
    #[cfg(edgewake_has = "priority")]
    #[test]
    fn t41_urgent_data_is_an_except_event() {
        let urgent = event(ffi::EVFILT_EXCEPT, EV_CLEAR | EV_EOF, ffi::NOTE_OOB, 1);
        assert!(urgent.is_priority() && !urgent.is_readable() && !urgent.is_error());
        assert!(!event(ffi::EVFILT_EXCEPT, EV_CLEAR, 0, 1).is_priority());
        assert!(!event(EVFILT_READ, EV_CLEAR, ffi::NOTE_OOB, 1).is_priority());
    }
}
