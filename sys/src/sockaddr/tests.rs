//! Round trips, and every address that a hostile or broken kernel could hand over.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
};

use super::{CAPACITY, FAMILY_END, RawAddr};

fn samples() -> Vec<SocketAddr> {
    let mut samples: Vec<SocketAddr> = [
        "127.0.0.1:0",
        "0.0.0.0:65535",
        "255.255.255.255:1",
        "1.2.3.4:258",
        "[::]:0",
        "[::1]:443",
        "[2001:db8:1:2:3:4:5:6]:65535",
        "[::ffff:1.2.3.4]:80",
    ]
    .map(|text| text.parse().unwrap())
    .to_vec();
    let link_local = Ipv6Addr::new(0xfe80, 0, 0, 0, 0x1234, 0x5678, 0x9abc, 0xdef0);
    samples.push(SocketAddrV6::new(link_local, 513, 0x0001_2345, u32::MAX).into());
    samples
}

// Goal: what std puts in comes out, with flow and scope of IPv6.
#[test]
fn addresses_round_trip() {
    for address in samples() {
        let raw = RawAddr::from(&address);
        assert_eq!(SocketAddr::try_from(&raw).unwrap(), address);
        let again = RawAddr::from_bytes(raw.as_bytes()).unwrap();
        assert_eq!(SocketAddr::try_from(&again).unwrap(), address);
    }
}

// T53 (mio 152e0751). Goal: the bytes are the ones of the C structure, not of std's layout.
#[test]
fn t53_bytes_are_those_of_the_c_structure() {
    let v4 = RawAddr::from(&SocketAddrV4::new(Ipv4Addr::new(1, 2, 3, 4), 0x0506));
    assert_eq!(v4.family(), Some(libc::AF_INET));
    assert_eq!(v4.as_bytes()[2..8], [5, 6, 1, 2, 3, 4]);
    assert_eq!(v4.as_bytes()[8..], [0; 8]);
    let v6 = RawAddr::from(&SocketAddrV6::new(Ipv6Addr::LOCALHOST, 0x0506, 0, 7));
    assert_eq!(v6.family(), Some(libc::AF_INET6));
    assert_eq!(v6.as_bytes()[2..4], [5, 6]);
    assert_eq!(v6.as_bytes()[8..24], Ipv6Addr::LOCALHOST.octets());
    assert_eq!(v6.as_bytes()[24..], 7_u32.to_ne_bytes());
    #[cfg(edgewake_has = "sa_len")]
    assert_eq!((v4.as_bytes()[0], v6.as_bytes()[0]), (16, 28));
}

// Goal: an address cut anywhere is an error, never a panic and never a wrong address.
#[test]
fn every_truncated_length_is_refused() {
    for address in samples() {
        let raw = RawAddr::from(&address);
        for length in 0..raw.as_bytes().len() {
            let cut = RawAddr::from_bytes(&raw.as_bytes()[..length]).unwrap();
            let error = SocketAddr::try_from(&cut).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{length} bytes of {address}");
            assert_eq!(cut.family().is_some(), length >= FAMILY_END);
        }
    }
}

// Goal: longer than its structure is accepted, as kernels pad; longer than the storage is cut.
#[test]
fn overlong_addresses() {
    for address in samples() {
        let mut raw = RawAddr::from(&address);
        for length in raw.as_bytes().len()..=CAPACITY {
            raw.length = length as libc::socklen_t;
            assert_eq!(SocketAddr::try_from(&raw).unwrap(), address);
        }
        for length in [CAPACITY as libc::socklen_t + 1, libc::socklen_t::MAX] {
            raw.length = length;
            assert_eq!(raw.as_bytes().len(), CAPACITY);
            assert_eq!(raw.as_parts().1 as usize, CAPACITY);
            let error = SocketAddr::try_from(&raw).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }
    let error = RawAddr::from_bytes(&[0; CAPACITY + 1]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

// T64 (quinn c1c56861). Goal: an unknown family is an error that names it.
#[test]
fn t64_foreign_families_are_refused() {
    let mut raw = RawAddr::from(&"1.2.3.4:5".parse::<SocketAddr>().unwrap());
    for family in 0..=u8::MAX {
        raw.storage.ss_family = libc::sa_family_t::from(family);
        let known = [libc::AF_INET, libc::AF_INET6].contains(&i32::from(family));
        match SocketAddr::try_from(&raw) {
            Ok(_) => assert!(known, "family {family}"),
            Err(error) => assert!(error.to_string().contains(&format!("family {family}"))),
        }
    }
    assert_eq!(RawAddr::from_bytes(&[]).unwrap().family(), None);
}
