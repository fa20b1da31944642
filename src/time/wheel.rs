//! The timer wheel, as pure data: deadlines go in, what is due comes out.
//!
//! Time is nanoseconds since an origin of the owner's choice; every `u64` is a deadline like any
//! other, none stands for "never" or "fired". The owner reads the clock, holds the lock, and calls
//! [`Wheel::next_deadline`] to know how long to sleep and [`Wheel::advance`] when it woke up. The
//! wheel never reads a clock, never wakes anybody and never drops a value: it hands them back.
//!
//! # How it is kept
//!
//! Eight levels of 64 buckets. A bucket of the lowest level is a tick wide (65.5 us), one of the
//! next as wide as the whole level below; eight levels of six bits over a tick of sixteen are the
//! 64 bits of a deadline. A timer's bucket follows from its deadline and the wheel's `now` alone
//! ([`Place`]): the level is where the two first differ, so
//!
//! - buckets never wrap round: in a level, a higher slot is later;
//! - whatever is in a level is earlier than all that is in the levels above;
//! - the earliest timer is in the first occupied bucket of the first occupied level, which the
//!   levels' bitmaps tell.
//!
//! Buckets are only an index. What fires is decided by comparing deadlines, to the nanosecond,
//! and [`Heap`] gives the earliest of a bucket. `now` itself lies in a bucket of the lowest level;
//! timers that were already due when they were inserted are put there as well.
//!
//! When `now` moves on, every bucket it passes is due as a whole. Of the others only the one it
//! lands in changes its place, so an advance moves the timers of one bucket at most, however far
//! it goes, and a timer is moved at most seven times in its life. That happens in the course of
//! advances that come anyway: the wheel asks to be woken for deadlines only.

mod heap;
mod slab;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

use heap::Heap;
pub(crate) use slab::Key;
use slab::Slab;

const TICK_BITS: u32 = 16;
const SLOT_BITS: u32 = 6;
const SLOTS: usize = 1 << SLOT_BITS;
const LEVELS: usize = 8;
/// The bits of a time that tell places within one turn of the lowest level apart.
const LOWEST_LEVEL: u64 = (1 << (TICK_BITS + SLOT_BITS)) - 1;

const _: () = assert!(TICK_BITS + LEVELS as u32 * SLOT_BITS == u64::BITS);

/// Timers by deadline, each with a value that comes back when it fires or is removed.
///
/// Memory: nothing until the first insert; then 2 KiB of buckets, and 24 bytes and the value for
/// each of the most timers that were ever pending at once, which are kept for reuse.
pub(crate) struct Wheel<T> {
    now: u64,
    /// A bit for each bucket that is not empty.
    occupied: [u64; LEVELS],
    /// The buckets, level by level; empty until the first insert.
    buckets: Vec<Heap>,
    timers: Slab<T>,
    /// How many timers were ever moved to a lower level.
    #[cfg(test)]
    moved: u64,
}

/// A bucket's coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    level: usize,
    slot: usize,
}

impl Place {
    /// Where a deadline belongs while it is `now`.
    #[inline]
    fn of(deadline: u64, now: u64) -> Place {
        let at = deadline.max(now);
        let differ = (at ^ now) | LOWEST_LEVEL;
        let level = (u64::BITS - 1 - differ.leading_zeros() - TICK_BITS) / SLOT_BITS;
        let slot = (at >> (TICK_BITS + level * SLOT_BITS)) as usize % SLOTS;
        Place { level: level as usize, slot }
    }

    #[inline]
    fn bucket(self) -> usize {
        self.level * SLOTS + self.slot
    }
}

impl<T> Wheel<T> {
    /// Makes an empty wheel whose time is `now`. Allocates nothing.
    pub(crate) const fn new(now: u64) -> Self {
        Wheel {
            now,
            occupied: [0; LEVELS],
            buckets: Vec::new(),
            timers: Slab::new(),
            #[cfg(test)]
            moved: 0,
        }
    }

    /// Whether no timer is pending.
    pub(crate) fn is_empty(&self) -> bool {
        self.timers.len() == 0
    }

    /// The number of pending timers.
    pub(crate) fn len(&self) -> usize {
        self.timers.len()
    }

    /// The latest time the wheel was advanced to.
    #[cfg(test)]
    pub(crate) fn now(&self) -> u64 {
        self.now
    }

    /// Adds a timer. One that is due already fires at the next advance, whatever that one's time.
    ///
    /// # Panics
    ///
    /// Panics at the 2^32 - 1st timer pending at once.
    #[inline]
    pub(crate) fn insert(&mut self, deadline: u64, value: T) -> Key {
        if self.buckets.is_empty() {
            self.allocate();
        }
        let key = self.timers.insert(deadline, value);
        self.put(key.index(), deadline);
        key
    }

    /// The value of a pending timer; `None` once it fired or was removed.
    #[inline]
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let index = self.timers.find(key)?;
        self.timers.value_mut(index)
    }

    /// Takes a pending timer back; `None` once it fired or was removed.
    #[inline]
    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let index = self.timers.find(key)?;
        let place = Place::of(self.timers.node(index).deadline, self.now);
        self.unlink(place, index);
        self.timers.take(index)
    }

    /// The exact deadline of the earliest pending timer, which may have passed.
    ///
    /// Not `&self`: to answer is to order the earliest bucket a little, once.
    #[inline]
    pub(crate) fn next_deadline(&mut self) -> Option<u64> {
        let level = self.occupied.iter().position(|slots| *slots != 0)?;
        let slot = self.occupied[level].trailing_zeros() as usize;
        let bucket = Place { level, slot }.bucket();
        let index = self.buckets[bucket].earliest(&mut self.timers)?;
        Some(self.timers.node(index).deadline)
    }

    /// Moves time on to `now` and appends the values of all timers whose deadline it has reached
    /// to `fired`, in the order of their deadlines; equal deadlines come in any order.
    ///
    /// A `now` before the wheel's own leaves the time as it is.
    pub(crate) fn advance(&mut self, now: u64, fired: &mut Vec<T>) {
        let now = now.max(self.now);
        let reached = Place::of(now, self.now);
        self.now = now;
        if self.is_empty() {
            return;
        }
        for level in 0..=reached.level {
            let passed = if level < reached.level { u64::MAX } else { (1 << reached.slot) - 1 };
            let mut due = self.occupied[level] & passed;
            while due != 0 {
                let slot = due.trailing_zeros() as usize;
                due &= due - 1;
                self.fire(Place { level, slot }, fired);
            }
        }
        if reached.level > 0 {
            self.cascade(reached);
        }
        self.fire(Place::of(now, now), fired);
    }

    /// Takes all that is due out of one bucket.
    fn fire(&mut self, place: Place, fired: &mut Vec<T>) {
        let heap = &mut self.buckets[place.bucket()];
        while let Some(index) = heap.earliest(&mut self.timers) {
            if self.timers.node(index).deadline > self.now {
                return;
            }
            heap.unlink(&mut self.timers, index);
            if let Some(value) = self.timers.take(index) {
                fired.push(value);
            }
        }
        self.occupied[place.level] &= !(1 << place.slot);
    }

    /// Spreads the bucket that `now` has entered over the levels below.
    fn cascade(&mut self, place: Place) {
        let mut timers = self.buckets[place.bucket()].drain();
        self.occupied[place.level] &= !(1 << place.slot);
        while let Some(index) = timers.next(&mut self.timers) {
            self.put(index, self.timers.node(index).deadline);
            #[cfg(test)]
            {
                self.moved += 1;
            }
        }
    }

    #[inline]
    fn put(&mut self, index: u32, deadline: u64) {
        let place = Place::of(deadline, self.now);
        self.buckets[place.bucket()].push(&mut self.timers, index);
        self.occupied[place.level] |= 1 << place.slot;
    }

    #[inline]
    fn unlink(&mut self, place: Place, index: u32) {
        let heap = &mut self.buckets[place.bucket()];
        heap.unlink(&mut self.timers, index);
        if heap.is_empty() {
            self.occupied[place.level] &= !(1 << place.slot);
        }
    }

    #[cold]
    #[inline(never)]
    fn allocate(&mut self) {
        self.buckets = vec![Heap::EMPTY; LEVELS * SLOTS];
    }
}
