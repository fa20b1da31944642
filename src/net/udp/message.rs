//! Receives that tell of truncation, and sends from several buffers.

use std::{
    future::Future,
    io::{self, IoSlice},
    net::SocketAddr,
    os::fd::BorrowedFd,
    task::{Context, Poll},
};

use edgewake_sys::{
    sockaddr::RawAddr,
    socket::{self, RecvFlags, SendFlags},
};

use super::UdpSocket;

/// A datagram that was received, and whether all of it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// How many bytes are in the buffer.
    pub length: usize,
    /// Where it came from.
    pub source: SocketAddr,
    /// It was longer than the buffer, and the rest of it is lost.
    pub truncated: bool,
}

/// # Truncation, and several buffers
///
/// What else can stand beside a datagram (the address it was sent to, ECN, a timestamp) comes with
/// batches.
impl UdpSocket {
    /// Receives a datagram, and says where it came from and whether it was cut. Otherwise as
    /// [`recv_from`](Self::recv_from), at the cost of some more instructions.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: a datagram is taken only when it is returned.
    ///
    /// # Errors
    ///
    /// As for [`recv_from`](Self::recv_from).
    ///
    /// # Examples
    ///
    /// ```
    /// use edgewake::net::UdpSocket;
    ///
    /// # let runtime = edgewake::Runtime::new()?;
    /// # runtime.block_on(async {
    /// let socket = UdpSocket::bind("127.0.0.1:0").await?;
    /// socket.send_to(b"too long", socket.local_addr()?).await?;
    /// let mut buffer = [0; 3];
    /// let received = socket.recv_message(&mut buffer).await?;
    /// assert!(received.truncated);
    /// assert_eq!(&buffer[..received.length], b"too");
    /// # std::io::Result::Ok(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # References
    ///
    /// [recvmsg(2)](https://man7.org/linux/man-pages/man2/recvmsg.2.html) `MSG_TRUNC`
    #[doc(alias = "MSG_TRUNC")]
    #[doc(alias = "recvmsg")]
    #[inline]
    pub fn recv_message(
        &self,
        buffer: &mut [u8],
    ) -> impl Future<Output = io::Result<Received>> + Send {
        self.io().recv_message(move |fd| receive(fd, buffer))
    }

    /// Polls for a datagram, as [`recv_message`](Self::recv_message) does.
    ///
    /// # Errors
    ///
    /// As for [`recv_from`](Self::recv_from).
    #[inline]
    pub fn poll_recv_message(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<Received>> {
        self.io().poll_recv_message(cx, |fd| receive(fd, buffer))
    }

    /// Receives a datagram if there is one, as [`recv_message`](Self::recv_message) does.
    ///
    /// # Errors
    ///
    /// As for [`try_recv_from`](Self::try_recv_from).
    #[inline]
    pub fn try_recv_message(&self, buffer: &mut [u8]) -> io::Result<Received> {
        self.io().try_recv_message(|fd| receive(fd, buffer))
    }

    /// Sends the bytes of several buffers as one datagram, such as a header and what follows it.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped has not sent.
    ///
    /// # Errors
    ///
    /// As for [`send_to`](Self::send_to); `EMSGSIZE` also for more than 1024 buffers.
    ///
    /// # References
    ///
    /// [sendmsg(2)](https://man7.org/linux/man-pages/man2/sendmsg.2.html)
    #[doc(alias = "sendmsg")]
    #[inline]
    pub fn send_to_vectored(
        &self,
        buffers: &[IoSlice<'_>],
        target: impl Into<SocketAddr>,
    ) -> impl Future<Output = io::Result<usize>> + Send {
        let target = RawAddr::from(&target.into());
        self.io().send_message(move |fd| transmit(fd, buffers, Some(&target)))
    }

    /// Polls to send a datagram from several buffers.
    ///
    /// # Errors
    ///
    /// As for [`send_to_vectored`](Self::send_to_vectored).
    #[inline]
    pub fn poll_send_to_vectored(
        &self,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
        target: impl Into<SocketAddr>,
    ) -> Poll<io::Result<usize>> {
        let target = RawAddr::from(&target.into());
        let send = |fd: BorrowedFd<'_>| transmit(fd, buffers, Some(&target));
        self.io().poll_send_message(self.pause(), cx, send)
    }

    /// Sends a datagram from several buffers if there is room for it.
    ///
    /// # Errors
    ///
    /// As for [`try_send_to`](Self::try_send_to) and [`send_to_vectored`](Self::send_to_vectored).
    #[inline]
    pub fn try_send_to_vectored(
        &self,
        buffers: &[IoSlice<'_>],
        target: impl Into<SocketAddr>,
    ) -> io::Result<usize> {
        let target = RawAddr::from(&target.into());
        self.io().try_send_message(|fd| transmit(fd, buffers, Some(&target)))
    }

    /// Sends the bytes of several buffers as one datagram to the peer of a connected socket.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped has not sent.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send) and [`send_to_vectored`](Self::send_to_vectored).
    #[inline]
    pub fn send_vectored(
        &self,
        buffers: &[IoSlice<'_>],
    ) -> impl Future<Output = io::Result<usize>> + Send {
        self.io().send_message(move |fd| transmit(fd, buffers, None))
    }

    /// Polls to send a datagram from several buffers to the peer.
    ///
    /// # Errors
    ///
    /// As for [`send_vectored`](Self::send_vectored).
    #[inline]
    pub fn poll_send_vectored(
        &self,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io().poll_send_message(self.pause(), cx, |fd| transmit(fd, buffers, None))
    }

    /// Sends a datagram from several buffers to the peer if there is room for it.
    ///
    /// # Errors
    ///
    /// As for [`try_send`](Self::try_send) and [`send_vectored`](Self::send_vectored).
    #[inline]
    pub fn try_send_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        self.io().try_send_message(|fd| transmit(fd, buffers, None))
    }
}

fn receive(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Received> {
    let mut buffers = [io::IoSliceMut::new(buffer)];
    let received = socket::recv_message(fd, &mut buffers, None, RecvFlags::NONE)?;
    let source = received.address.ok_or_else(without_source)?;
    let (length, truncated) = (received.length, received.truncated);
    Ok(Received { length, source: SocketAddr::try_from(&source)?, truncated })
}

#[cold]
fn without_source() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the kernel gave a datagram without its source")
}

fn transmit(
    fd: BorrowedFd<'_>,
    buffers: &[IoSlice<'_>],
    target: Option<&RawAddr>,
) -> io::Result<usize> {
    socket::send_message(fd, buffers, target, None, SendFlags::NONE)
}
