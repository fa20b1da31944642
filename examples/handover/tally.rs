//! What the clients count.

use std::{
    cell::{Cell, RefCell},
    fmt,
};

use crate::common::numbers::{Counted, Grouped};

/// Counters of all clients.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) connections: Cell<u64>,
    pub(crate) sent: Cell<u64>,
    pub(crate) failed: Cell<u64>,
    pub(crate) lost: Cell<u64>,
    pub(crate) repeated: Cell<u64>,
    pub(crate) answered: Cell<u64>,
    /// Answers of each client.
    answers: Vec<Cell<u64>>,
    last_error: RefCell<String>,
}

impl Tally {
    pub(crate) fn new(clients: usize) -> Tally {
        Tally { answers: vec![Cell::new(0); clients], ..Tally::default() }
    }

    pub(crate) fn add(counter: &Cell<u64>, count: u64) {
        counter.set(counter.get() + count);
    }

    /// A client was answered as it should be.
    pub(crate) fn answer(&self, client: usize) {
        Tally::add(&self.answered, 1);
        Tally::add(&self.answers[client], 1);
    }

    /// So many requests will have no answer.
    pub(crate) fn fail(&self, requests: u64, why: &dyn fmt::Display) {
        Tally::add(&self.failed, requests);
        *self.last_error.borrow_mut() = why.to_string();
    }

    /// How often each client has been answered.
    pub(crate) fn answers(&self) -> Vec<u64> {
        self.answers.iter().map(Cell::get).collect()
    }

    /// Whether every request had its answer, once and in order.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        let broken = self.failed.get() + self.lost.get() + self.repeated.get();
        if broken == 0 && self.answered.get() == self.sent.get() && self.answered.get() > 0 {
            return Ok(());
        }
        let (sent, answered) = (self.sent.get(), self.answered.get());
        let error = self.last_error.borrow();
        Err(format!("{answered} answers for {sent} requests; the last error: {error}"))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} on {}: {}, {} lost, {} repeated",
            Counted(self.sent.get(), "request"),
            Counted(self.connections.get(), "connection"),
            Counted(self.failed.get(), "failed request"),
            Grouped(self.lost.get()),
            Grouped(self.repeated.get()),
        )
    }
}
