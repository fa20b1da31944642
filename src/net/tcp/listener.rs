//! The listening socket.

use std::{
    io,
    net::SocketAddr,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use edgewake_sys::{
    socket::{self, Domain, Type},
    sockopt,
};
use futures::Stream;

use super::TcpStream;
use crate::{
    async_fd::AsyncFd,
    net::{
        addr::{ToSocketAddrs, first},
        backoff::SharedBackoff,
        face::{descriptor_face, sharing::sharing_face},
    },
    reactor::Kind,
};

/// Connections the kernel keeps until they are accepted, if nobody says otherwise: what std and
/// most servers use. Linux cuts it at `net.core.somaxconn`.
const BACKLOG: i32 = 1024;

/// A TCP socket that accepts connections.
///
/// # Examples
///
/// ```
/// use edgewake::net::{TcpListener, TcpStream};
/// use futures::{AsyncReadExt, AsyncWriteExt};
///
/// # let runtime = edgewake::Runtime::new()?;
/// # runtime.block_on(async {
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let mut client = TcpStream::connect(listener.local_addr()?).await?;
/// let (mut server, peer) = listener.accept().await?;
/// assert_eq!(peer, client.local_addr()?);
/// client.write_all(b"hi").await?;
/// let mut bytes = [0; 2];
/// server.read_exact(&mut bytes).await?;
/// assert_eq!(&bytes, b"hi");
/// # std::io::Result::Ok(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct TcpListener {
    io: AsyncFd<OwnedFd>,
    /// The pause of `poll_accept`, which has no future to keep it in.
    backoff: SharedBackoff,
}

impl TcpListener {
    /// Binds a socket to an address and listens. Port 0 lets the system choose.
    ///
    /// Of several addresses the first that can be bound is taken. `SO_REUSEADDR` is set, so that a
    /// restarted server need not wait for connections in `TIME_WAIT`.
    ///
    /// # Errors
    ///
    /// - `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES`: what bind(2) says of the last address tried;
    /// - [`InvalidInput`](io::ErrorKind::InvalidInput): no address;
    /// - of a name also what [`lookup_host`](crate::net::lookup_host) returns.
    #[inline]
    pub async fn bind(addresses: impl ToSocketAddrs) -> io::Result<TcpListener> {
        first(addresses.resolve().await?, TcpListener::bind_to)
    }

    fn bind_to(address: &SocketAddr) -> io::Result<TcpListener> {
        let fd = socket::create(Domain::for_addr(address), Type::STREAM)?;
        sockopt::REUSE_ADDR.set(fd.as_fd(), true)?;
        socket::bind(fd.as_fd(), address)?;
        socket::listen(fd.as_fd(), BACKLOG)?;
        Ok(TcpListener::from_listening(fd, true))
    }

    /// A descriptor that listens; `private` if nobody else can have a duplicate of it.
    #[inline]
    pub(super) fn from_listening(fd: OwnedFd, private: bool) -> TcpListener {
        let io = AsyncFd::lazy(fd, Kind::Listener);
        if !private {
            io.registration().lend();
        }
        TcpListener::from_io(io)
    }

    fn from_io(io: AsyncFd<OwnedFd>) -> TcpListener {
        TcpListener { io, backoff: SharedBackoff::default() }
    }

    /// Accepts a connection.
    ///
    /// Connections that died before they were accepted are passed over. While the process or the
    /// system is out of descriptors or memory (`EMFILE`, `ENFILE`, `ENOBUFS`, `ENOMEM`) it waits,
    /// from 5 ms to a second at a time, and then tries again: the connection stays in the queue.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no connection: one is accepted only when it is returned.
    ///
    /// # Errors
    ///
    /// - `EINVAL`, `EBADF` and the like: the listener itself is broken, trying again does not
    ///   help;
    /// - `EMFILE` and the like only where no driver is running to time the wait;
    /// - [`NotConnected`](io::ErrorKind::NotConnected), [`BrokenPipe`](io::ErrorKind::BrokenPipe):
    ///   it would have to wait, and no driver is running, or it has shut down.
    ///
    /// # References
    ///
    /// [accept(2)](https://man7.org/linux/man-pages/man2/accept.2.html)
    #[inline]
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.io.accept_with(take).await
    }

    /// Polls for a connection.
    ///
    /// # Errors
    ///
    /// As for [`accept`](Self::accept).
    #[inline]
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        self.io.poll_accept_with(cx, &self.backoff, take)
    }

    /// Accepts a connection if there is one.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none; otherwise as for accept(2).
    #[inline]
    pub fn try_accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.io.try_accept_with(take)
    }

    /// The connections as a stream that never ends.
    ///
    /// # Examples
    ///
    /// ```
    /// use edgewake::net::{TcpListener, TcpStream};
    /// use futures::StreamExt;
    ///
    /// # let runtime = edgewake::Runtime::new()?;
    /// # runtime.block_on(async {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let client = TcpStream::connect(listener.local_addr()?).await?;
    /// let server = listener.incoming().next().await.unwrap()?;
    /// assert_eq!(server.peer_addr()?, client.local_addr()?);
    /// # std::io::Result::Ok(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[inline]
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }

    /// The address it listens on, with the port that the system chose.
    ///
    /// # Errors
    ///
    /// What getsockname(2) returns.
    #[inline]
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        socket::local_addr(self.io.fd())
    }

    /// Takes over std's listener and makes it non-blocking.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if it does not listen; what fcntl(2) returns.
    #[inline]
    pub fn from_std(listener: std::net::TcpListener) -> io::Result<TcpListener> {
        TcpListener::try_from(listener)
    }

    /// Turns the socket into std's. It is deregistered and stays non-blocking.
    ///
    /// # Errors
    ///
    /// None today; the type leaves room.
    #[inline]
    pub fn into_std(self) -> io::Result<std::net::TcpListener> {
        Ok(OwnedFd::from(self).into())
    }
}

/// # Options of a listener
impl TcpListener {
    /// Changes how many connections may wait to be accepted.
    ///
    /// # Errors
    ///
    /// What listen(2) returns.
    ///
    /// # Platform notes
    ///
    /// As for [`TcpSocket::listen`](super::TcpSocket::listen).
    #[doc(alias = "listen")]
    #[inline]
    pub fn set_backlog(&self, backlog: u32) -> io::Result<()> {
        socket::listen(self.fd(), i32::try_from(backlog).unwrap_or(i32::MAX))
    }

    /// Takes data with a connection's first packet (RFC 7413) from as many connections as `queue`
    /// says; 0, the default, takes none. Linux, Apple, FreeBSD; all but Linux know on and off only.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) elsewhere; FreeBSD: `ENOPROTOOPT` or `EPERM`
    /// unless `net.inet.tcp.fastopen.server_enable` is set.
    ///
    /// # Platform notes
    ///
    /// Linux needs bit 2 of `/proc/sys/net/ipv4/tcp_fastopen` too; without it this has no effect.
    ///
    /// # References
    ///
    /// [tcp(7)](https://man7.org/linux/man-pages/man7/tcp.7.html) `TCP_FASTOPEN`
    #[doc(alias = "TCP_FASTOPEN")]
    #[inline]
    pub fn set_fast_open(&self, queue: u32) -> io::Result<()> {
        sockopt::FAST_OPEN.set(self.fd(), queue)
    }

    /// What [`set_fast_open`](Self::set_fast_open) has set.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) where there is no such thing.
    #[doc(alias = "TCP_FASTOPEN")]
    #[inline]
    pub fn fast_open(&self) -> io::Result<u32> {
        sockopt::FAST_OPEN.get(self.fd())
    }

    /// Hands a connection over only once its first data is there, or after about this long; zero,
    /// the default, at once. The system rounds it to its retransmission times. Linux.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) elsewhere.
    ///
    /// # References
    ///
    /// [tcp(7)](https://man7.org/linux/man-pages/man7/tcp.7.html) `TCP_DEFER_ACCEPT`
    #[doc(alias = "TCP_DEFER_ACCEPT")]
    #[inline]
    pub fn set_defer_accept(&self, timeout: Duration) -> io::Result<()> {
        sockopt::DEFER_ACCEPT.set(self.fd(), timeout)
    }

    /// What [`set_defer_accept`](Self::set_defer_accept) has set, as the system rounded it.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) except on Linux.
    #[doc(alias = "TCP_DEFER_ACCEPT")]
    #[inline]
    pub fn defer_accept(&self) -> io::Result<Duration> {
        sockopt::DEFER_ACCEPT.get(self.fd())
    }

    #[inline]
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.io.fd()
    }

    fn io(&self) -> &AsyncFd<OwnedFd> {
        &self.io
    }
}

fn take(fd: BorrowedFd<'_>) -> io::Result<(TcpStream, SocketAddr)> {
    let (fd, address) = socket::accept(fd)?;
    Ok((TcpStream::from_accepted(fd), address))
}

/// The connections of a [`TcpListener`]; see [`TcpListener::incoming`].
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
}

impl Stream for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let accepted = ready!(self.listener.poll_accept(cx));
        Poll::Ready(Some(accepted.map(|(stream, _)| stream)))
    }
}

impl TryFrom<std::net::TcpListener> for TcpListener {
    type Error = io::Error;

    /// Takes a socket over and makes it non-blocking.
    #[inline]
    fn try_from(listener: std::net::TcpListener) -> io::Result<TcpListener> {
        TcpListener::try_from(OwnedFd::from(listener))
    }
}

impl TryFrom<OwnedFd> for TcpListener {
    type Error = io::Error;

    /// Takes a listening socket over and makes it non-blocking. One that does not listen is
    /// [`InvalidInput`](io::ErrorKind::InvalidInput): [`TcpSocket`](super::TcpSocket) takes it.
    #[inline]
    fn try_from(owned: OwnedFd) -> io::Result<TcpListener> {
        // Some of the errors that such a socket answers to accept are those of a connection that
        // died, after which accepting would go on for ever.
        if !sockopt::ACCEPT_CONN.get(owned.as_fd())? {
            let sentence = "the socket does not listen";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, sentence));
        }
        socket::adopt(owned.as_fd())?;
        Ok(TcpListener::from_listening(owned, false))
    }
}

descriptor_face!(TcpListener);
sharing_face!(TcpListener);
