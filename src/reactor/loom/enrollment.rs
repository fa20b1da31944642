//! Models of registrations that come twice, are lost with a selector, or end twice.

use std::{
    os::{fd::AsFd, unix::net::UnixStream},
    sync::Arc,
    time::Duration,
};

use ::loom::thread;
use edgewake_sys::{Events, Interest, Token};

use super::slots::{live, reactor, source};
use crate::{
    reactor::{
        Reactor,
        readiness::bits::{ASSUMED, DATA, REGISTERED},
        side::Direction,
        source::{Source, Wait},
    },
    sync::model::{Bell, bounded, model},
};

fn pair() -> (Arc<UnixStream>, UnixStream) {
    let (here, there) = UnixStream::pair().expect("two descriptors");
    (Arc::new(here), there)
}

fn enroll(reactor: &Arc<Reactor>, source: &Arc<Source>, socket: &UnixStream, asked: Interest) {
    let current = Some(Arc::clone(reactor));
    source.enroll(socket.as_fd(), asked, current).expect("it registers");
}

// Goal: a reader and a writer of one socket register their directions at once: it has one slot,
// and both directions are registered.
#[test]
fn two_directions_register_at_once() {
    model(|| {
        let (reactor, mut dispatcher) = reactor();
        let (socket, _peer) = pair();
        let source = source();
        let writing = {
            let (reactor, source) = (Arc::clone(&reactor), Arc::clone(&source));
            let socket = Arc::clone(&socket);
            thread::spawn(move || enroll(&reactor, &source, &socket, Interest::WRITABLE))
        };
        enroll(&reactor, &source, &socket, Interest::READABLE);
        writing.join().expect("no panic");
        assert_eq!(live(&reactor), 1);
        let both = [Direction::Read, Direction::Write].map(|d| source.snapshot(d).word());
        assert!(both.iter().all(|word| word & (REGISTERED | ASSUMED) == REGISTERED));
        let mut events = Events::with_capacity(4);
        reactor.selector().select(&mut events, Some(Duration::ZERO)).expect("a select");
        assert_eq!(dispatcher.dispatch(&events, Token(u64::MAX)), 0);
        assert_ne!(source.snapshot(Direction::Write).word() & DATA, 0, "there is room");
        source.detach(true);
        assert_eq!(live(&reactor), 0);
    });
}

// T91. Goal: a registration that is lost with its selector while somebody waits, or is about to:
// they come to register anew, and are not refused by the slot that was lost.
#[test]
fn t91_a_wait_races_with_the_loss_of_the_registration() {
    bounded(3, || {
        let (reactor, _dispatcher) = reactor();
        let (socket, _peer) = pair();
        let source = source();
        enroll(&reactor, &source, &socket, Interest::READABLE);
        let waiting = {
            let (reactor, source) = (Arc::clone(&reactor), Arc::clone(&source));
            let socket = Arc::clone(&socket);
            thread::spawn(move || {
                let bell = Bell::new();
                loop {
                    match source.park(Direction::Read, &bell.waker()) {
                        // Nothing is there to be read.
                        Wait::Retry => {
                            let seen = source.snapshot(Direction::Read);
                            source.clear_blocked(Direction::Read, seen);
                        }
                        Wait::Pending => bell.wait(),
                        Wait::Unregistered => break,
                    }
                }
                enroll(&reactor, &source, &socket, Interest::READABLE);
                // Where `Owners` is kept, the slot that was lost would refuse this one.
                assert_eq!(live(&reactor), 1, "the lost registration's slot is still there");
            })
        };
        reactor.selector().deregister(source.fd()).expect("it was registered");
        source.disenroll(&reactor);
        waiting.join().expect("no panic");
        let word = source.snapshot(Direction::Read).word();
        assert_eq!((word & (REGISTERED | ASSUMED), live(&reactor)), (REGISTERED, 1));
        source.detach(true);
        assert_eq!(live(&reactor), 0);
    });
}

// T26. Goal: a registration that is lost while its owner ends it gives its slot back once: of the
// two sources that come afterwards neither gets the other's. And it stays ended.
#[test]
fn t26_the_loss_of_a_registration_races_with_its_end() {
    model(|| {
        let (reactor, mut dispatcher) = reactor();
        let (socket, _peer) = pair();
        let old = source();
        enroll(&reactor, &old, &socket, Interest::READABLE);
        let owner = Arc::clone(&old);
        let ending = thread::spawn(move || owner.detach(true));
        old.disenroll(&reactor);
        ending.join().expect("no panic");
        assert_eq!(live(&reactor), 0);
        let again = old.enroll(socket.as_fd(), Interest::READABLE, Some(Arc::clone(&reactor)));
        assert!(again.is_err(), "its owner has ended it");
        dispatcher.catch_up();
        assert_eq!(Arc::strong_count(&old), 1);
        let (next, after) = (source(), source());
        let tokens = [(3, &next), (4, &after)].map(|(fd, s)| super::slots::insert(&reactor, s, fd));
        assert_ne!(tokens[0], tokens[1]);
        assert_eq!(live(&reactor), 2);
    });
}

// T79. Goal: a source that its owner ends while the reactor shuts down: who waits is told, and
// neither holds the other afterwards.
#[test]
fn t79_shutting_races_with_the_end_of_a_source() {
    bounded(3, || {
        let (reactor, mut dispatcher) = reactor();
        let (socket, _peer) = pair();
        let source = source();
        enroll(&reactor, &source, &socket, Interest::READABLE);
        let bell = Bell::new();
        assert_eq!(source.park(Direction::Read, &bell.waker()), Wait::Pending);
        let owner = Arc::clone(&source);
        let ending = thread::spawn(move || owner.detach(true));
        dispatcher.shut();
        ending.join().expect("no panic");
        assert!(bell.rings() >= 1);
        drop(dispatcher);
        assert_eq!((Arc::strong_count(&source), Arc::strong_count(&reactor)), (1, 1));
        assert_eq!(live(&reactor), 0);
        // The slot may keep a waker that was being woken until then.
        drop(source);
        assert_eq!(bell.wakers(1), 0);
    });
}
