//! What all stream sockets have in common, on an owned descriptor: reading, writing, peeking,
//! urgent data, shutting down. The public types forward here.

use std::{
    io::{self, IoSlice, IoSliceMut},
    net::Shutdown,
    os::fd::{BorrowedFd, OwnedFd},
    task::{Context, Poll, ready},
};

use bytes::{Buf, BufMut};
use edgewake_sys::{Interest, socket, sockopt};

use crate::{
    async_fd::{AsyncFd, Taken, would_block},
    io::read_buf,
    reactor::Direction,
};

/// How a kind of stream receives, and whether a short count of it may count as "nothing is left".
pub(super) trait Receive {
    /// Receives into one buffer.
    fn recv(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Taken>;
    /// Receives into several, in turn.
    fn recv_vectored(fd: BorrowedFd<'_>, buffers: &mut [IoSliceMut<'_>]) -> io::Result<Taken>;
    /// Receives into the next spare piece of a `BufMut`.
    fn recv_buf<B: BufMut + ?Sized>(fd: BorrowedFd<'_>, buffer: &mut B) -> io::Result<Taken>;
}

/// Streams of bytes and nothing else: TCP, vsock.
#[derive(Debug)]
pub(super) enum Plain {}

impl Receive for Plain {
    #[inline(always)]
    fn recv(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Taken> {
        socket::recv(fd, buffer).map(Taken::whole)
    }

    #[inline(always)]
    fn recv_vectored(fd: BorrowedFd<'_>, buffers: &mut [IoSliceMut<'_>]) -> io::Result<Taken> {
        socket::recv_vectored(fd, buffers).map(Taken::whole)
    }

    #[inline(always)]
    fn recv_buf<B: BufMut + ?Sized>(fd: BorrowedFd<'_>, buffer: &mut B) -> io::Result<Taken> {
        read_buf::recv(fd, buffer).map(Taken::whole)
    }
}

/// Pieces of a `Buf` that one call sends. A `Buf` of more pieces is rare, and the rest goes with
/// the next call; each costs 16 bytes of stack.
const PIECES_MAX: usize = 16;

impl AsyncFd<OwnedFd> {
    #[inline(always)]
    pub(super) fn poll_recv<R: Receive>(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let length = buffer.len();
        self.poll_receive(cx, length, |fd| R::recv(fd, buffer))
    }

    #[inline(always)]
    pub(super) fn poll_send(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_transmit(cx, bytes.len(), |fd| socket::send(fd, bytes))
    }

    pub(super) fn poll_recv_vectored<R: Receive>(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = socket::vectored_length(buffers.iter().map(|buffer| buffer.len()));
        self.poll_receive(cx, length, |fd| R::recv_vectored(fd, buffers))
    }

    #[inline]
    pub(super) fn poll_send_vectored(
        &self,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = socket::vectored_length(buffers.iter().map(|buffer| buffer.len()));
        self.poll_transmit(cx, length, |fd| socket::send_vectored(fd, buffers))
    }

    /// A peek's count proves nothing: it leaves the data, and gives no edge (T15, T90).
    #[inline]
    pub(super) fn poll_peek(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.poll_io(Direction::Read, cx, |fd| socket::peek(fd, buffer))
    }

    #[inline]
    pub(super) fn try_recv<R: Receive>(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len();
        self.try_receive(length, |fd| R::recv(fd, buffer))
    }

    #[inline]
    pub(super) fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_transmit(bytes.len(), |fd| socket::send(fd, bytes))
    }

    pub(super) fn try_recv_vectored<R: Receive>(
        &self,
        buffers: &mut [IoSliceMut<'_>],
    ) -> io::Result<usize> {
        let length = socket::vectored_length(buffers.iter().map(|buffer| buffer.len()));
        self.try_receive(length, |fd| R::recv_vectored(fd, buffers))
    }

    #[inline]
    pub(super) fn try_send_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let length = socket::vectored_length(buffers.iter().map(|buffer| buffer.len()));
        self.try_transmit(length, |fd| socket::send_vectored(fd, buffers))
    }

    /// A receive into the next spare piece of `buffer`; a full one completes at once.
    #[inline]
    pub(super) fn poll_recv_buf<R: Receive, B: BufMut + ?Sized>(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut B,
    ) -> Poll<io::Result<usize>> {
        let length = read_buf::room(buffer);
        self.poll_receive(cx, length, |fd| R::recv_buf(fd, buffer))
    }

    #[inline]
    pub(super) fn try_recv_buf<R: Receive, B: BufMut + ?Sized>(
        &self,
        buffer: &mut B,
    ) -> io::Result<usize> {
        let length = read_buf::room(buffer);
        self.try_receive(length, |fd| R::recv_buf(fd, buffer))
    }

    /// A send of the next pieces of `buffer`, which is advanced by what was sent.
    #[inline]
    pub(super) fn poll_send_buf<B: Buf + ?Sized>(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut B,
    ) -> Poll<io::Result<usize>> {
        let count = if buffer.chunk().len() == buffer.remaining() {
            ready!(self.poll_send(cx, buffer.chunk()))?
        } else {
            let mut pieces = [IoSlice::new(&[]); PIECES_MAX];
            let filled = buffer.chunks_vectored(&mut pieces);
            ready!(self.poll_send_vectored(cx, &pieces[..filled]))?
        };
        buffer.advance(count);
        Poll::Ready(Ok(count))
    }

    #[inline]
    pub(super) fn try_send_buf<B: Buf + ?Sized>(&self, buffer: &mut B) -> io::Result<usize> {
        let count = if buffer.chunk().len() == buffer.remaining() {
            self.try_send(buffer.chunk())?
        } else {
            let mut pieces = [IoSlice::new(&[]); PIECES_MAX];
            let filled = buffer.chunks_vectored(&mut pieces);
            self.try_send_vectored(&pieces[..filled])?
        };
        buffer.advance(count);
        Ok(count)
    }

    /// Takes the urgent byte, if it is there. `EINVAL`, which says that none is announced, is
    /// `WouldBlock` here.
    pub(super) fn try_recv_oob(&self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        // Before the byte is taken: then nothing marks the place where reads stop (T89).
        self.registration().read_until_would_block();
        let seen = self.snapshots();
        let outcome = loop {
            match socket::recv_oob(self.fd(), buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                    break Err(no_urgent_data(self.fd()));
                }
                outcome => break outcome,
            }
        };
        if outcome.is_ok() || would_block(&outcome) {
            self.clear(Interest::PRIORITY, seen);
        }
        outcome
    }

    /// Waits for the urgent byte and takes it. Zero: the peer has closed, none will come.
    #[inline]
    pub(super) async fn recv_oob(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // Before the attempt: a close that is known now has no urgent byte behind it.
            let closed = self.registration().snapshot(Direction::Read).is_closed();
            match self.try_recv_oob(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
            if closed {
                return Ok(0);
            }
            self.urgent().await?;
        }
    }

    /// Sends bytes of which the last is urgent. It concludes nothing from a short count.
    #[inline]
    pub(super) fn poll_send_oob(
        &self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_io(Direction::Write, cx, |fd| socket::send_oob(fd, bytes))
    }

    /// Shuts down a half. That the peer was faster is not an error (T48): the half is shut.
    #[inline]
    pub(super) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match socket::shutdown(self.fd(), how) {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            outcome => outcome,
        }
    }
}

/// What `EINVAL` means: nothing urgent is there, or never will be, since it stays in the stream.
#[cold]
fn no_urgent_data(fd: BorrowedFd<'_>) -> io::Error {
    match sockopt::OOB_INLINE.get(fd) {
        Ok(true) => {
            let sentence = "urgent data is received in line (SO_OOBINLINE): read it as any other";
            io::Error::new(io::ErrorKind::InvalidInput, sentence)
        }
        Ok(false) => io::ErrorKind::WouldBlock.into(),
        Err(error) => error,
    }
}
