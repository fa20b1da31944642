//! The options that only a connection has.

use std::io;

use edgewake_sys::sockopt;

use super::TcpStream;
use crate::net::sockopt::TcpInfo;

/// # Options of a connection
impl TcpStream {
    /// Whether segments are acknowledged at once instead of with the next data. Linux.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) elsewhere.
    ///
    /// # References
    ///
    /// [tcp(7)](https://man7.org/linux/man-pages/man7/tcp.7.html) `TCP_QUICKACK`
    #[doc(alias = "TCP_QUICKACK")]
    #[inline]
    pub fn quickack(&self) -> io::Result<bool> {
        sockopt::QUICK_ACK.get(self.fd())
    }

    /// Sets [`quickack`](Self::quickack). It does not last: the system goes back to its own rules
    /// as it sees fit, so set it again after each read that it matters for.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) except on Linux.
    #[doc(alias = "TCP_QUICKACK")]
    #[inline]
    pub fn set_quickack(&self, quickack: bool) -> io::Result<()> {
        sockopt::QUICK_ACK.set(self.fd(), quickack)
    }

    /// Whether partial segments are held back; see [`set_cork`](Self::set_cork). Off by default.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) on NetBSD.
    ///
    /// # References
    ///
    /// [tcp(7)](https://man7.org/linux/man-pages/man7/tcp.7.html) `TCP_CORK`
    #[doc(alias = "TCP_CORK")]
    #[doc(alias = "TCP_NOPUSH")]
    #[inline]
    pub fn cork(&self) -> io::Result<bool> {
        sockopt::CORK.get(self.fd())
    }

    /// Holds partial segments back until it is cleared: for a header that is written before the
    /// file that follows it.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) on NetBSD.
    ///
    /// # Platform notes
    ///
    /// Linux (`TCP_CORK`) holds them back for 200 ms at most. On the BSDs and Apple it is
    /// `TCP_NOPUSH`; some of them send what is held back only with the next write after it was
    /// cleared.
    #[doc(alias = "TCP_CORK")]
    #[doc(alias = "TCP_NOPUSH")]
    #[inline]
    pub fn set_cork(&self, cork: bool) -> io::Result<()> {
        sockopt::CORK.set(self.fd(), cork)
    }

    /// Whether urgent data stays in its place in the stream. Off by default.
    ///
    /// # Errors
    ///
    /// What getsockopt(2) returns.
    ///
    /// # References
    ///
    /// [socket(7)](https://man7.org/linux/man-pages/man7/socket.7.html) `SO_OOBINLINE`
    #[doc(alias = "SO_OOBINLINE")]
    #[inline]
    pub fn oob_inline(&self) -> io::Result<bool> {
        sockopt::OOB_INLINE.get(self.fd())
    }

    /// Sets [`oob_inline`](Self::oob_inline). Reads still stop before the urgent byte, so from now
    /// on they go on until `WouldBlock`, as
    /// [`read_until_would_block`](Self::read_until_would_block) says.
    ///
    /// # Errors
    ///
    /// What setsockopt(2) returns.
    #[doc(alias = "SO_OOBINLINE")]
    #[inline]
    pub fn set_oob_inline(&self, inline: bool) -> io::Result<()> {
        self.read_until_would_block();
        sockopt::OOB_INLINE.set(self.fd(), inline)
    }

    /// What the system knows about the connection: its state, round-trip time, congestion window,
    /// retransmissions. Linux, FreeBSD, NetBSD, OpenBSD; each fills what it keeps.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) on Apple and DragonFly.
    ///
    /// # References
    ///
    /// [tcp(7)](https://man7.org/linux/man-pages/man7/tcp.7.html) `TCP_INFO`
    #[doc(alias = "TCP_INFO")]
    #[inline]
    pub fn tcp_info(&self) -> io::Result<TcpInfo> {
        sockopt::tcp_info(self.fd())
    }
}
