//! Durations in the kernel's shape. Reading the clock is `std::time::Instant`'s business.

use std::time::Duration;

/// A duration as the kernel takes it.
pub(crate) fn timespec(duration: Duration) -> libc::timespec {
    // The target's `time_t` may be 32 bits wide; no bench waits 68 years.
    libc::timespec {
        tv_sec: duration.as_secs() as libc::time_t,
        tv_nsec: duration.subsec_nanos() as libc::c_long,
    }
}
