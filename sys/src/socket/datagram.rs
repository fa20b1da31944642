//! Datagrams with an address of the IP families, and the peer that a datagram socket can have.
//!
//! Receiving and sending is the hot path: the libc call, the conversion of an address of 16 or 28
//! bytes, and two comparisons. A datagram is one message: what does not fit the receiver's buffer
//! is thrown away by the kernel and is not in the count, one of no bytes is a message like any
//! other (T62), and nothing is sent in part.
//!
//! Called by the library's datagram sockets and by raw loops; it concludes nothing.

use std::{
    io,
    mem::MaybeUninit,
    net::SocketAddr,
    os::fd::{AsRawFd, BorrowedFd},
};

use super::{peer_raw, transfer::SEND_FLAGS};
use crate::{
    sockaddr::{InetAddr, RawAddr},
    syscall::transfer_length,
};

/// Receives a datagram with the address that it came from. What is longer than `buffer` is cut.
///
/// # Errors
///
/// `EAGAIN` if none is there; `ECONNREFUSED` and other errors of an earlier send, once each;
/// `EINTR`; [`InvalidData`](io::ErrorKind::InvalidData) for an address that is not of the IP
/// families, and the datagram is gone.
///
/// # References
///
/// [recvfrom(2)](https://man7.org/linux/man-pages/man2/recv.2.html)
#[doc(alias = "recvfrom")]
#[inline]
pub fn recv_from(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
    // SAFETY: `buffer` is writable for its length; the kernel writes whole bytes only.
    unsafe { receive_from(fd, buffer.as_mut_ptr(), buffer.len(), 0) }
}

/// [`recv_from`] into memory that need not be initialised: the first bytes, as many as the count
/// says, are initialised afterwards.
///
/// # Errors
///
/// As [`recv_from`].
///
/// # References
///
/// [recvfrom(2)](https://man7.org/linux/man-pages/man2/recv.2.html)
#[inline]
pub fn recv_from_uninit(
    fd: BorrowedFd<'_>,
    buffer: &mut [MaybeUninit<u8>],
) -> io::Result<(usize, SocketAddr)> {
    // SAFETY: `buffer` is writable for its length.
    unsafe { receive_from(fd, buffer.as_mut_ptr().cast(), buffer.len(), 0) }
}

/// [`recv_from`] that leaves the datagram there (`MSG_PEEK`).
///
/// # Errors
///
/// As [`recv_from`].
///
/// # References
///
/// [recvfrom(2)](https://man7.org/linux/man-pages/man2/recv.2.html) `MSG_PEEK`
#[inline]
pub fn peek_from(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
    // SAFETY: `buffer` is writable for its length; the kernel writes whole bytes only.
    unsafe { receive_from(fd, buffer.as_mut_ptr(), buffer.len(), libc::MSG_PEEK) }
}

/// [`peek_from`] into memory that need not be initialised: the first bytes, as many as the count
/// says, are initialised afterwards.
///
/// # Errors
///
/// As [`recv_from`].
///
/// # References
///
/// [recvfrom(2)](https://man7.org/linux/man-pages/man2/recv.2.html) `MSG_PEEK`
#[inline]
pub fn peek_from_uninit(
    fd: BorrowedFd<'_>,
    buffer: &mut [MaybeUninit<u8>],
) -> io::Result<(usize, SocketAddr)> {
    // SAFETY: `buffer` is writable for its length.
    unsafe { receive_from(fd, buffer.as_mut_ptr().cast(), buffer.len(), libc::MSG_PEEK) }
}

/// Sends a datagram to an address. It goes whole or not at all.
///
/// # Errors
///
/// - `EAGAIN` if the socket's buffer is full;
/// - `ENOBUFS` if the device's queue is: writability does not tell when there is room again (T45);
/// - `EMSGSIZE` if it is too long for the protocol, the route or (Apple, BSD) the socket's buffer;
/// - `ECONNREFUSED` and other errors of an earlier send, once each;
/// - `EACCES` to a broadcast address without [`BROADCAST`](crate::sockopt::BROADCAST), `EPERM`
///   from a firewall, `ENETUNREACH`, `EHOSTUNREACH`;
/// - `EISCONN` on a connected socket (Apple and BSD); `EAFNOSUPPORT`, `EINVAL` for an address of
///   another family; `EINTR`.
///
/// # References
///
/// [sendto(2)](https://man7.org/linux/man-pages/man2/send.2.html)
#[doc(alias = "sendto")]
#[inline]
pub fn send_to(fd: BorrowedFd<'_>, bytes: &[u8], target: &SocketAddr) -> io::Result<usize> {
    let inet = InetAddr::from(target);
    let (address, size) = inet.as_parts();
    let (fd, start) = (fd.as_raw_fd(), bytes.as_ptr().cast());
    let length = transfer_length("sendto", bytes.len());
    // SAFETY: `bytes` is readable for at least `length` bytes and `inet` for `size`, and both
    // outlive the call.
    let count = unsafe { syscall!(sendto(fd, start, length, SEND_FLAGS, address, size)) }?;
    Ok(count as usize)
}

/// Whether a send failed because a queue on the way is full (`ENOBUFS`): it may succeed in a
/// moment, and nothing will tell when. The socket itself counts as writable meanwhile (T45), so
/// who waits for that and tries again spins.
///
/// # Platform notes
///
/// Linux reports a device's full queue only to sockets that asked for errors (`IP_RECVERR`), and
/// otherwise loses the datagram in silence. Apple and the BSDs report it to every socket, and a
/// Unix socket's full receiver too.
///
/// # References
///
/// [send(2)](https://man7.org/linux/man-pages/man2/send.2.html) `ENOBUFS`
#[doc(alias = "ENOBUFS")]
#[inline]
pub fn is_queue_full(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENOBUFS)
}

/// Gives a datagram socket a peer: it sends there by default and receives from there only. On one
/// that has a peer already, replaces it. Nothing is sent, so nothing is in progress afterwards.
///
/// # Errors
///
/// - `EADDRNOTAVAIL`: no local port is free; `ENETUNREACH`: there is no route;
/// - `EACCES` for a broadcast address without [`BROADCAST`](crate::sockopt::BROADCAST);
/// - `EAFNOSUPPORT`, `EINVAL`: the address is of another family.
///
/// # References
///
/// [connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html)
#[inline]
pub fn connect_datagram(fd: BorrowedFd<'_>, peer: &SocketAddr) -> io::Result<()> {
    let raw = RawAddr::from(peer);
    let (address, length) = raw.as_parts();
    // SAFETY: `raw` outlives the call and is initialised for `length` bytes.
    unsafe { syscall!(connect(fd.as_raw_fd(), address, length)) }.map(drop)
}

/// Takes a datagram socket's peer away. Makes one or two system calls.
///
/// # Errors
///
/// `EBADF`, `ENOTSOCK`; what connect(2) says of a socket that still has a peer afterwards.
///
/// # Platform notes
///
/// It is a connect to no address (`AF_UNSPEC`). Apple and the BSDs dissolve the association and
/// then complain about that address ("the error will be harmlessly returned", says their manual);
/// an error is one here only if there is a peer left.
///
/// What is left of the local address differs. Linux gives up what connecting had chosen: the
/// address, unless it was bound to one, and even the port, unless it was bound to that very one and
/// not to 0. The BSDs keep the port, and some widen the address to "any".
///
/// # References
///
/// [connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html) `AF_UNSPEC`
#[doc(alias = "AF_UNSPEC")]
#[inline]
pub fn disconnect(fd: BorrowedFd<'_>) -> io::Result<()> {
    let nowhere = RawAddr::unspecified();
    let (address, length) = nowhere.as_parts();
    // SAFETY: `nowhere` outlives the call and is initialised for `length` bytes.
    match unsafe { syscall!(connect(fd.as_raw_fd(), address, length)) } {
        Ok(_) => Ok(()),
        Err(error) => match peer_raw(fd) {
            Err(none) if none.raw_os_error() == Some(libc::ENOTCONN) => Ok(()),
            _ => Err(error),
        },
    }
}

/// # Safety
///
/// `start` is writable for `length` bytes.
#[inline(always)]
unsafe fn receive_from(
    fd: BorrowedFd<'_>,
    start: *mut u8,
    length: usize,
    flags: i32,
) -> io::Result<(usize, SocketAddr)> {
    let mut inet = InetAddr::room();
    let (room, size) = inet.as_room();
    let (fd, start) = (fd.as_raw_fd(), start.cast());
    let length = transfer_length("recvfrom", length);
    // SAFETY: the caller promises that the memory is writable for at least `length` bytes; `room`
    // is writable for `*size`, and both outlive the call.
    let count = unsafe { syscall!(recvfrom(fd, start, length, flags, room, size)) }?;
    Ok((count as usize, inet.decode()?))
}
