//! The wait list of a source: everyone who waits and is not in a slot.
//!
//! There are two kinds of entry. A *keyed* one belongs to a future, which takes it off when it is
//! dropped; there are as many as there are such futures. A *displaced* one is a `poll_*` caller's
//! waker that another one pushed out of the slot; nobody will ever take it off, so they are
//! deduplicated by `will_wake` and bounded: past the bound the oldest is woken, and polls again if
//! it still cares.
//!
//! Plain data under the source's mutex. Wakers that leave it are woken or dropped by the caller,
//! outside the mutex.

use std::{mem::replace, task::Waker};

use super::side::Direction;

/// How many displaced wakers a source keeps.
pub(super) const DISPLACED_MAX: usize = 8;

/// What an entry waits for: bits of the read word and of the write word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) read: u64,
    pub(crate) write: u64,
}

impl Wanted {
    pub(super) fn one(direction: Direction, bits: u64) -> Wanted {
        match direction {
            Direction::Read => Wanted { read: bits, write: 0 },
            Direction::Write => Wanted { read: 0, write: bits },
        }
    }

    pub(super) fn is_met_by(self, read: u64, write: u64) -> bool {
        self.read & read != 0 || self.write & write != 0
    }
}

/// A future's right to its entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(u64);

#[derive(Debug)]
struct Entry {
    /// `None` for a displaced waker.
    key: Option<Key>,
    wanted: Wanted,
    waker: Waker,
}

#[derive(Debug, Default)]
pub(super) struct WaitList {
    /// In order of arrival.
    entries: Vec<Entry>,
    next_key: u64,
}

impl WaitList {
    /// Puts a future's waker in: into its entry, if it has one that was not woken, else into a new
    /// one. Returns the entry's key, and a waker to drop outside the lock.
    pub(super) fn put(
        &mut self,
        key: Option<Key>,
        wanted: Wanted,
        waker: Waker,
    ) -> (Key, Option<Waker>) {
        if let Some(entry) = self.entries.iter_mut().find(|e| e.key.is_some() && e.key == key) {
            return (
                key.expect("an entry was found by it"),
                Some(replace(&mut entry.waker, waker)),
            );
        }
        let key = Key(self.next_key);
        self.next_key += 1;
        self.entries.push(Entry { key: Some(key), wanted, waker });
        (key, None)
    }

    /// Adds a displaced waker. Returns the one to wake because there are too many, or to drop
    /// because it is here already.
    pub(super) fn add_displaced(&mut self, wanted: Wanted, waker: Waker) -> Crowded {
        let twin = |entry: &Entry| {
            entry.key.is_none() && entry.wanted == wanted && entry.waker.will_wake(&waker)
        };
        if self.entries.iter().any(twin) {
            return Crowded::Duplicate(waker);
        }
        let displaced = || self.entries.iter().enumerate().filter(|(_, entry)| entry.key.is_none());
        let oldest = displaced().next().map(|(index, _)| index);
        let full = displaced().count() >= DISPLACED_MAX;
        let oldest = oldest.filter(|_| full).map(|index| self.entries.remove(index).waker);
        self.entries.push(Entry { key: None, wanted, waker });
        oldest.map_or(Crowded::No, Crowded::Oldest)
    }

    /// Takes a future's entry off. `None` if it was woken.
    pub(super) fn remove(&mut self, key: Key) -> Option<Waker> {
        let index = self.entries.iter().position(|entry| entry.key == Some(key))?;
        Some(self.entries.remove(index).waker)
    }

    /// Takes off every entry that these bits satisfy, for the caller to wake.
    pub(super) fn take_met(&mut self, read: u64, write: u64) -> Vec<Waker> {
        let all = std::mem::take(&mut self.entries);
        let (met, rest) = all.into_iter().partition(|e| e.wanted.is_met_by(read, write));
        self.entries = rest;
        let met: Vec<Entry> = met;
        met.into_iter().map(|entry| entry.waker).collect()
    }

    /// Whether an entry waits for a bit of `direction`.
    pub(super) fn wants(&self, direction: Direction) -> bool {
        self.entries.iter().any(|entry| match direction {
            Direction::Read => entry.wanted.read != 0,
            Direction::Write => entry.wanted.write != 0,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// What a new displaced waker means for the others.
#[derive(Debug)]
#[must_use]
pub(super) enum Crowded {
    No,
    /// The list has it already.
    Duplicate(Waker),
    /// The bound is passed: this one is to be woken.
    Oldest(Waker),
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use futures::task::noop_waker;

    use super::{Crowded, DISPLACED_MAX, WaitList, Wanted};
    use crate::reactor::{readiness::bits, side::Direction};

    fn distinct_waker() -> Waker {
        struct Distinct(#[allow(dead_code, reason = "gives each its own address")] u8);
        impl std::task::Wake for Distinct {
            fn wake(self: std::sync::Arc<Distinct>) {}
        }
        Waker::from(std::sync::Arc::new(Distinct(0)))
    }

    // T20. Goal: displaced wakers are bounded and the oldest is told; keyed ones are not bounded.
    #[test]
    fn t20_displaced_wakers_are_bounded_and_keyed_ones_are_not() {
        let mut list = WaitList::default();
        let wanted = Wanted::one(Direction::Read, bits::DATA);
        let first = distinct_waker();
        assert!(matches!(list.add_displaced(wanted, first.clone()), Crowded::No));
        assert!(matches!(list.add_displaced(wanted, first.clone()), Crowded::Duplicate(_)));
        for _ in 1..DISPLACED_MAX {
            assert!(matches!(list.add_displaced(wanted, distinct_waker()), Crowded::No));
        }
        let keys: Vec<_> = (0..100).map(|_| list.put(None, wanted, distinct_waker()).0).collect();
        match list.add_displaced(wanted, distinct_waker()) {
            Crowded::Oldest(oldest) => assert!(oldest.will_wake(&first)),
            other => panic!("the oldest should go, not {other:?}"),
        }
        assert!(list.remove(keys[40]).is_some());
        assert_eq!(list.take_met(bits::DATA, 0).len(), DISPLACED_MAX + 99);
        assert!(list.remove(keys[41]).is_none(), "woken entries are gone");
        assert!(list.is_empty());
    }

    // T14. Goal: an entry is woken by its own bits only. A waiter for the peer's close is not
    // woken by data, a writer not by reads.
    #[test]
    fn t14_entries_are_woken_by_their_own_bits_only() {
        let mut list = WaitList::default();
        let close = Wanted::one(Direction::Read, bits::CLOSED);
        let (closed, _) = list.put(None, close, noop_waker());
        list.put(None, Wanted::one(Direction::Write, bits::DATA), noop_waker());
        assert!(list.take_met(bits::DATA, 0).is_empty());
        assert!(list.wants(Direction::Write));
        assert_eq!(list.take_met(0, bits::DATA).len(), 1);
        assert!(!list.wants(Direction::Write));
        assert_eq!(list.put(Some(closed), close, noop_waker()).0, closed, "the entry is kept");
        assert_eq!(list.take_met(bits::CLOSED, 0).len(), 1);
        assert_ne!(list.put(Some(closed), close, noop_waker()).0, closed, "woken: a new one");
    }
}
