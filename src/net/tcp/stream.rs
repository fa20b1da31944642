//! The connected socket.

use std::{
    io,
    net::SocketAddr,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use edgewake_sys::socket::{self, Progress};

use super::connector;
use crate::{
    async_fd::AsyncFd,
    io::copy::{Link, LinkKind, Linked},
    net::{
        addr::ToSocketAddrs,
        face::{
            buffers::buffers_face, descriptor_face, readiness_face, send_file::send_file_face,
            stream::stream_face, urgent::urgent_face,
        },
        stream::Plain,
    },
    reactor::Kind,
};

/// A TCP connection.
///
/// `TcpStream` and `&TcpStream` both implement [`AsyncRead`](crate::io::AsyncRead)
/// and [`AsyncWrite`](crate::io::AsyncWrite), so one task can
/// read while another one writes, without splitting. Closing (`poll_close`) shuts down the writing
/// half; dropping closes the socket.
///
/// # Examples
///
/// ```no_run
/// use edgewake::net::TcpStream;
/// use futures::{AsyncReadExt, AsyncWriteExt};
///
/// # let runtime = edgewake::Runtime::new()?;
/// # runtime.block_on(async {
/// let mut stream = TcpStream::connect("127.0.0.1:8000").await?;
/// stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
/// let mut answer = Vec::new();
/// stream.read_to_end(&mut answer).await?;
/// # std::io::Result::Ok(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct TcpStream {
    io: AsyncFd<OwnedFd>,
}

impl TcpStream {
    /// Connects to an address, or a name; of several addresses, to the first that answers.
    ///
    /// Several are tried as RFC 8305 has it, "Happy Eyeballs": in their order, but with the
    /// families of IPv4 and IPv6 in turn, beginning with that of the first. The next attempt starts
    /// as soon as the one before it has failed, and beside it once that has gone 250 ms without an
    /// answer. The first to connect wins; the sockets of the others are closed by then, so a server
    /// may see a connection that ends at once.
    ///
    /// [`connect_in_order`](Self::connect_in_order) tries them one after another;
    /// [`Connector`](super::Connector) has the settings.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes its sockets, and takes back a look-up that has not started.
    ///
    /// # Errors
    ///
    /// - [`ConnectionRefused`](io::ErrorKind::ConnectionRefused),
    ///   [`TimedOut`](io::ErrorKind::TimedOut), [`HostUnreachable`](io::ErrorKind::HostUnreachable)
    ///   and whatever else connect(2) says; of several, what it said last, but only if it said
    ///   nothing else that there is no way to an address;
    /// - [`InvalidInput`](io::ErrorKind::InvalidInput): no address;
    /// - of a name also what [`lookup_host`](crate::net::lookup_host) returns;
    /// - [`NotConnected`](io::ErrorKind::NotConnected): no driver is running here.
    ///
    /// # References
    ///
    /// [connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html),
    /// [RFC 8305](https://www.rfc-editor.org/rfc/rfc8305)
    #[inline]
    pub async fn connect(addresses: impl ToSocketAddrs) -> io::Result<TcpStream> {
        connector::RACE.connect_resolved(addresses.resolve().await?).await
    }

    /// Connects to an address, or a name; several addresses are tried one after another, in their
    /// order, each until it is connected or fails by itself, which may take minutes.
    ///
    /// # Cancel safety
    ///
    /// As for [`connect`](Self::connect).
    ///
    /// # Errors
    ///
    /// As for [`connect`](Self::connect).
    #[inline]
    pub async fn connect_in_order(addresses: impl ToSocketAddrs) -> io::Result<TcpStream> {
        connector::IN_ORDER.connect_resolved(addresses.resolve().await?).await
    }

    /// Connects a new socket.
    #[inline]
    pub(super) async fn connect_socket(
        fd: OwnedFd,
        address: &SocketAddr,
        origin: Origin,
    ) -> io::Result<TcpStream> {
        if socket::connect(fd.as_fd(), address)? == Progress::Done {
            return Ok(TcpStream { io: origin.mark(AsyncFd::lazy(fd, origin.kind())) });
        }
        let io = origin.mark(AsyncFd::unready(fd, origin.kind()));
        Ok(TcpStream { io: io.connected().await? })
    }

    /// A connection that was just accepted.
    #[inline]
    pub(super) fn from_accepted(fd: OwnedFd) -> TcpStream {
        TcpStream { io: AsyncFd::accepted(fd, Kind::Stream) }
    }

    /// Takes over std's stream and makes it non-blocking.
    ///
    /// # Errors
    ///
    /// What fcntl(2) returns.
    #[inline]
    pub fn from_std(stream: std::net::TcpStream) -> io::Result<TcpStream> {
        TcpStream::try_from(stream)
    }

    /// This side's address.
    ///
    /// # Errors
    ///
    /// What getsockname(2) returns.
    #[inline]
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        socket::local_addr(self.io.fd())
    }

    /// The other side's address.
    ///
    /// # Errors
    ///
    /// What getpeername(2) returns: `ENOTCONN` after a reset.
    #[inline]
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        socket::peer_addr(self.io.fd())
    }

    /// Turns the socket into std's. It is deregistered and stays non-blocking.
    ///
    /// # Errors
    ///
    /// None today; the type leaves room.
    #[inline]
    pub fn into_std(self) -> io::Result<std::net::TcpStream> {
        Ok(OwnedFd::from(self).into())
    }

    #[inline(always)]
    pub(super) fn io(&self) -> &AsyncFd<OwnedFd> {
        &self.io
    }

    #[inline]
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.io.fd()
    }
}

/// Whose socket a connection is made on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Made here, and nobody else has seen it.
    Own,
    /// Made here, and shown to others, who may have duplicated it.
    Lent,
    /// Made elsewhere: nothing is known of what was done with it.
    Foreign,
}

impl Origin {
    fn kind(self) -> Kind {
        if self == Origin::Foreign { Kind::Other } else { Kind::Stream }
    }

    fn mark(self, io: AsyncFd<OwnedFd>) -> AsyncFd<OwnedFd> {
        if self == Origin::Lent {
            io.registration().lend();
        }
        io
    }
}

impl TryFrom<std::net::TcpStream> for TcpStream {
    type Error = io::Error;

    /// Takes a socket over and makes it non-blocking.
    #[inline]
    fn try_from(stream: std::net::TcpStream) -> io::Result<TcpStream> {
        TcpStream::try_from(OwnedFd::from(stream))
    }
}

impl TryFrom<OwnedFd> for TcpStream {
    type Error = io::Error;

    /// Takes a socket over and makes it non-blocking. Nothing is known of what was done with it,
    /// so it is read until `WouldBlock`.
    #[inline]
    fn try_from(owned: OwnedFd) -> io::Result<TcpStream> {
        socket::adopt(owned.as_fd())?;
        Ok(TcpStream { io: AsyncFd::lazy(owned, Kind::Other) })
    }
}

impl Linked for TcpStream {
    #[inline]
    fn link(&self) -> Link<'_> {
        Link::new(&self.io, LinkKind::Tcp)
    }
}

readiness_face!(TcpStream);
stream_face!(TcpStream, Plain);
buffers_face!(TcpStream, Plain);
send_file_face!(TcpStream);
urgent_face!(TcpStream);
descriptor_face!(TcpStream);
