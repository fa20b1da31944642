//! Latencies, and the line of results.

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// Collects what is measured, from the moment it is started.
#[derive(Debug)]
pub(crate) struct Measurement {
    latencies: Histogram<u64>,
    since: Instant,
}

/// The results; `Display` is the machine-readable line.
#[derive(Debug)]
pub(crate) struct Report {
    latencies: Histogram<u64>,
    elapsed: Duration,
}

impl Measurement {
    /// Starts now.
    pub(crate) fn start() -> io::Result<Self> {
        // One nanosecond to one minute with three digits: 200 KiB, allocated once.
        let latencies =
            Histogram::new_with_bounds(1, 60_000_000_000, 3).map_err(io::Error::other)?;
        Ok(Self { latencies, since: Instant::now() })
    }

    /// Forgets what the warm-up did.
    pub(crate) fn restart(&mut self) {
        self.latencies.reset();
        self.since = Instant::now();
    }

    #[inline]
    pub(crate) fn record(&mut self, latency: Duration) {
        // Above a minute it is counted as a minute.
        self.latencies.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(crate) fn finish(self) -> Report {
        Report { latencies: self.latencies, elapsed: self.since.elapsed() }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.elapsed.as_secs_f64();
        let microseconds = |quantile| self.latencies.value_at_quantile(quantile) as f64 / 1000.0;
        write!(
            f,
            "messages={} seconds={seconds:.6} rate={:.1} p50_us={:.2} p99_us={:.2} max_us={:.2}",
            self.latencies.len(),
            self.latencies.len() as f64 / seconds,
            microseconds(0.5),
            microseconds(0.99),
            self.latencies.max() as f64 / 1000.0,
        )
    }
}
