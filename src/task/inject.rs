//! The way in from other threads: a list of Runnables under a lock, with an end.
//!
//! Who pushes kicks the worker afterwards (that is the scheduler's business). Once closed it takes
//! nothing more, and gives what it is offered back.

use std::ptr::NonNull;

use super::cell::{Header, Runnable};
use crate::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
    lock,
};

#[derive(Debug)]
pub(crate) struct Inject {
    /// There may be something in the list: read by the worker to save the lock.
    occupied: AtomicBool,
    list: Mutex<List>,
}

#[derive(Debug)]
struct List {
    head: Option<NonNull<Header>>,
    tail: Option<NonNull<Header>>,
    length: usize,
    closed: bool,
}

// SAFETY: the pointers are Runnables, which may be carried between threads.
unsafe impl Send for List {}

impl Inject {
    pub(crate) fn new() -> Inject {
        let list = List { head: None, tail: None, length: 0, closed: false };
        Inject { occupied: AtomicBool::new(false), list: Mutex::new(list) }
    }

    /// Pushes a Runnable, or gives it back if the worker has gone.
    #[inline]
    pub(crate) fn push(&self, runnable: Runnable) -> Result<(), Runnable> {
        let mut list = lock(&self.list);
        if list.closed {
            return Err(runnable);
        }
        let header = runnable.into_header();
        // SAFETY: the Runnable was ours, so `next` is, and its task is alive.
        unsafe { header.as_ref().next.with_mut(|next| *next = None) };
        match list.tail.replace(header) {
            None => list.head = Some(header),
            // SAFETY: the list owns the Runnable of its tail.
            Some(tail) => unsafe { tail.as_ref().next.with_mut(|next| *next = Some(header)) },
        }
        list.length += 1;
        // Relaxed: the pusher kicks after this, with a fence that pairs with the worker's.
        self.occupied.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Whether there may be something to take.
    #[inline]
    pub(crate) fn is_occupied(&self) -> bool {
        // Relaxed: asked after the worker's fence when it matters (see `push`).
        self.occupied.load(Ordering::Relaxed)
    }

    /// How many Runnables are in the list.
    pub(crate) fn len(&self) -> usize {
        lock(&self.list).length
    }

    /// Takes everything, in order.
    pub(crate) fn take(&self) -> Taken {
        let mut list = lock(&self.list);
        // Relaxed: under the lock, like `push`.
        self.occupied.store(false, Ordering::Relaxed);
        list.empty()
    }

    /// Takes everything and refuses what comes later.
    pub(crate) fn close(&self) -> Taken {
        let mut list = lock(&self.list);
        list.closed = true;
        list.empty()
    }
}

impl List {
    fn empty(&mut self) -> Taken {
        self.tail = None;
        self.length = 0;
        Taken(self.head.take())
    }
}

/// What was in the list.
#[derive(Debug)]
pub(crate) struct Taken(Option<NonNull<Header>>);

impl Iterator for Taken {
    type Item = Runnable;

    fn next(&mut self) -> Option<Runnable> {
        let header = self.0?;
        // SAFETY: this chain owns the Runnables in it, whose tasks are alive.
        self.0 = unsafe { header.as_ref().next.with(|next| *next) };
        // SAFETY: it came from `into_header` in `push`, and has just left the chain.
        Some(unsafe { Runnable::from_header(header) })
    }
}
