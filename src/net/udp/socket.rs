//! The socket: how it is made, bound, connected, and given away.

use std::{
    io,
    net::SocketAddr,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use edgewake_sys::socket::{self, Domain, Type};

use crate::{
    async_fd::AsyncFd,
    net::{
        addr::{ToSocketAddrs, first},
        datagram::{SendPause, uninterrupted},
        face::{descriptor_face, readiness_face},
        udp::{batch::Unsaid, segments::Segmentation, zerocopy::Held},
    },
    reactor::Kind,
};

/// A UDP socket.
///
/// It sends and receives datagrams: messages that arrive whole or not at all, perhaps out of order
/// or twice. One socket serves any number of peers, and any number of tasks may use it at once
/// through `&UdpSocket`: each datagram goes to one of those that wait for it.
///
/// A datagram of no bytes is a datagram: a count of zero is no end of anything, there is none, and
/// a receive into an empty buffer takes a datagram. One that is longer than the buffer is cut, and
/// the rest of it is lost; [`recv_message`](Self::recv_message) tells.
///
/// # Errors that come later
///
/// A connected socket learns that nobody listens at the other end:
/// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) is returned once by whatever is done
/// next, by what waits meanwhile too, for each such answer of the network. The socket is as good as
/// before. An unconnected one learns of no such error, so that one dead client does not disturb a
/// server.
///
/// # Examples
///
/// ```
/// use edgewake::net::UdpSocket;
///
/// # let runtime = edgewake::Runtime::new()?;
/// # runtime.block_on(async {
/// let server = UdpSocket::bind("127.0.0.1:0").await?;
/// let client = UdpSocket::bind("127.0.0.1:0").await?;
/// client.connect(server.local_addr()?).await?;
///
/// client.send(b"ping").await?;
/// let mut buffer = [0; 1500];
/// let (count, peer) = server.recv_from(&mut buffer).await?;
/// assert_eq!(&buffer[..count], b"ping");
///
/// server.send_to(b"pong", peer).await?;
/// let count = client.recv(&mut buffer).await?;
/// assert_eq!(&buffer[..count], b"pong");
/// # std::io::Result::Ok(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct UdpSocket {
    io: AsyncFd<OwnedFd>,
    pause: SendPause,
    segmentation: Segmentation,
    held: Held,
    unsaid: Unsaid,
}

/// # Making, binding and connecting
impl UdpSocket {
    /// Makes a socket and binds it to an address; of several, to the first that it can be bound to.
    /// Port 0 lets the system choose.
    ///
    /// # Errors
    ///
    /// - [`AddrInUse`](io::ErrorKind::AddrInUse): the address is taken;
    /// - [`AddrNotAvailable`](io::ErrorKind::AddrNotAvailable): it is not one of this machine;
    /// - [`PermissionDenied`](io::ErrorKind::PermissionDenied): the port is reserved;
    /// - [`InvalidInput`](io::ErrorKind::InvalidInput): no address;
    /// - of a name also what [`lookup_host`](crate::net::lookup_host) returns;
    /// - what else socket(2) and bind(2) say of the last address tried.
    ///
    /// # References
    ///
    /// [bind(2)](https://man7.org/linux/man-pages/man2/bind.2.html),
    /// [udp(7)](https://man7.org/linux/man-pages/man7/udp.7.html)
    #[inline]
    pub async fn bind(addresses: impl ToSocketAddrs) -> io::Result<UdpSocket> {
        let bound = |address: &SocketAddr| {
            let socket = UdpSocket::new_for(address)?;
            socket.bind_to(*address)?;
            Ok(socket)
        };
        first(addresses.resolve().await?, bound)
    }

    /// Makes an IPv4 socket that is not bound yet, for options that must be set before. It is bound
    /// by [`bind_to`](Self::bind_to), or by the system at the first send or connect.
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE`, `ENOBUFS`: the process or the system has no descriptor or memory left.
    ///
    /// # Examples
    ///
    /// Two sockets share a port:
    ///
    /// ```
    /// use edgewake::net::UdpSocket;
    ///
    /// let first = UdpSocket::new_v4()?;
    /// first.set_reuse_port(true)?;
    /// first.bind_to("127.0.0.1:0".parse().unwrap())?;
    ///
    /// let second = UdpSocket::new_v4()?;
    /// second.set_reuse_port(true)?;
    /// second.bind_to(first.local_addr()?)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # References
    ///
    /// [socket(2)](https://man7.org/linux/man-pages/man2/socket.2.html)
    #[inline]
    pub fn new_v4() -> io::Result<UdpSocket> {
        UdpSocket::new(Domain::IPV4)
    }

    /// Makes an IPv6 socket that is not bound yet, as [`new_v4`](Self::new_v4). Whether it carries
    /// IPv4 too is the system's choice: see [`set_only_v6`](Self::set_only_v6).
    ///
    /// # Errors
    ///
    /// As for [`new_v4`](Self::new_v4); `EAFNOSUPPORT` where there is no IPv6.
    #[inline]
    pub fn new_v6() -> io::Result<UdpSocket> {
        UdpSocket::new(Domain::IPV6)
    }

    /// Makes a socket of the family that `address` needs, not bound yet, as
    /// [`new_v4`](Self::new_v4).
    ///
    /// # Errors
    ///
    /// As for [`new_v6`](Self::new_v6).
    #[inline]
    pub fn new_for(address: &SocketAddr) -> io::Result<UdpSocket> {
        UdpSocket::new(Domain::for_addr(address))
    }

    fn new(domain: Domain) -> io::Result<UdpSocket> {
        let fd = socket::create(domain, Type::DATAGRAM)?;
        Ok(UdpSocket::from_io(AsyncFd::lazy(fd, Kind::Datagram), true))
    }

    /// `own` says that nobody else has, or had, the descriptor.
    fn from_io(io: AsyncFd<OwnedFd>, own: bool) -> UdpSocket {
        UdpSocket {
            io,
            pause: SendPause::new(),
            segmentation: Segmentation::new(),
            held: Held::new(own),
            unsaid: Unsaid::new(),
        }
    }

    /// Gives an unbound socket its local address. Port 0 lets the system choose.
    ///
    /// # Errors
    ///
    /// As for [`bind`](Self::bind); `EINVAL` if it is bound already.
    ///
    /// # References
    ///
    /// [bind(2)](https://man7.org/linux/man-pages/man2/bind.2.html)
    #[inline]
    pub fn bind_to(&self, address: SocketAddr) -> io::Result<()> {
        socket::bind(self.fd(), &address)
    }

    /// Connects to an address; of several, to the first that it can be connected to. Nothing is
    /// sent. From then on [`send`](Self::send) sends there, and what comes from elsewhere is not
    /// received; what had arrived before still is. Connecting again replaces the peer.
    ///
    /// # Errors
    ///
    /// - `ENETUNREACH`: there is no route; `EADDRNOTAVAIL`: no local port is free;
    /// - [`InvalidInput`](io::ErrorKind::InvalidInput): no address;
    /// - of a name also what [`lookup_host`](crate::net::lookup_host) returns;
    /// - what else connect(2) says of the last address tried.
    ///
    /// # References
    ///
    /// [connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html)
    #[inline]
    pub async fn connect(&self, addresses: impl ToSocketAddrs) -> io::Result<()> {
        first(addresses.resolve().await?, |address| {
            uninterrupted(|| socket::connect_datagram(self.fd(), address))
        })
    }

    /// Takes the peer away: the socket receives from anyone again, at the port it had. Nothing
    /// happens if there is no peer. Makes up to four system calls.
    ///
    /// # Errors
    ///
    /// What connect(2) returns; [`AddrInUse`](io::ErrorKind::AddrInUse) on Linux if another socket
    /// took the port meanwhile, see below.
    ///
    /// # Platform notes
    ///
    /// Linux gives up, with the peer, a port that the system had chosen (measured on 6.18): it is
    /// bound again here, and until then is free for others for a moment. A socket that was bound to
    /// a port by number never loses it.
    ///
    /// The local address becomes the one the socket was bound to; on the BSDs and Apple it may
    /// become the unspecified one.
    ///
    /// # References
    ///
    /// [connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html) `AF_UNSPEC`
    #[doc(alias = "AF_UNSPEC")]
    #[inline]
    pub fn disconnect(&self) -> io::Result<()> {
        let port = self.local_addr()?.port();
        uninterrupted(|| socket::disconnect(self.fd()))?;
        let mut left = self.local_addr()?;
        if left.port() == port {
            return Ok(());
        }
        left.set_port(port);
        self.bind_to(left)
    }

    /// Takes over std's socket and makes it non-blocking.
    ///
    /// # Errors
    ///
    /// What fcntl(2) returns.
    #[inline]
    pub fn from_std(socket: std::net::UdpSocket) -> io::Result<UdpSocket> {
        UdpSocket::try_from(socket)
    }

    /// Turns the socket into std's. It is deregistered and stays non-blocking.
    ///
    /// # Errors
    ///
    /// None today; the type leaves room.
    #[inline]
    pub fn into_std(self) -> io::Result<std::net::UdpSocket> {
        Ok(OwnedFd::from(self).into())
    }

    /// This side's address, with the port that the system chose.
    ///
    /// # Errors
    ///
    /// What getsockname(2) returns.
    #[inline]
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        socket::local_addr(self.fd())
    }

    /// The address the socket is connected to.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) if it is not.
    #[inline]
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        socket::peer_addr(self.fd())
    }

    #[inline(always)]
    pub(super) fn io(&self) -> &AsyncFd<OwnedFd> {
        &self.io
    }

    /// For sends by `poll_*`.
    #[inline(always)]
    pub(super) fn pause(&self) -> &SendPause {
        &self.pause
    }

    /// For batches.
    #[inline]
    pub(super) fn segmentation(&self) -> &Segmentation {
        &self.segmentation
    }

    /// For batches.
    #[inline]
    pub(super) fn unsaid(&self) -> &Unsaid {
        &self.unsaid
    }

    /// For sends without copying.
    #[inline]
    pub(super) fn held(&self) -> &Held {
        &self.held
    }

    #[inline(always)]
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.io.fd()
    }
}

impl TryFrom<std::net::UdpSocket> for UdpSocket {
    type Error = io::Error;

    /// Takes a socket over and makes it non-blocking.
    #[inline]
    fn try_from(socket: std::net::UdpSocket) -> io::Result<UdpSocket> {
        UdpSocket::try_from(OwnedFd::from(socket))
    }
}

impl TryFrom<OwnedFd> for UdpSocket {
    type Error = io::Error;

    /// Takes a socket over and makes it non-blocking. One that is not of the IP families, or not of
    /// datagrams, is [`InvalidInput`](io::ErrorKind::InvalidInput).
    #[inline]
    fn try_from(owned: OwnedFd) -> io::Result<UdpSocket> {
        let refuse = |sentence| Err(io::Error::new(io::ErrorKind::InvalidInput, sentence));
        if !matches!(Domain::of(owned.as_fd())?, Domain::IPV4 | Domain::IPV6) {
            return refuse("a UDP socket is of an IP family, and this one is not");
        }
        if Type::of(owned.as_fd())? != Type::DATAGRAM {
            return refuse("a UDP socket is of datagrams, and this one is not");
        }
        socket::adopt(owned.as_fd())?;
        Ok(UdpSocket::from_io(AsyncFd::lazy(owned, Kind::Other), false))
    }
}

readiness_face!(UdpSocket);
descriptor_face!(UdpSocket, |socket| socket.held.lend());
