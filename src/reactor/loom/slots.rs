//! Models of the slot table, lent to a batch, while sources come and go.
//!
//! The last ones use a real reactor and real descriptors: the system calls do not block, and between
//! them loom decides who goes on.

use std::{
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
    time::Duration,
};

use ::loom::thread;
use edgewake_sys::{Events, Interest, Token};

use crate::{
    reactor::{
        Reactor,
        readiness::bits::DATA,
        side::Direction,
        slots::{Insertion, Slots, find},
        source::{Kind, NO_TOKEN, Source, Wait},
    },
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
        lock,
        model::{Bell, model, wide_model},
    },
};

fn source() -> Arc<Source> {
    Arc::new(Source::new(Kind::Other, false, None))
}

/// As `Source::register` does it, without the system call. `fd` is not looked at on epoll.
fn insert(slots: &Mutex<Slots>, source: &Arc<Source>, fd: i32) -> Token {
    let insertion = lock(slots).insert(fd, source);
    let Insertion::Token(token) = insertion else { panic!("no token, but {insertion:?}") };
    source.set_token(token);
    token
}

/// As `Source::detach` does it.
fn remove(slots: &Mutex<Slots>, source: &Source, token: Token, fd: i32) {
    source.set_token(NO_TOKEN);
    let freed = lock(slots).remove(token, fd);
    drop(freed);
}

/// A batch with events for `tokens`. Returns whom they reached.
fn dispatch(slots: &Mutex<Slots>, tokens: &[Token]) -> Vec<Option<Arc<Source>>> {
    let table = lock(slots).lend_table();
    let met = tokens.iter().map(|token| find(&table, *token).cloned()).collect();
    let (freed, shut) = lock(slots).restore_table(table);
    if shut {
        freed.iter().for_each(|source| source.shut());
    }
    met
}

// T25, T26, T28. Goal: an event of a batch for a source that goes meanwhile, and whose slot has a
// new owner, never reaches that one; and the new owner is found by its own token afterwards.
#[test]
fn t26_a_stale_event_never_reaches_the_next_owner() {
    model(|| {
        let slots = Arc::new(Mutex::new(Slots::new()));
        let (old, new) = (source(), source());
        let stale = insert(&slots, &old, 3);
        let batch = {
            let (slots, old) = (Arc::clone(&slots), Arc::clone(&old));
            thread::spawn(move || {
                for met in dispatch(&slots, &[stale]).into_iter().flatten() {
                    assert!(Arc::ptr_eq(&met, &old));
                }
            })
        };
        remove(&slots, &old, stale, 3);
        let token = insert(&slots, &new, 4);
        assert_ne!(token, stale);
        batch.join().expect("no panic");
        let met = dispatch(&slots, &[stale, token]);
        assert!(met[0].is_none());
        assert!(met[1].as_ref().is_some_and(|met| Arc::ptr_eq(met, &new)));
        assert_eq!(lock(&slots).live(), 1);
        remove(&slots, &new, token, 4);
        assert_eq!((lock(&slots).live(), Arc::strong_count(&new)), (0, 2));
        drop(met);
        assert_eq!((Arc::strong_count(&old), Arc::strong_count(&new)), (1, 1));
    });
}

// Goal: a source that is registered is found by every batch whose events came after that.
#[test]
fn a_registered_source_is_found_by_the_next_batch() {
    model(|| {
        let slots = Arc::new(Mutex::new(Slots::new()));
        // What the kernel would report: a token, or nothing yet.
        let pending = Arc::new(AtomicU64::new(NO_TOKEN.0));
        let new = source();
        let driving = {
            let (slots, new, pending) =
                (Arc::clone(&slots), Arc::clone(&new), Arc::clone(&pending));
            thread::spawn(move || {
                for _ in 0..2 {
                    // Acquire: a select that reports comes after the registration.
                    let token = Token(pending.load(Ordering::Acquire));
                    let met = dispatch(&slots, &[token]);
                    let found = met[0].as_ref().is_some_and(|met| Arc::ptr_eq(met, &new));
                    assert_eq!(found, token != NO_TOKEN);
                }
            })
        };
        let token = insert(&slots, &new, 3);
        // Release: see above.
        pending.store(token.0, Ordering::Release);
        driving.join().expect("no panic");
    });
}

// T25. Goal: sources that come and go within one batch leave the table as if it had not been
// lent.
#[test]
fn t25_coming_and_going_during_a_batch() {
    model(|| {
        let slots = Arc::new(Mutex::new(Slots::new()));
        let old = source();
        let token = insert(&slots, &old, 3);
        let batch = {
            let slots = Arc::clone(&slots);
            thread::spawn(move || dispatch(&slots, &[token]).len())
        };
        let brief = source();
        for _ in 0..2 {
            let token = insert(&slots, &brief, 4);
            remove(&slots, &brief, token, 4);
        }
        assert_eq!(batch.join().expect("no panic"), 1);
        assert_eq!(Arc::strong_count(&brief), 1, "the table holds nothing of it");
        assert!(dispatch(&slots, &[token])[0].is_some());
        assert_eq!(lock(&slots).live(), 1);
    });
}

// T79. Goal: a reactor that shuts down during a batch tells every source, those that came during
// the batch too, and takes none afterwards.
#[test]
fn t79_shutting_during_a_batch_tells_every_source() {
    wide_model(|| {
        let slots = Arc::new(Mutex::new(Slots::new()));
        let (old, new) = (source(), source());
        let token = insert(&slots, &old, 3);
        let batch = {
            let slots = Arc::clone(&slots);
            thread::spawn(move || dispatch(&slots, &[token]).len())
        };
        let coming = {
            let (slots, new) = (Arc::clone(&slots), Arc::clone(&new));
            thread::spawn(move || match lock(&slots).insert(4, &new) {
                Insertion::Token(_) => true,
                Insertion::Shut => false,
                other => panic!("{other:?}"),
            })
        };
        let sources = lock(&slots).shut();
        for source in sources {
            source.shut();
        }
        let came = coming.join().expect("no panic");
        batch.join().expect("no panic");
        for (source, told) in [(&old, true), (&new, came)] {
            assert_eq!(source.snapshot(Direction::Read).is_shut(), told);
            assert_eq!(Arc::strong_count(source), 1);
        }
        assert!(matches!(lock(&slots).insert(5, &new), Insertion::Shut));
    });
}

fn readable_pipe() -> (OwnedFd, OwnedFd) {
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
        let reactor = Arc::new(Reactor::new().expect("a reactor"));
        let (reader, _writer) = readable_pipe();
        let old = source();
        let current = Some(Arc::clone(&reactor));
        old.enroll(reader.as_fd(), Interest::READABLE, current.clone()).expect("it registers");
        let mut events = Events::with_capacity(4);
        reactor.selector().select(&mut events, Some(Duration::ZERO)).expect("a select");
        assert_eq!(events.len(), 1);
        let batch = {
            let reactor = Arc::clone(&reactor);
            thread::spawn(move || assert_eq!(reactor.dispatch(&events, Token(u64::MAX)), 0))
        };
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
        assert_eq!(reactor.live(), 1);
        new.detach(true);
        assert_eq!(reactor.live(), 0);
    });
}

// T91. Goal: of two objects that register one descriptor at the same time one is refused, and the
// other one's registration stays.
#[test]
fn t91_two_owners_register_one_descriptor_at_once() {
    model(|| {
        let reactor = Arc::new(Reactor::new().expect("a reactor"));
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
        assert_eq!(reactor.dispatch(&events, Token(u64::MAX)), 0);
        let told = |source: &Arc<Source>| source.snapshot(Direction::Read).word() & DATA != 0;
        assert_eq!([told(&owners[1]), told(&owners[0])], outcomes);
        assert_eq!(reactor.live(), 1);
        owners.iter().for_each(|owner| owner.detach(true));
    });
}

// T79. Goal: a source that registers while its reactor shuts down is refused, or it is told.
#[test]
fn t79_shutting_races_with_a_registration() {
    model(|| {
        let reactor = Arc::new(Reactor::new().expect("a reactor"));
        let (reader, _writer) = edgewake_sys::pipe::pipe().expect("a pipe");
        let source = source();
        let bell = Bell::new();
        assert_eq!(source.park(Direction::Read, &bell.waker()), Wait::Unregistered);
        let shutting = {
            let reactor = Arc::clone(&reactor);
            thread::spawn(move || reactor.shut())
        };
        let current = Some(Arc::clone(&reactor));
        let outcome = source.enroll(reader.as_fd(), Interest::READABLE, current);
        shutting.join().expect("no panic");
        match outcome {
            Ok(()) => assert_eq!(bell.rings(), 1),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe),
        }
        assert_eq!(reactor.live(), 0);
        source.detach(true);
        assert_eq!(Arc::strong_count(&reactor), 1, "the source does not keep it");
    });
}
