//! Socket addresses: any bytes of any length, with any length that a kernel could report, are read
//! as the C structures' offsets say, or are errors; what goes to the kernel comes back the same.
#![no_main]

use std::{
    ffi::OsStr,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
    os::unix::{ffi::OsStrExt, net::SocketAddr as StdAddr},
    path::Path,
};

use arbitrary::Arbitrary;
use edgewake_sys::{
    fuzz,
    sockaddr::{RawAddr, UnixAddr, VsockAddr},
};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Family {
    Inet,
    Inet6,
    Unix,
    Vsock,
    Other(u16),
}

#[derive(Arbitrary, Debug)]
enum Length {
    True,
    Other(u32),
    /// That of a structure, one byte less, or one more.
    Near(u8, u8),
}

#[derive(Arbitrary, Debug)]
enum Input {
    Bytes(Vec<u8>, Length),
    Kernel { family: Family, rest: Vec<u8>, said: Length },
    Ip(SocketAddr),
    Path(Vec<u8>),
    Abstract(Vec<u8>),
    Vsock(u32, u32),
}

/// `sockaddr_storage`.
const CAPACITY: usize = 128;
const SIZES: [u32; 8] = [0, 2, 16, 28, 110, 111, 128, u32::MAX];

impl Family {
    fn number(&self) -> u16 {
        match self {
            Family::Inet => libc::AF_INET as u16,
            Family::Inet6 => libc::AF_INET6 as u16,
            Family::Unix => libc::AF_UNIX as u16,
            Family::Vsock => libc::AF_VSOCK as u16,
            Family::Other(number) => *number,
        }
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// The address in a room of `capacity` zeros into which the bytes were written.
fn ip(bytes: &[u8], said: usize, capacity: usize) -> Option<SocketAddr> {
    let mut room = bytes[..bytes.len().min(capacity)].to_vec();
    room.resize(capacity, 0);
    if said < 2 || said > capacity {
        return None;
    }
    let port = u16::from_be_bytes([room[2], room[3]]);
    match i32::from(u16::from_ne_bytes([room[0], room[1]])) {
        libc::AF_INET if said >= 16 => {
            let ip = Ipv4Addr::new(room[4], room[5], room[6], room[7]);
            Some(SocketAddrV4::new(ip, port).into())
        }
        libc::AF_INET6 if said >= 28 => {
            let octets: [u8; 16] = room[8..24].try_into().unwrap();
            let (flow, scope) = (word(&room, 4), word(&room, 24));
            Some(SocketAddrV6::new(Ipv6Addr::from(octets), port, flow, scope).into())
        }
        _ => None,
    }
}

/// What unix(7) says of an address: its name, and whether that is abstract. `Err` is no address.
fn unix(bytes: &[u8], said: usize) -> Result<Option<(bool, Vec<u8>)>, ()> {
    let mut room = bytes[..bytes.len().min(CAPACITY)].to_vec();
    room.resize(CAPACITY, 0);
    if said < 2 {
        return Ok(None);
    }
    if i32::from(u16::from_ne_bytes([room[0], room[1]])) != libc::AF_UNIX || said > CAPACITY {
        return Err(());
    }
    match &room[2..said] {
        [] => Ok(None),
        [0, name @ ..] if name.len() <= 107 => Ok(Some((true, name.to_vec()))),
        [0, ..] => Err(()),
        path => {
            let name: Vec<u8> = path.iter().copied().take_while(|byte| *byte != 0).collect();
            if name.len() <= 108 { Ok(Some((false, name))) } else { Err(()) }
        }
    }
}

fn name(address: &UnixAddr) -> Option<(bool, Vec<u8>)> {
    let path = address.as_path().map(|path| (false, path.as_os_str().as_bytes().to_vec()));
    let name = address.as_abstract_name().map(|name| (true, name.to_vec()));
    assert_eq!(address.is_unnamed(), path.is_none() && name.is_none());
    assert!(path.is_none() || name.is_none());
    path.or(name)
}

fn decode(bytes: &[u8], said: &Length) {
    let said = match said {
        Length::True => bytes.len() as u32,
        Length::Other(said) => *said,
        Length::Near(size, beside) => SIZES[usize::from(*size) % SIZES.len()]
            .saturating_add(u32::from(beside % 3))
            .saturating_sub(1),
    };
    let raw = fuzz::raw_addr(bytes, said);
    let said_size = said as usize;
    assert_eq!(raw.reported_length(), said_size);
    assert_eq!(raw.as_bytes().len(), said_size.min(CAPACITY));
    assert_eq!(SocketAddr::try_from(&raw).ok(), ip(bytes, said_size, CAPACITY));
    assert_eq!(fuzz::decode_inet(bytes, said).ok(), ip(bytes, said_size, 28));
    let read = UnixAddr::try_from(&raw);
    let expected = unix(bytes, said_size);
    assert_eq!(read.as_ref().map(name).map_err(drop), expected);
    assert_eq!(name(&fuzz::unix_or_unnamed(&raw)), expected.unwrap_or(None));
    if let Ok(address) = read {
        round_trip_unix(&address);
    }
    let vsock = VsockAddr::try_from(&raw).ok();
    let is_vsock = raw.family() == Some(libc::AF_VSOCK) && (16..=CAPACITY).contains(&said_size);
    assert_eq!(vsock.is_some(), is_vsock);
    if let Some(address) = vsock {
        let words = [word(raw.as_bytes(), 8), word(raw.as_bytes(), 4)];
        assert_eq!([address.cid(), address.port()], words);
    }
    drop(format!("{raw:?}"));
    let taken = RawAddr::from_bytes(bytes);
    assert_eq!(taken.is_ok(), bytes.len() <= CAPACITY);
    if let Ok(taken) = taken {
        assert_eq!(taken.as_bytes(), bytes);
    }
}

fn round_trip_unix(address: &UnixAddr) {
    let again = UnixAddr::try_from(&RawAddr::from(address)).unwrap();
    assert!(again == *address, "{again:?} of {address:?}");
    drop(format!("{address:?}"));
    match StdAddr::try_from(address) {
        Ok(std) => assert!(UnixAddr::try_from(&std).unwrap() == *address),
        // Which Linux takes and std does not.
        Err(_) => assert_eq!(name(address).map(|(_, name)| name.len()), Some(108)),
    }
}

fn round_trip_ip(address: SocketAddr) {
    let raw = RawAddr::from(&address);
    assert_eq!(SocketAddr::try_from(&raw).unwrap(), address);
    let inet = fuzz::encode_inet(&address);
    assert_eq!(inet.as_bytes(), raw.as_bytes());
    let length = raw.as_bytes().len() as u32;
    assert_eq!(fuzz::decode_inet(raw.as_bytes(), length).unwrap(), address);
    for cut in 0..raw.as_bytes().len() {
        let cut = RawAddr::from_bytes(&raw.as_bytes()[..cut]).unwrap();
        assert!(SocketAddr::try_from(&cut).is_err());
    }
}

fn path(bytes: &[u8]) {
    let address = UnixAddr::from_path(Path::new(OsStr::from_bytes(bytes)));
    let expected = match bytes {
        [] => None,
        [0, name @ ..] => (name.len() <= 107).then(|| (true, name.to_vec())),
        path if path.contains(&0) || path.len() > 108 => None,
        path => Some((false, path.to_vec())),
    };
    assert_eq!(address.as_ref().ok().and_then(name), expected);
    if let Ok(address) = address {
        round_trip_unix(&address);
    }
}

fuzz_target!(|input: Input| {
    match input {
        Input::Bytes(bytes, said) => decode(&bytes, &said),
        Input::Kernel { family, rest, said } => {
            decode(&[&family.number().to_ne_bytes()[..], &rest].concat(), &said);
        }
        Input::Ip(address) => round_trip_ip(address),
        Input::Path(bytes) => path(&bytes),
        Input::Abstract(bytes) => {
            let address = UnixAddr::from_abstract_name(&bytes);
            assert_eq!(address.is_ok(), bytes.len() <= 107);
            if let Ok(address) = address {
                assert_eq!(name(&address), Some((true, bytes)));
                round_trip_unix(&address);
            }
        }
        Input::Vsock(cid, port) => {
            let raw = RawAddr::try_from(VsockAddr::new(cid, port)).unwrap();
            let again = VsockAddr::try_from(&raw).unwrap();
            assert_eq!((again.cid(), again.port()), (cid, port));
            decode(raw.as_bytes(), &Length::True);
        }
    }
});
