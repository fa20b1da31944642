//! Batches and timeouts for the fuzz targets: what epoll_wait(2) would have written, and what it
//! would have been asked for. Re-exported by `crate::fuzz`; compiled with `--cfg edgewake_fuzz`.

use std::time::Duration;

use super::{Events, KernelTimespec, milliseconds};

/// The fields of an `epoll_event`.
#[derive(Clone, Copy, Debug)]
pub struct RawEvent {
    /// `events`: the conditions.
    pub events: u32,
    /// `u64`: the token.
    pub token: u64,
}

/// A batch as [`Selector::select`](crate::Selector::select) leaves it.
pub fn batch(raw: &[RawEvent]) -> Events {
    let mut events = Events::with_capacity(raw.len());
    let entries = raw.iter().map(|raw| libc::epoll_event { events: raw.events, u64: raw.token });
    events.list.extend(entries);
    events
}

/// The timeouts that `epoll_wait` and `epoll_pwait2` would be given, in nanoseconds.
pub fn kernel_timeouts(timeout: Duration) -> Vec<i128> {
    let precise = KernelTimespec::from(timeout);
    let seconds = i128::from(precise.seconds) * 1_000_000_000;
    vec![i128::from(milliseconds(timeout)) * 1_000_000, seconds + i128::from(precise.nanoseconds)]
}
