//! Notices that an end of a copy in both directions has failed while nobody attends to it.
//!
//! A flow that cannot get rid of what it has in hand does not read, and if the other flow has
//! nothing to write, or is over, nothing at all is asked of that end: its peer could be gone for
//! ever. So whoever has neither a reader nor a writer waiting for it is watched for an error
//! event. A close is not one: an end that has merely stopped sending is in order.
//!
//! For this crate's own sockets; behind a wrapper nothing can be watched.

use std::{io, task::Context};

use edgewake_sys::socket;

use super::{
    flow::{Flow, Waits},
    recognise::{Link, LinkKind, link},
};
use crate::reactor::Key;

/// Of one end: its entry among the waiters of its socket.
#[derive(Debug, Default)]
pub(super) struct Watched(Option<Key>);

impl Watched {
    /// After both flows were polled, and one has to wait: watches `end` if nobody else does.
    /// `reads` is the flow that reads from it, `writes` the one that writes to it.
    pub(super) fn look<T: ?Sized>(
        &mut self,
        cx: &mut Context<'_>,
        end: &T,
        reads: &Flow,
        writes: &Flow,
    ) -> io::Result<()> {
        let attended = reads.waits() == Waits::Reader || writes.waits() == Waits::Writer;
        if attended {
            self.forget(end);
            return Ok(());
        }
        match link(end) {
            // The end of a pipe is no error of its other end's.
            Some(Link { kind: LinkKind::Pipe, .. }) | None => Ok(()),
            Some(Link { io, .. }) => io.watch_for_failure(cx, &mut self.0, socket::take_error),
        }
    }

    /// Ends the watch, if there is one.
    pub(super) fn forget<T: ?Sized>(&mut self, end: &T) {
        if self.0.is_some() {
            if let Some(link) = link(end) {
                link.io.forget_failure(&mut self.0);
            }
        }
    }
}
