//! One side, one thread: what events set, what clears it, and who is woken.

use std::task::Waker;

use super::{Claim, Parked, Side};
use crate::{
    reactor::{
        readiness::bits::{
            ASSUMED, CLOSED, DATA, DRAINS, ERROR, GENERATION, LISTED, LOCKED, LOOK, PRIORITY,
            REGISTERED, SHUT, WAITER,
        },
        wakers::{Call, Count, calling},
    },
    sync::Arc,
};

/// An event, with the wake-up that it owes.
fn raise(side: &Side, bits: u64) {
    if side.raise(bits).owes_slot() {
        side.wake_slot();
    }
}

fn holds(side: &Side, bits: u64) -> bool {
    side.snapshot().word() & bits == bits
}

/// Parks, and expects that nothing is ready and nobody was there.
#[track_caller]
fn wait(side: &Side, waker: &Waker, claim: Claim) {
    let parked = side.park(waker, claim);
    assert!(matches!(parked, Parked::Waiting(_)), "{parked:?}");
}

// Goal: bits that are set again stay set, and the answer has them.
#[test]
fn bits_are_set_twice() {
    let side = Side::new(DRAINS);
    for bits in [SHUT, SHUT, SHUT | REGISTERED] {
        assert_eq!(side.set(bits).word() & bits, bits);
        assert!(holds(&side, bits | DRAINS));
    }
}

// T17. Goal: an event between the snapshot and the clear is never taken away, whatever their
// number is a power of (a generation of 8, 15 or 16 bits would wrap).
#[test]
fn t17_no_number_of_events_between_snapshot_and_clear_is_taken_for_none() {
    for events in [1, 1 << 8, 1 << 15, 1 << 16, (1 << 16) + 1, 1 << 20] {
        let side = Side::new(DRAINS);
        raise(&side, DATA);
        let seen = side.snapshot();
        for _ in 0..events {
            raise(&side, DATA);
        }
        side.clear_blocked(seen);
        assert!(holds(&side, DATA), "{events} events");
        side.clear_drained(seen);
        assert!(holds(&side, DATA), "{events} events");
        side.clear_blocked(side.snapshot());
        assert!(!holds(&side, DATA));
    }
}

// T17. Goal: what is no event (a registration, a waiter, a list) does not keep a clear from
// happening.
#[test]
fn t17_changes_that_are_no_events_do_not_stop_a_clear() {
    let side = Side::new(0);
    raise(&side, DATA);
    let seen = side.snapshot();
    let _registered = side.set(REGISTERED | LISTED);
    side.clear_blocked(seen);
    assert!(!holds(&side, DATA));
    assert!(holds(&side, REGISTERED | LISTED));
}

// T2. Goal: a short count takes DATA and what was assumed, and leaves the end and the error, which
// get no second edge.
#[test]
fn t2_a_short_count_leaves_the_end_and_the_error() {
    let side = Side::new(DRAINS | ASSUMED);
    raise(&side, DATA | CLOSED | ERROR | PRIORITY);
    side.clear_drained(side.snapshot());
    assert!(!holds(&side, DATA) && !holds(&side, ASSUMED));
    assert!(holds(&side, CLOSED | ERROR | PRIORITY | DRAINS));
    assert!(side.snapshot().is_worth_trying());
}

// T1, T89. Goal: where the drain rule does not hold, or stopped holding since the snapshot, a short
// count takes nothing.
#[test]
fn t1_a_short_count_takes_nothing_without_the_drain_rule() {
    let side = Side::new(ASSUMED);
    raise(&side, DATA);
    side.clear_drained(side.snapshot());
    assert!(holds(&side, DATA | ASSUMED));

    // An out-of-band receive between a read and its conclusion ends the rule without an event.
    for ended in [false, true] {
        let side = Side::new(DRAINS | REGISTERED);
        raise(&side, DATA);
        let seen = side.snapshot();
        if ended {
            side.unset(DRAINS);
        }
        side.clear_drained(seen);
        assert_eq!(holds(&side, DATA), ended);
    }
}

// T88. Goal: `WouldBlock` takes every bit that would have the operation tried again: data, end,
// error, assumption. Not the reactor's end, which no operation undoes.
#[test]
fn t88_would_block_takes_end_and_error_too() {
    let side = Side::new(ASSUMED);
    raise(&side, DATA | CLOSED | ERROR);
    side.clear_blocked(side.snapshot());
    assert!(!side.snapshot().is_worth_trying());
    assert_eq!(side.snapshot().word() & (DATA | CLOSED | ERROR | ASSUMED), 0);

    raise(&side, SHUT);
    side.clear_blocked(side.snapshot());
    assert!(side.snapshot().is_shut() && side.snapshot().is_worth_trying());
}

// T14. Goal: urgent data is neither readiness to read nor cleared with it, and the other way
// round.
#[test]
fn t14_urgent_data_and_data_are_cleared_apart() {
    let side = Side::new(0);
    raise(&side, PRIORITY);
    assert!(!side.snapshot().is_worth_trying());
    raise(&side, DATA);
    side.clear_blocked(side.snapshot());
    assert!(holds(&side, PRIORITY) && !holds(&side, DATA));
    raise(&side, DATA);
    side.clear_priority(side.snapshot());
    assert!(!holds(&side, PRIORITY) && holds(&side, DATA));
    let seen = side.snapshot();
    raise(&side, PRIORITY);
    side.clear_priority(seen);
    assert!(holds(&side, PRIORITY), "an event in between");
}

// Goal: a waiter is woken once by an event, not by the next one, and its waker stays for the next
// wait, which clones nothing.
#[test]
fn a_waiter_is_woken_once_and_its_waker_stays() {
    let side = Side::new(REGISTERED);
    let count = Count::new();
    let waker = count.waker();
    assert!(!side.park_again(side.snapshot(), &waker), "it is not there yet");
    wait(&side, &waker, Claim::Newest);
    assert_eq!(Arc::strong_count(&count), 3);
    for round in 1..=3 {
        raise(&side, DATA);
        raise(&side, DATA);
        assert_eq!(count.wakes(), round);
        assert!(!side.park_again(side.snapshot(), &waker), "it is ready");
        side.clear_blocked(side.snapshot());
        assert!(side.park_again(side.snapshot(), &waker));
        assert!(side.park_again(side.snapshot(), &waker), "again, without an event");
    }
    assert_eq!(Arc::strong_count(&count), 3);
    drop(side);
    assert_eq!(Arc::strong_count(&count), 2);
}

// T20. Goal: who waits is not lost when another one comes: the newcomer of a `poll_*` function
// gets the old waker to put elsewhere, a future is sent elsewhere itself.
#[test]
fn t20_a_newcomer_displaces_or_goes_elsewhere() {
    let side = Side::new(REGISTERED);
    let [first, second, third] = [Count::new(), Count::new(), Count::new()];
    wait(&side, &first.waker(), Claim::Newest);
    assert!(!side.park_again(side.snapshot(), &second.waker()), "another one waits there");
    match side.park(&second.waker(), Claim::Newest) {
        Parked::Displaced(_, old) => assert!(old.will_wake(&first.waker())),
        other => panic!("{other:?}"),
    }
    assert!(matches!(side.park(&third.waker(), Claim::Present), Parked::Occupied));
    raise(&side, DATA);
    assert_eq!([first.wakes(), second.wakes(), third.wakes()], [0, 1, 0]);
    // Woken, it waits no more: the slot is there for anyone.
    side.clear_blocked(side.snapshot());
    wait(&side, &third.waker(), Claim::Present);
    raise(&side, DATA);
    assert_eq!([first.wakes(), second.wakes(), third.wakes()], [0, 1, 1]);
}

// Goal: an attempt to wait in the short way that finds a stranger leaves the stranger waiting.
#[test]
fn park_again_disturbs_nobody() {
    let side = Side::new(REGISTERED);
    let (count, other) = (Count::new(), Count::new());
    wait(&side, &count.waker(), Claim::Newest);
    assert!(!side.park_again(side.snapshot(), &other.waker()));
    raise(&side, DATA);
    assert_eq!((count.wakes(), other.wakes()), (1, 0));
    side.clear_blocked(side.snapshot());
    assert!(
        !side.park_again(side.snapshot(), &other.waker()),
        "nobody waits, and the slot holds another waker"
    );
    raise(&side, DATA);
    assert_eq!((count.wakes(), other.wakes()), (1, 0), "nobody waited");
}

// Goal: a direction that is not registered is never waited for in the short way, which would skip
// the registration.
#[test]
fn park_again_is_for_registered_directions() {
    let side = Side::new(0);
    let count = Count::new();
    wait(&side, &count.waker(), Claim::Newest);
    assert!(!side.park_again(side.snapshot(), &count.waker()));
    let _registered = side.set(REGISTERED);
    assert!(side.park_again(side.snapshot(), &count.waker()));
}

// T23. Goal: the end of a source empties the slot.
#[test]
fn t23_the_slot_is_emptied() {
    let side = Side::new(0);
    let count = Count::new();
    wait(&side, &count.waker(), Claim::Newest);
    raise(&side, SHUT);
    assert!(side.take_waker().is_some_and(|waker| waker.will_wake(&count.waker())));
    assert_eq!(side.snapshot().word() % GENERATION, SHUT, "free, and nobody waits");
    assert!(side.take_waker().is_none());
    assert_eq!(Arc::strong_count(&count), 1);
    assert!(matches!(side.park(&count.waker(), Claim::Newest), Parked::Ready(_)));
}

// T22. Goal: who waited is woken by the newcomer whose arrival met an event that could not wake,
// and who did not wait any more is left alone. Method: the newcomer's waker raises the event when
// it is cloned, while the slot is taken.
#[test]
fn t22_an_event_during_a_displacement_wakes_who_waited() {
    let side = Arc::new(Side::new(REGISTERED));
    let newcomer = Count::new();
    let raiser = || {
        let (side, newcomer) = (Arc::downgrade(&side), newcomer.waker());
        calling(move |call| match call {
            Call::Clone => raise(&side.upgrade().expect("the test has it"), DATA),
            Call::Wake => newcomer.wake_by_ref(),
            Call::Drop => {}
        })
    };
    let first = Count::new();
    wait(&side, &first.waker(), Claim::Newest);
    assert!(matches!(side.park(&raiser(), Claim::Newest), Parked::Ready(_)));
    assert_eq!(first.wakes(), 1);
    side.clear_blocked(side.snapshot());
    wait(&side, &first.waker(), Claim::Newest);
    raise(&side, DATA);
    assert_eq!(first.wakes(), 2);
    side.clear_blocked(side.snapshot());
    assert!(matches!(side.park(&raiser(), Claim::Newest), Parked::Ready(_)));
    assert_eq!((first.wakes(), newcomer.wakes()), (2, 0), "nobody waited");
}

// Goal: the usual event, for one who waits in the slot with nobody in the list, is one step; where
// it is not the usual one, nothing has changed.
#[test]
fn the_usual_event_is_one_step() {
    let side = Side::new(REGISTERED);
    let count = Count::new();
    assert!(!side.raise_waiter(DATA), "nobody waits");
    assert_eq!(side.snapshot().word(), REGISTERED);
    wait(&side, &count.waker(), Claim::Newest);
    let waiting = side.snapshot().word();
    let listed = side.set(LISTED).word();
    assert!(!side.raise_waiter(DATA), "somebody is in the list");
    assert_eq!(side.snapshot().word(), listed);
    side.unset(LISTED);
    assert!(side.raise_waiter(DATA | CLOSED));
    let raised = waiting - WAITER + LOCKED + DATA + CLOSED + GENERATION;
    assert_eq!(side.snapshot().word(), raised);
    side.wake_slot();
    assert_eq!((side.snapshot().word(), count.wakes()), (raised - LOCKED, 1));
}

// Goal: an event owes the slot and the list what the word says, and nothing else.
#[test]
fn an_event_owes_what_the_word_says() {
    let side = Side::new(REGISTERED);
    let raised = side.raise(DATA);
    assert!(!raised.owes_slot() && !raised.owes_list());
    let _listed = side.set(LISTED);
    let raised = side.raise(DATA);
    assert!(!raised.owes_slot() && raised.owes_list());
    side.unset(LISTED);
    side.clear_blocked(side.snapshot());
    wait(&side, &Count::new().waker(), Claim::Newest);
    let raised = side.raise(DATA);
    assert!(raised.owes_slot() && !raised.owes_list());
    side.wake_slot();
}

// Goal: what a snapshot says is told by its own bits: every word of those that decide, with others
// beside them.
#[test]
fn snapshots_are_asked_about_their_own_bits() {
    const DECIDING: [u64; 7] = [DATA, CLOSED, ERROR, REGISTERED, ASSUMED, SHUT, LOCKED];
    for chosen in 0..1_u64 << DECIDING.len() {
        let bits = DECIDING.iter().enumerate().filter(|(index, _)| chosen >> index & 1 == 1);
        let word: u64 = bits.map(|(_, bit)| bit).sum();
        for beside in [0, DRAINS | PRIORITY | (3 * GENERATION), WAITER | LISTED | GENERATION] {
            let seen = Side::new(word | beside).snapshot();
            let has = |bits| word & bits != 0;
            let event = has(DATA) || has(CLOSED) || has(ERROR);
            let undecided = has(ASSUMED) || has(SHUT) || has(LOCKED);
            assert_eq!(seen.is_due(), has(REGISTERED) && event && !undecided, "{word:b}");
            assert_eq!(seen.is_worth_trying(), event || has(ASSUMED) || has(SHUT), "{word:b}");
            assert_eq!(seen.is_registered(), has(REGISTERED), "{word:b}");
            assert_eq!(seen.is_shut(), has(SHUT), "{word:b}");
            assert_eq!(seen.is_closed(), has(CLOSED), "{word:b}");
            assert!(!seen.has_looks());
        }
    }
    assert!(Side::new(LOOK).snapshot().has_looks());
}
