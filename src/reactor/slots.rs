//! The table from tokens to sources.
//!
//! A token is a slot's index (low 32 bits) and its generation (high 32 bits). A source knows its
//! own token, so an event is for it exactly if the two are equal: a stale event, whose slot is
//! empty or belongs to a later source, is a miss and never a dereference (T25-T28).
//!
//! The dispatching thread borrows the table for a batch, by value, so that it holds no lock while
//! it wakes. What is inserted meanwhile waits in `arrivals`, and a slot that is given up is freed
//! only when the table is back: no event of that batch can meet its next owner.

use std::{collections::HashMap, os::fd::RawFd, ptr};

use edgewake_sys::{Selector, Token};

use super::source::Source;
use crate::sync::Arc;

/// Slots are added this many at a time, or an eighth of what there is: doubling would waste up to
/// half of a large table.
const CHUNK: usize = 256;

pub(super) type Table = Vec<Option<Arc<Source>>>;

/// The slot that a token names.
#[inline(always)]
fn index(token: Token) -> usize {
    token.0 as u32 as usize
}

/// The source that an event with `token` is for. `None`: it is stale, or the notifier's.
#[inline(always)]
pub(super) fn find(table: &Table, token: Token) -> Option<&Arc<Source>> {
    let source = table.get(index(token))?.as_ref()?;
    (source.token() == token).then_some(source)
}

#[derive(Debug)]
pub(super) struct Slots {
    table: Table,
    /// The table is with the dispatching thread.
    lent: bool,
    /// How often each slot was given up.
    generations: Vec<u32>,
    free: Vec<u32>,
    /// Came while the table was lent.
    arrivals: Vec<(u32, Arc<Source>)>,
    /// Went while the table was lent.
    departures: Vec<u32>,
    /// Which descriptors are registered, where the kernel would silently replace a registration
    /// (kqueue's `EV_ADD`) instead of refusing the second (epoll's `EEXIST`). T91.
    owners: HashMap<RawFd, Token>,
    live: usize,
    shut: bool,
}

/// The answer to a source that asks for a slot.
#[derive(Debug)]
#[must_use]
pub(super) enum Insertion {
    Token(Token),
    /// Another live source has registered this descriptor.
    Taken,
    /// The reactor has shut down.
    Shut,
    /// 2^32 - 1 slots are in use.
    Full,
}

impl Slots {
    pub(super) fn new() -> Slots {
        Slots {
            table: Vec::new(),
            lent: false,
            generations: Vec::new(),
            free: Vec::new(),
            arrivals: Vec::new(),
            departures: Vec::new(),
            owners: HashMap::new(),
            live: 0,
            shut: false,
        }
    }

    pub(super) fn live(&self) -> usize {
        self.live
    }

    /// Gives `source` a slot, to register `fd` with.
    pub(super) fn insert(&mut self, fd: RawFd, source: &Arc<Source>) -> Insertion {
        if self.shut {
            return Insertion::Shut;
        }
        if Selector::REPLACES_DUPLICATES && self.owners.contains_key(&fd) {
            return Insertion::Taken;
        }
        let Some(index) = self.free.pop().or_else(|| self.grow()) else {
            return Insertion::Full;
        };
        if self.lent {
            self.arrivals.push((index, Arc::clone(source)));
        } else {
            put(&mut self.table, index, Arc::clone(source));
        }
        self.live += 1;
        let token = Token(u64::from(index) | u64::from(self.generations[index as usize]) << 32);
        if Selector::REPLACES_DUPLICATES {
            self.owners.insert(fd, token);
        }
        Insertion::Token(token)
    }

    fn grow(&mut self) -> Option<u32> {
        // The last index is never given out, so no token equals the notifier's.
        let index = u32::try_from(self.generations.len()).ok().filter(|i| *i < u32::MAX - 1)?;
        if self.generations.len() == self.generations.capacity() {
            self.generations.reserve_exact(CHUNK.max(self.generations.len() / 8));
        }
        self.generations.push(0);
        Some(index)
    }

    /// Takes a slot back. Returns the table's reference to its source, to be dropped outside the
    /// lock; while the table is lent it stays there until the batch is over.
    pub(super) fn remove(&mut self, token: Token, fd: RawFd) -> Option<Arc<Source>> {
        let index = index(token);
        if self.shut || self.generations.get(index) != Some(&((token.0 >> 32) as u32)) {
            return None;
        }
        self.generations[index] = self.generations[index].wrapping_add(1);
        self.live -= 1;
        if Selector::REPLACES_DUPLICATES && self.owners.get(&fd) == Some(&token) {
            self.owners.remove(&fd);
        }
        if !self.lent {
            self.free.push(index as u32);
            return self.table[index].take();
        }
        self.departures.push(index as u32);
        None
    }

    /// Lends the table to the thread that dispatches a batch. What it holds is final for the
    /// batch: a source that registers later cannot have an event in it.
    pub(super) fn lend_table(&mut self) -> Table {
        self.lent = true;
        std::mem::take(&mut self.table)
    }

    /// Takes the table back and catches up. Returns what has to be dropped outside the lock, and
    /// whether the reactor was shut meanwhile, so that these sources were not told.
    pub(super) fn restore_table(&mut self, table: Table) -> (Vec<Arc<Source>>, bool) {
        self.lent = false;
        if self.shut {
            return (table.into_iter().flatten().collect(), true);
        }
        self.table = table;
        for (index, source) in self.arrivals.drain(..) {
            put(&mut self.table, index, source);
        }
        let mut freed = Vec::new();
        for index in self.departures.drain(..) {
            self.free.push(index);
            freed.extend(self.table[index as usize].take());
        }
        (freed, false)
    }

    /// Whether a live source other than `asking` has registered `fd` or is about to; yes also when
    /// the table is lent, and nobody can tell.
    pub(super) fn may_own(&self, fd: RawFd, asking: &Source) -> bool {
        let owns = |source: &Arc<Source>| source.fd() == fd && !ptr::eq(&**source, asking);
        self.lent || self.sources().iter().any(owns)
    }

    /// The live sources; while the table is lent, only those that came since.
    pub(super) fn sources(&self) -> Vec<Arc<Source>> {
        let arrivals = self.arrivals.iter().map(|(_, source)| source);
        self.table.iter().flatten().chain(arrivals).map(Arc::clone).collect()
    }

    /// Refuses insertions from now on and hands out every source.
    pub(super) fn shut(&mut self) -> Vec<Arc<Source>> {
        let sources = self.sources();
        self.shut = true;
        self.table = Vec::new();
        self.arrivals = Vec::new();
        self.owners = HashMap::new();
        self.live = 0;
        sources
    }
}

fn put(table: &mut Table, index: u32, source: Arc<Source>) {
    let index = index as usize;
    if index >= table.len() {
        if index >= table.capacity() {
            table.reserve_exact(CHUNK.max(table.len() / 8).max(index + 1 - table.len()));
        }
        table.resize_with(index + 1, || None);
    }
    table[index] = Some(source);
}
