//! From a payload to a [`Message`]. A payload that is too short for its kind, or that no kernel
//! here sends, is [`Message::Unknown`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

#[cfg(edgewake_has = "ip_recverr")]
use super::error::ExtendedError;
#[cfg(any(test, edgewake_has = "scm_credentials", edgewake_has = "scm_creds"))]
use super::message::Credentials;
use super::{
    layout::read,
    message::{Message, PacketInfo},
    time,
};

impl<'a> Message<'a> {
    /// Never for messages of descriptors, which want an owner: see `Control`.
    #[inline]
    pub(super) fn decode(level: i32, kind: i32, payload: &'a [u8]) -> Message<'a> {
        let known = match level {
            libc::SOL_SOCKET => socket(kind, payload),
            libc::IPPROTO_IP => v4(kind, payload),
            libc::IPPROTO_IPV6 => v6(kind, payload),
            libc::IPPROTO_UDP => udp(kind, payload),
            _ => None,
        };
        known.unwrap_or(Message::Unknown { level, kind, bytes: payload })
    }
}

fn socket(kind: i32, payload: &[u8]) -> Option<Message<'static>> {
    match kind {
        #[cfg(edgewake_has = "so_timestampns")]
        libc::SO_TIMESTAMPNS => {
            time::timespec(payload).and_then(time::since_epoch).map(Message::Timestamp)
        }
        #[cfg(edgewake_has = "so_timestamping")]
        libc::SO_TIMESTAMPING => super::Timestamps::decode(payload).map(Message::Timestamps),
        libc::SCM_TIMESTAMP => {
            time::timeval(payload).and_then(time::since_epoch).map(Message::Timestamp)
        }
        #[cfg(edgewake_has = "scm_credentials")]
        libc::SCM_CREDENTIALS => {
            // A `ucred`, which libc lacks for Android.
            // SAFETY: integers.
            let [pid, uid, gid]: [i32; 3] = unsafe { read(payload) }?;
            Some(Message::Credentials(Credentials::told(pid, uid as u32, gid as u32)))
        }
        #[cfg(edgewake_has = "scm_creds")]
        _ => credentials(kind, payload).map(Message::Credentials),
        #[cfg(not(edgewake_has = "scm_creds"))]
        _ => None,
    }
}

/// FreeBSD and DragonFly: a `cmsgcred`, which the sender attached and the kernel filled. FreeBSD: a
/// `sockcred2` of `LOCAL_CREDS_PERSISTENT`; the `sockcred` of its `LOCAL_CREDS` has the name of the
/// `cmsgcred`, and with sixteen groups its length, so that it is not told apart (unix(4)).
/// NetBSD: a `sockcred` with a process.
#[cfg(edgewake_has = "scm_creds")]
fn credentials(kind: i32, payload: &[u8]) -> Option<Credentials> {
    #[cfg(edgewake_has = "scm_creds2")]
    if kind == libc::SCM_CREDS2 {
        return identity(payload, [1, 2, 4]);
    }
    let whole = cfg!(not(edgewake_has = "cmsgcred")) || payload.len() == CMSGCRED;
    if kind == libc::SCM_CREDS && whole { identity(payload, [0, 1, 3]) } else { None }
}

/// The length of a `cmsgcred`: four ids, how many groups, sixteen groups.
#[cfg(edgewake_has = "scm_creds")]
const CMSGCRED: usize = 84;
#[cfg(edgewake_has = "cmsgcred")]
const _: () = assert!(CMSGCRED == size_of::<libc::cmsgcred>());
#[cfg(edgewake_has = "cmsgcred")]
const _: () = assert!(std::mem::offset_of!(libc::cmsgcred, cmcred_gid) == 12);
#[cfg(edgewake_has = "scm_creds2")]
const _: () = assert!(std::mem::offset_of!(libc::sockcred2, sc_gid) == 16);
#[cfg(all(edgewake_has = "scm_creds", not(edgewake_has = "cmsgcred")))]
const _: () = assert!(std::mem::offset_of!(libc::sockcred, sc_gid) == 12);

/// The process, its user and its group, by where they are among the integers that all such
/// structures begin with. Behind them come as many groups as the process has, and with none the
/// kernels send less than the C structure, which has room for one (`SOCKCREDSIZE`).
#[cfg(any(test, edgewake_has = "scm_creds"))]
pub(super) fn identity(payload: &[u8], places: [usize; 3]) -> Option<Credentials> {
    let integer = |place: usize| -> Option<i32> {
        // SAFETY: an integer.
        unsafe { read(payload.get(place * 4..)?) }
    };
    let [pid, uid, gid] = places.map(integer);
    Some(Credentials::told(pid?, uid? as u32, gid? as u32))
}

fn v4(kind: i32, payload: &[u8]) -> Option<Message<'static>> {
    match kind {
        #[cfg(edgewake_has = "ip_pktinfo")]
        libc::IP_PKTINFO => {
            // SAFETY: `in_pktinfo` consists of integers.
            let info: libc::in_pktinfo = unsafe { read(payload) }?;
            Some(Message::PacketInfo(PacketInfo {
                destination: Some(ipv4(info.ipi_addr).into()),
                #[cfg(edgewake_has = "ipi_spec_dst")]
                local: Some(ipv4(info.ipi_spec_dst)),
                #[cfg(not(edgewake_has = "ipi_spec_dst"))]
                local: None,
                interface: info.ipi_ifindex as _,
            }))
        }
        #[cfg(edgewake_has = "ip_recvdstaddr")]
        libc::IP_RECVDSTADDR => {
            // SAFETY: `in_addr` is an integer.
            let address: libc::in_addr = unsafe { read(payload) }?;
            let destination = Some(ipv4(address).into());
            Some(Message::PacketInfo(PacketInfo { destination, ..PacketInfo::default() }))
        }
        #[cfg(edgewake_has = "ip_recvdstaddr")]
        libc::IP_RECVIF => {
            // Of a `sockaddr_dl` that is cut to its name's length: the family, then the index.
            let mut start = [0; 4];
            start.copy_from_slice(payload.get(..4)?);
            let interface = u16::from_ne_bytes([start[2], start[3]]).into();
            let link = i32::from(start[1]) == libc::AF_LINK;
            let info = PacketInfo { interface, ..PacketInfo::default() };
            link.then_some(Message::PacketInfo(info))
        }
        #[cfg(edgewake_has = "ip_recverr")]
        libc::IP_RECVERR => ExtendedError::decode(payload).map(Message::Error),
        // Linux sends the value under the name of the option that sets it, the others under the
        // name of the one that asks for it.
        #[cfg(edgewake_has = "ip_recverr")]
        libc::IP_TOS => small(payload).map(Message::TrafficClass),
        #[cfg(edgewake_has = "ip_recverr")]
        libc::IP_TTL => small(payload).map(Message::HopLimit),
        #[cfg(all(edgewake_has = "ip_recvtos", not(edgewake_has = "ip_recverr")))]
        libc::IP_RECVTOS => small(payload).map(Message::TrafficClass),
        #[cfg(not(edgewake_has = "ip_recverr"))]
        crate::sockopt::names::IP_RECVTTL => small(payload).map(Message::HopLimit),
        _ => None,
    }
}

fn v6(kind: i32, payload: &[u8]) -> Option<Message<'static>> {
    match kind {
        libc::IPV6_PKTINFO => {
            // SAFETY: `in6_pktinfo` consists of integers.
            let info: libc::in6_pktinfo = unsafe { read(payload) }?;
            let destination = IpAddr::V6(Ipv6Addr::from(info.ipi6_addr.s6_addr));
            Some(Message::PacketInfo(PacketInfo {
                destination: Some(destination),
                local: None,
                interface: info.ipi6_ifindex as _,
            }))
        }
        libc::IPV6_TCLASS => small(payload).map(Message::TrafficClass),
        crate::sockopt::names::IPV6_HOPLIMIT => small(payload).map(Message::HopLimit),
        #[cfg(edgewake_has = "ip_recverr")]
        libc::IPV6_RECVERR => ExtendedError::decode(payload).map(Message::Error),
        _ => None,
    }
}

fn udp(kind: i32, payload: &[u8]) -> Option<Message<'static>> {
    #[cfg(edgewake_has = "udp_gro")]
    if kind == libc::UDP_GRO {
        // SAFETY: an integer.
        let size: i32 = unsafe { read(payload) }?;
        return usize::try_from(size).ok().filter(|size| *size > 0).map(Message::SegmentSize);
    }
    let _ = (kind, payload);
    None
}

/// A number of one byte, which some systems send as an `int`.
fn small(payload: &[u8]) -> Option<u8> {
    match *payload {
        [byte] => Some(byte),
        // SAFETY: an integer.
        _ => unsafe { read::<i32>(payload) }?.try_into().ok(),
    }
}

fn ipv4(address: libc::in_addr) -> Ipv4Addr {
    Ipv4Addr::from(address.s_addr.to_ne_bytes())
}
