//! Control messages: any bytes are walked as a walk that is too simple to be wrong walks them, what
//! they say is what is in them, and every descriptor that came is closed, by whatever way it was
//! taken or not. And what is written to be sent is what the C library's macros find.
#![no_main]

use std::{
    fs::File,
    net::{IpAddr, Ipv6Addr},
    os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd},
    sync::LazyLock,
};

use arbitrary::Arbitrary;
use edgewake_sys::{
    cmsg::{Credentials, Message, SendControl},
    fuzz,
};
use libfuzzer_sys::fuzz_target;

/// A part of the buffer.
#[derive(Arbitrary, Debug)]
enum Part {
    Bytes(Vec<u8>),
    Message {
        level: u8,
        kind: u8,
        payload: Vec<u8>,
        /// How much longer or shorter it says to be.
        lie: i8,
    },
    Fds(Vec<i8>),
    Any {
        length: u64,
        level: i32,
        kind: i32,
    },
}

/// What is done with the messages.
#[derive(Arbitrary, Debug)]
enum Take {
    Next { fds: u8 },
    Show,
    Skip(u8),
    Clear,
}

#[derive(Arbitrary, Debug)]
enum Push {
    Fds(u8),
    Source(IpAddr, u32),
    ClassV4(u8),
    ClassV6(u8),
    Segment(u16),
    Credentials(i32, u32, u32),
    Custom(i32, i32, Vec<u8>),
}

#[derive(Arbitrary, Debug)]
struct Input {
    parts: Vec<Part>,
    /// How much of the buffer is there, counted from its end, and how much is said to be filled.
    cut: u8,
    said: i8,
    takes: Vec<Take>,
    pushes: Vec<Push>,
}

const LEVELS: [i32; 5] =
    [libc::SOL_SOCKET, libc::IPPROTO_IP, libc::IPPROTO_IPV6, libc::IPPROTO_UDP, 77];
const KINDS: [i32; 16] = [
    libc::SCM_RIGHTS,
    libc::SCM_CREDENTIALS,
    SCM_PIDFD,
    libc::SCM_TIMESTAMP,
    libc::SO_TIMESTAMPNS,
    libc::SO_TIMESTAMPING,
    libc::IP_PKTINFO,
    libc::IP_RECVERR,
    libc::IP_TOS,
    libc::IP_TTL,
    libc::IPV6_PKTINFO,
    libc::IPV6_TCLASS,
    libc::IPV6_HOPLIMIT,
    libc::IPV6_RECVERR,
    libc::UDP_GRO,
    0,
];
const SCM_PIDFD: i32 = 4;
const HEADER: usize = 16;
const FDS_MAX: usize = 6;

/// What the model finds.
#[derive(Debug)]
struct Found {
    level: i32,
    kind: i32,
    payload: Vec<u8>,
    start: usize,
}

fn header(length: u64, level: i32, kind: i32) -> Vec<u8> {
    [&length.to_ne_bytes()[..], &level.to_ne_bytes(), &kind.to_ne_bytes()].concat()
}

fn assemble(parts: &[Part]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        match part {
            Part::Bytes(any) => bytes.extend(any),
            Part::Message { level, kind, payload, lie } => {
                let length = (HEADER + payload.len()).saturating_add_signed(isize::from(*lie));
                let level = LEVELS[usize::from(*level) % LEVELS.len()];
                let kind = KINDS[usize::from(*kind) % KINDS.len()];
                bytes.extend(header(length as u64, level, kind));
                bytes.extend(payload);
                bytes.resize(bytes.len().next_multiple_of(8), 0);
            }
            Part::Fds(numbers) => {
                let length = (HEADER + 4 * numbers.len()) as u64;
                bytes.extend(header(length, libc::SOL_SOCKET, libc::SCM_RIGHTS));
                bytes.extend(numbers.iter().flat_map(|n| i32::from(*n).to_ne_bytes()));
                bytes.resize(bytes.len().next_multiple_of(8), 0);
            }
            Part::Any { length, level, kind } => bytes.extend(header(*length, *level, *kind)),
        }
    }
    bytes
}

/// The messages of a buffer, by cmsg(3): the header of 16 bytes, lengths rounded up to 8.
fn walk(bytes: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    while bytes.len() - at >= HEADER {
        let word = |from: usize| i32::from_ne_bytes(bytes[from..from + 4].try_into().unwrap());
        let said = u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap());
        if said < HEADER as u64 {
            break;
        }
        let left = (bytes.len() - at) as u64;
        let end = at + said.min(left) as usize;
        let payload = bytes[at + HEADER..end].to_vec();
        let (level, kind) = (word(at + 8), word(at + 12));
        found.push(Found { level, kind, payload, start: at + HEADER });
        at += said.min(left).next_multiple_of(8).min(left) as usize;
    }
    found
}

fn carries_descriptors(found: &Found) -> bool {
    found.level == libc::SOL_SOCKET && matches!(found.kind, libc::SCM_RIGHTS | SCM_PIDFD)
}

/// Puts descriptors of this process where numbers of descriptors are, and returns them.
fn plant(bytes: &mut [u8]) -> Vec<i32> {
    static FILE: LazyLock<File> = LazyLock::new(|| File::open("/dev/null").expect("it is there"));
    let mut planted = Vec::new();
    for found in walk(bytes).iter().filter(|found| carries_descriptors(found)) {
        for (nth, number) in found.payload.chunks_exact(4).enumerate() {
            if i32::from_ne_bytes(number.try_into().unwrap()) < 0 {
                continue;
            }
            let mut number = -1;
            if planted.len() < FDS_MAX {
                number = FILE.try_clone().expect("there is room for it").into_raw_fd();
                planted.push(number);
            }
            bytes[found.start + 4 * nth..][..4].copy_from_slice(&number.to_ne_bytes());
        }
    }
    planted
}

fn is_open(fd: i32) -> bool {
    // SAFETY: takes numbers by value.
    unsafe { libc::fcntl(fd, libc::F_GETFD) != -1 }
}

fn numbers(found: &Found) -> Vec<i32> {
    let numbers = found.payload.chunks_exact(4);
    numbers.map(|n| i32::from_ne_bytes(n.try_into().unwrap())).filter(|n| *n >= 0).collect()
}

fn integer(payload: &[u8], nth: usize) -> Option<i32> {
    Some(i32::from_ne_bytes(payload.get(4 * nth..4 * nth + 4)?.try_into().ok()?))
}

/// A byte, or an `int` that is one.
fn small(payload: &[u8]) -> Option<u8> {
    if payload.len() == 1 { Some(payload[0]) } else { integer(payload, 0)?.try_into().ok() }
}

/// Takes `count` descriptors, which are the first ones of the message.
fn check_fds(fds: &mut dyn Iterator<Item = OwnedFd>, expected: &[i32], count: u8) {
    for number in expected.iter().take(count.into()) {
        let fd = fds.next().expect("one more");
        assert_eq!(fd.as_raw_fd(), *number);
        assert!(is_open(*number));
    }
    if usize::from(count) > expected.len() {
        assert!(fds.next().is_none());
    }
}

fn check(message: Message<'_>, found: &Found, fds: u8) {
    let payload = &found.payload[..];
    let place = (found.level, found.kind);
    if let Message::Unknown { level, kind, bytes } = message {
        assert_eq!(((level, kind), bytes), (place, payload));
        assert_ne!(place, (libc::SOL_SOCKET, libc::SCM_RIGHTS));
        return;
    }
    match (place, message) {
        ((libc::SOL_SOCKET, libc::SCM_RIGHTS), Message::Fds(mut taken)) => {
            check_fds(&mut taken, &numbers(found), fds);
        }
        ((libc::SOL_SOCKET, SCM_PIDFD), Message::PidFd(fd)) => {
            assert_eq!(Some(&fd.as_raw_fd()), numbers(found).first());
        }
        ((libc::SOL_SOCKET, libc::SCM_CREDENTIALS), Message::Credentials(who)) => {
            let [pid, uid, gid] = [0, 1, 2].map(|nth| integer(payload, nth).unwrap());
            assert_eq!(who.pid, (pid > 0).then_some(pid));
            assert_eq!((who.uid as i32, who.gid as i32), (uid, gid));
        }
        (
            (libc::IPPROTO_IP, libc::IP_TOS) | (libc::IPPROTO_IPV6, libc::IPV6_TCLASS),
            Message::TrafficClass(class),
        ) => assert_eq!(Some(class), small(payload)),
        (
            (libc::IPPROTO_IP, libc::IP_TTL) | (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT),
            Message::HopLimit(limit),
        ) => assert_eq!(Some(limit), small(payload)),
        ((libc::IPPROTO_UDP, libc::UDP_GRO), Message::SegmentSize(size)) => {
            assert_eq!(Some(size as i32), integer(payload, 0).filter(|size| *size > 0));
        }
        ((libc::IPPROTO_IPV6, libc::IPV6_PKTINFO), Message::PacketInfo(info)) => {
            let address: [u8; 16] = payload[..16].try_into().unwrap();
            assert_eq!(info.destination, Some(Ipv6Addr::from(address).into()));
            assert_eq!(Some(info.interface as i32), integer(payload, 4));
        }
        ((libc::IPPROTO_IP, libc::IP_PKTINFO), Message::PacketInfo(info)) => {
            let [local, destination] =
                [1, 2].map(|nth| IpAddr::from(integer(payload, nth).unwrap().to_ne_bytes()));
            assert_eq!(info.destination, Some(destination));
            assert_eq!(info.local.map(IpAddr::V4), Some(local));
            assert_eq!(Some(info.interface as i32), integer(payload, 0));
        }
        ((libc::SOL_SOCKET, _), Message::Timestamp(_) | Message::Timestamps(_)) => {}
        (_, Message::Error(error)) => {
            assert_eq!(Some(error.code), integer(payload, 0));
            drop(error.to_io_error());
        }
        (place, message) => panic!("{message:?} of {place:?}"),
    }
}

fn receive(input: &Input) {
    let mut bytes = assemble(&input.parts);
    bytes.truncate(bytes.len().saturating_sub(input.cut.into()));
    let filled = bytes.len().min(bytes.len().saturating_add_signed(input.said.into()));
    let planted = plant(&mut bytes[..filled]);
    let model = walk(&bytes[..filled]);
    let said = bytes.len().saturating_add_signed(input.said.into());
    // SAFETY: `plant` has made them for this, and left no other number that is not negative.
    let mut control = unsafe { fuzz::control_holding(&bytes, said) };
    let mut left = model.iter();
    for take in &input.takes {
        match take {
            Take::Next { fds } => match (control.messages().next(), left.next()) {
                (Some(message), Some(found)) => check(message, found, *fds),
                (None, None) => {}
                (message, found) => panic!("{message:?} and {found:?}"),
            },
            Take::Show => {
                drop([format!("{control:?}"), format!("{:?}", control.messages().next())])
            }
            Take::Skip(count) => drop(control.messages().nth((*count).into())),
            Take::Clear => control.clear(),
        }
        match take {
            Take::Next { .. } => {}
            Take::Show => drop(left.next()),
            Take::Skip(count) => drop(left.nth((*count).into())),
            Take::Clear => left = [].iter(),
        }
    }
    assert_eq!(control.messages().count(), left.count());
    drop(control);
    assert!(planted.iter().all(|fd| !is_open(*fd)), "a descriptor stays open");
}

/// What the C library's macros find in a buffer to send.
fn walk_by_macros(bytes: &[u8]) -> Vec<(i32, i32, Vec<u8>)> {
    // As aligned as a header wants.
    let mut words = vec![0_u64; bytes.len().div_ceil(8)];
    let start = words.as_mut_ptr().cast::<u8>();
    // SAFETY: the words are at least as many bytes.
    unsafe { start.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    // SAFETY: `msghdr` consists of pointers and integers, for which zero is a value.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_control = start.cast();
    message.msg_controllen = bytes.len();
    let mut found = Vec::new();
    // SAFETY: the control data is a buffer of that length that lives to the end of this function.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(&message) };
    while !next.is_null() {
        // SAFETY: the macros return headers within the buffer.
        let header = unsafe { *next };
        // SAFETY: as above; the writer under test says how long its payload is.
        let payload = unsafe {
            let length = header.cmsg_len - libc::CMSG_LEN(0) as usize;
            std::slice::from_raw_parts(libc::CMSG_DATA(next), length).to_vec()
        };
        found.push((header.cmsg_level, header.cmsg_type, payload));
        // SAFETY: as above.
        next = unsafe { libc::CMSG_NXTHDR(&message, next) };
    }
    found
}

fn send(pushes: &[Push]) {
    let file = File::open("/dev/null").expect("it is there");
    let mut sending = SendControl::new();
    let mut expected = Vec::new();
    for push in pushes {
        let (place, payload) = match push {
            Push::Fds(count) => {
                let fds = vec![file.as_fd(); 1 + usize::from(count % 3)];
                sending.push_fds(&fds);
                let number = file.as_raw_fd().to_ne_bytes();
                ((libc::SOL_SOCKET, libc::SCM_RIGHTS), number.repeat(fds.len()))
            }
            Push::Source(IpAddr::V6(address), interface) => {
                sending.push_source((*address).into(), *interface).unwrap();
                let payload = [&address.octets()[..], &interface.to_ne_bytes()].concat();
                ((libc::IPPROTO_IPV6, libc::IPV6_PKTINFO), payload)
            }
            Push::Source(IpAddr::V4(address), interface) => {
                sending.push_source((*address).into(), *interface).unwrap();
                let payload = [&interface.to_ne_bytes()[..], &address.octets(), &[0; 4]].concat();
                ((libc::IPPROTO_IP, libc::IP_PKTINFO), payload)
            }
            Push::ClassV4(class) => {
                sending.push_traffic_class_v4(*class).unwrap();
                ((libc::IPPROTO_IP, libc::IP_TOS), i32::from(*class).to_ne_bytes().to_vec())
            }
            Push::ClassV6(class) => {
                sending.push_traffic_class_v6(*class);
                ((libc::IPPROTO_IPV6, libc::IPV6_TCLASS), i32::from(*class).to_ne_bytes().to_vec())
            }
            Push::Segment(size) => {
                sending.push_segment_size(*size).unwrap();
                ((libc::IPPROTO_UDP, libc::UDP_SEGMENT), size.to_ne_bytes().to_vec())
            }
            Push::Credentials(pid, uid, gid) => {
                sending.push_credentials(Credentials::new(Some(*pid), *uid, *gid)).unwrap();
                let payload = [pid.to_ne_bytes(), uid.to_ne_bytes(), gid.to_ne_bytes()].concat();
                ((libc::SOL_SOCKET, libc::SCM_CREDENTIALS), payload)
            }
            Push::Custom(level, kind, payload) => {
                // SAFETY: it is not sent.
                unsafe { sending.push_custom(*level, *kind, payload) };
                ((*level, *kind), payload.clone())
            }
        };
        expected.push((place.0, place.1, payload));
    }
    assert_eq!(sending.is_empty(), expected.is_empty());
    let bytes = fuzz::control_bytes(&sending);
    assert_eq!(walk_by_macros(&bytes), expected);
    let spaces = expected.iter().map(|(_, _, payload)| edgewake_sys::cmsg::space(payload.len()));
    assert_eq!(bytes.len(), spaces.sum::<usize>());
}

fuzz_target!(|input: Input| {
    receive(&input);
    if !input.pushes.is_empty() {
        send(&input.pushes);
    }
});
