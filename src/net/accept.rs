//! What all listening sockets have in common: accepting, whatever is accepted. The public types
//! forward here, with what they make of a connection.
//!
//! Connections that died while they waited are passed over; at a limit of descriptors or memory
//! the wait is one of time, since freeing some gives no edge (T57). Nothing is accepted that is
//! not returned in the same step, so that no cancelled wait takes a connection with it (T59).

use std::{
    future::Future,
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    pin::Pin,
    task::{Context, Poll, ready},
};

use edgewake_sys::{Interest, probe, socket::AcceptError};

use super::backoff::{Backoff, SharedBackoff};
use crate::{
    async_fd::{AsyncFd, ReadyFor},
    driver::budget,
    reactor::Direction,
};

/// One system call that accepts, and what becomes of the connection.
pub(super) type Take<T> = fn(BorrowedFd<'_>) -> io::Result<T>;

impl AsyncFd<OwnedFd> {
    /// Waits for a connection and takes it.
    pub(super) async fn accept_with<T>(&self, take: Take<T>) -> io::Result<T> {
        let mut accept = Accept { io: self, take, wait: None, backoff: None };
        std::future::poll_fn(|cx| accept.poll(cx)).await
    }

    /// The same for callers that keep no state of their own: the pause is the listener's.
    pub(super) fn poll_accept_with<T>(
        &self,
        cx: &mut Context<'_>,
        pause: &SharedBackoff,
        take: Take<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            ready!(pause.poll(cx));
            let outcome = self.poll_io(Direction::Read, cx, |fd| take_living(fd, take));
            match outcome {
                Poll::Ready(Err(error)) if is_resource(&error) => {
                    if !pause.start() {
                        return Poll::Ready(Err(error));
                    }
                }
                outcome => {
                    pause.reset();
                    return outcome;
                }
            }
        }
    }

    /// Takes a connection if there is one.
    pub(super) fn try_accept_with<T>(&self, take: Take<T>) -> io::Result<T> {
        self.try_io(Interest::INCOMING, |fd| take_living(fd.as_fd(), take))
    }
}

/// One connection, passing over dead ones. Their number is bounded by the queue's length.
fn take_living<T>(fd: BorrowedFd<'_>, take: Take<T>) -> io::Result<T> {
    loop {
        match take(fd) {
            Ok(connection) => {
                probe::accept(fd.as_raw_fd() as u64);
                return Ok(connection);
            }
            Err(error) => match AcceptError::classify(&error) {
                AcceptError::Connection | AcceptError::Interrupted => {}
                _ => return Err(error),
            },
        }
    }
}

fn is_resource(error: &io::Error) -> bool {
    AcceptError::classify(error) == AcceptError::Resource
}

/// The state of one `accept` call.
struct Accept<'a, T> {
    io: &'a AsyncFd<OwnedFd>,
    take: Take<T>,
    /// Waiting for an edge, in the slot or in the list.
    wait: Option<ReadyFor<'a, OwnedFd, true>>,
    /// Waiting for descriptors.
    backoff: Option<Backoff>,
}

impl<T> Accept<'_, T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        loop {
            if let Some(backoff) = &mut self.backoff {
                ready!(backoff.poll(cx));
            }
            if let Some(wait) = &mut self.wait {
                ready!(Pin::new(wait).poll(cx))?;
                self.wait = None;
            }
            // Whatever the kernel has queued, a task accepts so many in a row and no more (T58).
            ready!(budget::poll_spend(cx));
            match self.io.try_accept_with(self.take) {
                Ok(accepted) => return Poll::Ready(Ok(accepted)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    budget::refund();
                    self.backoff = None;
                    self.wait = Some(self.io.wait());
                }
                Err(error) if is_resource(&error) => {
                    if !self.backoff.get_or_insert_with(Backoff::new).start(cx) {
                        return Poll::Ready(Err(error));
                    }
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}
