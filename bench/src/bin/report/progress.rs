//! The progress line: what is going on, and the time left. On a terminal it is one line that is
//! written over; elsewhere, a line every ten seconds.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

const QUIET: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Progress {
    start: Instant,
    /// When all should be over; it moves as more becomes known.
    end: Instant,
    terminal: bool,
    said: Option<Instant>,
}

impl Progress {
    pub(crate) fn new(budget: Duration) -> Self {
        let start = Instant::now();
        Self { start, end: start + budget, terminal: io::stderr().is_terminal(), said: None }
    }

    /// What it has been told of the end.
    pub(crate) fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// The end is expected that far from now, and never later than was promised.
    pub(crate) fn expect(&mut self, left: Duration) {
        self.end = self.end.min(Instant::now() + left);
    }

    pub(crate) fn say(&mut self, what: &str) {
        let due = self.said.is_none_or(|said| said.elapsed() >= QUIET);
        if self.terminal || due {
            let line = format!("{} left  {what}", clock(self.left()));
            // A progress line that cannot be written is no reason to stop measuring.
            let _ = match self.terminal {
                true => write!(io::stderr(), "\r\x1b[K{line:.100}"),
                false => writeln!(io::stderr(), "{line}"),
            };
            self.said = Some(Instant::now());
        }
    }

    /// A line that stays.
    pub(crate) fn note(&mut self, what: &str) {
        let clear = if self.terminal { "\r\x1b[K" } else { "" };
        let _ = writeln!(io::stderr(), "{clear}{what}");
        self.said = None;
    }

    pub(crate) fn done(&mut self) {
        let took = clock(self.start.elapsed());
        self.note(&format!("measured in {took}"));
    }
}

fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_minutes_and_seconds() {
        assert_eq!(clock(Duration::from_secs(0)), "0:00");
        assert_eq!(clock(Duration::from_millis(899_900)), "14:59");
    }

    #[test]
    fn the_end_only_comes_nearer() {
        let mut progress = Progress::new(Duration::from_secs(100));
        progress.expect(Duration::from_secs(500));
        assert!(progress.left() <= Duration::from_secs(100));
        progress.expect(Duration::from_secs(5));
        assert!(progress.left() <= Duration::from_secs(5));
    }
}
