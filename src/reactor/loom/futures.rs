//! Models of futures that wait as most do: in the slot if it is free, else in the list.

use std::sync::Arc;

use ::loom::thread;

use super::Fd;
use crate::{
    reactor::{side::Direction, source::Wait, waiters::Key},
    sync::model::{Bell, bounded, model},
};

/// As `AsyncFd`'s operations do it, dropped at the end of this.
struct Reading<'a> {
    fd: &'a Fd,
    key: Option<Key>,
}

impl<'a> Reading<'a> {
    fn of(fd: &'a Fd) -> Reading<'a> {
        Reading { fd, key: None }
    }

    /// True once it has read a unit, or the source is shut.
    fn poll(&mut self, bell: &Arc<Bell>) -> bool {
        let source = &self.fd.source;
        loop {
            let seen = source.snapshot(Direction::Read);
            if seen.is_worth_trying() {
                if seen.is_shut() || self.fd.read() {
                    return true;
                }
                source.clear_blocked(Direction::Read, seen);
                continue;
            }
            match source.park_future(Direction::Read, &bell.waker(), &mut self.key) {
                Wait::Retry => {}
                Wait::Pending => return false,
                Wait::Unregistered => panic!("it is registered"),
            }
        }
    }

    fn finish(mut self, bell: &Arc<Bell>) {
        while !self.poll(bell) {
            bell.wait();
        }
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.fd.source.forget(key);
        }
    }
}

fn read_one(fd: &Fd) {
    Reading::of(fd).finish(&Bell::new());
}

// T17, T18. Goal: an event at any point of a future's wait is seen or wakes.
#[test]
fn t18_an_event_races_with_a_future() {
    model(|| {
        let fd = Fd::new();
        let kernel = Arc::clone(&fd);
        let arriving = thread::spawn(move || kernel.arrive(1));
        read_one(&fd);
        arriving.join().expect("no panic");
    });
}

// T20. Goal: two futures, of which one gets the slot and the other the list, both get their unit
// from one event.
#[test]
fn t20_two_futures_share_slot_and_list() {
    bounded(2, || {
        let fd = Fd::new();
        let other = Arc::clone(&fd);
        let reading = thread::spawn(move || read_one(&other));
        let kernel = Arc::clone(&fd);
        let arriving = thread::spawn(move || kernel.arrive(2));
        read_one(&fd);
        reading.join().expect("no panic");
        arriving.join().expect("no panic");
    });
}

// T59. Goal: a future that waits in the slot and is dropped, told or not, leaves its waker there;
// the one that waits behind it is told all the same.
#[test]
fn t59_a_future_dropped_in_the_slot_takes_no_wake_up_along() {
    bounded(3, || {
        let fd = Fd::new();
        let gone = Bell::new();
        let mut first = Reading::of(&fd);
        assert!(!first.poll(&gone));
        let other = Arc::clone(&fd);
        let reading = thread::spawn(move || read_one(&other));
        let kernel = Arc::clone(&fd);
        let arriving = thread::spawn(move || kernel.arrive(1));
        drop(first);
        reading.join().expect("no panic");
        arriving.join().expect("no panic");
        fd.source.detach(true);
        assert_eq!(gone.wakers(1), 0);
    });
}

// T20. Goal: a `poll_*` caller pushes a future out of the slot while an event comes: both get
// their unit.
#[test]
fn t20_a_task_displaces_a_future() {
    bounded(2, || {
        let fd = Fd::new();
        let bell = Bell::new();
        let mut future = Reading::of(&fd);
        assert!(!future.poll(&bell));
        let task = Arc::clone(&fd);
        let reading = thread::spawn(move || assert!(task.read_as_task(&Bell::new())));
        let kernel = Arc::clone(&fd);
        let arriving = thread::spawn(move || kernel.arrive(2));
        future.finish(&bell);
        reading.join().expect("no panic");
        arriving.join().expect("no panic");
    });
}

// T79. Goal: the owner's end of the source races with an event and a future that waits: the future
// has its unit or is told of the end.
#[test]
fn t79_detaching_races_with_an_event_and_a_future() {
    bounded(2, || {
        let fd = Fd::new();
        let owner = Arc::clone(&fd);
        let detaching = thread::spawn(move || owner.source.detach(false));
        let kernel = Arc::clone(&fd);
        let arriving = thread::spawn(move || kernel.arrive(1));
        read_one(&fd);
        detaching.join().expect("no panic");
        arriving.join().expect("no panic");
        assert!(fd.source.snapshot(Direction::Read).is_shut());
    });
}
