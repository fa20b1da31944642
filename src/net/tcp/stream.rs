//! The connected socket.

use std::{
    io,
    net::SocketAddr,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use edgewake_sys::socket::{self, Domain, Progress, Type};

use crate::{
    async_fd::AsyncFd,
    net::{
        addr::{ToSocketAddrs, no_address},
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
    /// Connects to an address; of several, to the first that answers, tried in turn.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the socket.
    ///
    /// # Errors
    ///
    /// - [`ConnectionRefused`](io::ErrorKind::ConnectionRefused),
    ///   [`TimedOut`](io::ErrorKind::TimedOut), [`HostUnreachable`](io::ErrorKind::HostUnreachable)
    ///   and whatever else connect(2) says of the last address tried;
    /// - [`InvalidInput`](io::ErrorKind::InvalidInput): no address, or a name instead of one;
    /// - [`NotConnected`](io::ErrorKind::NotConnected): no driver is running here.
    ///
    /// # References
    ///
    /// [connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html)
    pub async fn connect(addresses: impl ToSocketAddrs) -> io::Result<TcpStream> {
        let mut last = no_address();
        for address in addresses.addresses()? {
            match TcpStream::connect_to(&address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn connect_to(address: &SocketAddr) -> io::Result<TcpStream> {
        let fd = socket::create(Domain::for_addr(address), Type::STREAM)?;
        TcpStream::connect_socket(fd, address, Origin::Own).await
    }

    /// Connects a new socket.
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

    /// A connected descriptor of this library's making.
    pub(super) fn from_connected(fd: OwnedFd) -> TcpStream {
        TcpStream { io: AsyncFd::lazy(fd, Kind::Stream) }
    }

    /// Takes over std's stream and makes it non-blocking.
    ///
    /// # Errors
    ///
    /// What fcntl(2) returns.
    pub fn from_std(stream: std::net::TcpStream) -> io::Result<TcpStream> {
        TcpStream::try_from(stream)
    }

    /// This side's address.
    ///
    /// # Errors
    ///
    /// What getsockname(2) returns.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        socket::local_addr(self.io.fd())
    }

    /// The other side's address.
    ///
    /// # Errors
    ///
    /// What getpeername(2) returns: `ENOTCONN` after a reset.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        socket::peer_addr(self.io.fd())
    }

    /// Turns the socket into std's. It is deregistered and stays non-blocking.
    ///
    /// # Errors
    ///
    /// None today; the type leaves room.
    pub fn into_std(self) -> io::Result<std::net::TcpStream> {
        Ok(OwnedFd::from(self).into())
    }

    #[inline(always)]
    pub(super) fn io(&self) -> &AsyncFd<OwnedFd> {
        &self.io
    }

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
    fn try_from(stream: std::net::TcpStream) -> io::Result<TcpStream> {
        TcpStream::try_from(OwnedFd::from(stream))
    }
}

impl TryFrom<OwnedFd> for TcpStream {
    type Error = io::Error;

    /// Takes a socket over and makes it non-blocking. Nothing is known of what was done with it,
    /// so it is read until `WouldBlock`.
    fn try_from(owned: OwnedFd) -> io::Result<TcpStream> {
        socket::adopt(owned.as_fd())?;
        Ok(TcpStream { io: AsyncFd::lazy(owned, Kind::Other) })
    }
}

readiness_face!(TcpStream);
stream_face!(TcpStream, Plain);
buffers_face!(TcpStream, Plain);
send_file_face!(TcpStream);
urgent_face!(TcpStream);
descriptor_face!(TcpStream);
