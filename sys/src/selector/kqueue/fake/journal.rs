//! The test's view of the fake: what was asked of it on this thread, and errors planted for it.
//!
//! Per thread, so that tests run side by side.

use std::cell::RefCell;

use super::{
    super::ffi::{self, Filter, Flags, Kevent},
    Errno,
};
use crate::Token;

/// A change as the kernel was given it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) ident: usize,
    pub(crate) filter: Filter,
    pub(crate) flags: Flags,
    pub(crate) fflags: u32,
    pub(crate) token: Token,
}

#[derive(Debug, Default)]
struct Journal {
    changes: Vec<Change>,
    /// The errors to answer coming changes with, instead of making them: `None` makes one.
    planted: Vec<Option<Errno>>,
    interrupts: usize,
}

thread_local! {
    static JOURNAL: RefCell<Journal> = RefCell::default();
}

/// The changes since the last call, in order.
pub(crate) fn take() -> Vec<Change> {
    JOURNAL.with_borrow_mut(|journal| std::mem::take(&mut journal.changes))
}

/// Answers the next changes of this thread with these errors; `None` lets one pass.
pub(crate) fn plant(errors: impl IntoIterator<Item = Option<Errno>>) {
    JOURNAL.with_borrow_mut(|journal| {
        journal.planted = errors.into_iter().collect();
        journal.planted.reverse();
    });
}

/// Makes the next `count` calls that bring changes return `EINTR` after applying them.
pub(crate) fn interrupt(count: usize) {
    JOURNAL.with_borrow_mut(|journal| journal.interrupts = count);
}

pub(super) fn record(change: &Kevent) -> Option<Errno> {
    JOURNAL.with_borrow_mut(|journal| {
        journal.changes.push(Change {
            ident: change.ident,
            filter: change.filter,
            flags: change.flags,
            fflags: change.fflags,
            token: ffi::token(change),
        });
        journal.planted.pop().flatten()
    })
}

pub(super) fn take_interrupt() -> bool {
    JOURNAL.with_borrow_mut(|journal| {
        let is_due = journal.interrupts > 0;
        journal.interrupts -= usize::from(is_due);
        is_due
    })
}
