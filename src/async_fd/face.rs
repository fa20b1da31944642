//! The faces that sockets and pipes share, written once, documentation included.
//!
//! - `readable_face`, `writable_face`: waiting for one direction without a transfer.
//! - `interest_face`: waiting for any, and operations of the caller's own.
//! - `readiness_face`: all three.
//! - `descriptor_face`: giving the descriptor away and lending it.
//!
//! Each type provides `fn io(&self) -> &AsyncFd<OwnedFd>`, which does not count as lending the
//! descriptor, and adds what it alone has. Each macro brings its imports along.

/// Gives `$type` the methods that wait until it can be read.
macro_rules! readable_face {
    ($type:ident) => {
        const _: () = {
            use ::std::{
                future::Future,
                io,
                task::{Context, Poll},
            };

            use $crate::reactor::Direction;

            /// # Waiting for something to read
            impl $type {
                /// Waits until there is something to read: data, the end of it, or an error.
                ///
                /// No buffer is needed while waiting. Follow with a `try_` method, and wait again
                /// if that would block.
                ///
                /// # Cancel safety
                ///
                /// Nothing is lost.
                ///
                /// # Errors
                ///
                /// - [`NotConnected`](std::io::ErrorKind::NotConnected): no driver is running here;
                /// - [`BrokenPipe`](std::io::ErrorKind::BrokenPipe): it has shut down;
                /// - what registering returns: `ENOSPC` at the limit of watches, `ENOMEM`.
                #[inline(always)]
                pub fn readable(&self) -> impl Future<Output = io::Result<()>> + Send + '_ {
                    self.io().wait::<true>()
                }

                /// Polls for readability.
                ///
                /// # Errors
                ///
                /// As for [`readable`](Self::readable).
                #[inline]
                pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                    self.io().poll_direction(Direction::Read, cx)
                }
            }
        };
    };
}

/// Gives `$type` the methods that wait until it can be written.
macro_rules! writable_face {
    ($type:ident) => {
        const _: () = {
            use ::std::{
                future::Future,
                io,
                task::{Context, Poll},
            };

            use $crate::reactor::Direction;

            /// # Waiting for room
            impl $type {
                /// Waits until there is room to write, or writing would fail.
                ///
                /// Follow with a `try_` method, and wait again if that would block.
                ///
                /// # Cancel safety
                ///
                /// Nothing is lost.
                ///
                /// # Errors
                ///
                /// - [`NotConnected`](std::io::ErrorKind::NotConnected): no driver is running here;
                /// - [`BrokenPipe`](std::io::ErrorKind::BrokenPipe): it has shut down;
                /// - what registering returns: `ENOSPC` at the limit of watches, `ENOMEM`.
                #[inline(always)]
                pub fn writable(&self) -> impl Future<Output = io::Result<()>> + Send + '_ {
                    self.io().wait::<false>()
                }

                /// Polls for writability.
                ///
                /// # Errors
                ///
                /// As for [`writable`](Self::writable).
                #[inline]
                pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                    self.io().poll_direction(Direction::Write, cx)
                }
            }
        };
    };
}

/// Gives `$type` the methods that wait for any readiness and those that try an operation of the
/// caller's.
macro_rules! interest_face {
    ($type:ident) => {
        const _: () = {
            use ::std::io;

            use ::edgewake_sys::Interest;
            use $crate::reactor::Readiness;

            /// # Waiting for any, and operations of one's own
            impl $type {
                /// Waits until something of `interest` is ready, and says what.
                ///
                /// # Cancel safety
                ///
                /// Nothing is lost.
                ///
                /// # Errors
                ///
                /// - [`NotConnected`](std::io::ErrorKind::NotConnected): no driver is running here;
                /// - [`BrokenPipe`](std::io::ErrorKind::BrokenPipe): it has shut down;
                /// - [`InvalidInput`](std::io::ErrorKind::InvalidInput): an empty interest;
                /// - what registering returns: `ENOSPC` at the limit of watches, `ENOMEM`.
                #[inline]
                pub async fn ready(&self, interest: Interest) -> io::Result<Readiness> {
                    self.io().wait_for(interest).await?;
                    self.io().readiness(interest)
                }

                /// Tries an operation of the caller's own on the descriptor; if it would block, the
                /// readiness of `interest` is cleared, so that the next wait waits.
                ///
                /// The operation must work on this very descriptor.
                ///
                /// # Errors
                ///
                /// What the operation returns.
                pub fn try_io<R>(
                    &self,
                    interest: Interest,
                    operation: impl FnOnce() -> io::Result<R>,
                ) -> io::Result<R> {
                    self.io().try_io(interest, |_| operation())
                }

                /// Waits until `interest` is ready and tries an operation of the caller's own on
                /// the descriptor, as often as it takes until it does not block. What
                /// [`try_io`](Self::try_io) says of the operation holds here too.
                ///
                /// # Cancel safety
                ///
                /// The operation either has completed, and its result is returned at once, or has
                /// done nothing.
                ///
                /// # Errors
                ///
                /// What the operation returns, and as for [`ready`](Self::ready).
                pub async fn async_io<R>(
                    &self,
                    interest: Interest,
                    mut operation: impl FnMut() -> io::Result<R>,
                ) -> io::Result<R> {
                    self.io().async_io(interest, |_| operation()).await
                }
            }
        };
    };
}

/// Gives `$type` the methods that wait for readiness and those that try an operation of the
/// caller's.
#[cfg(feature = "net")]
macro_rules! readiness_face {
    ($type:ident) => {
        $crate::async_fd::face::readable_face!($type);
        $crate::async_fd::face::writable_face!($type);
        $crate::async_fd::face::interest_face!($type);
    };
}

/// Gives `$type` the conversions that give its descriptor away or lend it; `$lend` is told before.
macro_rules! descriptor_face {
    ($type:ident) => {
        $crate::async_fd::face::descriptor_face!($type, |_| {});
    };
    ($type:ident, $lend:expr) => {
        const _: () = {
            use ::std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

            impl From<$type> for OwnedFd {
                /// Deregisters the descriptor and gives it away. It stays non-blocking.
                #[inline]
                fn from(owner: $type) -> OwnedFd {
                    owner.io.into_inner()
                }
            }

            impl AsFd for $type {
                #[inline]
                fn as_fd(&self) -> BorrowedFd<'_> {
                    let lend: fn(&$type) = $lend;
                    lend(self);
                    self.io().as_fd()
                }
            }

            impl AsRawFd for $type {
                #[inline]
                fn as_raw_fd(&self) -> RawFd {
                    self.as_fd().as_raw_fd()
                }
            }
        };
    };
}

#[cfg(feature = "net")]
pub(crate) use readiness_face;
pub(crate) use {descriptor_face, interest_face, readable_face, writable_face};
