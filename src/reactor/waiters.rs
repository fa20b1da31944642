//! The wait list of a source: everyone who waits and is not in a slot.
//!
//! There are two kinds of entry. A *keyed* one belongs to a future, which takes it off when it is
//! dropped; there are as many as there are such futures. A *displaced* one is a `poll_*` caller's
//! waker that another one pushed out of the slot. Nobody will ever take it off, so displaced ones
//! are deduplicated by `will_wake` and *swept*: past a bound all of them are woken, and who still
//! cares polls again and comes back.
//!
//! The bound follows those who come back. It starts at eight; a sweep that finds wakers of the
//! sweep before doubles it to twice their number. So any number of tasks that wait on one
//! direction come to rest after a few rounds, and wakers that nobody uses any more (a combinator
//! that makes a new one for every poll) cannot pile up. Waking the oldest one past a fixed bound,
//! the obvious way, has ten idle tasks wake one another for ever (measured: nine million polls a
//! second).
//!
//! Plain data under the source's mutex. Wakers that leave it are woken or dropped by the caller,
//! outside the mutex.

use std::{mem::replace, num::NonZeroU64, ptr, task::Waker};

use super::side::Direction;

/// How many displaced wakers a source keeps at first.
pub(super) const DISPLACED_MIN: usize = 8;

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
pub(crate) struct Key(NonZeroU64);

#[derive(Debug)]
struct Entry {
    /// `None` for a displaced waker.
    key: Option<Key>,
    wanted: Wanted,
    waker: Waker,
}

/// What `will_wake` compares: the data and the vtable.
type Identity = (usize, usize);

fn identity(waker: &Waker) -> Identity {
    (waker.data().addr(), ptr::from_ref(waker.vtable()).addr())
}

#[derive(Debug)]
pub(super) struct WaitList {
    /// In order of arrival.
    entries: Vec<Entry>,
    next_key: NonZeroU64,
    /// How many displaced wakers are kept before they are swept.
    displaced_max: usize,
    /// Whom the last sweep woke. Addresses only: one that is used again for another waker makes
    /// the bound a little too large.
    swept: Vec<Identity>,
}

impl Default for WaitList {
    fn default() -> WaitList {
        WaitList {
            entries: Vec::new(),
            next_key: NonZeroU64::MIN,
            displaced_max: DISPLACED_MIN,
            swept: Vec::new(),
        }
    }
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
        if let Some(key) = key {
            if let Some(entry) = self.entries.iter_mut().find(|entry| entry.key == Some(key)) {
                return (key, Some(replace(&mut entry.waker, waker)));
            }
        }
        // 2^64 entries of one list do not come to pass.
        let key = Key(self.next_key);
        self.next_key = self.next_key.saturating_add(1);
        self.entries.push(Entry { key: Some(key), wanted, waker });
        (key, None)
    }

    /// Adds a displaced waker.
    pub(super) fn add_displaced(&mut self, wanted: Wanted, waker: Waker) -> Crowded {
        let is_twin = |entry: &Entry| {
            entry.key.is_none() && entry.wanted == wanted && entry.waker.will_wake(&waker)
        };
        if self.entries.iter().any(is_twin) {
            return Crowded::Duplicate(waker);
        }
        self.entries.push(Entry { key: None, wanted, waker });
        let displaced = self.entries.iter().filter(|entry| entry.key.is_none()).count();
        if displaced <= self.displaced_max { Crowded::No } else { self.sweep() }
    }

    /// Takes every displaced waker off, to be woken, and adapts the bound to those who had come
    /// back since the last sweep.
    fn sweep(&mut self) -> Crowded {
        let woken = self.take(&|entry| entry.key.is_none());
        let identities: Vec<Identity> = woken.iter().map(identity).collect();
        let came_back = identities.iter().filter(|known| self.swept.contains(known)).count();
        self.displaced_max = DISPLACED_MIN.max(2 * came_back);
        self.swept = identities;
        Crowded::Sweep(woken)
    }

    /// Takes a future's entry off. `None` if it was woken.
    pub(super) fn remove(&mut self, key: Key) -> Option<Waker> {
        let index = self.entries.iter().position(|entry| entry.key == Some(key))?;
        Some(self.entries.remove(index).waker)
    }

    /// Takes off every entry that these bits satisfy, for the caller to wake.
    pub(super) fn take_met(&mut self, read: u64, write: u64) -> Vec<Waker> {
        self.take(&|entry| entry.wanted.is_met_by(read, write))
    }

    /// Takes off every entry that `which` picks, and returns their wakers. One copy of it is
    /// enough: it is not for the usual wait.
    #[inline(never)]
    fn take(&mut self, which: &dyn Fn(&Entry) -> bool) -> Vec<Waker> {
        let mut taken = Vec::new();
        let mut kept = 0;
        for at in 0..self.entries.len() {
            let entry = &mut self.entries[at];
            if which(entry) {
                // What is left in its place is dropped with the entry, and drops nothing.
                taken.push(replace(&mut entry.waker, Waker::noop().clone()));
            } else {
                self.entries.swap(kept, at);
                kept += 1;
            }
        }
        self.entries.truncate(kept);
        taken
    }

    /// Whether an entry waits for a bit of `direction`.
    pub(super) fn wants(&self, direction: Direction) -> bool {
        self.entries.iter().any(|entry| match direction {
            Direction::Read => entry.wanted.read != 0,
            Direction::Write => entry.wanted.write != 0,
        })
    }
}

/// What a new displaced waker means for the others.
#[derive(Debug)]
#[must_use]
pub(super) enum Crowded {
    No,
    /// The list has it already: to be dropped outside the lock.
    Duplicate(Waker),
    /// The bound was passed: these are to be woken outside the lock.
    Sweep(Vec<Waker>),
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use futures::task::noop_waker;

    use super::{Crowded, DISPLACED_MIN, WaitList, Wanted};
    use crate::reactor::{readiness::bits, side::Direction};

    fn distinct_waker() -> Waker {
        /// Its byte gives each an address of its own.
        struct Distinct(u8);
        impl std::task::Wake for Distinct {
            fn wake(self: std::sync::Arc<Distinct>) {
                assert_eq!(self.0, 0);
            }
        }
        Waker::from(std::sync::Arc::new(Distinct(0)))
    }

    // T20. Goal: wakers that nobody uses any more do not pile up; those of futures have no bound.
    #[test]
    fn t20_abandoned_wakers_do_not_pile_up() {
        let mut list = WaitList::default();
        let wanted = Wanted::one(Direction::Read, bits::DATA);
        let first = distinct_waker();
        assert!(matches!(list.add_displaced(wanted, first.clone()), Crowded::No));
        assert!(matches!(list.add_displaced(wanted, first.clone()), Crowded::Duplicate(_)));
        let keys: Vec<_> = (0..100).map(|_| list.put(None, wanted, distinct_waker()).0).collect();
        let mut woken = Vec::new();
        for _ in 0..1000 {
            if let Crowded::Sweep(swept) = list.add_displaced(wanted, distinct_waker()) {
                assert_eq!(swept.len(), DISPLACED_MIN + 1);
                woken.extend(swept);
            }
        }
        assert!(woken[0].will_wake(&first), "the sweep wakes, it does not forget");
        assert!(list.remove(keys[40]).is_some());
        assert!(list.take_met(bits::DATA, 0).len() <= DISPLACED_MIN + 99);
        assert!(list.remove(keys[41]).is_none(), "woken entries are gone");
        assert!(!list.wants(Direction::Read));
    }

    // T20. Goal: what is taken for a waker that is there already is the same waker, displaced
    // before, that waits for the same.
    #[test]
    fn t20_a_duplicate_waits_for_the_same() {
        let mut list = WaitList::default();
        let (reads, writes) =
            (Wanted::one(Direction::Read, bits::DATA), Wanted::one(Direction::Write, bits::DATA));
        let waker = distinct_waker();
        list.put(None, reads, waker.clone());
        assert!(matches!(list.add_displaced(reads, waker.clone()), Crowded::No));
        assert!(matches!(list.add_displaced(writes, waker.clone()), Crowded::No));
        assert!(matches!(list.add_displaced(reads, distinct_waker()), Crowded::No));
        assert!(matches!(list.add_displaced(writes, waker), Crowded::Duplicate(_)));
        assert_eq!(
            (list.take_met(bits::DATA, 0).len(), list.take_met(0, bits::DATA).len()),
            (3, 1)
        );
    }

    // T20. Goal: tasks that keep coming back come to rest, however many they are.
    #[test]
    fn t20_many_living_waiters_come_to_rest() {
        let mut list = WaitList::default();
        let wanted = Wanted::one(Direction::Read, bits::DATA);
        let mut to_poll: Vec<_> = (0..300).map(|_| distinct_waker()).collect();
        let mut polls = 0;
        while let Some(waker) = to_poll.pop() {
            polls += 1;
            if let Crowded::Sweep(woken) = list.add_displaced(wanted, waker) {
                to_poll.extend(woken);
            }
        }
        assert!(polls < 300 * 12, "{polls} polls until everyone rests");
        assert_eq!(list.take_met(bits::DATA, 0).len(), 300);
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
