//! The flag between a thread that is about to wait and those who push work to it.
//!
//! Two sides, each with a full fence between its write and its read:
//!
//! ```text
//! the waiting side               the pushing side
//! publish: parked = true         push to a queue
//! fence                          take: fence
//! look at the queues             read parked; true -> set it false and kick
//! select
//! retract: parked = false
//! ```
//!
//! Of two sequentially consistent fences one comes first, so at least one side sees what the other
//! wrote before its fence: the item is seen, or the flag is. Both seeing is one kick too many and
//! costs a spurious event. `driver/loom.rs` models it.

use crate::sync::atomic::{AtomicBool, Ordering, fence};

#[derive(Debug)]
pub(super) struct Parked(AtomicBool);

impl Parked {
    pub(super) fn new() -> Parked {
        Parked(AtomicBool::new(false))
    }

    /// From now on a push kicks. The caller looks at its queues after this, before it waits.
    #[inline]
    pub(super) fn publish(&self) {
        // Relaxed: the fence orders it before the look at the queues; pairs with `take`'s fence.
        self.0.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// Nobody need kick any more: the thread is awake.
    #[inline]
    pub(super) fn retract(&self) {
        // Relaxed: a pusher that still reads true gives one kick too many.
        self.0.store(false, Ordering::Relaxed);
    }

    /// Asked after a push: whether the caller has to kick. Only one of several pushers is told so.
    #[inline]
    pub(super) fn take(&self) -> bool {
        // Pairs with the fence of `publish`: the push comes before the look at the flag.
        fence(Ordering::SeqCst);
        // Relaxed, thrice: the fence has ordered it; the exchange only elects one of several
        // pushers. An exchange that fails writes nothing, where a swap would (and loom, which does
        // not know that a swap reads the last value, would let that write come after a later
        // `publish`).
        self.0.load(Ordering::Relaxed)
            && self.0.compare_exchange(true, false, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}
