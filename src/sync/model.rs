//! What the loom models share: a task that waits by blocking its model thread.
//!
//! The models are the files named `loom.rs` beside what they model. Run them with
//!
//! ```text
//! RUSTFLAGS='--cfg edgewake_loom' LOOM_MAX_PREEMPTIONS=3 cargo test --release --lib loom
//! ```
//!
//! A wake-up that is lost leaves a thread waiting on its [`Bell`] for ever, which loom reports as a
//! deadlock; everything else is asserted.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Wake, Waker},
};

use ::loom::sync::Notify;

/// Where one model thread waits to be woken. Wake-ups that come first are kept; a wait may also
/// end for no reason, so who waits asks again for what it waits for.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    notify: Notify,
    rings: AtomicUsize,
}

impl Bell {
    pub(crate) fn new() -> Arc<Bell> {
        Arc::default()
    }

    pub(crate) fn waker(self: &Arc<Bell>) -> Waker {
        Waker::from(Arc::clone(self))
    }

    pub(crate) fn wait(&self) {
        self.notify.wait();
    }

    pub(crate) fn ring(&self) {
        // Relaxed, here and below: std's atomic, which loom does not see; model threads run one
        // at a time.
        self.rings.fetch_add(1, Ordering::Relaxed);
        self.notify.notify();
    }

    pub(crate) fn rings(&self) -> usize {
        self.rings.load(Ordering::Relaxed)
    }

    /// How many wakers there are.
    pub(crate) fn wakers(self: &Arc<Bell>, own: usize) -> usize {
        Arc::strong_count(self) - own
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Bell>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Bell>) {
        self.ring();
    }
}
