//! Models of a wait for the error queue, whose bit others clear.

use std::sync::Arc;

use ::loom::thread;

use super::Fd;
use crate::{
    reactor::{
        readiness::bits::{ERROR, SHUT},
        side::Direction,
        source::Wait,
    },
    sync::{
        atomic::Ordering,
        model::{Bell, bounded, model},
    },
};

/// An entry comes into the queue and the kernel reports an error.
fn fail(fd: &Fd) {
    // AcqRel: as in `Fd::arrive`.
    fd.units.fetch_add(1, Ordering::AcqRel);
    fd.source.raise(ERROR, ERROR);
}

/// As `AsyncFd::on_errors` does it, until there is an entry, which it takes.
fn take_entry(fd: &Fd) {
    let bell = Bell::new();
    let mut key = None;
    loop {
        let seen = fd.source.snapshot(Direction::Read);
        if fd.read() {
            break;
        }
        match fd.source.park_beyond(Direction::Read, seen, ERROR | SHUT, &bell.waker(), &mut key) {
            Wait::Retry => {}
            Wait::Pending | Wait::Unregistered => bell.wait(),
        }
    }
    if let Some(key) = key {
        fd.source.forget(key);
    }
}

// T88. Goal: an entry that comes while somebody is about to wait for it is told.
#[test]
fn t88_an_error_races_with_a_wait_for_it() {
    model(|| {
        let fd = Fd::new();
        let kernel = Arc::clone(&fd);
        let failing = thread::spawn(move || fail(&kernel));
        take_entry(&fd);
        failing.join().expect("no panic");
    });
}

// T88. Goal: the same beside a reader that the event wakes, that finds no data and forgets the
// event.
#[test]
fn t88_an_error_is_told_though_a_reader_forgets_it() {
    bounded(2, || {
        let fd = Fd::new();
        let kernel = Arc::clone(&fd);
        let failing = thread::spawn(move || fail(&kernel));
        let reader = Arc::clone(&fd);
        let reading = thread::spawn(move || {
            let seen = reader.source.snapshot(Direction::Read);
            reader.source.clear_blocked(Direction::Read, seen);
        });
        take_entry(&fd);
        failing.join().expect("no panic");
        reading.join().expect("no panic");
    });
}

// T88. Goal: two who wait for the queue get an entry each.
#[test]
fn t88_two_wait_for_the_queue() {
    bounded(2, || {
        let fd = Fd::new();
        let other = Arc::clone(&fd);
        let taking = thread::spawn(move || take_entry(&other));
        let kernel = Arc::clone(&fd);
        let failing = thread::spawn(move || {
            fail(&kernel);
            fail(&kernel);
        });
        take_entry(&fd);
        taking.join().expect("no panic");
        failing.join().expect("no panic");
    });
}
