//! What all datagram sockets have in common, on an owned descriptor: a message is received, sent
//! or looked at, whole. The public types forward here.
//!
//! Two things set them apart from streams. A buffer without room still takes a message, which is
//! then cut to nothing (T62), and no count says whether there is another one. And a send can find
//! a queue full of which no edge tells (`ENOBUFS`, T45): the socket counts as writable all the
//! while, so it is tried again after a pause on a timer. In the futures the pause is part of the
//! future, so that dropping that ends it; callers of `poll_*` share one that the socket keeps.

use std::{
    future::Future,
    io,
    mem::ManuallyDrop,
    os::fd::{BorrowedFd, OwnedFd},
    pin::Pin,
    task::{Context, Poll, ready},
};

use edgewake_sys::socket;

use super::backoff::{Backoff, SharedBackoff};
use crate::{
    async_fd::{AsyncFd, Operation},
    reactor::Direction,
    sync::atomic::{AtomicBool, Ordering},
};

/// Makes a connect, which takes a moment, again if a signal has interrupted it (connect(2),
/// `EINTR`): of a datagram socket it may be repeated.
pub(super) fn uninterrupted<T>(mut connect: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match connect() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

/// The pause of `poll_*` sends, which have no future to keep it in.
#[derive(Debug)]
pub(super) struct SendPause {
    /// Whether the pause is worth asking for. It is only a hint, which keeps the lock off the path
    /// of sends that never had to pause.
    on: AtomicBool,
    backoff: SharedBackoff,
}

impl SendPause {
    #[inline]
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

/// The future of a send. Futures written by hand, here and in `recv_message`: as an `async` block
/// within the socket's `async fn`, either costs some 50 instructions more.
#[must_use = "futures do nothing unless awaited"]
pub(super) struct SendMessage<'a, F> {
    operation: Operation<'a, OwnedFd, F, false>,
    /// Waiting for a queue. Dropped by hand, because that is a look at a word, and a call if the
    /// compiler does it.
    backoff: ManuallyDrop<Option<Box<Backoff>>>,
}

impl<F> SendMessage<'_, F> {
    /// Starts the next pause; false where no driver is there to time it.
    #[cold]
    fn pause(&mut self, cx: &Context<'_>) -> bool {
        self.backoff.get_or_insert_with(|| Box::new(Backoff::brief())).start(cx)
    }
}

impl<R, F: FnMut(BorrowedFd<'_>) -> io::Result<R>> Future for SendMessage<'_, F> {
    type Output = io::Result<R>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        loop {
            if let Some(backoff) = &mut *self.backoff {
                ready!(backoff.poll(cx));
            }
            match ready!(Pin::new(&mut self.operation).poll(cx)) {
                Err(error) if socket::is_queue_full(&error) => {
                    if !self.pause(cx) {
                        return Poll::Ready(Err(error));
                    }
                }
                outcome => return Poll::Ready(outcome),
            }
        }
    }
}

impl<F> Drop for SendMessage<'_, F> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.backoff.is_some() {
            end(self.backoff.take());
        }
    }
}

#[cold]
fn end(backoff: Option<Box<Backoff>>) {
    drop(backoff);
}

/// Messages. `operation` receives or sends one, and nothing in part.
impl AsyncFd<OwnedFd> {
    /// Receives, or looks at, a message.
    #[inline(always)]
    pub(super) fn recv_message<R, F>(&self, operation: F) -> Operation<'_, OwnedFd, F, true>
    where
        F: FnMut(BorrowedFd<'_>) -> io::Result<R>,
    {
        self.operation(operation)
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
    pub(super) fn send_message<R, F>(&self, operation: F) -> SendMessage<'_, F>
    where
        F: FnMut(BorrowedFd<'_>) -> io::Result<R>,
    {
        SendMessage { operation: self.operation(operation), backoff: ManuallyDrop::new(None) }
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
