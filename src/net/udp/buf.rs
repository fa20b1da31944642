//! Receiving into the buffers of the `bytes` crate.

use std::{
    io,
    net::SocketAddr,
    task::{Context, Poll},
};

use bytes::BufMut;

use super::UdpSocket;
use crate::io::read_buf;

/// # Buffers of the `bytes` crate
///
/// A datagram goes into one contiguous piece of spare capacity, which need not be initialised, and
/// the buffer is advanced by what was received. What does not fit is lost, so give the buffer room
/// first: a [`Vec`] or [`bytes::BytesMut`] without spare capacity grows by 64 bytes only. Into a
/// buffer that cannot grow and is full a datagram is received all the same, and cut to nothing.
impl UdpSocket {
    /// Receives a datagram into the spare capacity of a buffer.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: the buffer is advanced in the same step in which the datagram is taken.
    ///
    /// # Errors
    ///
    /// As for [`recv_from`](Self::recv_from).
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use edgewake::net::UdpSocket;
    ///
    /// # let runtime = edgewake::Runtime::new()?;
    /// # runtime.block_on(async {
    /// let socket = UdpSocket::bind("127.0.0.1:0").await?;
    /// socket.send_to(b"to oneself", socket.local_addr()?).await?;
    ///
    /// let mut received = BytesMut::with_capacity(1500);
    /// let (count, peer) = socket.recv_buf_from(&mut received).await?;
    /// assert_eq!((count, peer), (10, socket.local_addr()?));
    /// assert_eq!(received, "to oneself");
    /// # std::io::Result::Ok(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub async fn recv_buf_from<B: BufMut + ?Sized>(
        &self,
        buffer: &mut B,
    ) -> io::Result<(usize, SocketAddr)> {
        self.io().recv_message(|fd| read_buf::recv_from(fd, buffer)).await
    }

    /// Polls to receive into a buffer, as [`recv_buf_from`](Self::recv_buf_from) does.
    ///
    /// # Errors
    ///
    /// As for [`recv_from`](Self::recv_from).
    pub fn poll_recv_buf_from<B: BufMut + ?Sized>(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut B,
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        self.io().poll_recv_message(cx, |fd| read_buf::recv_from(fd, buffer))
    }

    /// Receives a datagram into a buffer if there is one.
    ///
    /// # Errors
    ///
    /// As for [`try_recv_from`](Self::try_recv_from).
    pub fn try_recv_buf_from<B: BufMut + ?Sized>(
        &self,
        buffer: &mut B,
    ) -> io::Result<(usize, SocketAddr)> {
        self.io().try_recv_message(|fd| read_buf::recv_from(fd, buffer))
    }

    /// Receives a datagram into a buffer without asking where it came from.
    ///
    /// # Cancel safety
    ///
    /// As for [`recv_buf_from`](Self::recv_buf_from).
    ///
    /// # Errors
    ///
    /// As for [`recv_from`](Self::recv_from).
    pub async fn recv_buf<B: BufMut + ?Sized>(&self, buffer: &mut B) -> io::Result<usize> {
        self.io().recv_message(|fd| read_buf::recv(fd, buffer)).await
    }

    /// Polls to receive into a buffer, as [`recv_buf`](Self::recv_buf) does.
    ///
    /// # Errors
    ///
    /// As for [`recv_from`](Self::recv_from).
    pub fn poll_recv_buf<B: BufMut + ?Sized>(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut B,
    ) -> Poll<io::Result<usize>> {
        self.io().poll_recv_message(cx, |fd| read_buf::recv(fd, buffer))
    }

    /// Receives a datagram into a buffer if there is one, as [`recv_buf`](Self::recv_buf) does.
    ///
    /// # Errors
    ///
    /// As for [`try_recv_from`](Self::try_recv_from).
    pub fn try_recv_buf<B: BufMut + ?Sized>(&self, buffer: &mut B) -> io::Result<usize> {
        self.io().try_recv_message(|fd| read_buf::recv(fd, buffer))
    }
}
