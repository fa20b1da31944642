//! Models of the second look at a new connection, which has no registration yet, while other
//! threads register it, wait for it or end it.

use std::{
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use ::loom::thread;
use edgewake_sys::Interest;

use super::slots::{reactor, readable_pipe};
use crate::{
    reactor::{
        Dispatcher, Reactor,
        kind::Kind,
        readiness::bits::{ASSUMED, DATA, REGISTERED},
        side::Direction,
        source::{Source, Wait},
    },
    sync::model::{Bell, model},
};

/// A new connection whose reader was promised a look, on this thread, which drives the loop.
fn promised(reactor: &Arc<Reactor>) -> (Arc<Source>, Arc<Bell>) {
    let source = Arc::new(Source::new(Kind::Stream, false, None).with_looks());
    let bell = Bell::new();
    assert_eq!(source.park(Direction::Read, &bell.waker()), Wait::Unregistered);
    assert!(source.postpone(Direction::Read, reactor));
    (source, bell)
}

fn turn(dispatcher: &mut Dispatcher) {
    dispatcher.catch_up();
    if dispatcher.has_looks() {
        dispatcher.look();
    }
}

// Goal: a look races with another thread that registers the connection: whoever was promised the
// look is woken by it, or by the event of the registration; and what is registered is not assumed.
#[test]
fn a_look_races_with_a_registration() {
    model(|| {
        let (reactor, mut dispatcher) = reactor();
        let (source, bell) = promised(&reactor);
        let (reader, _writer): (OwnedFd, OwnedFd) = readable_pipe();
        let guest = {
            let (source, reactor) = (Arc::clone(&source), Arc::clone(&reactor));
            thread::spawn(move || {
                let enrolled = source.enroll(reader.as_fd(), Interest::READABLE, Some(reactor));
                enrolled.expect("it registers");
                reader
            })
        };
        turn(&mut dispatcher);
        let _open = guest.join().expect("no panic");
        let word = source.snapshot(Direction::Read).word();
        assert_eq!(word & (ASSUMED | REGISTERED), REGISTERED);
        let looked = bell.rings() > 0;
        let event = source.raise(DATA, 0);
        assert!(looked || (event && bell.rings() == 1), "nobody was told");
        source.detach(true);
        assert_eq!(bell.wakers(1), 0);
    });
}

// T23, T79. Goal: a look races with the end of the connection on another thread: who waits is
// told, and the loop lets go of it.
#[test]
fn t79_a_look_races_with_the_end() {
    model(|| {
        let (reactor, mut dispatcher) = reactor();
        let (source, bell) = promised(&reactor);
        let owner = Arc::clone(&source);
        let ending = thread::spawn(move || owner.detach(true));
        turn(&mut dispatcher);
        ending.join().expect("no panic");
        assert!(bell.rings() >= 1 && source.snapshot(Direction::Read).is_shut());
        turn(&mut dispatcher);
        assert_eq!(Arc::strong_count(&source), 1);
        // The slot may keep a waker that was being woken until then.
        drop(source);
        assert_eq!(bell.wakers(1), 0);
    });
}

// T79. Goal: a look that is promised while the loop shuts down is not promised in vain.
#[test]
fn t79_shutting_answers_those_who_were_promised_a_look() {
    model(|| {
        let (reactor, mut dispatcher) = reactor();
        let (source, bell) = promised(&reactor);
        let other = Arc::new(Source::new(Kind::Stream, false, None).with_looks());
        let waiting = {
            let (reactor, other) = (Arc::clone(&reactor), Arc::clone(&other));
            thread::spawn(move || {
                let bell = Bell::new();
                let wait = other.park(Direction::Read, &bell.waker());
                assert_eq!(wait, Wait::Unregistered);
                if other.postpone(Direction::Read, &reactor) {
                    bell.wait();
                }
            })
        };
        dispatcher.shut();
        waiting.join().expect("no panic");
        assert_eq!(bell.rings(), 1);
        drop(dispatcher);
        source.detach(true);
        other.detach(true);
        assert_eq!(Arc::strong_count(&reactor), 1);
    });
}
