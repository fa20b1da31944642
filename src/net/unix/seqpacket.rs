//! The connected socket of messages.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

use edgewake_sys::socket::{self, Type};

use super::{
    ToUnixAddr,
    ancillary::ancillary_face,
    connect,
    messages::message_face,
    options::{peer_options, unix_options, unsupported_type},
};
use crate::{
    async_fd::AsyncFd,
    net::{
        datagram::SendPause,
        face::{descriptor_face, readiness_face},
    },
    reactor::Kind,
};

/// A connection over which messages go instead of bytes: whole, in order, with an end.
///
/// A receive of zero bytes is the end of it, *or* an empty message: protocols that need to tell
/// them apart send no empty ones.
///
/// # Platform notes
///
/// Linux, Android and the BSDs. Apple has none of these sockets:
/// [`Unsupported`](io::ErrorKind::Unsupported) there.
///
/// # Examples
///
/// ```
/// use edgewake::net::UnixSeqpacket;
///
/// # let runtime = edgewake::Runtime::new()?;
/// # runtime.block_on(async {
/// # if cfg!(target_vendor = "apple") { return Ok(()) }
/// let (here, there) = UnixSeqpacket::pair()?;
/// here.send(b"one").await?;
/// here.send(b"two").await?;
/// drop(here);
/// let mut buffer = [0; 512];
/// assert_eq!(there.recv(&mut buffer).await?, 3);
/// assert_eq!(there.recv(&mut buffer).await?, 3);
/// assert_eq!(there.recv(&mut buffer).await?, 0);
/// # std::io::Result::Ok(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
///
/// [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html) `SOCK_SEQPACKET`
#[derive(Debug)]
#[doc(alias = "SOCK_SEQPACKET")]
pub struct UnixSeqpacket {
    io: AsyncFd<OwnedFd>,
    pause: SendPause,
}

impl UnixSeqpacket {
    /// Connects to the listener of a path, or of an abstract name, waiting where its backlog is
    /// full as [`UnixStream::connect`](super::UnixStream::connect) does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the socket.
    ///
    /// # Errors
    ///
    /// As for [`UnixStream::connect`](super::UnixStream::connect);
    /// [`Unsupported`](io::ErrorKind::Unsupported) on Apple.
    #[inline]
    pub async fn connect(address: impl ToUnixAddr) -> io::Result<UnixSeqpacket> {
        let address = address.unix_addr()?;
        let io = connect::connected(&address, Type::SEQPACKET, Kind::Datagram).await?;
        Ok(UnixSeqpacket::from_io(io))
    }

    /// Connects if the listener has room for it in its backlog.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if it has none; otherwise as for
    /// [`connect`](Self::connect).
    #[inline]
    pub fn try_connect(address: impl ToUnixAddr) -> io::Result<UnixSeqpacket> {
        let address = address.unix_addr()?;
        let io = connect::connected_at_once(&address, Type::SEQPACKET, Kind::Datagram)?;
        Ok(UnixSeqpacket::from_io(io))
    }

    /// Two sockets that are connected with each other. Neither has an address.
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE`: the process or the system has no descriptor left;
    /// [`Unsupported`](io::ErrorKind::Unsupported) on Apple.
    #[doc(alias = "socketpair")]
    #[inline]
    pub fn pair() -> io::Result<(UnixSeqpacket, UnixSeqpacket)> {
        if !socket::has_unix(Type::SEQPACKET) {
            return Err(unsupported_type());
        }
        let (first, second) = socket::pair(Type::SEQPACKET)?;
        Ok((UnixSeqpacket::from_connected(first), UnixSeqpacket::from_connected(second)))
    }

    /// Waits until the peer has closed its sending direction, or has gone, without receiving.
    /// Messages that are still to be received stay, and do not wake it.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    ///
    /// # Errors
    ///
    /// As for [`readable`](Self::readable).
    #[inline]
    pub async fn closed(&self) -> io::Result<()> {
        self.io.closed().await
    }

    /// A connected descriptor of this library's making.
    #[inline]
    pub(super) fn from_connected(fd: OwnedFd) -> UnixSeqpacket {
        UnixSeqpacket::from_io(AsyncFd::lazy(fd, Kind::Datagram))
    }

    /// A connection that was just accepted.
    #[inline]
    pub(super) fn from_accepted(fd: OwnedFd) -> UnixSeqpacket {
        UnixSeqpacket::from_io(AsyncFd::accepted(fd, Kind::Datagram))
    }

    fn from_io(io: AsyncFd<OwnedFd>) -> UnixSeqpacket {
        UnixSeqpacket { io, pause: SendPause::new() }
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

impl TryFrom<OwnedFd> for UnixSeqpacket {
    type Error = io::Error;

    /// Takes a connected socket over and makes it non-blocking.
    #[inline]
    fn try_from(owned: OwnedFd) -> io::Result<UnixSeqpacket> {
        socket::adopt(owned.as_fd())?;
        let io = AsyncFd::lazy(owned, Kind::Datagram);
        io.registration().lend();
        Ok(UnixSeqpacket::from_io(io))
    }
}

readiness_face!(UnixSeqpacket);
message_face!(UnixSeqpacket);
ancillary_face!(UnixSeqpacket);
unix_options!(UnixSeqpacket);
peer_options!(UnixSeqpacket);
descriptor_face!(UnixSeqpacket);
