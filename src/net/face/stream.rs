//! What every stream socket does: reading, writing, peeking, shutting down.

/// Gives `$type` the methods of a stream, and the traits to itself and to references. `$receive`
/// says how its bytes are received: see `net::stream`.
macro_rules! stream_face {
    ($type:ident, $receive:ty) => {
        const _: () = {
            use ::std::{
                io::{self, IoSlice, IoSliceMut},
                net::Shutdown,
                pin::Pin,
                task::{Context, Poll},
            };

            use ::futures::io::{AsyncRead, AsyncWrite};

            /// # A stream of bytes
            impl $type {
                /// Waits until the peer has closed its writing half, or the connection has failed,
                /// without reading. Data that is still to be read stays, and does not wake it.
                ///
                /// # Cancel safety
                ///
                /// Nothing is lost.
                ///
                /// # Errors
                ///
                /// As for [`readable`](Self::readable).
                #[inline]
                pub async fn closed(&self) -> io::Result<()> {
                    self.io().closed().await
                }

                /// Reads if there is something to read. Zero is the end of it.
                ///
                /// # Errors
                ///
                /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) if there is nothing; otherwise
                /// what recv(2) returns.
                #[inline]
                pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
                    self.io().try_recv::<$receive>(buffer)
                }

                /// As [`try_read`](Self::try_read), into several buffers in turn.
                ///
                /// # Errors
                ///
                /// As for [`try_read`](Self::try_read).
                #[inline]
                pub fn try_read_vectored(
                    &self,
                    buffers: &mut [IoSliceMut<'_>],
                ) -> io::Result<usize> {
                    self.io().try_recv_vectored::<$receive>(buffers)
                }

                /// Writes what there is room for.
                ///
                /// # Errors
                ///
                /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) if there is none; otherwise what
                /// send(2) returns. A broken connection is `EPIPE`; no signal is raised.
                #[inline]
                pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
                    self.io().try_send(bytes)
                }

                /// As [`try_write`](Self::try_write), from several buffers in turn.
                ///
                /// # Errors
                ///
                /// As for [`try_write`](Self::try_write).
                #[inline]
                pub fn try_write_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
                    self.io().try_send_vectored(buffers)
                }

                /// Receives without taking: the data stays to be read.
                ///
                /// # Cancel safety
                ///
                /// Nothing is lost.
                ///
                /// # Errors
                ///
                /// What recv(2) returns, and as for [`readable`](Self::readable).
                #[inline]
                pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
                    std::future::poll_fn(|cx| self.poll_peek(cx, buffer)).await
                }

                /// Polls for data without taking it.
                ///
                /// # Errors
                ///
                /// As for [`peek`](Self::peek).
                #[inline]
                pub fn poll_peek(
                    &self,
                    cx: &mut Context<'_>,
                    buffer: &mut [u8],
                ) -> Poll<io::Result<usize>> {
                    self.io().poll_peek(cx, buffer)
                }

                /// Shuts down a half or both, at once. Shutting down what is shut, or what the peer
                /// has reset, is no error.
                ///
                /// # Errors
                ///
                /// What else shutdown(2) returns.
                #[inline]
                pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
                    self.io().shutdown(how)
                }

                /// From now on a short count no longer counts as "nothing is left": every row of
                /// reads goes on until `WouldBlock`. For sockets that something else reads from
                /// too, or whose reads do not take all that is there: kernel TLS, raw out-of-band
                /// receives.
                #[inline]
                pub fn read_until_would_block(&self) {
                    self.io().registration().read_until_would_block();
                }
            }

            impl AsyncRead for &$type {
                #[inline(always)]
                fn poll_read(
                    self: Pin<&mut Self>,
                    cx: &mut Context<'_>,
                    buffer: &mut [u8],
                ) -> Poll<io::Result<usize>> {
                    self.io().poll_recv::<$receive>(cx, buffer)
                }

                #[inline]
                fn poll_read_vectored(
                    self: Pin<&mut Self>,
                    cx: &mut Context<'_>,
                    buffers: &mut [IoSliceMut<'_>],
                ) -> Poll<io::Result<usize>> {
                    self.io().poll_recv_vectored::<$receive>(cx, buffers)
                }
            }

            impl AsyncWrite for &$type {
                #[inline(always)]
                fn poll_write(
                    self: Pin<&mut Self>,
                    cx: &mut Context<'_>,
                    bytes: &[u8],
                ) -> Poll<io::Result<usize>> {
                    self.io().poll_send(cx, bytes)
                }

                #[inline]
                fn poll_write_vectored(
                    self: Pin<&mut Self>,
                    cx: &mut Context<'_>,
                    buffers: &[IoSlice<'_>],
                ) -> Poll<io::Result<usize>> {
                    self.io().poll_send_vectored(cx, buffers)
                }

                /// Nothing is buffered here.
                #[inline]
                fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                    Poll::Ready(Ok(()))
                }

                /// Shuts down the writing half.
                #[inline]
                fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                    Poll::Ready(self.shutdown(Shutdown::Write))
                }
            }

            impl AsyncRead for $type {
                #[inline(always)]
                fn poll_read(
                    self: Pin<&mut Self>,
                    cx: &mut Context<'_>,
                    buffer: &mut [u8],
                ) -> Poll<io::Result<usize>> {
                    self.io().poll_recv::<$receive>(cx, buffer)
                }

                #[inline]
                fn poll_read_vectored(
                    self: Pin<&mut Self>,
                    cx: &mut Context<'_>,
                    buffers: &mut [IoSliceMut<'_>],
                ) -> Poll<io::Result<usize>> {
                    self.io().poll_recv_vectored::<$receive>(cx, buffers)
                }
            }

            impl AsyncWrite for $type {
                #[inline(always)]
                fn poll_write(
                    self: Pin<&mut Self>,
                    cx: &mut Context<'_>,
                    bytes: &[u8],
                ) -> Poll<io::Result<usize>> {
                    self.io().poll_send(cx, bytes)
                }

                #[inline]
                fn poll_write_vectored(
                    self: Pin<&mut Self>,
                    cx: &mut Context<'_>,
                    buffers: &[IoSlice<'_>],
                ) -> Poll<io::Result<usize>> {
                    self.io().poll_send_vectored(cx, buffers)
                }

                /// Nothing is buffered here.
                #[inline]
                fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                    Poll::Ready(Ok(()))
                }

                /// Shuts down the writing half.
                #[inline]
                fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                    Poll::Ready(self.shutdown(Shutdown::Write))
                }
            }
        };
    };
}

pub(in crate::net) use stream_face;
