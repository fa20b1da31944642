//! Multicast: joining groups, and sending to them.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

pub use edgewake_sys::sockopt::InterfaceV4;
use edgewake_sys::sockopt::{self, SourceChange};

use super::UdpSocket;

/// # Multicast
///
/// To receive what is sent to a group, bind a socket to the group's port (at the unspecified
/// address, or on Linux and the BSDs at the group's own, which keeps out what is sent elsewhere),
/// with [`set_reuse_addr`](Self::set_reuse_addr) and where the system has it
/// [`set_reuse_port`](Self::set_reuse_port) if others on this machine do so too, and join. To send,
/// no membership is needed.
///
/// A membership ends with the socket. Each method is one system call.
impl UdpSocket {
    /// Joins an IPv4 group, on one interface: its address, or [`InterfaceV4`]. The unspecified
    /// address leaves it to the system.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: it is not a multicast address;
    /// - [`AddrInUse`](io::ErrorKind::AddrInUse): the socket has joined it already;
    /// - `ENODEV`, `EADDRNOTAVAIL`: there is no such interface, or no route to the group;
    /// - `ENOBUFS`, `ETOOMANYREFS`: too many groups (Linux: `net.ipv4.igmp_max_memberships`);
    /// - [`Unsupported`](io::ErrorKind::Unsupported): an index on DragonFly, NetBSD, OpenBSD.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use edgewake::net::{Ipv4Addr, UdpSocket};
    ///
    /// # let runtime = edgewake::Runtime::new()?;
    /// # runtime.block_on(async {
    /// let socket = UdpSocket::new_v4()?;
    /// socket.set_reuse_addr(true)?;
    /// socket.bind_to((Ipv4Addr::UNSPECIFIED, 5353).into())?;
    /// socket.join_multicast_v4(Ipv4Addr::new(224, 0, 0, 251), Ipv4Addr::UNSPECIFIED)?;
    /// let mut buffer = [0; 9000];
    /// let (count, peer) = socket.recv_from(&mut buffer).await?;
    /// # std::io::Result::Ok(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # References
    ///
    /// [ip(7)](https://man7.org/linux/man-pages/man7/ip.7.html) `IP_ADD_MEMBERSHIP`
    #[doc(alias = "IP_ADD_MEMBERSHIP")]
    #[inline]
    pub fn join_multicast_v4(
        &self,
        group: Ipv4Addr,
        interface: impl Into<InterfaceV4>,
    ) -> io::Result<()> {
        sockopt::join_v4(self.fd(), group, interface.into())
    }

    /// Leaves an IPv4 group that was joined on the same interface.
    ///
    /// # Errors
    ///
    /// `EADDRNOTAVAIL`: it was not joined there; otherwise as for
    /// [`join_multicast_v4`](Self::join_multicast_v4).
    #[doc(alias = "IP_DROP_MEMBERSHIP")]
    #[inline]
    pub fn leave_multicast_v4(
        &self,
        group: Ipv4Addr,
        interface: impl Into<InterfaceV4>,
    ) -> io::Result<()> {
        sockopt::leave_v4(self.fd(), group, interface.into())
    }

    /// Joins an IPv6 group, on the interface of this index (`if_nametoindex`); 0 leaves it to the
    /// system.
    ///
    /// # Errors
    ///
    /// As for [`join_multicast_v4`](Self::join_multicast_v4).
    ///
    /// # References
    ///
    /// [ipv6(7)](https://man7.org/linux/man-pages/man7/ipv6.7.html) `IPV6_ADD_MEMBERSHIP`
    #[doc(alias = "IPV6_ADD_MEMBERSHIP")]
    #[doc(alias = "IPV6_JOIN_GROUP")]
    #[inline]
    pub fn join_multicast_v6(&self, group: Ipv6Addr, interface: u32) -> io::Result<()> {
        sockopt::join_v6(self.fd(), group, interface)
    }

    /// Leaves an IPv6 group that was joined on the same interface.
    ///
    /// # Errors
    ///
    /// As for [`leave_multicast_v4`](Self::leave_multicast_v4).
    #[doc(alias = "IPV6_DROP_MEMBERSHIP")]
    #[doc(alias = "IPV6_LEAVE_GROUP")]
    #[inline]
    pub fn leave_multicast_v6(&self, group: Ipv6Addr, interface: u32) -> io::Result<()> {
        sockopt::leave_v6(self.fd(), group, interface)
    }

    /// Joins a group, IPv4 or IPv6, for one source only, on the interface of this index; 0 leaves
    /// it to the system. Called again, it adds a source. Linux, Apple, FreeBSD.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](io::ErrorKind::InvalidInput): group and source are of two families, the
    ///   group is not one, or is joined for all sources;
    /// - `EADDRINUSE`, `EADDRNOTAVAIL`: this source is joined already; `ENODEV`: there is no such
    ///   interface; `ENOBUFS`: too many groups or sources;
    /// - [`Unsupported`](io::ErrorKind::Unsupported) elsewhere.
    ///
    /// # References
    ///
    /// [RFC 3678](https://www.rfc-editor.org/rfc/rfc3678#section-5.1) `MCAST_JOIN_SOURCE_GROUP`
    #[doc(alias = "MCAST_JOIN_SOURCE_GROUP")]
    #[doc(alias = "IP_ADD_SOURCE_MEMBERSHIP")]
    #[inline]
    pub fn join_multicast_source(
        &self,
        group: IpAddr,
        source: IpAddr,
        interface: u32,
    ) -> io::Result<()> {
        sockopt::change_source(self.fd(), SourceChange::Join, group, source, interface)
    }

    /// Ends what [`join_multicast_source`](Self::join_multicast_source) began.
    ///
    /// # Errors
    ///
    /// `EADDRNOTAVAIL`: it was not joined so; otherwise as for
    /// [`join_multicast_source`](Self::join_multicast_source).
    #[doc(alias = "MCAST_LEAVE_SOURCE_GROUP")]
    #[doc(alias = "IP_DROP_SOURCE_MEMBERSHIP")]
    #[inline]
    pub fn leave_multicast_source(
        &self,
        group: IpAddr,
        source: IpAddr,
        interface: u32,
    ) -> io::Result<()> {
        sockopt::change_source(self.fd(), SourceChange::Leave, group, source, interface)
    }

    /// Receives no more from one source of a group that is joined for all, on the interface of this
    /// index. Linux, Apple, FreeBSD.
    ///
    /// # Errors
    ///
    /// As for [`join_multicast_source`](Self::join_multicast_source).
    #[doc(alias = "MCAST_BLOCK_SOURCE")]
    #[doc(alias = "IP_BLOCK_SOURCE")]
    #[inline]
    pub fn block_multicast_source(
        &self,
        group: IpAddr,
        source: IpAddr,
        interface: u32,
    ) -> io::Result<()> {
        sockopt::change_source(self.fd(), SourceChange::Block, group, source, interface)
    }

    /// Ends what [`block_multicast_source`](Self::block_multicast_source) began.
    ///
    /// # Errors
    ///
    /// As for [`leave_multicast_source`](Self::leave_multicast_source).
    #[doc(alias = "MCAST_UNBLOCK_SOURCE")]
    #[doc(alias = "IP_UNBLOCK_SOURCE")]
    #[inline]
    pub fn unblock_multicast_source(
        &self,
        group: IpAddr,
        source: IpAddr,
        interface: u32,
    ) -> io::Result<()> {
        sockopt::change_source(self.fd(), SourceChange::Unblock, group, source, interface)
    }

    /// The address of the interface through which multicast is sent; the unspecified one if the
    /// system chooses, or the interface was named by its index.
    ///
    /// # Errors
    ///
    /// What getsockopt(2) returns.
    #[doc(alias = "IP_MULTICAST_IF")]
    #[inline]
    pub fn multicast_if_v4(&self) -> io::Result<Ipv4Addr> {
        sockopt::MULTICAST_INTERFACE.get(self.fd())
    }

    /// Chooses the interface through which multicast is sent.
    ///
    /// # Errors
    ///
    /// `ENODEV`, `EADDRNOTAVAIL`: there is no such interface;
    /// [`Unsupported`](io::ErrorKind::Unsupported): an index on DragonFly, NetBSD, OpenBSD.
    ///
    /// # References
    ///
    /// [ip(7)](https://man7.org/linux/man-pages/man7/ip.7.html) `IP_MULTICAST_IF`
    #[doc(alias = "IP_MULTICAST_IF")]
    #[inline]
    pub fn set_multicast_if_v4(&self, interface: impl Into<InterfaceV4>) -> io::Result<()> {
        sockopt::set_multicast_interface(self.fd(), interface.into())
    }

    /// The index of the interface through which an IPv6 socket sends multicast; 0 if the system
    /// chooses.
    ///
    /// # Errors
    ///
    /// What getsockopt(2) returns.
    #[doc(alias = "IPV6_MULTICAST_IF")]
    #[inline]
    pub fn multicast_if_v6(&self) -> io::Result<u32> {
        sockopt::MULTICAST_INTERFACE_V6.get(self.fd())
    }

    /// Chooses the interface through which an IPv6 socket sends multicast.
    ///
    /// # Errors
    ///
    /// `ENODEV`, `ENXIO`: there is no such interface.
    #[doc(alias = "IPV6_MULTICAST_IF")]
    #[inline]
    pub fn set_multicast_if_v6(&self, interface: u32) -> io::Result<()> {
        sockopt::MULTICAST_INTERFACE_V6.set(self.fd(), interface)
    }

    /// How many hops multicast goes; 1 by default, which is the local network.
    ///
    /// # Errors
    ///
    /// What getsockopt(2) returns.
    #[doc(alias = "IP_MULTICAST_TTL")]
    #[inline]
    pub fn multicast_ttl_v4(&self) -> io::Result<u32> {
        sockopt::MULTICAST_TTL.get(self.fd())
    }

    /// Sets [`multicast_ttl_v4`](Self::multicast_ttl_v4), 0 to 255.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) above 255.
    #[doc(alias = "IP_MULTICAST_TTL")]
    #[inline]
    pub fn set_multicast_ttl_v4(&self, hops: u32) -> io::Result<()> {
        sockopt::MULTICAST_TTL.set(self.fd(), hops)
    }

    /// How many hops an IPv6 socket's multicast goes; 1 by default.
    ///
    /// # Errors
    ///
    /// What getsockopt(2) returns.
    #[doc(alias = "IPV6_MULTICAST_HOPS")]
    #[inline]
    pub fn multicast_hops_v6(&self) -> io::Result<u32> {
        sockopt::MULTICAST_HOPS.get(self.fd())
    }

    /// Sets [`multicast_hops_v6`](Self::multicast_hops_v6), 0 to 255.
    ///
    /// # Errors
    ///
    /// `EINVAL` above 255.
    #[doc(alias = "IPV6_MULTICAST_HOPS")]
    #[inline]
    pub fn set_multicast_hops_v6(&self, hops: u32) -> io::Result<()> {
        sockopt::MULTICAST_HOPS.set(self.fd(), hops)
    }

    /// Whether what is sent to a group comes back to its members on this machine; on by default.
    ///
    /// # Errors
    ///
    /// What getsockopt(2) returns.
    #[doc(alias = "IP_MULTICAST_LOOP")]
    #[inline]
    pub fn multicast_loop_v4(&self) -> io::Result<bool> {
        sockopt::MULTICAST_LOOP.get(self.fd())
    }

    /// Sets [`multicast_loop_v4`](Self::multicast_loop_v4), of what this socket sends.
    ///
    /// # Errors
    ///
    /// What setsockopt(2) returns.
    #[doc(alias = "IP_MULTICAST_LOOP")]
    #[inline]
    pub fn set_multicast_loop_v4(&self, on: bool) -> io::Result<()> {
        sockopt::MULTICAST_LOOP.set(self.fd(), on)
    }

    /// [`multicast_loop_v4`](Self::multicast_loop_v4) of an IPv6 socket.
    ///
    /// # Errors
    ///
    /// What getsockopt(2) returns.
    #[doc(alias = "IPV6_MULTICAST_LOOP")]
    #[inline]
    pub fn multicast_loop_v6(&self) -> io::Result<bool> {
        sockopt::MULTICAST_LOOP_V6.get(self.fd())
    }

    /// Sets [`multicast_loop_v6`](Self::multicast_loop_v6).
    ///
    /// # Errors
    ///
    /// What setsockopt(2) returns.
    #[doc(alias = "IPV6_MULTICAST_LOOP")]
    #[inline]
    pub fn set_multicast_loop_v6(&self, on: bool) -> io::Result<()> {
        sockopt::MULTICAST_LOOP_V6.set(self.fd(), on)
    }
}
