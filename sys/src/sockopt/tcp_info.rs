//! What the kernel knows about a TCP connection (`TCP_INFO`).
//!
//! FreeBSD, NetBSD and OpenBSD took Linux's structure for their own, so its first 104 bytes are
//! the same everywhere; what differs is which fields a system fills, its numbers for the states,
//! and its units. The bytes are decoded by offset, as many as the kernel gave: it may be older or
//! newer than any C library.

use std::{io, os::fd::BorrowedFd, time::Duration};

use super::{get_bytes, unsupported};

/// The state of a TCP connection (RFC 9293, section 3.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names are RFC 9293's")]
pub enum TcpState {
    Closed,
    Listen,
    SynSent,
    SynReceived,
    Established,
    CloseWait,
    FinWait1,
    Closing,
    LastAck,
    FinWait2,
    TimeWait,
}

/// The core of `struct tcp_info`, in units that are the same on every system.
///
/// A field is `None` where the system does not keep it or the kernel's answer ended before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TcpInfo {
    /// The state, unless it has a number that this crate does not know.
    pub state: Option<TcpState>,
    /// How often the oldest unacknowledged segment was retransmitted so far. Linux only.
    pub retransmits: Option<u32>,
    /// The retransmission timeout.
    pub retransmission_timeout: Option<Duration>,
    /// The largest segment that is sent, in bytes.
    pub send_segment_size: Option<u32>,
    /// The largest segment that was seen or is expected, in bytes.
    pub recv_segment_size: Option<u32>,
    /// Segments sent and not acknowledged. Linux only.
    pub unacknowledged: Option<u32>,
    /// Segments taken for lost. Linux only.
    pub lost: Option<u32>,
    /// The smoothed round-trip time.
    pub round_trip_time: Option<Duration>,
    /// Its mean deviation.
    pub round_trip_variation: Option<Duration>,
    /// The congestion window in bytes; Linux and NetBSD count it in segments, which are taken to
    /// be of `send_segment_size`.
    pub congestion_window: Option<u64>,
    /// The room for receiving that is aimed at, in bytes.
    pub recv_space: Option<u32>,
    /// Segments retransmitted over the life of the connection. Not on OpenBSD.
    pub total_retransmits: Option<u32>,
}

/// Reads [`TcpInfo`] of a TCP socket. Makes one system call.
///
/// # Errors
///
/// [`Unsupported`](io::ErrorKind::Unsupported) on Apple and DragonFly; `ENOPROTOOPT` or `EINVAL`
/// if the socket is not of TCP.
///
/// # References
///
/// [tcp(7)](https://man7.org/linux/man-pages/man7/tcp.7.html) `TCP_INFO`
#[doc(alias = "TCP_INFO")]
#[inline]
pub fn tcp_info(fd: BorrowedFd<'_>) -> io::Result<TcpInfo> {
    let name = NAME.ok_or_else(|| unsupported("TCP_INFO"))?;
    let mut room = [0; ROOM];
    // SAFETY: the value is counters.
    let length = unsafe { get_bytes(fd, libc::IPPROTO_TCP, name, &mut room) }?;
    Ok(decode(&room[..length], LAYOUT))
}

const NAME: Option<i32> = super::name!("tcp_info", libc::TCP_INFO);

/// More than any system's structure.
const ROOM: usize = 512;

/// Where the systems' structures differ, as their sources fill them (`tcp_fill_info`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(any(test, edgewake_fuzz)), expect(dead_code, reason = "a system uses its own"))]
enum Layout {
    Linux,
    FreeBsd,
    /// As FreeBSD, with the window in segments.
    NetBsd,
    /// Gives the number of retransmissions to the privileged only, and zero to all others.
    OpenBsd,
}

cfg_if::cfg_if! {
    if #[cfg(edgewake_has = "tcp_info_linux")] {
        const LAYOUT: Layout = Layout::Linux;
    } else if #[cfg(edgewake_has = "tcp_info_netbsd")] {
        const LAYOUT: Layout = Layout::NetBsd;
    } else if #[cfg(edgewake_has = "tcp_info_openbsd")] {
        const LAYOUT: Layout = Layout::OpenBsd;
    } else {
        const LAYOUT: Layout = Layout::FreeBsd;
    }
}

/// The same bytes as each system's kernel would mean them.
#[cfg(edgewake_fuzz)]
pub(crate) fn decode_all(bytes: &[u8]) -> [TcpInfo; 4] {
    [Layout::Linux, Layout::FreeBsd, Layout::NetBsd, Layout::OpenBsd]
        .map(|layout| decode(bytes, layout))
}

fn decode(bytes: &[u8], layout: Layout) -> TcpInfo {
    let byte = |at: usize| bytes.get(at).copied().map(u32::from);
    let word = |at: usize| {
        let word = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_ne_bytes(word))
    };
    let time = |at: usize| Some(Duration::from_micros(word(at)?.into()));
    // Fields that exist in the BSDs' structure and are never filled there.
    let linux = layout == Layout::Linux;
    let segment = word(16);
    let unit = match layout {
        Layout::Linux | Layout::NetBsd => segment.map(u64::from),
        Layout::FreeBsd | Layout::OpenBsd => Some(1),
    };
    let total_retransmits = match layout {
        Layout::Linux => word(100),
        Layout::FreeBsd | Layout::NetBsd => word(120),
        Layout::OpenBsd => None,
    };
    TcpInfo {
        state: byte(0).and_then(|number| state(number, layout)),
        retransmits: byte(2).filter(|_| linux),
        retransmission_timeout: time(8),
        send_segment_size: segment,
        recv_segment_size: word(20),
        unacknowledged: word(24).filter(|_| linux),
        lost: word(32).filter(|_| linux),
        round_trip_time: time(68),
        round_trip_variation: time(72),
        congestion_window: word(80).zip(unit).map(|(window, unit)| u64::from(window) * unit),
        recv_space: word(96),
        total_retransmits,
    }
}

fn state(number: u32, layout: Layout) -> Option<TcpState> {
    use TcpState::*;
    // <net/tcp_states.h>, where 12 is SYN_RECEIVED before the handshake is done.
    const LINUX: [TcpState; 12] = [
        Established,
        SynSent,
        SynReceived,
        FinWait1,
        FinWait2,
        TimeWait,
        Closed,
        CloseWait,
        LastAck,
        Listen,
        Closing,
        SynReceived,
    ];
    // <netinet/tcp_fsm.h>
    const BSD: [TcpState; 11] = [
        Closed,
        Listen,
        SynSent,
        SynReceived,
        Established,
        CloseWait,
        FinWait1,
        Closing,
        LastAck,
        FinWait2,
        TimeWait,
    ];
    match layout {
        Layout::Linux => LINUX.get((number as usize).checked_sub(1)?).copied(),
        Layout::FreeBsd | Layout::NetBsd | Layout::OpenBsd => BSD.get(number as usize).copied(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Layout, TcpInfo, TcpState, decode};

    /// A structure whose word at offset N is N * 10, in the state `state`.
    fn sample(state: u8) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..64).flat_map(|word: u32| (word * 40).to_ne_bytes()).collect();
        bytes[..4].copy_from_slice(&[state, 0, 3, 0]);
        bytes
    }

    // Goal: each layout's fields come from its own offsets, in the common units.
    #[test]
    fn layouts_differ_where_the_systems_do() {
        let linux = decode(&sample(1), Layout::Linux);
        assert_eq!(linux.state, Some(TcpState::Established));
        assert_eq!(linux.retransmits, Some(3));
        assert_eq!(linux.retransmission_timeout, Some(Duration::from_micros(80)));
        assert_eq!(linux.round_trip_time, Some(Duration::from_micros(680)));
        assert_eq!(linux.round_trip_variation, Some(Duration::from_micros(720)));
        assert_eq!(linux.congestion_window, Some(800 * 160));
        assert_eq!(linux.total_retransmits, Some(1000));
        let freebsd = decode(&sample(4), Layout::FreeBsd);
        assert_eq!(freebsd.state, Some(TcpState::Established));
        assert_eq!((freebsd.retransmits, freebsd.lost), (None, None));
        assert_eq!(freebsd.congestion_window, Some(800));
        assert_eq!(freebsd.total_retransmits, Some(1200));
        let netbsd = decode(&sample(4), Layout::NetBsd);
        assert_eq!(netbsd.congestion_window, Some(800 * 160));
        assert_eq!(netbsd.total_retransmits, Some(1200));
        let openbsd = decode(&sample(1), Layout::OpenBsd);
        assert_eq!(openbsd.state, Some(TcpState::Listen));
        assert_eq!((openbsd.congestion_window, openbsd.total_retransmits), (Some(800), None));
    }

    // Goal: an answer cut anywhere gives the fields that are whole, and no others.
    #[test]
    fn short_answers_have_fewer_fields() {
        let whole = sample(1);
        assert_eq!(decode(&[], Layout::Linux), TcpInfo::default());
        for length in 0..whole.len() {
            let info = decode(&whole[..length], Layout::Linux);
            assert_eq!(info.state.is_some(), length >= 1);
            assert_eq!(info.round_trip_time.is_some(), length >= 72, "{length}");
            assert_eq!(info.congestion_window.is_some(), length >= 84);
            assert_eq!(info.total_retransmits.is_some(), length >= 104);
        }
        for unknown in [0, 13, 255] {
            assert_eq!(decode(&sample(unknown), Layout::Linux).state, None);
        }
        assert_eq!(decode(&sample(11), Layout::OpenBsd).state, None);
    }
}
