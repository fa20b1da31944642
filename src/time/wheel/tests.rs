//! The wheel at its edges: bucket borders, both ends of time, stale keys, removals by position.

use std::num::NonZeroU32;

use super::{Key, LEVELS, Place, SLOT_BITS, SLOTS, TICK_BITS, Wheel};

const TICK: u64 = 1 << TICK_BITS;
const YEAR: u64 = 31_557_600_000_000_000;

impl<T> Wheel<T> {
    /// Panics where the wheel is not as its header says it is kept.
    pub(super) fn check(&self) {
        let mut found = 0;
        for level in 0..LEVELS {
            for slot in 0..SLOTS {
                let place = Place { level, slot };
                let Some(heap) = self.buckets.get(place.bucket()) else { continue };
                let bit = self.occupied[level] & (1 << slot) != 0;
                assert_eq!(bit, !heap.is_empty(), "bitmap of {place:?}");
                for index in heap.check(&self.timers) {
                    let deadline = self.timers.node(index).deadline;
                    assert_eq!(Place::of(deadline, self.now), place, "place of {deadline}");
                    found += 1;
                }
            }
        }
        assert_eq!(found, self.len(), "timers in buckets and timers counted");
    }
}

fn fire<T>(wheel: &mut Wheel<T>, now: u64) -> Vec<T> {
    let mut fired = Vec::new();
    wheel.advance(now, &mut fired);
    wheel.check();
    fired
}

fn assert_miss<T>(wheel: &mut Wheel<T>, key: Key) {
    let len = wheel.len();
    assert!(wheel.get_mut(key).is_none());
    assert!(wheel.remove(key).is_none());
    assert_eq!(wheel.len(), len);
}

#[test]
fn an_empty_wheel_keeps_time_and_no_memory() {
    let mut wheel = Wheel::<u32>::new(7);
    assert!(wheel.is_empty());
    assert_eq!((wheel.len(), wheel.now(), wheel.next_deadline()), (0, 7, None));
    assert_eq!(fire(&mut wheel, 9 * YEAR), []);
    assert_eq!(wheel.now(), 9 * YEAR);
    assert_eq!((wheel.buckets.capacity(), wheel.timers.cells()), (0, 0));
}

// T74: a timer exactly at `now` is due.
#[test]
fn t74_a_timer_fires_at_its_nanosecond_and_not_one_before() {
    let distances = [1, 2, 999, TICK - 1, TICK, TICK + 1, 64 * TICK, 3 * YEAR, 500 * YEAR];
    for start in [0, 1, TICK - 1, TICK, 12_345_678_901] {
        for distance in distances {
            let deadline = start + distance;
            let mut wheel = Wheel::new(start);
            let key = wheel.insert(deadline, 'a');
            assert_eq!(wheel.next_deadline(), Some(deadline));
            assert_eq!(fire(&mut wheel, deadline - 1), [], "{start} + {distance}");
            assert_eq!(wheel.get_mut(key), Some(&mut 'a'));
            assert_eq!(wheel.next_deadline(), Some(deadline));
            assert_eq!(fire(&mut wheel, deadline), ['a'], "{start} + {distance}");
            assert_eq!(wheel.get_mut(key), None);
            assert_eq!(wheel.next_deadline(), None);
        }
    }
}

#[test]
fn a_deadline_that_has_passed_fires_at_the_next_advance_even_if_time_stands() {
    let mut wheel = Wheel::new(5 * TICK);
    for deadline in [5 * TICK, 5 * TICK - 1, TICK, 0] {
        wheel.insert(deadline, deadline);
    }
    wheel.insert(5 * TICK + 1, 1);
    wheel.check();
    assert_eq!(wheel.next_deadline(), Some(0));
    assert_eq!(fire(&mut wheel, 5 * TICK), [0, TICK, 5 * TICK - 1, 5 * TICK]);
    assert_eq!(wheel.next_deadline(), Some(5 * TICK + 1));
}

#[test]
fn time_does_not_go_backwards() {
    let mut wheel = Wheel::new(10 * TICK);
    wheel.insert(9 * TICK, "passed");
    wheel.insert(11 * TICK, "later");
    assert_eq!(fire(&mut wheel, 3), ["passed"]);
    assert_eq!(wheel.now(), 10 * TICK);
    assert_eq!(wheel.next_deadline(), Some(11 * TICK));
    assert_eq!(fire(&mut wheel, 11 * TICK), ["later"]);
}

// T73: no deadline is a sentinel.
#[test]
fn t73_both_ends_of_time_are_deadlines_like_any_other() {
    let mut wheel = Wheel::new(0);
    let last = wheel.insert(u64::MAX, "last");
    wheel.insert(u64::MAX - 1, "last but one");
    wheel.insert(0, "first");
    assert_eq!(wheel.next_deadline(), Some(0));
    assert_eq!(fire(&mut wheel, 0), ["first"]);
    assert_eq!(wheel.next_deadline(), Some(u64::MAX - 1));
    assert_eq!(fire(&mut wheel, u64::MAX - 2), [""; 0]);
    assert_eq!(fire(&mut wheel, u64::MAX - 1), ["last but one"]);
    assert_eq!(wheel.next_deadline(), Some(u64::MAX));
    assert_eq!(wheel.get_mut(last), Some(&mut "last"));
    assert_eq!(fire(&mut wheel, u64::MAX), ["last"]);
    // Time is at its end and timers still work.
    wheel.insert(u64::MAX, "again");
    wheel.insert(0, "long gone");
    assert_eq!(fire(&mut wheel, u64::MAX), ["long gone", "again"]);
    assert!(wheel.is_empty());
}

#[test]
fn borders_of_every_level_separate_what_is_due_from_what_is_not() {
    for level in 0..LEVELS as u32 {
        let width = 1_u64 << (TICK_BITS + SLOT_BITS * level);
        for border in [width, 2 * width, 63 * width] {
            for start in [0, 1, width / 2, border - 1] {
                let mut wheel = Wheel::new(start);
                for deadline in [border + 1, border - 1, border] {
                    wheel.insert(deadline, deadline);
                }
                wheel.check();
                assert_eq!(wheel.next_deadline(), Some(border - 1));
                assert_eq!(fire(&mut wheel, border - 1), [border - 1]);
                assert_eq!(wheel.next_deadline(), Some(border));
                assert_eq!(fire(&mut wheel, border), [border]);
                assert_eq!(fire(&mut wheel, border + 1), [border + 1]);
            }
        }
    }
}

#[test]
fn places_are_told_by_the_highest_bit_that_differs() {
    let place = |deadline, now| {
        let place = Place::of(deadline, now);
        (place.level, place.slot)
    };
    assert_eq!(place(0, 0), (0, 0));
    assert_eq!(place(TICK - 1, 0), (0, 0));
    assert_eq!(place(TICK, 0), (0, 1));
    assert_eq!(place(64 * TICK - 1, 0), (0, 63));
    assert_eq!(place(64 * TICK, 0), (1, 1));
    assert_eq!(place(64 * TICK, 64 * TICK - 1), (1, 1));
    assert_eq!(place(64 * TICK, 64 * TICK), (0, 0));
    assert_eq!(place(0, 65 * TICK), (0, 1), "in the past: with the present");
    assert_eq!(place(1 << 63, (1 << 63) - 1), (7, 32));
    assert_eq!(place(u64::MAX, 0), (7, 63));
    assert_eq!(place(u64::MAX, u64::MAX), (0, 63));
}

/// Each timer of a bucket in turn is removed, before and after the bucket was put in order.
#[test]
fn removal_by_position_leaves_the_others_as_they_were() {
    let orders: [[u64; 7]; 4] = [
        [1, 2, 3, 4, 5, 6, 7],
        [7, 6, 5, 4, 3, 2, 1],
        [4, 1, 6, 2, 7, 3, 5],
        [3, 3, 1, 1, 2, 2, 3],
    ];
    for order in orders {
        for (first, second) in (0..49).map(|n| (n / 7, n % 7)) {
            for asked in [false, true] {
                let mut wheel = Wheel::new(0);
                let keys = order.map(|deadline| wheel.insert(deadline, deadline));
                let mut left = order.to_vec();
                if asked {
                    assert_eq!(wheel.next_deadline(), Some(1));
                }
                assert_eq!(wheel.remove(keys[first]), Some(order[first]));
                wheel.check();
                assert_eq!(wheel.remove(keys[first]), None);
                left.remove(first);
                if first != second {
                    assert_eq!(wheel.remove(keys[second]), Some(order[second]));
                    wheel.check();
                    left.remove(if second > first { second - 1 } else { second });
                }
                left.sort_unstable();
                assert_eq!(wheel.len(), left.len());
                assert_eq!(wheel.next_deadline(), left.first().copied());
                assert_eq!(fire(&mut wheel, TICK), left);
            }
        }
    }
}

#[test]
fn a_stale_key_never_finds_the_timer_that_took_its_cell() {
    let mut wheel = Wheel::new(0);
    let removed = wheel.insert(10, "removed");
    assert_eq!(wheel.remove(removed), Some("removed"));
    let fired = wheel.insert(10, "fired");
    assert_eq!(fired.index(), removed.index(), "the cell is reused");
    assert_ne!(fired, removed);
    assert_miss(&mut wheel, removed);
    assert_eq!(fire(&mut wheel, 10), ["fired"]);
    let pending = wheel.insert(20, "pending");
    assert_eq!(pending.index(), removed.index());
    for stale in [removed, fired] {
        assert_miss(&mut wheel, stale);
    }
    assert_eq!(wheel.get_mut(pending), Some(&mut "pending"));
    assert_eq!(wheel.len(), 1);
}

#[test]
fn a_key_of_another_wheel_is_a_miss() {
    let mut other = Wheel::new(0);
    let keys: Vec<Key> = (0..9).map(|n| other.insert(n, n)).collect();
    let mut wheel = Wheel::<u64>::new(0);
    assert_miss(&mut wheel, keys[8]);
}

// T17: a generation that wraps would let a stale key reach another timer.
#[test]
fn t17_a_cell_whose_generations_are_used_up_is_retired() {
    let mut wheel = Wheel::new(0);
    let first = wheel.insert(1, 'a');
    wheel.remove(first);
    wheel.timers.age(first.index());
    let last = wheel.insert(1, 'b');
    assert_eq!(last.index(), first.index());
    assert_eq!(wheel.remove(last), Some('b'));
    assert_miss(&mut wheel, last);
    let next = wheel.insert(1, 'c');
    assert_ne!(next.index(), first.index());
    assert_miss(&mut wheel, first);
    assert_miss(&mut wheel, last);
    assert_eq!(fire(&mut wheel, 1), ['c']);
    assert_eq!(wheel.timers.cells(), 2);
}

#[test]
fn cells_are_reused() {
    let mut wheel = Wheel::new(0);
    for round in 0..1000 {
        let keys = [5, 6, 7].map(|n| wheel.insert(round + n, n));
        assert_eq!(wheel.remove(keys[1]), Some(6));
        assert_eq!(fire(&mut wheel, round + 7), [5, 7]);
    }
    assert_eq!(wheel.timers.cells(), 3);
}

#[test]
fn values_are_handed_back_or_dropped_with_the_wheel() {
    let value = std::rc::Rc::new(());
    let mut wheel = Wheel::new(0);
    let removed = wheel.insert(1, value.clone());
    wheel.insert(2, value.clone());
    wheel.insert(u64::MAX, value.clone());
    assert_eq!(std::rc::Rc::strong_count(&value), 4);
    drop(wheel.remove(removed));
    drop(fire(&mut wheel, 2));
    assert_eq!(std::rc::Rc::strong_count(&value), 2);
    drop(wheel);
    assert_eq!(std::rc::Rc::strong_count(&value), 1);
}

#[test]
fn get_mut_changes_the_value_that_fires() {
    let mut wheel = Wheel::new(0);
    let key = wheel.insert(YEAR, 1);
    *wheel.get_mut(key).unwrap() = 2;
    assert_eq!(fire(&mut wheel, YEAR / 2), []);
    *wheel.get_mut(key).unwrap() += 1;
    assert_eq!(fire(&mut wheel, YEAR), [3]);
}

#[test]
fn what_fires_comes_in_the_order_of_deadlines_across_buckets_and_levels() {
    let mut wheel = Wheel::new(3);
    let mut deadlines: Vec<u64> = (0..64).flat_map(|bit| [1 << bit, (1 << bit) + 77]).collect();
    for deadline in &deadlines {
        wheel.insert(*deadline, *deadline);
    }
    deadlines.sort_unstable();
    assert_eq!(fire(&mut wheel, u64::MAX), deadlines);
}

/// An advance over years touches what is due and the one bucket it lands in, nothing between.
#[test]
fn a_jump_over_years_moves_the_timers_of_one_bucket() {
    let mut wheel = Wheel::new(0);
    for n in 0..1000 {
        // Fifty years out, each in its own tick; they share a bucket that is nine years wide.
        wheel.insert(50 * YEAR + n * TICK, n);
        wheel.insert(300 * YEAR, n);
    }
    assert_eq!(fire(&mut wheel, 40 * YEAR).len(), 0);
    assert_eq!(wheel.moved, 0, "no bucket was entered that has timers");
    assert_eq!(fire(&mut wheel, 50 * YEAR - 1).len(), 0);
    assert_eq!(wheel.moved, 1000);
    assert_eq!(fire(&mut wheel, 60 * YEAR).len(), 1000);
    assert_eq!(wheel.moved, 1000, "what is passed fires where it is");
    assert_eq!(wheel.next_deadline(), Some(300 * YEAR));
}

/// However finely time goes, a timer goes down each level once.
#[test]
fn a_timer_is_moved_at_most_once_a_level() {
    let mut wheel = Wheel::new(1);
    let deadline = u64::MAX / 3 * 2;
    wheel.insert(deadline, ());
    let mut steps = 0;
    while !wheel.is_empty() {
        // Half of what is left, so that every level is gone through.
        let now = wheel.now() + (deadline - wheel.now()).div_ceil(2);
        let due = usize::from(now == deadline);
        assert_eq!(fire(&mut wheel, now).len(), due);
        steps += 1;
    }
    assert!(steps > 60);
    assert!(wheel.moved < LEVELS as u64, "moved {} times", wheel.moved);
}

/// Links per step where each step cancels the earliest of 4096 timers, all in one bucket, adds
/// one, and asks for the earliest.
fn links_per_step(distance: impl Fn(u64) -> u64) -> u64 {
    const PENDING: u64 = 4096;
    const STEPS: u64 = 4 * PENDING;
    let mut wheel = Wheel::new(0);
    let mut order = std::collections::BTreeMap::new();
    for n in 0..PENDING + STEPS {
        let deadline = YEAR + 1000 * n + distance(n);
        order.insert((deadline, n), wheel.insert(deadline, ()));
        if n >= PENDING {
            let ((deadline, _), key) = order.pop_first().unwrap();
            assert_eq!(wheel.next_deadline(), Some(deadline));
            assert_eq!(wheel.remove(key), Some(()));
        }
    }
    assert_eq!(wheel.occupied.iter().map(|slots| slots.count_ones()).sum::<u32>(), 1);
    wheel.timers.linked / STEPS
}

/// A server's request timeouts: one distance, cancelled in the order they were set.
#[test]
fn cancelling_in_the_order_of_insertion_costs_a_constant() {
    let links = links_per_step(|_| 0);
    assert!(links <= 4, "{links} links per step");
}

/// The worst order of removals still costs the logarithm of the population (here 12).
#[test]
fn cancelling_the_earliest_never_scans_the_bucket() {
    let scattered = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 42;
    for distance in [scattered, |n| (n % 2) * 3_000_000, |n| (4096 - n % 4096) * 1500] {
        let links = links_per_step(distance);
        assert!(links <= 3 * 12, "{links} links per step");
    }
}

#[test]
fn a_key_is_no_larger_for_being_optional() {
    assert_eq!(size_of::<Option<Key>>(), size_of::<(u32, NonZeroU32)>());
    assert_eq!(size_of::<Option<Key>>(), 8);
}
