//! Which runtime is current on this thread: where `spawn` goes.

use std::cell::RefCell;

use super::Handle;

thread_local! {
    static CURRENT: RefCell<Option<Handle>> = const { RefCell::new(None) };
}

/// Makes a runtime current until the guard drops.
#[derive(Debug)]
#[must_use = "dropping it ends the context"]
pub(super) struct Entered {
    before: Option<Handle>,
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

pub(super) fn enter(runtime: Handle) -> Entered {
    Entered { before: CURRENT.with(|current| current.replace(Some(runtime))) }
}

pub(super) fn is_entered() -> bool {
    CURRENT.try_with(|current| current.borrow().is_some()).unwrap_or(false)
}

/// Does something with the current runtime. `None` if there is none.
pub(super) fn with<R>(action: impl FnOnce(&Handle) -> R) -> Option<R> {
    // Cloned, so that the action may enter and leave runtimes itself.
    let current = CURRENT.try_with(|current| current.borrow().clone()).ok().flatten();
    current.as_ref().map(action)
}
