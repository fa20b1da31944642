//! The socket before it connects or listens, for whatever has to be set before that.
//!
//! It is not registered with the reactor: a stream socket that does neither reports a hang-up
//! (T10). Connecting and listening hand the descriptor on, with what is known of its past.

use std::{
    io,
    net::SocketAddr,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
};

use edgewake_sys::{
    socket::{self, Domain, Type},
    sockopt,
};

use super::{TcpListener, TcpStream, stream::Origin};
use crate::sync::atomic::{AtomicBool, Ordering};

/// A TCP socket that is neither connected nor listening yet.
///
/// [`TcpStream::connect`] and [`TcpListener::bind`] do for most; this is for options that must be
/// set before, for a local address to connect from, and for the length of the backlog.
///
/// # Examples
///
/// A server that several processes share the port of, and a client of it with a small window:
///
/// ```
/// use edgewake::net::TcpSocket;
///
/// # let runtime = edgewake::Runtime::new()?;
/// # runtime.block_on(async {
/// let socket = TcpSocket::new_v4()?;
/// socket.set_reuse_port(true)?;
/// socket.bind("127.0.0.1:0".parse().unwrap())?;
/// let listener = socket.listen(128)?;
///
/// let socket = TcpSocket::new_v4()?;
/// socket.set_recv_buffer_size(16 * 1024)?;
/// let client = socket.connect(listener.local_addr()?).await?;
/// let (_server, peer) = listener.accept().await?;
/// assert_eq!(peer, client.local_addr()?);
/// # std::io::Result::Ok(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct TcpSocket {
    fd: OwnedFd,
    /// Made here, so that its whole history is known.
    own: bool,
    /// Shown to code outside this library, which may have duplicated it.
    lent: AtomicBool,
}

impl TcpSocket {
    /// Creates an IPv4 socket, non-blocking and close-on-exec.
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE`, `ENOBUFS`: the process or the system has no descriptor or memory left.
    ///
    /// # References
    ///
    /// [socket(2)](https://man7.org/linux/man-pages/man2/socket.2.html)
    #[inline]
    pub fn new_v4() -> io::Result<TcpSocket> {
        TcpSocket::new(Domain::IPV4)
    }

    /// Creates an IPv6 socket, non-blocking and close-on-exec. Whether it carries IPv4 too is the
    /// system's choice: see [`set_only_v6`](Self::set_only_v6).
    ///
    /// # Errors
    ///
    /// As for [`new_v4`](Self::new_v4); `EAFNOSUPPORT` where there is no IPv6.
    #[inline]
    pub fn new_v6() -> io::Result<TcpSocket> {
        TcpSocket::new(Domain::IPV6)
    }

    /// Creates a socket of the family that `address` needs.
    ///
    /// # Errors
    ///
    /// As for [`new_v6`](Self::new_v6).
    #[inline]
    pub fn new_for(address: &SocketAddr) -> io::Result<TcpSocket> {
        TcpSocket::new(Domain::for_addr(address))
    }

    fn new(domain: Domain) -> io::Result<TcpSocket> {
        let fd = socket::create(domain, Type::STREAM)?;
        Ok(TcpSocket { fd, own: true, lent: AtomicBool::new(false) })
    }

    /// Takes over a socket that std's type holds although it is neither connected nor listening
    /// yet, as other crates make them, and makes it non-blocking.
    ///
    /// # Errors
    ///
    /// What fcntl(2) returns.
    #[inline]
    pub fn from_std(socket: std::net::TcpStream) -> io::Result<TcpSocket> {
        TcpSocket::try_from(socket)
    }

    /// Gives the socket its local address. Port 0 lets the system choose.
    ///
    /// # Errors
    ///
    /// - `EADDRINUSE`: the address is taken; `EADDRNOTAVAIL`: it is not one of this machine;
    /// - `EACCES`: the port is reserved;
    /// - `EINVAL`, `EAFNOSUPPORT`: the socket is bound already, or of another family.
    ///
    /// # References
    ///
    /// [bind(2)](https://man7.org/linux/man-pages/man2/bind.2.html)
    #[inline]
    pub fn bind(&self, address: SocketAddr) -> io::Result<()> {
        socket::bind(self.fd(), &address)
    }

    /// Starts to listen. `backlog` is how many connections may wait to be accepted.
    ///
    /// # Errors
    ///
    /// `EADDRINUSE`: another socket listens on the same address; otherwise what listen(2) returns.
    /// The socket is closed then.
    ///
    /// # Platform notes
    ///
    /// The system cuts the backlog to a limit of its own: `/proc/sys/net/core/somaxconn` on Linux,
    /// `kern.ipc.somaxconn` and the like elsewhere. Above `i32::MAX` it counts as that.
    ///
    /// # References
    ///
    /// [listen(2)](https://man7.org/linux/man-pages/man2/listen.2.html)
    #[inline]
    pub fn listen(self, backlog: u32) -> io::Result<TcpListener> {
        socket::listen(self.fd(), i32::try_from(backlog).unwrap_or(i32::MAX))?;
        let private = self.origin() == Origin::Own;
        Ok(TcpListener::from_listening(self.fd, private))
    }

    /// Connects.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the socket.
    ///
    /// # Errors
    ///
    /// As for [`TcpStream::connect`]; the socket is closed then, since what a second connect on it
    /// does differs between systems.
    ///
    /// # References
    ///
    /// [connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html)
    #[inline]
    pub async fn connect(self, address: SocketAddr) -> io::Result<TcpStream> {
        let origin = self.origin();
        TcpStream::connect_socket(self.fd, &address, origin).await
    }

    fn origin(&self) -> Origin {
        // Relaxed: `self` is ours alone by now, so every loan has happened.
        match (self.own, self.lent.load(Ordering::Relaxed)) {
            (true, false) => Origin::Own,
            (true, true) => Origin::Lent,
            (false, _) => Origin::Foreign,
        }
    }

    /// The address the socket is bound to; before that the unspecified one.
    ///
    /// # Errors
    ///
    /// What getsockname(2) returns.
    #[inline]
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        socket::local_addr(self.fd())
    }

    #[inline]
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// # Options to set before connecting or listening
impl TcpSocket {
    /// Lets [`bind`](Self::bind) take an address although connections of its last use linger in
    /// `TIME_WAIT`. Off by default; [`TcpListener::bind`] sets it.
    ///
    /// # Errors
    ///
    /// What setsockopt(2) returns.
    ///
    /// # References
    ///
    /// [socket(7)](https://man7.org/linux/man-pages/man7/socket.7.html) `SO_REUSEADDR`
    #[doc(alias = "SO_REUSEADDR")]
    #[inline]
    pub fn set_reuse_addr(&self, reuse: bool) -> io::Result<()> {
        sockopt::REUSE_ADDR.set(self.fd(), reuse)
    }

    /// Lets several sockets bind to one address, all of which must set this. Off by default.
    ///
    /// # Errors
    ///
    /// What setsockopt(2) returns.
    ///
    /// # Platform notes
    ///
    /// Linux spreads the connections over the listeners. Elsewhere the last one gets them all;
    /// FreeBSD has [`REUSE_PORT_LB`](sockopt::REUSE_PORT_LB) to spread them.
    ///
    /// # References
    ///
    /// [socket(7)](https://man7.org/linux/man-pages/man7/socket.7.html) `SO_REUSEPORT`
    #[doc(alias = "SO_REUSEPORT")]
    #[inline]
    pub fn set_reuse_port(&self, reuse: bool) -> io::Result<()> {
        sockopt::REUSE_PORT.set(self.fd(), reuse)
    }

    /// Restricts an IPv6 socket to IPv6. Before [`bind`](Self::bind).
    ///
    /// # Errors
    ///
    /// What setsockopt(2) returns: of an IPv4 socket an error.
    ///
    /// # Platform notes
    ///
    /// Off by default on Linux and Apple, on by default on the BSDs; OpenBSD cannot clear it.
    ///
    /// # References
    ///
    /// [ipv6(7)](https://man7.org/linux/man-pages/man7/ipv6.7.html) `IPV6_V6ONLY`
    #[doc(alias = "IPV6_V6ONLY")]
    #[inline]
    pub fn set_only_v6(&self, only: bool) -> io::Result<()> {
        sockopt::ONLY_V6.set(self.fd(), only)
    }

    /// Lets [`connect`](Self::connect) return at once where the server is known from before, and
    /// the first write carry its data with the first packet (RFC 7413). Off by default. Linux.
    ///
    /// An error of the connection then shows with the first write or read. The data may reach the
    /// server twice: only for requests that may be repeated.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` if it is switched off; [`Unsupported`](io::ErrorKind::Unsupported) elsewhere.
    ///
    /// # References
    ///
    /// [tcp(7)](https://man7.org/linux/man-pages/man7/tcp.7.html) `TCP_FASTOPEN_CONNECT`
    #[doc(alias = "TCP_FASTOPEN_CONNECT")]
    #[inline]
    pub fn set_fast_open_connect(&self, fast_open: bool) -> io::Result<()> {
        sockopt::FAST_OPEN_CONNECT.set(self.fd(), fast_open)
    }

    /// Whether [`set_fast_open_connect`](Self::set_fast_open_connect) is on.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) except on Linux.
    #[doc(alias = "TCP_FASTOPEN_CONNECT")]
    #[inline]
    pub fn fast_open_connect(&self) -> io::Result<bool> {
        sockopt::FAST_OPEN_CONNECT.get(self.fd())
    }
}

impl TryFrom<std::net::TcpStream> for TcpSocket {
    type Error = io::Error;

    /// As [`TcpSocket::from_std`].
    #[inline]
    fn try_from(socket: std::net::TcpStream) -> io::Result<TcpSocket> {
        TcpSocket::try_from(OwnedFd::from(socket))
    }
}

impl TryFrom<OwnedFd> for TcpSocket {
    type Error = io::Error;

    /// Takes a socket over and makes it non-blocking. Nothing is known of what was done with it,
    /// so the connection made from it is read until `WouldBlock`.
    #[inline]
    fn try_from(owned: OwnedFd) -> io::Result<TcpSocket> {
        socket::adopt(owned.as_fd())?;
        Ok(TcpSocket { fd: owned, own: false, lent: AtomicBool::new(true) })
    }
}

impl From<TcpSocket> for OwnedFd {
    /// Gives the socket away. It stays non-blocking.
    #[inline]
    fn from(socket: TcpSocket) -> OwnedFd {
        socket.fd
    }
}

impl AsFd for TcpSocket {
    #[inline]
    fn as_fd(&self) -> BorrowedFd<'_> {
        // Relaxed: read by `origin` through an exclusive handle, which orders it.
        self.lent.store(true, Ordering::Relaxed);
        self.fd.as_fd()
    }
}

impl AsRawFd for TcpSocket {
    #[inline]
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}
