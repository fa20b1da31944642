//! What a received control message says.

use std::{
    net::{IpAddr, Ipv4Addr},
    os::fd::OwnedFd,
    time::SystemTime,
};

use super::{Fds, error::ExtendedError, time::Timestamps};

/// A received control message.
///
/// Which of them come is decided by the socket's options, named with each.
#[derive(Debug)]
#[non_exhaustive]
pub enum Message<'a> {
    /// Descriptors (`SCM_RIGHTS`), close-on-exec.
    Fds(Fds<'a>),
    /// The process that sent the message, close-on-exec: Linux's `SO_PASSPIDFD` (6.5).
    PidFd(OwnedFd),
    /// Who sent the message: `SO_PASSCRED` on Linux, `LOCAL_CREDS` on FreeBSD and NetBSD, or sent
    /// by a peer on FreeBSD and DragonFly.
    Credentials(Credentials),
    /// Where the packet was sent to and through which interface it came: `IP_PKTINFO`,
    /// `IP_RECVDSTADDR`, `IP_RECVIF`, `IPV6_RECVPKTINFO`. The BSDs without `IP_PKTINFO` send a
    /// message for the address and another for the interface.
    PacketInfo(PacketInfo),
    /// The type of service or traffic class, DSCP and ECN: `IP_RECVTOS`, `IPV6_RECVTCLASS`.
    TrafficClass(u8),
    /// The time to live or hop limit that was left: `IP_RECVTTL`, `IPV6_RECVHOPLIMIT`.
    HopLimit(u8),
    /// When the packet came: `SO_TIMESTAMPNS`, `SO_TIMESTAMP`.
    Timestamp(SystemTime),
    /// When the packet came or went, by several clocks: Linux's `SO_TIMESTAMPING`.
    Timestamps(Timestamps),
    /// The data is several datagrams of this size, of which the last can be shorter: `UDP_GRO`.
    SegmentSize(usize),
    /// Why an earlier datagram failed, or what became of it: Linux's error queue.
    Error(ExtendedError),
    /// Anything else, as it came.
    Unknown {
        /// The protocol, such as `SOL_SOCKET`.
        level: i32,
        /// Which of the protocol's messages.
        kind: i32,
        /// The payload.
        bytes: &'a [u8],
    },
}

/// Who a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Credentials {
    /// The process, where the system tells, and it is one that can be seen from here.
    pub pid: Option<i32>,
    /// Its user: the real one in control messages.
    pub uid: u32,
    /// Its group: the real one in control messages.
    pub gid: u32,
}

impl Credentials {
    /// As the kernel told them: 0 and less are nobody's process.
    #[inline]
    pub(crate) fn told(pid: libc::pid_t, uid: u32, gid: u32) -> Credentials {
        Credentials { pid: (pid > 0).then_some(pid), uid, gid }
    }

    /// Those of a process with these ids.
    pub const fn new(pid: Option<i32>, uid: u32, gid: u32) -> Credentials {
        Credentials { pid, uid, gid }
    }

    /// Those of this process.
    ///
    /// # References
    ///
    /// [getuid(2)](https://man7.org/linux/man-pages/man2/getuid.2.html)
    #[inline]
    pub fn own() -> Credentials {
        let pid = i32::try_from(std::process::id()).ok();
        // SAFETY: takes nothing, and by POSIX never fails, so that `syscall!` has nothing to check.
        let uid = unsafe { libc::getuid() };
        // SAFETY: as above.
        let gid = unsafe { libc::getgid() };
        Credentials { pid, uid, gid }
    }
}

/// Where a packet was sent to, and through which interface it came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PacketInfo {
    /// The packet's destination address: this machine's, or a multicast or broadcast address.
    pub destination: Option<IpAddr>,
    /// The address of this machine that a reply would come from, where the system tells (IPv4 on
    /// Linux and Apple): the destination, unless that is a multicast or broadcast address.
    pub local: Option<Ipv4Addr>,
    /// The index of the interface (`if_indextoname`); 0 where the message does not tell.
    pub interface: u32,
}
