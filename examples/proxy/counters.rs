//! What has moved and how many flows there are; the line a second; waiting for flows to end.
//!
//! The line comes from a task that sleeps while there is no flow: then there is no timer, and
//! nothing wakes the process.

use std::{
    cell::{Cell, RefCell},
    fmt,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
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
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Bytes from clients to servers. Written as bytes move, by the flows' copies; only counted
    /// with, so that no order with anything else matters.
    pub(crate) up: AtomicU64,
    /// Bytes from servers to clients.
    pub(crate) down: AtomicU64,
    open: Cell<u64>,
    accepted: Cell<u64>,
    errors: Cell<u64>,
    last_error: RefCell<String>,
    /// Who waits for a flow to open or close.
    waiting: RefCell<Vec<Waker>>,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Totals {
    up: u64,
    down: u64,
    open: u64,
    accepted: u64,
    errors: u64,
}

impl Counters {
    pub(crate) fn new() -> Counters {
        Counters::default()
    }

    pub(crate) fn open(&self) -> u64 {
        self.open.get()
    }

    pub(crate) fn opened(&self) {
        self.open.set(self.open.get() + 1);
        self.accepted.set(self.accepted.get() + 1);
        self.changed();
    }

    pub(crate) fn closed(&self) {
        self.open.set(self.open.get() - 1);
        self.changed();
    }

    pub(crate) fn failed(&self, what: String) {
        self.errors.set(self.errors.get() + 1);
        *self.last_error.borrow_mut() = what;
    }

    fn changed(&self) {
        // Taken out first: a waker may do anything.
        let waiting = self.waiting.take();
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Waits until the number of open flows is such.
    pub(crate) async fn until_open(&self, is_so: impl Fn(u64) -> bool) {
        std::future::poll_fn(|cx| {
            if is_so(self.open.get()) {
                return Poll::Ready(());
            }
            let mut waiting = self.waiting.borrow_mut();
            if !waiting.iter().any(|known| known.will_wake(cx.waker())) {
                waiting.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    fn totals(&self) -> Totals {
        Totals {
            up: self.up.load(Relaxed),
            down: self.down.load(Relaxed),
            open: self.open.get(),
            accepted: self.accepted.get(),
            errors: self.errors.get(),
        }
    }

    /// Prints a line for each second in which something happened, and waits for nobody to read it.
    /// Ends when it cannot print.
    pub(crate) async fn report(&self) -> Result<(), String> {
        let lines = Lines::on_stdout()?;
        let mut told = self.totals();
        loop {
            if self.totals() == told {
                self.until_open(|open| open > 0).await;
            }
            sleep(PERIOD).await;
            let now = self.totals();
            if now != told {
                lines.print(self.line(told, now))?;
            }
            told = now;
        }
    }

    fn line(&self, before: Totals, now: Totals) -> String {
        let mut line = format!(
            "{}, {} bytes/s up, {} bytes/s down",
            Counted(now.open, "flow"),
            Grouped(now.up - before.up),
            Grouped(now.down - before.down),
        );
        if now.accepted > before.accepted {
            line.push_str(&format!(", {} new", Grouped(now.accepted - before.accepted)));
        }
        if now.errors > before.errors {
            let errors = Counted(now.errors - before.errors, "error");
            line.push_str(&format!(", {errors} (the last: {})", self.last_error.borrow()));
        }
        line
    }

    /// Everything since the start, in a sentence.
    pub(crate) fn summary(&self) -> impl fmt::Display {
        let Totals { up, down, accepted, errors, .. } = self.totals();
        let (flows, errors) = (Counted(accepted, "flow"), Counted(errors, "error"));
        let mut summary =
            format!("{flows}, {} bytes up, {} bytes down, {errors}", Grouped(up), Grouped(down));
        if self.errors.get() > 0 {
            summary.push_str(&format!(" (the last: {})", self.last_error.borrow()));
        }
        summary
    }
}
