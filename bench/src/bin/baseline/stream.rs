//! What differs between the streams: how a receive tells that it has drained the socket.

use std::io;
use std::os::fd::BorrowedFd;

use edgewake_bench::os::socket;

/// A kind of stream.
pub(crate) trait Stream {
    /// Receives; tells also whether it stopped before the end of what there is, so that a short
    /// count proves nothing.
    fn recv(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<(usize, bool)>;
}

/// TCP stops early at an urgent mark only, of which the event tells.
#[derive(Debug)]
pub(crate) struct Tcp;

impl Stream for Tcp {
    #[inline(always)]
    fn recv(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<(usize, bool)> {
        socket::recv(fd, buffer).map(|received| (received, false))
    }
}

/// A Unix stream stops at descriptors and credentials too; its receive tells.
#[derive(Debug)]
pub(crate) struct Unix;

impl Stream for Unix {
    #[inline(always)]
    fn recv(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<(usize, bool)> {
        socket::recv_marked(fd, buffer)
    }
}
