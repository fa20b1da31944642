//! What sockets of the Unix family have of their own: their addresses, pairs, accepting.
//!
//! Each function is one system call unless it says otherwise, as everywhere in
//! [`socket`](crate::socket).

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use super::{
    Domain, Progress, Type, accept_raw, bind_raw,
    connect::{connect_step, progress},
    local_raw, peer_raw,
};
use crate::{
    fd,
    sockaddr::{RawAddr, UnixAddr},
};

/// Makes two sockets of the Unix family that are connected with each other, non-blocking and
/// close-on-exec.
///
/// # Errors
///
/// `EMFILE`, `ENFILE` at a descriptor limit; `EPROTONOSUPPORT` or `EPROTOTYPE` for a type that the
/// system has not: [`Type::SEQPACKET`] on Apple.
///
/// # Platform notes
///
/// As for [`create`](super::create).
///
/// # References
///
/// [socketpair(2)](https://man7.org/linux/man-pages/man2/socketpair.2.html)
#[doc(alias = "socketpair")]
#[inline]
pub fn pair(kind: Type) -> io::Result<(OwnedFd, OwnedFd)> {
    #[cfg(edgewake_has = "sock_cloexec")]
    let kind = Type(kind.0 | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK);
    let mut ends = [-1; 2];
    // SAFETY: `ends` is room for the two descriptors that the call writes.
    unsafe { syscall!(socketpair(Domain::UNIX.0, kind.0, 0, ends.as_mut_ptr())) }?;
    // SAFETY: the call succeeded, so both are new descriptors that nobody else owns.
    let (first, second) = unsafe { (fd::own(ends[0]), fd::own(ends[1])) };
    Ok((born(first)?, born(second)?))
}

/// What remains to be set on a new socket.
#[inline]
fn born(socket: OwnedFd) -> io::Result<OwnedFd> {
    #[cfg(not(edgewake_has = "sock_cloexec"))]
    let socket = fd::finish_birth(socket)?;
    #[cfg(edgewake_has = "so_nosigpipe")]
    crate::sockopt::NO_SIGPIPE.set(socket.as_fd(), true)?;
    Ok(socket)
}

/// Sets the permissions that a later [`bind_unix`] to a path makes its file with, less those that
/// the umask takes away: so the file never has wider ones. Does nothing but on Linux and Android:
/// elsewhere a socket has no permissions of its own.
///
/// # Errors
///
/// What fchmod(2) returns.
///
/// # References
///
/// [fchmod(2)](https://man7.org/linux/man-pages/man2/fchmod.2.html); `unix_bind_bsd` of Linux's
/// `net/unix/af_unix.c` takes the file's mode from the socket's inode
#[doc(alias = "fchmod")]
#[inline]
pub fn set_bind_mode(fd: BorrowedFd<'_>, mode: u32) -> io::Result<()> {
    #[cfg(edgewake_has = "unix_bind_mode")]
    // SAFETY: takes its arguments by value.
    unsafe { syscall!(fchmod(std::os::fd::AsRawFd::as_raw_fd(&fd), mode as libc::mode_t)) }?;
    #[cfg(not(edgewake_has = "unix_bind_mode"))]
    let _ = (fd, mode);
    Ok(())
}

/// Gives a socket its local address. A path makes a file of the kind "socket", which stays when
/// the socket is closed.
///
/// # Errors
///
/// - `EADDRINUSE`: the path exists, whatever it is, or the abstract name is taken;
/// - `EACCES`, `ENOENT`, `ENOTDIR`, `EROFS` and the like, of the path's folder;
/// - `EINVAL`: the socket is bound already, or (except on Linux) the address is the unnamed one.
///
/// # References
///
/// [bind(2)](https://man7.org/linux/man-pages/man2/bind.2.html),
/// [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)
#[inline]
pub fn bind_unix(fd: BorrowedFd<'_>, address: &UnixAddr) -> io::Result<()> {
    bind_raw(fd, &RawAddr::from(address))
}

/// Connects to a Unix socket, or sets where a datagram socket sends to. It is done when this
/// returns; only a FreeBSD listener with `LOCAL_CONNWAIT` lets it go on in the background.
///
/// # Errors
///
/// - `EINTR`: nothing was done, or all of it: connect again (unlike [`connect`](super::connect()),
///   whose interrupted attempt goes on);
/// - `ENOENT`, `EACCES` and the like, of the path; `ECONNREFUSED` if nobody listens there;
/// - `EAGAIN` if the listener's backlog is full (Linux; the others say `ECONNREFUSED`). This is
///   not "in progress": no event will tell (T56);
/// - `EPROTOTYPE`: the listener is of another type.
///
/// # References
///
/// [connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html)
#[inline]
pub fn connect_unix(fd: BorrowedFd<'_>, address: &UnixAddr) -> io::Result<Progress> {
    match connect_step(fd, &RawAddr::from(address)) {
        Err(error) => progress(error),
        Ok(()) => Ok(Progress::Done),
    }
}

/// Whether somebody holds the socket that a path or an abstract name belongs to, listening or not.
/// Makes two system calls.
///
/// It is asked by connecting a *datagram* socket, which nobody notices: a live socket of another
/// type answers `EPROTOTYPE`, one of this type takes the connect, and of a dead one it is
/// `ECONNREFUSED`. A stream's connect would appear in the server's queue, and except on Linux a
/// full queue is `ECONNREFUSED` too.
///
/// # Errors
///
/// `EACCES` and the like, of the path; `EMFILE` and the like, of the socket that asks; `EINTR`.
///
/// # References
///
/// [connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html)
#[inline]
pub fn is_alive(address: &UnixAddr) -> io::Result<bool> {
    let probe = super::create(Domain::UNIX, Type::DATAGRAM)?;
    match connect_step(probe.as_fd(), &RawAddr::from(address)) {
        Ok(()) => Ok(true),
        Err(error) => match error.raw_os_error() {
            // EPERM: a datagram socket that is connected, with another one (Linux).
            Some(libc::EPROTOTYPE | libc::EPERM) => Ok(true),
            Some(libc::ECONNREFUSED | libc::ENOENT) => Ok(false),
            _ => Err(error),
        },
    }
}

/// Takes the next waiting connection of a Unix listener, with the peer's address: that of a client
/// that has not bound its socket is the unnamed one.
///
/// # Errors
///
/// [`AcceptError::classify`](super::AcceptError::classify) sorts them.
///
/// # Platform notes
///
/// As for [`accept`](super::accept()).
///
/// # References
///
/// [accept(2)](https://man7.org/linux/man-pages/man2/accept.2.html)
#[doc(alias = "accept4")]
#[inline]
pub fn accept_unix(listener: BorrowedFd<'_>) -> io::Result<(OwnedFd, UnixAddr)> {
    let (socket, raw) = accept_raw(listener)?;
    Ok((socket, UnixAddr::or_unnamed(&raw)))
}

/// The socket's own address.
///
/// # Errors
///
/// `EBADF`, `ENOTSOCK` or `ENOBUFS`; [`InvalidData`](io::ErrorKind::InvalidData) if it is of
/// another family; `EINVAL` on Apple once the connection is gone.
///
/// # References
///
/// [getsockname(2)](https://man7.org/linux/man-pages/man2/getsockname.2.html)
#[doc(alias = "getsockname")]
#[inline]
pub fn local_unix_addr(fd: BorrowedFd<'_>) -> io::Result<UnixAddr> {
    UnixAddr::try_from(&local_raw(fd)?)
}

/// The address at the other end.
///
/// # Errors
///
/// `ENOTCONN` if the socket is not connected; otherwise as [`local_unix_addr`].
///
/// # References
///
/// [getpeername(2)](https://man7.org/linux/man-pages/man2/getpeername.2.html)
#[doc(alias = "getpeername")]
#[inline]
pub fn peer_unix_addr(fd: BorrowedFd<'_>) -> io::Result<UnixAddr> {
    UnixAddr::try_from(&peer_raw(fd)?)
}

/// Whether the system has sockets of the Unix family of this type.
pub const fn has_unix(kind: Type) -> bool {
    kind.0 != libc::SOCK_SEQPACKET || cfg!(edgewake_has = "unix_seqpacket")
}
