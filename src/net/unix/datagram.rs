//! The socket of datagrams.

use std::{
    io::{self, IoSlice},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net as std_net,
    },
    task::{Context, Poll},
};

use edgewake_sys::{
    sockaddr::RawAddr,
    socket::{self, Domain, Progress, Type},
};

use super::{
    SendControl, ToUnixAddr, UnixAddr, UnixBind,
    ancillary::{self, ancillary_face},
    messages::message_face,
    options::{peer_options, unix_options},
    path::Named,
};
use crate::{
    async_fd::AsyncFd,
    net::{
        datagram::{SendPause, uninterrupted},
        face::{descriptor_face, readiness_face},
    },
    reactor::Kind,
};

/// A Unix socket of datagrams: messages that arrive whole, in their order, and with nobody's loss.
///
/// Unlike UDP's they wait for room instead of getting lost. Any number of tasks may use one socket
/// at once through `&UnixDatagram`. A datagram of no bytes is a datagram, and a receive into an
/// empty buffer takes one.
///
/// # Examples
///
/// ```
/// use edgewake::net::UnixDatagram;
///
/// # let runtime = edgewake::Runtime::new()?;
/// # runtime.block_on(async {
/// # let path = std::env::temp_dir().join(format!("edgewake-doc-datagram-{}", std::process::id()));
/// let server = UnixDatagram::bind(&path)?;
/// let client = UnixDatagram::unbound()?;
/// client.send_to(b"to the log", &path).await?;
/// let mut buffer = [0; 512];
/// let (count, source) = server.recv_from(&mut buffer).await?;
/// assert_eq!(&buffer[..count], b"to the log");
/// assert!(source.is_unnamed()); // The client is not bound: there is no way to answer.
/// # std::fs::remove_file(path)
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct UnixDatagram {
    io: Named,
    pause: SendPause,
}

impl UnixDatagram {
    /// Binds a socket to a path, or to an abstract name. The file at the path stays when the socket
    /// is dropped; [`UnixBind`] can do otherwise.
    ///
    /// # Errors
    ///
    /// As for [`UnixBind::listener`].
    #[inline]
    pub fn bind(address: impl ToUnixAddr) -> io::Result<UnixDatagram> {
        UnixBind::new().datagram(address)
    }

    /// A socket without an address: it can send, and nobody can answer.
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE`: the process or the system has no descriptor left.
    #[inline]
    pub fn unbound() -> io::Result<UnixDatagram> {
        Ok(UnixDatagram::own(socket::create(Domain::UNIX, Type::DATAGRAM)?))
    }

    /// Two sockets that are connected with each other. Neither has an address.
    ///
    /// # Errors
    ///
    /// As for [`unbound`](Self::unbound).
    ///
    /// # References
    ///
    /// [socketpair(2)](https://man7.org/linux/man-pages/man2/socketpair.2.html)
    #[doc(alias = "socketpair")]
    #[inline]
    pub fn pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
        let (first, second) = socket::pair(Type::DATAGRAM)?;
        Ok((UnixDatagram::own(first), UnixDatagram::own(second)))
    }

    /// Connects to the socket of a path or of an abstract name: from then on this one sends there
    /// by default and, on Linux, receives from there only. It is done at once.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](io::ErrorKind::NotFound),
    ///   [`PermissionDenied`](io::ErrorKind::PermissionDenied) and the like, of the path;
    /// - [`ConnectionRefused`](io::ErrorKind::ConnectionRefused): the socket there has died;
    /// - `EPERM`: it is connected with another one (Linux); `EPROTOTYPE`: it is of another type.
    ///
    /// # References
    ///
    /// [connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html)
    #[inline]
    pub fn connect(&self, address: impl ToUnixAddr) -> io::Result<()> {
        let address = address.unix_addr()?;
        uninterrupted(|| match socket::connect_unix(self.io.fd(), &address)? {
            Progress::Done | Progress::InProgress => Ok(()),
        })
    }

    /// Takes the peer away that [`connect`](Self::connect) has given.
    ///
    /// # Errors
    ///
    /// What connect(2) says of a socket that still has a peer afterwards.
    #[inline]
    pub fn disconnect(&self) -> io::Result<()> {
        uninterrupted(|| socket::disconnect(self.io.fd()))
    }

    /// Takes over std's socket and makes it non-blocking.
    ///
    /// # Errors
    ///
    /// What fcntl(2) returns.
    #[inline]
    pub fn from_std(socket: std_net::UnixDatagram) -> io::Result<UnixDatagram> {
        UnixDatagram::try_from(socket)
    }

    /// Turns the socket into std's. It is deregistered and stays non-blocking.
    ///
    /// # Errors
    ///
    /// None today; the type leaves room.
    #[inline]
    pub fn into_std(self) -> io::Result<std_net::UnixDatagram> {
        Ok(OwnedFd::from(self).into())
    }

    #[inline]
    pub(super) fn from_named(io: Named) -> UnixDatagram {
        UnixDatagram { io, pause: SendPause::new() }
    }

    fn own(fd: OwnedFd) -> UnixDatagram {
        UnixDatagram::from_named(Named::new(AsyncFd::lazy(fd, Kind::Datagram), None))
    }

    #[inline(always)]
    fn io(&self) -> &AsyncFd<OwnedFd> {
        &self.io
    }

    #[inline(always)]
    fn pause(&self) -> &SendPause {
        &self.pause
    }
}

/// # Messages to and from anybody
impl UnixDatagram {
    /// Sends a datagram to the socket of a path or of an abstract name. Returns its length: it goes
    /// whole or not at all.
    ///
    /// Where the queue there is full no system tells when there is room: it tries again from 1 to
    /// 50 ms later. A [connected](Self::connect) socket on Linux is told.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped has not sent.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](io::ErrorKind::NotFound),
    ///   [`PermissionDenied`](io::ErrorKind::PermissionDenied) and the like, of the path;
    /// - [`ConnectionRefused`](io::ErrorKind::ConnectionRefused): the socket there has died;
    /// - `EPROTOTYPE`: it is of another type; `EISCONN` on Apple and the BSDs: this one is
    ///   connected;
    /// - `EMSGSIZE`: it is longer than the send buffer;
    /// - `ENOBUFS` only where no driver is running to time the pause.
    ///
    /// # References
    ///
    /// [sendto(2)](https://man7.org/linux/man-pages/man2/send.2.html)
    #[doc(alias = "sendto")]
    #[inline]
    pub async fn send_to(&self, bytes: &[u8], target: impl ToUnixAddr) -> io::Result<usize> {
        let target = target.unix_addr()?;
        self.io().send_message(|fd| send_to(fd, bytes, &target)).await
    }

    /// Polls to send a datagram, as [`send_to`](Self::send_to) does.
    ///
    /// # Errors
    ///
    /// As for [`send_to`](Self::send_to).
    #[inline]
    pub fn poll_send_to(
        &self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        target: impl ToUnixAddr,
    ) -> Poll<io::Result<usize>> {
        let target = target.unix_addr()?;
        self.io().poll_send_message(self.pause(), cx, |fd| send_to(fd, bytes, &target))
    }

    /// Sends a datagram if there is room for it.
    ///
    /// # Errors
    ///
    /// - `ENOBUFS`: the queue at the target is full, or this socket's buffer is. The socket may
    ///   count as writable all the while, so wait a few milliseconds instead;
    /// - otherwise as for [`send_to`](Self::send_to).
    #[inline]
    pub fn try_send_to(&self, bytes: &[u8], target: impl ToUnixAddr) -> io::Result<usize> {
        let target = target.unix_addr()?;
        self.io().try_send_message(|fd| send_to(fd, bytes, &target))
    }

    /// Sends a datagram of several pieces, with control messages beside it, to the socket of a path
    /// or of an abstract name. It waits as [`send_to`](Self::send_to) does.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped has not sent.
    ///
    /// # Errors
    ///
    /// As for [`send_to`](Self::send_to) and [`send_message`](Self::send_message).
    ///
    /// # References
    ///
    /// [sendmsg(2)](https://man7.org/linux/man-pages/man2/sendmsg.2.html)
    #[doc(alias = "sendmsg")]
    #[inline]
    pub async fn send_message_to(
        &self,
        data: &[IoSlice<'_>],
        control: &SendControl<'_>,
        target: impl ToUnixAddr,
    ) -> io::Result<usize> {
        let target = RawAddr::from(&target.unix_addr()?);
        self.io().send_message(|fd| ancillary::send_to(fd, data, control, &target)).await
    }

    /// Sends a datagram with control messages beside it if there is room for it.
    ///
    /// # Errors
    ///
    /// As for [`try_send_to`](Self::try_send_to) and [`send_message`](Self::send_message).
    #[inline]
    pub fn try_send_message_to(
        &self,
        data: &[IoSlice<'_>],
        control: &SendControl<'_>,
        target: impl ToUnixAddr,
    ) -> io::Result<usize> {
        let target = RawAddr::from(&target.unix_addr()?);
        self.io().try_send_message(|fd| ancillary::send_to(fd, data, control, &target))
    }

    /// Receives a datagram, and says where it came from: the unnamed address if its sender has
    /// none. What does not fit into the buffer is lost, and the count does not say so;
    /// [`recv_message`](Self::recv_message) does.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: a datagram is taken only when it is returned.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    ///
    /// # References
    ///
    /// [recvfrom(2)](https://man7.org/linux/man-pages/man2/recv.2.html)
    #[doc(alias = "recvfrom")]
    #[inline]
    pub async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, UnixAddr)> {
        self.io().recv_message(|fd| socket::recv_from_unix(fd, buffer)).await
    }

    /// Polls for a datagram, as [`recv_from`](Self::recv_from) does.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    #[inline]
    pub fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, UnixAddr)>> {
        self.io().poll_recv_message(cx, |fd| socket::recv_from_unix(fd, buffer))
    }

    /// Receives a datagram if there is one.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none; otherwise as for
    /// [`recv`](Self::recv).
    #[inline]
    pub fn try_recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, UnixAddr)> {
        self.io().try_recv_message(|fd| socket::recv_from_unix(fd, buffer))
    }

    /// Receives a datagram and leaves it there, and says where it came from.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    #[doc(alias = "MSG_PEEK")]
    #[inline]
    pub async fn peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, UnixAddr)> {
        self.io().recv_message(|fd| socket::peek_from_unix(fd, buffer)).await
    }
}

/// A send whose full queue is waited out by time: no event tells of the queue at another socket,
/// and on Linux each attempt that fails looks like one.
fn send_to(fd: BorrowedFd<'_>, bytes: &[u8], target: &UnixAddr) -> io::Result<usize> {
    socket::send_to_unix(fd, bytes, target).map_err(socket::as_queue_full)
}

impl TryFrom<std_net::UnixDatagram> for UnixDatagram {
    type Error = io::Error;

    /// Takes a socket over and makes it non-blocking.
    #[inline]
    fn try_from(socket: std_net::UnixDatagram) -> io::Result<UnixDatagram> {
        UnixDatagram::try_from(OwnedFd::from(socket))
    }
}

impl TryFrom<OwnedFd> for UnixDatagram {
    type Error = io::Error;

    /// Takes a socket over and makes it non-blocking.
    #[inline]
    fn try_from(owned: OwnedFd) -> io::Result<UnixDatagram> {
        socket::adopt(owned.as_fd())?;
        let io = AsyncFd::lazy(owned, Kind::Datagram);
        io.registration().lend();
        Ok(UnixDatagram::from_named(Named::new(io, None)))
    }
}

readiness_face!(UnixDatagram);
message_face!(UnixDatagram);
ancillary_face!(UnixDatagram);
unix_options!(UnixDatagram);
peer_options!(UnixDatagram);
descriptor_face!(UnixDatagram);
