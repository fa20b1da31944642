//! Multicast: which groups a socket receives, and how it sends to one.
//!
//! A membership is not an option that can be read: joining and leaving are functions here. They
//! take the structures of each system, of which the BSDs have fewer.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    os::fd::{AsRawFd, BorrowedFd},
    ptr,
};

use super::{Encoding, SockOpt, Wire, name};

/// Whether an IPv4 socket receives what is sent to any group that somebody on this machine joined,
/// at its port, although it did not. Linux only, where it is on by default.
#[doc(alias = "IP_MULTICAST_ALL")]
pub const MULTICAST_ALL: SockOpt<bool> = SockOpt::new(
    "IP_MULTICAST_ALL",
    libc::IPPROTO_IP,
    name!("multicast_all", libc::IP_MULTICAST_ALL),
    Encoding::FLAG,
);

/// [`MULTICAST_ALL`] of an IPv6 socket. Linux only (4.20).
#[doc(alias = "IPV6_MULTICAST_ALL")]
pub const MULTICAST_ALL_V6: SockOpt<bool> = SockOpt::new(
    "IPV6_MULTICAST_ALL",
    libc::IPPROTO_IPV6,
    name!("multicast_all", libc::IPV6_MULTICAST_ALL),
    Encoding::FLAG,
);

/// How far an IPv6 socket's multicast goes, 0 to 255 hops; 1 by default.
#[doc(alias = "IPV6_MULTICAST_HOPS")]
pub const MULTICAST_HOPS: SockOpt<u32> = SockOpt::new(
    "IPV6_MULTICAST_HOPS",
    libc::IPPROTO_IPV6,
    Some(libc::IPV6_MULTICAST_HOPS),
    Encoding::COUNT,
);

/// The address of the interface through which an IPv4 socket sends multicast; the unspecified one
/// leaves it to the system. [`set_multicast_interface`] takes an index too.
#[doc(alias = "IP_MULTICAST_IF")]
pub const MULTICAST_INTERFACE: SockOpt<Ipv4Addr> = SockOpt::new(
    "IP_MULTICAST_IF",
    libc::IPPROTO_IP,
    Some(libc::IP_MULTICAST_IF),
    Encoding::new(4, |address| Wire::from_bytes(&address.octets()), decode_v4),
);

/// The index of the interface through which an IPv6 socket sends multicast; 0 leaves it to the
/// system.
#[doc(alias = "IPV6_MULTICAST_IF")]
pub const MULTICAST_INTERFACE_V6: SockOpt<u32> = SockOpt::new(
    "IPV6_MULTICAST_IF",
    libc::IPPROTO_IPV6,
    Some(libc::IPV6_MULTICAST_IF),
    Encoding::COUNT,
);

/// Whether what an IPv4 socket sends to a group comes back to members on this machine; on by
/// default.
#[doc(alias = "IP_MULTICAST_LOOP")]
pub const MULTICAST_LOOP: SockOpt<bool> = SockOpt::new(
    "IP_MULTICAST_LOOP",
    libc::IPPROTO_IP,
    Some(libc::IP_MULTICAST_LOOP),
    // The BSDs take a byte, OpenBSD nothing else; Linux and Apple take either.
    Encoding::new(1, |on| Wire::from_bytes(&[on.into()]), |bytes| Some(*bytes.first()? != 0)),
);

/// [`MULTICAST_LOOP`] of an IPv6 socket.
#[doc(alias = "IPV6_MULTICAST_LOOP")]
pub const MULTICAST_LOOP_V6: SockOpt<bool> = SockOpt::new(
    "IPV6_MULTICAST_LOOP",
    libc::IPPROTO_IPV6,
    Some(libc::IPV6_MULTICAST_LOOP),
    Encoding::FLAG,
);

/// How far an IPv4 socket's multicast goes, 0 to 255 hops; 1 by default: the local network.
#[doc(alias = "IP_MULTICAST_TTL")]
pub const MULTICAST_TTL: SockOpt<u32> = SockOpt::new(
    "IP_MULTICAST_TTL",
    libc::IPPROTO_IP,
    Some(libc::IP_MULTICAST_TTL),
    // As of `MULTICAST_LOOP`.
    Encoding::new(
        1,
        |ttl| Wire::from_bytes(&[u8::try_from(ttl).ok()?]),
        |bytes| bytes.first().copied().map(u32::from),
    ),
);

#[inline]
fn decode_v4(bytes: &[u8]) -> Option<Ipv4Addr> {
    <[u8; 4]>::try_from(bytes).map(Ipv4Addr::from).ok()
}

/// Which interface of this machine an IPv4 group is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InterfaceV4 {
    /// The one that the system's routing chooses.
    #[default]
    Any,
    /// The one with this address.
    Address(Ipv4Addr),
    /// The one with this index (`if_nametoindex`). Linux, Apple and FreeBSD.
    Index(u32),
}

impl From<Ipv4Addr> for InterfaceV4 {
    /// The unspecified address is [`Any`](InterfaceV4::Any).
    #[inline]
    fn from(address: Ipv4Addr) -> InterfaceV4 {
        if address.is_unspecified() { InterfaceV4::Any } else { InterfaceV4::Address(address) }
    }
}

/// Makes the socket receive what is sent to an IPv4 group, at its port.
///
/// # Errors
///
/// - `EINVAL`: it is not a multicast address;
/// - `EADDRINUSE`: the socket is a member already; `ENODEV`, `EADDRNOTAVAIL`: there is no such
///   interface; `ENOBUFS`, `ETOOMANYREFS`: too many memberships;
/// - [`Unsupported`](io::ErrorKind::Unsupported): an index, where the system takes addresses only.
///
/// # References
///
/// [ip(7)](https://man7.org/linux/man-pages/man7/ip.7.html) `IP_ADD_MEMBERSHIP`
#[doc(alias = "IP_ADD_MEMBERSHIP")]
#[inline]
pub fn join_v4(fd: BorrowedFd<'_>, group: Ipv4Addr, interface: InterfaceV4) -> io::Result<()> {
    member_v4(fd, libc::IP_ADD_MEMBERSHIP, group, interface)
}

/// Ends what [`join_v4`] began, if it is called with the same.
///
/// # Errors
///
/// `EADDRNOTAVAIL` if the socket is not a member; otherwise as [`join_v4`].
///
/// # References
///
/// [ip(7)](https://man7.org/linux/man-pages/man7/ip.7.html) `IP_DROP_MEMBERSHIP`
#[doc(alias = "IP_DROP_MEMBERSHIP")]
#[inline]
pub fn leave_v4(fd: BorrowedFd<'_>, group: Ipv4Addr, interface: InterfaceV4) -> io::Result<()> {
    member_v4(fd, libc::IP_DROP_MEMBERSHIP, group, interface)
}

/// Makes the socket receive what is sent to an IPv6 group, at its port, on the interface of this
/// index; 0 leaves it to the system.
///
/// # Errors
///
/// As [`join_v4`].
///
/// # References
///
/// [ipv6(7)](https://man7.org/linux/man-pages/man7/ipv6.7.html) `IPV6_ADD_MEMBERSHIP`,
/// [RFC 3493](https://www.rfc-editor.org/rfc/rfc3493#section-5.2) `IPV6_JOIN_GROUP`
#[doc(alias = "IPV6_JOIN_GROUP")]
#[doc(alias = "IPV6_ADD_MEMBERSHIP")]
#[inline]
pub fn join_v6(fd: BorrowedFd<'_>, group: Ipv6Addr, interface: u32) -> io::Result<()> {
    member_v6(fd, JOIN_V6, group, interface)
}

/// Ends what [`join_v6`] began, if it is called with the same.
///
/// # Errors
///
/// As [`leave_v4`].
///
/// # References
///
/// [ipv6(7)](https://man7.org/linux/man-pages/man7/ipv6.7.html) `IPV6_DROP_MEMBERSHIP`
#[doc(alias = "IPV6_LEAVE_GROUP")]
#[doc(alias = "IPV6_DROP_MEMBERSHIP")]
#[inline]
pub fn leave_v6(fd: BorrowedFd<'_>, group: Ipv6Addr, interface: u32) -> io::Result<()> {
    member_v6(fd, LEAVE_V6, group, interface)
}

/// What a socket has to do with one source of a group (RFC 3678).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceChange {
    /// Receive from this source, and from others only if they are joined too.
    Join,
    /// Receive from this source no more.
    Leave,
    /// A member of the whole group does not receive from this source.
    Block,
    /// It does again.
    Unblock,
}

/// Changes what the socket receives from one source of a group, IPv4 or IPv6, on the interface of
/// this index; 0 leaves it to the system. Linux, Apple and FreeBSD.
///
/// # Errors
///
/// - [`InvalidInput`](io::ErrorKind::InvalidInput): group and source are of two families;
/// - `EINVAL`: the group is not one, or the socket has joined it in the other way;
/// - `EADDRNOTAVAIL`, `EADDRINUSE`, `ENODEV`, `ENOBUFS`: as [`join_v4`] and [`leave_v4`];
/// - [`Unsupported`](io::ErrorKind::Unsupported) elsewhere.
///
/// # References
///
/// [RFC 3678](https://www.rfc-editor.org/rfc/rfc3678#section-5.1) `MCAST_JOIN_SOURCE_GROUP`
#[doc(alias = "MCAST_JOIN_SOURCE_GROUP")]
#[doc(alias = "IP_ADD_SOURCE_MEMBERSHIP")]
#[inline]
pub fn change_source(
    fd: BorrowedFd<'_>,
    change: SourceChange,
    group: IpAddr,
    source: IpAddr,
    interface: u32,
) -> io::Result<()> {
    if group.is_ipv4() != source.is_ipv4() {
        let message = "the group and its source are of two address families";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    source_of(fd, change, group, source, interface)
}

/// Chooses the interface through which an IPv4 socket sends multicast.
///
/// # Errors
///
/// `ENODEV`, `EADDRNOTAVAIL`: there is no such interface;
/// [`Unsupported`](io::ErrorKind::Unsupported) for an index, where the system takes addresses only.
///
/// # References
///
/// [ip(7)](https://man7.org/linux/man-pages/man7/ip.7.html) `IP_MULTICAST_IF`
#[doc(alias = "IP_MULTICAST_IF")]
#[inline]
pub fn set_multicast_interface(fd: BorrowedFd<'_>, interface: InterfaceV4) -> io::Result<()> {
    match interface {
        InterfaceV4::Any => MULTICAST_INTERFACE.set(fd, Ipv4Addr::UNSPECIFIED),
        InterfaceV4::Address(address) => MULTICAST_INTERFACE.set(fd, address),
        InterfaceV4::Index(index) => {
            indexed(fd, libc::IP_MULTICAST_IF, Ipv4Addr::UNSPECIFIED, index)
        }
    }
}

#[inline]
fn member_v4(
    fd: BorrowedFd<'_>,
    name: i32,
    group: Ipv4Addr,
    interface: InterfaceV4,
) -> io::Result<()> {
    let address = match interface {
        InterfaceV4::Any => Ipv4Addr::UNSPECIFIED,
        InterfaceV4::Address(address) => address,
        InterfaceV4::Index(index) => return indexed(fd, name, group, index),
    };
    let request = libc::ip_mreq { imr_multiaddr: in_addr(group), imr_interface: in_addr(address) };
    // SAFETY: the structure is two addresses.
    unsafe { set(fd, libc::IPPROTO_IP, name, &request) }
}

/// The form of IPv4's options that names an interface by its index.
#[cfg(edgewake_has = "ip_mreqn")]
#[inline]
fn indexed(fd: BorrowedFd<'_>, name: i32, group: Ipv4Addr, index: u32) -> io::Result<()> {
    let request = libc::ip_mreqn {
        imr_multiaddr: in_addr(group),
        imr_address: in_addr(Ipv4Addr::UNSPECIFIED),
        imr_ifindex: index as i32,
    };
    // SAFETY: the structure is two addresses and a number.
    unsafe { set(fd, libc::IPPROTO_IP, name, &request) }
}

#[cfg(not(edgewake_has = "ip_mreqn"))]
#[inline]
fn indexed(_: BorrowedFd<'_>, _: i32, _: Ipv4Addr, _: u32) -> io::Result<()> {
    Err(super::unsupported("IP_MULTICAST_IF with the index of an interface"))
}

#[cfg(edgewake_has = "ipv6_add_membership")]
const JOIN_V6: i32 = libc::IPV6_ADD_MEMBERSHIP;
#[cfg(edgewake_has = "ipv6_add_membership")]
const LEAVE_V6: i32 = libc::IPV6_DROP_MEMBERSHIP;
#[cfg(not(edgewake_has = "ipv6_add_membership"))]
const JOIN_V6: i32 = libc::IPV6_JOIN_GROUP;
#[cfg(not(edgewake_has = "ipv6_add_membership"))]
const LEAVE_V6: i32 = libc::IPV6_LEAVE_GROUP;

#[inline]
fn member_v6(fd: BorrowedFd<'_>, name: i32, group: Ipv6Addr, interface: u32) -> io::Result<()> {
    let request = libc::ipv6_mreq {
        ipv6mr_multiaddr: libc::in6_addr { s6_addr: group.octets() },
        // A signed number on Android.
        ipv6mr_interface: interface as _,
    };
    // SAFETY: the structure is an address and a number.
    unsafe { set(fd, libc::IPPROTO_IPV6, name, &request) }
}

#[cfg(edgewake_has = "mcast_source")]
fn source_of(
    fd: BorrowedFd<'_>,
    change: SourceChange,
    group: IpAddr,
    source: IpAddr,
    interface: u32,
) -> io::Result<()> {
    use crate::sockaddr::RawAddr;

    let name = match change {
        SourceChange::Join => libc::MCAST_JOIN_SOURCE_GROUP,
        SourceChange::Leave => libc::MCAST_LEAVE_SOURCE_GROUP,
        SourceChange::Block => libc::MCAST_BLOCK_SOURCE,
        SourceChange::Unblock => libc::MCAST_UNBLOCK_SOURCE,
    };
    let storage = |address| RawAddr::from(&std::net::SocketAddr::new(address, 0)).storage();
    let request = libc::group_source_req {
        gsr_interface: interface,
        gsr_group: storage(group),
        gsr_source: storage(source),
    };
    let level = if group.is_ipv4() { libc::IPPROTO_IP } else { libc::IPPROTO_IPV6 };
    // SAFETY: the structure is a number and two addresses.
    unsafe { set(fd, level, name, &request) }
}

#[cfg(not(edgewake_has = "mcast_source"))]
#[inline]
fn source_of(_: BorrowedFd<'_>, _: SourceChange, _: IpAddr, _: IpAddr, _: u32) -> io::Result<()> {
    Err(super::unsupported("MCAST_JOIN_SOURCE_GROUP"))
}

#[inline]
fn in_addr(address: Ipv4Addr) -> libc::in_addr {
    libc::in_addr { s_addr: u32::from_ne_bytes(address.octets()) }
}

/// # Safety
///
/// The kernel takes a `T` for this option, and there is no pointer in it.
unsafe fn set<T>(fd: BorrowedFd<'_>, level: i32, name: i32, value: &T) -> io::Result<()> {
    let length = size_of::<T>() as libc::socklen_t;
    let value = ptr::from_ref(value).cast();
    // SAFETY: `value` is readable for its length; the caller answers for what it means.
    unsafe { syscall!(setsockopt(fd.as_raw_fd(), level, name, value, length)) }.map(drop)
}
