//! How the bytes of a Unix stream are received, and what a short count of them proves.
//!
//! A Unix stream stops a read where descriptors or credentials are attached, though more bytes lie
//! behind, and no edge tells of those (T1, measured on Linux 6.18). So its reads are receives of a
//! message that offer no room for what is attached: the kernel then says whether there was any, and
//! only a short count with nothing attached proves that nothing is left. Descriptors that a plain
//! read meets are closed by the kernel.

use std::{
    io::{self, IoSliceMut},
    os::fd::BorrowedFd,
};

use bytes::BufMut;
use edgewake_sys::socket;

use crate::{async_fd::Taken, io::read_buf, net::stream::Receive};

/// Streams whose reads may stop at what is attached to the bytes.
#[derive(Debug)]
pub(super) enum Marked {}

impl Receive for Marked {
    #[inline(always)]
    fn recv(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Taken> {
        socket::recv_marked(fd, buffer).map(taken)
    }

    #[inline(always)]
    fn recv_vectored(fd: BorrowedFd<'_>, buffers: &mut [IoSliceMut<'_>]) -> io::Result<Taken> {
        socket::recv_marked_vectored(fd, buffers).map(taken)
    }

    #[inline(always)]
    fn recv_buf<B: BufMut + ?Sized>(fd: BorrowedFd<'_>, buffer: &mut B) -> io::Result<Taken> {
        read_buf::recv_marked(fd, buffer).map(taken)
    }
}

#[inline(always)]
fn taken((count, whole): (usize, bool)) -> Taken {
    if whole { Taken::whole(count) } else { Taken::part(count) }
}
