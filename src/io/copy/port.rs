//! How a flow sees its two ends: as objects, so that there is one flow and not one for each pair
//! of types.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use futures::io::{AsyncRead, AsyncWrite};

use super::recognise::{Link, link};

/// Where the bytes come from.
pub(super) trait Source {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;
    /// The descriptor behind it, if the type is one of this crate's own.
    fn link(&self) -> Option<Link<'_>>;
}

/// Where they go.
pub(super) trait Sink {
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    /// The descriptor behind it, if the type is one of this crate's own.
    fn link(&self) -> Option<Link<'_>>;
}

/// A stream of the caller's.
pub(super) struct Port<'a, T: ?Sized>(pub(super) &'a mut T);

impl<T: AsyncRead + Unpin + ?Sized> Source for Port<'_, T> {
    #[inline]
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_read(cx, buffer)
    }

    #[inline]
    fn link(&self) -> Option<Link<'_>> {
        link(&*self.0)
    }
}

impl<T: AsyncWrite + Unpin + ?Sized> Sink for Port<'_, T> {
    #[inline]
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write(cx, bytes)
    }

    #[inline]
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(cx)
    }

    #[inline]
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_close(cx)
    }

    #[inline]
    fn link(&self) -> Option<Link<'_>> {
        link(&*self.0)
    }
}
