//! Where timers are kept: one growing array, addressed by index, its free cells chained.
//!
//! A key is a cell's index and the generation the cell had when it was handed out. Taking a timer
//! out of its cell moves the cell's generation on, so a key is good for one timer only, ever: a
//! cell whose generations are used up is retired, it does not start again from the first.
//!
//! The array never shrinks: it is as long as the most timers that were ever pending at once, and
//! free cells are reused last freed first, so that a busy loop stays in a warm part of it.
//!
//! Called by the wheel, and by its heaps for the links. It knows nothing of time or order.

use std::num::NonZeroU32;

/// The link that leads nowhere. No cell has this index: `insert` refuses to grow that far.
pub(super) const NONE: u32 = u32::MAX;

/// Names one timer of one wheel, also after it fired or was removed: then it finds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    index: u32,
    /// Not zero, so that an `Option<Key>` is no larger than a `Key`.
    generation: NonZeroU32,
}

impl Key {
    /// The cell's index, good as long as the timer has neither fired nor been removed.
    #[inline]
    pub(super) fn index(self) -> u32 {
        self.index
    }
}

/// One cell. The links belong to the heap the timer is in; in a free cell `next` is the free list.
pub(super) struct Node<T> {
    pub(super) deadline: u64,
    pub(super) next: u32,
    pub(super) prev: u32,
    pub(super) child: u32,
    generation: NonZeroU32,
    /// `None` in a free cell.
    value: Option<T>,
}

pub(super) struct Slab<T> {
    nodes: Vec<Node<T>>,
    free: u32,
    len: usize,
    /// How many pairs of timers the heaps compared and linked.
    #[cfg(test)]
    pub(super) linked: u64,
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Slab {
            nodes: Vec::new(),
            free: NONE,
            len: 0,
            #[cfg(test)]
            linked: 0,
        }
    }

    /// The number of timers, free cells not counted.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Puts a timer into a free cell, in no heap yet.
    ///
    /// # Panics
    ///
    /// Panics at the 2^32 - 1st timer pending at once: some 160 GiB of them.
    #[inline]
    pub(super) fn insert(&mut self, deadline: u64, value: T) -> Key {
        let index = self.free;
        if index == NONE {
            return self.grow(deadline, value);
        }
        let node = &mut self.nodes[index as usize];
        self.free = node.next;
        self.len += 1;
        node.deadline = deadline;
        node.next = NONE;
        node.prev = NONE;
        node.child = NONE;
        node.value = Some(value);
        Key { index, generation: node.generation }
    }

    #[cold]
    #[inline]
    fn grow(&mut self, deadline: u64, value: T) -> Key {
        let index = u32::try_from(self.nodes.len()).unwrap_or(NONE);
        assert!(index != NONE, "no room for another timer: 2^32 - 1 are pending");
        let generation = NonZeroU32::MIN;
        let value = Some(value);
        self.nodes.push(Node { deadline, next: NONE, prev: NONE, child: NONE, generation, value });
        self.len += 1;
        Key { index, generation }
    }

    /// The cell that `key` names, if its timer is still there.
    #[inline]
    pub(super) fn find(&self, key: Key) -> Option<u32> {
        let node = self.nodes.get(key.index as usize)?;
        // The value decides for a retired cell, which keeps its last generation.
        (node.generation == key.generation && node.value.is_some()).then_some(key.index)
    }

    #[inline]
    pub(super) fn value_mut(&mut self, index: u32) -> Option<&mut T> {
        self.nodes[index as usize].value.as_mut()
    }

    /// Takes the timer out of a cell that is in no heap any more, and frees the cell.
    #[inline]
    pub(super) fn take(&mut self, index: u32) -> Option<T> {
        let node = &mut self.nodes[index as usize];
        let value = node.value.take()?;
        self.len -= 1;
        // After 2^32 - 1 timers the cell is retired: one more round, and a key kept since its
        // first would find a timer that is not its own.
        if let Some(next) = node.generation.checked_add(1) {
            node.generation = next;
            node.next = self.free;
            self.free = index;
        }
        Some(value)
    }

    #[inline]
    pub(super) fn node(&self, index: u32) -> &Node<T> {
        &self.nodes[index as usize]
    }

    #[inline]
    pub(super) fn node_mut(&mut self, index: u32) -> &mut Node<T> {
        &mut self.nodes[index as usize]
    }
}

#[cfg(test)]
impl<T> Slab<T> {
    /// The number of cells, free and retired ones among them.
    pub(super) fn cells(&self) -> usize {
        self.nodes.len()
    }

    /// Moves a free cell to the last generation it will ever have.
    pub(super) fn age(&mut self, index: u32) {
        assert!(self.nodes[index as usize].value.is_none());
        self.nodes[index as usize].generation = NonZeroU32::MAX;
    }
}
