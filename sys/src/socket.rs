//! Sockets: creating, binding, listening, accepting, connecting, transferring, shutting down.
//!
//! Every socket made here is non-blocking and close-on-exec, and no call here but [`send_file`]
//! raises `SIGPIPE` (T50): sends carry `MSG_NOSIGNAL` where the system has it, and sockets
//! `SO_NOSIGPIPE` where it has that. Each function is one system call unless it says otherwise, and
//! returns every error as it came; what an error means is decided by the caller, with the
//! classifications offered here ([`AcceptError`], [`Progress`]).
//!
//! Called by the library's socket types and by raw loops.

mod accept;
mod connect;
mod credentials;
mod datagram;
mod error_queue;
mod message;
mod mmsg;
mod sendfile;
mod stalled;
mod stream_message;
mod transfer;
mod unix;
mod unix_datagram;
mod vectored;
mod vsock;

use std::{
    io,
    net::{Shutdown, SocketAddr},
    os::fd::{AsRawFd, BorrowedFd, OwnedFd},
};

pub(crate) use self::vectored::{Share, share};
pub use self::{
    accept::{AcceptError, accept, accept_raw, accept_unnamed},
    connect::{Progress, connect, connect_outcome, connect_raw},
    credentials::peer_credentials,
    datagram::{
        connect_datagram, disconnect, is_queue_full, peek_from, peek_from_uninit, recv_from,
        recv_from_uninit, send_to,
    },
    error_queue::{is_too_long, recv_queued_error, send_message_zero_copy},
    message::{
        Received, RecvFlags, SendFlags, recv_marked, recv_marked_uninit, recv_marked_vectored,
        recv_message, recv_message_uninit, send_message,
    },
    mmsg::{MultiRecv, MultiSend, Outgoing, is_segmentation_refused},
    sendfile::{has_room, is_send_file_refused, send_file},
    stream_message::{recv_stream_message, send_stream_message},
    transfer::{peek, peek_uninit, recv, recv_oob, recv_uninit, send, send_oob},
    unix::{
        accept_unix, bind_unix, connect_unix, has_unix, is_alive, local_unix_addr, pair,
        peer_unix_addr, set_bind_mode,
    },
    unix_datagram::{
        as_queue_full, peek_from_unix, recv_from_unix, recv_from_unix_uninit, send_to_unix,
    },
    vectored::{recv_vectored, send_vectored, vectored_length},
    vsock::local_cid,
};
use crate::{
    fd,
    sockaddr::{self, RawAddr},
    sockopt,
};

/// An address family, which a socket has from birth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Domain(i32);

impl Domain {
    /// IPv4 (`AF_INET`).
    pub const IPV4: Domain = Domain(libc::AF_INET);
    /// IPv6 (`AF_INET6`), which unless [`ONLY_V6`](sockopt::ONLY_V6) is set carries IPv4 too.
    pub const IPV6: Domain = Domain(libc::AF_INET6);
    /// This machine alone, by paths in the file system (`AF_UNIX`).
    pub const UNIX: Domain = Domain(libc::AF_UNIX);

    /// A virtual machine and its host (`AF_VSOCK`).
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) except on Linux, Android and Apple.
    #[inline]
    pub fn vsock() -> io::Result<Domain> {
        sockaddr::vsock::family().map(Domain)
    }

    /// The family that a socket needs to use `address`.
    pub const fn for_addr(address: &SocketAddr) -> Domain {
        match address {
            SocketAddr::V4(_) => Domain::IPV4,
            SocketAddr::V6(_) => Domain::IPV6,
        }
    }

    /// The family of an existing socket, by its local address, which every socket has.
    ///
    /// # Errors
    ///
    /// `EBADF` or `ENOTSOCK`; [`InvalidData`](io::ErrorKind::InvalidData) if the address has no
    /// family.
    #[inline]
    pub fn of(fd: BorrowedFd<'_>) -> io::Result<Domain> {
        let raw = local_raw(fd)?;
        let nameless = || io::Error::new(io::ErrorKind::InvalidData, "the socket has no family");
        raw.family().map(Domain).ok_or_else(nameless)
    }
}

/// What a socket transfers: a stream of bytes, or messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Type(i32);

impl Type {
    /// A stream of bytes: TCP, in the IP families (`SOCK_STREAM`).
    pub const STREAM: Type = Type(libc::SOCK_STREAM);
    /// Messages, each for itself: UDP, in the IP families (`SOCK_DGRAM`).
    pub const DATAGRAM: Type = Type(libc::SOCK_DGRAM);
    /// Messages in order, over a connection (`SOCK_SEQPACKET`). Apple has none of the Unix family.
    pub const SEQPACKET: Type = Type(libc::SOCK_SEQPACKET);

    /// The type of an existing socket (`SO_TYPE`).
    ///
    /// # Errors
    ///
    /// `EBADF` or `ENOTSOCK`.
    #[inline]
    pub fn of(fd: BorrowedFd<'_>) -> io::Result<Type> {
        sockopt::TYPE.get(fd).map(Type)
    }
}

/// Creates a socket, non-blocking and close-on-exec.
///
/// # Errors
///
/// - `EMFILE`, `ENFILE` at a descriptor limit, `ENOBUFS` or `ENOMEM`;
/// - `EAFNOSUPPORT`: the system has no such family, such as IPv6 switched off.
///
/// # Platform notes
///
/// The BSDs and Apple take one more call for `SO_NOSIGPIPE`, except OpenBSD, which has none.
/// Apple has no `SOCK_CLOEXEC`: the flags are set by further calls, and a `fork` between them
/// leaks the descriptor to the child (T51).
///
/// # References
///
/// [socket(2)](https://man7.org/linux/man-pages/man2/socket.2.html)
pub fn create(domain: Domain, kind: Type) -> io::Result<OwnedFd> {
    #[cfg(edgewake_has = "sock_cloexec")]
    let kind = Type(kind.0 | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK);
    // SAFETY: takes its arguments by value.
    let socket = unsafe { syscall!(socket(domain.0, kind.0, 0)) }?;
    // SAFETY: the call succeeded, so `socket` is a new descriptor that nobody else owns.
    let socket = unsafe { fd::own(socket) };
    #[cfg(not(edgewake_has = "sock_cloexec"))]
    let socket = fd::finish_birth(socket)?;
    #[cfg(edgewake_has = "so_nosigpipe")]
    sockopt::NO_SIGPIPE.set(std::os::fd::AsFd::as_fd(&socket), true)?;
    Ok(socket)
}

/// Prepares a socket that was made elsewhere for use here: non-blocking, and without `SIGPIPE`
/// where that is a property of the socket and not of each send. Makes up to three system calls.
///
/// # Errors
///
/// `EBADF` or `ENOTSOCK`.
///
/// # References
///
/// [fcntl(2)](https://man7.org/linux/man-pages/man2/fcntl.2.html) `F_SETFL`
#[inline]
pub fn adopt(fd: BorrowedFd<'_>) -> io::Result<()> {
    fd::set_nonblocking(fd, true)?;
    #[cfg(not(edgewake_has = "msg_nosignal"))]
    match sockopt::NO_SIGPIPE.set(fd, true) {
        // Apple, once the peer has reset the connection. Writing then fails anyway.
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {}
        outcome => outcome?,
    }
    Ok(())
}

/// Gives a socket its local address; port 0 asks for a free one.
///
/// # Errors
///
/// - `EADDRINUSE`: the address is taken, or no port is free;
/// - `EADDRNOTAVAIL`: the address is not one of this machine;
/// - `EACCES`: the port is reserved (below 1024, usually);
/// - `EINVAL`: the socket is bound already, or of another family.
///
/// # References
///
/// [bind(2)](https://man7.org/linux/man-pages/man2/bind.2.html)
#[inline]
pub fn bind(fd: BorrowedFd<'_>, address: &SocketAddr) -> io::Result<()> {
    bind_raw(fd, &RawAddr::from(address))
}

/// [`bind`] to an address in the kernel's form, of any family.
///
/// # Errors
///
/// As for [`bind`], and whatever else the family has to say.
///
/// # References
///
/// [bind(2)](https://man7.org/linux/man-pages/man2/bind.2.html)
#[inline]
pub fn bind_raw(fd: BorrowedFd<'_>, address: &RawAddr) -> io::Result<()> {
    let (address, length) = address.as_parts();
    // SAFETY: `address` outlives the call and is initialised for `length` bytes.
    unsafe { syscall!(bind(fd.as_raw_fd(), address, length)) }.map(drop)
}

/// Makes a socket accept connections, of which `backlog` may wait.
///
/// On a socket that listens already it changes the backlog.
///
/// # Errors
///
/// `EADDRINUSE`, where another socket listens on the port that an unbound socket was given or
/// shares; `EOPNOTSUPP` for a socket that cannot listen; `EDESTADDRREQ` or `EINVAL` on some BSDs
/// for an unbound or connected one.
///
/// # Platform notes
///
/// The system cuts `backlog` to a limit of its own: `/proc/sys/net/core/somaxconn` on Linux,
/// `kern.ipc.somaxconn` or `kern.somaxconn` on the others.
///
/// # References
///
/// [listen(2)](https://man7.org/linux/man-pages/man2/listen.2.html)
#[inline]
pub fn listen(fd: BorrowedFd<'_>, backlog: i32) -> io::Result<()> {
    // SAFETY: takes its arguments by value.
    unsafe { syscall!(listen(fd.as_raw_fd(), backlog)) }.map(drop)
}

/// Ends reading, writing or both, for every duplicate of the descriptor.
///
/// # Errors
///
/// `ENOTCONN` if the socket is not connected, on Apple and the BSDs also if the peer has closed
/// it already (T48); what that means is the caller's to say.
///
/// # References
///
/// [shutdown(2)](https://man7.org/linux/man-pages/man2/shutdown.2.html)
#[inline]
pub fn shutdown(fd: BorrowedFd<'_>, how: Shutdown) -> io::Result<()> {
    let how = match how {
        Shutdown::Read => libc::SHUT_RD,
        Shutdown::Write => libc::SHUT_WR,
        Shutdown::Both => libc::SHUT_RDWR,
    };
    // SAFETY: takes its arguments by value.
    unsafe { syscall!(shutdown(fd.as_raw_fd(), how)) }.map(drop)
}

/// The socket's own address; before [`bind`] and [`connect`](connect()) the unspecified one.
///
/// # Errors
///
/// `EBADF`, `ENOTSOCK` or `ENOBUFS`; [`InvalidData`](io::ErrorKind::InvalidData) if it is not an
/// IP address; `EINVAL` on Apple once the connection is gone.
///
/// # References
///
/// [getsockname(2)](https://man7.org/linux/man-pages/man2/getsockname.2.html)
#[doc(alias = "getsockname")]
#[inline]
pub fn local_addr(fd: BorrowedFd<'_>) -> io::Result<SocketAddr> {
    SocketAddr::try_from(&local_raw(fd)?)
}

/// The address at the other end.
///
/// # Errors
///
/// `ENOTCONN` if the socket is not connected, or not any more; otherwise as [`local_addr`].
///
/// # References
///
/// [getpeername(2)](https://man7.org/linux/man-pages/man2/getpeername.2.html)
#[doc(alias = "getpeername")]
#[inline]
pub fn peer_addr(fd: BorrowedFd<'_>) -> io::Result<SocketAddr> {
    SocketAddr::try_from(&peer_raw(fd)?)
}

/// Takes the pending error of a socket (`SO_ERROR`): reading it clears it.
///
/// # Errors
///
/// `EBADF` or `ENOTSOCK`: the failure of asking, not the answer.
///
/// # References
///
/// [socket(7)](https://man7.org/linux/man-pages/man7/socket.7.html) `SO_ERROR`
#[doc(alias = "SO_ERROR")]
#[inline]
pub fn take_error(fd: BorrowedFd<'_>) -> io::Result<Option<io::Error>> {
    sockopt::ERROR.get(fd)
}

/// [`local_addr`] in the kernel's form, of any family.
///
/// # Errors
///
/// `EBADF`, `ENOTSOCK` or `ENOBUFS`; `EINVAL` on Apple once the connection is gone.
///
/// # References
///
/// [getsockname(2)](https://man7.org/linux/man-pages/man2/getsockname.2.html)
#[doc(alias = "getsockname")]
#[inline]
pub fn local_raw(fd: BorrowedFd<'_>) -> io::Result<RawAddr> {
    let filled = RawAddr::filled_by(|room, length| {
        // SAFETY: `room` is writable for `*length` bytes, and both outlive the call.
        unsafe { syscall!(getsockname(fd.as_raw_fd(), room, length)) }
    });
    filled.map(|(_, raw)| raw)
}

/// [`peer_addr`] in the kernel's form, of any family.
///
/// # Errors
///
/// `ENOTCONN` if the socket is not connected, or not any more; otherwise as [`local_raw`].
///
/// # References
///
/// [getpeername(2)](https://man7.org/linux/man-pages/man2/getpeername.2.html)
#[doc(alias = "getpeername")]
#[inline]
pub fn peer_raw(fd: BorrowedFd<'_>) -> io::Result<RawAddr> {
    let filled = RawAddr::filled_by(|room, length| {
        // SAFETY: `room` is writable for `*length` bytes, and both outlive the call.
        unsafe { syscall!(getpeername(fd.as_raw_fd(), room, length)) }
    });
    filled.map(|(_, raw)| raw)
}
