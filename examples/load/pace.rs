//! When the messages of one connection are due, and from when their latency counts.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// How long after the end a message is still sent that was due before it. A timer that fires a
/// little late must not look like a server that has fallen behind.
const LATE: Duration = Duration::from_millis(100);

/// What the pace allows at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// A message.
    Now,
    /// A message, or the end, at this time; before that an answer may come.
    At(Instant),
    /// A message after the next answer.
    AfterAnswer,
    /// No further message.
    Never,
}

/// The pace of one connection.
#[derive(Debug)]
pub(crate) struct Pace {
    clock: Clock,
    /// Messages that may be on their way.
    depth: u64,
    sent: u64,
    answered: u64,
}

#[derive(Debug)]
enum Clock {
    /// A message is due when there is room for it; its latency counts from its being sent.
    Closed { sent_at: VecDeque<Instant> },
    /// Messages are due at fixed times, and their latency counts from those.
    Open(Schedule),
}

/// Which of all messages, taken together, are those of one connection: they take turns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    pub(crate) start: Instant,
    /// Messages a second over all connections.
    pub(crate) rate: f64,
    pub(crate) connections: u64,
    /// This one's place in the turn.
    pub(crate) place: u64,
}

impl Schedule {
    /// When message `number` of this connection is due.
    fn due(&self, number: u64) -> Instant {
        let overall = self.place + number * self.connections;
        self.start + Duration::from_secs_f64(overall as f64 / self.rate)
    }
}

impl Pace {
    pub(crate) fn closed(depth: u32) -> Pace {
        Pace::new(Clock::Closed { sent_at: VecDeque::new() }, depth.into())
    }

    pub(crate) fn open(schedule: Schedule, depth: Option<u32>) -> Pace {
        Pace::new(Clock::Open(schedule), depth.map_or(u64::MAX, u64::from))
    }

    fn new(clock: Clock, depth: u64) -> Pace {
        Pace { clock, depth, sent: 0, answered: 0 }
    }

    /// Messages that wait for their answer.
    pub(crate) fn outstanding(&self) -> u64 {
        self.sent - self.answered
    }

    /// Messages that were answered.
    pub(crate) fn answered(&self) -> u64 {
        self.answered
    }

    /// What may be sent at `now`, if nothing is due from `end` on.
    pub(crate) fn due(&self, now: Instant, end: Instant) -> Due {
        let due = match &self.clock {
            Clock::Closed { .. } => now,
            Clock::Open(schedule) => schedule.due(self.sent),
        };
        if due >= end && now < end {
            Due::At(end)
        } else if due >= end || now >= end + LATE {
            Due::Never
        } else if self.outstanding() >= self.depth {
            Due::AfterAnswer
        } else if due <= now {
            Due::Now
        } else {
            Due::At(due)
        }
    }

    /// A message is being sent.
    pub(crate) fn send(&mut self, now: Instant) {
        self.sent += 1;
        if let Clock::Closed { sent_at } = &mut self.clock {
            sent_at.push_back(now);
        }
    }

    /// The oldest outstanding message was answered. Returns from when its latency counts.
    pub(crate) fn answer(&mut self) -> Instant {
        let number = self.answered;
        self.answered += 1;
        match &mut self.clock {
            Clock::Closed { sent_at } => {
                sent_at.pop_front().expect("an answer only counts where a message was sent")
            }
            Clock::Open(schedule) => schedule.due(number),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Due, LATE, Pace, Schedule};

    const SECOND: Duration = Duration::from_secs(1);

    // Goal: a closed loop has `depth` messages on their way, and an answer's latency counts from
    // when its own message was sent.
    #[test]
    fn closed_loop_waits_for_answers() {
        let start = Instant::now();
        let end = start + 10 * SECOND;
        let mut pace = Pace::closed(2);
        for sent_at in [start, start + SECOND] {
            assert_eq!(pace.due(sent_at, end), Due::Now);
            pace.send(sent_at);
        }
        assert_eq!(pace.due(start + SECOND, end), Due::AfterAnswer);
        assert_eq!(pace.answer(), start);
        assert_eq!(pace.due(start + SECOND, end), Due::Now);
        assert_eq!(pace.due(end, end), Due::Never);
        assert_eq!(pace.answer(), start + SECOND);
        assert_eq!(pace.outstanding(), 0);
    }

    // Goal: in an open loop the connections take turns, and what is sent late counts from when it
    // was due.
    #[test]
    fn open_loop_keeps_its_times() {
        let start = Instant::now();
        let end = start + 10 * SECOND;
        let schedule = Schedule { start, rate: 4.0, connections: 2, place: 1 };
        let mut pace = Pace::open(schedule, Some(2));
        let due = [start + SECOND / 4, start + 3 * SECOND / 4];
        assert_eq!(pace.due(start, end), Due::At(due[0]));
        let late = start + 5 * SECOND;
        for _ in 0..2 {
            assert_eq!(pace.due(late, end), Due::Now);
            pace.send(late);
        }
        assert_eq!(pace.due(late, end), Due::AfterAnswer);
        assert_eq!([pace.answer(), pace.answer()], due);
    }

    // Goal: what was due before the end is sent a little later, but not much.
    #[test]
    fn open_loop_ends() {
        let start = Instant::now();
        let end = start + SECOND;
        let schedule = Schedule { start, rate: 2.0, connections: 1, place: 0 };
        let mut pace = Pace::open(schedule, None);
        pace.send(start);
        assert_eq!(pace.due(end, end), Due::Now);
        assert_eq!(pace.due(end + LATE, end), Due::Never);
        pace.send(end);
        assert_eq!(pace.due(start, end), Due::At(end));
        assert_eq!(pace.due(end, end), Due::Never);
    }
}
