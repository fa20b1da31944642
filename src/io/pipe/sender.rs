//! The writing end of a pipe.

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    os::fd::OwnedFd,
    pin::Pin,
    process::ChildStdin,
    task::{Context, Poll, ready},
};

use bytes::Buf;
use edgewake_sys::{
    pipe::{self as sys, End},
    socket::vectored_length,
};
use futures::io::AsyncWrite;

use super::face::end_face;
use crate::{
    async_fd::{
        AsyncFd,
        face::{descriptor_face, interest_face, writable_face},
    },
    io::copy::{Link, LinkKind, Linked},
    reactor::Kind,
};

/// Pieces of a `Buf` that one call writes. A `Buf` of more pieces is rare, and the rest goes with
/// the next call; each costs 16 bytes of stack.
const PIECES_MAX: usize = 16;

/// The writing end of a pipe.
///
/// `Sender` and `&Sender` both implement [`AsyncWrite`]. Up to `PIPE_BUF` bytes (512 at least, 4096
/// on Linux) are written in one piece, whoever else writes to the same pipe; more may be cut.
///
/// Dropping it closes the descriptor, and so does `poll_close` ([`close`] of the `Ext` trait): once
/// every descriptor of the writing end is closed, the reader is at the end.
///
/// [`close`]: crate::io::AsyncWriteExt::close
#[derive(Debug)]
pub struct Sender {
    io: AsyncFd<OwnedFd>,
    /// Closed by `poll_close`.
    ended: bool,
}

impl Sender {
    /// Waits until every reader has closed the pipe: whatever is written then is
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe). Room to write does not wake it.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    ///
    /// # Errors
    ///
    /// As for [`writable`](Self::writable); on kqueue also `EMFILE`.
    #[inline]
    pub async fn closed(&self) -> io::Result<()> {
        self.io.until::<false, _>(false, |fd| sys::is_hung_up(fd, End::Write)).await
    }

    /// Writes what there is room for.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none,
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe) if nobody reads; no signal is raised. Otherwise
    /// what write(2) returns.
    #[inline]
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.io.try_transmit(bytes.len(), |fd| sys::write(fd, bytes))
    }

    /// As [`try_write`](Self::try_write), from several buffers in turn.
    ///
    /// # Errors
    ///
    /// As for [`try_write`](Self::try_write).
    #[inline]
    pub fn try_write_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let length = vectored_length(buffers.iter().map(|buffer| buffer.len()));
        self.io.try_transmit(length, |fd| sys::write_vectored(fd, buffers))
    }

    /// Writes from a buffer what there is room for, and advances it by that. A buffer of several
    /// pieces goes out in one call, up to 16 pieces of it. Zero is only an empty buffer.
    ///
    /// # Cancel safety
    ///
    /// What was written is what the buffer was advanced by.
    ///
    /// # Errors
    ///
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe) if nobody reads; otherwise what write(2) returns,
    /// and as for [`writable`](Self::writable).
    pub async fn write_buf<B: Buf + ?Sized>(&self, buffer: &mut B) -> io::Result<usize> {
        poll_fn(|cx| self.poll_write_buf(cx, buffer)).await
    }

    /// Writes a buffer to its end.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves in the buffer what was not written: calling it again goes on
    /// there.
    ///
    /// # Errors
    ///
    /// As for [`write_buf`](Self::write_buf).
    pub async fn write_all_buf<B: Buf + ?Sized>(&self, buffer: &mut B) -> io::Result<()> {
        while buffer.has_remaining() {
            if self.write_buf(buffer).await? == 0 {
                // A `Buf` that says it has bytes and shows none would spin here.
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }

    /// Polls to write from a buffer, as [`write_buf`](Self::write_buf) does. Of several tasks that
    /// poll this way the last one's waker is sure to be kept, and eight more.
    ///
    /// # Errors
    ///
    /// As for [`write_buf`](Self::write_buf).
    pub fn poll_write_buf<B: Buf + ?Sized>(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut B,
    ) -> Poll<io::Result<usize>> {
        let count = if buffer.chunk().len() == buffer.remaining() {
            ready!(self.poll_bytes(cx, buffer.chunk()))?
        } else {
            let mut pieces = [IoSlice::new(&[]); PIECES_MAX];
            let filled = buffer.chunks_vectored(&mut pieces);
            ready!(self.poll_buffers(cx, &pieces[..filled]))?
        };
        buffer.advance(count);
        Poll::Ready(Ok(count))
    }

    /// Writes from a buffer if there is room. Otherwise as [`write_buf`](Self::write_buf).
    ///
    /// # Errors
    ///
    /// As for [`try_write`](Self::try_write).
    pub fn try_write_buf<B: Buf + ?Sized>(&self, buffer: &mut B) -> io::Result<usize> {
        let count = if buffer.chunk().len() == buffer.remaining() {
            self.try_write(buffer.chunk())?
        } else {
            let mut pieces = [IoSlice::new(&[]); PIECES_MAX];
            let filled = buffer.chunks_vectored(&mut pieces);
            self.try_write_vectored(&pieces[..filled])?
        };
        buffer.advance(count);
        Ok(count)
    }

    #[inline]
    fn poll_bytes(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.io.poll_transmit(cx, bytes.len(), |fd| sys::write(fd, bytes))
    }

    fn poll_buffers(
        &self,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = vectored_length(buffers.iter().map(|buffer| buffer.len()));
        self.io.poll_transmit(cx, length, |fd| sys::write_vectored(fd, buffers))
    }

    /// Closes the descriptor, for good. A pipe has nothing like shutdown(2), and there must be a
    /// descriptor here as long as this lives; so it becomes one of a pipe that has no reader.
    fn end(&mut self) -> io::Result<()> {
        if !self.ended {
            self.io.replace(Kind::PipeWriter, sys::end)?;
            self.ended = true;
        }
        Ok(())
    }

    /// An end of this library's making. [`sys::prepare_end`] was called, so that it can be closed
    /// when no descriptor is left.
    #[inline]
    pub(super) fn of_our_own(owned: OwnedFd) -> Sender {
        Sender { io: AsyncFd::lazy(owned, Kind::PipeWriter), ended: false }
    }
}

impl Linked for Sender {
    #[inline]
    fn link(&self) -> Link<'_> {
        Link::new(&self.io, LinkKind::Pipe)
    }
}

impl AsyncWrite for &Sender {
    #[inline]
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_bytes(cx, bytes)
    }

    #[inline]
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_buffers(cx, buffers)
    }

    /// Nothing is buffered here.
    #[inline]
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Does nothing: others may hold references too. Close or drop the `Sender` itself.
    #[inline]
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Sender {
    #[inline]
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_bytes(cx, bytes)
    }

    #[inline]
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_buffers(cx, buffers)
    }

    /// Nothing is buffered here.
    #[inline]
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Closes the descriptor: the reader sees the end, unless there are other writers. Writing is
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe) from then on. It takes no further descriptor, so
    /// it works at a descriptor limit; the number stays in use, for nothing, until this is dropped.
    #[inline]
    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.end())
    }
}

impl TryFrom<ChildStdin> for Sender {
    type Error = io::Error;

    /// Takes over what a child process reads from its standard input.
    #[inline]
    fn try_from(stdin: ChildStdin) -> io::Result<Sender> {
        Sender::try_from(OwnedFd::from(stdin))
    }
}

end_face!(Sender, End::Write);
writable_face!(Sender);
interest_face!(Sender);
descriptor_face!(Sender);
