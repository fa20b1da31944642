//! The table at the end, and the verdict.

use std::{fmt, time::Duration};

use crate::{
    arguments::Arguments,
    common::numbers::{Counted, Grouped},
    run::Outcome,
};

const PERCENTILES: [(&str, f64); 4] =
    [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p99.9", 99.9)];

/// What was asked and what came of it, for people.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) arguments: &'a Arguments,
    pub(crate) outcome: &'a Outcome,
}

impl Outcome {
    /// Whether every message came back whole, and any did.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        match self.errors() {
            0 if self.shared.tally.answers() == 0 => Err("not one message came back".into()),
            0 => Ok(()),
            errors => Err(Counted(errors, "error").to_string()),
        }
    }

    /// Connections that failed, and messages without an answer.
    fn errors(&self) -> u64 {
        let tally = &self.shared.tally;
        tally.errors().iter().map(|(_, count)| count).sum::<u64>() + tally.unanswered()
    }
}

impl Report<'_> {
    fn write_load(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { arguments, outcome } = self;
        write!(
            f,
            "{}: {}, {} a message, ",
            arguments.target,
            Counted(outcome.connections, "connection"),
            Counted(arguments.size as u64, "byte"),
        )?;
        match (arguments.rate, arguments.depth) {
            (None, depth) => write!(f, "closed loop, {} on the way each", depth.unwrap_or(1))?,
            (Some(rate), None) => write!(f, "open loop at {rate} messages/s")?,
            (Some(rate), Some(depth)) => {
                write!(f, "open loop at {rate} messages/s, at most {depth} on the way each")?;
            }
        }
        writeln!(f)
    }

    /// In an open loop: what was due in all this time, and was not even sent.
    fn write_unsent(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(rate) = self.arguments.rate else { return Ok(()) };
        let elapsed = self.outcome.elapsed.min(self.arguments.duration);
        let due = (elapsed.as_secs_f64() * rate) as u64;
        let unsent = due.saturating_sub(self.outcome.shared.tally.questions());
        line(f, "due, not sent", &Grouped(unsent), "")
    }

    fn write_errors(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tally = &self.outcome.shared.tally;
        line(f, "errors", &Grouped(self.outcome.errors()), "")?;
        for (error, count) in tally.errors() {
            line(f, "", &Grouped(count), &error)?;
        }
        if tally.unanswered() > 0 {
            line(f, "", &Grouped(tally.unanswered()), "without an answer")?;
        }
        Ok(())
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tally = &self.outcome.shared.tally;
        let seconds = self.outcome.elapsed.as_secs_f64().max(1e-9);
        let rate = tally.answers() as f64 / seconds;
        self.write_load(f)?;
        line(f, "requests", &Grouped(tally.answers()), &format!("in {seconds:.2} s"))?;
        line(f, "requests/s", &Grouped(rate as u64), "")?;
        let bytes = rate * self.arguments.size as f64;
        line(f, "bytes/s", &Grouped(bytes as u64), "each way")?;
        if tally.answers() > 0 {
            for (name, percent) in PERCENTILES {
                line(f, name, &Latency(tally.percentile(percent)), "")?;
            }
            line(f, "max", &Latency(tally.longest()), "")?;
        }
        self.write_unsent(f)?;
        self.write_errors(f)
    }
}

fn line(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    value: &dyn fmt::Display,
    remark: &str,
) -> fmt::Result {
    let separator = if remark.is_empty() { "" } else { "  " };
    writeln!(f, "  {name:<14}{value:>16}{separator}{remark}")
}

/// A duration in the unit that suits it.
#[derive(Clone, Copy, Debug)]
struct Latency(Duration);

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_secs_f64() * 1e6;
        let text = match micros {
            micros if micros < 1e3 => format!("{micros:.1} us"),
            micros if micros < 1e6 => format!("{:.2} ms", micros / 1e3),
            micros => format!("{:.2} s", micros / 1e6),
        };
        f.pad(&text)
    }
}
