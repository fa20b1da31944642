//! Tasks: one allocation each, polled and dropped on one thread, woken from any.
//!
//! - `state`: the bits of a task's word, and every transition between them.
//! - `cell`: the allocation: header, future or output, join waker.
//! - `waker`: the task's `Waker`.
//! - `local`: the run queue and the list of tasks of the thread that polls.
//! - `inject`: the queue through which other threads reach that thread.
//! - `join`: the handle that waits for the output.
//!
//! A *Runnable* is the right to poll a task once. It exists exactly while the task's `SCHEDULED`
//! bit is set and its `RUNNING` bit is not, so a task is in at most one queue, at most once; the
//! queues link through the header and hold no reference.
//!
//! # Who may touch what
//!
//! | field | who | when |
//! |---|---|---|
//! | `Header::state` | anyone with a reference | atomic steps of `state` |
//! | `Header::next` | the owner of the Runnable | until it is popped |
//! | `Header::links` | the worker | always |
//! | `Cell::scheduler` | anyone with a reference | read only |
//! | `Cell::stage` | the worker | until it sets `COMPLETED` |
//! | | the join handle | after it saw `COMPLETED`, while `JOIN_INTEREST` is set |
//! | `Cell::join_waker` | the join handle | while `JOIN_WAKER` is not set and `COMPLETED` neither |
//! | | the worker, to wake it | after it set `COMPLETED` and found `JOIN_WAKER` |
//!
//! References: one of the worker, from birth to completion; one of the join handle; one of each
//! waker. Who drops the last one frees the memory, on any thread; the future is gone by then, and
//! the output too.
//!
//! This module knows nothing of reactors, drivers or runtimes: what scheduling means is the
//! business of whoever implements [`Schedule`].

mod cell;
mod inject;
mod join;
mod local;
mod state;
mod waker;

#[cfg(all(test, edgewake_loom))]
mod loom;
#[cfg(all(test, not(edgewake_loom)))]
mod tests;

pub use self::join::{JoinError, JoinHandle};
pub(crate) use self::{
    cell::{Runnable, Schedule, new},
    inject::Inject,
    local::{Local, cancel_all, is_empty, is_installed, pop, push, push_new, refuse},
};
