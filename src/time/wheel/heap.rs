//! One bucket of the wheel: its timers, ordered only as far as somebody asked.
//!
//! A pairing heap, intrusive in the slab and lazy: `push` puts a timer in front of a list of
//! roots and compares nothing; `earliest` links the roots into one tree, and that work is kept, so
//! the next question has only the newcomers to look at. A bucket nobody asks about (most
//! timeouts are cancelled long before their turn comes) is a plain doubly linked list.
//!
//! Why not a list with its least deadline remembered: cancelling the earliest timer of a bucket
//! is what a server does all day (requests end in the order they began), and then each question
//! would scan the whole bucket.
//!
//! Costs: `push` and `is_empty` constant; `unlink` constant for a timer without children;
//! `earliest` constant when there is one root; otherwise as many links as there are roots, which
//! comes to about the logarithm of the population per removed timer, and to a constant for timers
//! that come and go in the order of their deadlines.
//!
//! Links: `next` is the next sibling; `prev` the sibling before, or the parent for a first child,
//! or `NONE` for the first root; `child` the first child. A parent's deadline is never later than
//! its children's.

#[cfg(edgewake_faults)]
use edgewake_sys::faults::schedule::is_swapped;

use super::slab::{NONE, Slab};

#[derive(Clone, Copy)]
pub(super) struct Heap {
    /// The first of the roots, the latest pushed.
    first: u32,
}

impl Heap {
    pub(super) const EMPTY: Heap = Heap { first: NONE };

    #[inline]
    pub(super) fn is_empty(self) -> bool {
        self.first == NONE
    }

    /// Adds a timer that is in no heap: its `prev` and `child` lead nowhere.
    #[inline]
    pub(super) fn push<T>(&mut self, slab: &mut Slab<T>, index: u32) {
        slab.node_mut(index).next = self.first;
        if self.first != NONE {
            slab.node_mut(self.first).prev = index;
        }
        self.first = index;
    }

    /// The timer with the least deadline.
    #[inline]
    pub(super) fn earliest<T>(&mut self, slab: &mut Slab<T>) -> Option<u32> {
        if self.first == NONE {
            return None;
        }
        if slab.node(self.first).next != NONE {
            self.first = merge(slab, self.first);
        }
        Some(self.first)
    }

    /// Takes a timer out. Its cell keeps stale links; the caller frees it.
    #[inline]
    pub(super) fn unlink<T>(&mut self, slab: &mut Slab<T>, index: u32) {
        let node = slab.node(index);
        let (prev, next, child) = (node.prev, node.next, node.child);
        // What stands where the timer stood. Its children may: they are not earlier than it was,
        // so neither are they than its parent.
        let heir = if child == NONE {
            next
        } else if next == NONE {
            child
        } else {
            let heir = merge(slab, child);
            slab.node_mut(heir).next = next;
            slab.node_mut(next).prev = heir;
            heir
        };
        if heir != NONE {
            slab.node_mut(heir).prev = prev;
        }
        if prev == NONE {
            self.first = heir;
        } else if slab.node(prev).child == index {
            slab.node_mut(prev).child = heir;
        } else {
            slab.node_mut(prev).next = heir;
        }
    }

    /// Empties the heap; its timers come out of the [`Drain`], in no order.
    pub(super) fn drain(&mut self) -> Drain {
        let list = self.first;
        self.first = NONE;
        Drain { list, stack: NONE }
    }
}

/// The timers of a heap that is no more.
pub(super) struct Drain {
    list: u32,
    /// Lists of children still to do, chained through the `prev` of their first: a stack that
    /// needs no memory of its own.
    stack: u32,
}

impl Drain {
    /// Takes out one timer, which is ready to be pushed elsewhere.
    pub(super) fn next<T>(&mut self, slab: &mut Slab<T>) -> Option<u32> {
        if self.list == NONE {
            if self.stack == NONE {
                return None;
            }
            self.list = self.stack;
            self.stack = slab.node(self.list).prev;
        }
        let index = self.list;
        let node = slab.node_mut(index);
        let child = node.child;
        self.list = node.next;
        node.prev = NONE;
        node.child = NONE;
        if child != NONE {
            slab.node_mut(child).prev = self.stack;
            self.stack = child;
        }
        Some(index)
    }
}

/// Links a list of trees into one and returns its root, alone in its list.
///
/// Neighbours are paired first and the pair joins what there is: without the pairing, the order
/// of a removal could leave a root with all the others as its children, time and again. Going
/// from the newest to the oldest makes of deadlines that were pushed in their own order a chain,
/// each with one or two children, whose roots then leave at a constant cost.
fn merge<T>(slab: &mut Slab<T>, first: u32) -> u32 {
    let mut tree = NONE;
    let mut list = first;
    while list != NONE {
        let one = list;
        let other = slab.node(one).next;
        let pair = if other == NONE {
            list = NONE;
            one
        } else {
            list = slab.node(other).next;
            link(slab, one, other)
        };
        tree = if tree == NONE { pair } else { link(slab, tree, pair) };
    }
    let root = slab.node_mut(tree);
    root.next = NONE;
    root.prev = NONE;
    tree
}

/// Equal deadlines come in any order: a schedule of a test may choose. Not in `choice`, since the
/// wheel names nothing of its crate.
#[cfg(not(edgewake_faults))]
#[inline(always)]
fn is_swapped() -> bool {
    false
}

/// Makes the later of two roots the first child of the earlier, which it returns.
#[inline]
fn link<T>(slab: &mut Slab<T>, newer: u32, older: u32) -> u32 {
    let (one, other) = (slab.node(newer).deadline, slab.node(older).deadline);
    let newer_is_first = one < other || (one == other && is_swapped());
    let (parent, child) = if newer_is_first { (newer, older) } else { (older, newer) };
    let sibling = slab.node(parent).child;
    slab.node_mut(parent).child = child;
    let node = slab.node_mut(child);
    node.next = sibling;
    node.prev = parent;
    if sibling != NONE {
        slab.node_mut(sibling).prev = child;
    }
    #[cfg(test)]
    {
        slab.linked += 1;
    }
    parent
}

#[cfg(test)]
impl Heap {
    /// Every timer in the heap; panics where a link or the order is not as the header says.
    pub(super) fn check<T>(self, slab: &Slab<T>) -> Vec<u32> {
        let mut all = Vec::new();
        let mut lists = vec![(self.first, NONE)];
        while let Some((first, parent)) = lists.pop() {
            let (mut index, mut prev) = (first, parent);
            while index != NONE {
                let node = slab.node(index);
                assert_eq!(node.prev, prev, "backward link of {index}");
                if parent != NONE {
                    let limit = slab.node(parent).deadline;
                    assert!(limit <= node.deadline, "{index} is earlier than its parent");
                }
                all.push(index);
                lists.push((node.child, index));
                (prev, index) = (index, node.next);
            }
        }
        all
    }
}
