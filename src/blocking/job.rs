//! The result of a closure in the pool: written once, by its thread or by who withdraws it, and
//! read once, by the future.
//!
//! The closure travels with its [`Answer`], whose drop says "cancelled" where nothing was said
//! before. So whoever drops a queued closure has answered for it, however that comes about.

use std::{
    any::Any,
    future::Future,
    io, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, Waker},
};

use super::pool::{Pool, Refused, Ticket, Work, quietly};
use crate::sync::{Arc, Mutex, lock};

/// Why there is no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was withdrawn before it started, or the pool has shut down.
    Cancelled,
    Panicked(Box<dyn Any + Send>),
    /// There was no thread to serve it, and none could be started.
    NoThread(io::Error),
}

/// A closure on its way through the pool: a future of its result.
///
/// Dropping it lets the closure run all the same; [`withdraw`](Self::withdraw) does not.
#[derive(Debug)]
pub(crate) struct Job<T> {
    pool: Arc<Pool>,
    reply: Arc<Reply<T>>,
    /// None if the pool did not take it: there is a reply by then.
    ticket: Option<Ticket>,
}

impl<T: Send + 'static> Job<T> {
    /// Hands a closure to the pool.
    pub(crate) fn submit(pool: Arc<Pool>, function: impl FnOnce() -> T + Send + 'static) -> Job<T> {
        let reply = Arc::new(Reply::new());
        let answer = Answer(Arc::clone(&reply));
        let work: Work = Box::new(move || {
            let outcome = catch_unwind(AssertUnwindSafe(function));
            answer.0.finish(outcome.map_err(Failure::Panicked));
        });
        let ticket = match pool.push(work) {
            Ok(ticket) => Some(ticket),
            Err(Refused { work, reason }) => {
                reply.finish(Err(reason));
                quietly(|| drop(work));
                None
            }
        };
        Job { pool, reply, ticket }
    }
}

impl<T> Job<T> {
    /// Nobody is to be woken for what nobody waits for.
    fn forget_waker(&self) {
        let waker = lock(&self.reply.0).waker.take();
        drop(waker);
    }

    /// Takes the closure back and drops it, if no thread has taken it yet.
    pub(crate) fn withdraw(&self) {
        if self.is_finished() {
            return;
        }
        if let Some(work) = self.ticket.and_then(|ticket| self.pool.withdraw(ticket)) {
            quietly(|| drop(work));
        }
    }

    /// The same for who is about to drop this, and is not to be woken by it.
    #[cfg_attr(not(feature = "net"), allow(dead_code, reason = "names are looked up by `net`"))]
    pub(crate) fn abandon(&self) {
        self.forget_waker();
        self.withdraw();
    }

    /// Whether there is a result, so that the next poll returns it.
    pub(crate) fn is_finished(&self) -> bool {
        lock(&self.reply.0).finished
    }
}

impl<T> Drop for Job<T> {
    fn drop(&mut self) {
        self.forget_waker();
    }
}

impl<T> Future for Job<T> {
    type Output = Result<T, Failure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, Failure>> {
        self.reply.poll(cx.waker())
    }
}

/// Where the result waits for its reader, or the reader for the result.
#[derive(Debug)]
struct Reply<T>(Mutex<Inner<T>>);

#[derive(Debug)]
struct Inner<T> {
    outcome: Option<Result<T, Failure>>,
    finished: bool,
    waker: Option<Waker>,
}

impl<T> Reply<T> {
    fn new() -> Reply<T> {
        Reply(Mutex::new(Inner { outcome: None, finished: false, waker: None }))
    }

    /// Gives the result, unless there was one, and wakes who waits for it.
    fn finish(&self, outcome: Result<T, Failure>) {
        let waker = {
            let mut inner = lock(&self.0);
            if inner.finished {
                None
            } else {
                inner.finished = true;
                inner.outcome = Some(outcome);
                inner.waker.take()
            }
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll(&self, waker: &Waker) -> Poll<Result<T, Failure>> {
        // Cloned, and the old one dropped, outside the lock (T21).
        let mut waker = Some(waker.clone());
        let mut inner = lock(&self.0);
        match inner.outcome.take() {
            Some(outcome) => Poll::Ready(outcome),
            None => {
                assert!(!inner.finished, "polled again after it has returned the output");
                mem::swap(&mut inner.waker, &mut waker);
                drop(inner);
                Poll::Pending
            }
        }
    }
}

/// The closure's side of a [`Reply`].
struct Answer<T>(Arc<Reply<T>>);

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        self.0.finish(Err(Failure::Cancelled));
    }
}
