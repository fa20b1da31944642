//! IP addresses for the calls that carry one with every datagram.
//!
//! [`RawAddr`] has room for any family, 128 bytes, and zeroes all of it; a datagram
//! is sent and received in some 40 instructions, so here is room for the two IP families only.
//!
//! Called by `socket::datagram`. What the kernel writes is not trusted here either.

use std::{
    io, mem,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
    ptr,
};

use super::{FAMILY_END, RawAddr, invalid};

/// What the kernel reads or writes.
#[derive(Clone, Copy)]
#[repr(C)]
union Storage {
    v4: libc::sockaddr_in,
    v6: libc::sockaddr_in6,
}

const CAPACITY: libc::socklen_t = size_of::<Storage>() as libc::socklen_t;

/// An address of one of the IP families in the kernel's form.
#[derive(Clone, Copy)]
pub(crate) struct InetAddr {
    storage: Storage,
    length: libc::socklen_t,
}

impl InetAddr {
    /// Room for the kernel to write an address into.
    #[inline(always)]
    pub(crate) fn room() -> InetAddr {
        // SAFETY: both structures consist of integers, for which all zeros is a value.
        InetAddr { storage: unsafe { mem::zeroed() }, length: CAPACITY }
    }

    /// The room and its length as recvfrom(2) takes them; valid as long as `self` stays in place.
    #[inline(always)]
    pub(crate) fn as_room(&mut self) -> (*mut libc::sockaddr, *mut libc::socklen_t) {
        (ptr::from_mut(&mut self.storage).cast(), &raw mut self.length)
    }

    /// The address as sendto(2) takes it; valid as long as `self` stays in place.
    #[inline(always)]
    pub(crate) fn as_parts(&self) -> (*const libc::sockaddr, libc::socklen_t) {
        (ptr::from_ref(&self.storage).cast(), self.length)
    }

    /// The address that the kernel wrote.
    #[inline(always)]
    pub(crate) fn decode(&self) -> io::Result<SocketAddr> {
        // SAFETY: the storage was zeroed or written by the kernel, so every byte is initialised,
        // and the structure consists of integers; the family stands at one place in both.
        let v4 = unsafe { self.storage.v4 };
        let family = i32::from(v4.sin_family);
        if family == libc::AF_INET && self.holds::<libc::sockaddr_in>() {
            let ip = Ipv4Addr::from(v4.sin_addr.s_addr.to_ne_bytes());
            return Ok(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into());
        }
        if family == libc::AF_INET6 && self.holds::<libc::sockaddr_in6>() {
            // SAFETY: as above.
            let v6 = unsafe { self.storage.v6 };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            let port = u16::from_be(v6.sin6_port);
            return Ok(SocketAddrV6::new(ip, port, v6.sin6_flowinfo, v6.sin6_scope_id).into());
        }
        Err(self.foreign())
    }

    /// Whether the kernel wrote a whole `T`, and did not cut an address that is longer.
    #[inline(always)]
    fn holds<T>(&self) -> bool {
        (size_of::<T>()..=CAPACITY as usize).contains(&(self.length as usize))
    }

    #[cold]
    fn foreign(&self) -> io::Error {
        let length = self.length;
        if (length as usize) < FAMILY_END {
            return invalid(format!("a datagram's address of {length} bytes has no family"));
        }
        // SAFETY: as in `decode`.
        let family = unsafe { self.storage.v4 }.sin_family;
        invalid(format!("a datagram's address of family {family} and {length} bytes is not IP"))
    }
}

impl From<&SocketAddr> for InetAddr {
    #[inline(always)]
    fn from(address: &SocketAddr) -> InetAddr {
        // The room of the other family stays zeros, which costs two stores.
        let mut inet = InetAddr::room();
        match address {
            SocketAddr::V4(v4) => {
                inet.storage.v4 = super::sockaddr_in(v4);
                inet.length = size_of::<libc::sockaddr_in>() as libc::socklen_t;
            }
            SocketAddr::V6(v6) => inet.storage.v6 = super::sockaddr_in6(v6),
        }
        inet
    }
}

/// For calls that take an address of any family.
impl From<&InetAddr> for RawAddr {
    #[inline]
    fn from(inet: &InetAddr) -> RawAddr {
        // SAFETY: the union is as long as its longest field, which consists of integers without
        // padding, and every byte of it is initialised, as in `decode`.
        let mut raw = unsafe { RawAddr::store(inet.storage.v6) };
        raw.length = inet.length;
        raw
    }
}

#[cfg(test)]
mod tests {
    use std::{io, net::SocketAddr};

    use super::{CAPACITY, InetAddr};
    use crate::sockaddr::RawAddr;

    fn samples() -> [SocketAddr; 5] {
        ["127.0.0.1:0", "1.2.3.4:258", "[::]:0", "[2001:db8::5%7]:65535", "[::ffff:1.2.3.4]:80"]
            .map(|text| text.parse().unwrap())
    }

    // T53. Goal: both forms write the same bytes for the kernel, and read them back the same.
    #[test]
    fn t53_the_short_form_is_the_long_form() {
        for address in samples() {
            let inet = InetAddr::from(&address);
            assert_eq!(inet.decode().unwrap(), address);
            let raw = RawAddr::from(&inet);
            assert_eq!(raw.as_bytes(), RawAddr::from(&address).as_bytes());
            assert_eq!(SocketAddr::try_from(&raw).unwrap(), address);
        }
    }

    // Goal: of every length that a kernel could report, one too short for the family or too long
    // for the room is no address, and nothing panics.
    #[test]
    fn hostile_lengths_and_families_are_refused() {
        for address in samples() {
            let whole = InetAddr::from(&address);
            for length in (0..=CAPACITY + 4).chain([libc::socklen_t::MAX]) {
                let mut inet = whole;
                // SAFETY: the pointer is to `inet`'s own length.
                unsafe { *inet.as_room().1 = length };
                let fits = (whole.length..=CAPACITY).contains(&length);
                assert_eq!(inet.decode().is_ok(), fits, "{address} of {length}");
            }
        }
        for family in [libc::AF_UNIX, libc::AF_UNSPEC] {
            let mut inet = InetAddr::from(&samples()[0]);
            inet.storage.v4.sin_family = family as libc::sa_family_t;
            assert_eq!(inet.decode().unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
        assert!(InetAddr::room().decode().is_err());
    }
}
