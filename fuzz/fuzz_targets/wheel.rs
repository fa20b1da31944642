//! The timer wheel against a sorted map of deadlines: whatever is inserted, removed, reset and
//! advanced, by whatever amounts up to the end of time, both know the same timers, the same
//! earliest deadline, and fire the same timers at the same step, in the order of their deadlines.
#![no_main]

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use edgewake::fuzz::{Timer, Wheel};
use libfuzzer_sys::fuzz_target;

/// A time: near something, or anywhere.
#[derive(Arbitrary, Debug)]
enum Moment {
    /// So much after the present.
    After(u64),
    /// So little after it.
    Soon(u16),
    Past(u32),
    Anywhere(u64),
    Last,
    /// Where buckets of a level meet, a nanosecond before it, or behind it.
    Border {
        level: u8,
        buckets: u8,
        beside: u8,
    },
    /// That of the earliest timer, a nanosecond before it, or behind it.
    Earliest {
        beside: u8,
    },
}

#[derive(Arbitrary, Debug)]
enum Step {
    Insert(Moment),
    Remove(u8),
    /// To another deadline, as a sleep that is reset.
    Reset(u8, Moment),
    Get(u8),
    /// A timer that fired or was removed.
    Stale(u8),
    Advance(Moment),
}

struct Run {
    wheel: Wheel,
    now: u64,
    /// By deadline and number.
    model: BTreeMap<(u64, u64), Timer>,
    stale: Vec<Timer>,
    inserted: u64,
}

fn beside(moment: u64, beside: u8) -> u64 {
    moment.saturating_add(u64::from(beside % 3)).saturating_sub(1)
}

impl Run {
    fn moment(&self, moment: &Moment) -> u64 {
        match *moment {
            Moment::After(time) => self.now.saturating_add(time),
            Moment::Soon(time) => self.now.saturating_add(time.into()),
            Moment::Past(time) => self.now.saturating_sub(time.into()),
            Moment::Anywhere(time) => time,
            Moment::Last => u64::MAX,
            Moment::Border { level, buckets, beside: side } => {
                let width = 16 + 6 * u32::from(level % 9).min(7);
                let border = (self.now >> width).saturating_add(buckets.into());
                beside(border.saturating_mul(1 << width), side)
            }
            Moment::Earliest { beside: side } => {
                beside(self.model.keys().next().map_or(self.now, |(deadline, _)| *deadline), side)
            }
        }
    }

    fn nth(&self, nth: u8) -> Option<(u64, u64)> {
        let count = self.model.len();
        (count > 0).then(|| self.model.keys().nth(usize::from(nth) % count).copied()).flatten()
    }

    fn insert(&mut self, deadline: u64) {
        let timer = self.wheel.insert(deadline, self.inserted);
        assert!(!self.stale.contains(&timer), "a key is good for one timer only");
        assert!(self.model.values().all(|other| *other != timer));
        self.model.insert((deadline, self.inserted), timer);
        self.inserted += 1;
    }

    fn remove(&mut self, at: (u64, u64)) {
        let timer = self.model.remove(&at).expect("it was found there");
        assert_eq!(self.wheel.remove(timer), Some(at.1));
        self.stale.push(timer);
    }

    fn advance(&mut self, to: u64) {
        self.now = self.now.max(to);
        let later = match self.now.checked_add(1) {
            Some(later) => self.model.split_off(&(later, 0)),
            None => BTreeMap::new(),
        };
        let due = std::mem::replace(&mut self.model, later);
        let mut fired = Vec::new();
        self.wheel.advance(to, &mut fired);
        let deadlines: BTreeMap<u64, u64> = due.keys().map(|(at, number)| (*number, *at)).collect();
        assert_eq!(fired.len(), due.len(), "how many fired at {}", self.now);
        let in_order: Vec<u64> = fired.iter().map(|number| deadlines[number]).collect();
        assert!(in_order.is_sorted(), "{in_order:?}");
        fired.sort_unstable();
        assert!(fired.iter().eq(deadlines.keys()), "what fired at {}", self.now);
        self.stale.extend(due.into_values());
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Insert(moment) => self.insert(self.moment(moment)),
            Step::Remove(nth) => {
                if let Some(at) = self.nth(*nth) {
                    self.remove(at);
                }
            }
            Step::Reset(nth, moment) => {
                if let Some(at) = self.nth(*nth) {
                    let deadline = self.moment(moment);
                    self.remove(at);
                    self.insert(deadline);
                }
            }
            Step::Get(nth) => {
                if let Some(at) = self.nth(*nth) {
                    assert_eq!(self.wheel.get(self.model[&at]), Some(at.1));
                }
            }
            Step::Stale(nth) => {
                let nth = usize::from(*nth) % self.stale.len().max(1);
                if let Some(timer) = self.stale.get(nth) {
                    assert_eq!(self.wheel.get(*timer), None);
                    assert_eq!(self.wheel.remove(*timer), None);
                }
            }
            Step::Advance(moment) => self.advance(self.moment(moment)),
        }
        assert_eq!(self.wheel.len(), self.model.len());
        assert_eq!(self.wheel.is_empty(), self.model.is_empty());
        let earliest = self.model.keys().next().map(|(deadline, _)| *deadline);
        assert_eq!(self.wheel.next_deadline(), earliest);
    }
}

fuzz_target!(|input: (u64, Vec<Step>)| {
    let (now, steps) = input;
    let (model, stale) = (BTreeMap::new(), Vec::new());
    let mut run = Run { wheel: Wheel::new(now), now, model, stale, inserted: 0 };
    for step in &steps {
        run.step(step);
    }
    // To the end, one deadline after the other.
    while let Some((deadline, _)) = run.model.keys().next().copied() {
        run.advance(deadline);
    }
    assert!(run.wheel.is_empty());
    assert_eq!(run.wheel.next_deadline(), None);
});
