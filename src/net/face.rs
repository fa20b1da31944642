//! The faces that socket types share, written once, documentation included.
//!
//! - here: `readiness_face`, waiting without a transfer; `descriptor_face`, giving the descriptor
//!   away and lending it.
//! - `stream`: `stream_face`, reading and writing bytes, and the traits.
//! - `buffers`: `buffers_face`, the same with the buffers of the `bytes` crate.
//! - `send_file`: `send_file_face`, files over a stream.
//! - `sharing`: `sharing_face`, one listener for several loops.
//! - `urgent`: `urgent_face`, data that overtakes the stream.
//!
//! Each type provides `fn io(&self) -> &AsyncFd<OwnedFd>`, which does not count as lending the
//! descriptor, and adds what it alone has. Each macro brings its imports along.

pub(super) mod buffers;
pub(super) mod send_file;
pub(super) mod sharing;
pub(super) mod stream;
pub(super) mod urgent;

/// Gives `$type` the methods that wait for readiness and those that try an operation of the
/// caller's.
macro_rules! readiness_face {
    ($type:ident) => {
        const _: () = {
            use ::std::{
                future::Future,
                io,
                task::{Context, Poll},
            };

            use ::edgewake_sys::Interest;
            use $crate::reactor::{Direction, Readiness};

            /// # Waiting without a transfer
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

                /// Waits until there is room to write. Otherwise as [`readable`](Self::readable).
                ///
                /// # Errors
                ///
                /// As for [`readable`](Self::readable).
                #[inline(always)]
                pub fn writable(&self) -> impl Future<Output = io::Result<()>> + Send + '_ {
                    self.io().wait::<false>()
                }

                /// Waits until something of `interest` is ready, and says what.
                ///
                /// # Cancel safety
                ///
                /// Nothing is lost.
                ///
                /// # Errors
                ///
                /// As for [`readable`](Self::readable);
                /// [`InvalidInput`](std::io::ErrorKind::InvalidInput) for an empty interest.
                pub async fn ready(&self, interest: Interest) -> io::Result<Readiness> {
                    self.io().wait_for(interest).await?;
                    self.io().readiness(interest)
                }

                /// Tries an operation of the caller's own on the socket; if it would block, the
                /// readiness of `interest` is cleared, so that the next wait waits.
                ///
                /// The operation must work on this very socket.
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
                /// the socket, as often as it takes until it does not block. What
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

                /// Polls for readability.
                ///
                /// # Errors
                ///
                /// As for [`readable`](Self::readable).
                pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                    self.io().poll_direction(Direction::Read, cx)
                }

                /// Polls for writability. Otherwise as [`poll_read_ready`](Self::poll_read_ready).
                ///
                /// # Errors
                ///
                /// As for [`readable`](Self::readable).
                pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                    self.io().poll_direction(Direction::Write, cx)
                }
            }
        };
    };
}

/// Gives `$type` the conversions that give its descriptor away or lend it; `$lend` is told before.
macro_rules! descriptor_face {
    ($type:ident) => {
        descriptor_face!($type, |_| {});
    };
    ($type:ident, $lend:expr) => {
        const _: () = {
            use ::std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

            impl From<$type> for OwnedFd {
                /// Deregisters the socket and gives it away. It stays non-blocking.
                fn from(socket: $type) -> OwnedFd {
                    socket.io.into_inner()
                }
            }

            impl AsFd for $type {
                fn as_fd(&self) -> BorrowedFd<'_> {
                    let lend: fn(&$type) = $lend;
                    lend(self);
                    self.io().as_fd()
                }
            }

            impl AsRawFd for $type {
                fn as_raw_fd(&self) -> RawFd {
                    self.as_fd().as_raw_fd()
                }
            }
        };
    };
}

pub(super) use {descriptor_face, readiness_face};
