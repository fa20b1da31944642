//! Round trips, the lengths of each system, and every address that a kernel could hand over.

use std::{
    ffi::OsStr,
    io,
    os::unix::{ffi::OsStrExt, net::SocketAddr as StdAddr},
    path::Path,
};

use proptest::{collection::vec, prelude::*};

use super::{PATH_MAX, PATH_ROOM, PATH_START, UnixAddr};
use crate::sockaddr::{FAMILY_END, RawAddr};

const ABSTRACT: bool = cfg!(edgewake_has = "unix_abstract");

/// An address of the Unix family as a kernel would write it: the family, then `path`.
fn written(path: &[u8]) -> RawAddr {
    let family = libc::AF_UNIX as libc::sa_family_t;
    #[cfg(edgewake_has = "sa_len")]
    let mut bytes = vec![(PATH_START + path.len()) as u8];
    #[cfg(not(edgewake_has = "sa_len"))]
    let mut bytes = Vec::new();
    bytes.extend(family.to_ne_bytes());
    assert_eq!(bytes.len(), PATH_START);
    bytes.extend_from_slice(path);
    RawAddr::from_bytes(&bytes).unwrap()
}

fn read(path: &[u8]) -> UnixAddr {
    UnixAddr::try_from(&written(path)).unwrap()
}

fn bytes_of(address: &UnixAddr) -> &[u8] {
    address.as_path().expect("a path").as_os_str().as_bytes()
}

fn samples() -> Vec<UnixAddr> {
    let longest = "x".repeat(PATH_MAX);
    let paths = ["a", "/", "/run/x.sock", "@at", longest.as_str()];
    let mut samples: Vec<UnixAddr> =
        paths.iter().map(|path| UnixAddr::from_path(path).unwrap()).collect();
    samples.push(UnixAddr::from_path(OsStr::from_bytes(b"not \xff UTF-8")).unwrap());
    samples.push(UnixAddr::unnamed());
    if ABSTRACT {
        let names: [&[u8]; 5] = [b"", b"name", b"\0", b"a\0b\0", &[0xff; PATH_ROOM - 1]];
        samples.extend(names.iter().map(|name| UnixAddr::from_abstract_name(name).unwrap()));
    }
    samples
}

// T53. Goal: every form comes back as it was, also by way of std's type where that has it.
#[test]
fn t53_addresses_round_trip() {
    for address in samples() {
        assert_eq!(UnixAddr::try_from(&RawAddr::from(&address)).unwrap(), address);
        match StdAddr::try_from(&address) {
            Ok(std) => assert_eq!(UnixAddr::try_from(&std).unwrap(), address),
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
                assert_eq!(address.name().len(), PATH_ROOM, "std's limit is one less: {address:?}");
            }
        }
    }
}

// T53. Goal: the lengths that bind(2) and connect(2) get are those that unix(7) asks for: of a path
// with its NUL where that has room, of an abstract name to its end, of none the family alone.
#[test]
fn t53_lengths_are_those_of_the_c_interface() {
    let length = |address: UnixAddr| RawAddr::from(&address).reported_length();
    assert_eq!(length(UnixAddr::unnamed()), FAMILY_END);
    assert_eq!(length(UnixAddr::from_path("abc").unwrap()), PATH_START + 4);
    let longest = UnixAddr::from_path("x".repeat(PATH_MAX)).unwrap();
    assert_eq!(length(longest), PATH_START + PATH_ROOM);
    for address in samples() {
        let raw = RawAddr::from(&address);
        assert_eq!(raw.family(), Some(libc::AF_UNIX));
        #[cfg(edgewake_has = "sa_len")]
        assert_eq!(usize::from(raw.as_bytes()[0]), raw.reported_length());
        if let Some(name) = address.as_abstract_name() {
            assert_eq!(raw.reported_length(), PATH_START + 1 + name.len());
            assert_eq!(raw.as_bytes()[PATH_START], 0);
        }
    }
}

// T53 (rust#118925, tokio#2230, mio#1817). Goal: a path is the same with its NUL and without, and
// where Linux wrote the NUL behind the end of `sockaddr_un`.
#[test]
fn t53_trailing_nul_may_be_there_or_not() {
    assert_eq!(bytes_of(&read(b"/tmp/last")), b"/tmp/last");
    assert_eq!(bytes_of(&read(b"/tmp/last\0")), b"/tmp/last");
    let mut longest = [b'x'; PATH_ROOM + 1];
    assert_eq!(bytes_of(&read(&longest[..PATH_ROOM])), [b'x'; PATH_ROOM]);
    longest[PATH_ROOM] = 0;
    assert_eq!(bytes_of(&read(&longest)), [b'x'; PATH_ROOM]);
}

// T53 (mio#2008). Goal: NULs that pad a path are not part of it, whatever follows them.
#[test]
fn t53_padding_is_not_part_of_a_path() {
    let mut padded = b"/tmp/a".to_vec();
    padded.resize(PATH_ROOM, 0);
    assert_eq!(read(&padded).as_path(), Some(Path::new("/tmp/a")));
    assert_eq!(read(b"/tmp/a\0rest").as_path(), Some(Path::new("/tmp/a")));
}

// T53 (mio 456cad2e). Goal: the unnamed address is known in each form that a system gives it: no
// bytes (a datagram's source), the family alone (Linux, NetBSD, OpenBSD), padded (Apple, FreeBSD).
#[test]
fn t53_unnamed_addresses() {
    assert!(UnixAddr::try_from(&RawAddr::from_bytes(&[]).unwrap()).unwrap().is_unnamed());
    assert!(read(b"").is_unnamed());
    #[cfg(edgewake_has = "sa_len")]
    {
        assert!(read(&[0; 14]).is_unnamed());
        let zeros = RawAddr::from_bytes(&[0; 16]).unwrap();
        assert!(UnixAddr::try_from(&zeros).unwrap().is_unnamed());
    }
}

// T53 (tokio#6837, #6838). Goal: the leading NUL of an abstract name is no part of it, given or
// read, and the NULs inside are. Elsewhere there are no such names, and the error says so.
#[test]
fn t53_abstract_names() {
    if !ABSTRACT {
        for outcome in [UnixAddr::from_abstract_name("name"), UnixAddr::from_path("\0name")] {
            assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::Unsupported);
        }
        return;
    }
    let address = UnixAddr::from_abstract_name("name").unwrap();
    assert_eq!(address.as_abstract_name(), Some(&b"name"[..]));
    assert_eq!(address.as_path(), None);
    assert!(!address.is_unnamed());
    assert_eq!(UnixAddr::from_path("\0name").unwrap(), address);
    assert_eq!(read(b"\0name"), address);
    assert_eq!(read(b"\0a\0b\0").as_abstract_name(), Some(&b"a\0b\0"[..]));
    assert_eq!(read(b"\0").as_abstract_name(), Some(&b""[..]));
    // A name is not its neighbour with one NUL more.
    assert_ne!(read(b"\0a"), read(b"\0a\0"));
    assert_eq!(read(&[0; PATH_ROOM]).as_abstract_name(), Some(&[0; PATH_ROOM - 1][..]));
}

// Goal: what no kernel would take is refused with a sentence, and nothing is cut in silence.
#[test]
fn refused_names() {
    let long = "x".repeat(PATH_MAX + 1);
    for path in ["", "a\0b", "a\0", long.as_str()] {
        let error = UnixAddr::from_path(path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{path:?}");
    }
    if ABSTRACT {
        let error = UnixAddr::from_abstract_name([1; PATH_ROOM]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}

// Goal: an address shows as what it is.
#[test]
fn debug() {
    assert_eq!(format!("{:?}", UnixAddr::from_path("/a b").unwrap()), "\"/a b\"");
    assert_eq!(format!("{:?}", UnixAddr::unnamed()), "(unnamed)");
    if ABSTRACT {
        let address = UnixAddr::from_abstract_name(b"a\0\"").unwrap();
        assert_eq!(format!("{address:?}"), r#""@a\x00\"""#);
    }
}

proptest! {
    // T53, T64. Goal: whatever bytes a kernel could give, nothing panics, nothing is read that is
    // not of the address, and what was read says the same when it is written and read again.
    #[test]
    fn t53_hostile_addresses(bytes in vec(any::<u8>(), 0..=128), unix in any::<bool>()) {
        let raw = if unix {
            written(&bytes[..bytes.len().min(128 - PATH_START)])
        } else {
            RawAddr::from_bytes(&bytes).unwrap()
        };
        let given = raw.as_bytes();
        match UnixAddr::try_from(&raw) {
            Ok(address) => {
                let name = address.name();
                let inside = given.windows(name.len().max(1)).any(|window| window == name);
                prop_assert!(name.is_empty() || inside, "{:?} of {:?}", address, given);
                prop_assert_eq!(UnixAddr::try_from(&RawAddr::from(&address)).unwrap(), address);
            }
            Err(error) => {
                prop_assert_eq!(error.kind(), io::ErrorKind::InvalidData);
                let unix = raw.family() == Some(libc::AF_UNIX);
                prop_assert!(!unix || given.len() > PATH_START + PATH_ROOM, "{:?}", given);
            }
        }
    }

    // Goal: whatever a user asks for either is refused or comes back as it was.
    #[test]
    fn any_path_is_kept_or_refused(path in vec(any::<u8>(), 0..=130)) {
        match UnixAddr::from_path(OsStr::from_bytes(&path)) {
            Ok(address) => {
                let again = UnixAddr::try_from(&RawAddr::from(&address)).unwrap();
                prop_assert_eq!(again, address);
                let name = match again.as_abstract_name() {
                    Some(name) => [&[0], name].concat(),
                    None => bytes_of(&again).to_vec(),
                };
                prop_assert_eq!(name, path);
            }
            Err(error) if path.first() == Some(&0) && !ABSTRACT => {
                prop_assert_eq!(error.kind(), io::ErrorKind::Unsupported);
            }
            Err(error) => {
                prop_assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
                let refusable = path.is_empty() || path.len() > PATH_MAX || path[1..].contains(&0);
                prop_assert!(refusable, "{:?}", path);
            }
        }
    }
}
