//! Times in control messages.

use std::time::{Duration, SystemTime};

use super::layout::read;

/// When a packet came or went (Linux's `SCM_TIMESTAMPING`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timestamps {
    /// By the system's clock, taken in the kernel.
    pub software: Option<SystemTime>,
    /// By the network device's own clock, counted from whatever that counts from.
    pub hardware: Option<Duration>,
}

impl Timestamps {
    /// Three `timespec`s: software, unused, hardware. Zero is "not taken".
    #[cfg(any(test, edgewake_has = "so_timestamping"))]
    pub(super) fn decode(payload: &[u8]) -> Option<Timestamps> {
        let (size, rest) = (payload.len() / 3, payload.len() % 3);
        if rest != 0 {
            return None;
        }
        let taken = |at: usize| {
            let time = timespec(&payload[at..at + size])?;
            Some((!time.is_zero()).then_some(time))
        };
        let software = taken(0)?.and_then(since_epoch);
        Some(Timestamps { software, hardware: taken(2 * size)? })
    }
}

/// A `timespec`. Its payload tells whether its numbers have 32 or 64 bits: on 32-bit systems that
/// is a matter of the option's age, not of the C library's `timespec`.
#[cfg(any(test, edgewake_has = "so_timestampns"))]
pub(super) fn timespec(payload: &[u8]) -> Option<Duration> {
    let [seconds, nanoseconds] = match payload.len() {
        // SAFETY: an array of integers.
        8 => unsafe { read::<[i32; 2]>(payload) }?.map(i64::from),
        // SAFETY: as above.
        16 => unsafe { read::<[i64; 2]>(payload) }?,
        _ => return None,
    };
    duration(seconds, nanoseconds)
}

/// A `timeval`, as the C library has it.
#[inline]
pub(super) fn timeval(payload: &[u8]) -> Option<Duration> {
    // SAFETY: `timeval` consists of integers.
    let time: libc::timeval = unsafe { read(payload) }?;
    // Their types differ among the systems.
    let [seconds, microseconds]: [i64; 2] = [time.tv_sec as _, time.tv_usec as _];
    duration(seconds, microseconds.checked_mul(1000)?)
}

fn duration(seconds: i64, nanoseconds: i64) -> Option<Duration> {
    let nanoseconds = u32::try_from(nanoseconds).ok().filter(|n| *n < 1_000_000_000)?;
    Some(Duration::new(u64::try_from(seconds).ok()?, nanoseconds))
}

#[inline]
pub(super) fn since_epoch(time: Duration) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(time)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{Timestamps, timespec};

    // Goal: both widths of a time are read, and what is no time is refused.
    #[test]
    fn t64_times_of_both_widths() {
        let narrow = [7_i32, 500].map(i32::to_ne_bytes).concat();
        let wide = [7_i64, 500].map(i64::to_ne_bytes).concat();
        let time = Some(Duration::new(7, 500));
        assert_eq!((timespec(&narrow), timespec(&wide)), (time, time));
        for hostile in [[-1, 0], [0, -1], [0, 1_000_000_000], [i64::MIN, i64::MAX]] {
            assert_eq!(timespec(&hostile.map(i64::to_ne_bytes).concat()), None);
        }
        for length in (0..wide.len()).filter(|length| *length != 8) {
            assert_eq!(timespec(&wide[..length]), None);
        }
    }

    // Goal: of three times the first and the last are told, zero being none.
    #[test]
    fn t64_three_times() {
        let stamps = |seconds: [i64; 3]| {
            Timestamps::decode(&seconds.map(|s| [s, 0].map(i64::to_ne_bytes).concat()).concat())
        };
        let epoch = SystemTime::UNIX_EPOCH;
        let software = Some(epoch + Duration::from_secs(3));
        let hardware = Some(Duration::from_secs(9));
        assert_eq!(stamps([3, 5, 0]), Some(Timestamps { software, hardware: None }));
        assert_eq!(stamps([0, 0, 9]), Some(Timestamps { software: None, hardware }));
        assert_eq!(stamps([0, 0, -9]), None);
        assert_eq!(Timestamps::decode(&[0; 47]), None);
        assert_eq!(Timestamps::decode(&[]), None);
    }
}
