//! Options of TCP.

use std::time::Duration;

use super::{Encoding, SockOpt, name};

const LEVEL: i32 = libc::IPPROTO_TCP;

/// Whether partial segments are held back until it is cleared (`TCP_CORK`, Linux: 200 ms at most;
/// `TCP_NOPUSH`, Apple and the BSDs except NetBSD).
#[doc(alias = "TCP_CORK")]
#[doc(alias = "TCP_NOPUSH")]
pub const CORK: SockOpt<bool> = SockOpt::new(CORK_LABEL, LEVEL, CORK_NAME, Encoding::FLAG);

#[cfg(edgewake_has = "tcp_cork")]
const CORK_LABEL: &str = "TCP_CORK";
#[cfg(edgewake_has = "tcp_cork")]
const CORK_NAME: Option<i32> = Some(libc::TCP_CORK);
#[cfg(not(edgewake_has = "tcp_cork"))]
const CORK_LABEL: &str = "TCP_NOPUSH";
#[cfg(not(edgewake_has = "tcp_cork"))]
const CORK_NAME: Option<i32> = name!("tcp_nopush", libc::TCP_NOPUSH);

/// How long a listener waits for the first data of a connection before it hands it over; zero is
/// not at all. The kernel rounds it to a number of retransmissions. Linux only.
#[doc(alias = "TCP_DEFER_ACCEPT")]
pub const DEFER_ACCEPT: SockOpt<Duration> = SockOpt::new(
    "TCP_DEFER_ACCEPT",
    LEVEL,
    name!("tcp_defer_accept", libc::TCP_DEFER_ACCEPT),
    Encoding::SECONDS,
);

/// Lets a listener take data with the first packet (RFC 7413): on Linux the length of the queue of
/// such connections, on Apple and FreeBSD 1 or 0.
///
/// # Platform notes
///
/// Linux: bit 2 of `/proc/sys/net/ipv4/tcp_fastopen` must be set too. FreeBSD: the sysctl
/// `net.inet.tcp.fastopen.server_enable`. Apple: only once the socket listens.
#[doc(alias = "TCP_FASTOPEN")]
pub const FAST_OPEN: SockOpt<u32> =
    SockOpt::new("TCP_FASTOPEN", LEVEL, name!("tcp_fastopen", libc::TCP_FASTOPEN), Encoding::COUNT);

/// Makes connect succeed at once where a cookie is known, and the first send carry its data with
/// the first packet (RFC 7413). Linux only (4.11).
#[doc(alias = "TCP_FASTOPEN_CONNECT")]
pub const FAST_OPEN_CONNECT: SockOpt<bool> = SockOpt::new(
    "TCP_FASTOPEN_CONNECT",
    LEVEL,
    name!("tcp_fastopen_connect", libc::TCP_FASTOPEN_CONNECT),
    Encoding::FLAG,
);

/// After how many unanswered probes a connection is dropped. Not on OpenBSD.
#[doc(alias = "TCP_KEEPCNT")]
pub const KEEPALIVE_COUNT: SockOpt<u32> =
    SockOpt::new("TCP_KEEPCNT", LEVEL, name!("tcp_keepintvl", libc::TCP_KEEPCNT), Encoding::COUNT);

/// How long a connection is idle before it is probed, in whole seconds, rounded up. Not on
/// OpenBSD. Takes effect with [`KEEPALIVE`](super::KEEPALIVE).
#[doc(alias = "TCP_KEEPIDLE")]
#[doc(alias = "TCP_KEEPALIVE")]
pub const KEEPALIVE_IDLE: SockOpt<Duration> =
    SockOpt::new("TCP_KEEPIDLE", LEVEL, IDLE_NAME, Encoding::SECONDS);

// Apple's name for it.
#[cfg(edgewake_has = "tcp_keepalive")]
const IDLE_NAME: Option<i32> = Some(libc::TCP_KEEPALIVE);
#[cfg(not(edgewake_has = "tcp_keepalive"))]
const IDLE_NAME: Option<i32> = name!("tcp_keepidle", libc::TCP_KEEPIDLE);

/// The time between two probes, in whole seconds, rounded up. Not on OpenBSD.
#[doc(alias = "TCP_KEEPINTVL")]
pub const KEEPALIVE_INTERVAL: SockOpt<Duration> = SockOpt::new(
    "TCP_KEEPINTVL",
    LEVEL,
    name!("tcp_keepintvl", libc::TCP_KEEPINTVL),
    Encoding::SECONDS,
);

/// The largest segment in bytes: what is asked for before connecting, what holds afterwards.
#[doc(alias = "TCP_MAXSEG")]
pub const MAX_SEGMENT: SockOpt<u32> =
    SockOpt::new("TCP_MAXSEG", LEVEL, Some(libc::TCP_MAXSEG), Encoding::COUNT);

/// Whether small segments are sent at once instead of being gathered (Nagle's algorithm).
#[doc(alias = "TCP_NODELAY")]
pub const NODELAY: SockOpt<bool> =
    SockOpt::new("TCP_NODELAY", LEVEL, Some(libc::TCP_NODELAY), Encoding::FLAG);

/// Below how many unsent bytes the socket counts as writable. Linux (3.12) and Apple.
#[doc(alias = "TCP_NOTSENT_LOWAT")]
pub const NOTSENT_LOWAT: SockOpt<u32> = SockOpt::new(
    "TCP_NOTSENT_LOWAT",
    LEVEL,
    name!("tcp_notsent_lowat", NOTSENT_LOWAT_NAME),
    // Linux reports its default, "no limit", as all ones.
    Encoding::BITS,
);

#[cfg(all(edgewake_has = "tcp_notsent_lowat", not(edgewake_has = "tcp_keepalive")))]
const NOTSENT_LOWAT_NAME: i32 = libc::TCP_NOTSENT_LOWAT;
// Of Apple's <netinet/tcp.h>; libc does not have it.
#[cfg(all(edgewake_has = "tcp_notsent_lowat", edgewake_has = "tcp_keepalive"))]
const NOTSENT_LOWAT_NAME: i32 = 0x201;

/// Whether segments are acknowledged at once. Not permanent: the kernel leaves the mode by its own
/// rules (tcp(7)), so it is set again after each receive. Linux only.
#[doc(alias = "TCP_QUICKACK")]
pub const QUICK_ACK: SockOpt<bool> =
    SockOpt::new("TCP_QUICKACK", LEVEL, name!("tcp_quickack", libc::TCP_QUICKACK), Encoding::FLAG);

/// How long sent data may stay unacknowledged before the connection is dropped; zero is the
/// system's choice. Milliseconds, rounded up. Linux only.
#[doc(alias = "TCP_USER_TIMEOUT")]
pub const USER_TIMEOUT: SockOpt<Duration> = SockOpt::new(
    "TCP_USER_TIMEOUT",
    LEVEL,
    name!("tcp_user_timeout", libc::TCP_USER_TIMEOUT),
    Encoding::MILLISECONDS,
);
