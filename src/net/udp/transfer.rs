//! Sending, receiving and looking at datagrams, in each form: awaited, polled, tried.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    task::{Context, Poll},
};

use edgewake_sys::socket;

use super::UdpSocket;

/// # Sending and receiving
///
/// Each has three forms: the `async` one waits, `poll_` registers the task, `try_` fails with
/// [`WouldBlock`](io::ErrorKind::WouldBlock) instead of waiting. Any number of tasks may wait in
/// the `async` forms. Of those that wait by `poll_` the last one's waker is sure to be kept, and at
/// least eight more.
impl UdpSocket {
    /// Sends a datagram to `target`. Returns its length: it goes whole or not at all.
    ///
    /// It waits for room in the socket's buffer, and where the system says that a queue behind it
    /// is full (`ENOBUFS`) it pauses, from 1 to 50 ms at a time, and tries again. That it was sent
    /// does not mean that it arrives.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped has not sent.
    ///
    /// # Errors
    ///
    /// - `EMSGSIZE`: longer than UDP (65507 bytes over IPv4), the path (where it must not be
    ///   fragmented) or, on Apple and the BSDs, the send buffer allows;
    /// - [`PermissionDenied`](io::ErrorKind::PermissionDenied): a broadcast address without
    ///   [`set_broadcast`](Self::set_broadcast), or a firewall;
    /// - `ENETUNREACH`, `EHOSTUNREACH`: no way there; `EAFNOSUPPORT`, `EINVAL`: another family's
    ///   address;
    /// - [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) of an earlier datagram, if the
    ///   socket is connected;
    /// - `EISCONN` if it is connected, on Apple and the BSDs;
    /// - `ENOBUFS` only where no driver is running to time the pause;
    /// - [`NotConnected`](io::ErrorKind::NotConnected), [`BrokenPipe`](io::ErrorKind::BrokenPipe):
    ///   it would have to wait, and no driver is running, or it has shut down.
    ///
    /// # Platform notes
    ///
    /// Linux throws datagrams away in silence where a device's queue is full.
    ///
    /// # References
    ///
    /// [sendto(2)](https://man7.org/linux/man-pages/man2/send.2.html)
    #[doc(alias = "sendto")]
    #[inline]
    pub fn send_to(
        &self,
        bytes: &[u8],
        target: impl Into<SocketAddr>,
    ) -> impl Future<Output = io::Result<usize>> + Send {
        let target = target.into();
        self.io().send_message(move |fd| socket::send_to(fd, bytes, &target))
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
        target: impl Into<SocketAddr>,
    ) -> Poll<io::Result<usize>> {
        let target = target.into();
        let send = |fd: std::os::fd::BorrowedFd<'_>| socket::send_to(fd, bytes, &target);
        self.io().poll_send_message(self.pause(), cx, send)
    }

    /// Sends a datagram if there is room for it.
    ///
    /// # Errors
    ///
    /// - [`WouldBlock`](io::ErrorKind::WouldBlock): the socket's buffer is full; wait until it is
    ///   [`writable`](Self::writable);
    /// - `ENOBUFS`: a queue behind it is full. The socket counts as writable all the while, so wait
    ///   a few milliseconds instead;
    /// - otherwise as for [`send_to`](Self::send_to).
    #[inline]
    pub fn try_send_to(&self, bytes: &[u8], target: impl Into<SocketAddr>) -> io::Result<usize> {
        let target = target.into();
        self.io().try_send_message(|fd| socket::send_to(fd, bytes, &target))
    }

    /// Sends a datagram to the peer of a connected socket. Otherwise as
    /// [`send_to`](Self::send_to).
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped has not sent.
    ///
    /// # Errors
    ///
    /// As for [`send_to`](Self::send_to); `EDESTADDRREQ` or `ENOTCONN` if there is no peer.
    ///
    /// # References
    ///
    /// [send(2)](https://man7.org/linux/man-pages/man2/send.2.html)
    #[inline]
    pub fn send(&self, bytes: &[u8]) -> impl Future<Output = io::Result<usize>> + Send {
        self.io().send_message(move |fd| socket::send(fd, bytes))
    }

    /// Polls to send a datagram to the peer.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    #[inline]
    pub fn poll_send(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.io().poll_send_message(self.pause(), cx, |fd| socket::send(fd, bytes))
    }

    /// Sends a datagram to the peer if there is room for it.
    ///
    /// # Errors
    ///
    /// As for [`try_send_to`](Self::try_send_to) and [`send`](Self::send).
    #[inline]
    pub fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.io().try_send_message(|fd| socket::send(fd, bytes))
    }

    /// Receives a datagram, and says where it came from. Zero is an empty datagram. What does not
    /// fit is lost, and the count does not say so: [`recv_message`](Self::recv_message) does.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: a datagram is taken only when it is returned.
    ///
    /// # Errors
    ///
    /// - [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) and other errors of what was sent
    ///   before, if the socket is connected: once each, and the socket goes on;
    /// - [`NotConnected`](io::ErrorKind::NotConnected), [`BrokenPipe`](io::ErrorKind::BrokenPipe):
    ///   it would have to wait, and no driver is running, or it has shut down.
    ///
    /// # References
    ///
    /// [recvfrom(2)](https://man7.org/linux/man-pages/man2/recv.2.html)
    #[doc(alias = "recvfrom")]
    #[inline]
    pub fn recv_from(
        &self,
        buffer: &mut [u8],
    ) -> impl Future<Output = io::Result<(usize, SocketAddr)>> + Send {
        self.io().recv_message(move |fd| socket::recv_from(fd, buffer))
    }

    /// Polls for a datagram, as [`recv_from`](Self::recv_from) does.
    ///
    /// # Errors
    ///
    /// As for [`recv_from`](Self::recv_from).
    #[inline]
    pub fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        self.io().poll_recv_message(cx, |fd| socket::recv_from(fd, buffer))
    }

    /// Receives a datagram if there is one.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none; otherwise as for
    /// [`recv_from`](Self::recv_from).
    #[inline]
    pub fn try_recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.io().try_recv_message(|fd| socket::recv_from(fd, buffer))
    }

    /// Receives a datagram without asking where it came from, as on a connected socket. Otherwise
    /// as [`recv_from`](Self::recv_from).
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    ///
    /// # Errors
    ///
    /// As for [`recv_from`](Self::recv_from).
    ///
    /// # References
    ///
    /// [recv(2)](https://man7.org/linux/man-pages/man2/recv.2.html)
    #[inline]
    pub fn recv(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> + Send {
        self.io().recv_message(move |fd| socket::recv(fd, buffer))
    }

    /// Polls for a datagram, as [`recv`](Self::recv) does.
    ///
    /// # Errors
    ///
    /// As for [`recv_from`](Self::recv_from).
    #[inline]
    pub fn poll_recv(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.io().poll_recv_message(cx, |fd| socket::recv(fd, buffer))
    }

    /// Receives a datagram if there is one, as [`recv`](Self::recv) does.
    ///
    /// # Errors
    ///
    /// As for [`try_recv_from`](Self::try_recv_from).
    #[inline]
    pub fn try_recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.io().try_recv_message(|fd| socket::recv(fd, buffer))
    }

    /// Receives a datagram and leaves it there, to be received again.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    ///
    /// # Errors
    ///
    /// As for [`recv_from`](Self::recv_from).
    ///
    /// # References
    ///
    /// [recv(2)](https://man7.org/linux/man-pages/man2/recv.2.html) `MSG_PEEK`
    #[doc(alias = "MSG_PEEK")]
    #[inline]
    pub fn peek(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> + Send {
        self.io().recv_message(move |fd| socket::peek(fd, buffer))
    }

    /// Polls to look at a datagram.
    ///
    /// # Errors
    ///
    /// As for [`recv_from`](Self::recv_from).
    #[inline]
    pub fn poll_peek(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.io().poll_recv_message(cx, |fd| socket::peek(fd, buffer))
    }

    /// Looks at a datagram if there is one.
    ///
    /// # Errors
    ///
    /// As for [`try_recv_from`](Self::try_recv_from).
    #[inline]
    pub fn try_peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.io().try_recv_message(|fd| socket::peek(fd, buffer))
    }

    /// Receives a datagram and leaves it there, and says where it came from. An empty buffer will
    /// do to learn that.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    ///
    /// # Errors
    ///
    /// As for [`recv_from`](Self::recv_from).
    #[inline]
    pub fn peek_from(
        &self,
        buffer: &mut [u8],
    ) -> impl Future<Output = io::Result<(usize, SocketAddr)>> + Send {
        self.io().recv_message(move |fd| socket::peek_from(fd, buffer))
    }

    /// Polls to look at a datagram and where it came from.
    ///
    /// # Errors
    ///
    /// As for [`recv_from`](Self::recv_from).
    #[inline]
    pub fn poll_peek_from(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        self.io().poll_recv_message(cx, |fd| socket::peek_from(fd, buffer))
    }

    /// Looks at a datagram and where it came from, if there is one.
    ///
    /// # Errors
    ///
    /// As for [`try_recv_from`](Self::try_recv_from).
    #[inline]
    pub fn try_peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.io().try_recv_message(|fd| socket::peek_from(fd, buffer))
    }
}
