//! Options of IPv4 and IPv6.

#[cfg(edgewake_has = "ip_mtu_discover")]
use super::Wire;
use super::{Encoding, SockOpt, name};
use crate::socket::Domain;

/// Through which interface, by its index (`if_nametoindex`), an IPv4 socket sends and receives;
/// 0 is any. Apple only; Linux has [`bind_device`](super::bind_device).
#[doc(alias = "IP_BOUND_IF")]
pub const BOUND_INTERFACE: SockOpt<u32> = SockOpt::new(
    "IP_BOUND_IF",
    libc::IPPROTO_IP,
    name!("ip_bound_if", libc::IP_BOUND_IF),
    Encoding::COUNT,
);

/// [`BOUND_INTERFACE`] of an IPv6 socket. Apple only.
#[doc(alias = "IPV6_BOUND_IF")]
pub const BOUND_INTERFACE_V6: SockOpt<u32> = SockOpt::new(
    "IPV6_BOUND_IF",
    libc::IPPROTO_IPV6,
    name!("ip_bound_if", libc::IPV6_BOUND_IF),
    Encoding::COUNT,
);

/// Whether an IPv4 socket's datagrams must not be fragmented on the way: one that is too long for
/// the device fails with `EMSGSIZE`, one that is too long further on is lost. For who finds out the
/// path's limit by probing (RFC 8899). Linux, Apple, FreeBSD.
///
/// # Platform notes
///
/// On Linux it is [`MTU_DISCOVER`], and setting it chooses between `IP_PMTUDISC_PROBE` and the
/// default, `IP_PMTUDISC_WANT`.
#[doc(alias = "IP_DONTFRAG")]
pub const DONT_FRAGMENT: SockOpt<bool> = DONT_FRAGMENT_HERE;

#[cfg(edgewake_has = "ip_mtu_discover")]
const DONT_FRAGMENT_HERE: SockOpt<bool> = SockOpt::new(
    "IP_MTU_DISCOVER",
    libc::IPPROTO_IP,
    Some(libc::IP_MTU_DISCOVER),
    Encoding::new(
        4,
        |on| {
            let mode = if on { libc::IP_PMTUDISC_PROBE } else { libc::IP_PMTUDISC_WANT };
            Wire::from_bytes(&mode.to_ne_bytes())
        },
        |bytes| {
            let mode = i32::from_ne_bytes(bytes.try_into().ok()?);
            Some(matches!(mode, libc::IP_PMTUDISC_DO | libc::IP_PMTUDISC_PROBE))
        },
    ),
);
#[cfg(not(edgewake_has = "ip_mtu_discover"))]
const DONT_FRAGMENT_HERE: SockOpt<bool> = SockOpt::new(
    "IP_DONTFRAG",
    libc::IPPROTO_IP,
    name!("ip_dontfrag", libc::IP_DONTFRAG),
    Encoding::FLAG,
);

/// Whether an IPv6 socket's datagrams must not be fragmented by this machine: one that is too long
/// for the device fails with `EMSGSIZE`. Routers never fragment them.
#[doc(alias = "IPV6_DONTFRAG")]
pub const DONT_FRAGMENT_V6: SockOpt<bool> =
    SockOpt::new("IPV6_DONTFRAG", libc::IPPROTO_IPV6, Some(libc::IPV6_DONTFRAG), Encoding::FLAG);

/// Whether the socket may be bound to an address that this machine does not have (yet). Linux only.
#[doc(alias = "IP_FREEBIND")]
pub const FREE_BIND: SockOpt<bool> = SockOpt::new(
    "IP_FREEBIND",
    libc::IPPROTO_IP,
    name!("ip_freebind", libc::IP_FREEBIND),
    Encoding::FLAG,
);

/// The hop limit of an IPv6 socket's packets, 1 to 255.
#[doc(alias = "IPV6_UNICAST_HOPS")]
pub const HOP_LIMIT: SockOpt<u32> = SockOpt::new(
    "IPV6_UNICAST_HOPS",
    libc::IPPROTO_IPV6,
    Some(libc::IPV6_UNICAST_HOPS),
    Encoding::COUNT,
);

/// What is known of the longest packet that the path of a connected IPv4 socket carries. Read only.
/// Linux only.
#[doc(alias = "IP_MTU")]
pub const MTU: SockOpt<u32> = SockOpt::new(
    "IP_MTU",
    libc::IPPROTO_IP,
    name!("ip_mtu_discover", libc::IP_MTU),
    Encoding::COUNT,
);

/// [`MTU`] of an IPv6 socket. Linux only.
#[doc(alias = "IPV6_MTU")]
pub const MTU_V6: SockOpt<u32> = SockOpt::new(
    "IPV6_MTU",
    libc::IPPROTO_IPV6,
    name!("ip_mtu_discover", libc::IPV6_MTU),
    Encoding::COUNT,
);

/// How an IPv4 socket finds the longest packet that a path carries: `IP_PMTUDISC_DONT` 0, `WANT` 1,
/// `DO` 2, `PROBE` 3 (ip(7)), `INTERFACE` 4, `OMIT` 5. Linux only; [`DONT_FRAGMENT`] is on more.
#[doc(alias = "IP_MTU_DISCOVER")]
pub const MTU_DISCOVER: SockOpt<i32> = SockOpt::new(
    "IP_MTU_DISCOVER",
    libc::IPPROTO_IP,
    name!("ip_mtu_discover", libc::IP_MTU_DISCOVER),
    Encoding::INT,
);

/// [`MTU_DISCOVER`] of an IPv6 socket. Linux only.
#[doc(alias = "IPV6_MTU_DISCOVER")]
pub const MTU_DISCOVER_V6: SockOpt<i32> = SockOpt::new(
    "IPV6_MTU_DISCOVER",
    libc::IPPROTO_IPV6,
    name!("ip_mtu_discover", libc::IPV6_MTU_DISCOVER),
    Encoding::INT,
);

/// Whether an IPv6 socket carries IPv6 only. Set it before binding.
///
/// # Platform notes
///
/// Off by default on Linux and Apple, on by default on the BSDs, and always on with OpenBSD.
#[doc(alias = "IPV6_V6ONLY")]
pub const ONLY_V6: SockOpt<bool> =
    SockOpt::new("IPV6_V6ONLY", libc::IPPROTO_IPV6, Some(libc::IPV6_V6ONLY), Encoding::FLAG);

/// The type-of-service byte of an IPv4 socket's packets: DSCP and ECN.
///
/// # Platform notes
///
/// Linux keeps the two ECN bits of a TCP socket to itself.
#[doc(alias = "IP_TOS")]
pub const TOS: SockOpt<u32> =
    SockOpt::new("IP_TOS", libc::IPPROTO_IP, Some(libc::IP_TOS), Encoding::COUNT);

/// The traffic class of an IPv6 socket's packets: DSCP and ECN, as [`TOS`].
#[doc(alias = "IPV6_TCLASS")]
pub const TRAFFIC_CLASS: SockOpt<u32> =
    SockOpt::new("IPV6_TCLASS", libc::IPPROTO_IPV6, Some(libc::IPV6_TCLASS), Encoding::COUNT);

/// Whether the socket may be bound to any address, and receive what is routed here for others: for
/// transparent proxies. Takes `CAP_NET_ADMIN` or `CAP_NET_RAW`. Linux only.
#[doc(alias = "IP_TRANSPARENT")]
pub const TRANSPARENT: SockOpt<bool> = SockOpt::new(
    "IP_TRANSPARENT",
    libc::IPPROTO_IP,
    name!("ip_transparent", libc::IP_TRANSPARENT),
    Encoding::FLAG,
);

/// The time to live of an IPv4 socket's packets, 1 to 255.
#[doc(alias = "IP_TTL")]
pub const TTL: SockOpt<u32> =
    SockOpt::new("IP_TTL", libc::IPPROTO_IP, Some(libc::IP_TTL), Encoding::COUNT);

/// The option that limits the hops of a socket of this family: [`HOP_LIMIT`] or [`TTL`].
#[inline]
pub fn hop_limit(domain: Domain) -> SockOpt<u32> {
    if domain == Domain::IPV6 { HOP_LIMIT } else { TTL }
}

/// The option that classes the packets of a socket of this family: [`TRAFFIC_CLASS`] or [`TOS`].
#[inline]
pub fn traffic_class(domain: Domain) -> SockOpt<u32> {
    if domain == Domain::IPV6 { TRAFFIC_CLASS } else { TOS }
}
