//! The table.

use std::fmt;

use crate::{arguments::Arguments, blast::Outcome, common::numbers::Grouped, ways::Way};

/// What was asked, and the names of the columns.
#[derive(Debug)]
pub(crate) struct Header<'a>(pub(crate) &'a Arguments);

impl fmt::Display for Header<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Arguments { size, duration, .. } = self.0;
        let seconds = duration.as_secs_f64();
        writeln!(f, "datagrams of {size} bytes over loopback, {seconds} s each way")?;
        writeln!(
            f,
            "  {:<12}{:>12}{:>14}{:>9}{:>12}{:>12}{:>9}",
            "", "received/s", "bytes/s", "lost", "sent/call", "recvd/call", "ratio"
        )
    }
}

/// One way's line, with how many datagrams a call has sent and received on average.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub(crate) way: Way,
    pub(crate) outcome: &'a Outcome,
    /// The rate of the first way.
    pub(crate) reference: f64,
}

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { way, outcome, reference } = self;
        let Outcome { sent, received, receives, .. } = outcome;
        let rate = outcome.rate();
        let bytes = rate * outcome.size as f64;
        let each = |datagrams: u64, calls: u64| datagrams as f64 / calls.max(1) as f64;
        let lost = 100.0 * (1.0 - each(*received, sent.datagrams));
        writeln!(
            f,
            "  {way:<12}{:>12}{:>14}{lost:>8.2}%{:>12.1}{:>12.1}{:>9.2}",
            Grouped(rate as u64),
            Grouped(bytes as u64),
            each(sent.datagrams, sent.calls),
            each(*received, *receives),
            rate / reference,
        )
    }
}
