//! Linux's error queue: what became of datagrams that were sent.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    os::fd::BorrowedFd,
    time::SystemTime,
};

pub use edgewake_sys::cmsg::ErrorOrigin;
use edgewake_sys::{
    cmsg::{Control, ExtendedError, Message, Timestamps},
    socket::{self, Domain},
};

use super::{UdpSocket, zerocopy::ZeroCopyDone};
use crate::net::sockopt;

/// Room for the datagram that an entry is about: what an ICMP message can quote, and more than an
/// Ethernet frame carries.
const PAYLOAD: usize = 2048;
/// Room for the entry with its offender's address, and three times.
const CONTROL: usize = 256;

/// An entry of the error queue: an error that a datagram met, or what else became of it; see
/// [`UdpSocket::recv_error`].
pub struct QueuedError {
    entry: ExtendedError,
    times: Timestamps,
    destination: Option<SocketAddr>,
    payload: Vec<u8>,
    truncated: bool,
}

impl QueuedError {
    /// Who says so. [`Timestamp`](ErrorOrigin::Timestamp) and
    /// [`ZeroCopy`](ErrorOrigin::ZeroCopy) are no errors.
    #[inline]
    pub fn origin(&self) -> ErrorOrigin {
        self.entry.origin
    }

    /// The error: [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) where nobody listens,
    /// `EHOSTUNREACH`, `EMSGSIZE` and others. Of an entry that is none, `None`.
    #[inline]
    pub fn error(&self) -> Option<io::Error> {
        let report = matches!(self.entry.origin, ErrorOrigin::Timestamp | ErrorOrigin::ZeroCopy);
        (!report).then(|| self.entry.to_io_error())
    }

    /// Type and code of the ICMP or ICMPv6 message.
    #[inline]
    pub fn icmp(&self) -> Option<(u8, u8)> {
        let icmp = matches!(self.entry.origin, ErrorOrigin::Icmp | ErrorOrigin::Icmp6);
        icmp.then_some((self.entry.icmp_type, self.entry.icmp_code))
    }

    /// The MTU of the path, if the datagram was too long for it.
    #[inline]
    pub fn mtu(&self) -> Option<u32> {
        let size = self.error().is_some_and(|error| socket::is_too_long(&error));
        size.then_some(self.entry.info)
    }

    /// The machine that the ICMP message came from: the destination, or a router before it.
    #[inline]
    pub fn offender(&self) -> Option<IpAddr> {
        self.entry.offender.map(|address| address.ip().to_canonical())
    }

    /// Where the datagram was sent to.
    #[inline]
    pub fn destination(&self) -> Option<SocketAddr> {
        self.destination
    }

    /// The datagram, as much of it as the ICMP message quotes or, of an error of this machine,
    /// 2048 bytes of it.
    #[inline]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Whether the datagram was longer than that.
    #[inline]
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// When a datagram left, and which one: the number counts what this socket has sent since
    /// [`set_send_timestamp`](UdpSocket::set_send_timestamp), from 0.
    #[inline]
    pub fn sent_at(&self) -> Option<(u32, SystemTime)> {
        let stamp = self.entry.origin == ErrorOrigin::Timestamp;
        Some(self.entry.data).filter(|_| stamp).zip(self.times.software)
    }

    /// Which zero-copy sends are done with their memory.
    #[inline]
    pub fn zero_copy(&self) -> Option<ZeroCopyDone> {
        (self.entry.origin == ErrorOrigin::ZeroCopy).then(|| ZeroCopyDone::of(&self.entry))
    }

    /// Takes the next entry.
    fn take(fd: BorrowedFd<'_>) -> io::Result<QueuedError> {
        let mut payload = vec![0; PAYLOAD];
        let mut control = Control::with_capacity(CONTROL);
        let received = socket::recv_queued_error(fd, &mut payload, &mut control)?;
        payload.truncate(received.length);
        let (mut entry, mut times) = (None, Timestamps::default());
        for message in control.messages() {
            match message {
                Message::Error(error) => entry = Some(error),
                Message::Timestamps(stamps) => times = stamps,
                _ => {}
            }
        }
        let nameless = || {
            let sentence = "an entry of the error queue does not say what it is about";
            io::Error::new(io::ErrorKind::InvalidData, sentence)
        };
        let destination = received.address.and_then(|raw| SocketAddr::try_from(&raw).ok());
        Ok(QueuedError {
            entry: entry.ok_or_else(nameless)?,
            times,
            destination,
            payload,
            truncated: received.truncated,
        })
    }
}

impl fmt::Debug for QueuedError {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueuedError")
            .field("origin", &self.origin())
            .field("error", &self.error())
            .field("icmp", &self.icmp())
            .field("offender", &self.offender())
            .field("destination", &self.destination)
            .field("sent_at", &self.sent_at())
            .field("zero_copy", &self.zero_copy())
            .finish_non_exhaustive()
    }
}

/// # The error queue (Linux)
///
/// What became of datagrams that were sent: which of them met which error, when they left, and
/// that their memory is free again. Elsewhere all of it is
/// [`Unsupported`](io::ErrorKind::Unsupported).
impl UdpSocket {
    /// Has errors queued with the datagram they are about. Off by default.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) except on Linux.
    ///
    /// # Platform notes
    ///
    /// From then on an unconnected socket learns of errors too: beside being queued, each is
    /// returned once by whatever is done next, so that an answer to one dead client disturbs a
    /// server's receive from all others (T63). Go on after it.
    ///
    /// # References
    ///
    /// [ip(7)](https://man7.org/linux/man-pages/man7/ip.7.html) `IP_RECVERR`
    #[doc(alias = "IP_RECVERR")]
    #[doc(alias = "IPV6_RECVERR")]
    #[inline]
    pub fn set_recv_errors(&self, on: bool) -> io::Result<()> {
        if self.domain()? == Domain::IPV6 {
            self.set_option(&sockopt::RECV_ERRORS_V6, on)?;
        }
        // For the IPv4 that it carries, also of an IPv6 socket.
        self.set_option(&sockopt::RECV_ERRORS, on)
    }

    /// Has the time at which each datagram leaves this machine told in the error queue, by the
    /// system's clock. Off by default.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) except on Linux; `EINVAL` before Linux 4.0.
    ///
    /// # References
    ///
    /// [timestamping](https://docs.kernel.org/networking/timestamping.html) `SO_TIMESTAMPING`
    #[doc(alias = "SO_TIMESTAMPING")]
    #[inline]
    pub fn set_send_timestamp(&self, on: bool) -> io::Result<()> {
        sockopt::SEND_TIMESTAMP.set(self.fd(), on)
    }

    /// Waits for the next entry of the error queue and takes it. Something must have been asked
    /// for: [`set_recv_errors`](Self::set_recv_errors),
    /// [`set_send_timestamp`](Self::set_send_timestamp) or [`set_zerocopy`](Self::set_zerocopy).
    ///
    /// Any number of tasks may wait at once, and beside those that wait for data. What waits for
    /// data is woken by an entry too, and waits on.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: an entry is taken only when it is returned.
    ///
    /// # Errors
    ///
    /// - [`Unsupported`](io::ErrorKind::Unsupported) except on Linux;
    /// - [`NotConnected`](io::ErrorKind::NotConnected), [`BrokenPipe`](io::ErrorKind::BrokenPipe):
    ///   it would have to wait, and no driver is running, or it has shut down.
    ///
    /// # Examples
    ///
    /// ```
    /// use edgewake::net::UdpSocket;
    ///
    /// # let runtime = edgewake::Runtime::new()?;
    /// # runtime.block_on(async {
    /// let socket = UdpSocket::bind("127.0.0.1:0").await?;
    /// if socket.set_recv_errors(true).is_err() {
    ///     return Ok(()); // Not Linux.
    /// }
    /// let nobody = UdpSocket::bind("127.0.0.1:0").await?.local_addr()?;
    /// socket.send_to(b"to nobody", nobody).await?;
    ///
    /// let entry = socket.recv_error().await?;
    /// assert_eq!(entry.destination(), Some(nobody));
    /// assert_eq!(entry.error().unwrap().kind(), std::io::ErrorKind::ConnectionRefused);
    /// assert_eq!(entry.payload(), b"to nobody");
    /// # std::io::Result::Ok(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # References
    ///
    /// [recv(2)](https://man7.org/linux/man-pages/man2/recv.2.html) `MSG_ERRQUEUE`
    #[doc(alias = "MSG_ERRQUEUE")]
    #[inline]
    pub async fn recv_error(&self) -> io::Result<QueuedError> {
        let entry = self.io().on_errors(QueuedError::take).await?;
        self.note(&entry);
        Ok(entry)
    }

    /// Takes the next entry of the error queue if there is one.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none;
    /// [`Unsupported`](io::ErrorKind::Unsupported) except on Linux.
    #[doc(alias = "MSG_ERRQUEUE")]
    pub fn try_recv_error(&self) -> io::Result<QueuedError> {
        loop {
            // It says nothing about data: no readiness is cleared.
            match QueuedError::take(self.fd()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(entry) => {
                    self.note(&entry);
                    return Ok(entry);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Frees the memory of zero-copy sends that are done.
    fn note(&self, entry: &QueuedError) {
        if let Some(done) = entry.zero_copy() {
            self.held().release(done);
        }
    }
}
