//! What is counted while it runs.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

/// The longest latency that is told from longer ones.
const LONGEST: Duration = Duration::from_secs(3600);

/// Counters and latencies of all connections.
pub(crate) struct Tally {
    sent: Cell<u64>,
    answered: Cell<u64>,
    /// Messages of connections that failed.
    lost: Cell<u64>,
    last_answer: Cell<Option<Instant>>,
    latencies: RefCell<Histogram<u64>>,
    /// How often each error ended a connection, or kept it from being made.
    errors: RefCell<BTreeMap<String, u64>>,
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tally").field("answered", &self.answered).finish_non_exhaustive()
    }
}

impl Tally {
    pub(crate) fn new() -> Tally {
        let longest = LONGEST.as_nanos() as u64;
        let latencies =
            Histogram::new_with_bounds(1, longest, 3).expect("bounds and digits that it takes");
        Tally {
            sent: Cell::new(0),
            answered: Cell::new(0),
            lost: Cell::new(0),
            last_answer: Cell::new(None),
            latencies: RefCell::new(latencies),
            errors: RefCell::new(BTreeMap::new()),
        }
    }

    /// A message is being sent.
    pub(crate) fn sent(&self) {
        self.sent.set(self.sent.get() + 1);
    }

    /// A message came back whole.
    pub(crate) fn answered(&self, latency: Duration, now: Instant) {
        self.answered.set(self.answered.get() + 1);
        self.last_answer.set(Some(now));
        let nanos = latency.as_nanos().try_into().unwrap_or(u64::MAX);
        self.latencies.borrow_mut().saturating_record(nanos);
    }

    /// A connection failed with so many messages unanswered, or could not be made.
    pub(crate) fn fail(&self, error: &std::io::Error, unanswered: u64) {
        self.lost.set(self.lost.get() + unanswered);
        *self.errors.borrow_mut().entry(error.to_string()).or_default() += 1;
    }

    /// Messages that were sent.
    pub(crate) fn questions(&self) -> u64 {
        self.sent.get()
    }

    /// Messages that came back whole.
    pub(crate) fn answers(&self) -> u64 {
        self.answered.get()
    }

    pub(crate) fn last_answer(&self) -> Option<Instant> {
        self.last_answer.get()
    }

    /// Messages without an answer, whose connections are whole all the same.
    pub(crate) fn unanswered(&self) -> u64 {
        self.sent.get() - self.answered.get() - self.lost.get()
    }

    /// The latency that so many percent of the messages did not exceed.
    pub(crate) fn percentile(&self, percent: f64) -> Duration {
        Duration::from_nanos(self.latencies.borrow().value_at_percentile(percent))
    }

    pub(crate) fn longest(&self) -> Duration {
        Duration::from_nanos(self.latencies.borrow().max())
    }

    /// Each error with its number.
    pub(crate) fn errors(&self) -> Vec<(String, u64)> {
        self.errors.borrow().iter().map(|(error, count)| (error.clone(), *count)).collect()
    }
}
