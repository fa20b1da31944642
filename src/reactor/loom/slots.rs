//! Models of the slots and of the table that catches up with them, while sources come and go.
//!
//! They use a real reactor, and the last ones real descriptors: the system calls do not block, and
//! between them loom decides who goes on.

use std::{
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
    time::Duration,
};

use ::loom::thread;
use edgewake_sys::{Events, Interest, Token};

use crate::{
    reactor::{
        Dispatcher, Reactor,
        kind::Kind,
        readiness::bits::DATA,
        side::Direction,
        slots::Insertion,
        source::{NO_TOKEN, Source, Wait},
    },
    sync::{
        atomic::{AtomicU64, Ordering},
        lock,
        model::{Bell, model},
    },
};

pub(super) fn source() -> Arc<Source> {
    Arc::new(Source::new(Kind::Other, false, None))
}

pub(super) fn reactor() -> (Arc<Reactor>, Dispatcher) {
    let reactor = Arc::new(Reactor::new().expect("a reactor"));
    (Arc::clone(&reactor), Dispatcher::new(reactor))
}

/// As `Source::register` does it, without the system call. `fd` is not looked at on epoll.
pub(super) fn insert(reactor: &Reactor, source: &Arc<Source>, fd: i32) -> Token {
    let insertion = reactor.insert(fd, source);
    let Insertion::Token(token) = insertion else { panic!("no token, but {insertion:?}") };
    source.set_token(token);
    token
}

/// As `Source::detach` does it.
fn remove(reactor: &Reactor, source: &Source, token: Token) {
    source.set_token(NO_TOKEN);
    reactor.remove(token);
}

/// A batch with an event for `token`: whether it reaches `expected`. It reaches nobody else.
fn reaches(dispatcher: &mut Dispatcher, token: Token, expected: &Arc<Source>) -> bool {
    dispatcher.catch_up();
    let met = dispatcher.table.find(token);
    assert!(met.is_none_or(|met| std::ptr::eq(met, &raw const **expected)));
    met.is_some()
}

pub(super) fn live(reactor: &Reactor) -> usize {
    lock(&reactor.slots).live()
}

// T25, T26, T28. Goal: an event of a batch for a source that goes meanwhile, and whose slot has a
// new owner, never reaches that one; and the new owner is found by its own token afterwards.
#[test]
fn t26_a_stale_event_never_reaches_the_next_owner() {
    model(|| {
        let (reactor, mut dispatcher) = reactor();
        let (old, new) = (source(), source());
        let stale = insert(&reactor, &old, 3);
        let batch = {
            let old = Arc::clone(&old);
            thread::spawn(move || {
                let _either_way = reaches(&mut dispatcher, stale, &old);
                dispatcher
            })
        };
        remove(&reactor, &old, stale);
        let token = insert(&reactor, &new, 4);
        assert_ne!(token, stale);
        let mut dispatcher = batch.join().expect("no panic");
        assert!(!reaches(&mut dispatcher, stale, &old));
        assert!(reaches(&mut dispatcher, token, &new));
        assert_eq!(live(&reactor), 1);
        remove(&reactor, &new, token);
        dispatcher.catch_up();
        assert_eq!(live(&reactor), 0);
        assert_eq!((Arc::strong_count(&old), Arc::strong_count(&new)), (1, 1));
    });
}

// Goal: a source that is registered is found by every batch whose events came after that, although
// the table looks at a flag before it takes the lock.
#[test]
fn a_registered_source_is_found_by_the_next_batch() {
    model(|| {
        let (reactor, mut dispatcher) = reactor();
        // What the kernel would report: a token, or nothing yet.
        let pending = Arc::new(AtomicU64::new(NO_TOKEN.0));
        let new = source();
        let driving = {
            let (new, pending) = (Arc::clone(&new), Arc::clone(&pending));
            thread::spawn(move || {
                for _ in 0..2 {
                    // Acquire: a select that reports comes after the registration.
                    let token = Token(pending.load(Ordering::Acquire));
                    assert_eq!(reaches(&mut dispatcher, token, &new), token != NO_TOKEN);
                }
            })
        };
        let token = insert(&reactor, &new, 3);
        // Release: see above.
        pending.store(token.0, Ordering::Release);
        driving.join().expect("no panic");
    });
}

// T25. Goal: sources that come and go while the table catches up leave nothing behind.
#[test]
fn t25_coming_and_going_during_a_batch() {
    model(|| {
        let (reactor, mut dispatcher) = reactor();
        let old = source();
        let token = insert(&reactor, &old, 3);
        let batch = {
            let old = Arc::clone(&old);
            thread::spawn(move || {
                assert!(reaches(&mut dispatcher, token, &old));
                dispatcher
            })
        };
        let brief = source();
        for _ in 0..2 {
            let token = insert(&reactor, &brief, 4);
            remove(&reactor, &brief, token);
        }
        let mut dispatcher = batch.join().expect("no panic");
        assert!(reaches(&mut dispatcher, token, &old));
        assert_eq!(Arc::strong_count(&brief), 1, "the table holds nothing of it");
        assert_eq!(live(&reactor), 1);
    });
}

// T79. Goal: a reactor that shuts down tells every source that got a slot, and gives none
// afterwards.
#[test]
fn t79_shutting_tells_every_source() {
    model(|| {
        let (reactor, mut dispatcher) = reactor();
        let (old, new) = (source(), source());
        insert(&reactor, &old, 3);
        let coming = {
            let (reactor, new) = (Arc::clone(&reactor), Arc::clone(&new));
            thread::spawn(move || match reactor.insert(4, &new) {
                Insertion::Token(_) => true,
                Insertion::Shut => false,
                other => panic!("{other:?}"),
            })
        };
        dispatcher.shut();
        let came = coming.join().expect("no panic");
        for (source, told) in [(&old, true), (&new, came)] {
            assert_eq!(source.snapshot(Direction::Read).is_shut(), told);
            assert_eq!(Arc::strong_count(source), 1);
        }
        assert!(matches!(reactor.insert(5, &new), Insertion::Shut));
    });
}

pub(super) fn readable_pipe() -> (OwnedFd, OwnedFd) {
    let (reader, writer) = edgewake_sys::pipe::pipe().expect("a pipe");
    let mut file = std::fs::File::from(writer);
    std::io::Write::write_all(&mut file, b"x").expect("room in an empty pipe");
    (reader, file.into())
}

// T26, T28. Goal: with a real reactor, an event that waits in a batch for a source that is dropped
// meanwhile does not wake the source that gets its slot, and often its descriptor number.
#[test]
fn t28_an_event_for_a_closed_descriptor_does_not_wake_the_next_one() {
    model(|| {
        let (reactor, mut dispatcher) = reactor();
        let (reader, _writer) = readable_pipe();
        let old = source();
        let current = Some(Arc::clone(&reactor));
        old.enroll(reader.as_fd(), Interest::READABLE, current.clone()).expect("it registers");
        let mut events = Events::with_capacity(4);
        reactor.selector().select(&mut events, Some(Duration::ZERO)).expect("a select");
        assert_eq!(events.len(), 1);
        let batch = thread::spawn(move || {
            assert_eq!(dispatcher.dispatch(&events, Token(u64::MAX)), 0);
        });
        old.detach(true);
        drop(reader);
        let (reader, _writer) = edgewake_sys::pipe::pipe().expect("a pipe");
        let new = source();
        let bell = Bell::new();
        assert_eq!(new.park(Direction::Read, &bell.waker()), Wait::Unregistered);
        new.enroll(reader.as_fd(), Interest::READABLE, current).expect("it registers");
        batch.join().expect("no panic");
        assert_eq!(bell.rings(), 0);
        assert_eq!(new.snapshot(Direction::Read).word() & DATA, 0);
        assert_eq!(live(&reactor), 1);
        new.detach(true);
        assert_eq!(live(&reactor), 0);
    });
}

// T91. Goal: of two objects that register one descriptor at the same time one is refused, and the
// other one's registration stays.
#[test]
fn t91_two_owners_register_one_descriptor_at_once() {
    model(|| {
        let (reactor, mut dispatcher) = reactor();
        let (reader, _writer) = readable_pipe();
        let reader = Arc::new(reader);
        let owners = [source(), source()];
        let enroll = |source: &Arc<Source>| {
            let (source, reader) = (Arc::clone(source), Arc::clone(&reader));
            let current = Some(Arc::clone(&reactor));
            move || source.enroll((*reader).as_fd(), Interest::READABLE, current).is_ok()
        };
        let other = thread::spawn(enroll(&owners[0]));
        let outcomes = [enroll(&owners[1])(), other.join().expect("no panic")];
        assert!(outcomes[0] != outcomes[1], "one of them: {outcomes:?}");
        let mut events = Events::with_capacity(4);
        reactor.selector().select(&mut events, Some(Duration::ZERO)).expect("a select");
        assert_eq!(dispatcher.dispatch(&events, Token(u64::MAX)), 0);
        let told = |source: &Arc<Source>| source.snapshot(Direction::Read).word() & DATA != 0;
        assert_eq!([told(&owners[1]), told(&owners[0])], outcomes);
        assert_eq!(live(&reactor), 1);
        owners.iter().for_each(|owner| owner.detach(true));
    });
}

// T20. Goal: the look at a new connection races with another thread that waits for it and displaces
// the one who was promised the look: that one is woken all the same.
#[test]
fn t20_a_look_races_with_another_wait() {
    model(|| {
        let (reactor, mut dispatcher) = reactor();
        let source = Arc::new(Source::new(Kind::Stream, false, None).with_looks());
        let promised = Bell::new();
        assert_eq!(source.park(Direction::Read, &promised.waker()), Wait::Unregistered);
        assert!(source.postpone(Direction::Read, &reactor));
        let looking = thread::spawn(move || {
            dispatcher.catch_up();
            assert!(dispatcher.has_looks());
            dispatcher.look();
        });
        let other = Bell::new();
        while source.park(Direction::Read, &other.waker()) == Wait::Retry {
            let seen = source.snapshot(Direction::Read);
            source.clear_blocked(Direction::Read, seen);
        }
        looking.join().expect("no panic");
        assert!(promised.rings() > 0);
        source.detach(true);
    });
}

// T79. Goal: a source that registers while its reactor shuts down is refused, or it is told.
#[test]
fn t79_shutting_races_with_a_registration() {
    model(|| {
        let (reactor, mut dispatcher) = reactor();
        let (reader, _writer) = edgewake_sys::pipe::pipe().expect("a pipe");
        let source = source();
        let bell = Bell::new();
        assert_eq!(source.park(Direction::Read, &bell.waker()), Wait::Unregistered);
        let shutting = thread::spawn(move || dispatcher.shut());
        let current = Some(Arc::clone(&reactor));
        let outcome = source.enroll(reader.as_fd(), Interest::READABLE, current);
        shutting.join().expect("no panic");
        match outcome {
            Ok(()) => assert_eq!(bell.rings(), 1),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe),
        }
        assert_eq!(live(&reactor), 0);
        source.detach(true);
        assert_eq!(Arc::strong_count(&reactor), 1, "the source does not keep it");
    });
}
