//! The wheel against a model that is too simple to be wrong: a sorted map of deadlines.
//!
//! `EDGEWAKE_SEED=n cargo test oracle` repeats the run of one seed, which a failure prints.

use std::collections::BTreeMap;

use super::{Key, Wheel};

const SEEDS: u64 = 60;
const STEPS: usize = 4000;

/// Marsaglia's xorshift64*, plenty for choosing operations.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        // Neighbouring seeds must not begin alike, and the state must not be zero.
        Random(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 11) % limit
    }

    /// A number of up to `bits` bits, of all magnitudes alike.
    fn magnitude(&mut self, bits: u64) -> u64 {
        let bits = self.below(bits) + 1;
        self.next() >> (64 - bits)
    }
}

struct Run {
    random: Random,
    wheel: Wheel<u64>,
    /// By deadline and number: the order in which they are due, whatever equal deadlines do.
    model: BTreeMap<(u64, u64), Key>,
    /// Keys of timers that fired or were removed.
    stale: Vec<Key>,
    now: u64,
    inserted: u64,
    /// How far deadlines and steps reach, in bits.
    reach: u64,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let now = if seed % 3 == 0 { 0 } else { random.magnitude(64) };
        // Some runs stay within a few buckets, some go to the end of time at once.
        let reach = [12, 17, 20, 24, 30, 36, 42, 50, 58, 64][seed as usize % 10];
        let (model, stale) = (BTreeMap::new(), Vec::new());
        Run { random, wheel: Wheel::new(now), model, stale, now, inserted: 0, reach }
    }

    fn step(&mut self) {
        match self.random.below(20) {
            0..=8 => self.insert(),
            9..=12 => self.remove_any(),
            13 => self.remove_earliest(),
            14 => self.look(),
            15 => self.miss(),
            16 => self.advance_to_next(),
            17 => self.advance_by_step(),
            _ => self.ask(),
        }
        assert_eq!(self.wheel.len(), self.model.len());
        assert_eq!(self.wheel.is_empty(), self.model.is_empty());
        assert_eq!(self.wheel.now(), self.now);
    }

    fn insert(&mut self) {
        let deadline = match self.random.below(16) {
            0 => self.now,
            1 => self.now.saturating_sub(self.random.magnitude(self.reach)),
            2 => u64::MAX,
            // The border of a bucket, a nanosecond beside it, or on it.
            3..=5 => {
                let width = 16 + 6 * self.random.below(8);
                let border = (self.now >> width).saturating_add(self.random.below(65));
                let border = border.checked_shl(width as u32).unwrap_or(u64::MAX);
                border.saturating_add(self.random.below(3)).saturating_sub(1)
            }
            6 => self.model.keys().next().map_or(self.now, |(deadline, _)| *deadline),
            _ => self.now.saturating_add(self.random.magnitude(self.reach)),
        };
        let key = self.wheel.insert(deadline, self.inserted);
        self.model.insert((deadline, self.inserted), key);
        self.inserted += 1;
    }

    fn any(&mut self) -> Option<(u64, u64)> {
        let nth = self.random.below(self.model.len().max(1) as u64);
        self.model.keys().nth(nth as usize).copied()
    }

    fn remove(&mut self, timer: (u64, u64)) {
        let key = self.model.remove(&timer).unwrap();
        assert_eq!(self.wheel.remove(key), Some(timer.1));
        self.stale.push(key);
    }

    fn remove_any(&mut self) {
        if let Some(timer) = self.any() {
            self.remove(timer);
        }
    }

    fn remove_earliest(&mut self) {
        for _ in 0..self.random.below(4) {
            if let Some(timer) = self.model.keys().next().copied() {
                self.remove(timer);
            }
            self.ask();
        }
    }

    fn look(&mut self) {
        if let Some(timer) = self.any() {
            let value = self.wheel.get_mut(self.model[&timer]);
            assert_eq!(value.copied(), Some(timer.1));
        }
    }

    fn miss(&mut self) {
        let nth = self.random.below(self.stale.len().max(1) as u64);
        if let Some(key) = self.stale.get(nth as usize).copied() {
            assert_eq!(self.wheel.get_mut(key), None);
            assert_eq!(self.wheel.remove(key), None);
        }
    }

    /// All of them, while their cells are in use again.
    fn miss_all(&mut self) {
        for key in &self.stale {
            assert_eq!(self.wheel.get_mut(*key), None);
        }
    }

    fn ask(&mut self) {
        let expected = self.model.keys().next().map(|(deadline, _)| *deadline);
        assert_eq!(self.wheel.next_deadline(), expected);
    }

    /// To the earliest deadline, or one nanosecond to either side of it.
    fn advance_to_next(&mut self) {
        let Some((deadline, _)) = self.model.keys().next().copied() else { return };
        let to = deadline.saturating_add(self.random.below(3)).saturating_sub(1);
        self.advance(to);
    }

    fn advance_by_step(&mut self) {
        let to = match self.random.below(12) {
            0 => self.random.below(self.now.saturating_add(1)),
            1 => self.now,
            // Not so often that most of a run happens at the end of time.
            2 if self.random.below(200) == 0 => u64::MAX,
            _ => {
                let reach = self.reach.min(self.random.below(60) + 1);
                self.now.saturating_add(self.random.magnitude(reach))
            }
        };
        self.advance(to);
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
        assert_eq!(fired.len(), due.len(), "fired at {}", self.now);
        // The model sorts equal deadlines by number; among the wheel's any order is right.
        let numbers: BTreeMap<u64, u64> = due.keys().map(|(d, number)| (*number, *d)).collect();
        let deadlines: Vec<u64> = fired.iter().map(|number| numbers[number]).collect();
        assert!(deadlines.is_sorted(), "order of {deadlines:?}");
        fired.sort_unstable();
        assert!(fired.iter().eq(numbers.keys()), "what fired at {}", self.now);
        self.stale.extend(due.into_values());
    }

    fn finish(mut self) {
        self.ask();
        while let Some((deadline, _)) = self.model.keys().next().copied() {
            self.advance(deadline);
        }
        assert!(self.wheel.is_empty());
        self.wheel.check();
    }
}

/// Says which seed it was if the run of it panics.
struct Announce(u64);

impl Drop for Announce {
    fn drop(&mut self) {
        if std::thread::panicking() {
            use std::io::Write;
            let line = format!("to repeat: EDGEWAKE_SEED={} cargo test oracle\n", self.0);
            // Nothing is left to do where even stderr does not take the line.
            drop(std::io::stderr().write_all(line.as_bytes()));
        }
    }
}

fn run(seed: u64) {
    let _announce = Announce(seed);
    let mut run = Run::new(seed);
    for step in 0..STEPS {
        run.step();
        if step % 32 == 0 {
            run.wheel.check();
        }
        if step % 512 == 0 {
            run.miss_all();
        }
    }
    run.finish();
}

#[test]
fn oracle_random_operations_agree_with_a_sorted_map() {
    match std::env::var("EDGEWAKE_SEED") {
        Ok(seed) => run(seed.parse().expect("EDGEWAKE_SEED is a number")),
        Err(_) => (0..SEEDS).for_each(run),
    }
}
