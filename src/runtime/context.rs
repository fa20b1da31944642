//! Which runtime is current on this thread: where `spawn` goes.
//!
//! On the thread that turns its loop, and on threads of its pool while they run a closure of
//! `spawn_blocking`: these are *guests*. They may spawn, but not what has to stay on its thread,
//! and they may block, in a `block_on` too.

use std::cell::RefCell;

use super::Handle;
use crate::{
    driver,
    sync::{Arc, thread_local},
};

#[derive(Clone, Debug)]
struct Current {
    runtime: Handle,
    is_guest: bool,
}

thread_local! {
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
}

/// Makes a runtime current until the guard drops.
#[derive(Debug)]
#[must_use = "dropping it ends the context"]
pub(super) struct Entered {
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

/// The same for a guest, with the runtime's driver.
#[derive(Debug)]
#[must_use = "dropping it ends the context"]
pub(super) struct Visiting {
    _driver: driver::context::Entered,
    _runtime: Entered,
}

/// On the thread that turns the runtime's loop.
pub(super) fn enter(runtime: Handle) -> Entered {
    replace(Current { runtime, is_guest: false })
}

/// On a thread of the runtime's pool.
pub(super) fn visit(runtime: Handle) -> Visiting {
    let driver = Arc::clone(runtime.driver());
    Visiting {
        _driver: driver::context::visit(driver),
        _runtime: replace(Current { runtime, is_guest: true }),
    }
}

fn replace(current: Current) -> Entered {
    Entered { before: CURRENT.with(|place| place.replace(Some(current))) }
}

/// Whether this thread is inside a loop, which a `block_on` would block.
pub(super) fn is_entered() -> bool {
    let is_inside = |current: &Current| !current.is_guest;
    CURRENT.try_with(|current| current.borrow().as_ref().is_some_and(is_inside)).unwrap_or(false)
}

/// Does something with the current runtime. `None` if there is none.
pub(super) fn with<R>(action: impl FnOnce(&Handle) -> R) -> Option<R> {
    // Cloned, so that the action may enter and leave runtimes itself.
    current().map(|current| action(&current.runtime))
}

/// The same on the thread that runs the runtime's tasks only.
pub(super) fn with_own<R>(action: impl FnOnce(&Handle) -> R) -> Option<R> {
    current().filter(|current| !current.is_guest).map(|current| action(&current.runtime))
}

fn current() -> Option<Current> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}
