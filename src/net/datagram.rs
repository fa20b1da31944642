//! What all datagram sockets have in common, on an owned descriptor: a message is received, sent
//! or looked at, whole. The public types forward here.
//!
//! Two things set them apart from streams. A buffer without room still takes a message, which is
//! then cut to nothing (T62), and no count says whether there is another one. And a send can find
//! a queue full of which no edge tells (`ENOBUFS`, T45): the socket counts as writable all the
//! while, so it is tried again after a pause on a timer. In the futures the pause is part of the
//! future, so that dropping that ends it; callers of `poll_*` share one that the socket keeps.

use std::{
    future::poll_fn,
    io,
    os::fd::{BorrowedFd, OwnedFd},
    task::{Context, Poll, ready},
};

use edgewake_sys::socket;

use super::backoff::{Backoff, SharedBackoff};
use crate::{
    async_fd::AsyncFd,
    reactor::Direction,
    sync::atomic::{AtomicBool, Ordering},
};

/// The pause of `poll_*` sends, which have no future to keep it in.
#[derive(Debug)]
pub(super) struct SendPause {
    /// Whether the pause is worth asking for. It is only a hint, which keeps the lock off the path
    /// of sends that never had to pause.
    on: AtomicBool,
    backoff: SharedBackoff,
}

impl SendPause {
    pub(super) fn new() -> SendPause {
        SendPause { on: AtomicBool::new(false), backoff: SharedBackoff::brief() }
    }

    #[inline(always)]
    fn is_on(&self) -> bool {
        // Relaxed: who misses it makes one attempt too many, and then starts or joins the pause
        // under the backoff's mutex.
        self.on.load(Ordering::Relaxed)
    }

    #[cold]
    fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        self.backoff.poll(cx)
    }

    /// False where no driver is there to time it.
    #[cold]
    fn start(&self) -> bool {
        // Relaxed: see `is_on`.
        self.on.store(true, Ordering::Relaxed);
        self.backoff.start()
    }

    #[cold]
    fn end(&self) {
        if self.backoff.reset() {
            // Relaxed: see `is_on`. A pause that another thread starts just now is found again by
            // whoever fails next.
            self.on.store(false, Ordering::Relaxed);
        }
    }
}

/// Messages. `operation` receives or sends one, and nothing in part.
impl AsyncFd<OwnedFd> {
    /// Receives, or looks at, a message.
    #[inline(always)]
    pub(super) async fn recv_message<R>(
        &self,
        operation: impl FnMut(BorrowedFd<'_>) -> io::Result<R>,
    ) -> io::Result<R> {
        self.operation::<true, _, _>(operation).await
    }

    #[inline(always)]
    pub(super) fn poll_recv_message<R>(
        &self,
        cx: &mut Context<'_>,
        operation: impl FnMut(BorrowedFd<'_>) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.poll_io(Direction::Read, cx, operation)
    }

    #[inline]
    pub(super) fn try_recv_message<R>(
        &self,
        operation: impl FnMut(BorrowedFd<'_>) -> io::Result<R>,
    ) -> io::Result<R> {
        self.attempt(Direction::Read, operation)
    }

    /// Sends a message, as soon as the socket and the queues behind it have room.
    #[inline(always)]
    pub(super) async fn send_message<R>(
        &self,
        mut operation: impl FnMut(BorrowedFd<'_>) -> io::Result<R>,
    ) -> io::Result<R> {
        match self.operation::<false, _, _>(&mut operation).await {
            Err(error) if socket::is_queue_full(&error) => {
                self.send_after_pauses(error, operation).await
            }
            outcome => outcome,
        }
    }

    /// Tries again after pauses, until it is something else that stands in the way. Without a
    /// driver to time them, the error is the caller's.
    #[cold]
    async fn send_after_pauses<R>(
        &self,
        mut error: io::Error,
        mut operation: impl FnMut(BorrowedFd<'_>) -> io::Result<R>,
    ) -> io::Result<R> {
        let mut backoff = Backoff::brief();
        loop {
            if !poll_fn(|cx| Poll::Ready(backoff.start(cx))).await {
                return Err(error);
            }
            poll_fn(|cx| backoff.poll(cx)).await;
            error = match self.operation::<false, _, _>(&mut operation).await {
                Err(error) if socket::is_queue_full(&error) => error,
                outcome => return outcome,
            };
        }
    }

    #[inline(always)]
    pub(super) fn poll_send_message<R>(
        &self,
        pause: &SendPause,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(BorrowedFd<'_>) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        loop {
            if pause.is_on() {
                ready!(pause.poll(cx));
            }
            match self.poll_io(Direction::Write, cx, &mut operation) {
                Poll::Ready(Err(error)) if socket::is_queue_full(&error) => {
                    if !pause.start() {
                        return Poll::Ready(Err(error));
                    }
                }
                outcome => {
                    if pause.is_on() {
                        pause.end();
                    }
                    return outcome;
                }
            }
        }
    }

    /// One attempt. A full queue is the caller's to wait for: to call it `WouldBlock` would have
    /// them wait for an edge that does not come.
    #[inline]
    pub(super) fn try_send_message<R>(
        &self,
        operation: impl FnMut(BorrowedFd<'_>) -> io::Result<R>,
    ) -> io::Result<R> {
        self.attempt(Direction::Write, operation)
    }
}
