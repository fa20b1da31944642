//! A received datagram and what is known of it.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    slice::Chunks,
    time::SystemTime,
};

use edgewake_sys::{
    cmsg::{Control, Message},
    socket::Received,
};

/// A datagram, or with [`set_gro`](super::super::UdpSocket::set_gro) several of one sender, in a
/// [`RecvBatch`](super::RecvBatch).
///
/// What was not asked for, by `set_recv_packet_info` and the like, is `None`.
#[derive(Clone, Copy)]
pub struct Datagram<'a> {
    pub(super) data: &'a [u8],
    pub(super) details: &'a Details,
}

/// What is known of a datagram beside its data.
#[derive(Clone, Copy, Debug)]
pub(super) struct Details {
    pub(super) length: usize,
    truncated: bool,
    source: SocketAddr,
    destination: Option<IpAddr>,
    local: Option<IpAddr>,
    interface: u32,
    class: Option<u8>,
    hops: Option<u8>,
    time: Option<SystemTime>,
    segment_size: Option<usize>,
}

impl Details {
    /// What the kernel says of a message.
    pub(super) fn new(received: &Received, control: Option<&mut Control>) -> Details {
        let address = received.address.as_ref();
        let source = address.and_then(|raw| SocketAddr::try_from(raw).ok());
        let mut details = Details {
            length: received.length,
            truncated: received.truncated,
            source: source.unwrap_or(NOWHERE),
            destination: None,
            local: None,
            interface: 0,
            class: None,
            hops: None,
            time: None,
            segment_size: None,
        };
        if let Some(control) = control {
            control.messages().for_each(|message| details.note(message));
        }
        details
    }

    fn note(&mut self, message: Message<'_>) {
        match message {
            Message::PacketInfo(info) => {
                self.destination = self.destination.or(info.destination.map(unmapped));
                self.local = self.local.or(info.local.map(IpAddr::V4));
                self.interface = self.interface.max(info.interface);
            }
            Message::TrafficClass(class) => self.class = Some(class),
            Message::HopLimit(hops) => self.hops = Some(hops),
            Message::Timestamp(time) => self.time = Some(time),
            Message::Timestamps(times) => self.time = self.time.or(times.software),
            Message::SegmentSize(size) => self.segment_size = Some(size),
            // Nothing else is asked for here; descriptors, which UDP does not carry, are closed.
            _ => {}
        }
    }
}

const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// An IPv4 address is told as one also where an IPv6 socket carries it.
fn unmapped(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

impl<'a> Datagram<'a> {
    /// The data: of several datagrams one after the other, see [`segments`](Self::segments).
    #[inline]
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// Where it came from. (`0.0.0.0:0` where the system does not say, which for UDP none does.)
    #[inline]
    pub fn source(&self) -> SocketAddr {
        self.details.source
    }

    /// The address it was sent to, if
    /// [`set_recv_packet_info`](super::super::UdpSocket::set_recv_packet_info) asked for it: one
    /// of this machine, or a multicast or broadcast address.
    #[inline]
    pub fn destination(&self) -> Option<IpAddr> {
        self.details.destination
    }

    /// The address of this machine to answer from: the [`destination`](Self::destination), unless
    /// that is a multicast or broadcast address. For those, the one that the system would choose
    /// (IPv4 on Linux and Apple), or `None`.
    ///
    /// # Platform notes
    ///
    /// Of the BSDs' IPv4 broadcast addresses only 255.255.255.255 is known for one: a datagram to a
    /// network's own broadcast address has that here, from which nothing can be sent.
    #[inline]
    pub fn local_ip(&self) -> Option<IpAddr> {
        self.details.local.or_else(|| self.destination().filter(|ip| !is_of_many(*ip)))
    }

    /// The index of the interface it came through, if
    /// [`set_recv_packet_info`](super::super::UdpSocket::set_recv_packet_info) asked for it.
    #[inline]
    pub fn interface(&self) -> Option<u32> {
        Some(self.details.interface).filter(|index| *index > 0)
    }

    /// Its congestion notification, if
    /// [`set_recv_ecn`](super::super::UdpSocket::set_recv_ecn) asked for it.
    #[inline]
    pub fn ecn(&self) -> Option<Ecn> {
        self.traffic_class().map(Ecn::of)
    }

    /// Its whole type of service or traffic class: the DSCP in the upper six bits, the
    /// [`ecn`](Self::ecn) in the lower two.
    #[inline]
    pub fn traffic_class(&self) -> Option<u8> {
        self.details.class
    }

    /// The time to live or hop limit that was left, if
    /// [`set_recv_ttl`](super::super::UdpSocket::set_recv_ttl) asked for it.
    #[inline]
    pub fn ttl(&self) -> Option<u8> {
        self.details.hops
    }

    /// When the system received it, if
    /// [`set_recv_timestamp`](super::super::UdpSocket::set_recv_timestamp) asked for it.
    #[inline]
    pub fn timestamp(&self) -> Option<SystemTime> {
        self.details.time
    }

    /// The size of the datagrams in it, if it is several
    /// ([`set_gro`](super::super::UdpSocket::set_gro)). The last of them can be shorter.
    #[inline]
    pub fn segment_size(&self) -> Option<usize> {
        self.details.segment_size.filter(|size| *size < self.data.len())
    }

    /// The datagrams that it consists of, one after the other: mostly itself alone. One of no
    /// bytes has no segments.
    #[inline]
    pub fn segments(&self) -> Chunks<'a, u8> {
        self.data.chunks(self.details.segment_size.unwrap_or(usize::MAX).max(1))
    }

    /// Whether it was longer than the buffer, and the rest of it is lost.
    #[inline]
    pub fn is_truncated(&self) -> bool {
        self.details.truncated
    }
}

/// Whether an answer cannot come from it.
fn is_of_many(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    broadcast || address.is_multicast()
}

impl fmt::Debug for Datagram<'_> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Datagram").field("details", self.details).finish_non_exhaustive()
    }
}

/// Explicit congestion notification ([RFC 3168](https://www.rfc-editor.org/rfc/rfc3168)): the
/// lower two bits of the type of service or traffic class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Ecn {
    /// The sender does not take part.
    #[default]
    NotCapable = 0b00,
    /// The sender takes part; the code point of L4S.
    Capable1 = 0b01,
    /// The sender takes part.
    Capable0 = 0b10,
    /// A router on the way was congested.
    Congested = 0b11,
}

impl Ecn {
    /// That of a type of service or traffic class.
    pub const fn of(class: u8) -> Ecn {
        match class & 0b11 {
            0b00 => Ecn::NotCapable,
            0b01 => Ecn::Capable1,
            0b10 => Ecn::Capable0,
            _ => Ecn::Congested,
        }
    }

    /// Its two bits.
    pub const fn bits(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::{Datagram, Details, Ecn, NOWHERE};

    fn details() -> Details {
        Details {
            length: 0,
            truncated: false,
            source: NOWHERE,
            destination: None,
            local: None,
            interface: 0,
            class: None,
            hops: None,
            time: None,
            segment_size: None,
        }
    }

    // Goal: what is cut into segments is all of it, whatever size the kernel says.
    #[test]
    fn segments_are_all_of_the_data() {
        let data = [1, 2, 3, 4, 5];
        for (size, counts) in
            [(None, vec![5]), (Some(2), vec![2, 2, 1]), (Some(5), vec![5]), (Some(9), vec![5])]
        {
            let details = Details { segment_size: size, ..details() };
            let datagram = Datagram { data: &data, details: &details };
            let lengths: Vec<usize> = datagram.segments().map(<[u8]>::len).collect();
            assert_eq!(lengths, counts);
            assert_eq!(datagram.segments().flatten().count(), data.len());
            assert_eq!(datagram.segment_size(), size.filter(|size| *size < 5));
        }
        let hostile = Details { segment_size: Some(0), ..details() };
        assert_eq!(Datagram { data: &data, details: &hostile }.segments().count(), 5);
        assert_eq!(Datagram { data: &[], details: &details() }.segments().count(), 0);
    }

    // Goal: nobody answers from a group's address.
    #[test]
    fn local_ip_is_an_address_to_answer_from() {
        let own = IpAddr::from(Ipv4Addr::new(192, 0, 2, 1));
        let of = |destination, local| {
            let details = Details { destination: Some(destination), local, ..details() };
            Datagram { data: &[], details: &details }.local_ip()
        };
        assert_eq!(of(own, None), Some(own));
        for group in [Ipv4Addr::BROADCAST, Ipv4Addr::new(224, 0, 0, 251)] {
            assert_eq!(of(group.into(), None), None);
            assert_eq!(of(group.into(), Some(own)), Some(own));
        }
    }

    // Goal: the four code points are their bits.
    #[test]
    fn ecn_is_the_lower_two_bits() {
        for class in 0..=u8::MAX {
            assert_eq!(Ecn::of(class).bits(), class & 3);
        }
    }
}
