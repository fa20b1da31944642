//! Options of every socket (`SOL_SOCKET`).

use std::{io, time::Duration};

use super::{Encoding, SockOpt, name};

const LEVEL: i32 = libc::SOL_SOCKET;

/// Whether the socket listens. Read only.
#[doc(alias = "SO_ACCEPTCONN")]
pub const ACCEPT_CONN: SockOpt<bool> =
    SockOpt::new("SO_ACCEPTCONN", LEVEL, Some(libc::SO_ACCEPTCONN), Encoding::FLAG);

/// Whether a datagram socket may send to broadcast addresses; off by default.
#[doc(alias = "SO_BROADCAST")]
pub const BROADCAST: SockOpt<bool> =
    SockOpt::new("SO_BROADCAST", LEVEL, Some(libc::SO_BROADCAST), Encoding::FLAG);

/// How long a blocking receive may poll the network device. Raising it takes `CAP_NET_ADMIN`.
/// Linux only.
#[doc(alias = "SO_BUSY_POLL")]
pub const BUSY_POLL: SockOpt<Duration> = SockOpt::new(
    "SO_BUSY_POLL",
    LEVEL,
    name!("so_busy_poll", libc::SO_BUSY_POLL),
    Encoding::MICROSECONDS,
);

/// The address family, `AF_INET` …. Read only. Where it is missing,
/// [`Domain::of`](crate::socket::Domain::of) finds out by the local address.
#[doc(alias = "SO_DOMAIN")]
pub const DOMAIN: SockOpt<i32> =
    SockOpt::new("SO_DOMAIN", LEVEL, name!("so_domain", libc::SO_DOMAIN), Encoding::INT);

/// The pending error; reading takes it. Setting it is refused by every system.
#[doc(alias = "SO_ERROR")]
pub const ERROR: SockOpt<Option<io::Error>> =
    SockOpt::new("SO_ERROR", LEVEL, Some(libc::SO_ERROR), Encoding::ERRNO);

/// The CPU that handled the socket's last packet; on a listener of a [`REUSE_PORT`] group, the one
/// whose connections it prefers. -1 is none yet. Linux only (3.19).
#[doc(alias = "SO_INCOMING_CPU")]
pub const INCOMING_CPU: SockOpt<i32> = SockOpt::new(
    "SO_INCOMING_CPU",
    LEVEL,
    name!("so_incoming_cpu", libc::SO_INCOMING_CPU),
    Encoding::INT,
);

/// Whether an idle connection is probed, after [`KEEPALIVE_IDLE`](super::KEEPALIVE_IDLE).
#[doc(alias = "SO_KEEPALIVE")]
pub const KEEPALIVE: SockOpt<bool> =
    SockOpt::new("SO_KEEPALIVE", LEVEL, Some(libc::SO_KEEPALIVE), Encoding::FLAG);

/// What closing does with unsent data: `None` sends it in the background, zero discards it and
/// resets the connection, another time blocks the close that long, also on a non-blocking socket.
/// Whole seconds, rounded up.
///
/// # Platform notes
///
/// Apple: `SO_LINGER_SEC`, for `SO_LINGER` counts in clock ticks there (T52).
#[doc(alias = "SO_LINGER")]
#[doc(alias = "SO_LINGER_SEC")]
pub const LINGER: SockOpt<Option<Duration>> =
    SockOpt::new("SO_LINGER", LEVEL, Some(LINGER_NAME), Encoding::LINGER);

#[cfg(edgewake_has = "so_linger_sec")]
const LINGER_NAME: i32 = libc::SO_LINGER_SEC;
#[cfg(not(edgewake_has = "so_linger_sec"))]
const LINGER_NAME: i32 = libc::SO_LINGER;

/// A mark on every packet of the socket, for the firewall and routing. Takes `CAP_NET_ADMIN` or
/// `CAP_NET_RAW`. Linux only.
#[doc(alias = "SO_MARK")]
pub const MARK: SockOpt<u32> =
    SockOpt::new("SO_MARK", LEVEL, name!("so_mark", libc::SO_MARK), Encoding::BITS);

/// Whether a send to a dead peer is `EPIPE` alone instead of `SIGPIPE` too (T50).
/// [`create`](crate::socket::create) sets it. Apple, FreeBSD, DragonFly, NetBSD.
#[doc(alias = "SO_NOSIGPIPE")]
pub const NO_SIGPIPE: SockOpt<bool> =
    SockOpt::new("SO_NOSIGPIPE", LEVEL, name!("so_nosigpipe", libc::SO_NOSIGPIPE), Encoding::FLAG);

/// Whether urgent data arrives in its place in the stream.
#[doc(alias = "SO_OOBINLINE")]
pub const OOB_INLINE: SockOpt<bool> =
    SockOpt::new("SO_OOBINLINE", LEVEL, Some(libc::SO_OOBINLINE), Encoding::FLAG);

/// Whether what arrives at a Unix socket has the sender's credentials beside it
/// ([`Message::Credentials`](crate::cmsg::Message::Credentials)).
///
/// # Platform notes
///
/// Linux: `SO_PASSCRED`; the sender may have claimed others by privilege. FreeBSD:
/// `LOCAL_CREDS_PERSISTENT` (13), NetBSD: `LOCAL_CREDS`.
#[doc(alias = "SO_PASSCRED")]
#[doc(alias = "LOCAL_CREDS")]
pub const PASS_CREDENTIALS: SockOpt<bool> =
    SockOpt::new("SO_PASSCRED", PASS_LEVEL, PASS_NAME, Encoding::FLAG);

#[cfg(edgewake_has = "so_passcred")]
const PASS_NAME: Option<i32> = Some(libc::SO_PASSCRED);
#[cfg(edgewake_has = "local_creds_persistent")]
const PASS_NAME: Option<i32> = Some(libc::LOCAL_CREDS_PERSISTENT);
#[cfg(edgewake_has = "local_creds")]
const PASS_NAME: Option<i32> = Some(libc::LOCAL_CREDS);
#[cfg(not(any(
    edgewake_has = "so_passcred",
    edgewake_has = "local_creds_persistent",
    edgewake_has = "local_creds"
)))]
const PASS_NAME: Option<i32> = None;

/// The options of the Unix family have the level 0 on the BSDs (unix(4)).
const PASS_LEVEL: i32 = if cfg!(edgewake_has = "so_passcred") { LEVEL } else { 0 };

/// The queueing priority of the socket's packets, 0 to 6 without `CAP_NET_ADMIN`. Linux only.
#[doc(alias = "SO_PRIORITY")]
pub const PRIORITY: SockOpt<u32> =
    SockOpt::new("SO_PRIORITY", LEVEL, name!("so_priority", libc::SO_PRIORITY), Encoding::COUNT);

/// The protocol, `IPPROTO_TCP` …. Read only.
#[doc(alias = "SO_PROTOCOL")]
pub const PROTOCOL: SockOpt<i32> =
    SockOpt::new("SO_PROTOCOL", LEVEL, name!("so_protocol", libc::SO_PROTOCOL), Encoding::INT);

/// The size of the receive buffer.
///
/// # Platform notes
///
/// Linux doubles what is set, for its bookkeeping, reports the double, raises what is too little
/// and cuts what is over `/proc/sys/net/core/rmem_max` (socket(7)). The others answer `ENOBUFS`
/// above `kern.ipc.maxsockbuf` (T45). Set it before connecting or listening: the window scale is
/// agreed on then.
#[doc(alias = "SO_RCVBUF")]
pub const RECV_BUFFER_SIZE: SockOpt<usize> =
    SockOpt::new("SO_RCVBUF", LEVEL, Some(libc::SO_RCVBUF), Encoding::SIZE);

/// Whether a local address may be bound again while connections of its last use linger.
#[doc(alias = "SO_REUSEADDR")]
pub const REUSE_ADDR: SockOpt<bool> =
    SockOpt::new("SO_REUSEADDR", LEVEL, Some(libc::SO_REUSEADDR), Encoding::FLAG);

/// Whether several sockets may be bound to one address.
///
/// # Platform notes
///
/// Linux (3.9) spreads connections and datagrams over the sockets. On the others the last one
/// bound gets them all; FreeBSD has [`REUSE_PORT_LB`] to spread them.
#[doc(alias = "SO_REUSEPORT")]
pub const REUSE_PORT: SockOpt<bool> =
    SockOpt::new("SO_REUSEPORT", LEVEL, Some(libc::SO_REUSEPORT), Encoding::FLAG);

/// Whether several listeners may share one address and have its connections spread over them.
/// FreeBSD only (12).
#[doc(alias = "SO_REUSEPORT_LB")]
pub const REUSE_PORT_LB: SockOpt<bool> = SockOpt::new(
    "SO_REUSEPORT_LB",
    LEVEL,
    name!("so_reuseport_lb", libc::SO_REUSEPORT_LB),
    Encoding::FLAG,
);

/// The size of the send buffer; [`RECV_BUFFER_SIZE`] has the notes.
#[doc(alias = "SO_SNDBUF")]
pub const SEND_BUFFER_SIZE: SockOpt<usize> =
    SockOpt::new("SO_SNDBUF", LEVEL, Some(libc::SO_SNDBUF), Encoding::SIZE);

/// The socket's type, `SOCK_STREAM` …. Read only.
#[doc(alias = "SO_TYPE")]
pub const TYPE: SockOpt<i32> = SockOpt::new("SO_TYPE", LEVEL, Some(libc::SO_TYPE), Encoding::INT);
