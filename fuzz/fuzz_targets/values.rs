//! What is counted or encoded on its way to the kernel: option values, `TCP_INFO`, lists of
//! buffers, timeouts. Any bytes are decoded or refused, no time becomes shorter, no list is handed
//! over that a kernel refuses.
#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use edgewake_sys::{
    fuzz::{cut, decode_tcp_info, decode_value, encode_value, kernel_timeouts},
    socket::vectored_length,
    sockopt::{Encoding, Wire},
};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Input {
    Bytes(Vec<u8>),
    Time(Duration),
    Numbers(i32, u32, usize),
    Lengths(Vec<Length>),
}

#[derive(Arbitrary, Debug)]
enum Length {
    Any(usize),
    Small(u8),
    /// Below the most that one call takes, or beyond.
    NearMost(u8),
    /// So many buffers of this length.
    Many(u16, u8),
}

/// `INT_MAX - 1`, as macOS wants it.
const MOST_BYTES: usize = 0x7fff_fffe;
const MAX_BUFFERS: usize = 1024;

fn int(bytes: &[u8]) -> Option<i32> {
    match *bytes {
        [byte] => Some(byte.into()),
        [a, b, c, d] => Some(i32::from_ne_bytes([a, b, c, d])),
        _ => None,
    }
}

fn bytes(bytes: &[u8]) {
    let number = int(bytes);
    let natural = number.and_then(|number| u32::try_from(number).ok());
    assert_eq!(decode_value(Encoding::FLAG, bytes), number.map(|number| number != 0));
    assert_eq!(decode_value(Encoding::INT, bytes), number);
    assert_eq!(decode_value(Encoding::COUNT, bytes), natural);
    assert_eq!(decode_value(Encoding::BITS, bytes), number.map(|number| number as u32));
    assert_eq!(decode_value(Encoding::SIZE, bytes), natural.map(|size| size as usize));
    let time = |unit: Duration| natural.map(|count| unit * count);
    assert_eq!(decode_value(Encoding::SECONDS, bytes), time(Duration::from_secs(1)));
    assert_eq!(decode_value(Encoding::MILLISECONDS, bytes), time(Duration::from_millis(1)));
    assert_eq!(decode_value(Encoding::MICROSECONDS, bytes), time(Duration::from_micros(1)));
    let error = decode_value(Encoding::ERRNO, bytes);
    let code = error.map(|error| error.map_or(Some(0), |error| error.raw_os_error()));
    assert_eq!(code, number.map(Some));
    let linger = <[u8; 8]>::try_from(bytes).ok().and_then(|bytes| {
        let (on, seconds) = (int(&bytes[..4])?, int(&bytes[4..])?);
        if on == 0 { Some(None) } else { Some(Some(Duration::from_secs(seconds.try_into().ok()?))) }
    });
    assert_eq!(decode_value(Encoding::LINGER, bytes), linger);
    assert_eq!(Wire::from_bytes(bytes).is_some(), bytes.len() <= 16);
    info(bytes);
}

fn info(bytes: &[u8]) {
    let word =
        |at: usize| bytes.get(at..at + 4).map(|word| u32::from_ne_bytes(word.try_into().unwrap()));
    let all = decode_tcp_info(bytes);
    for info in all {
        let micros = |at: usize| word(at).map(|count| Duration::from_micros(count.into()));
        assert_eq!(info.retransmission_timeout, micros(8));
        assert_eq!((info.round_trip_time, info.round_trip_variation), (micros(68), micros(72)));
        assert_eq!((info.send_segment_size, info.recv_segment_size), (word(16), word(20)));
        assert_eq!(info.recv_space, word(96));
        assert!(info.state.is_none() || bytes[0] <= 12);
    }
    let [linux, freebsd, netbsd, openbsd] = all;
    let window = word(80).map(u64::from);
    let in_segments = window.zip(word(16)).map(|(count, size)| count * u64::from(size));
    assert_eq!([linux, netbsd].map(|info| info.congestion_window), [in_segments; 2]);
    assert_eq!([freebsd, openbsd].map(|info| info.congestion_window), [window; 2]);
    assert_eq!([linux.unacknowledged, linux.lost], [word(24), word(32)]);
    let retransmits = [linux, freebsd, netbsd, openbsd].map(|info| info.total_retransmits);
    assert_eq!(retransmits, [word(100), word(120), word(120), None]);
}

/// Rounded up, by less than one unit, or refused because an `int` cannot hold it.
fn rounded(time: Duration, unit: Duration, encoding: Encoding<Duration>) {
    match encode_value(encoding, time) {
        None => assert!(time > unit * i32::MAX as u32),
        Some(wire) => {
            let read = decode_value(encoding, wire.as_bytes()).expect("it was encoded");
            assert!(read >= time && read - time < unit, "{read:?} of {time:?}");
        }
    }
}

fn time(time: Duration) {
    rounded(time, Duration::from_secs(1), Encoding::SECONDS);
    rounded(time, Duration::from_millis(1), Encoding::MILLISECONDS);
    rounded(time, Duration::from_micros(1), Encoding::MICROSECONDS);
    if let Some(wire) = encode_value(Encoding::LINGER, Some(time)) {
        let read = decode_value(Encoding::LINGER, wire.as_bytes()).expect("it was encoded");
        assert!(read.is_some_and(|read| read >= time && read - time < Duration::from_secs(1)));
    } else {
        assert!(time > Duration::from_secs(i32::MAX as u64));
    }
    // Eleven days: what every selector can wait for without cutting it.
    let whole = time.min(Duration::from_secs(1_000_000)).as_nanos() as i128;
    for waited in kernel_timeouts(time) {
        assert!(waited >= whole, "{waited} ns of {time:?}");
        assert!(waited < time.as_nanos() as i128 + 1_000_000);
    }
}

fn numbers(number: i32, natural: u32, size: usize) {
    let wire = encode_value(Encoding::INT, number).expect("any number fits");
    assert_eq!(decode_value(Encoding::INT, wire.as_bytes()), Some(number));
    let wire = encode_value(Encoding::BITS, natural).expect("any bits fit");
    assert_eq!(decode_value(Encoding::BITS, wire.as_bytes()), Some(natural));
    let wire = encode_value(Encoding::COUNT, natural);
    let read = wire.and_then(|wire| decode_value(Encoding::COUNT, wire.as_bytes()));
    assert_eq!(read, i32::try_from(natural).ok().map(|_| natural));
    let wire = encode_value(Encoding::SIZE, size);
    let read = wire.and_then(|wire| decode_value(Encoding::SIZE, wire.as_bytes()));
    assert_eq!(read, i32::try_from(size).ok().map(|_| size));
}

fn lengths(given: &[Length]) {
    let mut lengths = Vec::new();
    for length in given {
        match *length {
            Length::Any(length) => lengths.push(length),
            Length::Small(length) => lengths.push(length.into()),
            Length::NearMost(beside) => lengths.push(MOST_BYTES - 2 + usize::from(beside % 8)),
            Length::Many(count, length) => {
                lengths.extend(std::iter::repeat_n(usize::from(length), (count % 1100).into()));
            }
        }
        // Enough to be too many.
        lengths.truncate(4 * MAX_BUFFERS);
    }
    let sum = |lengths: &[usize]| lengths.iter().map(|length| *length as u128).sum::<u128>();
    let (count, part) = cut(&lengths);
    let called = vectored_length(lengths.iter().copied());
    let first = lengths.iter().position(|length| *length > 0);
    match (part, first) {
        (None, None) => assert_eq!((called, sum(&lengths)), (0, 0)),
        (None, Some(_)) => {
            assert!(count <= MAX_BUFFERS.min(lengths.len()));
            let total = sum(&lengths[..count]);
            assert!(total > 0 && total <= MOST_BYTES as u128);
            assert_eq!(called as u128, total);
            // No more of them would have gone along.
            let one_more = count < lengths.len() && count < MAX_BUFFERS;
            assert!(!one_more || sum(&lengths[..=count]) > MOST_BYTES as u128);
        }
        (Some((index, length)), first) => {
            assert_eq!((count, Some(index)), (0, first));
            assert_eq!(length, lengths[index].min(MOST_BYTES));
            assert_eq!(called, length);
            // Only where no list would do.
            assert!(index >= MAX_BUFFERS || lengths[index] > MOST_BYTES);
        }
    }
}

fuzz_target!(|input: Input| {
    match input {
        Input::Bytes(given) => bytes(&given),
        Input::Time(given) => time(given),
        Input::Numbers(number, natural, size) => numbers(number, natural, size),
        Input::Lengths(given) => lengths(&given),
    }
});
