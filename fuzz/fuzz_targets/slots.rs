//! Slots and their table against a map: a token finds its source from the moment the table has
//! caught up until it is given up, and nothing else ever does, also where a slot's generations are
//! used up and begin again; what was given up is held by nobody.
#![no_main]

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use edgewake::fuzz::{Occupant, SlotTable};
use edgewake_sys::Selector;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Step {
    Insert {
        fd: u8,
    },
    Remove(u8),
    /// One that was given up before.
    RemoveStale(u8),
    RemoveAny(u64),
    CatchUp,
    Find(u64),
    /// What a stale event does.
    FindStale(u8),
    IsOwned {
        fd: u8,
        nth: u8,
    },
    /// As if the slot had been used so often already.
    Age {
        index: u8,
        times: Age,
    },
}

/// How many generations, where it is worth looking.
#[derive(Arbitrary, Debug)]
enum Age {
    Any(u32),
    /// To the last one, or a few before it.
    ToLast(u8),
}

struct Living {
    occupant: Occupant,
    fd: i32,
    known: bool,
}

#[derive(Default)]
struct Run {
    slots: SlotTable,
    living: BTreeMap<u64, Living>,
    stale: Vec<u64>,
    /// Given up since the table last caught up, each with its slot.
    leaving: Vec<(u32, Occupant)>,
    /// The generation of each slot that there ever was.
    generations: BTreeMap<u32, u32>,
}

fn parts(token: u64) -> (u32, u32) {
    (token as u32, (token >> 32) as u32)
}

impl Run {
    fn insert(&mut self, fd: i32) {
        let taken = self.living.values().any(|living| living.fd == fd);
        let Some(occupant) = self.slots.insert(fd) else {
            assert!(taken && Selector::REPLACES_DUPLICATES, "it was refused");
            return;
        };
        assert!(!(taken && Selector::REPLACES_DUPLICATES), "kqueue would replace the other");
        let token = occupant.token();
        let (index, generation) = parts(token);
        let expected = *self.generations.entry(index).or_insert(0);
        assert_eq!(generation, expected, "the generation of slot {index}");
        assert!(index as usize <= self.generations.len(), "slots are used again");
        // Free for others only once no batch can hold an event for its last owner.
        assert!(self.leaving.iter().all(|(other, _)| *other != index));
        let living = Living { occupant, fd, known: false };
        assert!(self.living.insert(token, living).is_none(), "a token names one source");
    }

    fn remove(&mut self, token: u64) {
        let Living { occupant, .. } = self.living.remove(&token).expect("it lives");
        occupant.leave();
        assert_eq!(occupant.token(), SlotTable::NO_TOKEN);
        self.slots.remove(token);
        let generation = self.generations.get_mut(&parts(token).0).expect("it was given out");
        *generation = generation.wrapping_add(1);
        self.stale.push(token);
        self.leaving.push((parts(token).0, occupant));
    }

    /// A token that is nobody's changes nothing. (Of a free slot, the generation of its next owner
    /// is one that nobody has seen.)
    fn remove_dead(&mut self, token: u64) {
        let (index, generation) = parts(token);
        let is_next = self.generations.get(&index) == Some(&generation);
        if !self.living.contains_key(&token) && !is_next {
            self.slots.remove(token);
        }
    }

    fn catch_up(&mut self) {
        let gone = self.slots.catch_up();
        assert_eq!(gone.len(), self.leaving.len());
        for (_, occupant) in &self.leaving {
            assert!(gone.iter().any(|other| other.is(occupant)));
        }
        drop(gone);
        for (_, occupant) in self.leaving.drain(..) {
            assert_eq!(occupant.holders(), 1, "nobody else holds on to it");
        }
        self.living.values_mut().for_each(|living| living.known = true);
        assert_eq!(self.slots.held(), self.living.len());
    }

    fn find(&self, token: u64) {
        let expected = self.living.get(&token).filter(|living| living.known);
        assert_eq!(self.slots.finds(token), expected.is_some(), "{token:#x}");
        if let Some(living) = expected {
            assert!(self.slots.finds_in(token, &living.occupant));
        }
    }

    fn nth(&self, nth: u8) -> Option<u64> {
        let count = self.living.len();
        (count > 0).then(|| self.living.keys().nth(usize::from(nth) % count).copied()).flatten()
    }

    fn nth_stale(&self, nth: u8) -> Option<u64> {
        let count = self.stale.len();
        (count > 0).then(|| self.stale[count - 1 - usize::from(nth) % count])
    }

    fn age(&mut self, index: u8, times: &Age) {
        let Some(generation) = self.generations.get_mut(&index.into()) else { return };
        let times = match times {
            Age::Any(times) => *times,
            Age::ToLast(before) => (u32::MAX - u32::from(before % 4)).wrapping_sub(*generation),
        };
        if self.slots.age(index.into(), times) {
            *generation = generation.wrapping_add(times);
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Insert { fd } => self.insert(i32::from(fd % 16)),
            Step::Remove(nth) => {
                if let Some(token) = self.nth(nth) {
                    self.remove(token);
                }
            }
            Step::RemoveStale(nth) => {
                if let Some(token) = self.nth_stale(nth) {
                    self.remove_dead(token);
                }
            }
            Step::RemoveAny(token) => self.remove_dead(token),
            Step::CatchUp => self.catch_up(),
            Step::Find(token) => self.find(token),
            Step::FindStale(nth) => {
                if let Some(token) = self.nth_stale(nth) {
                    self.find(token);
                }
            }
            Step::IsOwned { fd, nth } => {
                let fd = i32::from(fd % 16);
                let token = self.nth(nth).unwrap_or(SlotTable::NO_TOKEN);
                let mut others = self.living.iter().filter(|(other, _)| **other != token);
                let owned = others.any(|(_, living)| living.fd == fd);
                assert_eq!(self.slots.is_owned(fd, token), owned);
            }
            Step::Age { index, ref times } => self.age(index, times),
        }
        assert_eq!(self.slots.live(), self.living.len());
        self.living.keys().for_each(|token| self.find(*token));
        self.find(SlotTable::NO_TOKEN);
        self.find(u64::MAX);
    }
}

fuzz_target!(|steps: Vec<Step>| {
    let mut run = Run::default();
    for step in &steps {
        run.step(step);
    }
    run.catch_up();
    run.living.keys().for_each(|token| run.find(*token));
    run.slots.shut();
    assert!(run.slots.insert(99).is_none());
    assert_eq!(run.slots.live(), 0);
});
