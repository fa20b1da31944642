//! The run queue of a worker and the list of its tasks, where its thread finds them at once.
//!
//! A runtime that begins to run tasks *installs* its [`Local`] in the thread and takes it back
//! when it stops. While it is there, a wake-up on this thread pushes with no atomics; one for a
//! runtime that is not installed here finds another identity and goes through `inject`.
//!
//! Tasks are polled, cancelled and completed only while their worker's `Local` is installed, so
//! the list can be a plain one.

#[cfg(edgewake_faults)]
mod order;

use std::{cell::Cell, ptr::NonNull};

use super::cell::{Header, Links, Runnable};
use crate::sync::thread_local;

/// A worker's queue and tasks, while they are not installed in its thread.
#[derive(Debug)]
pub(crate) struct Local {
    content: Content,
}

#[derive(Clone, Copy, Debug)]
struct Content {
    /// The address of the runtime's shared part, or 0 where nothing is installed.
    identity: usize,
    head: Option<NonNull<Header>>,
    tail: NonNull<Header>,
    /// The first of the worker's tasks.
    first: Option<NonNull<Header>>,
}

const NOTHING: Content =
    Content { identity: 0, head: None, tail: NonNull::dangling(), first: None };

struct Installation {
    identity: Cell<usize>,
    head: Cell<Option<NonNull<Header>>>,
    /// Means something only while there is a head; then it is the last of the queue.
    tail: Cell<NonNull<Header>>,
    first: Cell<Option<NonNull<Header>>>,
}

thread_local! {
    static HERE: Installation = const {
        Installation {
            identity: Cell::new(0),
            head: Cell::new(None),
            tail: Cell::new(NOTHING.tail),
            first: Cell::new(None),
        }
    };
}

impl Installation {
    fn replace(&self, new: Content) -> Content {
        Content {
            identity: self.identity.replace(new.identity),
            head: self.head.replace(new.head),
            tail: self.tail.replace(new.tail),
            first: self.first.replace(new.first),
        }
    }
}

impl Local {
    /// For the runtime that is known by `identity`, which is not zero.
    pub(crate) fn new(identity: usize) -> Local {
        Local { content: Content { identity, ..NOTHING } }
    }

    /// Installs this in the thread. Returns what was installed before, to be put back with
    /// [`uninstall`](Self::uninstall).
    pub(crate) fn install(&mut self) -> Local {
        let content = std::mem::replace(&mut self.content, NOTHING);
        Local { content: HERE.with(|here| here.replace(content)) }
    }

    /// Takes this back out of the thread.
    pub(crate) fn uninstall(&mut self, before: Local) {
        self.content = HERE.with(|here| here.replace(before.content));
    }
}

/// Whether the runtime known by `identity` is installed in this thread.
#[inline(always)]
pub(crate) fn is_installed(identity: usize) -> bool {
    HERE.with(|here| here.identity.get()) == identity
}

/// Pushes a Runnable of the installed runtime. Gives it back if `identity` is not installed here.
#[inline(always)]
pub(crate) fn push(identity: usize, runnable: Runnable) -> Result<(), Runnable> {
    HERE.with(|here| {
        if here.identity.get() != identity {
            return Err(runnable);
        }
        let header = runnable.into_header();
        // SAFETY: the Runnable was ours, so `next` is, and its task is alive.
        unsafe { header.as_ref().next.with_mut(|next| *next = None) };
        let tail = here.tail.replace(header);
        if here.head.get().is_some() {
            // SAFETY: there is a head, so the queue owns the Runnable of its tail, whose task is
            // alive.
            unsafe { tail.as_ref().next.with_mut(|next| *next = Some(header)) };
        } else {
            here.head.set(Some(header));
        }
        Ok(())
    })
}

/// Pops the oldest Runnable of the installed runtime.
#[inline(always)]
pub(crate) fn pop() -> Option<Runnable> {
    #[cfg(edgewake_faults)]
    order::choose();
    HERE.with(|here| {
        let header = here.head.get()?;
        // SAFETY: the queue owns the Runnable of its head, whose task is alive.
        let next = unsafe { header.as_ref().next.with(|next| *next) };
        here.head.set(next);
        // SAFETY: it came from `into_header` in `push`, and has just left the queue.
        Some(unsafe { Runnable::from_header(header) })
    })
}

/// Whether the installed queue is empty.
#[inline(always)]
pub(crate) fn is_empty() -> bool {
    HERE.with(|here| here.head.get().is_none())
}

/// Adopts a new task: it goes into the worker's list and into its queue. The worker is installed.
pub(crate) fn push_new(identity: usize, runnable: Runnable) {
    bind(&runnable);
    let pushed = push(identity, runnable);
    assert!(pushed.is_ok(), "tasks are adopted by the worker that is installed");
}

fn bind(runnable: &Runnable) {
    let header = runnable.header();
    HERE.with(|here| {
        let after = here.first.replace(Some(header));
        // SAFETY: links belong to the worker, which this thread is; listed tasks are alive.
        unsafe {
            header.as_ref().links.with_mut(|links| {
                if (*links).is_bound(header) {
                    here.first.set(after);
                    return;
                }
                *links = Links { before: None, after };
                if let Some(after) = after {
                    after.as_ref().links.with_mut(|links| (*links).before = Some(header));
                }
            });
        }
    });
}

/// Takes a completed task off the list. False if it is on none: it was never adopted.
///
/// # Safety
///
/// This thread is the task's worker, or the task was never bound, and the task is alive.
#[inline]
pub(super) unsafe fn unbind(header: NonNull<Header>) -> bool {
    // SAFETY: the caller vouches for the turn; neighbours in the list are alive.
    unsafe {
        let links = header.as_ref().links.with(|links| *links);
        if !links.is_bound(header) {
            return false;
        }
        match links.before {
            Some(before) => before.as_ref().links.with_mut(|at| (*at).after = links.after),
            None => HERE.with(|here| here.first.set(links.after)),
        }
        if let Some(after) = links.after {
            after.as_ref().links.with_mut(|at| (*at).before = links.before);
        }
        header.as_ref().links.with_mut(|at| *at = Links::unbound(header));
    }
    true
}

/// Cancels a task that no worker has adopted, on the thread that made it.
#[inline]
pub(crate) fn refuse(runnable: Runnable) {
    runnable.cancel();
}

/// Drops the future of every task of the installed worker, for a shutdown. The caller has closed
/// the way in: nothing can be pushed from outside, and `late` are the Runnables that were there.
pub(crate) fn cancel_all(late: impl IntoIterator<Item = Runnable>) {
    for runnable in late {
        bind(&runnable);
    }
    HERE.with(|here| {
        let mut next = here.first.get();
        while let Some(header) = next {
            // SAFETY: listed tasks are alive, and the list is this thread's.
            unsafe {
                header.as_ref().state.withdraw();
                next = header.as_ref().links.with(|links| (*links).after);
            }
        }
        // From here on no wake-up pushes any of them. What is in the queue is of the list too.
        here.head.set(None);
        while let Some(header) = here.first.get() {
            // SAFETY: it is withdrawn and in no queue, so this is its one Runnable.
            unsafe { Runnable::from_header(header) }.cancel();
        }
    });
}
