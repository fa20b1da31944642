//! What all stream sockets have in common, on an owned descriptor: reading, writing, peeking,
//! shutting down. The public types forward here.

use std::{
    io::{self, IoSlice, IoSliceMut},
    net::Shutdown,
    os::fd::OwnedFd,
    task::{Context, Poll},
};

use edgewake_sys::socket;

use crate::{async_fd::AsyncFd, reactor::Direction};

/// Total length of a list of buffers.
fn total(lengths: impl Iterator<Item = usize>) -> usize {
    lengths.fold(0, usize::saturating_add)
}

impl AsyncFd<OwnedFd> {
    #[inline(always)]
    pub(super) fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let length = buffer.len();
        self.poll_transfer(Direction::Read, cx, length, |fd| socket::recv(fd, buffer))
    }

    #[inline(always)]
    pub(super) fn poll_send(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_transfer(Direction::Write, cx, bytes.len(), |fd| socket::send(fd, bytes))
    }

    pub(super) fn poll_recv_vectored(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = total(buffers.iter().map(|buffer| buffer.len()));
        self.poll_transfer(Direction::Read, cx, length, |fd| socket::recv_vectored(fd, buffers))
    }

    pub(super) fn poll_send_vectored(
        &self,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = total(buffers.iter().map(|buffer| buffer.len()));
        self.poll_transfer(Direction::Write, cx, length, |fd| socket::send_vectored(fd, buffers))
    }

    /// A peek's count proves nothing: it leaves the data, and gives no edge (T15, T90).
    pub(super) fn poll_peek(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_io(Direction::Read, cx, |fd| socket::peek(fd, buffer))
    }

    #[inline]
    pub(super) fn try_recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len();
        self.try_transfer(Direction::Read, length, |fd| socket::recv(fd, buffer))
    }

    #[inline]
    pub(super) fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_transfer(Direction::Write, bytes.len(), |fd| socket::send(fd, bytes))
    }

    pub(super) fn try_recv_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let length = total(buffers.iter().map(|buffer| buffer.len()));
        self.try_transfer(Direction::Read, length, |fd| socket::recv_vectored(fd, buffers))
    }

    pub(super) fn try_send_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let length = total(buffers.iter().map(|buffer| buffer.len()));
        self.try_transfer(Direction::Write, length, |fd| socket::send_vectored(fd, buffers))
    }

    /// Shuts down a half. That the peer was faster is not an error (T48): the half is shut.
    pub(super) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match socket::shutdown(self.fd(), how) {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            outcome => outcome,
        }
    }
}
