//! Timers: a deadline becomes an entry of the wheel, and a reached entry becomes a wake-up.

pub(crate) mod wheel;
