//! The listening socket.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    pin::Pin,
    task::{Context, Poll, ready},
};

use edgewake_sys::{
    sockaddr::RawAddr,
    socket::{self, Domain, Type},
    sockopt,
};
use futures::Stream;

use super::{VsockAddr, VsockStream};
use crate::{
    async_fd::AsyncFd,
    net::{
        backoff::SharedBackoff,
        face::{descriptor_face, sharing::sharing_face},
    },
    reactor::Kind,
};

/// Connections the kernel keeps until they are accepted.
const BACKLOG: i32 = 128;

/// A socket that accepts connections from the host, from its virtual machines, or from this
/// machine itself.
///
/// # Examples
///
/// ```no_run
/// use edgewake::net::{VsockAddr, VsockListener};
///
/// # let runtime = edgewake::Runtime::new()?;
/// # runtime.block_on(async {
/// let listener = VsockListener::bind(VsockAddr::new(VsockAddr::ANY, 5000)).await?;
/// let (stream, peer) = listener.accept().await?;
/// println!("machine {} has connected", peer.cid());
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
pub struct VsockListener {
    io: AsyncFd<OwnedFd>,
    /// The pause of `poll_accept`, which has no future to keep it in.
    backoff: SharedBackoff,
}

impl VsockListener {
    /// Binds a socket to an address, usually [`VsockAddr::ANY`] and a port, and listens.
    /// [`VsockAddr::ANY_PORT`] lets the system choose.
    ///
    /// # Errors
    ///
    /// - `EADDRINUSE`: the port is taken; `EADDRNOTAVAIL`: the address is not one of this machine;
    /// - `EACCES`: a port below 1024, without privilege;
    /// - `EAFNOSUPPORT`: the kernel was built without; [`Unsupported`](io::ErrorKind::Unsupported):
    ///   the system has no such sockets.
    #[inline]
    pub async fn bind(address: VsockAddr) -> io::Result<VsockListener> {
        let raw = RawAddr::try_from(address)?;
        let fd = socket::create(Domain::vsock()?, Type::STREAM)?;
        socket::bind_raw(fd.as_fd(), &raw)?;
        socket::listen(fd.as_fd(), BACKLOG)?;
        Ok(VsockListener::from_io(AsyncFd::lazy(fd, Kind::Listener)))
    }

    fn from_io(io: AsyncFd<OwnedFd>) -> VsockListener {
        VsockListener { io, backoff: SharedBackoff::default() }
    }

    /// Accepts a connection, with all that is said of
    /// [`TcpListener::accept`](crate::net::TcpListener::accept). Should the system not say where it
    /// comes from, the address is [`VsockAddr::ANY`] with [`VsockAddr::ANY_PORT`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no connection: one is accepted only when it is returned.
    ///
    /// # Errors
    ///
    /// As there.
    #[inline]
    pub async fn accept(&self) -> io::Result<(VsockStream, VsockAddr)> {
        self.io.accept_with(take).await
    }

    /// Polls for a connection.
    ///
    /// # Errors
    ///
    /// As for [`accept`](Self::accept).
    #[inline]
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(VsockStream, VsockAddr)>> {
        self.io.poll_accept_with(cx, &self.backoff, take)
    }

    /// Accepts a connection if there is one.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none; otherwise as for accept(2).
    #[inline]
    pub fn try_accept(&self) -> io::Result<(VsockStream, VsockAddr)> {
        self.io.try_accept_with(take)
    }

    /// The connections as a stream that never ends.
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
    pub fn local_addr(&self) -> io::Result<VsockAddr> {
        VsockAddr::try_from(&socket::local_raw(self.io.fd())?)
    }

    fn io(&self) -> &AsyncFd<OwnedFd> {
        &self.io
    }
}

fn take(fd: BorrowedFd<'_>) -> io::Result<(VsockStream, VsockAddr)> {
    let (fd, raw) = socket::accept_raw(fd)?;
    Ok((VsockStream::from_accepted(fd), or_any(&raw)))
}

/// A connection is worth more than its address: one that cannot be read counts as that of nobody.
fn or_any(raw: &RawAddr) -> VsockAddr {
    VsockAddr::try_from(raw).unwrap_or(VsockAddr::new(VsockAddr::ANY, VsockAddr::ANY_PORT))
}

descriptor_face!(VsockListener);
sharing_face!(VsockListener);

/// The connections of a [`VsockListener`]; see [`VsockListener::incoming`].
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct Incoming<'a> {
    listener: &'a VsockListener,
}

impl Stream for Incoming<'_> {
    type Item = io::Result<VsockStream>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let accepted = ready!(self.listener.poll_accept(cx));
        Poll::Ready(Some(accepted.map(|(stream, _)| stream)))
    }
}

impl TryFrom<OwnedFd> for VsockListener {
    type Error = io::Error;

    /// Takes a listening socket over and makes it non-blocking.
    ///
    /// Fails with [`InvalidInput`](io::ErrorKind::InvalidInput) if it does not listen.
    #[inline]
    fn try_from(owned: OwnedFd) -> io::Result<VsockListener> {
        if !sockopt::ACCEPT_CONN.get(owned.as_fd())? {
            let sentence = "the socket does not listen";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, sentence));
        }
        socket::adopt(owned.as_fd())?;
        let io = AsyncFd::lazy(owned, Kind::Listener);
        io.registration().lend();
        Ok(VsockListener::from_io(io))
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::{RawAddr, VsockAddr, or_any};

    // Goal: an address that cannot be read costs no connection. Method: none at all and one of
    // another family.
    #[test]
    fn unreadable_address_is_that_of_nobody() {
        let nobody = VsockAddr::new(VsockAddr::ANY, VsockAddr::ANY_PORT);
        let internet = SocketAddr::from((Ipv4Addr::LOCALHOST, 5000));
        let empty = RawAddr::from_bytes(&[]).unwrap();
        for raw in [empty, RawAddr::from(&internet)] {
            assert_eq!(or_any(&raw), nobody);
        }
        // Where the system has such addresses.
        if let Ok(raw) = RawAddr::try_from(VsockAddr::new(3, 5000)) {
            assert_eq!(or_any(&raw), VsockAddr::new(3, 5000));
        }
    }
}
