//! The connected socket.

use std::{
    future::Future,
    io::{self, IoSlice, IoSliceMut},
    net::{Shutdown, SocketAddr},
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
    pin::Pin,
    task::{Context, Poll},
};

use edgewake_sys::{
    Interest,
    socket::{self, Domain, Progress, Type},
};
use futures::io::{AsyncRead, AsyncWrite};

use crate::{
    async_fd::AsyncFd,
    net::addr::{ToSocketAddrs, no_address},
    reactor::{Direction, Kind, Readiness},
};

/// A TCP connection.
///
/// `TcpStream` and `&TcpStream` both implement [`AsyncRead`] and [`AsyncWrite`], so one task can
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

    /// Connects a new socket. It is registered only once the connect is under way: a socket that
    /// is neither connected nor connecting reports a hang-up (T10).
    pub(super) async fn connect_socket(
        fd: OwnedFd,
        address: &SocketAddr,
        origin: Origin,
    ) -> io::Result<TcpStream> {
        if socket::connect(fd.as_fd(), address)? == Progress::Done {
            return Ok(TcpStream { io: origin.mark(AsyncFd::lazy(fd, origin.kind())) });
        }
        let io = origin.mark(AsyncFd::unready(fd, origin.kind()));
        loop {
            let guard = io.ready(Interest::WRITABLE).await?;
            // Writability alone proves nothing: macOS reports it early (T55).
            let seen = io.snapshots();
            drop(guard);
            match socket::connect_outcome(io.fd())? {
                Progress::Done => return Ok(TcpStream { io }),
                Progress::InProgress => io.clear(Interest::WRITABLE, seen),
            }
        }
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

    /// Waits until there is something to read: data, the end of it, or an error.
    ///
    /// No buffer is needed while waiting. Follow with [`try_read`](Self::try_read), and wait again
    /// if that would block.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    ///
    /// # Errors
    ///
    /// - [`NotConnected`](io::ErrorKind::NotConnected): no driver is running here;
    /// - [`BrokenPipe`](io::ErrorKind::BrokenPipe): it has shut down;
    /// - what registering returns: `ENOSPC` at the limit of watches, `ENOMEM`.
    #[inline(always)]
    pub fn readable(&self) -> impl Future<Output = io::Result<()>> + Send + '_ {
        self.io.wait::<true>()
    }

    /// Waits until there is room to write. Otherwise as [`readable`](Self::readable).
    ///
    /// # Errors
    ///
    /// As for [`readable`](Self::readable).
    #[inline(always)]
    pub fn writable(&self) -> impl Future<Output = io::Result<()>> + Send + '_ {
        self.io.wait::<false>()
    }

    /// Waits until something of `interest` is ready, and says what.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    ///
    /// # Errors
    ///
    /// As for [`readable`](Self::readable); [`InvalidInput`](io::ErrorKind::InvalidInput) for an
    /// empty interest.
    pub async fn ready(&self, interest: Interest) -> io::Result<Readiness> {
        self.io.wait_for(interest).await?;
        self.io.readiness(interest)
    }

    /// Waits until the peer has closed its writing half, or the connection has failed, without
    /// reading. Data that is still to be read stays, and does not wake it.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    ///
    /// # Errors
    ///
    /// As for [`readable`](Self::readable).
    pub async fn closed(&self) -> io::Result<()> {
        self.io.closed().await
    }

    /// Reads if there is something to read. Zero is the end of it.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is nothing; otherwise what recv(2)
    /// returns.
    #[inline]
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.io.try_recv(buffer)
    }

    /// As [`try_read`](Self::try_read), into several buffers in turn.
    ///
    /// # Errors
    ///
    /// As for [`try_read`](Self::try_read).
    pub fn try_read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.io.try_recv_vectored(buffers)
    }

    /// Writes what there is room for.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none; otherwise what send(2) returns.
    /// A broken connection is `EPIPE`; no signal is raised.
    #[inline]
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.io.try_send(bytes)
    }

    /// As [`try_write`](Self::try_write), from several buffers in turn.
    ///
    /// # Errors
    ///
    /// As for [`try_write`](Self::try_write).
    pub fn try_write_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        self.io.try_send_vectored(buffers)
    }

    /// Tries an operation of the caller's own on the socket; if it would block, the readiness of
    /// `interest` is cleared, so that the next wait waits.
    ///
    /// The operation must work on this very socket. If it receives out-of-band data, call
    /// [`read_until_would_block`](Self::read_until_would_block) first.
    ///
    /// # Errors
    ///
    /// What the operation returns.
    pub fn try_io<R>(
        &self,
        interest: Interest,
        operation: impl FnOnce() -> io::Result<R>,
    ) -> io::Result<R> {
        self.io.try_io(interest, |_| operation())
    }

    /// Waits until `interest` is ready and tries an operation of the caller's own on the socket, as
    /// often as it takes until it does not block. What [`try_io`](Self::try_io) says of the
    /// operation holds here too.
    ///
    /// # Cancel safety
    ///
    /// The operation either has completed, and its result is returned at once, or has done
    /// nothing.
    ///
    /// # Errors
    ///
    /// What the operation returns, and as for [`ready`](Self::ready).
    pub async fn async_io<R>(
        &self,
        interest: Interest,
        mut operation: impl FnMut() -> io::Result<R>,
    ) -> io::Result<R> {
        self.io.async_io(interest, |_| operation()).await
    }

    /// Receives without taking: the data stays to be read.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    ///
    /// # Errors
    ///
    /// What recv(2) returns, and as for [`readable`](Self::readable).
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        std::future::poll_fn(|cx| self.poll_peek(cx, buffer)).await
    }

    /// Polls for data without taking it.
    ///
    /// # Errors
    ///
    /// As for [`peek`](Self::peek).
    pub fn poll_peek(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.io.poll_peek(cx, buffer)
    }

    /// Polls for readability.
    ///
    /// # Errors
    ///
    /// As for [`readable`](Self::readable).
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.poll_direction(Direction::Read, cx)
    }

    /// Polls for writability. Otherwise as [`poll_read_ready`](Self::poll_read_ready).
    ///
    /// # Errors
    ///
    /// As for [`readable`](Self::readable).
    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.poll_direction(Direction::Write, cx)
    }

    /// Shuts down a half or both, at once. Shutting down what is shut, or what the peer has reset,
    /// is no error.
    ///
    /// # Errors
    ///
    /// What else shutdown(2) returns.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.io.shutdown(how)
    }

    /// From now on a short count no longer counts as "nothing is left": every row of reads goes on
    /// until `WouldBlock`. For sockets that something else reads from too, or whose reads do not
    /// take all that is there: kernel TLS, raw out-of-band receives.
    pub fn read_until_would_block(&self) {
        self.io.registration().read_until_would_block();
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

impl AsyncRead for &TcpStream {
    #[inline(always)]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.io.poll_recv(cx, buffer)
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io.poll_recv_vectored(cx, buffers)
    }
}

impl AsyncWrite for &TcpStream {
    #[inline(always)]
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.io.poll_send(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io.poll_send_vectored(cx, buffers)
    }

    /// Nothing is buffered here.
    #[inline]
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Shuts down the writing half.
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.shutdown(Shutdown::Write))
    }
}

impl AsyncRead for TcpStream {
    #[inline(always)]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.io.poll_recv(cx, buffer)
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io.poll_recv_vectored(cx, buffers)
    }
}

impl AsyncWrite for TcpStream {
    #[inline(always)]
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.io.poll_send(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io.poll_send_vectored(cx, buffers)
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.shutdown(Shutdown::Write))
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

impl From<TcpStream> for OwnedFd {
    /// Deregisters the socket and gives it away. It stays non-blocking.
    fn from(stream: TcpStream) -> OwnedFd {
        stream.io.into_inner()
    }
}

impl AsFd for TcpStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}

impl AsRawFd for TcpStream {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}
