//! Numbers of names that libc lacks for some systems.

cfg_if::cfg_if! {
    if #[cfg(edgewake_has = "ip_recvttl_netbsd")] {
        /// NetBSD's `<netinet/in.h>`.
        pub(crate) const IP_RECVTTL: i32 = 23;
    } else if #[cfg(edgewake_has = "ip_recvttl_openbsd")] {
        /// OpenBSD's `<netinet/in.h>`.
        pub(crate) const IP_RECVTTL: i32 = 31;
    } else {
        pub(crate) use libc::IP_RECVTTL;
    }
}

cfg_if::cfg_if! {
    if #[cfg(any(edgewake_has = "ip_recvttl_netbsd", edgewake_has = "ip_recvttl_openbsd"))] {
        /// NetBSD's and OpenBSD's `<netinet6/in6.h>`.
        pub(crate) const IPV6_RECVHOPLIMIT: i32 = 37;
        /// As above.
        pub(crate) const IPV6_HOPLIMIT: i32 = 47;
    } else {
        pub(crate) use libc::{IPV6_HOPLIMIT, IPV6_RECVHOPLIMIT};
    }
}
