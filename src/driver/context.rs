//! Which driver is current on this thread: how a socket that has to wait, or a timer, finds one.
//!
//! Set by whoever drives (the runtime, while it runs tasks); read on cold paths only: the first
//! wait of a direction, and the first poll of a timer.

use std::{cell::RefCell, sync::Weak};

use super::Shared;
use crate::{reactor::Reactor, sync::Arc};

thread_local! {
    static CURRENT: RefCell<Option<Arc<Shared>>> = const { RefCell::new(None) };
}

/// Makes a driver current until the guard drops.
#[derive(Debug)]
#[must_use = "dropping it ends the context"]
pub(crate) struct Entered {
    before: Option<Arc<Shared>>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let before = self.before.take();
        // A thread that is ending has no context to restore.
        if let Ok(entered) = CURRENT.try_with(|current| current.replace(before)) {
            drop(entered);
        }
    }
}

pub(crate) fn enter(driver: Arc<Shared>) -> Entered {
    Entered { before: CURRENT.with(|current| current.replace(Some(driver))) }
}

/// The driver of this thread, if there is one. None, too, while the thread's locals are destroyed.
pub(crate) fn current() -> Option<Arc<Shared>> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// The reactor of this thread's driver.
pub(crate) fn reactor() -> Option<Arc<Reactor>> {
    let of = |driver: &Arc<Shared>| Arc::clone(driver.reactor());
    CURRENT.try_with(|current| current.borrow().as_ref().map(of)).ok().flatten()
}

/// The same for an object that is being made, which must not keep a reactor alive.
pub(crate) fn birthplace() -> Option<Weak<Reactor>> {
    let of = |driver: &Arc<Shared>| Arc::downgrade(driver.reactor());
    CURRENT.try_with(|current| current.borrow().as_ref().map(of)).ok().flatten()
}
