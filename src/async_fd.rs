//! The bridge between any descriptor and the reactor. Every socket stands on it.
//!
//! - here: [`AsyncFd`], and its readers and writers.
//! - `attempts`: the loops in which an operation is tried, and waits: what sockets are built from.
//! - `operation`: the same as a future, for sockets that many tasks share.
//! - `events`: the same for what no readiness stands for: a socket's error queue, a pipe's end.
//! - `failure`: watching for an error while nothing else is asked of a descriptor.
//! - `backoff`: the pause where no event will tell.
//! - `face`: what users see of a descriptor's readiness, for sockets and pipes.
//! - `ready`: the futures that wait for readiness.
//! - `guard`: readiness as a user holds it in their hand.
//!

mod attempts;
mod backoff;
mod events;
pub(crate) mod face;
mod failure;
mod guard;
mod operation;
mod ready;

use std::{
    io::{self, Read, Write},
    os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd},
    pin::Pin,
    task::{Context, Poll, ready},
};

use edgewake_sys::{Interest, fd};
use futures::io::{AsyncRead, AsyncWrite};

pub use self::guard::{ReadyGuard, WouldBlock};
#[cfg(feature = "net")]
pub(crate) use self::operation::Operation;
pub(crate) use self::ready::{Ready, ReadyFor};
pub(crate) use self::{attempts::Taken, backoff::Backoff};
use crate::{
    driver::context,
    reactor::{Direction, Kind, Readiness, Registration},
};

/// Any descriptor that the selector accepts, with readiness: sockets, pipes, ttys, `timerfd`,
/// `inotify`, another selector.
///
/// `T` owns (or borrows) the descriptor; its [`AsFd`] must always give the same one. It is made
/// non-blocking, registered at once with exactly the interest asked for, and deregistered before
/// `T` is dropped.
///
/// # Readiness
///
/// The kernel reports *edges*. What it said is remembered until an operation finds that it holds
/// no more: [`try_io`](Self::try_io), [`async_io`](Self::async_io) and [`ReadyGuard::try_io`] see
/// to that, [`ReadyGuard::clear_ready`] is for operations that they cannot express. Nothing but
/// [`WouldBlock`](io::ErrorKind::WouldBlock) proves that nothing is left: a short count does not
/// (a tty returns a line at a time).
///
/// # Platform notes
///
/// Regular files and directories cannot be polled: on Linux making one is
/// [`Unsupported`](io::ErrorKind::Unsupported). BSD's kqueue accepts files and reports them
/// readable short of their end.
///
/// # Examples
///
/// ```
/// use edgewake::AsyncFd;
/// use std::io::{Read, Write};
/// use std::os::unix::net::UnixStream;
///
/// # let runtime = edgewake::Runtime::new()?;
/// # runtime.block_on(async {
/// let (mut writer, reader) = UnixStream::pair()?;
/// let reader = AsyncFd::new(reader)?;
/// writer.write_all(b"hello")?;
/// let mut bytes = [0; 16];
/// let count = reader.async_io(edgewake::Interest::READABLE, |mut fd| fd.read(&mut bytes)).await?;
/// assert_eq!(&bytes[..count], b"hello");
/// # std::io::Result::Ok(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct AsyncFd<T: AsFd> {
    // Before `inner`: the registration ends before the descriptor closes.
    registration: Registration,
    inner: T,
}

impl<T: AsFd> AsyncFd<T> {
    /// Registers a descriptor for reading and writing.
    ///
    /// # Errors
    ///
    /// - [`NotConnected`](io::ErrorKind::NotConnected): no driver is running on this thread;
    /// - [`Unsupported`](io::ErrorKind::Unsupported): the descriptor cannot be polled;
    /// - [`AlreadyExists`](io::ErrorKind::AlreadyExists): another object of this driver has
    ///   registered it;
    /// - what the selector returns, such as `EINVAL` on kqueue for a descriptor that cannot be
    ///   written: use [`with_interest`](Self::with_interest) for it.
    #[inline]
    pub fn new(inner: T) -> io::Result<AsyncFd<T>> {
        AsyncFd::with_interest(inner, Interest::READABLE | Interest::WRITABLE)
    }

    /// Registers a descriptor with exactly this interest.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new); [`InvalidInput`](io::ErrorKind::InvalidInput) for an empty
    /// interest.
    #[inline]
    pub fn with_interest(inner: T, interest: Interest) -> io::Result<AsyncFd<T>> {
        AsyncFd::try_with_interest(inner, interest).map_err(|(_, error)| error)
    }

    /// As [`with_interest`](Self::with_interest); gives the value back if it fails.
    ///
    /// # Errors
    ///
    /// As for [`with_interest`](Self::with_interest).
    pub fn try_with_interest(inner: T, interest: Interest) -> Result<AsyncFd<T>, (T, io::Error)> {
        let registration = Registration::unassuming(Kind::Other, context::birthplace());
        let registered = if interest.is_empty() {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "an empty interest waits for nothing"))
        } else {
            fd::set_nonblocking(inner.as_fd(), true)
                .and_then(|()| registration.enroll(inner.as_fd(), interest, context::reactor()))
        };
        match registered {
            Ok(()) => Ok(AsyncFd { registration, inner }),
            Err(error) => Err((inner, error)),
        }
    }

    /// The value that owns the descriptor.
    #[inline]
    pub fn get_ref(&self) -> &T {
        &self.inner
    }

    /// The value that owns the descriptor. Replacing its descriptor by another one breaks the
    /// registration (nothing worse: later waits never end, or return errors).
    #[inline]
    pub fn get_mut(&mut self) -> &mut T {
        self.registration.give_away();
        &mut self.inner
    }

    /// Deregisters the descriptor and gives the value back. It stays non-blocking.
    #[inline]
    pub fn into_inner(self) -> T {
        let AsyncFd { registration, inner } = self;
        registration.release();
        inner
    }

    // T32: the example that must not compile.
    /// Waits until the descriptor is readable.
    ///
    /// The future and the guard borrow the `AsyncFd`: neither can outlive the descriptor.
    ///
    /// ```compile_fail,E0505
    /// # use std::os::unix::net::UnixStream;
    /// # async fn wait(stream: edgewake::AsyncFd<UnixStream>) {
    /// let readable = stream.readable();
    /// drop(stream);
    /// readable.await;
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: readiness stays until it is cleared.
    ///
    /// # Errors
    ///
    /// - [`BrokenPipe`](io::ErrorKind::BrokenPipe) once the driver has shut down;
    /// - what registering the direction returns, if it was not registered at first.
    #[inline]
    pub async fn readable(&self) -> io::Result<ReadyGuard<'_, T>> {
        self.ready(Interest::READABLE).await
    }

    /// Waits until the descriptor is writable. Otherwise as [`readable`](Self::readable).
    ///
    /// # Errors
    ///
    /// As for [`readable`](Self::readable).
    #[inline]
    pub async fn writable(&self) -> io::Result<ReadyGuard<'_, T>> {
        self.ready(Interest::WRITABLE).await
    }

    /// Waits until something of `interest` is ready: data, a closed peer, or an error.
    ///
    /// # Cancel safety
    ///
    /// As for [`readable`](Self::readable).
    ///
    /// # Errors
    ///
    /// As for [`readable`](Self::readable); [`InvalidInput`](io::ErrorKind::InvalidInput) for an
    /// empty interest.
    #[inline]
    pub async fn ready(&self, interest: Interest) -> io::Result<ReadyGuard<'_, T>> {
        self.wait_for(interest).await?;
        Ok(ReadyGuard::new(self, interest))
    }

    /// Polls for readability.
    ///
    /// # Errors
    ///
    /// As for [`readable`](Self::readable).
    #[inline]
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<ReadyGuard<'_, T>>> {
        self.poll_ready_in(Direction::Read, Interest::READABLE, cx)
    }

    /// Polls for writability. Otherwise as [`poll_read_ready`](Self::poll_read_ready).
    ///
    /// # Errors
    ///
    /// As for [`readable`](Self::readable).
    #[inline]
    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<ReadyGuard<'_, T>>> {
        self.poll_ready_in(Direction::Write, Interest::WRITABLE, cx)
    }

    fn poll_ready_in(
        &self,
        direction: Direction,
        interest: Interest,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<ReadyGuard<'_, T>>> {
        ready!(self.poll_direction(direction, cx))?;
        Poll::Ready(Ok(ReadyGuard::new(self, interest)))
    }

    /// Tries an operation once. If it would block, the readiness of `interest` is cleared, so that
    /// the next wait waits.
    ///
    /// # Errors
    ///
    /// What the operation returns, [`WouldBlock`](io::ErrorKind::WouldBlock) included.
    pub fn try_io<R>(
        &self,
        interest: Interest,
        operation: impl FnOnce(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        let seen = self.snapshots();
        let outcome = operation(&self.inner);
        if would_block(&outcome) {
            self.clear(interest, seen);
        }
        outcome
    }

    /// Waits for readiness and tries an operation, as often as it takes until it does not block.
    ///
    /// # Cancel safety
    ///
    /// The operation either has completed, and its result is returned at once, or has done
    /// nothing.
    ///
    /// # Errors
    ///
    /// What the operation returns, and as for [`readable`](Self::readable).
    pub async fn async_io<R>(
        &self,
        interest: Interest,
        mut operation: impl FnMut(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        loop {
            self.wait_for(interest).await?;
            match self.try_io(interest, &mut operation) {
                Err(error) if is_transient(&error) => {}
                outcome => return outcome,
            }
        }
    }

    /// What is remembered of the descriptor.
    ///
    /// # Errors
    ///
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe) once the driver has shut down.
    #[inline]
    pub fn readiness(&self, interest: Interest) -> io::Result<Readiness> {
        self.registration.readiness(interest)
    }

    /// Waits for one direction.
    #[inline(always)]
    pub(crate) fn wait<const READS: bool>(&self) -> ReadyFor<'_, T, READS> {
        ReadyFor::new(self)
    }

    #[inline]
    pub(crate) fn wait_for(&self, interest: Interest) -> Ready<'_> {
        Ready::new(&self.registration, self.inner.as_fd(), interest)
    }
}

pub(crate) fn would_block<R>(outcome: &io::Result<R>) -> bool {
    matches!(outcome, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

impl<T: AsFd> AsFd for AsyncFd<T> {
    #[inline]
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.registration.lend();
        self.inner.as_fd()
    }
}

impl<T: AsFd> AsRawFd for AsyncFd<T> {
    #[inline]
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl<T: AsFd> AsyncRead for &AsyncFd<T>
where
    for<'a> &'a T: Read,
{
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_io(Direction::Read, cx, |_| (&self.inner).read(buffer))
    }
}

impl<T: AsFd> AsyncWrite for &AsyncFd<T>
where
    for<'a> &'a T: Write,
{
    #[inline]
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_io(Direction::Write, cx, |_| (&self.inner).write(bytes))
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_io(Direction::Write, cx, |_| (&self.inner).flush())
    }

    /// Flushes. What closing means beyond that is the business of `T`'s drop.
    #[inline]
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

impl<T: AsFd + Unpin> AsyncRead for AsyncFd<T>
where
    for<'a> &'a T: Read,
{
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_read(cx, buffer)
    }
}

impl<T: AsFd + Unpin> AsyncWrite for AsyncFd<T>
where
    for<'a> &'a T: Write,
{
    #[inline]
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_write(cx, bytes)
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self).poll_flush(cx)
    }

    #[inline]
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self).poll_close(cx)
    }
}
