//! What the kqueue selector promises, on whatever kernel or emulation it stands.
//!
//! `changes` looks at what is asked of the kernel and so needs the fake; the rest runs everywhere.
//! What libkqueue is known to get wrong is ignored there by name.

use std::{
    os::fd::{AsFd, OwnedFd},
    time::{Duration, Instant},
};

use super::{Event, Events, Selector};
use crate::pipe;

#[cfg(edgewake_kqueue = "fake")]
mod changes;
mod descriptors;
#[cfg(edgewake_faults)]
mod faults;
mod notifier;
mod streams;

/// Longer than any wait of these tests should need, also on a slow machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// The events that hold at this moment.
fn poll(selector: &Selector) -> Vec<Event> {
    let mut events = Events::with_capacity(16);
    selector.select(&mut events, Some(Duration::ZERO)).unwrap();
    events.iter().collect()
}

/// The next event that `is_it` accepts; those before it are dropped.
#[track_caller]
fn wait_for(selector: &Selector, is_it: impl Fn(&Event) -> bool) -> Event {
    let deadline = Instant::now() + PATIENCE;
    let mut events = Events::with_capacity(16);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "the event did not come");
        selector.select(&mut events, Some(left)).unwrap();
        if let Some(event) = events.iter().find(&is_it) {
            return event;
        }
    }
}

/// A pipe's reader and writer.
fn a_pipe() -> (OwnedFd, OwnedFd) {
    pipe::pipe().unwrap()
}

/// Writes all of `bytes`.
#[track_caller]
fn write(fd: &impl AsFd, bytes: &[u8]) {
    let copy = fd.as_fd().try_clone_to_owned().unwrap();
    std::io::Write::write_all(&mut std::fs::File::from(copy), bytes).unwrap();
}

/// Reads until it would block, and returns how much that was.
#[track_caller]
fn drain(fd: &impl AsFd) -> usize {
    let copy = fd.as_fd().try_clone_to_owned().unwrap();
    let (mut file, mut total, mut room) = (std::fs::File::from(copy), 0, [0; 4096]);
    loop {
        match std::io::Read::read(&mut file, &mut room) {
            Ok(0) => return total,
            Ok(count) => total += count,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return total,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Writes until it would block.
#[track_caller]
fn fill(fd: &impl AsFd) {
    let copy = fd.as_fd().try_clone_to_owned().unwrap();
    let mut file = std::fs::File::from(copy);
    loop {
        match std::io::Write::write(&mut file, &[0; 4096]) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
            Err(error) => panic!("{error}"),
        }
    }
}
