//! Asking for what comes beside datagrams.
//!
//! An IPv6 socket that carries IPv4 too is asked for both, where the system takes that; of
//! addresses the IPv6 option alone tells all.

use std::io;

use edgewake_sys::{socket::Domain, sockopt::SockOpt};

use super::UdpSocket;
use crate::net::sockopt;

/// # What comes beside datagrams
///
/// Off by default. Receive with [`recv_batch`](Self::recv_batch) to see it.
///
/// | what | Linux, Android | Apple | FreeBSD | DragonFly | NetBSD | OpenBSD |
/// | --- | --- | --- | --- | --- | --- | --- |
/// | address and interface | yes | yes | yes | yes | yes | yes |
/// | class and ECN, IPv4 | yes | yes | yes | - | - | - |
/// | class and ECN, IPv6 | yes | yes | yes | yes | yes | yes |
/// | time to live, hop limit | yes | yes | yes | yes | yes | yes |
/// | time, in | ns | µs | µs | µs | µs | µs |
/// | segments ([`set_gro`](Self::set_gro)) | yes | - | - | - | - | - |
impl UdpSocket {
    /// Asks for the address that each datagram was sent to, and its interface: to know which of
    /// this machine's addresses a client speaks to, and to
    /// [answer from it](super::Outgoing::source).
    ///
    /// # Errors
    ///
    /// What setsockopt(2) returns.
    ///
    /// # Examples
    ///
    /// ```
    /// use edgewake::net::{UdpSocket, udp::RecvBatch};
    ///
    /// # let runtime = edgewake::Runtime::new()?;
    /// # runtime.block_on(async {
    /// let server = UdpSocket::bind("127.0.0.1:0").await?;
    /// server.set_recv_packet_info(true)?;
    /// server.send_to(b"to oneself", server.local_addr()?).await?;
    ///
    /// let mut batch = RecvBatch::new(8, 1500);
    /// server.recv_batch(&mut batch).await?;
    /// let datagram = batch.get(0).unwrap();
    /// assert_eq!(datagram.destination(), Some([127, 0, 0, 1].into()));
    /// # std::io::Result::Ok(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # References
    ///
    /// [ip(7)](https://man7.org/linux/man-pages/man7/ip.7.html) `IP_PKTINFO`,
    /// [ipv6(7)](https://man7.org/linux/man-pages/man7/ipv6.7.html) `IPV6_RECVPKTINFO`
    #[doc(alias = "IP_PKTINFO")]
    #[doc(alias = "IP_RECVDSTADDR")]
    #[doc(alias = "IPV6_RECVPKTINFO")]
    #[inline]
    pub fn set_recv_packet_info(&self, on: bool) -> io::Result<()> {
        if self.domain()? == Domain::IPV6 {
            return sockopt::RECV_PACKET_INFO_V6.set(self.fd(), on);
        }
        if sockopt::RECV_INTERFACE.is_supported() {
            sockopt::RECV_INTERFACE.set(self.fd(), on)?;
        }
        sockopt::RECV_PACKET_INFO.set(self.fd(), on)
    }

    /// Asks for the type of service or traffic class of each datagram, whose lower two bits are
    /// its congestion notification.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) for IPv4 on DragonFly, NetBSD and OpenBSD.
    ///
    /// # References
    ///
    /// [RFC 3168](https://www.rfc-editor.org/rfc/rfc3168)
    #[doc(alias = "IP_RECVTOS")]
    #[doc(alias = "IPV6_RECVTCLASS")]
    #[inline]
    pub fn set_recv_ecn(&self, on: bool) -> io::Result<()> {
        self.set_both(sockopt::RECV_TOS, sockopt::RECV_TRAFFIC_CLASS, on)
    }

    /// Asks for the time to live or hop limit of each datagram.
    ///
    /// # Errors
    ///
    /// What setsockopt(2) returns.
    #[doc(alias = "IP_RECVTTL")]
    #[doc(alias = "IPV6_RECVHOPLIMIT")]
    #[inline]
    pub fn set_recv_ttl(&self, on: bool) -> io::Result<()> {
        self.set_both(sockopt::RECV_TTL, sockopt::RECV_HOP_LIMIT, on)
    }

    /// Asks for the time at which the system received each datagram.
    ///
    /// # Errors
    ///
    /// What setsockopt(2) returns.
    ///
    /// # References
    ///
    /// [socket(7)](https://man7.org/linux/man-pages/man7/socket.7.html) `SO_TIMESTAMP`
    #[doc(alias = "SO_TIMESTAMPNS")]
    #[doc(alias = "SO_TIMESTAMP")]
    #[inline]
    pub fn set_recv_timestamp(&self, on: bool) -> io::Result<()> {
        sockopt::TIMESTAMP.set(self.fd(), on)
    }

    fn set_both(&self, v4: SockOpt<bool>, v6: SockOpt<bool>, on: bool) -> io::Result<()> {
        if self.domain()? != Domain::IPV6 {
            return v4.set(self.fd(), on);
        }
        // For the IPv4 that it carries. A system that does not take it of an IPv6 socket tells of
        // IPv6 alone, and to ask for more is no mistake of the caller's.
        let _refused = v4.set(self.fd(), on);
        v6.set(self.fd(), on)
    }
}
