//! Models of the wait list: futures that come, go and are told.

use std::sync::Arc;

use ::loom::thread;

use super::{Fd, READABLE};
use crate::{
    reactor::{
        readiness::bits::{CLOSED, DATA, SHUT},
        source::Wait,
        waiters::Wanted,
    },
    sync::model::{Bell, bounded, model},
};

const CLOSE: Wanted = Wanted { read: CLOSED | SHUT, write: 0 };

// T20. Goal: two futures of one direction, one in the slot and one in the list, both get their
// unit from one event.
#[test]
fn t20_two_futures_wait_for_one_event() {
    bounded(2, || {
        let fd = Fd::new();
        let reading = [Arc::clone(&fd), Arc::clone(&fd)]
            .map(|fd| thread::spawn(move || assert!(fd.read_as_future(&Bell::new()))));
        fd.arrive(2);
        for reading in reading {
            reading.join().expect("no panic");
        }
    });
}

// T20. Goal: a future and a `poll_*` caller, which may push it out of the slot.
#[test]
fn t20_a_future_and_a_task_wait_for_one_event() {
    bounded(2, || {
        let fd = Fd::new();
        let future = Arc::clone(&fd);
        let task = Arc::clone(&fd);
        let reading = [
            thread::spawn(move || assert!(future.read_as_future(&Bell::new()))),
            thread::spawn(move || assert!(task.read_as_task(&Bell::new()))),
        ];
        fd.arrive(2);
        for reading in reading {
            reading.join().expect("no panic");
        }
    });
}

// Goal: a future that waits in the list alone (for the peer's close, so in no slot) is told.
#[test]
fn an_event_races_with_a_listed_wait() {
    model(|| {
        let fd = Fd::new();
        let kernel = Arc::clone(&fd);
        let closing = thread::spawn(move || kernel.source.raise(DATA | CLOSED, 0));
        let bell = Bell::new();
        let mut key = None;
        while fd.source.park_keyed(CLOSE, &bell.waker(), &mut key) != Wait::Retry {
            bell.wait();
        }
        closing.join().expect("no panic");
    });
}

// Goal: a waiter for the close is not lost beside a reader that takes the data.
#[test]
fn a_close_is_told_beside_data() {
    bounded(2, || {
        let fd = Fd::new();
        let watching = {
            let fd = Arc::clone(&fd);
            thread::spawn(move || {
                let bell = Bell::new();
                let mut key = None;
                while fd.source.park_keyed(CLOSE, &bell.waker(), &mut key) != Wait::Retry {
                    bell.wait();
                }
            })
        };
        let reading = {
            let fd = Arc::clone(&fd);
            thread::spawn(move || assert!(fd.read_as_task(&Bell::new())))
        };
        fd.arrive(1);
        fd.source.raise(CLOSED, 0);
        reading.join().expect("no panic");
        watching.join().expect("no panic");
    });
}

/// A future that is polled once and dropped, notified or not.
fn poll_and_drop(fd: &Fd) {
    let bell = Bell::new();
    let mut key = None;
    let _dropped_whatever_it_says = fd.source.park_keyed(READABLE, &bell.waker(), &mut key);
    if let Some(key) = key {
        fd.source.forget(key);
    }
}

// T59. Goal: a future that is dropped, waiting or already notified, takes no wake-up with it that
// another one needs.
#[test]
fn t59_a_dropped_future_takes_no_wake_up_along() {
    bounded(2, || {
        let fd = Fd::new();
        let reading = {
            let fd = Arc::clone(&fd);
            thread::spawn(move || assert!(fd.read_as_future(&Bell::new())))
        };
        let dropping = {
            let fd = Arc::clone(&fd);
            thread::spawn(move || poll_and_drop(&fd))
        };
        fd.arrive(1);
        dropping.join().expect("no panic");
        reading.join().expect("no panic");
    });
}

// Goal: a future's entry is taken off while an event looks for whom to wake: it is woken or it is
// gone, and its waker is let go of. Another waiter keeps the slot, so that the entry is in the
// list.
#[test]
fn forgetting_races_with_an_event() {
    model(|| {
        let fd = Fd::new();
        let in_slot = Bell::new();
        assert!(fd.poll_read(&in_slot.waker()).is_none());
        let bell = Bell::new();
        let mut key = None;
        assert_eq!(fd.source.park_keyed(READABLE, &bell.waker(), &mut key), Wait::Pending);
        let kernel = Arc::clone(&fd);
        let arriving = thread::spawn(move || kernel.arrive(1));
        fd.source.forget(key.expect("the slot was taken"));
        arriving.join().expect("no panic");
        assert_eq!(in_slot.rings(), 1);
        assert!(bell.rings() <= 1);
        assert_eq!(bell.wakers(1), 0);
    });
}

// Goal: a listed future that is polled again with another waker, while an event comes, is woken
// through that one.
#[test]
fn a_listed_waker_is_replaced_while_an_event_comes() {
    model(|| {
        let fd = Fd::new();
        let in_slot = Bell::new();
        assert!(fd.poll_read(&in_slot.waker()).is_none());
        let kernel = Arc::clone(&fd);
        let arriving = thread::spawn(move || kernel.arrive(1));
        let first = Bell::new();
        let mut key = None;
        let mut read = fd.poll_read_keyed(&first.waker(), &mut key);
        let second = Bell::new();
        while read.is_none() {
            read = fd.poll_read_keyed(&second.waker(), &mut key);
            if read.is_none() {
                second.wait();
            }
        }
        assert_eq!(read, Some(true));
        arriving.join().expect("no panic");
    });
}

// Goal: an entry that waits in both directions is told by either.
#[test]
fn an_entry_of_both_directions_is_told_by_either() {
    for event in [(DATA, 0), (0, DATA)] {
        model(move || {
            let fd = Fd::new();
            let kernel = Arc::clone(&fd);
            let arriving = thread::spawn(move || kernel.source.raise(event.0, event.1));
            let bell = Bell::new();
            let both = Wanted { read: DATA, write: DATA };
            let mut key = None;
            while fd.source.park_keyed(both, &bell.waker(), &mut key) != Wait::Retry {
                bell.wait();
            }
            if let Some(key) = key {
                fd.source.forget(key);
            }
            arriving.join().expect("no panic");
        });
    }
}
