//! From tokens to sources.
//!
//! A token is a slot's index (low 32 bits) and its generation (high 32 bits). A source knows its
//! own token, so an event is for it exactly if the two are equal: a stale event, whose slot is
//! empty or belongs to a later source, is a miss and never a dereference (T25-T28).
//!
//! The work is split in two. The [`Table`] belongs to the thread that dispatches, which looks
//! events up in it with no lock. [`Slots`] gives slots out and takes them back, from any thread,
//! under a lock; what came and went since is handed to the table before and after each `select`,
//! and `changed` says whether there is anything to hand over. A source is in `arrivals` before the
//! system call that registers it, so whoever sees its first event finds it there.
//!
//! A slot that was given up is reused only after the table has let go of its source, that is
//! between batches.

#[cfg(edgewake_fuzz)]
pub(super) mod fuzz;
mod owners;

use std::os::fd::RawFd;

use edgewake_sys::Token;

use self::owners::Owners;
use super::source::Source;
use crate::sync::Arc;

/// Slots are added this many at a time, or an eighth of what there is: doubling would waste up to
/// half of a large table.
const CHUNK: usize = 256;

/// The slot that a token names.
#[inline(always)]
fn index(token: Token) -> usize {
    token.0 as u32 as usize
}

/// The sources by slot, as the dispatching thread sees them.
#[derive(Debug, Default)]
pub(crate) struct Table {
    sources: Vec<Option<Arc<Source>>>,
}

/// The table while nothing comes or goes, for a batch.
#[derive(Clone, Copy)]
pub(super) struct View<'a>(&'a [Option<Arc<Source>>]);

impl<'a> View<'a> {
    /// The source that an event is for.
    #[inline(always)]
    pub(super) fn find(self, token: Token) -> Option<&'a Source> {
        match self.0.get(index(token)) {
            Some(Some(source)) if source.token() == token => Some(source),
            _ => None,
        }
    }
}

impl Table {
    #[inline(always)]
    pub(super) fn view(&self) -> View<'_> {
        View(&self.sources)
    }

    /// The source that an event is for.
    pub(super) fn find(&self, token: Token) -> Option<&Source> {
        self.view().find(token)
    }

    /// Applies what came and went. Returns the sources to drop, outside the lock.
    pub(super) fn catch_up(&mut self, slots: &mut Slots) -> Vec<Arc<Source>> {
        // By `pop`, whose code is a fraction of `drain`'s. Their order says nothing.
        while let Some((index, source)) = slots.arrivals.pop() {
            self.put(index as usize, source);
        }
        let mut gone = Vec::with_capacity(slots.departures.len());
        while let Some(index) = slots.departures.pop() {
            slots.free.push(index);
            if let Some(source) = self.sources[index as usize].take() {
                gone.push(source);
            }
        }
        gone
    }

    fn put(&mut self, index: usize, source: Arc<Source>) {
        let length = self.sources.len();
        if index >= length {
            if index >= self.sources.capacity() {
                self.sources.reserve_exact(CHUNK.max(length / 8).max(index + 1 - length));
            }
            while self.sources.len() <= index {
                self.sources.push(None);
            }
        }
        self.sources[index] = Some(source);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Source>> {
        self.sources.iter().flatten()
    }

    /// Hands a source out, until there is none. In no order.
    pub(super) fn pop(&mut self) -> Option<Arc<Source>> {
        while let Some(slot) = self.sources.pop() {
            if slot.is_some() {
                return slot;
            }
        }
        None
    }
}

/// Who has which slot.
#[derive(Debug, Default)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Registered, or about to be, and not in the table yet.
    arrivals: Vec<(u32, Arc<Source>)>,
    /// Given up, and still in the table.
    departures: Vec<u32>,
    /// Not registered: to be looked at again in the next turn.
    looks: Vec<Arc<Source>>,
    owners: Owners,
    live: usize,
    shut: bool,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// How often it was given up.
    generation: u32,
    /// The descriptor that its source registers, or -1.
    fd: RawFd,
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
    /// 2^32 - 2 slots are in use.
    Full,
}

impl Slots {
    pub(super) fn live(&self) -> usize {
        self.live
    }

    /// Notes that `source` is to be looked at again. False once nobody will.
    pub(super) fn look_again(&mut self, source: &Arc<Source>) -> bool {
        if !self.shut {
            self.looks.push(Arc::clone(source));
        }
        !self.shut
    }

    /// Hands over what is to be looked at. `looks` has what it got before, in this turn.
    pub(super) fn take_looks(&mut self, looks: &mut Vec<Arc<Source>>) {
        if looks.is_empty() {
            std::mem::swap(looks, &mut self.looks);
        }
        while let Some(source) = self.looks.pop() {
            looks.push(source);
        }
    }

    /// Gives `source` a slot, to register `fd` with.
    pub(super) fn insert(&mut self, fd: RawFd, source: &Arc<Source>) -> Insertion {
        if self.shut {
            return Insertion::Shut;
        }
        if self.owners.has(fd) {
            return Insertion::Taken;
        }
        let Some(index) = self.free.pop().or_else(|| self.grow()) else {
            return Insertion::Full;
        };
        self.arrivals.push((index, Arc::clone(source)));
        self.live += 1;
        let slot = &mut self.slots[index as usize];
        slot.fd = fd;
        let token = Token(u64::from(index) | (u64::from(slot.generation) << 32));
        self.owners.add(fd, token);
        Insertion::Token(token)
    }

    fn grow(&mut self) -> Option<u32> {
        // The last two indices are never given out: no token equals the notifier's, or "none".
        let index = u32::try_from(self.slots.len()).ok().filter(|i| *i < u32::MAX - 1)?;
        if self.slots.len() == self.slots.capacity() {
            self.slots.reserve_exact(CHUNK.max(self.slots.len() / 8));
        }
        self.slots.push(Slot { generation: 0, fd: -1 });
        Some(index)
    }

    /// Takes a slot back. Its source leaves the table when that catches up.
    pub(super) fn remove(&mut self, token: Token) {
        let Some(slot) = self.slots.get_mut(index(token)) else { return };
        if self.shut || u64::from(slot.generation) != token.0 >> 32 {
            return;
        }
        slot.generation = slot.generation.wrapping_add(1);
        let fd = std::mem::replace(&mut slot.fd, -1);
        self.live -= 1;
        self.departures.push(index(token) as u32);
        self.owners.remove(fd, token);
    }

    /// Whether another live source than `token`'s has registered `fd`, or is about to.
    pub(super) fn is_owned(&self, fd: RawFd, token: Token) -> bool {
        let others = self.slots.iter().enumerate().filter(|(at, _)| *at != index(token));
        others.map(|(_, slot)| slot.fd).any(|other| other == fd)
    }

    /// Refuses insertions from now on.
    pub(super) fn shut(&mut self) {
        self.shut = true;
        self.live = 0;
    }
}

#[cfg(all(test, not(edgewake_loom)))]
mod oracle;
#[cfg(all(test, not(edgewake_loom)))]
mod tests;
