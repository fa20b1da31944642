//! The second look: a new connection is registered only when it has blocked twice.
//!
//! A short connection's bytes, and then its end, are mostly there by the time the loop comes round
//! again. So a wait for one that was just accepted goes on without a registration: the loop notes
//! the source, asks the kernel without sleeping, and then wakes whoever waits to read, in the slot
//! or in the list, so that they try. What they find is not said: the word has `ASSUMED`, not
//! `DATA`, lest `readable` take a look for news. A connection that lives on is registered by its
//! next wait, and registering reports what is there by then; so nothing is lost in between. If it
//! was registered meanwhile, by another wait, the kernel tells, and there is no look.
//!
//! `LOOKS`, in the reading side's word, bounds it: a wait that is postponed takes one away, and so
//! does a `WouldBlock`. So the loop never goes round for a source more than three times.
//!
//! The end of such a wait is certain: it is postponed only on the thread that turns the reactor's
//! loop, which looks in its next turn, or at the reactor's end. A thread of the runtime's pool
//! waits with that loop too, which may be asleep: there a wait registers.

use super::{Source, isolate};
use crate::{
    reactor::{
        Reactor,
        readiness::bits::{ASSUMED, DATA},
        side::Direction,
    },
    sync::{Arc, lock},
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
        let raised = {
            // `ASSUMED` and `REGISTERED`, which are never set together, are the enrollment's.
            let _enrollment = lock(&self.enrollment);
            if self.read.snapshot().is_registered() {
                return;
            }
            self.read.raise(ASSUMED)
        };
        if raised.owes_list() {
            self.wake_list(DATA, 0);
        }
        if raised.owes_slot() {
            isolate(|| self.read.wake_slot());
        }
    }
}
