//! Control messages to send.

use std::{
    fmt, io,
    marker::PhantomData,
    net::IpAddr,
    os::fd::{AsRawFd, BorrowedFd, RawFd},
};

use super::{
    layout::{self, BLOCK, Block, bytes_of},
    message::Credentials,
};

/// The control messages of one message to send, in the kernel's form. Reusable by
/// [`clear`](Self::clear).
///
/// It borrows the descriptors that it sends: the kernel duplicates them when the message is sent.
pub struct SendControl<'fd> {
    blocks: Vec<Block>,
    length: usize,
    fds: PhantomData<BorrowedFd<'fd>>,
}

impl<'fd> SendControl<'fd> {
    /// No messages. Allocates with the first.
    pub const fn new() -> SendControl<'fd> {
        SendControl { blocks: Vec::new(), length: 0, fds: PhantomData }
    }

    /// Whether there is no message in it.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Forgets the messages and keeps the room.
    #[inline]
    pub fn clear(&mut self) {
        self.blocks.clear();
        self.length = 0;
    }

    /// Adds descriptors (`SCM_RIGHTS`), in one message; none adds nothing.
    ///
    /// # Platform notes
    ///
    /// Linux sends 253 at most (`SCM_MAX_FD`) and answers `EINVAL` to more, `ETOOMANYREFS` where
    /// too many are on their way already.
    ///
    /// # References
    ///
    /// [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html) `SCM_RIGHTS`
    #[doc(alias = "SCM_RIGHTS")]
    #[inline]
    pub fn push_fds(&mut self, fds: &[BorrowedFd<'fd>]) {
        if fds.is_empty() {
            return;
        }
        let length = size_of_val(fds);
        const { assert!(size_of::<BorrowedFd<'_>>() == size_of::<RawFd>()) };
        let room = self.grow(libc::SOL_SOCKET, libc::SCM_RIGHTS, length);
        for (place, fd) in room.chunks_exact_mut(size_of::<RawFd>()).zip(fds) {
            place.copy_from_slice(&fd.as_raw_fd().to_ne_bytes());
        }
    }

    /// Adds credentials; without a process, this one. Linux lets the privileged claim others than
    /// their own; FreeBSD and DragonFly fill in the sender's whatever is claimed.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) on Apple, NetBSD and OpenBSD.
    ///
    /// # References
    ///
    /// [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html) `SCM_CREDENTIALS`
    #[doc(alias = "SCM_CREDENTIALS")]
    #[doc(alias = "SCM_CREDS")]
    pub fn push_credentials(&mut self, claimed: Credentials) -> io::Result<()> {
        cfg_if::cfg_if! {
            if #[cfg(edgewake_has = "scm_credentials")] {
                // A `ucred`, which libc lacks for Android.
                // There is no process 0, and Linux refuses it.
                let pid = claimed.pid.unwrap_or(std::process::id() as i32);
                let raw = [pid, claimed.uid as i32, claimed.gid as i32];
                // SAFETY: an array of integers.
                let bytes = unsafe { bytes_of(&raw) };
                self.push(libc::SOL_SOCKET, libc::SCM_CREDENTIALS, bytes);
                Ok(())
            } else if #[cfg(edgewake_has = "cmsgcred")] {
                let _ = claimed;
                self.grow(libc::SOL_SOCKET, libc::SCM_CREDS, size_of::<libc::cmsgcred>());
                Ok(())
            } else {
                let _ = claimed;
                Err(unsupported("credentials"))
            }
        }
    }

    /// Adds where a datagram is sent from: an address of this machine, or the unspecified one for
    /// any, and an interface by its index, or 0 for any. IPv4 addresses are for IPv4 sockets,
    /// IPv6 ones (also mapped) for IPv6 sockets.
    ///
    /// # Platform notes
    ///
    /// FreeBSD refuses an IPv4 address (`EINVAL`, when it is sent) unless the socket is bound to
    /// the unspecified address and a port.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) for an IPv4 interface on FreeBSD, DragonFly and
    /// OpenBSD, which choose the address only (`IP_SENDSRCADDR`).
    ///
    /// # References
    ///
    /// [ip(7)](https://man7.org/linux/man-pages/man7/ip.7.html) `IP_PKTINFO`,
    /// [RFC 3542](https://www.rfc-editor.org/rfc/rfc3542#section-6)
    #[doc(alias = "IP_PKTINFO")]
    #[doc(alias = "IPV6_PKTINFO")]
    #[doc(alias = "IP_SENDSRCADDR")]
    pub fn push_source(&mut self, address: IpAddr, interface: u32) -> io::Result<()> {
        match address {
            IpAddr::V4(address) => {
                let s_addr = u32::from_ne_bytes(address.octets());
                self.push_source_v4(libc::in_addr { s_addr }, interface)
            }
            IpAddr::V6(address) => {
                let raw = libc::in6_pktinfo {
                    ipi6_addr: libc::in6_addr { s6_addr: address.octets() },
                    ipi6_ifindex: interface as _,
                };
                // SAFETY: sixteen bytes and an integer, without padding.
                self.push(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, unsafe { bytes_of(&raw) });
                Ok(())
            }
        }
    }

    #[cfg(edgewake_has = "ip_pktinfo")]
    fn push_source_v4(&mut self, address: libc::in_addr, interface: u32) -> io::Result<()> {
        // SAFETY: `in_pktinfo` consists of integers: all zeros is a value.
        let mut raw: libc::in_pktinfo = unsafe { std::mem::zeroed() };
        raw.ipi_ifindex = interface as _;
        // Linux and Apple take it from `ipi_spec_dst`; NetBSD has `ipi_addr` only.
        #[cfg(edgewake_has = "ipi_spec_dst")]
        {
            raw.ipi_spec_dst = address;
        }
        #[cfg(not(edgewake_has = "ipi_spec_dst"))]
        {
            raw.ipi_addr = address;
        }
        // SAFETY: integers of the same size.
        self.push(libc::IPPROTO_IP, libc::IP_PKTINFO, unsafe { bytes_of(&raw) });
        Ok(())
    }

    #[cfg(not(edgewake_has = "ip_pktinfo"))]
    fn push_source_v4(&mut self, address: libc::in_addr, interface: u32) -> io::Result<()> {
        if interface != 0 {
            return Err(unsupported("the interface of an IPv4 datagram"));
        }
        if address.s_addr != 0 {
            // SAFETY: an integer.
            self.push(libc::IPPROTO_IP, libc::IP_SENDSRCADDR, unsafe { bytes_of(&address) });
        }
        Ok(())
    }

    /// Adds the traffic class, DSCP and ECN, of a datagram to an IPv4 address (also mapped to
    /// IPv6).
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) on DragonFly, NetBSD and OpenBSD: set the
    /// socket's [`TOS`](crate::sockopt::TOS) there.
    ///
    /// # References
    ///
    /// [ip(7)](https://man7.org/linux/man-pages/man7/ip.7.html) `IP_TOS`
    #[doc(alias = "IP_TOS")]
    pub fn push_traffic_class_v4(&mut self, class: u8) -> io::Result<()> {
        cfg_if::cfg_if! {
            if #[cfg(edgewake_has = "ip_tos_byte")] {
                // FreeBSD: a byte and nothing longer.
                self.push(libc::IPPROTO_IP, libc::IP_TOS, &[class]);
                Ok(())
            } else if #[cfg(edgewake_has = "ip_recvtos")] {
                self.push(libc::IPPROTO_IP, libc::IP_TOS, &i32::from(class).to_ne_bytes());
                Ok(())
            } else {
                let _ = class;
                Err(unsupported("the traffic class of an IPv4 datagram"))
            }
        }
    }

    /// Adds the traffic class, DSCP and ECN, of a datagram to an IPv6 address.
    ///
    /// # References
    ///
    /// [RFC 3542](https://www.rfc-editor.org/rfc/rfc3542#section-6.5)
    #[doc(alias = "IPV6_TCLASS")]
    #[inline]
    pub fn push_traffic_class_v6(&mut self, class: u8) {
        self.push(libc::IPPROTO_IPV6, libc::IPV6_TCLASS, &i32::from(class).to_ne_bytes());
    }

    /// Has the data sent as datagrams of `size` bytes, of which the last may be shorter
    /// (`UDP_SEGMENT`). Linux only (4.18).
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) elsewhere.
    ///
    /// # References
    ///
    /// [udp(7)](https://man7.org/linux/man-pages/man7/udp.7.html) `UDP_SEGMENT`
    #[doc(alias = "UDP_SEGMENT")]
    #[inline]
    pub fn push_segment_size(&mut self, size: u16) -> io::Result<()> {
        cfg_if::cfg_if! {
            if #[cfg(edgewake_has = "udp_segment")] {
                self.push(libc::IPPROTO_UDP, libc::UDP_SEGMENT, &size.to_ne_bytes());
                Ok(())
            } else {
                let _ = size;
                Err(unsupported("segments of a datagram"))
            }
        }
    }

    /// Adds a message that this module does not know.
    ///
    /// # Safety
    ///
    /// The kernel takes the payload of this kind of message as plain data: no pointer and no
    /// descriptor is in it.
    #[inline]
    pub unsafe fn push_custom(&mut self, level: i32, kind: i32, payload: &[u8]) {
        self.push(level, kind, payload);
    }

    /// The messages as sendmsg(2) takes them; valid until `self` is changed.
    #[inline]
    pub(crate) fn as_parts(&self) -> (*const libc::c_void, usize) {
        (self.blocks.as_ptr().cast(), self.length)
    }

    fn push(&mut self, level: i32, kind: i32, payload: &[u8]) {
        self.grow(level, kind, payload.len()).copy_from_slice(payload);
    }

    /// Adds a message with a payload of zeros, and returns the payload.
    fn grow(&mut self, level: i32, kind: i32, length: usize) -> &mut [u8] {
        let start = self.length;
        self.length += layout::space(length);
        self.blocks.resize(self.length.div_ceil(BLOCK), Block::ZERO);
        let bytes = self.blocks.as_mut_ptr().cast::<u8>();
        // SAFETY: the blocks are one array of initialised bytes, of at least `self.length`.
        let bytes = unsafe { std::slice::from_raw_parts_mut(bytes, self.length) };
        let room = &mut bytes[start..];
        layout::write_header(room, level, kind, length);
        &mut room[layout::HEADER..layout::HEADER + length]
    }
}

impl Default for SendControl<'_> {
    #[inline]
    fn default() -> Self {
        SendControl::new()
    }
}

impl fmt::Debug for SendControl<'_> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendControl").field("length", &self.length).finish_non_exhaustive()
    }
}

#[cold]
#[cfg_attr(
    all(edgewake_has = "udp_segment", edgewake_has = "ip_pktinfo"),
    allow(dead_code, reason = "this system sends all of it")
)]
#[inline]
fn unsupported(what: &str) -> io::Error {
    let message = format!("this system does not send {what} beside a message");
    io::Error::new(io::ErrorKind::Unsupported, message)
}
