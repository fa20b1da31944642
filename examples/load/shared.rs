//! What all connections share.

use std::{
    cell::{Cell, RefCell},
    time::Instant,
};

use crate::{pattern::Pattern, tally::Tally};

/// As much as is received at once; any datagram of UDP fits.
const BUFFER: usize = 64 * 1024;

/// The counters, what is sent, and a buffer to receive in, which is used between two waits.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) tally: Tally,
    /// When to send no more.
    pub(crate) end: Cell<Instant>,
    pub(crate) size: u64,
    pub(crate) pattern: Pattern,
    pub(crate) buffer: RefCell<Box<[u8]>>,
}

impl Shared {
    pub(crate) fn new(size: usize, end: Instant) -> Shared {
        Shared {
            tally: Tally::new(),
            end: Cell::new(end),
            size: size as u64,
            pattern: Pattern::new(),
            buffer: RefCell::new(vec![0; BUFFER].into_boxed_slice()),
        }
    }
}
