//! The connected stream.

use std::{
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net as std_net,
    },
};

use edgewake_sys::{
    socket::{self, Type},
    sockopt,
};

use super::{
    ToUnixAddr, connect,
    options::{peer_options, unix_options},
    receive::Marked,
};
use crate::{
    async_fd::AsyncFd,
    io::copy::{Link, LinkKind, Linked},
    net::face::{
        buffers::buffers_face, descriptor_face, readiness_face, send_file::send_file_face,
        stream::stream_face, urgent::urgent_face,
    },
    reactor::Kind,
};

/// A connection between two programs of one machine, or two ends of a pair.
///
/// `UnixStream` and `&UnixStream` both implement [`AsyncRead`](crate::io::AsyncRead) and
/// [`AsyncWrite`](crate::io::AsyncWrite), so one task can read while another one writes, without
/// splitting. Closing (`poll_close`) shuts down the writing half; dropping closes the socket.
///
/// # Platform notes
///
/// Urgent data ([`recv_oob`](Self::recv_oob), [`send_oob`](Self::send_oob)): Linux since 5.15;
/// elsewhere `EOPNOTSUPP`.
///
/// # Examples
///
/// ```
/// use edgewake::net::UnixStream;
/// use futures::{AsyncReadExt, AsyncWriteExt};
///
/// # let runtime = edgewake::Runtime::new()?;
/// # runtime.block_on(async {
/// let (mut here, mut there) = UnixStream::pair()?;
/// here.write_all(b"from here").await?;
/// here.close().await?;
/// let mut received = String::new();
/// there.read_to_string(&mut received).await?;
/// assert_eq!(received, "from here");
/// # std::io::Result::Ok(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct UnixStream {
    io: AsyncFd<OwnedFd>,
}

impl UnixStream {
    /// Connects to the listener of a path, or of an abstract name.
    ///
    /// Where the listener's backlog is full it waits, from 1 ms to 100 ms at a time, and then tries
    /// again: nothing tells when there is room. [`try_connect`](Self::try_connect) does not wait.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the socket.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](io::ErrorKind::NotFound),
    ///   [`PermissionDenied`](io::ErrorKind::PermissionDenied) and the like, of the path;
    /// - [`ConnectionRefused`](io::ErrorKind::ConnectionRefused): nobody listens there;
    /// - `EPROTOTYPE`: the socket there is of another type;
    /// - [`WouldBlock`](io::ErrorKind::WouldBlock): the backlog is full, and no driver is running
    ///   to time the wait;
    /// - [`InvalidInput`](io::ErrorKind::InvalidInput),
    ///   [`Unsupported`](io::ErrorKind::Unsupported): an address that cannot be, as for
    ///   [`UnixAddr`](super::UnixAddr).
    ///
    /// # Platform notes
    ///
    /// Linux alone tells a full backlog from a missing listener. The BSDs and Apple answer
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) to both, and so does this there.
    ///
    /// # References
    ///
    /// [connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html) `EAGAIN`,
    /// [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)
    #[inline]
    pub async fn connect(address: impl ToUnixAddr) -> io::Result<UnixStream> {
        let address = address.unix_addr()?;
        let io = connect::connected(&address, Type::STREAM, Kind::Stream).await?;
        Ok(UnixStream { io })
    }

    /// Connects if the listener has room for it in its backlog.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if it has none; otherwise as for
    /// [`connect`](Self::connect).
    #[inline]
    pub fn try_connect(address: impl ToUnixAddr) -> io::Result<UnixStream> {
        let address = address.unix_addr()?;
        let io = connect::connected_at_once(&address, Type::STREAM, Kind::Stream)?;
        Ok(UnixStream { io })
    }

    /// Two streams that are connected with each other. Neither has an address.
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE`: the process or the system has no descriptor left.
    ///
    /// # References
    ///
    /// [socketpair(2)](https://man7.org/linux/man-pages/man2/socketpair.2.html)
    #[doc(alias = "socketpair")]
    #[inline]
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let (first, second) = socket::pair(Type::STREAM)?;
        Ok((UnixStream::from_connected(first), UnixStream::from_connected(second)))
    }

    /// Takes over std's stream and makes it non-blocking.
    ///
    /// # Errors
    ///
    /// What fcntl(2) returns.
    #[inline]
    pub fn from_std(stream: std_net::UnixStream) -> io::Result<UnixStream> {
        UnixStream::try_from(stream)
    }

    /// Turns the socket into std's. It is deregistered and stays non-blocking.
    ///
    /// # Errors
    ///
    /// None today; the type leaves room.
    #[inline]
    pub fn into_std(self) -> io::Result<std_net::UnixStream> {
        Ok(OwnedFd::from(self).into())
    }

    /// Whether urgent data arrives in its place in the stream instead of apart from it.
    ///
    /// # Errors
    ///
    /// What getsockopt(2) returns.
    #[doc(alias = "SO_OOBINLINE")]
    #[inline]
    pub fn oob_inline(&self) -> io::Result<bool> {
        sockopt::OOB_INLINE.get(self.io.fd())
    }

    /// Sets [`oob_inline`](Self::oob_inline).
    ///
    /// # Errors
    ///
    /// What setsockopt(2) returns.
    #[doc(alias = "SO_OOBINLINE")]
    #[inline]
    pub fn set_oob_inline(&self, inline: bool) -> io::Result<()> {
        sockopt::OOB_INLINE.set(self.io.fd(), inline)
    }

    /// A connected descriptor of this library's making.
    #[inline]
    pub(super) fn from_connected(fd: OwnedFd) -> UnixStream {
        UnixStream { io: AsyncFd::lazy(fd, Kind::Stream) }
    }

    /// A connection that was just accepted.
    #[inline]
    pub(super) fn from_accepted(fd: OwnedFd) -> UnixStream {
        UnixStream { io: AsyncFd::accepted(fd, Kind::Stream) }
    }

    #[inline(always)]
    pub(super) fn io(&self) -> &AsyncFd<OwnedFd> {
        &self.io
    }
}

impl TryFrom<std_net::UnixStream> for UnixStream {
    type Error = io::Error;

    /// Takes a socket over and makes it non-blocking.
    #[inline]
    fn try_from(stream: std_net::UnixStream) -> io::Result<UnixStream> {
        UnixStream::try_from(OwnedFd::from(stream))
    }
}

impl TryFrom<OwnedFd> for UnixStream {
    type Error = io::Error;

    /// Takes a socket over and makes it non-blocking. Nothing is known of what was done with it,
    /// so it is read until `WouldBlock`.
    #[inline]
    fn try_from(owned: OwnedFd) -> io::Result<UnixStream> {
        socket::adopt(owned.as_fd())?;
        Ok(UnixStream { io: AsyncFd::lazy(owned, Kind::Other) })
    }
}

impl Linked for UnixStream {
    #[inline]
    fn link(&self) -> Link<'_> {
        Link::new(&self.io, LinkKind::Unix)
    }
}

readiness_face!(UnixStream);
stream_face!(UnixStream, Marked);
buffers_face!(UnixStream, Marked);
send_file_face!(UnixStream);
urgent_face!(UnixStream);
unix_options!(UnixStream);
peer_options!(UnixStream);
descriptor_face!(UnixStream);
