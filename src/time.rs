//! Timers: sleeping, deadlines for other futures, and ticks. Feature `time`, on by default.
//!
//! Each is a future that works inside a [`Runtime`](crate::Runtime), whose thread waits for its
//! sockets no longer than until the earliest deadline. Nothing ends early, however often signals
//! interrupt the wait; how late it may end is said at [`Sleep`](Sleep#platform-notes).
//!
//! A deadline is an [`Instant`], a timeout or a period a [`Duration`]. None is too long.
//!
//! # How it works
//!
//! A deadline becomes an entry of the driver's wheel (`wheel`, pure data, which is there without
//! the feature too), a reached entry becomes a wake-up. `sleep` is the future that holds an entry;
//! `timeout` and `interval` are made of it; `clock` turns durations into deadlines. No file here
//! turns a driver or wakes a task: that is done by the driver that was current at the first poll.

#[cfg(feature = "time")]
mod clock;
#[cfg(all(edgewake_fuzz, feature = "time"))]
pub(crate) mod fuzz;
#[cfg(feature = "time")]
mod interval;
#[cfg(feature = "time")]
mod sleep;
#[cfg(feature = "time")]
mod timeout;
pub(crate) mod wheel;

#[cfg(feature = "time")]
pub use self::{
    interval::{Interval, MissedTickBehavior, interval, interval_at},
    sleep::{Sleep, sleep, sleep_until},
    timeout::{Elapsed, timeout, timeout_at},
};
#[cfg(feature = "time")]
pub use std::time::{Duration, Instant};
