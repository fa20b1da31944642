//! Linux's error queue: what became of datagrams that were sent.
//!
//! The kernel puts there, if the socket's options ask for it, the errors that datagrams met
//! ([`RECV_ERRORS`](crate::sockopt::RECV_ERRORS)), the times at which they left
//! ([`TIMESTAMPING`](crate::sockopt::TIMESTAMPING)), and that zero-copy sends are done with their
//! memory ([`ZERO_COPY`](crate::sockopt::ZERO_COPY)). An epoll selector reports it as an error.
//!
//! Elsewhere the functions are there and fail with [`Unsupported`](std::io::ErrorKind).

use std::{io, os::fd::BorrowedFd};

use super::message::{Received, SendFlags, send_message};
use crate::{cmsg::Control, sockaddr::RawAddr};

/// Takes the next entry of the error queue: the datagram that it is about, as far as it is known
/// and fits, into `buffer`; where that was sent to as the address; and the entry itself, a
/// [`Message::Error`](crate::cmsg::Message::Error), into `control`.
///
/// # Errors
///
/// `EAGAIN` if it is empty; [`Unsupported`](io::ErrorKind::Unsupported) except on Linux.
///
/// # References
///
/// [recv(2)](https://man7.org/linux/man-pages/man2/recv.2.html) `MSG_ERRQUEUE`
#[doc(alias = "MSG_ERRQUEUE")]
#[cfg(edgewake_has = "ip_recverr")]
#[inline]
pub fn recv_queued_error(
    fd: BorrowedFd<'_>,
    buffer: &mut [u8],
    control: &mut Control,
) -> io::Result<Received> {
    use super::message::{RecvFlags, recv_message};

    let mut buffers = [io::IoSliceMut::new(buffer)];
    recv_message(fd, &mut buffers, Some(control), RecvFlags::ERROR_QUEUE)
}

/// Takes the next entry of the error queue. Linux only.
///
/// # Errors
///
/// [`Unsupported`](io::ErrorKind::Unsupported).
#[doc(alias = "MSG_ERRQUEUE")]
#[cfg(not(edgewake_has = "ip_recverr"))]
#[inline]
pub fn recv_queued_error(
    _fd: BorrowedFd<'_>,
    _buffer: &mut [u8],
    _control: &mut Control,
) -> io::Result<Received> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no error queue (MSG_ERRQUEUE)"))
}

/// Sends one message without copying it (`MSG_ZEROCOPY`): the data must not change until the error
/// queue says that the kernel is done with it. Linux only (not Android); elsewhere, and where
/// [`ZERO_COPY`](crate::sockopt::ZERO_COPY) is off, it is an ordinary send.
///
/// # Errors
///
/// As [`send_message`]; `ENOBUFS` if too many such sends are pending
/// (`net.core.optmem_max`).
///
/// # References
///
/// [MSG_ZEROCOPY](https://docs.kernel.org/networking/msg_zerocopy.html)
#[doc(alias = "MSG_ZEROCOPY")]
#[inline]
pub fn send_message_zero_copy(
    fd: BorrowedFd<'_>,
    data: &[u8],
    address: Option<&RawAddr>,
) -> io::Result<usize> {
    #[cfg(edgewake_has = "so_zerocopy")]
    let flags = SendFlags::ZERO_COPY;
    #[cfg(not(edgewake_has = "so_zerocopy"))]
    let flags = SendFlags::NONE;
    send_message(fd, &[io::IoSlice::new(data)], address, None, flags)
}

/// Whether an error says that a message was too long for the path, the device or the protocol
/// (`EMSGSIZE`).
#[inline]
pub fn is_too_long(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EMSGSIZE)
}
