//! Slots and table for the fuzz targets, both on one thread; see `crate::fuzz`.

use edgewake_sys::Token;

use super::{Insertion, Slots, Table};
use crate::{
    reactor::{
        kind::Kind,
        source::{NO_TOKEN, Source},
    },
    sync::Arc,
};

/// Who has which slot, and the table that events are looked up in.
#[derive(Debug, Default)]
pub struct SlotTable {
    slots: Slots,
    table: Table,
}

/// A source in a slot.
#[derive(Clone, Debug)]
pub struct Occupant(Arc<Source>);

impl Occupant {
    /// Its token, or that of nobody.
    pub fn token(&self) -> u64 {
        self.0.token().0
    }

    /// What its owner does before it gives the slot up: no event is for it any more.
    pub fn leave(&self) {
        self.0.set_token(NO_TOKEN);
    }

    /// Whether both are one source.
    pub fn is(&self, other: &Occupant) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// How many hold it, this one included.
    pub fn holders(&self) -> usize {
        Arc::strong_count(&self.0)
    }
}

impl SlotTable {
    /// The token of a source that has no slot.
    pub const NO_TOKEN: u64 = NO_TOKEN.0;

    /// Gives a new source a slot to register `fd` with; none if that is refused.
    pub fn insert(&mut self, fd: i32) -> Option<Occupant> {
        let source = Arc::new(Source::new(Kind::Other, false, None));
        let Insertion::Token(token) = self.slots.insert(fd, &source) else { return None };
        source.set_token(token);
        Some(Occupant(source))
    }

    /// Takes a slot back.
    pub fn remove(&mut self, token: u64) {
        self.slots.remove(Token(token));
    }

    /// Lets the table know what came and went. Returns what went.
    pub fn catch_up(&mut self) -> Vec<Occupant> {
        self.table.catch_up(&mut self.slots).into_iter().map(Occupant).collect()
    }

    /// Whether an event with `token` is for somebody.
    pub fn finds(&self, token: u64) -> bool {
        self.table.find(Token(token)).is_some()
    }

    /// Whether it is for `occupant`.
    pub fn finds_in(&self, token: u64, occupant: &Occupant) -> bool {
        self.table.find(Token(token)).is_some_and(|found| std::ptr::eq(found, &*occupant.0))
    }

    /// Whether another live source than `token`'s has registered `fd`.
    pub fn is_owned(&self, fd: i32, token: u64) -> bool {
        self.slots.is_owned(fd, Token(token))
    }

    /// How many sources have a slot.
    pub fn live(&self) -> usize {
        self.slots.live()
    }

    /// How many the table holds.
    pub fn held(&self) -> usize {
        self.table.iter().count()
    }

    /// As if a free slot had been taken and given up `times` times more. False if there is no such
    /// slot, or it is not free.
    pub fn age(&mut self, index: usize, times: u32) -> bool {
        let is_free = self.slots.free.iter().any(|free| *free as usize == index);
        if is_free {
            let slot = &mut self.slots.slots[index];
            slot.generation = slot.generation.wrapping_add(times);
        }
        is_free
    }

    /// Refuses insertions from now on.
    pub fn shut(&mut self) {
        self.slots.shut();
    }
}
