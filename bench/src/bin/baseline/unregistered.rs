//! The connections that epoll does not know of yet (`--register second-block`).
//!
//! A short connection's bytes, and then its end, are usually there by the time the loop comes
//! round again. Such a connection is tried once a turn, with the loop not sleeping meanwhile, and
//! costs five calls: accept, recv, send, recv, close. One that blocks twice in a row is
//! registered and leaves this list for good.

/// The list, with whether the last look found nothing.
#[derive(Debug, Default)]
pub(crate) struct Unregistered {
    waiting: Vec<(usize, bool)>,
}

impl Unregistered {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Queues a connection that is new, or that had something at the last look.
    pub(crate) fn push(&mut self, index: usize) {
        self.waiting.push((index, false));
    }

    /// Queues a connection that had nothing at the last look.
    pub(crate) fn push_blocked(&mut self, index: usize) {
        self.waiting.push((index, true));
    }

    /// Takes all that were queued up to now.
    pub(crate) fn take(&mut self) -> Vec<(usize, bool)> {
        std::mem::take(&mut self.waiting)
    }
}
