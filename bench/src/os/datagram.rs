//! The datagram calls of the baseline: one datagram a call, its peer's address left as the kernel
//! wrote it.

use std::io;
use std::mem::MaybeUninit;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, BorrowedFd};

use super::{check, check_len};

/// A non-blocking UDP socket.
///
/// # Errors
///
/// Returns the error of the first call that fails.
pub fn bind(addr: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(addr)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// A non-blocking pair of UDP sockets on the loopback device, connected to each other.
///
/// # Errors
///
/// Returns the error of the first call that fails.
pub fn pair(receive_buffer: usize) -> io::Result<(UdpSocket, UdpSocket)> {
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let (left, right) = (bind(loopback)?, bind(loopback)?);
    left.connect(right.local_addr()?)?;
    right.connect(left.local_addr()?)?;
    for socket in [&left, &right] {
        set_option(socket, libc::SOL_SOCKET, libc::SO_RCVBUF, receive_buffer)?;
    }
    Ok((left, right))
}

/// Sets an option whose value is an `int`.
pub(crate) fn set_option(
    socket: &UdpSocket,
    level: libc::c_int,
    name: libc::c_int,
    value: usize,
) -> io::Result<()> {
    let value = libc::c_int::try_from(value).map_err(io::Error::other)?;
    let len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: `value` lives through the call and `len` is its size.
    check(unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const value).cast(), len)
    })?;
    Ok(())
}

/// The address of a datagram's sender, in the kernel's form.
#[derive(Clone, Copy)]
pub struct Peer {
    storage: MaybeUninit<libc::sockaddr_storage>,
    len: libc::socklen_t,
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer").field("len", &self.len).finish_non_exhaustive()
    }
}

impl Peer {
    /// Room for an address.
    #[must_use]
    pub fn new() -> Self {
        Self { storage: MaybeUninit::uninit(), len: 0 }
    }
}

impl Default for Peer {
    fn default() -> Self {
        Self::new()
    }
}

/// Receives a datagram and its sender.
///
/// # Errors
///
/// Returns the error of `recvfrom(2)`.
#[inline]
pub fn recv_from(fd: BorrowedFd<'_>, buffer: &mut [u8], peer: &mut Peer) -> io::Result<usize> {
    peer.len = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    // SAFETY: buffer and peer are borrowed mutably for the call, and both lengths are given.
    check_len(unsafe {
        libc::recvfrom(
            fd.as_raw_fd(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            0,
            peer.storage.as_mut_ptr().cast(),
            &raw mut peer.len,
        )
    })
}

/// Sends a datagram to `peer`, which [`recv_from`] has filled.
///
/// # Errors
///
/// Returns the error of `sendto(2)`.
#[inline]
pub fn send_to(fd: BorrowedFd<'_>, bytes: &[u8], peer: &Peer) -> io::Result<usize> {
    // SAFETY: the bytes are borrowed for the call and their length is given; the first `len` bytes
    // of the address are those that the kernel wrote (none before that: `len` is then 0).
    check_len(unsafe {
        libc::sendto(
            fd.as_raw_fd(),
            bytes.as_ptr().cast(),
            bytes.len(),
            libc::MSG_NOSIGNAL,
            peer.storage.as_ptr().cast(),
            peer.len,
        )
    })
}
