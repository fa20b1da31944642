//! What this library is free to choose, and a schedule of a test chooses in its place.
//!
//! With `--cfg edgewake_faults` a test can install a schedule on the loop's thread
//! (`edgewake_sys::faults::schedule`), which draws from a seed: limits, what to do later, moments
//! at which another thread intrudes, and the time. Without that cfg each of these is its argument,
//! and no code.
//!
//! Named by every layer that has something to choose; it knows none of them.

#[cfg(not(edgewake_faults))]
mod chosen {
    /// The time.
    #[inline(always)]
    pub(crate) fn now() -> std::time::Instant {
        std::time::Instant::now()
    }

    /// A limit, called `_at`: `most`, or less, at least 1.
    #[inline(always)]
    pub(crate) fn at_most(_at: &'static str, most: u32) -> u32 {
        most
    }

    /// Whether to do later what can be done now.
    #[inline(always)]
    pub(crate) fn postpone(_at: &'static str) -> bool {
        false
    }

    /// A moment at which another thread might do something.
    #[inline(always)]
    pub(crate) fn moment(_name: &'static str) {}
}

#[cfg(edgewake_faults)]
mod chosen {
    pub(crate) use edgewake_sys::faults::schedule::{at_most, moment, now, postpone};
}

pub(crate) use chosen::{at_most, moment, now, postpone};
