//! Batches and timeouts for the fuzz targets: what kevent(2) would have written, and what it would
//! have been asked for. Re-exported by `crate::fuzz`; compiled with `--cfg edgewake_fuzz`.

use std::{mem::MaybeUninit, time::Duration};

use super::{
    event::Events,
    ffi::{self, Filter, Flags},
    timespec,
};
use crate::Token;

/// The fields of a `struct kevent`.
#[derive(Clone, Copy, Debug)]
pub struct RawEvent {
    /// `filter`.
    pub filter: i16,
    /// `flags`.
    pub flags: u16,
    /// `fflags`.
    pub fflags: u32,
    /// `data`.
    pub data: i64,
    /// `udata`: the token.
    pub token: u64,
}

/// A batch as [`Selector::select`](crate::Selector::select) leaves it.
pub fn batch(raw: &[RawEvent]) -> Events {
    let mut events = Events::with_capacity(raw.len());
    for (room, raw) in events.room().iter_mut().zip(raw) {
        let (filter, flags) = (raw.filter as Filter, raw.flags as Flags);
        let mut entry = ffi::entry(3, filter, flags, raw.fflags, Token(raw.token));
        entry.data = raw.data as _;
        *room = MaybeUninit::new(entry);
    }
    // SAFETY: the buffer is new, so empty, and that many entries were written above, for which it
    // has room.
    unsafe { events.filled(raw.len()) };
    events
}

/// The timeout that kevent(2) would be given, in nanoseconds.
pub fn kernel_timeouts(timeout: Duration) -> Vec<i128> {
    let timeout = timespec(timeout);
    vec![i128::from(timeout.tv_sec) * 1_000_000_000 + i128::from(timeout.tv_nsec)]
}
