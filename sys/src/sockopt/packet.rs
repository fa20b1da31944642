//! Options that have the kernel tell about each packet, or cut and join them: what comes beside
//! a datagram ([`cmsg`](crate::cmsg)), segments, the error queue.

use super::{Encoding, SockOpt, Wire, name, names};

const V4: i32 = libc::IPPROTO_IP;
const V6: i32 = libc::IPPROTO_IPV6;

/// Whether an IPv4 datagram comes with its destination address, and where the system has
/// `IP_PKTINFO` with its interface. The others have [`RECV_INTERFACE`] for that.
#[doc(alias = "IP_PKTINFO")]
#[doc(alias = "IP_RECVDSTADDR")]
pub const RECV_PACKET_INFO: SockOpt<bool> = {
    #[cfg(edgewake_has = "ip_pktinfo")]
    let option = SockOpt::new("IP_PKTINFO", V4, Some(libc::IP_PKTINFO), Encoding::FLAG);
    #[cfg(not(edgewake_has = "ip_pktinfo"))]
    let option = SockOpt::new("IP_RECVDSTADDR", V4, Some(libc::IP_RECVDSTADDR), Encoding::FLAG);
    option
};

/// Whether an IPv4 datagram comes with its interface, where [`RECV_PACKET_INFO`] does not tell:
/// FreeBSD, DragonFly, OpenBSD.
#[doc(alias = "IP_RECVIF")]
pub const RECV_INTERFACE: SockOpt<bool> =
    SockOpt::new("IP_RECVIF", V4, name!("ip_recvdstaddr", libc::IP_RECVIF), Encoding::FLAG);

/// Whether an IPv6 datagram comes with its destination address and interface.
#[doc(alias = "IPV6_RECVPKTINFO")]
pub const RECV_PACKET_INFO_V6: SockOpt<bool> =
    SockOpt::new("IPV6_RECVPKTINFO", V6, Some(libc::IPV6_RECVPKTINFO), Encoding::FLAG);

/// Whether an IPv4 datagram comes with its type of service. Linux, Apple, FreeBSD.
#[doc(alias = "IP_RECVTOS")]
pub const RECV_TOS: SockOpt<bool> =
    SockOpt::new("IP_RECVTOS", V4, name!("ip_recvtos", libc::IP_RECVTOS), Encoding::FLAG);

/// Whether an IPv6 datagram comes with its traffic class.
#[doc(alias = "IPV6_RECVTCLASS")]
pub const RECV_TRAFFIC_CLASS: SockOpt<bool> =
    SockOpt::new("IPV6_RECVTCLASS", V6, Some(libc::IPV6_RECVTCLASS), Encoding::FLAG);

/// Whether an IPv4 datagram comes with its time to live.
#[doc(alias = "IP_RECVTTL")]
pub const RECV_TTL: SockOpt<bool> =
    SockOpt::new("IP_RECVTTL", V4, Some(names::IP_RECVTTL), Encoding::FLAG);

/// Whether an IPv6 datagram comes with its hop limit.
#[doc(alias = "IPV6_RECVHOPLIMIT")]
pub const RECV_HOP_LIMIT: SockOpt<bool> =
    SockOpt::new("IPV6_RECVHOPLIMIT", V6, Some(names::IPV6_RECVHOPLIMIT), Encoding::FLAG);

/// Whether a datagram comes with the time of its arrival: in nanoseconds on Linux
/// (`SO_TIMESTAMPNS`), in microseconds elsewhere (`SO_TIMESTAMP`).
#[doc(alias = "SO_TIMESTAMPNS")]
#[doc(alias = "SO_TIMESTAMP")]
pub const TIMESTAMP: SockOpt<bool> = {
    #[cfg(edgewake_has = "so_timestampns")]
    let (label, option) = ("SO_TIMESTAMPNS", libc::SO_TIMESTAMPNS);
    #[cfg(not(edgewake_has = "so_timestampns"))]
    let (label, option) = ("SO_TIMESTAMP", libc::SO_TIMESTAMP);
    SockOpt::new(label, libc::SOL_SOCKET, Some(option), Encoding::FLAG)
};

/// Which time stamps are taken of datagrams that come and go, and how they are reported: a set of
/// `SOF_TIMESTAMPING_*`. Linux only.
#[doc(alias = "SO_TIMESTAMPING")]
pub const TIMESTAMPING: SockOpt<u32> = SockOpt::new(
    "SO_TIMESTAMPING",
    libc::SOL_SOCKET,
    name!("so_timestamping", libc::SO_TIMESTAMPING),
    Encoding::BITS,
);

/// Whether the time at which each datagram leaves is told, by the system's clock, in the error
/// queue: [`TIMESTAMPING`] with software times, numbers from 0 up, and without the datagram. Linux
/// only; reading it tells whether times of departure are taken at all.
#[doc(alias = "SO_TIMESTAMPING")]
pub const SEND_TIMESTAMP: SockOpt<bool> = SockOpt::new(
    "SO_TIMESTAMPING",
    libc::SOL_SOCKET,
    name!("so_timestamping", libc::SO_TIMESTAMPING),
    Encoding::new(
        4,
        |on| Wire::from_bytes(&(if on { SEND_TIMES } else { 0_u32 }).to_ne_bytes()),
        |bytes| Some(u32::from_ne_bytes(bytes.try_into().ok()?) & TX_SOFTWARE != 0),
    ),
);

/// `SOF_TIMESTAMPING_TX_SOFTWARE` of Linux's `<linux/net_tstamp.h>`.
const TX_SOFTWARE: u32 = 1 << 1;
/// With `SOF_TIMESTAMPING_SOFTWARE`, `_OPT_ID` and `_OPT_TSONLY`.
const SEND_TIMES: u32 = TX_SOFTWARE | 1 << 4 | 1 << 7 | 1 << 11;

/// Whether several datagrams of one sender can come as one, with the size of each (`UDP_GRO`).
/// Linux only (5.0).
#[doc(alias = "UDP_GRO")]
pub const GRO: SockOpt<bool> =
    SockOpt::new("UDP_GRO", libc::IPPROTO_UDP, name!("udp_gro", libc::UDP_GRO), Encoding::FLAG);

/// The size of the datagrams that what is sent is cut into; 0 is not at all. Linux only (4.18).
/// [`SendControl::push_segment_size`](crate::cmsg::SendControl::push_segment_size) says it for a
/// single send.
#[doc(alias = "UDP_SEGMENT")]
pub const SEGMENT_SIZE: SockOpt<u32> = SockOpt::new(
    "UDP_SEGMENT",
    libc::IPPROTO_UDP,
    name!("udp_segment", libc::UDP_SEGMENT),
    Encoding::COUNT,
);

/// Whether errors are queued with their details (IPv4). Linux only.
#[doc(alias = "IP_RECVERR")]
pub const RECV_ERRORS: SockOpt<bool> =
    SockOpt::new("IP_RECVERR", V4, name!("ip_recverr", libc::IP_RECVERR), Encoding::FLAG);

/// Whether errors are queued with their details (IPv6). Linux only.
#[doc(alias = "IPV6_RECVERR")]
pub const RECV_ERRORS_V6: SockOpt<bool> =
    SockOpt::new("IPV6_RECVERR", V6, name!("ip_recverr", libc::IPV6_RECVERR), Encoding::FLAG);

/// Whether [`SendFlags::ZERO_COPY`](crate::socket::SendFlags) means anything. Linux only (4.14;
/// for UDP 5.0), and not named by libc for Android.
#[doc(alias = "SO_ZEROCOPY")]
pub const ZERO_COPY: SockOpt<bool> = SockOpt::new(
    "SO_ZEROCOPY",
    libc::SOL_SOCKET,
    name!("so_zerocopy", libc::SO_ZEROCOPY),
    Encoding::FLAG,
);
