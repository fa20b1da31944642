//! The waker of the future that `block_on` itself polls.

use std::task::{Wake, Waker};

use super::scheduler::Shared;
use crate::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task,
};

#[derive(Debug)]
pub(super) struct Root {
    woken: AtomicBool,
    shared: Arc<Shared>,
}

impl Root {
    /// A root that is to be polled at once.
    pub(super) fn new(shared: &Arc<Shared>) -> Arc<Root> {
        Arc::new(Root { woken: AtomicBool::new(true), shared: Arc::clone(shared) })
    }

    pub(super) fn waker(self: &Arc<Root>) -> Waker {
        Waker::from(Arc::clone(self))
    }

    /// Whether to poll, now.
    #[inline]
    pub(super) fn take_wake(&self) -> bool {
        // Relaxed: the swap below orders it; a wake-up that is missed here is seen in the next
        // round, or by `is_woken` after the driver's fence.
        // Acquire: pairs with the Release of `wake_by_ref`.
        self.woken.load(Ordering::Relaxed) && self.woken.swap(false, Ordering::Acquire)
    }

    #[inline]
    pub(super) fn is_woken(&self) -> bool {
        // Relaxed: asked after the driver's fence when it matters.
        self.woken.load(Ordering::Relaxed)
    }
}

impl Wake for Root {
    fn wake(self: Arc<Root>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Root>) {
        // Release: pairs with `take_wake`, so that the poll sees what the waker did before.
        let before = self.woken.swap(true, Ordering::Release);
        if before {
            return;
        }
        if task::is_installed(self.shared.identity()) {
            self.shared.counters.root_wakes.add(1);
        } else {
            self.shared.elsewhere.wakes.increment();
            self.shared.driver.unpark();
        }
    }
}
