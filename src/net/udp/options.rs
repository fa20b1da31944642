//! What can be set on a UDP socket, groups aside.

use std::io;

use edgewake_sys::{
    socket::{self, Domain},
    sockopt::{self, SockOpt},
};

use super::UdpSocket;

/// # Socket options
///
/// Each method is one system call unless it says otherwise. An option that this system does not
/// have is [`Unsupported`](io::ErrorKind::Unsupported), with its name; which system has what is the
/// table in [`sockopt`], and [`option`](Self::option) takes what has no method here.
impl UdpSocket {
    /// Whether sending to broadcast addresses is allowed; not by default.
    ///
    /// # Errors
    ///
    /// What getsockopt(2) returns.
    ///
    /// # References
    ///
    /// [socket(7)](https://man7.org/linux/man-pages/man7/socket.7.html) `SO_BROADCAST`
    #[doc(alias = "SO_BROADCAST")]
    #[inline]
    pub fn broadcast(&self) -> io::Result<bool> {
        sockopt::BROADCAST.get(self.fd())
    }

    /// Sets [`broadcast`](Self::broadcast).
    ///
    /// # Errors
    ///
    /// What setsockopt(2) returns.
    #[doc(alias = "SO_BROADCAST")]
    #[inline]
    pub fn set_broadcast(&self, allowed: bool) -> io::Result<()> {
        sockopt::BROADCAST.set(self.fd(), allowed)
    }

    /// How many hops datagrams to one receiver go: the time to live (IPv4) or hop limit (IPv6), 64
    /// on most systems. Makes two system calls.
    ///
    /// # Errors
    ///
    /// What getsockopt(2) returns.
    ///
    /// # References
    ///
    /// [ip(7)](https://man7.org/linux/man-pages/man7/ip.7.html) `IP_TTL`,
    /// [ipv6(7)](https://man7.org/linux/man-pages/man7/ipv6.7.html) `IPV6_UNICAST_HOPS`
    #[doc(alias = "IP_TTL")]
    #[doc(alias = "IPV6_UNICAST_HOPS")]
    #[inline]
    pub fn ttl(&self) -> io::Result<u32> {
        sockopt::hop_limit(self.domain()?).get(self.fd())
    }

    /// Sets [`ttl`](Self::ttl), 1 to 255. Makes two system calls.
    ///
    /// # Errors
    ///
    /// `EINVAL` for a value out of range.
    #[doc(alias = "IP_TTL")]
    #[doc(alias = "IPV6_UNICAST_HOPS")]
    #[inline]
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        sockopt::hop_limit(self.domain()?).set(self.fd(), ttl)
    }

    /// The type-of-service byte of datagrams (IPv4) or their traffic class (IPv6): DSCP in the
    /// upper six bits, ECN in the lower two. 0 by default. Makes two system calls.
    ///
    /// # Errors
    ///
    /// What getsockopt(2) returns.
    ///
    /// # References
    ///
    /// [ip(7)](https://man7.org/linux/man-pages/man7/ip.7.html) `IP_TOS`,
    /// [RFC 3542](https://www.rfc-editor.org/rfc/rfc3542#section-6.5) `IPV6_TCLASS`
    #[doc(alias = "IP_TOS")]
    #[doc(alias = "IPV6_TCLASS")]
    #[doc(alias = "DSCP")]
    #[doc(alias = "ECN")]
    #[inline]
    pub fn tos(&self) -> io::Result<u32> {
        sockopt::traffic_class(self.domain()?).get(self.fd())
    }

    /// Sets [`tos`](Self::tos), 0 to 255. Makes two system calls.
    ///
    /// # Errors
    ///
    /// `EINVAL` for a value out of range; `EPERM` on Linux for the highest precedences.
    #[doc(alias = "IP_TOS")]
    #[doc(alias = "IPV6_TCLASS")]
    #[doc(alias = "DSCP")]
    #[doc(alias = "ECN")]
    #[inline]
    pub fn set_tos(&self, tos: u32) -> io::Result<()> {
        sockopt::traffic_class(self.domain()?).set(self.fd(), tos)
    }

    /// Whether datagrams must not be fragmented on the way. Linux, Apple and FreeBSD; of an IPv6
    /// socket on every system. Makes two system calls.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) elsewhere.
    #[doc(alias = "IP_DONTFRAG")]
    #[doc(alias = "IPV6_DONTFRAG")]
    #[doc(alias = "IP_MTU_DISCOVER")]
    #[inline]
    pub fn dont_fragment(&self) -> io::Result<bool> {
        self.dont_fragment_option()?.get(self.fd())
    }

    /// Sets [`dont_fragment`](Self::dont_fragment): one that is too long for the device fails with
    /// `EMSGSIZE`, one that is too long further on is lost. For protocols that find out themselves
    /// how much the path carries. Makes two system calls.
    ///
    /// # Errors
    ///
    /// As for [`dont_fragment`](Self::dont_fragment).
    ///
    /// # Platform notes
    ///
    /// Linux, IPv4: `IP_PMTUDISC_PROBE` if it is on, the default `IP_PMTUDISC_WANT` if not;
    /// [`MTU_DISCOVER`](sockopt::MTU_DISCOVER) has more.
    ///
    /// # References
    ///
    /// [ip(7)](https://man7.org/linux/man-pages/man7/ip.7.html) `IP_MTU_DISCOVER`,
    /// [RFC 8899](https://www.rfc-editor.org/rfc/rfc8899)
    #[doc(alias = "IP_DONTFRAG")]
    #[doc(alias = "IPV6_DONTFRAG")]
    #[doc(alias = "IP_MTU_DISCOVER")]
    #[inline]
    pub fn set_dont_fragment(&self, on: bool) -> io::Result<()> {
        self.dont_fragment_option()?.set(self.fd(), on)
    }

    /// The size of the receive buffer, in bytes: what arrives while it is full is lost.
    ///
    /// # Errors
    ///
    /// What getsockopt(2) returns.
    ///
    /// # References
    ///
    /// [socket(7)](https://man7.org/linux/man-pages/man7/socket.7.html) `SO_RCVBUF`
    #[doc(alias = "SO_RCVBUF")]
    #[inline]
    pub fn recv_buffer_size(&self) -> io::Result<usize> {
        sockopt::RECV_BUFFER_SIZE.get(self.fd())
    }

    /// Sets the size of the receive buffer, in bytes. Read it back to learn what it became.
    ///
    /// # Errors
    ///
    /// `ENOBUFS` above the limit (`kern.ipc.maxsockbuf`, `kern.sbmax`), except on Linux.
    ///
    /// # Platform notes
    ///
    /// Linux doubles the size for its bookkeeping and reports the double, raises what is too little
    /// and cuts what is over `/proc/sys/net/core/rmem_max` without an error. A datagram takes more
    /// of it than its bytes: at least 768 even if it is empty.
    #[doc(alias = "SO_RCVBUF")]
    #[inline]
    pub fn set_recv_buffer_size(&self, size: usize) -> io::Result<()> {
        sockopt::RECV_BUFFER_SIZE.set(self.fd(), size)
    }

    /// The size of the send buffer, in bytes.
    ///
    /// # Errors
    ///
    /// What getsockopt(2) returns.
    ///
    /// # References
    ///
    /// [socket(7)](https://man7.org/linux/man-pages/man7/socket.7.html) `SO_SNDBUF`
    #[doc(alias = "SO_SNDBUF")]
    #[inline]
    pub fn send_buffer_size(&self) -> io::Result<usize> {
        sockopt::SEND_BUFFER_SIZE.get(self.fd())
    }

    /// Sets the size of the send buffer, in bytes. On Apple and the BSDs it also bounds the length
    /// of a datagram, which is 9216 by default; what is longer is `EMSGSIZE`. Otherwise as
    /// [`set_recv_buffer_size`](Self::set_recv_buffer_size).
    ///
    /// # Errors
    ///
    /// As for [`set_recv_buffer_size`](Self::set_recv_buffer_size).
    #[doc(alias = "SO_SNDBUF")]
    #[inline]
    pub fn set_send_buffer_size(&self, size: usize) -> io::Result<()> {
        sockopt::SEND_BUFFER_SIZE.set(self.fd(), size)
    }

    /// Whether an address may be bound that others have bound; see
    /// [`set_reuse_addr`](Self::set_reuse_addr).
    ///
    /// # Errors
    ///
    /// What getsockopt(2) returns.
    ///
    /// # References
    ///
    /// [socket(7)](https://man7.org/linux/man-pages/man7/socket.7.html) `SO_REUSEADDR`
    #[doc(alias = "SO_REUSEADDR")]
    #[inline]
    pub fn reuse_addr(&self) -> io::Result<bool> {
        sockopt::REUSE_ADDR.get(self.fd())
    }

    /// Lets [`bind_to`](Self::bind_to) take an address that others who set this have bound. Off by
    /// default. It is for multicast, where all of them receive; of what is sent to one receiver, on
    /// Linux the last one that was bound gets all.
    ///
    /// # Errors
    ///
    /// What setsockopt(2) returns.
    ///
    /// # Platform notes
    ///
    /// Apple and the BSDs allow that for multicast addresses only, and otherwise want
    /// [`set_reuse_port`](Self::set_reuse_port).
    #[doc(alias = "SO_REUSEADDR")]
    #[inline]
    pub fn set_reuse_addr(&self, reuse: bool) -> io::Result<()> {
        sockopt::REUSE_ADDR.set(self.fd(), reuse)
    }

    /// Whether several sockets may be bound to one address.
    ///
    /// # Errors
    ///
    /// What getsockopt(2) returns.
    ///
    /// # References
    ///
    /// [socket(7)](https://man7.org/linux/man-pages/man7/socket.7.html) `SO_REUSEPORT`
    #[doc(alias = "SO_REUSEPORT")]
    #[inline]
    pub fn reuse_port(&self) -> io::Result<bool> {
        sockopt::REUSE_PORT.get(self.fd())
    }

    /// Lets several sockets bind to one address, all of which must set this before
    /// [`bind_to`](Self::bind_to). Off by default.
    ///
    /// # Errors
    ///
    /// What setsockopt(2) returns.
    ///
    /// # Platform notes
    ///
    /// Linux spreads the datagrams over the sockets, by the sender's address and port. Elsewhere
    /// one of them gets all; FreeBSD has [`REUSE_PORT_LB`](sockopt::REUSE_PORT_LB) to spread them.
    #[doc(alias = "SO_REUSEPORT")]
    #[inline]
    pub fn set_reuse_port(&self, reuse: bool) -> io::Result<()> {
        sockopt::REUSE_PORT.set(self.fd(), reuse)
    }

    /// Whether an IPv6 socket carries IPv6 only.
    ///
    /// # Errors
    ///
    /// What getsockopt(2) returns: of an IPv4 socket an error.
    ///
    /// # References
    ///
    /// [ipv6(7)](https://man7.org/linux/man-pages/man7/ipv6.7.html) `IPV6_V6ONLY`
    #[doc(alias = "IPV6_V6ONLY")]
    #[inline]
    pub fn only_v6(&self) -> io::Result<bool> {
        sockopt::ONLY_V6.get(self.fd())
    }

    /// Restricts an IPv6 socket to IPv6, or lets it carry IPv4 too, with peers in the form of
    /// `::ffff:1.2.3.4`. Before [`bind_to`](Self::bind_to).
    ///
    /// # Errors
    ///
    /// What setsockopt(2) returns: of an IPv4 socket an error.
    ///
    /// # Platform notes
    ///
    /// Off by default on Linux and Apple, on by default on the BSDs; OpenBSD cannot clear it.
    #[doc(alias = "IPV6_V6ONLY")]
    #[inline]
    pub fn set_only_v6(&self, only: bool) -> io::Result<()> {
        sockopt::ONLY_V6.set(self.fd(), only)
    }

    /// The mark on every packet, for the firewall and for routing. 0 by default. Linux.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) elsewhere.
    ///
    /// # References
    ///
    /// [socket(7)](https://man7.org/linux/man-pages/man7/socket.7.html) `SO_MARK`
    #[doc(alias = "SO_MARK")]
    #[inline]
    pub fn mark(&self) -> io::Result<u32> {
        sockopt::MARK.get(self.fd())
    }

    /// Sets [`mark`](Self::mark).
    ///
    /// # Errors
    ///
    /// `EPERM` without `CAP_NET_ADMIN` (or, since Linux 5.17, `CAP_NET_RAW`);
    /// [`Unsupported`](io::ErrorKind::Unsupported) elsewhere.
    #[doc(alias = "SO_MARK")]
    #[inline]
    pub fn set_mark(&self, mark: u32) -> io::Result<()> {
        sockopt::MARK.set(self.fd(), mark)
    }

    /// The name of the network device that the socket is bound to, if it is. Linux.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) elsewhere.
    ///
    /// # References
    ///
    /// [socket(7)](https://man7.org/linux/man-pages/man7/socket.7.html) `SO_BINDTODEVICE`
    #[doc(alias = "SO_BINDTODEVICE")]
    #[inline]
    pub fn device(&self) -> io::Result<Option<Vec<u8>>> {
        sockopt::bind_device(self.fd())
    }

    /// Binds the socket to a network device by name (`b"eth0"`): it sends and receives through that
    /// only. `None` ends it. Linux.
    ///
    /// # Errors
    ///
    /// - `ENODEV`: there is no such device; `EINVAL`: the name is over 15 bytes;
    /// - `EPERM`: without `CAP_NET_RAW`, for changing a binding (before Linux 5.7 for any);
    /// - [`Unsupported`](io::ErrorKind::Unsupported) elsewhere. Apple has
    ///   [`BOUND_INTERFACE`](sockopt::BOUND_INTERFACE).
    #[doc(alias = "SO_BINDTODEVICE")]
    #[inline]
    pub fn bind_device(&self, device: Option<&[u8]>) -> io::Result<()> {
        sockopt::set_bind_device(self.fd(), device)
    }

    /// Takes the socket's pending error, if there is one: asking for it clears it, and then no send
    /// or receive returns it.
    ///
    /// # Errors
    ///
    /// What getsockopt(2) returns: the failure of asking, not the answer.
    ///
    /// # References
    ///
    /// [socket(7)](https://man7.org/linux/man-pages/man7/socket.7.html) `SO_ERROR`
    #[doc(alias = "SO_ERROR")]
    #[inline]
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        socket::take_error(self.fd())
    }

    /// Reads any other option: a constant of [`sockopt`], or one of your own.
    ///
    /// # Errors
    ///
    /// What getsockopt(2) returns; [`Unsupported`](io::ErrorKind::Unsupported) if this system does
    /// not have it.
    ///
    /// # Examples
    ///
    /// ```
    /// use edgewake::net::{UdpSocket, sockopt};
    ///
    /// let socket = UdpSocket::new_v4()?;
    /// assert_eq!(socket.option(&sockopt::MULTICAST_TTL)?, 1);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "getsockopt")]
    pub fn option<T>(&self, option: &SockOpt<T>) -> io::Result<T> {
        option.get(self.fd())
    }

    /// Sets any other option: a constant of [`sockopt`], or one of your own.
    ///
    /// # Errors
    ///
    /// What setsockopt(2) returns; [`Unsupported`](io::ErrorKind::Unsupported) if this system does
    /// not have it.
    #[doc(alias = "setsockopt")]
    pub fn set_option<T>(&self, option: &SockOpt<T>, value: T) -> io::Result<()> {
        self.held().change_option(self.fd(), || option.set(self.fd(), value))
    }

    #[inline]
    pub(super) fn domain(&self) -> io::Result<Domain> {
        Domain::of(self.fd())
    }

    fn dont_fragment_option(&self) -> io::Result<SockOpt<bool>> {
        let v6 = self.domain()? == Domain::IPV6;
        Ok(if v6 { sockopt::DONT_FRAGMENT_V6 } else { sockopt::DONT_FRAGMENT })
    }
}
