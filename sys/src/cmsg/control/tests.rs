//! Buffers as kernels write them, cut ones, and any bytes at all.

use std::{
    fs::File,
    io::Read,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd, OwnedFd},
    time::{Duration, SystemTime},
};

use proptest::prelude::*;

use super::{Control, Message, layout};
use crate::cmsg::{ErrorOrigin, SendControl};

/// Storage that holds these bytes.
///
/// # Safety
///
/// Descriptors in it that are not negative belong to it.
unsafe fn holding(bytes: &[u8]) -> Control {
    let mut control = Control::with_capacity(bytes.len());
    // SAFETY: the room is as long as the bytes.
    unsafe { control.room().cast::<u8>().copy_from(bytes.as_ptr(), bytes.len()) };
    // SAFETY: written above; the caller promises the rest.
    unsafe { control.set_filled(bytes.len()) };
    control
}

/// The bytes of messages to send.
fn bytes_of<'a>(messages: &'a SendControl<'_>) -> &'a [u8] {
    let (start, length) = messages.as_parts();
    // SAFETY: what `as_parts` returns is valid while `messages` is borrowed.
    unsafe { std::slice::from_raw_parts(start.cast(), length) }
}

fn message(level: i32, kind: i32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = SendControl::new();
    // SAFETY: it is not sent.
    unsafe { bytes.push_custom(level, kind, payload) };
    bytes_of(&bytes).to_vec()
}

/// The one message in `bytes`, described.
fn only(bytes: &[u8]) -> String {
    // SAFETY: the callers put no descriptors there.
    let mut control = unsafe { holding(bytes) };
    let described: Vec<String> = control.messages().map(|m| format!("{m:?}")).collect();
    assert_eq!(described.len(), 1, "{described:?}");
    described.into_iter().next().unwrap_or_default()
}

// Goal: what is written by the encoder is found by the walk, with the layout of the C library.
#[test]
fn t64_layout_is_the_c_librarys() {
    for length in 0..70 {
        // SAFETY: it computes with its argument.
        let space = unsafe { libc::CMSG_SPACE(length as u32) } as usize;
        assert_eq!(layout::space(length), space, "{length}");
        let bytes = message(77, 5, &vec![9; length]);
        assert_eq!(bytes.len(), space);
        let found = layout::find(&bytes, 0).unwrap();
        // SAFETY: it computes with its argument.
        let header = unsafe { libc::CMSG_LEN(0) } as usize;
        assert_eq!((found.level, found.kind, found.next), (77, 5, space));
        assert_eq!(found.payload, header..header + length);
    }
}

// T64. Goal: addresses, classes, limits and times survive the way, for both families.
#[test]
fn t64_typed_messages_round_trip() {
    let mut sending = SendControl::new();
    let v6: IpAddr = Ipv6Addr::LOCALHOST.into();
    sending.push_source(v6, 7).unwrap();
    sending.push_traffic_class_v6(0b1011_1001);
    // SAFETY: neither is sent.
    unsafe {
        sending.push_custom(libc::IPPROTO_IPV6, crate::sockopt::names::IPV6_HOPLIMIT, &[64]);
        sending.push_custom(libc::SOL_SOCKET, 9999, b"odd");
    }
    // SAFETY: there are no descriptors in it.
    let mut control = unsafe { holding(bytes_of(&sending)) };
    let mut messages = control.messages();
    let Some(Message::PacketInfo(info)) = messages.next() else { panic!("no address") };
    assert_eq!((info.destination, info.interface), (Some(v6), 7));
    assert!(matches!(messages.next(), Some(Message::TrafficClass(0b1011_1001))));
    assert!(matches!(messages.next(), Some(Message::HopLimit(64))));
    let Some(Message::Unknown { kind, bytes, .. }) = messages.next() else { panic!("known?") };
    assert_eq!((kind, bytes), (9999, &b"odd"[..]));
    assert!(messages.next().is_none());
    sending.clear();
    assert!(sending.is_empty());
    sending.push_source(Ipv4Addr::LOCALHOST.into(), 0).unwrap();
    assert!(only(bytes_of(&sending)).contains("127.0.0.1"));
}

// Goal: times before the epoch, with too many microseconds or of an odd length are not times.
#[test]
fn t64_hostile_times_are_unknown() {
    let stamp = |seconds, microseconds| {
        let time = libc::timeval { tv_sec: seconds, tv_usec: microseconds };
        // SAFETY: it consists of integers; what is padding is zero, as it is a constant's.
        let bytes = unsafe { layout::bytes_of(&time) };
        message(libc::SOL_SOCKET, libc::SCM_TIMESTAMP, bytes)
    };
    // SAFETY: there are no descriptors in it.
    let mut control = unsafe { holding(&stamp(5, 250_000)) };
    let Some(Message::Timestamp(time)) = control.messages().next() else { panic!("no time") };
    assert_eq!(time, SystemTime::UNIX_EPOCH + Duration::from_millis(5250));
    for hostile in [stamp(-1, 0), stamp(0, -1), stamp(0, 1_000_000)] {
        assert!(only(&hostile).starts_with("Unknown"), "{hostile:?}");
    }
    let short = message(libc::SOL_SOCKET, libc::SCM_TIMESTAMP, &[0; 5]);
    assert!(only(&short).starts_with("Unknown"));
}

// T64. Goal: the sender is known also if it is in no group: then nothing follows the ids.
#[test]
fn t64_credentials_without_groups() {
    let payload: Vec<u8> = [7, 1000, 1001, 100, 101, 0].map(i32::to_ne_bytes).concat();
    let who = super::super::decode::identity(&payload, [0, 1, 3]).unwrap();
    assert_eq!((who.pid, who.uid, who.gid), (Some(7), 1000, 100));
    assert!(super::super::decode::identity(&payload[..15], [0, 1, 3]).is_none());
}

// Goal: a sender that cannot be seen from here is no process, as for the peer's credentials.
#[cfg(edgewake_has = "scm_credentials")]
#[test]
fn t64_nobodys_process_is_none() {
    let payload = [0, 5, 6].map(i32::to_ne_bytes).concat();
    let shown = only(&message(libc::SOL_SOCKET, libc::SCM_CREDENTIALS, &payload));
    assert!(shown.contains("pid: None, uid: 5, gid: 6"), "{shown}");
}

// Goal: the origin of an entry of the error queue is what the kernel's header calls it.
#[test]
fn origins_are_by_number() {
    assert_eq!(ErrorOrigin::from_number(1), ErrorOrigin::Local);
    assert_eq!(ErrorOrigin::from_number(5), ErrorOrigin::ZeroCopy);
    assert_eq!(ErrorOrigin::from_number(200), ErrorOrigin::Other(200));
}

/// A pipe whose writer was made a number in a buffer: its reader sees the end once that, and
/// nothing else, was closed.
struct Witness {
    reader: File,
    writer: Option<OwnedFd>,
}

impl Witness {
    fn new() -> Witness {
        let (reader, writer) = crate::pipe::pipe().unwrap();
        Witness { reader: reader.into(), writer: Some(writer) }
    }

    #[track_caller]
    fn assert_closed(mut self) {
        assert!(self.writer.is_none(), "it was in a buffer");
        // "Would block", were the writer open still.
        assert_eq!(self.reader.read(&mut [0]).unwrap(), 0);
    }
}

/// Moves the writers of `witnesses` into one message.
fn fds_message(witnesses: &mut [Witness]) -> Vec<u8> {
    let mut sending = SendControl::new();
    let writers: Vec<OwnedFd> =
        witnesses.iter_mut().map(|witness| witness.writer.take().unwrap()).collect();
    let borrowed: Vec<_> = writers.iter().map(AsFd::as_fd).collect();
    sending.push_fds(&borrowed);
    let bytes = bytes_of(&sending).to_vec();
    for writer in writers {
        let _owned_by_the_bytes = writer.into_raw_fd();
    }
    bytes
}

// T64. Goal: a number that no kernel should write becomes no owner and hides no other.
#[test]
fn t64_negative_numbers_are_skipped() {
    let mut witness = Witness::new();
    let fd = witness.writer.take().unwrap().into_raw_fd();
    let numbers = [-1, fd, i32::MIN].map(i32::to_ne_bytes).concat();
    let bytes = message(libc::SOL_SOCKET, libc::SCM_RIGHTS, &[&numbers[..], &[1, 2]].concat());
    // SAFETY: `fd` was released above.
    let mut control = unsafe { holding(&bytes) };
    let Some(Message::Fds(fds)) = control.messages().next() else { panic!("no descriptors") };
    let taken: Vec<OwnedFd> = fds.collect();
    assert_eq!(taken.iter().map(AsRawFd::as_raw_fd).collect::<Vec<_>>(), [fd]);
    drop(taken);
    witness.assert_closed();
}

// T64. Goal: a message of descriptors that was cut gives those that are whole, also where it still
// says its whole length, as Apple's does.
#[test]
fn t64_cut_descriptors_are_owned_all_the_same() {
    let mut witnesses = [Witness::new(), Witness::new()];
    let bytes = fds_message(&mut witnesses);
    let (kept, cut) = bytes.split_at(layout::HEADER + 4);
    let cut = i32::from_ne_bytes(cut[..4].try_into().unwrap());
    // SAFETY: `fds_message` released it, and the storage below does not have it.
    let cut = unsafe { OwnedFd::from_raw_fd(cut) };
    // SAFETY: the one descriptor left in it was released by `fds_message`.
    let mut control = unsafe { holding(kept) };
    let Some(Message::Fds(fds)) = control.messages().next() else { panic!("no descriptors") };
    assert_eq!(fds.count(), 1);
    drop(cut);
    witnesses.into_iter().for_each(Witness::assert_closed);
}

// T64. Goal: the descriptor of a process is owned like any other; an error in its place is none.
#[cfg(edgewake_has = "scm_pidfd")]
#[test]
fn t64_process_descriptors_are_owned() {
    for taken in [true, false] {
        let mut witness = Witness::new();
        let fd = witness.writer.take().unwrap().into_raw_fd();
        let bytes = message(libc::SOL_SOCKET, super::SCM_PIDFD, &fd.to_ne_bytes());
        // SAFETY: `fd` was released above.
        let mut control = unsafe { holding(&bytes) };
        if taken {
            let Some(Message::PidFd(owned)) = control.messages().next() else { panic!("none") };
            assert_eq!(owned.as_raw_fd(), fd);
        }
        drop(control);
        witness.assert_closed();
    }
    let failed = message(libc::SOL_SOCKET, super::SCM_PIDFD, &(-libc::ESRCH).to_ne_bytes());
    assert!(only(&failed).starts_with("Unknown"));
}

// T64. Goal: each way to not take descriptors closes them, and forgetting takes none twice.
#[test]
fn t64_untaken_descriptors_are_closed() {
    let ways: [fn(&mut Control); 5] = [
        |_untouched| {},
        |control| control.clear(),
        |control| drop(control.messages().next()),
        |control| assert!(control.messages().nth(1).is_some()),
        |control| {
            control.room();
        },
    ];
    for way in ways {
        let mut witnesses = [Witness::new(), Witness::new()];
        let first = fds_message(&mut witnesses[..1]);
        let second = fds_message(&mut witnesses[1..]);
        // SAFETY: the descriptors were released by `fds_message`.
        let mut control = unsafe { holding(&[first, second].concat()) };
        way(&mut control);
        drop(control);
        witnesses.into_iter().for_each(Witness::assert_closed);
    }
}

proptest! {
    // T64, T46. Goal: any bytes are walked to an end, within themselves, without a panic.
    #[test]
    fn t64_any_bytes_are_walked(
        bytes in prop::collection::vec(
            prop_oneof![3 => Just(0_u8), 2 => 0..64_u8, 1 => any::<u8>()], 0..200),
    ) {
        let mut at = 0;
        while let Some(found) = layout::find(&bytes, at) {
            prop_assert!(found.next > at && found.next <= bytes.len());
            prop_assert!(found.payload.start >= at && found.payload.end <= bytes.len());
            let payload = &bytes[found.payload];
            let shown = format!("{:?}", Message::decode(found.level, found.kind, payload));
            prop_assert!(!shown.is_empty());
            at = found.next;
        }
    }

    // T64. Goal: the same of messages that look right at first: known kinds, with any payload, cut
    // anywhere.
    #[test]
    fn t64_known_kinds_with_any_payload(
        messages in prop::collection::vec(
            (
                prop::sample::select(vec![
                    libc::SOL_SOCKET, libc::IPPROTO_IP, libc::IPPROTO_IPV6, libc::IPPROTO_UDP,
                ]),
                0..130_i32,
                prop::collection::vec(any::<u8>(), 0..60),
            ),
            0..6,
        ),
        cut in 0..200_usize,
    ) {
        let bytes: Vec<u8> =
            messages.iter().flat_map(|(level, kind, load)| message(*level, *kind, load)).collect();
        let kept = &bytes[..bytes.len() - cut.min(bytes.len())];
        let (mut at, mut seen) = (0, 0);
        while let Some(found) = layout::find(kept, at) {
            let (level, kind, payload) = &messages[seen];
            prop_assert_eq!((found.level, found.kind), (*level, *kind));
            prop_assert!(payload.starts_with(&kept[found.payload.clone()]));
            let decoded = Message::decode(found.level, found.kind, &kept[found.payload]);
            let shown = format!("{decoded:?}");
            prop_assert!(!shown.is_empty());
            (at, seen) = (found.next, seen + 1);
        }
        prop_assert!(cut > 0 || seen == messages.len());
    }

    // T64. Goal: however many descriptors are taken, from however many messages, each is open while
    // its owner lives, and all are closed afterwards.
    #[test]
    fn t64_each_descriptor_has_one_owner(
        plan in prop::collection::vec((1..5_usize, 0..6_usize), 1..6),
        visited in 0..6_usize,
    ) {
        let mut witnesses: Vec<Vec<Witness>> =
            plan.iter().map(|(count, _)| (0..*count).map(|_| Witness::new()).collect()).collect();
        let bytes: Vec<u8> = witnesses.iter_mut().flat_map(|some| fds_message(some)).collect();
        // SAFETY: the descriptors were released by `fds_message`.
        let mut control = unsafe { holding(&bytes) };
        let mut taken = Vec::new();
        for (message, (_, take)) in control.messages().take(visited).zip(&plan) {
            let Message::Fds(fds) = message else { panic!("{message:?}") };
            taken.extend(fds.take(*take));
        }
        drop(control);
        let due: usize = plan.iter().take(visited).map(|(count, take)| count.min(take)).sum();
        prop_assert_eq!(taken.len(), due);
        let mut numbers: Vec<_> = taken.iter().map(AsRawFd::as_raw_fd).collect();
        numbers.sort_unstable();
        numbers.dedup();
        prop_assert_eq!(numbers.len(), due);
        for fd in &taken {
            prop_assert!(crate::fd::is_nonblocking(fd.as_fd()).is_ok());
        }
        drop(taken);
        witnesses.into_iter().flatten().for_each(Witness::assert_closed);
    }
}
