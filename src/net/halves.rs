//! What the halves of a split stream can do, written once for all of them: borrowed and owned
//! halves have the same methods, of every kind of stream.
//!
//! A half forwards to the whole stream and adds nothing; reading and writing are independent
//! there already. The types themselves, and what dropping them means, are in `borrowed` and
//! `owned`; their `fn stream(&self)` is what the methods here use. Each macro brings its imports
//! along; a kind of stream adds what it alone can do.

pub(super) mod borrowed;
pub(super) mod owned;

/// Gives `$half` the reading methods of `$stream`, whose addresses are `$address`.
macro_rules! read_half {
    ($half:ty, $stream:ident, $address:ty) => {
        const _: () = {
            use ::std::{
                future::Future,
                io::{self, IoSliceMut},
                pin::Pin,
                task::{Context, Poll},
            };

            use ::bytes::BufMut;
            use ::edgewake_sys::Interest;
            use ::futures::io::AsyncRead;
            use $crate::reactor::Readiness;

            /// The reading methods of the whole stream, which documents them.
            impl $half {
                #[doc = concat!("See [`", stringify!($stream), "::readable`].")]
                ///
                /// # Errors
                ///
                /// As there.
                #[inline(always)]
                pub fn readable(&self) -> impl Future<Output = io::Result<()>> + Send + '_ {
                    self.stream().readable()
                }

                #[doc = concat!("See [`", stringify!($stream), "::ready`].")]
                ///
                /// # Errors
                ///
                /// As there.
                #[inline]
                pub async fn ready(&self, interest: Interest) -> io::Result<Readiness> {
                    self.stream().ready(interest).await
                }

                #[doc = concat!("See [`", stringify!($stream), "::closed`].")]
                ///
                /// # Errors
                ///
                /// As there.
                #[inline]
                pub async fn closed(&self) -> io::Result<()> {
                    self.stream().closed().await
                }

                #[doc = concat!("See [`", stringify!($stream), "::try_read`].")]
                ///
                /// # Errors
                ///
                /// As there.
                #[inline]
                pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
                    self.stream().try_read(buffer)
                }

                #[doc = concat!("See [`", stringify!($stream), "::try_read_vectored`].")]
                ///
                /// # Errors
                ///
                /// As there.
                #[inline]
                pub fn try_read_vectored(
                    &self,
                    buffers: &mut [IoSliceMut<'_>],
                ) -> io::Result<usize> {
                    self.stream().try_read_vectored(buffers)
                }

                #[doc = concat!("See [`", stringify!($stream), "::try_read_buf`].")]
                ///
                /// # Errors
                ///
                /// As there.
                pub fn try_read_buf<B: BufMut + ?Sized>(
                    &self,
                    buffer: &mut B,
                ) -> io::Result<usize> {
                    self.stream().try_read_buf(buffer)
                }

                #[doc = concat!("See [`", stringify!($stream), "::read_buf`].")]
                ///
                /// # Errors
                ///
                /// As there.
                pub async fn read_buf<B: BufMut + ?Sized>(
                    &self,
                    buffer: &mut B,
                ) -> io::Result<usize> {
                    self.stream().read_buf(buffer).await
                }

                #[doc = concat!("See [`", stringify!($stream), "::peek`].")]
                ///
                /// # Errors
                ///
                /// As there.
                #[inline]
                pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
                    self.stream().peek(buffer).await
                }

                #[doc = concat!("See [`", stringify!($stream), "::poll_peek`].")]
                ///
                /// # Errors
                ///
                /// As there.
                #[inline]
                pub fn poll_peek(
                    &self,
                    cx: &mut Context<'_>,
                    buffer: &mut [u8],
                ) -> Poll<io::Result<usize>> {
                    self.stream().poll_peek(cx, buffer)
                }

                /// This side's address.
                ///
                /// # Errors
                ///
                #[doc = concat!("As for [`", stringify!($stream), "::local_addr`].")]
                #[inline]
                pub fn local_addr(&self) -> io::Result<$address> {
                    self.stream().local_addr()
                }

                /// The other side's address.
                ///
                /// # Errors
                ///
                #[doc = concat!("As for [`", stringify!($stream), "::peer_addr`].")]
                #[inline]
                pub fn peer_addr(&self) -> io::Result<$address> {
                    self.stream().peer_addr()
                }
            }

            impl $crate::io::copy::Linked for $half {
                #[inline]
                fn link(&self) -> $crate::io::copy::Link<'_> {
                    $crate::io::copy::Linked::link(self.stream())
                }
            }

            impl AsyncRead for $half {
                #[inline(always)]
                fn poll_read(
                    self: Pin<&mut Self>,
                    cx: &mut Context<'_>,
                    buffer: &mut [u8],
                ) -> Poll<io::Result<usize>> {
                    Pin::new(&mut self.stream()).poll_read(cx, buffer)
                }

                #[inline]
                fn poll_read_vectored(
                    self: Pin<&mut Self>,
                    cx: &mut Context<'_>,
                    buffers: &mut [IoSliceMut<'_>],
                ) -> Poll<io::Result<usize>> {
                    Pin::new(&mut self.stream()).poll_read_vectored(cx, buffers)
                }
            }

            impl AsRef<$stream> for $half {
                #[inline]
                fn as_ref(&self) -> &$stream {
                    self.stream()
                }
            }
        };
    };
}

/// Gives `$half` the writing methods of `$stream`, whose addresses are `$address`. The type itself
/// implements `AsyncWrite::poll_close` through `fn close(&mut self)`.
macro_rules! write_half {
    ($half:ty, $stream:ident, $address:ty) => {
        const _: () = {
            use ::std::{
                future::Future,
                io::{self, IoSlice},
                ops::{Range, RangeBounds},
                os::fd::AsFd,
                pin::Pin,
                task::{Context, Poll},
            };

            use ::bytes::Buf;
            use ::edgewake_sys::Interest;
            use ::futures::io::AsyncWrite;
            use $crate::reactor::Readiness;

            /// The writing methods of the whole stream, which documents them.
            impl $half {
                #[doc = concat!("See [`", stringify!($stream), "::writable`].")]
                ///
                /// # Errors
                ///
                /// As there.
                #[inline(always)]
                pub fn writable(&self) -> impl Future<Output = io::Result<()>> + Send + '_ {
                    self.stream().writable()
                }

                #[doc = concat!("See [`", stringify!($stream), "::ready`].")]
                ///
                /// # Errors
                ///
                /// As there.
                #[inline]
                pub async fn ready(&self, interest: Interest) -> io::Result<Readiness> {
                    self.stream().ready(interest).await
                }

                #[doc = concat!("See [`", stringify!($stream), "::try_write`].")]
                ///
                /// # Errors
                ///
                /// As there.
                #[inline]
                pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
                    self.stream().try_write(bytes)
                }

                #[doc = concat!("See [`", stringify!($stream), "::try_write_vectored`].")]
                ///
                /// # Errors
                ///
                /// As there.
                #[inline]
                pub fn try_write_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
                    self.stream().try_write_vectored(buffers)
                }

                #[doc = concat!("See [`", stringify!($stream), "::try_write_buf`].")]
                ///
                /// # Errors
                ///
                /// As there.
                pub fn try_write_buf<B: Buf + ?Sized>(&self, buffer: &mut B) -> io::Result<usize> {
                    self.stream().try_write_buf(buffer)
                }

                #[doc = concat!("See [`", stringify!($stream), "::write_buf`].")]
                ///
                /// # Errors
                ///
                /// As there.
                pub async fn write_buf<B: Buf + ?Sized>(
                    &self,
                    buffer: &mut B,
                ) -> io::Result<usize> {
                    self.stream().write_buf(buffer).await
                }

                #[doc = concat!("See [`", stringify!($stream), "::write_all_buf`].")]
                ///
                /// # Errors
                ///
                /// As there.
                pub async fn write_all_buf<B: Buf + ?Sized>(
                    &self,
                    buffer: &mut B,
                ) -> io::Result<()> {
                    self.stream().write_all_buf(buffer).await
                }

                #[doc = concat!("See [`", stringify!($stream), "::send_file`].")]
                ///
                /// # Errors
                ///
                /// As there.
                #[inline]
                pub async fn send_file(
                    &self,
                    file: impl AsFd,
                    range: impl RangeBounds<u64>,
                ) -> io::Result<u64> {
                    self.stream().send_file(file, range).await
                }

                #[doc = concat!("See [`", stringify!($stream), "::try_send_file`].")]
                ///
                /// # Errors
                ///
                /// As there.
                #[inline]
                pub fn try_send_file(
                    &self,
                    file: impl AsFd,
                    offset: u64,
                    length: usize,
                ) -> io::Result<usize> {
                    self.stream().try_send_file(file, offset, length)
                }

                #[doc = concat!("See [`", stringify!($stream), "::poll_send_file`].")]
                ///
                /// # Errors
                ///
                /// As there.
                #[inline]
                pub fn poll_send_file(
                    &self,
                    cx: &mut Context<'_>,
                    file: impl AsFd,
                    range: &mut Range<u64>,
                ) -> Poll<io::Result<usize>> {
                    self.stream().poll_send_file(cx, file, range)
                }

                /// This side's address.
                ///
                /// # Errors
                ///
                #[doc = concat!("As for [`", stringify!($stream), "::local_addr`].")]
                #[inline]
                pub fn local_addr(&self) -> io::Result<$address> {
                    self.stream().local_addr()
                }

                /// The other side's address.
                ///
                /// # Errors
                ///
                #[doc = concat!("As for [`", stringify!($stream), "::peer_addr`].")]
                #[inline]
                pub fn peer_addr(&self) -> io::Result<$address> {
                    self.stream().peer_addr()
                }
            }

            impl $crate::io::copy::Linked for $half {
                #[inline]
                fn link(&self) -> $crate::io::copy::Link<'_> {
                    $crate::io::copy::Linked::link(self.stream())
                }
            }

            impl AsyncWrite for $half {
                #[inline(always)]
                fn poll_write(
                    self: Pin<&mut Self>,
                    cx: &mut Context<'_>,
                    bytes: &[u8],
                ) -> Poll<io::Result<usize>> {
                    Pin::new(&mut self.stream()).poll_write(cx, bytes)
                }

                #[inline]
                fn poll_write_vectored(
                    self: Pin<&mut Self>,
                    cx: &mut Context<'_>,
                    buffers: &[IoSlice<'_>],
                ) -> Poll<io::Result<usize>> {
                    Pin::new(&mut self.stream()).poll_write_vectored(cx, buffers)
                }

                /// Nothing is buffered here.
                #[inline]
                fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                    Poll::Ready(Ok(()))
                }

                /// Shuts down the writing half.
                #[inline]
                fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                    Poll::Ready(self.get_mut().close())
                }
            }

            impl AsRef<$stream> for $half {
                #[inline]
                fn as_ref(&self) -> &$stream {
                    self.stream()
                }
            }
        };
    };
}

pub(super) use {read_half, write_half};
