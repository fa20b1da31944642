//! The one table of targets: which selector, which notifier, which kernel capabilities.
//!
//! Its verdict becomes cfgs here and, through `links` metadata, in the root build script, which
//! only re-emits it. Nothing else in the workspace lists operating systems to choose a mechanism.

use std::env;

/// What one family of systems has.
struct Platform {
    systems: &'static [&'static str],
    selector: &'static str,
    notifier: &'static str,
    /// Names tested as `cfg(edgewake_has = "…")`.
    capabilities: &'static [&'static str],
}

const LINUX: &[&str] = &["linux", "android"];
const APPLE: &[&str] = &["macos", "ios", "tvos", "watchos", "visionos"];
const FREEBSD: &[&str] = &["freebsd"];
const DRAGONFLY: &[&str] = &["dragonfly"];
const NETBSD: &[&str] = &["netbsd"];
const OPENBSD: &[&str] = &["openbsd"];

/// Capabilities, in the order of the table's rows:
/// `accept4`, `pipe2`, `sock_cloexec`: descriptors close-on-exec and non-blocking from birth.
/// `msg_nosignal`: `send` without SIGPIPE by flag. `so_nosigpipe`: the same by socket option.
/// `priority`: the selector can tell urgent TCP data.
/// `kqueue1`: a kqueue is close-on-exec from birth.
/// `sa_len`: socket addresses begin with their length.
/// `accept_pending_errors`: accept returns the new connection's network errors (accept(2)).
/// `eprototype_race`: a send into a closing connection is EPROTOTYPE.
/// `control_in_send_buffer`: a message that fits the send buffer, and not with its control
/// messages, waits for ever.
///
/// Beside the tables, `usdt`: static probe points, where feature `probes` asks for them.
const PLATFORMS: &[Platform] = &[
    Platform {
        systems: LINUX,
        selector: "epoll",
        notifier: "eventfd",
        capabilities: &[
            "accept4",
            "pipe2",
            "sock_cloexec",
            "msg_nosignal",
            "priority",
            "accept_pending_errors",
        ],
    },
    Platform {
        systems: APPLE,
        selector: "kqueue",
        notifier: "user_event",
        capabilities: &[
            "so_nosigpipe",
            "priority",
            "sa_len",
            "eprototype_race",
            "control_in_send_buffer",
        ],
    },
    Platform {
        systems: FREEBSD,
        selector: "kqueue",
        notifier: "user_event",
        capabilities: &[
            "accept4",
            "pipe2",
            "sock_cloexec",
            "msg_nosignal",
            "so_nosigpipe",
            "sa_len",
        ],
    },
    Platform {
        systems: DRAGONFLY,
        selector: "kqueue",
        notifier: "user_event",
        capabilities: &[
            "accept4",
            "pipe2",
            "sock_cloexec",
            "msg_nosignal",
            "so_nosigpipe",
            "priority",
            "sa_len",
        ],
    },
    // EVFILT_USER is recent on NetBSD (10) and OpenBSD: the pipe works on every version.
    Platform {
        systems: NETBSD,
        selector: "kqueue",
        notifier: "pipe",
        capabilities: &[
            "control_in_send_buffer",
            "accept4",
            "pipe2",
            "sock_cloexec",
            "msg_nosignal",
            "so_nosigpipe",
            "kqueue1",
            "sa_len",
        ],
    },
    Platform {
        systems: OPENBSD,
        selector: "kqueue",
        notifier: "pipe",
        capabilities: &[
            "control_in_send_buffer",
            "accept4",
            "pipe2",
            "sock_cloexec",
            "msg_nosignal",
            "priority",
            "sa_len",
        ],
    },
];

/// Socket options that some systems lack, by their C name in small letters, and who has them.
/// They are capabilities like the others.
const SOCKET_OPTIONS: &[(&str, &[&[&str]])] = &[
    ("so_busy_poll", &[LINUX]),
    ("so_bindtodevice", &[LINUX]),
    ("so_domain", &[LINUX, FREEBSD, OPENBSD]),
    // libc does not have it for Android, though the kernel does.
    ("so_incoming_cpu", &[&["linux"]]),
    ("so_linger_sec", &[APPLE]),
    ("so_mark", &[LINUX]),
    ("so_priority", &[LINUX]),
    ("so_protocol", &[LINUX, FREEBSD, OPENBSD]),
    ("so_reuseport_lb", &[FREEBSD]),
    ("ip_bound_if", &[APPLE]),
    // Beside messages; see cmsg. The address by IP_PKTINFO, or by a message of its own.
    ("ip_pktinfo", &[LINUX, APPLE, NETBSD]),
    ("ipi_spec_dst", &[LINUX, APPLE]),
    ("ip_recvdstaddr", &[FREEBSD, DRAGONFLY, OPENBSD]),
    // With sending it beside a datagram: as a byte, or as an int.
    ("ip_recvtos", &[LINUX, APPLE, FREEBSD]),
    ("ip_tos_byte", &[FREEBSD]),
    // libc lacks the names.
    ("ip_recvttl_netbsd", &[NETBSD]),
    ("ip_recvttl_openbsd", &[OPENBSD]),
    ("ip_recverr", &[LINUX]),
    ("so_timestampns", &[LINUX]),
    ("so_timestamping", &[LINUX]),
    ("udp_gro", &[LINUX]),
    ("udp_segment", &[LINUX]),
    // Credentials: Linux's, or a structure that the sender (cmsgcred) or the receiver's option
    // (sockcred) adds.
    ("scm_credentials", &[LINUX]),
    ("scm_pidfd", &[LINUX]),
    ("scm_creds", &[FREEBSD, DRAGONFLY, NETBSD]),
    ("scm_creds2", &[FREEBSD]),
    ("cmsgcred", &[FREEBSD, DRAGONFLY]),
    // libc does not have MSG_ZEROCOPY for Android.
    ("so_zerocopy", &[&["linux"]]),
    // Where it is a system call; libc does not have it for Android.
    ("recvmmsg", &[&["linux"], NETBSD, OPENBSD]),
    ("msg_cmsg_cloexec", &[LINUX, FREEBSD, DRAGONFLY, NETBSD, OPENBSD]),
    ("ip_dontfrag", &[APPLE, FREEBSD]),
    ("ip_freebind", &[LINUX]),
    // An IPv4 interface by its index.
    ("ip_mreqn", &[LINUX, APPLE, FREEBSD]),
    // With IP_MTU, and both of IPv6.
    ("ip_mtu_discover", &[LINUX]),
    ("ip_transparent", &[LINUX]),
    // Linux's name for it; IPV6_JOIN_GROUP is the others'.
    ("ipv6_add_membership", &[LINUX]),
    // RFC 3678's requests of one source, with group_source_req.
    ("mcast_source", &[LINUX, APPLE, FREEBSD]),
    // IPv4's and IPv6's.
    ("multicast_all", &[LINUX]),
    ("tcp_congestion", &[LINUX, FREEBSD]),
    ("tcp_cork", &[LINUX]),
    ("tcp_defer_accept", &[LINUX]),
    ("tcp_fastopen", &[LINUX, APPLE, FREEBSD]),
    ("tcp_fastopen_connect", &[LINUX]),
    ("tcp_info", &[LINUX, FREEBSD, NETBSD, OPENBSD]),
    // Whose layout the structure has; FreeBSD's without either.
    ("tcp_info_linux", &[LINUX]),
    ("tcp_info_netbsd", &[NETBSD]),
    ("tcp_info_openbsd", &[OPENBSD]),
    // The idle time: Apple's name and the others'.
    ("tcp_keepalive", &[APPLE]),
    ("tcp_keepidle", &[LINUX, FREEBSD, DRAGONFLY, NETBSD]),
    // With TCP_KEEPCNT.
    ("tcp_keepintvl", &[LINUX, APPLE, FREEBSD, DRAGONFLY, NETBSD]),
    ("tcp_nopush", &[APPLE, FREEBSD, DRAGONFLY, OPENBSD]),
    ("tcp_notsent_lowat", &[LINUX, APPLE]),
    ("tcp_quickack", &[LINUX]),
    ("tcp_user_timeout", &[LINUX]),
];

/// What the families of local sockets have, and where. Capabilities like the others.
/// `vsock`: sockets between a virtual machine and its host; `vsock_local_cid`: `/dev/vsock`.
/// `unix_abstract`: names outside the file system. `unix_seqpacket`: `SOCK_SEQPACKET`.
/// `peer_*`: what tells who is at the other end; DragonFly has getpeereid(3) alone.
const LOCAL: &[(&str, &[&[&str]])] = &[
    ("vsock", &[LINUX, APPLE]),
    ("vsock_local_cid", &[LINUX]),
    ("unix_abstract", &[LINUX]),
    // A socket's own permissions are those of the file that it is bound to.
    ("unix_bind_mode", &[LINUX]),
    ("unix_seqpacket", &[LINUX, FREEBSD, DRAGONFLY, NETBSD, OPENBSD]),
    ("peer_ucred", &[LINUX]),
    ("peer_local_pid", &[APPLE]),
    ("peer_xucred_pid", &[FREEBSD]),
    ("peer_unpcbid", &[NETBSD]),
    ("peer_sockpeercred", &[OPENBSD]),
    ("getpeereid", &[DRAGONFLY]),
    // Credentials beside what arrives: the receiver's option. DragonFly's SO_PASSCRED is for the
    // sender, which attaches them there.
    ("so_passcred", &[LINUX]),
    ("local_creds_persistent", &[FREEBSD]),
    ("local_creds", &[NETBSD]),
];

/// System calls, and variants of them, that some systems lack. Capabilities like the others.
const CALLS: &[(&str, &[&[&str]])] = &[("sigtimedwait", &[LINUX, FREEBSD, DRAGONFLY, NETBSD])];

/// Bytes that move without coming into the process. Capabilities like the others.
/// `sendfile_*`: whose form of the call it is, if there is one (`sendfile`).
const MOVING: &[(&str, &[&[&str]])] = &[
    ("splice", &[LINUX]),
    ("sendfile", &[LINUX, APPLE, FREEBSD, DRAGONFLY]),
    ("sendfile_linux", &[LINUX]),
    ("sendfile_apple", &[APPLE]),
    ("sendfile_freebsd", &[FREEBSD, DRAGONFLY]),
];

/// What pipes have, and where. Capabilities like the others.
/// `rwf_nosignal`: a write without SIGPIPE by flag, since Linux 6.18. By number, so not for
/// Android, whose filters end an app for a call that they do not know. `f_setnosigpipe`: the same
/// by a property of the descriptor. `pipe_size`: the capacity can be changed. `pipe_packets`: a
/// read takes one write (`O_DIRECT`).
const PIPES: &[(&str, &[&[&str]])] = &[
    ("rwf_nosignal", &[&["linux"]]),
    ("f_setnosigpipe", &[APPLE, NETBSD]),
    ("pipe_size", &[LINUX]),
    ("pipe_packets", &[LINUX]),
    // An open that names a file without opening it for anything.
    ("o_path", &[LINUX, FREEBSD]),
    // The reader's end is told to the writer as the end of *its* reading too (T36), and by that
    // alone in some cases. Once the reader has gone EVFILT_WRITE is refused, with EPIPE (FreeBSD,
    // OpenBSD, DragonFly) or EBADF (NetBSD), says each kernel's `pipe_kqfilter`; and older NetBSD
    // wakes the knotes of a full pipe before it marks the end, so that EVFILT_WRITE finds no room.
    (PIPE_END_BY_READ, &[APPLE, FREEBSD, DRAGONFLY, NETBSD, OPENBSD]),
    // The end of the last writer of a FIFO by path is not told at all (T37).
    ("fifo_end_unseen", &[APPLE]),
];

const PIPE_END_BY_READ: &str = "pipe_end_by_read";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let os = variable("CARGO_CFG_TARGET_OS");
    let Some(platform) = PLATFORMS.iter().find(|p| p.systems.contains(&os.as_str())) else {
        return refuse(&format!("edgewake needs epoll or kqueue, and `{os}` has neither"));
    };
    if platform.selector == "kqueue" && variable("CARGO_CFG_TARGET_POINTER_WIDTH") != "64" {
        // A token is 64 bits and `udata` is a pointer.
        return refuse("edgewake needs 64-bit pointers on systems with kqueue");
    }
    if !variable("CARGO_CFG_TARGET_HAS_ATOMIC").split(',').any(|width| width == "64") {
        return refuse("edgewake needs 64-bit atomics, which this target does not have");
    }
    let (mut selector, mut notifier, mut kqueue) = (platform.selector, platform.notifier, "libc");
    // `--cfg edgewake_kqueue="fake"` (or "system": libkqueue) runs the kqueue selector on Linux.
    let emulated = variable("CARGO_CFG_EDGEWAKE_KQUEUE");
    if os == "linux" && !emulated.is_empty() {
        (selector, notifier) = ("kqueue", "user_event");
        kqueue = if emulated == "system" { "system" } else { "fake" };
    }
    if selector == "kqueue" {
        // Also where RUSTFLAGS says it: rustdoc, which compiles the doctests, does not read those.
        println!("cargo::rustc-cfg=edgewake_kqueue=\"{kqueue}\"");
    }
    if kqueue == "system" {
        println!("cargo::rustc-link-lib=kqueue");
    }
    // Cargo shows a bare `--cfg NAME` of RUSTFLAGS to build scripts as an empty variable.
    if env::var_os("CARGO_CFG_EDGEWAKE_FORCE_PIPE").is_some() {
        notifier = "pipe";
    }
    println!("cargo::rustc-cfg=edgewake_selector=\"{selector}\"");
    println!("cargo::rustc-cfg=edgewake_notifier=\"{notifier}\"");
    println!("cargo::metadata=SELECTOR={selector}");
    println!("cargo::metadata=NOTIFIER={notifier}");
    let mut capabilities = platform.capabilities.to_vec();
    let tables = [SOCKET_OPTIONS, LOCAL, CALLS, MOVING, PIPES];
    for (name, systems) in tables.into_iter().flatten() {
        if systems.concat().contains(&os.as_str()) {
            capabilities.push(name);
        }
    }
    if has_probes(&os) {
        capabilities.push("usdt");
    }
    if selector == "kqueue" && platform.selector == "epoll" {
        // The emulations on Linux tell nothing about urgent data.
        capabilities.retain(|name| *name != "priority");
        // So that it is tested.
        capabilities.push(PIPE_END_BY_READ);
    }
    for name in &capabilities {
        println!("cargo::rustc-cfg=edgewake_has=\"{name}\"");
    }
    println!("cargo::metadata=CAPABILITIES={}", capabilities.join(","));
}

/// Static probe points are asked for, and are ELF notes with an assembler that is known.
fn has_probes(os: &str) -> bool {
    let architecture = variable("CARGO_CFG_TARGET_ARCH");
    env::var_os("CARGO_FEATURE_PROBES").is_some()
        && LINUX.contains(&os)
        && ["x86_64", "aarch64"].contains(&architecture.as_str())
}

fn refuse(sentence: &str) {
    println!("cargo::rustc-cfg=edgewake_refused");
    println!("cargo::metadata=REFUSED={sentence}");
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}
