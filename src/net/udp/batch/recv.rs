//! Receiving many datagrams with one call.

use std::{
    fmt, io,
    iter::FusedIterator,
    os::fd::BorrowedFd,
    task::{Context, Poll},
};

use bytes::BytesMut;
use edgewake_sys::socket::{MultiRecv, RecvFlags};

use super::datagram::{Datagram, Details};
use crate::{
    net::UdpSocket,
    sync::{Mutex, lock},
};

/// Room for what comes beside a datagram: two addresses, class, hop limit, time and segment size
/// take less than 200 bytes on every system.
const CONTROL: usize = 256;

/// A socket's error that stood behind datagrams, where they are received one by one: the kernel has
/// forgotten it, so that the next batch begins with it. It is the socket's, as a batch can go on to
/// another one.
#[derive(Debug)]
pub(in crate::net::udp) struct Unsaid(Mutex<Option<io::Error>>);

impl Unsaid {
    #[inline]
    pub(in crate::net::udp) fn new() -> Unsaid {
        Unsaid(Mutex::new(None))
    }

    fn take(&self) -> Option<io::Error> {
        lock(&self.0).take()
    }

    fn put(&self, error: io::Error) {
        *lock(&self.0) = Some(error);
    }
}

/// Reusable storage for received datagrams; see [`UdpSocket::recv_batch`].
///
/// Each datagram has a buffer of its own. [`take`](Self::take) gives one away without copying.
pub struct RecvBatch {
    /// As long as `size` each, or shorter where data was taken away.
    buffers: Vec<BytesMut>,
    size: usize,
    raw: MultiRecv,
    details: Vec<Details>,
}

impl RecvBatch {
    /// Storage for `capacity` datagrams of `size` bytes at most, that much memory and some 500
    /// bytes more for each.
    ///
    /// A datagram that is longer is cut. Over Ethernet 1500 bytes are enough; with
    /// [`set_gro`](UdpSocket::set_gro) give room for several, best 65535 bytes.
    ///
    /// # Panics
    ///
    /// If `capacity` is 0.
    #[inline]
    pub fn new(capacity: usize, size: usize) -> RecvBatch {
        assert!(capacity > 0, "a batch has room for at least one datagram");
        RecvBatch {
            buffers: (0..capacity).map(|_| BytesMut::zeroed(size)).collect(),
            size,
            raw: MultiRecv::new(capacity, CONTROL),
            details: Vec::with_capacity(capacity),
        }
    }

    /// How many datagrams it has room for.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.buffers.len()
    }

    /// How many datagrams are in it.
    #[inline]
    pub fn len(&self) -> usize {
        self.details.len()
    }

    /// Whether there is none in it.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.details.is_empty()
    }

    /// The datagram at `index`, in the order in which they arrived.
    #[inline]
    pub fn get(&self, index: usize) -> Option<Datagram<'_>> {
        let details = self.details.get(index)?;
        let data = self.buffers[index].get(..details.length).unwrap_or_default();
        Some(Datagram { data, details })
    }

    /// The datagrams in it.
    #[inline]
    pub fn iter(&self) -> Datagrams<'_> {
        Datagrams { batch: self, at: 0 }
    }

    /// Takes the data of a datagram away without copying; it stays in the batch without its data.
    /// The next receive allocates a buffer in its place, or gets this one back if by then the data
    /// was dropped.
    #[inline]
    pub fn take(&mut self, index: usize) -> Option<BytesMut> {
        let length = self.details.get_mut(index).map(|details| &mut details.length)?;
        let taken = self.buffers[index].split_to(*length);
        *length = 0;
        Some(taken)
    }

    /// Receives what is there in place of what is in it.
    fn receive(&mut self, fd: BorrowedFd<'_>, unsaid: &Unsaid) -> io::Result<usize> {
        self.details.clear();
        if let Some(error) = unsaid.take() {
            return Err(error);
        }
        for buffer in &mut self.buffers {
            if buffer.len() < self.size {
                // Gets the allocation back where nobody else has a part of it any more.
                buffer.clear();
                buffer.resize(self.size, 0);
            }
        }
        let buffers = self.buffers.iter_mut().map(|buffer| &mut buffer[..]);
        let outcome = self.raw.receive(fd, buffers, RecvFlags::NONE);
        if let Some(error) = self.raw.take_error() {
            unsaid.put(error);
        }
        let count = outcome?;
        for index in 0..count {
            if let Some(received) = self.raw.received(index) {
                self.details.push(Details::new(&received, self.raw.control(index)));
            }
        }
        Ok(count)
    }
}

impl fmt::Debug for RecvBatch {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl<'a> IntoIterator for &'a RecvBatch {
    type Item = Datagram<'a>;
    type IntoIter = Datagrams<'a>;

    #[inline]
    fn into_iter(self) -> Datagrams<'a> {
        self.iter()
    }
}

/// The datagrams of a [`RecvBatch`], in order.
#[derive(Clone, Debug)]
pub struct Datagrams<'a> {
    batch: &'a RecvBatch,
    at: usize,
}

impl<'a> Iterator for Datagrams<'a> {
    type Item = Datagram<'a>;

    #[inline]
    fn next(&mut self) -> Option<Datagram<'a>> {
        let datagram = self.batch.get(self.at)?;
        self.at += 1;
        Some(datagram)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.batch.len() - self.at;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Datagrams<'_> {}
impl FusedIterator for Datagrams<'_> {}

/// # Many datagrams at once: receiving
impl UdpSocket {
    /// Receives the datagrams that are there, at most as many as `batch` has room for, in place of
    /// what is in it. Waits until there is one. Returns how many.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: datagrams are taken only when the future returns. (Dropping it in between
    /// can leave `batch` empty.)
    ///
    /// # Errors
    ///
    /// As for [`recv_from`](Self::recv_from). An error that stands behind datagrams is returned
    /// after them.
    ///
    /// # Platform notes
    ///
    /// Linux, NetBSD and OpenBSD: one system call (`recvmmsg`). Elsewhere one for each datagram,
    /// and one that finds no more; there an error behind datagrams is kept in `batch`, and returned
    /// when that is next used with this socket.
    ///
    /// # Examples
    ///
    /// ```
    /// use edgewake::net::{UdpSocket, udp::RecvBatch};
    ///
    /// # let runtime = edgewake::Runtime::new()?;
    /// # runtime.block_on(async {
    /// let server = UdpSocket::bind("127.0.0.1:0").await?;
    /// let client = UdpSocket::bind("127.0.0.1:0").await?;
    /// for text in ["one", "two", "three"] {
    ///     client.send_to(text.as_bytes(), server.local_addr()?).await?;
    /// }
    ///
    /// let mut batch = RecvBatch::new(32, 1500);
    /// let mut received = Vec::new();
    /// while received.len() < 3 {
    ///     server.recv_batch(&mut batch).await?;
    ///     for datagram in &batch {
    ///         assert_eq!(datagram.source(), client.local_addr()?);
    ///         received.push(datagram.data().to_vec());
    ///     }
    /// }
    /// assert_eq!(received, [&b"one"[..], b"two", b"three"]);
    /// # std::io::Result::Ok(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # References
    ///
    /// [recvmmsg(2)](https://man7.org/linux/man-pages/man2/recvmmsg.2.html)
    #[doc(alias = "recvmmsg")]
    #[inline]
    pub async fn recv_batch(&self, batch: &mut RecvBatch) -> io::Result<usize> {
        self.io().recv_message(|fd| batch.receive(fd, self.unsaid())).await
    }

    /// Polls for datagrams, as [`recv_batch`](Self::recv_batch) does.
    ///
    /// # Errors
    ///
    /// As for [`recv_batch`](Self::recv_batch).
    #[inline]
    pub fn poll_recv_batch(
        &self,
        cx: &mut Context<'_>,
        batch: &mut RecvBatch,
    ) -> Poll<io::Result<usize>> {
        self.io().poll_recv_message(cx, |fd| batch.receive(fd, self.unsaid()))
    }

    /// Receives datagrams if there are any, as [`recv_batch`](Self::recv_batch) does.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none; otherwise as for
    /// [`recv_batch`](Self::recv_batch).
    #[inline]
    pub fn try_recv_batch(&self, batch: &mut RecvBatch) -> io::Result<usize> {
        self.io().try_recv_message(|fd| batch.receive(fd, self.unsaid()))
    }
}
