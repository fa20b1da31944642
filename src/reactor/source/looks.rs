//! The second look: a new connection is registered only when it has blocked twice.
//!
//! A short connection's bytes, and then its end, are mostly there by the time the loop comes round
//! again. So a wait for one that was just accepted goes on without a registration: the loop notes
//! the source, asks the kernel without sleeping, and then acts as if an event had come. Whoever
//! waits, in the slot or in the list, is woken and tries. A connection that lives on is registered
//! by its next wait, and registering reports what is there by then; so nothing is lost in between.
//!
//! `LOOKS`, in the reading side's word, bounds it: a wait that is postponed takes one away, and so
//! does a `WouldBlock`. So the loop never goes round for a source more than three times.
//!
//! The end of such a wait is certain: it is postponed only on the thread that drives the reactor,
//! which looks in its next turn, or at the reactor's end.

use super::Source;
use crate::{
    reactor::{Reactor, readiness::bits::DATA, side::Direction},
    sync::Arc,
};

impl Source {
    /// A connection that was just accepted.
    pub(in crate::reactor) fn with_looks(mut self) -> Source {
        self.read.grant_looks();
        self
    }

    /// Whether a wait for `direction` may go on without a registration: the loop of `reactor`, on
    /// whose thread this is, looks again. The waker is stored, or will be before that loop's turn.
    pub(in crate::reactor) fn postpone(
        self: &Arc<Source>,
        direction: Direction,
        reactor: &Reactor,
    ) -> bool {
        direction == Direction::Read && self.read.spend_look() && reactor.look_again(self)
    }

    /// The look: whoever waits tries again.
    pub(in crate::reactor) fn look(&self) {
        self.raise(DATA, 0);
    }
}
