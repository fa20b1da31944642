//! The reading end of a pipe.

use std::{
    future::poll_fn,
    io::{self, IoSliceMut},
    os::fd::{BorrowedFd, OwnedFd},
    pin::Pin,
    process::{ChildStderr, ChildStdout},
    task::{Context, Poll},
};

use bytes::BufMut;
use edgewake_sys::{
    pipe::{self as sys, End},
    socket::vectored_length,
};
use futures::io::AsyncRead;

use super::face::end_face;
use crate::{
    async_fd::{
        AsyncFd, Taken,
        face::{descriptor_face, interest_face, readable_face},
    },
    io::copy::{Link, LinkKind, Linked},
    io::read_buf,
    reactor::Kind,
};

/// The reading end of a pipe.
///
/// `Receiver` and `&Receiver` both implement [`AsyncRead`]. Zero is the end: every descriptor of
/// the writing end is closed. Of a FIFO it is the end for now: a writer that opens it later is read
/// from again ([`reopened`](Self::reopened)).
///
/// Dropping it closes the descriptor. Writers that are left get
/// [`BrokenPipe`](io::ErrorKind::BrokenPipe), or `SIGPIPE` where they are not of this library.
#[derive(Debug)]
pub struct Receiver {
    io: AsyncFd<OwnedFd>,
}

impl Receiver {
    /// Waits until every writer has closed the pipe, without reading. Data that is still to be read
    /// stays, and does not wake it.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    ///
    /// # Errors
    ///
    /// As for [`readable`](Self::readable); on kqueue also `EMFILE`.
    ///
    /// # Platform notes
    ///
    /// A FIFO that no writer has opened yet has not been closed, except on NetBSD and OpenBSD.
    #[inline]
    pub async fn closed(&self) -> io::Result<()> {
        self.io.until::<true, _>(false, |fd| sys::is_hung_up(fd, End::Read)).await
    }

    /// Waits until there is data to read, however often the end comes before it: of a FIFO, until
    /// another writer has opened it and written.
    ///
    /// After a read of zero, [`readable`](Self::readable) is ready at once, for the end is there to
    /// be read; this is what a reader of a FIFO waits for instead, so that it does not spin between
    /// one writer and the next, or before the first. An anonymous pipe that has ended never is.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    ///
    /// # Errors
    ///
    /// As for [`readable`](Self::readable).
    ///
    /// # Platform notes
    ///
    /// Those of [`OpenOptions::open_receiver`](super::OpenOptions::open_receiver).
    #[inline]
    pub async fn reopened(&self) -> io::Result<()> {
        self.io.until::<true, _>(true, |fd| Ok(sys::available(fd)? > 0)).await
    }

    /// How many bytes can be read now. One system call.
    ///
    /// # Errors
    ///
    /// `ENOTTY` or the like, where an [unchecked](Self::from_owned_fd_unchecked) descriptor cannot
    /// tell.
    #[doc(alias = "FIONREAD")]
    #[inline]
    pub fn available(&self) -> io::Result<usize> {
        sys::available(self.io.fd())
    }

    /// Reads if there is something to read. Zero is the end of it.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is nothing; otherwise what read(2)
    /// returns.
    #[inline]
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.io.try_receive(buffer.len(), |fd| sys::read(fd, buffer).map(Taken::part))
    }

    /// As [`try_read`](Self::try_read), into several buffers in turn.
    ///
    /// # Errors
    ///
    /// As for [`try_read`](Self::try_read).
    #[inline]
    pub fn try_read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let length = vectored_length(buffers.iter().map(|buffer| buffer.len()));
        self.io.try_receive(length, |fd| sys::read_vectored(fd, buffers).map(Taken::part))
    }

    /// Reads into the spare capacity of a buffer and advances it by what was read.
    ///
    /// Zero is the end, or a buffer without room (a slice or [`bytes::buf::Limit`] that is full),
    /// which completes at once. A [`Vec`] or [`bytes::BytesMut`] is never full: one without spare
    /// capacity grows by 64 bytes, so give it room first. One call fills one contiguous piece: of a
    /// [`bytes::buf::Chain`] the first half that has room.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: the buffer is advanced in the same step in which the data is taken.
    ///
    /// # Errors
    ///
    /// What read(2) returns, and as for [`readable`](Self::readable).
    pub async fn read_buf<B: BufMut + ?Sized>(&self, buffer: &mut B) -> io::Result<usize> {
        poll_fn(|cx| self.poll_read_buf(cx, buffer)).await
    }

    /// Polls to read into a buffer, as [`read_buf`](Self::read_buf) does. Of several tasks that
    /// poll this way the last one's waker is sure to be kept, and eight more.
    ///
    /// # Errors
    ///
    /// As for [`read_buf`](Self::read_buf).
    pub fn poll_read_buf<B: BufMut + ?Sized>(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut B,
    ) -> Poll<io::Result<usize>> {
        let length = read_buf::room(buffer);
        self.io.poll_receive(cx, length, |fd| taken_into(fd, buffer))
    }

    /// Reads into a buffer if there is something to read. Otherwise as
    /// [`read_buf`](Self::read_buf).
    ///
    /// # Errors
    ///
    /// As for [`try_read`](Self::try_read).
    pub fn try_read_buf<B: BufMut + ?Sized>(&self, buffer: &mut B) -> io::Result<usize> {
        let length = read_buf::room(buffer);
        self.io.try_receive(length, |fd| taken_into(fd, buffer))
    }

    /// An end of this library's making.
    #[inline]
    pub(super) fn of_our_own(owned: OwnedFd) -> Receiver {
        Receiver { io: AsyncFd::lazy(owned, Kind::PipeReader) }
    }
}

#[inline]
fn taken_into<B: BufMut + ?Sized>(fd: BorrowedFd<'_>, buffer: &mut B) -> io::Result<Taken> {
    read_buf::read(fd, buffer).map(Taken::part)
}

impl Linked for Receiver {
    #[inline]
    fn link(&self) -> Link<'_> {
        Link::new(&self.io, LinkKind::Pipe)
    }
}

impl AsyncRead for &Receiver {
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.io.poll_receive(cx, buffer.len(), |fd| sys::read(fd, buffer).map(Taken::part))
    }

    #[inline]
    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = vectored_length(buffers.iter().map(|buffer| buffer.len()));
        self.io.poll_receive(cx, length, |fd| sys::read_vectored(fd, buffers).map(Taken::part))
    }
}

impl AsyncRead for Receiver {
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_read(cx, buffer)
    }

    #[inline]
    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_read_vectored(cx, buffers)
    }
}

impl TryFrom<ChildStdout> for Receiver {
    type Error = io::Error;

    /// Takes over what a child process writes to its standard output.
    #[inline]
    fn try_from(stdout: ChildStdout) -> io::Result<Receiver> {
        Receiver::try_from(OwnedFd::from(stdout))
    }
}

impl TryFrom<ChildStderr> for Receiver {
    type Error = io::Error;

    /// Takes over what a child process writes to its standard error.
    #[inline]
    fn try_from(stderr: ChildStderr) -> io::Result<Receiver> {
        Receiver::try_from(OwnedFd::from(stderr))
    }
}

end_face!(Receiver, End::Read);
readable_face!(Receiver);
interest_face!(Receiver);
descriptor_face!(Receiver);
