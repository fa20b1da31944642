//! The connected socket.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

use edgewake_sys::{
    sockaddr::RawAddr,
    socket::{self, Domain, Progress, Type},
};

use super::VsockAddr;
use crate::{
    async_fd::AsyncFd,
    io::copy::{Link, LinkKind, Linked},
    net::{
        face::{
            buffers::buffers_face, descriptor_face, readiness_face, send_file::send_file_face,
            stream::stream_face,
        },
        stream::Plain,
    },
    reactor::Kind,
};

/// A stream between a virtual machine and its host.
///
/// It reads and writes as [`TcpStream`](crate::net::TcpStream) does, through references too.
///
/// # Examples
///
/// ```no_run
/// use edgewake::{io::AsyncWriteExt, net::{VsockAddr, VsockStream}};
///
/// # let runtime = edgewake::Runtime::new()?;
/// # runtime.block_on(async {
/// let mut stream = VsockStream::connect(VsockAddr::new(VsockAddr::HOST, 5000)).await?;
/// stream.write_all(b"hello, host").await?;
/// # std::io::Result::Ok(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
///
/// [vsock(7)](https://man7.org/linux/man-pages/man7/vsock.7.html)
#[derive(Debug)]
#[doc(alias = "AF_VSOCK")]
pub struct VsockStream {
    io: AsyncFd<OwnedFd>,
}

impl VsockStream {
    /// Connects to a port of another machine, or of this one.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the socket.
    ///
    /// # Errors
    ///
    /// - `ECONNRESET`: nobody listens there; `ETIMEDOUT`: no answer, after two seconds unless
    ///   `SO_VM_SOCKETS_CONNECT_TIMEOUT` says otherwise;
    /// - `ENODEV`, `ENETUNREACH`, `EHOSTUNREACH`: there is no way to that machine;
    /// - `EAFNOSUPPORT`: the kernel was built without; [`Unsupported`](io::ErrorKind::Unsupported):
    ///   the system has no such sockets;
    /// - [`NotConnected`](io::ErrorKind::NotConnected): no driver is running here.
    ///
    /// # References
    ///
    /// [connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html)
    #[inline]
    pub async fn connect(address: VsockAddr) -> io::Result<VsockStream> {
        let raw = RawAddr::try_from(address)?;
        let fd = socket::create(Domain::vsock()?, Type::STREAM)?;
        if socket::connect_raw(fd.as_fd(), &raw)? == Progress::Done {
            return Ok(VsockStream::from_connected(fd));
        }
        Ok(VsockStream { io: AsyncFd::unready(fd, Kind::Other).connected().await? })
    }

    /// A connected socket. Whether a short read of it proves that nothing is left is nowhere
    /// promised, so it is read until `WouldBlock`.
    #[inline]
    pub(super) fn from_connected(fd: OwnedFd) -> VsockStream {
        VsockStream { io: AsyncFd::lazy(fd, Kind::Other) }
    }

    /// The same for a connection that was just accepted.
    #[inline]
    pub(super) fn from_accepted(fd: OwnedFd) -> VsockStream {
        VsockStream { io: AsyncFd::accepted(fd, Kind::Other) }
    }

    /// This side's address.
    ///
    /// # Errors
    ///
    /// What getsockname(2) returns.
    #[inline]
    pub fn local_addr(&self) -> io::Result<VsockAddr> {
        VsockAddr::try_from(&socket::local_raw(self.io.fd())?)
    }

    /// The other side's address.
    ///
    /// # Errors
    ///
    /// What getpeername(2) returns: `ENOTCONN` after a reset.
    #[inline]
    pub fn peer_addr(&self) -> io::Result<VsockAddr> {
        VsockAddr::try_from(&socket::peer_raw(self.io.fd())?)
    }

    fn io(&self) -> &AsyncFd<OwnedFd> {
        &self.io
    }
}

impl Linked for VsockStream {
    #[inline]
    fn link(&self) -> Link<'_> {
        Link::new(&self.io, LinkKind::Vsock)
    }
}

readiness_face!(VsockStream);
stream_face!(VsockStream, Plain);
buffers_face!(VsockStream, Plain);
send_file_face!(VsockStream);
descriptor_face!(VsockStream);

impl TryFrom<OwnedFd> for VsockStream {
    type Error = io::Error;

    /// Takes a socket over and makes it non-blocking.
    #[inline]
    fn try_from(owned: OwnedFd) -> io::Result<VsockStream> {
        socket::adopt(owned.as_fd())?;
        Ok(VsockStream::from_connected(owned))
    }
}
