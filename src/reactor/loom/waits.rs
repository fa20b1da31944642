//! Models of the slot of a side: events against the waits of `poll_*` callers.

use std::{sync::Arc, task::Waker};

use ::loom::thread;

use super::Fd;
use crate::{
    reactor::{
        readiness::bits::{ASSUMED, DATA, ERROR, REGISTERED},
        side::{Claim, Direction, Parked, Side},
        source::Wait,
    },
    sync::model::{Bell, bounded, model},
};

// T17, T18. Goal: an event at any point of a wait is seen or wakes.
#[test]
fn an_event_races_with_a_wait() {
    model(|| {
        let fd = Fd::new();
        let kernel = Arc::clone(&fd);
        let arriving = thread::spawn(move || kernel.arrive(1));
        assert!(fd.read_as_task(&Bell::new()));
        arriving.join().expect("no panic");
    });
}

// T17. Goal: the second of two events is not cleared with the first, nor lost while the first one
// still wakes.
#[test]
fn two_events_race_with_two_waits() {
    bounded(4, || {
        let fd = Fd::new();
        let kernel = Arc::clone(&fd);
        let arriving = thread::spawn(move || {
            kernel.arrive(1);
            kernel.arrive(1);
        });
        let bell = Bell::new();
        assert!(fd.read_as_task(&bell));
        assert!(fd.read_as_task(&bell));
        arriving.join().expect("no panic");
    });
}

// Goal: events from two threads (a batch, and the end of a source) race with a wait.
#[test]
fn two_raising_threads_race_with_a_wait() {
    bounded(2, || {
        let fd = Fd::new();
        let arriving = [Arc::clone(&fd), Arc::clone(&fd)]
            .map(|kernel| thread::spawn(move || kernel.arrive(1)));
        let bell = Bell::new();
        assert!(fd.read_as_task(&bell));
        assert!(fd.read_as_task(&bell));
        for arriving in arriving {
            arriving.join().expect("no panic");
        }
    });
}

// T20. Goal: of two tasks that poll the same direction both get their unit, from one event.
#[test]
fn t20_two_tasks_wait_in_one_direction_for_one_event() {
    bounded(2, || {
        let fd = Fd::new();
        let reading = [Arc::clone(&fd), Arc::clone(&fd)]
            .map(|fd| thread::spawn(move || assert!(fd.read_as_task(&Bell::new()))));
        fd.arrive(2);
        for reading in reading {
            reading.join().expect("no panic");
        }
    });
}

// T20. Goal: the same where the units come with an event each.
#[test]
fn t20_two_tasks_wait_in_one_direction_for_two_events() {
    bounded(2, || {
        let fd = Fd::new();
        let reading = [Arc::clone(&fd), Arc::clone(&fd)]
            .map(|fd| thread::spawn(move || assert!(fd.read_as_task(&Bell::new()))));
        fd.arrive(1);
        fd.arrive(1);
        for reading in reading {
            reading.join().expect("no panic");
        }
    });
}

// T20. Goal: a task that waits again, in the short way, and one that is new there: both are told,
// and the slot is never touched by both.
#[test]
fn t20_a_task_that_waits_again_meets_a_new_one() {
    bounded(3, || {
        let fd = Fd::new();
        let known = Bell::new();
        assert!(fd.poll_read(&known.waker()).is_none());
        let again = {
            let fd = Arc::clone(&fd);
            thread::spawn(move || assert!(fd.read_as_task(&known)))
        };
        let new = Bell::new();
        let waits = fd.poll_read(&new.waker()).is_none();
        fd.arrive(2);
        if waits {
            assert!(fd.read_as_task(&new));
        }
        again.join().expect("no panic");
    });
}

// Goal: a task that moves to another waker between two polls is woken through the new one, also
// when the event is waking the old one at that moment.
#[test]
fn a_replaced_waker_is_not_the_one_that_counts() {
    model(|| {
        let fd = Fd::new();
        let kernel = Arc::clone(&fd);
        let arriving = thread::spawn(move || kernel.arrive(1));
        let first = Bell::new();
        if fd.poll_read(&first.waker()).is_none() {
            assert!(fd.read_as_task(&Bell::new()));
        }
        arriving.join().expect("no panic");
    });
}

// Goal: a second waiter of the same task (the same waker) leaves no wake-up behind.
#[test]
fn the_same_waker_parks_again_while_an_event_comes() {
    model(|| {
        let fd = Fd::new();
        let kernel = Arc::clone(&fd);
        let arriving = thread::spawn(move || kernel.arrive(1));
        let bell = Bell::new();
        if fd.poll_read(&bell.waker()).is_none() {
            assert!(fd.read_as_task(&bell));
        }
        arriving.join().expect("no panic");
    });
}

// Goal: an error event makes both directions ready once, and wakes a waiter of each.
#[test]
fn an_error_wakes_both_directions() {
    model(|| {
        let fd = Fd::new();
        let waiting = [Direction::Read, Direction::Write].map(|direction| {
            let fd = Arc::clone(&fd);
            thread::spawn(move || {
                let bell = Bell::new();
                while fd.source.park(direction, &bell.waker()) != Wait::Retry {
                    bell.wait();
                }
                assert_ne!(fd.source.snapshot(direction).word() & ERROR, 0);
            })
        });
        fd.source.raise(ERROR, ERROR);
        for waiting in waiting {
            waiting.join().expect("no panic");
        }
    });
}

// T17. Goal: a clear takes nothing away that came after its snapshot. Method: without waiters, so
// that every order of the two is there; the kernel's order is snapshot, `WouldBlock`, event.
#[test]
fn t17_a_clear_never_takes_a_later_event() {
    model(|| {
        let fd = Fd::new();
        fd.source.raise(DATA, 0);
        let seen = fd.source.snapshot(Direction::Read);
        let blocked = !fd.read();
        assert!(blocked);
        let kernel = Arc::clone(&fd);
        let arriving = thread::spawn(move || kernel.arrive(1));
        fd.source.clear_blocked(Direction::Read, seen);
        arriving.join().expect("no panic");
        assert!(fd.source.snapshot(Direction::Read).is_worth_trying());
    });
}

/// Parks on a bare side until it is ready, and then wakes whom it displaced, which is otherwise the
/// wait list's business. Who finds the slot taken would go to the list too, and gives up here.
fn wait_on_side(side: &Side, claim: Claim) {
    let bell = Bell::new();
    let mut displaced = Vec::new();
    loop {
        match side.park(&bell.waker(), claim) {
            Parked::Ready(_) | Parked::Occupied => break,
            Parked::Waiting(_) => bell.wait(),
            Parked::Displaced(_, old) => {
                displaced.push(old);
                bell.wait();
            }
        }
    }
    displaced.into_iter().for_each(Waker::wake);
}

/// An event that stays, as `Source::raise` gives it to a side without a list.
fn raise_on_side(side: &Side) {
    if side.raise(DATA).owes_slot() {
        side.wake_slot();
    }
}

// T20. Goal: the slot itself, woken and changed by one thread at a time whatever they claim (loom
// checks that), and whoever waits there is told.
#[test]
fn t20_the_slot_has_one_holder_at_a_time() {
    for claims in [
        [Claim::Newest, Claim::Newest],
        [Claim::Newest, Claim::Present],
        [Claim::Present, Claim::Present],
    ] {
        bounded(3, move || {
            let side = Arc::new(Side::new(0));
            let waiting = claims.map(|claim| {
                let side = Arc::clone(&side);
                thread::spawn(move || wait_on_side(&side, claim))
            });
            raise_on_side(&side);
            for waiting in waiting {
                waiting.join().expect("no panic");
            }
        });
    }
}

// Goal: a task that waits again, by comparing without the right to the slot, is told of the next
// event, or is handed on by the one who displaced it. Method: beside it another one puts its own
// waker into the slot and finds something ready by then, so that in the end every bit is as before.
#[test]
fn waiting_again_races_with_a_stranger_who_leaves_no_trace() {
    model(|| {
        let side = Arc::new(Side::new(REGISTERED));
        let bell = Bell::new();
        assert!(matches!(side.park(&bell.waker(), Claim::Newest), Parked::Waiting(_)));
        raise_on_side(&side);
        side.clear_blocked(side.snapshot());
        assert_eq!(bell.rings(), 1);
        let stranger = {
            let side = Arc::clone(&side);
            thread::spawn(move || match side.park(&Bell::new().waker(), Claim::Newest) {
                Parked::Displaced(_, old) => old.wake(),
                Parked::Ready(seen) => side.clear_blocked(seen),
                Parked::Waiting(_) | Parked::Occupied => {}
            })
        };
        let assuming = {
            let side = Arc::clone(&side);
            thread::spawn(move || {
                let _seen_by_the_stranger = side.set(ASSUMED);
            })
        };
        let waits = side.park_again(side.snapshot(), &bell.waker());
        stranger.join().expect("no panic");
        assuming.join().expect("no panic");
        raise_on_side(&side);
        assert_eq!(bell.rings() > 1, waits);
    });
}

// T23. Goal: emptying the slot at the end races with a wait, and one of them leaves it empty or
// sees the end.
#[test]
fn t23_the_slot_is_emptied_while_somebody_parks() {
    model(|| {
        let side = Arc::new(Side::new(0));
        let bell = Bell::new();
        let parking = {
            let (side, bell) = (Arc::clone(&side), Arc::clone(&bell));
            thread::spawn(move || {
                matches!(side.park(&bell.waker(), Claim::Newest), Parked::Ready(_))
            })
        };
        raise_on_side(&side);
        let taken = side.take_waker();
        let told = parking.join().expect("no panic") || bell.rings() > 0;
        assert!(told);
        drop(taken);
        assert!(bell.wakers(1) <= 1, "the slot may keep the last one until the side drops");
        drop(side);
        assert_eq!(bell.wakers(1), 0);
    });
}
