//! How a value of Rust and the bytes of an option become each other.
//!
//! Pure data. Called by [`SockOpt`](super::SockOpt) only; a hostile length is `None`, never a
//! panic.

use std::{fmt, io, time::Duration};

/// The longest value of a typed option: a `struct timeval` of two 64-bit numbers.
const CAPACITY: usize = 16;

/// The bytes of an option's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire {
    bytes: [u8; CAPACITY],
    length: usize,
}

impl Wire {
    /// Takes the bytes of a value, at most 16; `None` if there are more.
    #[inline]
    pub fn from_bytes(bytes: &[u8]) -> Option<Wire> {
        let mut wire = Wire::empty();
        wire.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        wire.length = bytes.len();
        Some(wire)
    }

    /// The bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    #[inline]
    pub(super) fn empty() -> Wire {
        Wire { bytes: [0; CAPACITY], length: 0 }
    }

    #[inline]
    pub(super) fn room_mut(&mut self) -> &mut [u8; CAPACITY] {
        &mut self.bytes
    }

    fn int(value: i32) -> Wire {
        let mut wire = Wire::empty();
        wire.bytes[..4].copy_from_slice(&value.to_ne_bytes());
        wire.length = 4;
        wire
    }
}

/// How an option's value travels: both directions, and how many bytes to ask for.
pub struct Encoding<T> {
    length: usize,
    encode: fn(T) -> Option<Wire>,
    decode: fn(&[u8]) -> Option<T>,
}

impl<T> Encoding<T> {
    /// An encoding of one's own. `length`, at most 16, is how many bytes a read asks for; both
    /// functions return `None` for what does not fit.
    ///
    /// # Panics
    ///
    /// If `length` is over 16: where the encoding is a constant, at compile time.
    pub const fn new(
        length: usize,
        encode: fn(T) -> Option<Wire>,
        decode: fn(&[u8]) -> Option<T>,
    ) -> Encoding<T> {
        assert!(length <= CAPACITY, "a typed option has at most 16 bytes");
        Encoding { length, encode, decode }
    }

    #[inline]
    pub(super) fn length(&self) -> usize {
        self.length
    }

    #[inline]
    pub(crate) fn encode(&self, value: T) -> Option<Wire> {
        (self.encode)(value)
    }

    #[inline]
    pub(crate) fn decode(&self, bytes: &[u8]) -> Option<T> {
        (self.decode)(bytes)
    }
}

impl Encoding<bool> {
    /// An `int` that is zero or not. The BSDs return the option's own bit for "set".
    pub const FLAG: Encoding<bool> =
        Encoding::new(4, |flag| Some(Wire::int(flag.into())), |bytes| int(bytes).map(|n| n != 0));
}

impl Encoding<i32> {
    /// An `int` as it is.
    pub const INT: Encoding<i32> = Encoding::new(4, |value| Some(Wire::int(value)), int);
}

impl Encoding<u32> {
    /// An `int` that is a number of something: not negative.
    pub const COUNT: Encoding<u32> = Encoding::new(
        4,
        |count| Some(Wire::int(count.try_into().ok()?)),
        |bytes| int(bytes)?.try_into().ok(),
    );
    /// 32 bits, all of them in use.
    pub const BITS: Encoding<u32> = Encoding::new(
        4,
        |bits| Some(Wire::int(bits as i32)),
        |bytes| int(bytes).map(|value| value as u32),
    );
}

impl Encoding<usize> {
    /// An `int` that is a size in bytes.
    pub const SIZE: Encoding<usize> = Encoding::new(
        4,
        |size| Some(Wire::int(size.try_into().ok()?)),
        |bytes| int(bytes)?.try_into().ok(),
    );
}

impl Encoding<Duration> {
    /// An `int` of seconds. Part of a second counts as a whole one, so that a short time does not
    /// become "none".
    pub const SECONDS: Encoding<Duration> =
        Encoding::new(4, |time| units(time, 1_000_000_000), |bytes| time(bytes, 1_000_000_000));
    /// An `int` of milliseconds, rounded up.
    pub const MILLISECONDS: Encoding<Duration> =
        Encoding::new(4, |time| units(time, 1_000_000), |bytes| time(bytes, 1_000_000));
    /// An `int` of microseconds, rounded up.
    pub const MICROSECONDS: Encoding<Duration> =
        Encoding::new(4, |time| units(time, 1_000), |bytes| time(bytes, 1_000));
}

impl Encoding<Option<Duration>> {
    /// A `struct linger`: off, or a time in whole seconds, rounded up.
    pub const LINGER: Encoding<Option<Duration>> = Encoding::new(8, encode_linger, decode_linger);
}

impl Encoding<Option<io::Error>> {
    /// An `int` that is an `errno`, 0 for none.
    pub const ERRNO: Encoding<Option<io::Error>> = Encoding::new(
        4,
        |error| {
            let Some(error) = error else { return Some(Wire::int(0)) };
            error.raw_os_error().map(Wire::int)
        },
        |bytes| int(bytes).map(|code| (code != 0).then(|| io::Error::from_raw_os_error(code))),
    );
}

impl<T> Clone for Encoding<T> {
    #[inline]
    fn clone(&self) -> Encoding<T> {
        *self
    }
}

impl<T> Copy for Encoding<T> {}

impl<T> fmt::Debug for Encoding<T> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoding").field("length", &self.length).finish_non_exhaustive()
    }
}

/// Four bytes, or the single one that some IP options give (ip(7): Linux where the room was
/// shorter, the BSDs for the multicast ones).
#[inline]
fn int(bytes: &[u8]) -> Option<i32> {
    match *bytes {
        [byte] => Some(byte.into()),
        _ => bytes.try_into().map(i32::from_ne_bytes).ok(),
    }
}

#[inline]
fn units(time: Duration, nanoseconds: u128) -> Option<Wire> {
    time.as_nanos().div_ceil(nanoseconds).try_into().map(Wire::int).ok()
}

#[inline]
fn time(bytes: &[u8], nanoseconds: u64) -> Option<Duration> {
    let count = u64::try_from(int(bytes)?).ok()?;
    Some(Duration::from_nanos(count * nanoseconds))
}

#[inline]
fn encode_linger(time: Option<Duration>) -> Option<Wire> {
    let seconds = time.unwrap_or_default().as_nanos().div_ceil(1_000_000_000);
    let seconds = i32::try_from(seconds).ok()?;
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&i32::from(time.is_some()).to_ne_bytes());
    bytes[4..].copy_from_slice(&seconds.to_ne_bytes());
    Wire::from_bytes(&bytes)
}

#[inline]
fn decode_linger(bytes: &[u8]) -> Option<Option<Duration>> {
    if bytes.len() != 8 {
        return None;
    }
    let (on, seconds) = bytes.split_at_checked(4)?;
    let (on, seconds) = (int(on)?, int(seconds)?);
    if on == 0 {
        return Some(None);
    }
    Some(Some(Duration::from_secs(seconds.try_into().ok()?)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Encoding, Wire};

    fn round_trip<T: Clone>(encoding: Encoding<T>, value: T) -> Option<T> {
        let wire = encoding.encode(value)?;
        assert!(wire.as_bytes().len() <= encoding.length());
        encoding.decode(wire.as_bytes())
    }

    // Goal: what is set is what is read, and what does not fit an int is refused.
    #[test]
    fn values_round_trip_or_are_refused() {
        assert_eq!(round_trip(Encoding::FLAG, true), Some(true));
        assert_eq!(round_trip(Encoding::INT, i32::MIN), Some(i32::MIN));
        assert_eq!(round_trip(Encoding::COUNT, 7), Some(7));
        assert_eq!(round_trip(Encoding::COUNT, u32::MAX), None);
        assert_eq!(round_trip(Encoding::BITS, u32::MAX), Some(u32::MAX));
        assert_eq!(round_trip(Encoding::SIZE, 1 << 20), Some(1 << 20));
        assert_eq!(round_trip(Encoding::SIZE, usize::MAX), None);
        assert_eq!(Encoding::FLAG.decode(&0x0800_i32.to_ne_bytes()), Some(true));
    }

    // Goal: a time never becomes shorter, and the longest that fits survives.
    #[test]
    fn times_round_up() {
        let millisecond = Duration::from_millis(1);
        let longest = Duration::from_secs(i32::MAX as u64);
        let second = Duration::from_secs(1);
        assert_eq!(round_trip(Encoding::SECONDS, millisecond), Some(second));
        assert_eq!(round_trip(Encoding::SECONDS, longest), Some(longest));
        assert_eq!(round_trip(Encoding::SECONDS, longest + millisecond), None);
        assert_eq!(round_trip(Encoding::SECONDS, Duration::MAX), None);
        let fine = Duration::from_nanos(1_000_001);
        assert_eq!(round_trip(Encoding::MILLISECONDS, fine), Some(2 * millisecond));
        assert_eq!(round_trip(Encoding::MICROSECONDS, fine), Some(Duration::from_micros(1001)));
        assert_eq!(round_trip(Encoding::LINGER, None), Some(None));
        assert_eq!(round_trip(Encoding::LINGER, Some(Duration::ZERO)), Some(Some(Duration::ZERO)));
        assert_eq!(round_trip(Encoding::LINGER, Some(millisecond)), Some(Some(second)));
        assert_eq!(round_trip(Encoding::LINGER, Some(Duration::MAX)), None);
    }

    // Goal: a value of a length that the option cannot have is refused, not misread.
    #[test]
    fn hostile_lengths_are_refused() {
        let bytes = [0xff_u8; 16];
        for length in 0..=bytes.len() {
            let cut = &bytes[..length];
            assert_eq!(Encoding::INT.decode(cut).is_some(), matches!(length, 1 | 4));
            assert_eq!(Encoding::COUNT.decode(cut), (length == 1).then_some(255));
            assert_eq!(Encoding::LINGER.decode(cut), None, "negative or of a wrong length");
        }
        assert!(Wire::from_bytes(&bytes).is_some());
        assert!(Wire::from_bytes(&[0; 17]).is_none());
    }
}
