//! What was echoed, and a line a second about it while there is something to tell.
//!
//! The line comes from a task that waits for a change, then counts seconds until one goes by
//! without, and waits again: while nothing happens there is no timer, and nothing wakes the
//! process. Counting a message costs two additions and a look at a flag; no clock is read.

use std::{
    cell::{Cell, RefCell},
    fmt, io,
    task::{Poll, Waker},
    time::Duration,
};

use edgewake::time::sleep;

use crate::common::{
    lines::Lines,
    numbers::{Counted, Grouped},
};

const PERIOD: Duration = Duration::from_secs(1);

/// What has happened since the start.
#[derive(Debug)]
pub(crate) struct Counters {
    open: Cell<u64>,
    accepted: Cell<u64>,
    messages: Cell<u64>,
    bytes: Cell<u64>,
    errors: Cell<u64>,
    last_error: RefCell<String>,
    /// The reporter waits for a change: whoever makes one wakes it.
    reporter_waits: Cell<bool>,
    reporter: RefCell<Option<Waker>>,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) open: u64,
    accepted: u64,
    messages: u64,
    bytes: u64,
    errors: u64,
}

impl Counters {
    pub(crate) fn new() -> Counters {
        Counters {
            open: Cell::new(0),
            accepted: Cell::new(0),
            messages: Cell::new(0),
            bytes: Cell::new(0),
            errors: Cell::new(0),
            last_error: RefCell::new(String::new()),
            reporter_waits: Cell::new(false),
            reporter: RefCell::new(None),
        }
    }

    /// A connection was accepted.
    pub(crate) fn opened(&self) {
        self.open.set(self.open.get() + 1);
        self.accepted.set(self.accepted.get() + 1);
        self.changed();
    }

    /// A message of so many bytes is on its way back.
    #[inline(always)]
    pub(crate) fn echoed(&self, bytes: usize) {
        self.messages.set(self.messages.get() + 1);
        self.bytes.set(self.bytes.get() + bytes as u64);
        self.changed();
    }

    /// A connection has ended.
    pub(crate) fn closed(&self, outcome: io::Result<()>) {
        self.open.set(self.open.get() - 1);
        match outcome {
            Ok(()) => self.changed(),
            Err(error) => self.failed(&error),
        }
    }

    /// Something has failed.
    pub(crate) fn failed(&self, error: &io::Error) {
        self.errors.set(self.errors.get() + 1);
        *self.last_error.borrow_mut() = error.to_string();
        self.changed();
    }

    pub(crate) fn totals(&self) -> Totals {
        Totals {
            open: self.open.get(),
            accepted: self.accepted.get(),
            messages: self.messages.get(),
            bytes: self.bytes.get(),
            errors: self.errors.get(),
        }
    }

    #[inline(always)]
    fn changed(&self) {
        if self.reporter_waits.get() {
            self.wake_reporter();
        }
    }

    #[cold]
    fn wake_reporter(&self) {
        self.reporter_waits.set(false);
        if let Some(reporter) = self.reporter.take() {
            reporter.wake();
        }
    }

    /// Waits until the counters differ from `known`.
    async fn change_from(&self, known: Totals) {
        std::future::poll_fn(|cx| {
            if self.totals() != known {
                return Poll::Ready(());
            }
            self.reporter.replace(Some(cx.waker().clone()));
            self.reporter_waits.set(true);
            Poll::Pending
        })
        .await;
    }

    /// Prints a line for each second in which something changed, and waits for nobody to read it.
    /// Ends when it cannot print.
    pub(crate) async fn report(&self) -> Result<(), String> {
        let lines = Lines::on_stdout()?;
        let mut told = self.totals();
        loop {
            self.change_from(told).await;
            sleep(PERIOD).await;
            let now = self.totals();
            lines.print(self.line(told, now))?;
            told = now;
        }
    }

    fn line(&self, before: Totals, now: Totals) -> Line<'_> {
        Line { counters: self, before, now }
    }

    /// Everything since the start, in a sentence.
    pub(crate) fn summary(&self) -> Summary<'_> {
        Summary(self)
    }

    fn write_errors(&self, f: &mut fmt::Formatter<'_>, count: u64) -> fmt::Result {
        write!(f, ", {}", Counted(count, "error"))?;
        if count > 0 {
            write!(f, " (the last: {})", self.last_error.borrow())?;
        }
        Ok(())
    }
}

/// What happened between two moments.
#[derive(Debug)]
struct Line<'a> {
    counters: &'a Counters,
    before: Totals,
    now: Totals,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line { counters, before, now } = self;
        write!(
            f,
            "{}, {}/s, {} bytes/s",
            Counted(now.open, "connection"),
            Counted(now.messages - before.messages, "message"),
            Grouped(now.bytes - before.bytes),
        )?;
        if now.accepted > before.accepted {
            write!(f, ", {} new", Grouped(now.accepted - before.accepted))?;
        }
        if now.errors > before.errors {
            counters.write_errors(f, now.errors - before.errors)?;
        }
        Ok(())
    }
}

/// What happened from the start to now.
#[derive(Debug)]
pub(crate) struct Summary<'a>(&'a Counters);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let totals = self.0.totals();
        write!(
            f,
            "served {}, {}, {} bytes",
            Counted(totals.accepted, "connection"),
            Counted(totals.messages, "message"),
            Grouped(totals.bytes),
        )?;
        self.0.write_errors(f, totals.errors)
    }
}
