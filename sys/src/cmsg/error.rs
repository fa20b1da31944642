//! The messages of Linux's error queue.

use std::{io, net::SocketAddr};

#[cfg(edgewake_has = "ip_recverr")]
use super::layout::read;
#[cfg(edgewake_has = "ip_recverr")]
use crate::sockaddr::RawAddr;

/// Why an earlier datagram failed, or what became of it (Linux's `sock_extended_err`).
///
/// # References
///
/// [ip(7)](https://man7.org/linux/man-pages/man7/ip.7.html) `IP_RECVERR`
#[doc(alias = "sock_extended_err")]
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ExtendedError {
    /// The `errno`: `ECONNREFUSED`, `EHOSTUNREACH`, `EMSGSIZE` …; 0 or `ENOMSG` where it is no
    /// error.
    pub code: i32,
    /// Who says so.
    pub origin: ErrorOrigin,
    /// The type of the ICMP message, or of the time stamp.
    pub icmp_type: u8,
    /// The code of the ICMP message; for [`ErrorOrigin::ZeroCopy`] 1 if the data was copied after
    /// all.
    pub icmp_code: u8,
    /// The path's MTU with `EMSGSIZE`; the first number of a range of zero-copy sends.
    pub info: u32,
    /// The last number of that range; the number of the datagram that a time stamp is of.
    pub data: u32,
    /// The machine that the ICMP message came from, with port 0.
    pub offender: Option<SocketAddr>,
}

impl ExtendedError {
    /// The error that [`code`](Self::code) is.
    #[inline]
    pub fn to_io_error(&self) -> io::Error {
        io::Error::from_raw_os_error(self.code)
    }

    #[cfg(edgewake_has = "ip_recverr")]
    pub(super) fn decode(payload: &[u8]) -> Option<ExtendedError> {
        // SAFETY: it consists of integers.
        let raw: libc::sock_extended_err = unsafe { read(payload) }?;
        // Behind it, `SO_EE_OFFENDER`; of the family 0 where there is none.
        let behind = payload.get(size_of::<libc::sock_extended_err>()..).unwrap_or_default();
        let offender = RawAddr::from_bytes(behind).and_then(|raw| SocketAddr::try_from(&raw)).ok();
        Some(ExtendedError {
            code: raw.ee_errno as i32,
            origin: ErrorOrigin::from_number(raw.ee_origin),
            icmp_type: raw.ee_type,
            icmp_code: raw.ee_code,
            info: raw.ee_info,
            data: raw.ee_data,
            offender,
        })
    }
}

/// Who reports on a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorOrigin {
    /// This machine: it could not be sent, mostly for its size.
    Local,
    /// An ICMP message of another machine.
    Icmp,
    /// An ICMPv6 message of another machine.
    Icmp6,
    /// A time stamp of a sent datagram; no error.
    Timestamp,
    /// A zero-copy send is done with its memory; no error.
    ZeroCopy,
    /// The time that a datagram was to be sent at could not be kept (`SO_TXTIME`).
    TransmitTime,
    /// Another, by its number.
    Other(u8),
}

impl ErrorOrigin {
    /// By `SO_EE_ORIGIN_*` of Linux's `<linux/errqueue.h>`, of which libc lacks the last two.
    #[cfg(any(test, edgewake_has = "ip_recverr"))]
    pub(super) fn from_number(number: u8) -> ErrorOrigin {
        match number {
            1 => ErrorOrigin::Local,
            2 => ErrorOrigin::Icmp,
            3 => ErrorOrigin::Icmp6,
            4 => ErrorOrigin::Timestamp,
            5 => ErrorOrigin::ZeroCopy,
            6 => ErrorOrigin::TransmitTime,
            other => ErrorOrigin::Other(other),
        }
    }
}
