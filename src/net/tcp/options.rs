//! The options that TCP streams, listeners and unconnected sockets have in common.
//!
//! Written once, documentation included, by a macro: what each option is called and which system
//! has it is `sys`'s business, so a method here is its documentation and one call. The options
//! that only one of the types has stand with that type; keepalive's times are in `keepalive`.
//!
//! Each type provides `fd()`, the descriptor for system calls of this library, which does not
//! count as lending it.

/// Gives a type the common options.
macro_rules! common_options {
    ($type:ident) => {
        /// # Socket options
        ///
        /// Each method is one system call unless it says otherwise. An option that this system
        /// does not have is [`Unsupported`](std::io::ErrorKind::Unsupported), with its name; which
        /// system has what is the table in [`sockopt`](crate::net::sockopt).
        ///
        /// What is set on a [`TcpSocket`](crate::net::TcpSocket) before it listens, or on a
        /// [`TcpListener`](crate::net::TcpListener), is what accepted connections start with: all
        /// of it on Linux, most of it on the other systems.
        impl $type {
            /// Whether small segments are sent at once instead of being gathered until the last
            /// one is acknowledged (Nagle's algorithm). Off by default: they are gathered.
            ///
            /// # Errors
            ///
            /// What getsockopt(2) returns.
            ///
            /// # References
            ///
            /// [tcp(7)](https://man7.org/linux/man-pages/man7/tcp.7.html) `TCP_NODELAY`
            #[doc(alias = "TCP_NODELAY")]
            #[inline]
            pub fn nodelay(&self) -> io::Result<bool> {
                sockopt::NODELAY.get(self.fd())
            }

            /// Sets [`nodelay`](Self::nodelay). Worth setting wherever a message is written in
            /// more than one piece: the second otherwise waits for the peer's acknowledgement,
            /// which may be delayed by 40 ms or more.
            ///
            /// # Errors
            ///
            /// What setsockopt(2) returns; on Apple `EINVAL` once the peer has reset the
            /// connection.
            #[doc(alias = "TCP_NODELAY")]
            #[inline]
            pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
                sockopt::NODELAY.set(self.fd(), nodelay)
            }

            /// When an idle connection is probed, or `None` if it is not, which is the default.
            /// Makes up to four system calls.
            ///
            /// # Errors
            ///
            /// What getsockopt(2) returns.
            ///
            /// # References
            ///
            /// [socket(7)](https://man7.org/linux/man-pages/man7/socket.7.html) `SO_KEEPALIVE`,
            /// [tcp(7)](https://man7.org/linux/man-pages/man7/tcp.7.html) `TCP_KEEPIDLE`,
            /// `TCP_KEEPINTVL`, `TCP_KEEPCNT`
            #[doc(alias = "SO_KEEPALIVE")]
            #[inline]
            pub fn keepalive(&self) -> io::Result<Option<Keepalive>> {
                keepalive::get(self.fd())
            }

            /// Sets the times that [`Keepalive`] names and then switches probing on; `None`
            /// switches it off. Makes up to four system calls. If one fails, those before it have
            /// taken effect, and probing is as it was.
            ///
            /// # Errors
            ///
            /// - `EINVAL`: a time of zero, or over the system's limit;
            /// - [`Unsupported`](io::ErrorKind::Unsupported): a time that this system cannot set
            ///   (OpenBSD: any of the three).
            #[doc(alias = "SO_KEEPALIVE")]
            #[doc(alias = "TCP_KEEPIDLE")]
            #[inline]
            pub fn set_keepalive(&self, keepalive: Option<Keepalive>) -> io::Result<()> {
                keepalive::set(self.fd(), keepalive)
            }

            /// What dropping the socket does with data that is not sent yet; see
            /// [`set_linger`](Self::set_linger). `None` by default.
            ///
            /// # Errors
            ///
            /// What getsockopt(2) returns.
            ///
            /// # References
            ///
            /// [socket(7)](https://man7.org/linux/man-pages/man7/socket.7.html) `SO_LINGER`
            #[doc(alias = "SO_LINGER")]
            #[inline]
            pub fn linger(&self) -> io::Result<Option<Duration>> {
                sockopt::LINGER.get(self.fd())
            }

            /// Sets what dropping the socket does with data that is not sent yet:
            ///
            /// - `None`: the system goes on sending it in the background;
            /// - zero: it is thrown away, and the peer gets a reset (RST) instead of an end of
            ///   stream. The connection leaves no `TIME_WAIT` behind;
            /// - a time, in whole seconds, rounded up: closing *blocks the thread* that long, until
            ///   the data is acknowledged. On Linux and others that holds for non-blocking sockets
            ///   too, so with an event loop it is hardly ever what is wanted: shut down writing,
            ///   and wait for the peer's end of stream under a timeout.
            ///
            /// # Errors
            ///
            /// What setsockopt(2) returns; [`InvalidInput`](io::ErrorKind::InvalidInput) for a
            /// time that does not fit.
            ///
            /// # Platform notes
            ///
            /// Apple: `SO_LINGER_SEC`, because `SO_LINGER` counts clock ticks there.
            #[doc(alias = "SO_LINGER")]
            #[inline]
            pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
                sockopt::LINGER.set(self.fd(), linger)
            }

            /// How many routers a packet may pass: the time to live of IPv4, the hop limit of
            /// IPv6. By default the system's, usually 64. Makes two system calls.
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
                let domain = Domain::of(self.fd())?;
                sockopt::hop_limit(domain).get(self.fd())
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
                let domain = Domain::of(self.fd())?;
                sockopt::hop_limit(domain).set(self.fd(), ttl)
            }

            /// The type-of-service byte of packets (IPv4) or their traffic class (IPv6): DSCP in
            /// the upper six bits, ECN in the lower two. 0 by default. Makes two system calls.
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
            #[inline]
            pub fn tos(&self) -> io::Result<u32> {
                let domain = Domain::of(self.fd())?;
                sockopt::traffic_class(domain).get(self.fd())
            }

            /// Sets [`tos`](Self::tos), 0 to 255. Makes two system calls.
            ///
            /// # Errors
            ///
            /// `EINVAL` for a value out of range; `EPERM` on Linux for the highest precedences.
            ///
            /// # Platform notes
            ///
            /// Linux keeps the two ECN bits of TCP to itself.
            #[doc(alias = "IP_TOS")]
            #[doc(alias = "IPV6_TCLASS")]
            #[doc(alias = "DSCP")]
            #[inline]
            pub fn set_tos(&self, tos: u32) -> io::Result<()> {
                let domain = Domain::of(self.fd())?;
                sockopt::traffic_class(domain).set(self.fd(), tos)
            }

            /// The size of the receive buffer, in bytes. By default the system sizes it as the
            /// connection needs.
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

            /// Sets the size of the receive buffer, in bytes, and so ends its sizing by the
            /// system. To have a large window, set it before connecting or listening: its scale is
            /// agreed on then.
            ///
            /// # Errors
            ///
            /// `ENOBUFS` above the limit, except on Linux.
            ///
            /// # Platform notes
            ///
            /// Linux doubles the size for its bookkeeping and reports the double, raises what is
            /// too little and cuts what is over `/proc/sys/net/core/rmem_max` without an error.
            #[doc(alias = "SO_RCVBUF")]
            #[inline]
            pub fn set_recv_buffer_size(&self, size: usize) -> io::Result<()> {
                sockopt::RECV_BUFFER_SIZE.set(self.fd(), size)
            }

            /// The size of the send buffer, in bytes. By default the system sizes it as the
            /// connection needs.
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

            /// Sets the size of the send buffer, in bytes, and so ends its sizing by the system.
            /// Errors and platforms as for [`set_recv_buffer_size`](Self::set_recv_buffer_size).
            ///
            /// # Errors
            ///
            /// `ENOBUFS` above the limit, except on Linux.
            #[doc(alias = "SO_SNDBUF")]
            #[inline]
            pub fn set_send_buffer_size(&self, size: usize) -> io::Result<()> {
                sockopt::SEND_BUFFER_SIZE.set(self.fd(), size)
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

            /// Binds the socket to a network device by name (`b"eth0"`): it sends and receives
            /// through that only. `None` ends it. Linux.
            ///
            /// # Errors
            ///
            /// - `ENODEV`: there is no such device; `EINVAL`: the name is over 15 bytes;
            /// - `EPERM`: without `CAP_NET_RAW`, for changing a binding (before Linux 5.7 for any);
            /// - [`Unsupported`](io::ErrorKind::Unsupported) elsewhere. Apple has
            ///   [`BOUND_INTERFACE`](crate::net::sockopt::BOUND_INTERFACE).
            #[doc(alias = "SO_BINDTODEVICE")]
            #[inline]
            pub fn bind_device(&self, device: Option<&[u8]>) -> io::Result<()> {
                sockopt::set_bind_device(self.fd(), device)
            }

            /// How long sent data may stay unacknowledged, or wait for a peer that has no room for
            /// it, before the connection is given up with [`TimedOut`](io::ErrorKind::TimedOut);
            /// zero, the default, leaves it to the system. So a peer that is there, and does not
            /// read for that long, is given up as well as one that is not there any more. Linux.
            ///
            /// # Errors
            ///
            /// [`Unsupported`](io::ErrorKind::Unsupported) elsewhere.
            ///
            /// # References
            ///
            /// [tcp(7)](https://man7.org/linux/man-pages/man7/tcp.7.html) `TCP_USER_TIMEOUT`
            #[doc(alias = "TCP_USER_TIMEOUT")]
            #[inline]
            pub fn user_timeout(&self) -> io::Result<Duration> {
                sockopt::USER_TIMEOUT.get(self.fd())
            }

            /// Sets [`user_timeout`](Self::user_timeout), in milliseconds, rounded up. With
            /// keepalive on, it also decides when an idle connection is given up.
            ///
            /// # Errors
            ///
            /// [`InvalidInput`](io::ErrorKind::InvalidInput) above 24 days;
            /// [`Unsupported`](io::ErrorKind::Unsupported) except on Linux.
            #[doc(alias = "TCP_USER_TIMEOUT")]
            #[inline]
            pub fn set_user_timeout(&self, timeout: Duration) -> io::Result<()> {
                sockopt::USER_TIMEOUT.set(self.fd(), timeout)
            }

            /// Below how many unsent bytes the socket counts as writable. By default there is no
            /// such limit: Linux says `u32::MAX`, or what `net.ipv4.tcp_notsent_lowat` says.
            /// Linux and Apple.
            ///
            /// # Errors
            ///
            /// [`Unsupported`](io::ErrorKind::Unsupported) elsewhere.
            ///
            /// # References
            ///
            /// [tcp(7)](https://man7.org/linux/man-pages/man7/tcp.7.html) and the kernel's
            /// [ip-sysctl](https://www.kernel.org/doc/html/latest/networking/ip-sysctl.html)
            #[doc(alias = "TCP_NOTSENT_LOWAT")]
            #[inline]
            pub fn notsent_lowat(&self) -> io::Result<u32> {
                sockopt::NOTSENT_LOWAT.get(self.fd())
            }

            /// Sets [`notsent_lowat`](Self::notsent_lowat): with 16 to 128 KiB, what is written
            /// last is not stuck behind a buffer full of what was written before, at little cost
            /// in throughput.
            ///
            /// # Errors
            ///
            /// [`Unsupported`](io::ErrorKind::Unsupported) except on Linux and Apple.
            #[doc(alias = "TCP_NOTSENT_LOWAT")]
            #[inline]
            pub fn set_notsent_lowat(&self, bytes: u32) -> io::Result<()> {
                sockopt::NOTSENT_LOWAT.set(self.fd(), bytes)
            }

            /// The name of the congestion control, such as `b"cubic"`. Linux and FreeBSD.
            ///
            /// # Errors
            ///
            /// [`Unsupported`](io::ErrorKind::Unsupported) elsewhere.
            ///
            /// # References
            ///
            /// [tcp(7)](https://man7.org/linux/man-pages/man7/tcp.7.html) `TCP_CONGESTION`
            #[doc(alias = "TCP_CONGESTION")]
            #[inline]
            pub fn congestion(&self) -> io::Result<Vec<u8>> {
                sockopt::congestion(self.fd())
            }

            /// Chooses the congestion control by name. On Linux
            /// `/proc/sys/net/ipv4/tcp_allowed_congestion_control` lists what is there for all.
            ///
            /// # Errors
            ///
            /// - `ENOENT` (FreeBSD: `ESRCH`): there is none of this name;
            /// - `EPERM`: it takes `CAP_NET_ADMIN`;
            /// - [`Unsupported`](io::ErrorKind::Unsupported) except on Linux and FreeBSD.
            #[doc(alias = "TCP_CONGESTION")]
            #[inline]
            pub fn set_congestion(&self, algorithm: &[u8]) -> io::Result<()> {
                sockopt::set_congestion(self.fd(), algorithm)
            }

            /// Whether the address may be bound although connections of its last use linger.
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

            /// Takes the socket's pending error: asking for it clears it.
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
            /// What getsockopt(2) returns; [`Unsupported`](io::ErrorKind::Unsupported) if this
            /// system does not have it.
            ///
            /// # Examples
            ///
            /// ```
            /// use edgewake::net::{TcpSocket, sockopt};
            ///
            /// let socket = TcpSocket::new_v4()?;
            /// assert!(!socket.option(&sockopt::ACCEPT_CONN)?);
            /// # Ok::<(), std::io::Error>(())
            /// ```
            #[doc(alias = "getsockopt")]
            pub fn option<T>(&self, option: &sockopt::SockOpt<T>) -> io::Result<T> {
                option.get(self.fd())
            }

            /// Sets any other option: a constant of [`sockopt`], or one of your own.
            ///
            /// # Errors
            ///
            /// What setsockopt(2) returns; [`Unsupported`](io::ErrorKind::Unsupported) if this
            /// system does not have it.
            #[doc(alias = "setsockopt")]
            pub fn set_option<T>(&self, option: &sockopt::SockOpt<T>, value: T) -> io::Result<()> {
                option.set(self.fd(), value)
            }
        }
    };
}

use std::{io, time::Duration};

use edgewake_sys::{
    socket::{self, Domain},
    sockopt,
};

use super::{Keepalive, TcpListener, TcpSocket, TcpStream, keepalive};

common_options!(TcpStream);
common_options!(TcpListener);
common_options!(TcpSocket);
