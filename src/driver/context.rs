//! Which driver is current on this thread: how a socket that has to wait, or a timer, finds one.
//!
//! Set by whoever drives (the runtime, while it runs tasks), and by guests: the threads of its
//! pool, which wait with the driver and do not turn it. Read on cold paths only: the first wait of
//! a direction, and the first poll of a timer.

use std::{cell::RefCell, sync::Weak};

use super::Shared;
use crate::{
    reactor::Reactor,
    sync::{Arc, thread_local},
};

thread_local! {
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
}

#[derive(Clone, Debug)]
struct Current {
    driver: Arc<Shared>,
    /// Whether this thread turns it.
    drives: bool,
}

/// Makes a driver current until the guard drops.
#[derive(Debug)]
#[must_use = "dropping it ends the context"]
pub(crate) struct Entered {
    before: Option<Current>,
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

/// On the thread that turns the driver.
pub(crate) fn enter(driver: Arc<Shared>) -> Entered {
    replace(Current { driver, drives: true })
}

/// On another one.
pub(crate) fn visit(driver: Arc<Shared>) -> Entered {
    replace(Current { driver, drives: false })
}

fn replace(entering: Current) -> Entered {
    Entered { before: CURRENT.with(|current| current.replace(Some(entering))) }
}

/// The driver of this thread, if there is one. None, too, while the thread's locals are destroyed.
pub(crate) fn current() -> Option<Arc<Shared>> {
    with(|current| Arc::clone(&current.driver))
}

/// The reactor of this thread's driver.
pub(crate) fn reactor() -> Option<Arc<Reactor>> {
    with(|current| Arc::clone(current.driver.reactor()))
}

/// The same, and whether this thread turns it.
pub(crate) fn reactor_and_role() -> Option<(Arc<Reactor>, bool)> {
    with(|current| (Arc::clone(current.driver.reactor()), current.drives))
}

/// The same for an object that is being made, which must not keep a reactor alive.
pub(crate) fn birthplace() -> Option<Weak<Reactor>> {
    with(|current| Arc::downgrade(current.driver.reactor()))
}

fn with<R>(action: impl FnOnce(&Current) -> R) -> Option<R> {
    CURRENT.try_with(|current| current.borrow().as_ref().map(action)).ok().flatten()
}
