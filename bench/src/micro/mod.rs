//! Micro figures: what tasks, wake-ups and timers cost in each library, and how late a sleep ends.
//!
//! An [`Operation`] is one workload (`workload`, `wake`), generic over the library; a [`Side`] is
//! one file that binds a library to all of them. Two programs measure with them: `micro`, where the
//! sides take turns, and `benches/micro.rs`, where criterion does the statistics.

mod edgewake_side;
#[cfg(feature = "peers")]
mod monoio_side;
mod raw_side;
#[cfg(feature = "peers")]
mod smol_side;
#[cfg(feature = "peers")]
mod tokio_side;
mod wake;
mod workload;

use std::io;
use std::time::Duration;

pub use workload::SLEEP;

/// What is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Spawning a task that is ready at once, and joining it, a thousand at a time.
    SpawnJoin,
    /// A task's yield to 63 others that do nothing else.
    Yield,
    /// A task's wake-up by another one on the same thread, 32 at a time.
    Wake,
    /// A sleeping runtime's wake-up by another thread, and the task's answer to it.
    WakeAcross,
    /// Making a sleep of a minute and polling it once, a thousand alive.
    TimerInsert,
    /// Dropping it.
    TimerCancel,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 6] = [
        Self::SpawnJoin,
        Self::Yield,
        Self::Wake,
        Self::WakeAcross,
        Self::TimerInsert,
        Self::TimerCancel,
    ];

    /// Its name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SpawnJoin => "spawn + join",
            Self::Yield => "yield",
            Self::Wake => "wake",
            Self::WakeAcross => "wake from thread + answer",
            Self::TimerInsert => "timer insert",
            Self::TimerCancel => "timer cancel",
        }
    }

    /// How many make a repeat of some tens of milliseconds.
    #[must_use]
    pub fn usual_count(self) -> usize {
        match self {
            Self::SpawnJoin => 100_000,
            Self::Yield | Self::Wake => 128_000,
            Self::WakeAcross => 2_000,
            Self::TimerInsert | Self::TimerCancel => 50_000,
        }
    }
}

/// A library, or the bare kernel, under the workloads.
#[derive(Debug, Clone, Copy)]
pub struct Side {
    /// Its name in tables.
    pub name: &'static str,
    /// Nanoseconds each of so many operations on a new runtime; `None` if it does not have them.
    pub measure: fn(Operation, usize) -> io::Result<Option<f64>>,
    /// What each of so many sleeps of [`SLEEP`] lasted, one after the other.
    pub sleeps: fn(usize) -> io::Result<Vec<Duration>>,
}

/// Every side of this build that this machine can run: monoio's io_uring driver needs a kernel that
/// lets it.
#[must_use]
pub fn sides() -> Vec<Side> {
    let mut sides = vec![raw_side::SIDE, edgewake_side::SIDE];
    sides.extend(peers());
    sides
}

#[cfg(not(feature = "peers"))]
fn peers() -> Vec<Side> {
    Vec::new()
}

#[cfg(feature = "peers")]
fn peers() -> Vec<Side> {
    let mut peers = vec![tokio_side::SIDE, smol_side::SIDE, monoio_side::EPOLL];
    if monoio::utils::detect_uring() {
        peers.push(monoio_side::URING);
    }
    peers
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An operation that hangs would not return here, and one that does nothing takes no time.
    #[test]
    fn every_side_carries_its_operations_out() {
        for side in sides() {
            let mut has = 0;
            for operation in Operation::ALL {
                let outcome = (side.measure)(operation, 130).expect("it runs");
                if let Some(nanoseconds) = outcome {
                    assert!(nanoseconds > 0.0, "{}: {operation:?}", side.name);
                    has += 1;
                }
            }
            assert!(has > 0, "{} has no operation", side.name);
            let sleeps = (side.sleeps)(3).expect("it sleeps");
            assert_eq!(sleeps.len(), 3);
            assert!(sleeps.iter().all(|slept| *slept >= SLEEP), "{}: {sleeps:?}", side.name);
        }
    }
}
