//! Options of IPv4 and IPv6.

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

/// The hop limit of an IPv6 socket's packets, 1 to 255.
#[doc(alias = "IPV6_UNICAST_HOPS")]
pub const HOP_LIMIT: SockOpt<u32> = SockOpt::new(
    "IPV6_UNICAST_HOPS",
    libc::IPPROTO_IPV6,
    Some(libc::IPV6_UNICAST_HOPS),
    Encoding::COUNT,
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

/// The time to live of an IPv4 socket's packets, 1 to 255.
#[doc(alias = "IP_TTL")]
pub const TTL: SockOpt<u32> =
    SockOpt::new("IP_TTL", libc::IPPROTO_IP, Some(libc::IP_TTL), Encoding::COUNT);

/// The option that limits the hops of a socket of this family: [`HOP_LIMIT`] or [`TTL`].
pub fn hop_limit(domain: Domain) -> SockOpt<u32> {
    if domain == Domain::IPV6 { HOP_LIMIT } else { TTL }
}

/// The option that classes the packets of a socket of this family: [`TRAFFIC_CLASS`] or [`TOS`].
pub fn traffic_class(domain: Domain) -> SockOpt<u32> {
    if domain == Domain::IPV6 { TRAFFIC_CLASS } else { TOS }
}
