//! Models of the end of a source: shut by its reactor or detached by its owner while somebody
//! waits.

use std::sync::Arc;

use ::loom::thread;

use super::Fd;
use crate::{
    reactor::{
        readiness::bits::{CLOSED, SHUT},
        source::Wait,
        waiters::Wanted,
    },
    sync::model::{Bell, bounded, model},
};

// T79. Goal: whoever waits, or is about to, learns that the reactor has gone.
#[test]
fn t79_shutting_races_with_a_wait() {
    model(|| {
        let fd = Fd::new();
        let reactor = Arc::clone(&fd);
        let shutting = thread::spawn(move || reactor.source.shut());
        assert!(!fd.read_as_task(&Bell::new()));
        shutting.join().expect("no panic");
    });
}

// T79. Goal: the same for futures: one in the slot, one in the list, one for the close alone.
#[test]
fn t79_shutting_races_with_futures() {
    bounded(2, || {
        let fd = Fd::new();
        let reading = {
            let fd = Arc::clone(&fd);
            thread::spawn(move || assert!(!fd.read_as_future(&Bell::new())))
        };
        let watching = {
            let fd = Arc::clone(&fd);
            thread::spawn(move || {
                let bell = Bell::new();
                let close = Wanted { read: CLOSED | SHUT, write: 0 };
                let mut key = None;
                while fd.source.park_keyed(close, &bell.waker(), &mut key) != Wait::Retry {
                    bell.wait();
                }
            })
        };
        fd.source.shut();
        reading.join().expect("no panic");
        watching.join().expect("no panic");
    });
}

// T23, T79. Goal: a detached source tells who waits and keeps no waker once nobody uses it, an
// event at the same time notwithstanding.
#[test]
fn t23_detaching_races_with_an_event() {
    model(|| {
        let fd = Fd::new();
        let bell = Bell::new();
        assert!(fd.poll_read(&bell.waker()).is_none());
        let kernel = Arc::clone(&fd);
        let arriving = thread::spawn(move || kernel.arrive(1));
        fd.source.detach(true);
        arriving.join().expect("no panic");
        assert!(bell.rings() >= 1);
        drop(fd);
        assert_eq!(bell.wakers(1), 0);
    });
}

// T79. Goal: a task that reads through a shared reference learns of the detachment.
#[test]
fn t79_detaching_races_with_a_wait() {
    model(|| {
        let fd = Fd::new();
        let owner = Arc::clone(&fd);
        let detaching = thread::spawn(move || owner.source.detach(false));
        let bell = Bell::new();
        assert!(!fd.read_as_task(&bell));
        detaching.join().expect("no panic");
    });
}

// Goal: an event that comes with the end is not mistaken for it: what arrived before is read.
#[test]
fn shutting_races_with_an_event_and_a_wait() {
    bounded(2, || {
        let fd = Fd::new();
        let kernel = Arc::clone(&fd);
        let arriving = thread::spawn(move || kernel.arrive(1));
        let reactor = Arc::clone(&fd);
        let shutting = thread::spawn(move || reactor.source.shut());
        let bell = Bell::new();
        if fd.read_as_task(&bell) {
            assert!(!fd.read_as_task(&bell));
        }
        arriving.join().expect("no panic");
        shutting.join().expect("no panic");
    });
}
