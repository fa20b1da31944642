//! What the reactor is held against: two words of plain facts a source, and the tasks that wait.
//!
//! A word is known exactly. Of the waits it is known who *must* be woken by an event (who waits for
//! what it says), and who *may* be (who ever waited there for such a thing: a waker that is woken
//! once more than it needs to be is allowed, one that nothing happened to is not).

use edgewake::fuzz::{Entry, Kind, Seen, Waited, Watched, Way, Word};

use crate::raw::Meaning;

/// What a wait is woken by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For {
    /// Whatever makes an attempt worth while.
    Readiness,
    /// The end of the direction.
    End,
}

/// One direction of a source.
#[derive(Debug, Default)]
pub(crate) struct Side {
    pub(crate) word: Word,
    /// How many events there were.
    pub(crate) events: u64,
    /// What a snapshot knows: itself, the events and the word at that time, and the waits.
    pub(crate) seen: Option<(Seen, u64, Word, u64)>,
    /// How many waits were begun, each of which may have changed the slot.
    pub(crate) waits: u64,
}

impl Side {
    pub(crate) fn is_worth_trying(&self) -> bool {
        let word = self.word;
        word.data || word.closed || word.error || word.assumed || word.shut
    }

    /// What a wait by a slot comes to.
    pub(crate) fn slot_wait(&self) -> Waited {
        self.wait(self.is_worth_trying())
    }

    /// What a wait in the list comes to, which nothing but what it is for can end.
    pub(crate) fn listed_wait(&self, what: For) -> Waited {
        let word = self.word;
        let readiness = what == For::Readiness && (word.data || word.error);
        self.wait(readiness || word.closed || word.shut)
    }

    fn wait(&self, ends: bool) -> Waited {
        match (ends, self.word.registered) {
            (true, _) => Waited::Retry,
            (false, true) => Waited::Pending,
            (false, false) => Waited::Unregistered,
        }
    }

    /// Whether the snapshot is still of the present, as far as events go; and whether a change of
    /// the slot, which counts as one, can have come between.
    pub(crate) fn is_present(&self) -> Option<(Seen, Word, bool)> {
        let (seen, events, word, waits) = self.seen?;
        (events == self.events).then_some((seen, word, waits != self.waits))
    }
}

/// A source that lives.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) watched: Watched,
    pub(crate) sides: [Side; 2],
    /// The descriptor that it is registered with.
    pub(crate) fd: Option<usize>,
    /// It is to be looked at again.
    pub(crate) noted: bool,
    /// kqueue: what of the last report was not read yet.
    pub(crate) remembered: i64,
    pub(crate) number: u64,
    pub(crate) kind: Kind,
}

/// What an event says of the two directions: bits of each.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Effect {
    pub(crate) data: bool,
    pub(crate) closed: bool,
    pub(crate) error: bool,
    pub(crate) priority: bool,
}

impl Effect {
    pub(crate) fn of(meaning: &Meaning, kind: Kind) -> [Effect; 2] {
        let error = meaning.error;
        // T36: a pipe's reader is gone, which kqueue tells the writer as the end of its reading.
        let reader_gone =
            cfg!(edgewake_kqueue = "fake") && kind == Kind::PipeWriter && meaning.read_closed;
        [
            Effect {
                data: meaning.readable,
                closed: meaning.read_closed,
                error,
                priority: meaning.priority,
            },
            Effect {
                data: meaning.writable,
                closed: meaning.write_closed || reader_gone,
                error,
                priority: false,
            },
        ]
    }

    pub(crate) fn is_any(self) -> bool {
        self.data || self.closed || self.error || self.priority
    }

    /// Whether a wait for this must be woken by it.
    pub(crate) fn wakes(self, what: For) -> bool {
        match what {
            For::Readiness => self.data || self.closed || self.error,
            For::End => self.closed,
        }
    }

    /// Whether it may: who is in the slot is woken by any event of the direction.
    pub(crate) fn may_wake(self, what: For) -> bool {
        match what {
            For::Readiness => self.is_any(),
            For::End => self.closed,
        }
    }
}

impl Source {
    pub(crate) fn apply(&mut self, effects: [Effect; 2]) {
        if effects[0].priority {
            self.sides[0].word.drains = false;
        }
        for (side, effect) in self.sides.iter_mut().zip(effects) {
            side.word.data |= effect.data;
            side.word.closed |= effect.closed;
            side.word.error |= effect.error;
            side.word.priority |= effect.priority;
            side.events += u64::from(effect.is_any());
        }
    }

    pub(crate) fn check(&self) {
        for (side, way) in self.sides.iter().zip([Way::Read, Way::Write]) {
            let word = self.watched.word(way);
            assert_eq!(word, side.word, "{way:?} of source {}", self.number);
            assert!(!(word.registered && word.assumed), "nothing is assumed of what is registered");
        }
    }
}

/// A wait that the model follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    pub(crate) source: u64,
    pub(crate) side: usize,
    pub(crate) what: For,
    pub(crate) task: usize,
}

/// A future that waits, with its place in the list.
#[derive(Debug)]
pub(crate) struct Future {
    pub(crate) wait: Wait,
    pub(crate) entry: Option<Entry>,
}

/// Who waits, and who ever did.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    /// They must be woken by what they wait for.
    pub(crate) waiting: Vec<Wait>,
    /// They may be.
    pub(crate) known: Vec<Wait>,
}

impl Waits {
    pub(crate) fn add(&mut self, wait: Wait) {
        self.waiting.retain(|other| *other != wait);
        self.waiting.push(wait);
        self.know(wait);
    }

    pub(crate) fn know(&mut self, wait: Wait) {
        if !self.known.contains(&wait) {
            self.known.push(wait);
        }
    }

    /// Whether one of the source's waits must end, and whether one may, and the tasks of both.
    pub(crate) fn meet(
        &mut self,
        source: u64,
        effects: [Effect; 2],
        due: &mut Due,
    ) -> (bool, bool) {
        let mut must = false;
        self.waiting.retain(|wait| {
            let effect = effects[wait.side];
            if wait.source != source || !effect.may_wake(wait.what) {
                return true;
            }
            if effect.wakes(wait.what) {
                must = true;
                due.must.push(wait.task);
            }
            // One that is woken without need is over as well, or is not: nobody can say.
            false
        });
        let mut may = false;
        for wait in &self.known {
            if wait.source == source && effects[wait.side].may_wake(wait.what) {
                may = true;
                due.may.push(wait.task);
            }
        }
        (must, may)
    }
}

/// The tasks that a batch must wake, and those that it may.
#[derive(Debug, Default)]
pub(crate) struct Due {
    pub(crate) must: Vec<usize>,
    pub(crate) may: Vec<usize>,
}
