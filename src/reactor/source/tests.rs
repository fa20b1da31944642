//! One source, mostly one thread: who is woken by what, and wakers that do as they like.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Source, Wait};
use crate::{
    reactor::{
        Reactor,
        kind::Kind,
        readiness::bits::{ASSUMED, CLOSED, DATA, ERROR, LISTED, SHUT},
        side::Direction::{Read, Write},
        waiters::{Key, Wanted},
        wakers::{Call, Count, calling},
    },
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// As it is once both directions are registered, with nothing ready.
fn registered() -> Arc<Source> {
    let source = Source::new(Kind::Stream, false, None);
    source.assume_registered();
    Arc::new(source)
}

const READABLE: Wanted = Wanted { read: DATA | CLOSED | ERROR | SHUT, write: 0 };
const CLOSE: Wanted = Wanted { read: CLOSED | SHUT, write: 0 };

fn clear(source: &Source) {
    for direction in [Read, Write] {
        source.clear_blocked(direction, source.snapshot(direction));
    }
}

// T17. Goal: the generation is a direction's own: a write event between a read's snapshot and its
// clear does not keep readiness to read alive, which would spin.
#[test]
fn t17_a_write_event_does_not_stop_the_clear_of_a_read() {
    let source = registered();
    source.raise(DATA, 0);
    let seen = source.snapshot(Read);
    source.raise(0, DATA);
    source.clear_blocked(Read, seen);
    assert!(!source.snapshot(Read).is_worth_trying());
    assert!(source.snapshot(Write).is_worth_trying());
}

// T14. Goal: each direction clears its own bits, by `WouldBlock` and by short counts.
#[test]
fn t14_directions_clear_their_own_bits() {
    for cleared in [Read, Write] {
        for short in [false, true] {
            let source = registered();
            source.raise(DATA, DATA);
            let seen = source.snapshot(cleared);
            if short {
                source.note_count(cleared, seen, 5, 10);
            } else {
                source.clear_blocked(cleared, seen);
            }
            for direction in [Read, Write] {
                assert_eq!(source.snapshot(direction).is_worth_trying(), direction != cleared);
            }
        }
    }
}

// Goal: a short count says "nothing left" once all is read that the last event reported, and no
// sooner.
#[cfg(edgewake_selector = "kqueue")]
#[test]
fn a_short_count_is_held_against_the_report() {
    for (reported, is_drained) in [(8, false), (5, true), (0, true)] {
        let source = registered();
        source.raise(DATA, 0);
        // Relaxed: one thread.
        source.remembered.store(reported, Ordering::Relaxed);
        source.note_count(Read, source.snapshot(Read), 5, 10);
        assert_eq!(source.snapshot(Read).is_worth_trying(), !is_drained, "{reported}");
    }
}

// T14. Goal: waiters are woken by their own direction and condition: a reader not by room, a
// waiter for the close not by data.
#[test]
fn t14_waiters_are_woken_by_what_they_wait_for() {
    let source = registered();
    let [reader, writer, close] = [Count::new(), Count::new(), Count::new()];
    assert_eq!(source.park(Read, &reader.waker()), Wait::Pending);
    assert_eq!(source.park(Write, &writer.waker()), Wait::Pending);
    let mut key = None;
    assert_eq!(source.park_keyed(CLOSE, &close.waker(), &mut key), Wait::Pending);
    source.raise(0, DATA);
    assert_eq!([reader.wakes(), writer.wakes(), close.wakes()], [0, 1, 0]);
    source.raise(DATA, 0);
    assert_eq!([reader.wakes(), writer.wakes(), close.wakes()], [1, 1, 0]);
    source.raise(CLOSED, 0);
    assert_eq!([reader.wakes(), writer.wakes(), close.wakes()], [1, 1, 1]);
}

// T9. Goal: an error event makes both directions ready and wakes a waiter of each, once.
#[test]
fn t9_an_error_wakes_both_directions_once() {
    let source = registered();
    let [reader, writer] = [Count::new(), Count::new()];
    assert_eq!(source.park(Read, &reader.waker()), Wait::Pending);
    assert_eq!(source.park(Write, &writer.waker()), Wait::Pending);
    source.raise(ERROR, ERROR);
    assert_eq!([reader.wakes(), writer.wakes()], [1, 1]);
    assert_eq!(source.park(Read, &reader.waker()), Wait::Retry);
    assert_eq!(source.park(Write, &writer.waker()), Wait::Retry);
    clear(&source);
    assert_eq!(source.park(Read, &reader.waker()), Wait::Pending);
    assert_eq!(source.park(Write, &writer.waker()), Wait::Pending);
    assert_eq!([reader.wakes(), writer.wakes()], [1, 1]);
}

// T20. Goal: two tasks that poll the same direction are both woken by one event, however often
// each comes back before.
#[test]
fn t20_two_tasks_of_one_direction_are_both_woken() {
    let source = registered();
    let [first, second] = [Count::new(), Count::new()];
    for _ in 0..5 {
        assert_eq!(source.park(Read, &first.waker()), Wait::Pending);
        assert_eq!(source.park(Read, &second.waker()), Wait::Pending);
    }
    assert_eq!([first.wakes(), second.wakes()], [0, 0], "nobody is woken without an event");
    source.raise(DATA, 0);
    assert!(first.wakes() >= 1 && second.wakes() >= 1);
    let woken = [first.wakes(), second.wakes()];
    source.raise(DATA, 0);
    assert_eq!([first.wakes(), second.wakes()], woken, "and only once");
}

// T20. Goal: thirty-two futures wait for one event and are all woken by it, once each; those that
// come back wait again and wake nobody: there is no spin.
#[test]
fn t20_thirty_two_futures_wait_without_a_spin() {
    let source = registered();
    let mut futures: Vec<(Arc<Count>, Option<Key>)> =
        (0..32).map(|_| (Count::new(), None)).collect();
    for event in 1..=3 {
        for (count, key) in &mut futures {
            assert_eq!(source.park_future(Read, &count.waker(), key), Wait::Pending);
            assert_eq!(source.park_future(Read, &count.waker(), key), Wait::Pending);
        }
        assert!(futures.iter().all(|(count, _)| count.wakes() == event - 1));
        source.raise(DATA, 0);
        assert!(futures.iter().all(|(count, _)| count.wakes() == event));
        clear(&source);
    }
    for (_, key) in &mut futures {
        key.take().into_iter().for_each(|key| source.forget(key));
    }
    source.raise(DATA, 0);
    assert!(futures.iter().all(|(count, _)| count.wakes() == 3));
    assert!(futures.iter().skip(1).all(|(count, _)| Arc::strong_count(count) == 1));
}

// T20. Goal: a future in the slot and a `poll_*` caller that pushes it out are both woken, and the
// future need not notice.
#[test]
fn t20_a_displaced_future_is_woken_from_the_list() {
    let source = registered();
    let [future, task] = [Count::new(), Count::new()];
    let mut key = None;
    assert_eq!(source.park_future(Read, &future.waker(), &mut key), Wait::Pending);
    assert!(key.is_none(), "it is in the slot");
    assert_eq!(source.park(Read, &task.waker()), Wait::Pending);
    source.raise(DATA, 0);
    assert_eq!([future.wakes(), task.wakes()], [1, 1]);
}

/// Does everything to a source that a task could do when it is woken.
fn use_thoroughly(source: &Arc<Source>) {
    let count = Count::new();
    let mut key = None;
    for direction in [Read, Write] {
        let seen = source.snapshot(direction);
        source.clear_blocked(direction, seen);
        let _whatever = source.park(direction, &count.waker());
        let _whatever = source.park_future(direction, &count.waker(), &mut key);
    }
    let _whatever = source.park_keyed(CLOSE, &count.waker(), &mut key);
    source.raise(DATA, DATA);
    key.into_iter().for_each(|key| source.forget(key));
}

/// Where a waker waits.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Slot,
    List,
    Displaced,
}

// T21. Goal: a waker that uses the source it waits on when it is woken, cloned or dropped neither
// deadlocks nor loses a later event, wherever it waits.
#[test]
fn t21_a_waker_may_use_its_source_when_it_is_woken_cloned_or_dropped() {
    for when in [Call::Wake, Call::Clone, Call::Drop] {
        for place in [Place::Slot, Place::List, Place::Displaced] {
            let source = registered();
            let calls = Arc::new(AtomicUsize::new(0));
            let busy = AtomicBool::new(false);
            let (again, counted) = (Arc::clone(&source), Arc::clone(&calls));
            let waker = calling(move |call| {
                // Once at a time: its own use of the source may wake, clone or drop it again.
                if call == when && !busy.swap(true, Ordering::Relaxed) {
                    counted.fetch_add(1, Ordering::Relaxed);
                    use_thoroughly(&again);
                    busy.store(false, Ordering::Relaxed);
                }
            });
            let other = Count::new();
            let mut key = None;
            match place {
                Place::Slot => drop(source.park(Read, &waker)),
                Place::List => drop(source.park_keyed(READABLE, &waker, &mut key)),
                Place::Displaced => {
                    let _first = source.park(Read, &waker);
                    let _second = source.park(Read, &other.waker());
                }
            }
            source.raise(DATA, DATA);
            key.into_iter().for_each(|key| source.forget(key));
            drop(waker);
            source.detach(true);
            assert!(calls.load(Ordering::Relaxed) > 0, "{when:?} in {place:?} was called");

            // The source is as good as before, but for its end.
            assert!(source.snapshot(Read).is_shut());
            assert_eq!(source.park(Read, &other.waker()), Wait::Retry);
        }
    }
}

// T21. Goal: a waker that polls again from inside its own wake-up, while the slot is in use up the
// stack, is woken by the next event.
#[test]
fn t21_a_poll_from_inside_the_wake_up_is_not_lost() {
    let source = registered();
    let late = Count::new();
    let (again, waits) = (Arc::clone(&source), late.waker());
    let parked = Arc::new(Mutex::new(Vec::new()));
    let outcomes = Arc::clone(&parked);
    let waker = calling(move |call| {
        if call == Call::Wake {
            again.clear_blocked(Read, again.snapshot(Read));
            outcomes.lock().expect("no panic").push(again.park(Read, &waits));
        }
    });
    assert_eq!(source.park(Read, &waker), Wait::Pending);
    source.raise(DATA, 0);
    assert_eq!(*parked.lock().expect("no panic"), [Wait::Pending]);
    assert_eq!(late.wakes(), 0);
    source.raise(DATA, 0);
    assert_eq!(late.wakes(), 1);
    // The waker has the source, and the source has the waker.
    source.detach(true);
}

/// Panics when it is woken, and says nothing: the payload is not a message, the hook is skipped.
fn panicking() -> std::task::Waker {
    calling(|call| {
        if call == Call::Wake {
            std::panic::resume_unwind(Box::new("a waker's panic"));
        }
    })
}

// T22. Goal: a waker that panics stops none of the others of its source: those of the other
// direction, of the list, and its own direction's later ones.
#[test]
fn t22_a_panicking_waker_stops_nobody() {
    let source = registered();
    let counts: Vec<_> = (0..4).map(|_| Count::new()).collect();
    let mut keys = [None; 4];
    assert_eq!(source.park(Read, &panicking()), Wait::Pending);
    assert_eq!(source.park(Write, &counts[0].waker()), Wait::Pending);
    for (key, waker) in
        keys.iter_mut().zip([counts[1].waker(), panicking(), counts[2].waker(), counts[3].waker()])
    {
        assert_eq!(source.park_keyed(READABLE, &waker, key), Wait::Pending);
    }
    source.raise(DATA, DATA);
    assert!(counts.iter().all(|count| count.wakes() == 1), "{counts:?}");
    clear(&source);
    let late = Count::new();
    assert_eq!(source.park(Read, &late.waker()), Wait::Pending, "the slot is free");
    source.raise(DATA, 0);
    assert_eq!(late.wakes(), 1);
}

// T22. Goal: a clone that panics goes through to the poll that made it, and costs neither the
// present waiter its wake-up nor anybody the slot.
#[test]
fn t22_a_panicking_clone_costs_nobody_a_wake_up() {
    let source = registered();
    let present = Count::new();
    assert_eq!(source.park(Read, &present.waker()), Wait::Pending);
    let bad = calling(|call| {
        if call == Call::Clone {
            std::panic::resume_unwind(Box::new("a clone's panic"));
        }
    });
    let polled = catch_unwind(AssertUnwindSafe(|| source.park(Read, &bad)));
    assert!(polled.is_err(), "it goes through");
    assert_eq!(present.wakes(), 1, "woken for nothing, rather than never");
    assert_eq!(source.park(Read, &present.waker()), Wait::Pending);
    source.raise(DATA, 0);
    assert_eq!(present.wakes(), 2);
}

// T79. Goal: the end of the reactor wakes everybody and stays.
#[test]
fn t79_a_shut_source_wakes_everybody_and_stays_so() {
    let source = registered();
    let counts: Vec<_> = (0..4).map(|_| Count::new()).collect();
    let mut keys = [None; 2];
    assert_eq!(source.park(Read, &counts[0].waker()), Wait::Pending);
    assert_eq!(source.park(Write, &counts[1].waker()), Wait::Pending);
    assert_eq!(source.park_keyed(CLOSE, &counts[2].waker(), &mut keys[0]), Wait::Pending);
    assert_eq!(source.park_keyed(READABLE, &counts[3].waker(), &mut keys[1]), Wait::Pending);
    source.shut();
    assert!(counts.iter().all(|count| count.wakes() == 1), "{counts:?}");
    clear(&source);
    assert_eq!(source.park(Read, &counts[0].waker()), Wait::Retry);
    assert_eq!(source.park_future(Write, &counts[1].waker(), &mut None), Wait::Retry);
    assert_eq!(source.park_keyed(CLOSE, &counts[2].waker(), &mut None), Wait::Retry);
}

// T23. Goal: a source that is detached lets go of its wakers at once, although somebody (a batch, a
// clone of the reference) still holds it: a waker can keep a task alive, and the task the source.
#[test]
fn t23_a_detached_source_holds_no_waker() {
    let source = registered();
    let counts: Vec<_> = (0..3).map(|_| Count::new()).collect();
    assert_eq!(source.park(Read, &counts[0].waker()), Wait::Pending);
    assert_eq!(source.park(Write, &counts[1].waker()), Wait::Pending);
    assert_eq!(source.park_keyed(CLOSE, &counts[2].waker(), &mut None), Wait::Pending);
    source.detach(true);
    for count in &counts {
        assert_eq!((count.wakes(), Arc::strong_count(count)), (1, 1));
    }
    assert_eq!(Arc::strong_count(&source), 1);
}

// Goal: a source whose registration the selector has lost is woken, and its next wait registers
// it anew, with the same reactor, and is answered.
#[test]
fn a_lost_registration_is_made_again() {
    use std::os::fd::AsFd;

    use crate::reactor::{Dispatcher, Reactor};

    let reactor = Arc::new(Reactor::new().unwrap());
    let mut dispatcher = Dispatcher::new(Arc::clone(&reactor));
    let (end, other) = edgewake_sys::pipe::pipe().unwrap();
    let source = Arc::new(Source::new(Kind::Other, true, None));
    let interest = source.interest(Read);
    source.enroll(end.as_fd(), interest, Some(Arc::clone(&reactor))).unwrap();
    let reader = Count::new();
    assert_eq!(source.park(Read, &reader.waker()), Wait::Pending);

    reactor.selector().deregister(source.fd()).unwrap();
    source.disenroll(&reactor);
    assert_eq!(reader.wakes(), 1);
    clear(&source);
    assert_eq!(source.park(Read, &reader.waker()), Wait::Unregistered);
    source.enroll(end.as_fd(), interest, None).unwrap();
    drop(other);
    let mut events = edgewake_sys::Events::with_capacity(4);
    reactor.selector().select(&mut events, Some(std::time::Duration::from_secs(60))).unwrap();
    dispatcher.dispatch(&events, edgewake_sys::Token(u64::MAX));
    assert_eq!(reader.wakes(), 2, "the end of the pipe is told");
    source.detach(true);
}

// T88. Goal: a wait for the error queue ends by an error event after its attempt, and by no older
// one, though that is still remembered: else it would spin.
#[test]
fn t88_waiting_beyond_an_event_ignores_what_is_remembered() {
    let source = registered();
    source.raise(DATA | ERROR, ERROR);
    let seen = source.snapshot(Read);
    let (woken, mut key) = (Count::new(), None);
    assert_eq!(
        source.park_beyond(Read, seen, ERROR | SHUT, &woken.waker(), &mut key),
        Wait::Pending
    );
    source.raise(DATA, 0);
    assert_eq!(woken.wakes(), 0, "data is not what it waits for");
    source.raise(ERROR, ERROR);
    assert_eq!(woken.wakes(), 1);
}

// T88. Goal: the event that came between the attempt and the wait is not lost, even where another
// task's `WouldBlock` has cleared its bit.
#[test]
fn t88_waiting_beyond_an_event_sees_what_another_cleared() {
    let source = registered();
    let seen = source.snapshot(Read);
    source.raise(ERROR, ERROR);
    clear(&source);
    let (woken, mut key) = (Count::new(), None);
    assert_eq!(source.park_beyond(Read, seen, ERROR | SHUT, &woken.waker(), &mut key), Wait::Retry);
    let seen = source.snapshot(Read);
    assert_eq!(
        source.park_beyond(Read, seen, ERROR | SHUT, &woken.waker(), &mut key),
        Wait::Pending
    );
    source.raise(SHUT, SHUT);
    assert_eq!(woken.wakes(), 1);
    assert_eq!(source.park_beyond(Read, seen, ERROR | SHUT, &woken.waker(), &mut key), Wait::Retry);
}

// Goal: whoever waits at a source whose registration is lost is woken, whatever for: not only those
// who wait for data.
#[test]
fn a_lost_registration_wakes_everybody() {
    use std::os::fd::AsFd;

    use crate::reactor::Reactor;

    let reactor = Arc::new(Reactor::new().unwrap());
    let (end, _other) = edgewake_sys::pipe::pipe().unwrap();
    let source = Arc::new(Source::new(Kind::Other, true, None));
    let interest = source.interest(Read);
    source.enroll(end.as_fd(), interest, Some(Arc::clone(&reactor))).unwrap();
    let [close, errors] = [Count::new(), Count::new()];
    let (mut of_close, mut of_errors) = (None, None);
    assert_eq!(source.park_keyed(CLOSE, &close.waker(), &mut of_close), Wait::Pending);
    let seen = source.snapshot(Read);
    let waits = source.park_beyond(Read, seen, ERROR | SHUT, &errors.waker(), &mut of_errors);
    assert_eq!(waits, Wait::Pending);

    reactor.selector().deregister(source.fd()).unwrap();
    source.disenroll(&reactor);
    assert_eq!([close.wakes(), errors.wakes()], [1, 1]);
    assert!(!source.is_enrolled(interest));
    assert_eq!(source.park_keyed(CLOSE, &close.waker(), &mut of_close), Wait::Unregistered);
    source.detach(true);
}

// Goal: whoever is put into the list too late to be seen is woken there and then: by an event for
// what it tells, by a look for data. Others in the list are left alone.
#[test]
fn who_comes_to_the_list_too_late_is_woken() {
    for (met, wakes) in [
        (0, [0, 0, 0]),
        (DATA, [1, 1, 0]),
        (ASSUMED, [1, 1, 0]),
        (DATA | ASSUMED, [1, 1, 0]),
        (ERROR, [1, 0, 0]),
    ] {
        let source = registered();
        let [late, data, close] = [Count::new(), Count::new(), Count::new()];
        let (mut of_data, mut of_close) = (None, None);
        let only_data = Wanted::one(Read, DATA);
        assert_eq!(source.park_keyed(only_data, &data.waker(), &mut of_data), Wait::Pending);
        assert_eq!(source.park_keyed(CLOSE, &close.waker(), &mut of_close), Wait::Pending);
        // As if it had come between the look at the slot and the list.
        let _come = source.side(Read).set(met);
        let wait = source.list_displaced(Read, late.waker());
        assert_eq!(wait, if met == 0 { Wait::Pending } else { Wait::Retry }, "{met:b}");
        assert_eq!([late.wakes(), data.wakes(), close.wakes()], wakes, "{met:b}");
    }
}

// Goal: a task that waits where it has waited before does so in the short way.
#[test]
fn who_waits_again_is_known() {
    let source = registered();
    let woken = Count::new();
    let waker = woken.waker();
    for direction in [Read, Write] {
        assert!(!source.park_again(direction, source.snapshot(direction), &waker));
        assert_eq!(source.park(direction, &waker), Wait::Pending);
        source.raise(DATA, DATA);
        clear(&source);
        assert!(source.park_again(direction, source.snapshot(direction), &waker));
        source.raise(DATA, DATA);
        clear(&source);
    }
    assert_eq!(woken.wakes(), 4);
}

// Goal: once nobody waits in the list any more, events need not look into it.
#[test]
fn an_empty_list_is_not_looked_into() {
    let source = registered();
    let (woken, mut key) = (Count::new(), None);
    assert_eq!(source.park_keyed(READABLE, &woken.waker(), &mut key), Wait::Pending);
    assert_ne!(source.snapshot(Read).word() & LISTED, 0);
    source.forget(key.expect("it waits"));
    assert_eq!(source.snapshot(Read).word() & LISTED, 0);
    assert_eq!(woken.wakes(), 0);
}

// T36. Goal: the event by which some kernels tell a pipe's writer that its reader has gone, which
// is one of reading, wakes who waits to write, and shows as the end of writing. Method: a real
// event of the writing end, registered for reading alone.
#[cfg(any(edgewake_selector = "epoll", edgewake_has = "pipe_end_by_read"))]
#[test]
fn t36_the_end_of_reading_ends_a_pipes_writer() {
    use std::{os::fd::AsFd, time::Duration};

    use edgewake_sys::{Events, Interest, Selector, Token, pipe};

    let (reader, writer) = pipe::pipe().unwrap();
    let selector = Selector::new().unwrap();
    selector.register(writer.as_fd(), Token(1), Interest::READABLE).unwrap();
    drop(reader);
    let mut events = Events::with_capacity(4);
    selector.select(&mut events, Some(Duration::from_secs(60))).unwrap();
    let event = events.iter().next().expect("the reader has gone");
    let source = Arc::new(Source::new(Kind::PipeWriter, false, None));
    source.assume_registered();
    let woken = Count::new();
    assert_eq!(source.park(Write, &woken.waker()), Wait::Pending);
    source.set_readiness(&event);
    assert_eq!(woken.wakes(), 1);
    let end = if cfg!(edgewake_selector = "kqueue") { CLOSED } else { ERROR };
    assert_ne!(source.snapshot(Write).word() & end, 0);
    source.clear_blocked(Write, source.snapshot(Write));
    assert!(!source.snapshot(Write).is_worth_trying());
}

// Goal: looks are counted down, by waits that are postponed and by `WouldBlock`, so that no loop
// goes round for a source for ever; then a wait has to register. Writing gets none.
#[test]
fn looks_come_to_an_end() {
    let reactor = Reactor::new().unwrap();
    let accepted = || Arc::new(Source::new(Kind::Stream, true, None).with_looks());
    let drained = accepted();
    let looks = (0..100).take_while(|_| drained.postpone(Read, &reactor)).count();
    assert_eq!(looks, 3);
    let blocked = accepted();
    let mut looks = 0;
    loop {
        blocked.clear_blocked(Read, blocked.snapshot(Read));
        assert!(!blocked.snapshot(Read).is_worth_trying());
        if !blocked.postpone(Read, &reactor) {
            break;
        }
        looks += 1;
        blocked.look();
        assert!(blocked.snapshot(Read).is_worth_trying());
    }
    assert_eq!(looks, 1, "the second block in a row registers");
    assert!(!blocked.snapshot(Read).has_looks());
    assert!(!accepted().postpone(Write, &reactor));
    assert!(!Arc::new(Source::new(Kind::Stream, true, None)).postpone(Read, &reactor));
}

// T36. Goal: waiting for a pipe's room asks for that event, where the kernel may tell by no other.
#[test]
fn t36_a_pipes_writer_is_registered_for_both() {
    use edgewake_sys::Interest;

    let both = Interest::READABLE | Interest::WRITABLE;
    let asked = if cfg!(edgewake_has = "pipe_end_by_read") { both } else { Interest::WRITABLE };
    assert_eq!(Kind::PipeWriter.interest(Write), asked);
    assert_eq!(Kind::PipeWriter.widened(Interest::WRITABLE), asked);
    assert_eq!(Kind::PipeReader.interest(Read), Interest::READABLE);
    assert_eq!(Kind::Other.widened(Interest::WRITABLE), Interest::WRITABLE);
}

// T1. Goal: whoever waits for a part of a stream's reading direction registers the whole of it,
// on which the rule for short counts rests; others get what they asked for.
#[test]
fn t1_a_streams_reading_is_registered_whole() {
    use edgewake_sys::Interest;

    let whole = Kind::Stream.interest(Read);
    for asked in [Interest::READABLE, Interest::PRIORITY] {
        assert_eq!(Kind::Stream.widened(asked), whole | asked);
        assert_eq!(Kind::Other.widened(asked), asked);
        // Not the writer's: what it is asked to read, it reads.
        assert!(!Kind::PipeWriter.widened(asked).is_writable());
    }
    let reads_and_writes = Interest::READABLE | Interest::WRITABLE;
    assert_eq!(Kind::Stream.widened(reads_and_writes), whole | Interest::WRITABLE);
    assert_eq!(Kind::Stream.widened(Interest::WRITABLE), Interest::WRITABLE);
    assert_eq!(Kind::Other.widened(reads_and_writes), reads_and_writes);
}
