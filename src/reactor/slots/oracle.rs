//! Slots and table against a model that is too simple to be wrong: the list of who lives.
//!
//! `EDGEWAKE_SEED=n cargo test oracle` repeats the run of one seed, which a failure prints.

use edgewake_sys::{Selector, Token};

use super::{Insertion, Slots, Table};
use crate::{
    reactor::{
        kind::Kind,
        source::{NO_TOKEN, Source},
    },
    sync::Arc,
};

const SEEDS: u64 = 60;
const STEPS: usize = 2000;

/// Marsaglia's xorshift64*, plenty for choosing operations.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        // Neighbouring seeds must not begin alike, and the state must not be zero.
        Random(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as usize % limit
    }
}

/// A source that lives, and what it was inserted with.
struct Living {
    token: Token,
    fd: i32,
    source: Arc<Source>,
    /// The table has caught up since.
    known: bool,
}

struct Run {
    random: Random,
    slots: Slots,
    table: Table,
    living: Vec<Living>,
    /// Tokens that were given up.
    stale: Vec<Token>,
    /// Given up since the table last caught up.
    leaving: Vec<Arc<Source>>,
    /// How many may live: some runs reuse a few slots over and over.
    most: usize,
}

impl Run {
    fn new(seed: u64) -> Self {
        Run {
            random: Random::new(seed),
            slots: Slots::default(),
            table: Table::default(),
            living: Vec::new(),
            stale: Vec::new(),
            leaving: Vec::new(),
            most: [1, 2, 5, 30, 400][seed as usize % 5],
        }
    }

    fn step(&mut self) {
        match self.random.below(10) {
            0..=3 => self.insert(),
            4..=5 => self.remove(),
            6 => self.remove_stale(),
            7 => self.catch_up(),
            8 => self.ask_for_owner(),
            _ => self.look_up(),
        }
        assert_eq!(self.slots.live(), self.living.len());
    }

    fn insert(&mut self) {
        if self.living.len() == self.most {
            return;
        }
        let source = Arc::new(Source::new(Kind::Other, false, None));
        let fd = self.random.below(2 * self.most) as i32;
        let taken = self.living.iter().any(|living| living.fd == fd);
        match self.slots.insert(fd, &source) {
            Insertion::Token(token) => {
                assert!(!(taken && Selector::REPLACES_DUPLICATES));
                assert_ne!(token, NO_TOKEN);
                assert!(!self.stale.contains(&token), "a token is used once");
                assert!(self.living.iter().all(|living| living.token != token));
                source.set_token(token);
                self.living.push(Living { token, fd, source, known: false });
            }
            Insertion::Taken => assert!(taken && Selector::REPLACES_DUPLICATES),
            other => panic!("{other:?}"),
        }
    }

    fn remove(&mut self) {
        if self.living.is_empty() {
            return;
        }
        let nth = self.random.below(self.living.len());
        let Living { token, source, .. } = self.living.swap_remove(nth);
        source.set_token(NO_TOKEN);
        self.slots.remove(token);
        self.stale.push(token);
        self.leaving.push(source);
    }

    /// Giving a token up twice, or one that never was, changes nothing.
    fn remove_stale(&mut self) {
        self.slots.remove(NO_TOKEN);
        if !self.stale.is_empty() {
            let nth = self.random.below(self.stale.len());
            self.slots.remove(self.stale[nth]);
        }
    }

    fn catch_up(&mut self) {
        let gone = self.table.catch_up(&mut self.slots);
        assert_eq!(gone.len(), self.leaving.len());
        for source in self.leaving.drain(..) {
            assert!(gone.iter().any(|gone| Arc::ptr_eq(gone, &source)));
        }
        self.living.iter_mut().for_each(|living| living.known = true);
        assert_eq!(self.table.iter().count(), self.living.len());
    }

    fn ask_for_owner(&mut self) {
        let fd = self.random.below(2 * self.most) as i32;
        let nobody = Token(u64::from(u32::MAX));
        let owned = self.living.iter().any(|living| living.fd == fd);
        assert_eq!(self.slots.is_owned(fd, nobody), owned);
        if let Some(living) = self.living.first() {
            let shared = self.living.iter().skip(1).any(|other| other.fd == living.fd);
            assert_eq!(self.slots.is_owned(living.fd, living.token), shared);
        }
    }

    /// Every event of a batch: those of the living reach them once the table has caught up, stale
    /// ones reach nobody (T26, T28).
    fn look_up(&mut self) {
        for living in &self.living {
            let met = self.table.find(living.token);
            match met {
                Some(met) => assert!(living.known && std::ptr::eq(met, &*living.source)),
                None => assert!(!living.known),
            }
        }
        let recent = self.stale.len().saturating_sub(50);
        for token in self.stale[recent..].iter().chain([&NO_TOKEN, &Token(u64::MAX)]) {
            assert!(self.table.find(*token).is_none(), "{token:?} is stale");
        }
    }
}

// T25, T26, T28. Goal: whatever comes and goes, in whatever order, a token finds its source and a
// stale one finds nobody; nothing is kept that has gone.
#[test]
fn t26_slots_and_table_agree_with_the_oracle() {
    let asked = std::env::var("EDGEWAKE_SEED").ok().map(|seed| seed.parse().expect("a number"));
    let seeds = asked.map_or(0..SEEDS, |seed: u64| seed..seed + 1);
    for seed in seeds {
        let outcome = std::panic::catch_unwind(|| {
            let mut run = Run::new(seed);
            (0..STEPS).for_each(|_| run.step());
            run.catch_up();
            run.living.iter().for_each(|living| assert_eq!(Arc::strong_count(&living.source), 2));
            run.slots.shut();
            let source = Arc::new(Source::new(Kind::Other, false, None));
            assert!(matches!(run.slots.insert(0, &source), Insertion::Shut));
            assert_eq!((run.slots.live(), Arc::strong_count(&source)), (0, 1));
            assert_eq!(std::iter::from_fn(|| run.table.pop()).count(), run.living.len());
        });
        if outcome.is_err() {
            panic!("EDGEWAKE_SEED={seed} repeats this");
        }
    }
}
