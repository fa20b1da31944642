//! Each step done to the reactor and to the model, and the two compared.

use std::{
    os::fd::{AsFd, FromRawFd, OwnedFd},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Wake, Waker},
};

use edgewake::fuzz::{Kind, Loop, Waited, Watched, Way};
use edgewake_sys::{Interest, fuzz};

use crate::{
    Birth, For, Outcome, Step,
    model::{self, Due, Effect, Future, Side, Source, Wait, Waits},
    raw::{Conditions, Meaning},
};

const SOURCES_MAX: usize = 6;
const FUTURES_MAX: usize = 12;
const TASKS: usize = 12;
const NOTIFIER: u64 = u64::MAX;
/// What is asked for in both directions, among `enroll`'s choices.
const BOTH: u8 = 3;
/// More than the stale events after which the selector is rebuilt.
const FLOOD: usize = 1100;

/// Descriptors to register; nothing ever happens to them.
static FDS: LazyLock<Vec<OwnedFd>> = LazyLock::new(|| (0..4).map(|_| eventfd()).collect());

fn eventfd() -> OwnedFd {
    // SAFETY: takes numbers by value.
    let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
    assert!(fd >= 0, "there is room for a descriptor");
    // SAFETY: it is new, and nobody else's.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Count>) {
        // Relaxed: there is one thread.
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

struct Task {
    count: Arc<Count>,
    waker: Waker,
}

impl Task {
    fn new() -> Task {
        let count = Arc::new(Count::default());
        Task { waker: Waker::from(Arc::clone(&count)), count }
    }

    fn wakes(&self) -> usize {
        // Relaxed: there is one thread.
        self.count.0.load(Ordering::Relaxed)
    }
}

pub(crate) struct Run {
    reactor: Loop,
    sources: Vec<Source>,
    futures: Vec<Future>,
    waits: Waits,
    tasks: Vec<Task>,
    stale: Vec<u64>,
    born: u64,
    /// Once is enough, and takes its time.
    flooded: bool,
}

fn way(write: bool) -> Way {
    if write { Way::Write } else { Way::Read }
}

impl Run {
    pub(crate) fn new(lent: bool) -> Run {
        let reactor = Loop::new().expect("there is room for a selector");
        if lent {
            reactor.lend();
        }
        Run {
            reactor,
            sources: Vec::new(),
            futures: Vec::new(),
            waits: Waits::default(),
            tasks: (0..TASKS).map(|_| Task::new()).collect(),
            stale: Vec::new(),
            born: 0,
            flooded: false,
        }
    }

    pub(crate) fn step(&mut self, step: &Step) {
        let before = self.wakes();
        let woken_by_steps =
            !matches!(step, Step::Batch(_) | Step::Flood(_) | Step::Look | Step::Turn { .. });
        match *step {
            Step::Watch { kind, birth } => self.watch(kind, birth),
            Step::Enroll { nth, fd, asked } => self.enroll(nth, fd, asked),
            Step::Drop(nth) => self.drop_source(nth),
            Step::Snapshot { nth, write } => self.snapshot(nth, write),
            Step::Blocked { nth, write } => self.blocked(nth, write),
            Step::NoPriority(nth) => self.no_priority(nth),
            Step::Count { nth, write, count, length } => self.count(nth, write, count, length),
            Step::UntilWouldBlock(nth) => {
                if let Some(at) = self.nth(nth) {
                    self.sources[at].watched.read_until_would_block();
                    self.sources[at].sides[0].word.drains = false;
                }
            }
            Step::Assume { nth, write } => self.assume(nth, write),
            Step::Lend(nth) => {
                if let Some(at) = self.nth(nth) {
                    self.sources[at].watched.lend();
                }
            }
            Step::Park { nth, write, task } => self.park(nth, write, task),
            Step::ParkAgain { nth, write, task } => self.park_again(nth, write, task),
            Step::Wait { nth, write, task, end } => self.wait(nth, write, task, end),
            Step::WaitOn(nth) => {
                if !self.futures.is_empty() {
                    self.poll(usize::from(nth) % self.futures.len());
                }
            }
            Step::DropFuture(nth) => {
                if !self.futures.is_empty() {
                    self.drop_future(usize::from(nth) % self.futures.len());
                }
            }
            Step::Postpone(nth) => {
                if let Some(at) = self.nth(nth) {
                    let source = &mut self.sources[at];
                    source.noted |= source.watched.postpone(Way::Read, &self.reactor);
                }
            }
            Step::Look => self.look(),
            Step::Batch(ref events) => self.batch(events),
            Step::Turn { nth, write, task, event, outcome } => {
                self.turn(nth, write, task, event, outcome);
            }
            Step::Flood(chance) => self.flood(chance),
        }
        if woken_by_steps {
            // A crowd of abandoned wakers is woken when one more comes: then nobody can say who
            // still waits.
            let after = self.wakes();
            self.waits.waiting.retain(|wait| before[wait.task] == after[wait.task]);
        }
        self.sources.iter().for_each(Source::check);
        let enrolled = self.sources.iter().filter(|source| source.fd.is_some()).count();
        assert_eq!(self.reactor.live(), enrolled);
    }

    fn wakes(&self) -> Vec<usize> {
        self.tasks.iter().map(Task::wakes).collect()
    }

    fn nth(&self, nth: u8) -> Option<usize> {
        let count = self.sources.len();
        (count > 0).then(|| usize::from(nth) % count)
    }

    fn watch(&mut self, kind: u8, birth: Birth) {
        if self.sources.len() == SOURCES_MAX {
            return;
        }
        let kind = [
            Kind::Stream,
            Kind::Listener,
            Kind::Datagram,
            Kind::PipeReader,
            Kind::PipeWriter,
            Kind::Other,
        ][usize::from(kind % 6)];
        let watched = match birth {
            Birth::Lazy => Watched::lazy(kind),
            Birth::Accepted => Watched::accepted(kind),
            Birth::Unassuming => Watched::unassuming(kind),
        };
        let mut sides = [Side::default(), Side::default()];
        for side in &mut sides {
            side.word.drains = kind == Kind::Stream;
            side.word.assumed = !matches!(birth, Birth::Unassuming);
        }
        self.born += 1;
        let number = self.born;
        self.sources.push(Source {
            watched,
            sides,
            fd: None,
            noted: false,
            remembered: 0,
            number,
            kind,
        });
    }

    fn enroll(&mut self, nth: u8, fd: u8, asked: u8) {
        let Some(at) = self.nth(nth) else { return };
        let asked = [
            Interest::READABLE,
            Interest::WRITABLE,
            Interest::PRIORITY,
            Interest::READABLE | Interest::WRITABLE,
            Interest::INCOMING,
        ][usize::from(asked % 5)];
        let fd = usize::from(fd) % FDS.len();
        let taken = self.sources.iter().any(|source| source.fd == Some(fd));
        let source = &mut self.sources[at];
        let asked = source.watched.widened(asked);
        let outcome = source.watched.enroll(FDS[fd].as_fd(), asked, &self.reactor);
        let supported = !asked.is_priority() || cfg!(not(edgewake_kqueue = "fake"));
        let refused = (source.fd.is_none() && taken) || !supported;
        assert_eq!(outcome.is_err(), refused, "{outcome:?}");
        if outcome.is_err() {
            return;
        }
        source.fd.get_or_insert(fd);
        for (side, asked) in source.sides.iter_mut().zip([asked.is_readable(), asked.is_writable()])
        {
            if asked {
                side.word.registered = true;
                side.word.assumed = false;
            }
        }
    }

    fn drop_source(&mut self, nth: u8) {
        let Some(at) = self.nth(nth) else { return };
        let number = self.sources[at].number;
        // Futures borrow what they wait for.
        while let Some(at) = self.futures.iter().position(|f| f.wait.source == number) {
            self.drop_future(at);
        }
        let before = self.wakes();
        let source = self.sources.swap_remove(at);
        if source.fd.is_some() {
            self.stale.push(source.watched.token());
        }
        drop(source);
        let after = self.wakes();
        for wait in self.waits.waiting.iter().filter(|wait| wait.source == number) {
            assert!(after[wait.task] > before[wait.task], "{wait:?} does not learn of the end");
        }
        self.waits.waiting.retain(|wait| wait.source != number);
        self.waits.known.retain(|wait| wait.source != number);
    }

    fn snapshot(&mut self, nth: u8, write: bool) {
        let Some(at) = self.nth(nth) else { return };
        let source = &mut self.sources[at];
        let seen = source.watched.snapshot(way(write));
        let side = &mut source.sides[usize::from(write)];
        side.seen = Some((seen, side.events, side.word, side.waits));
    }

    /// Runs `clear` with the snapshot of a side, whose word `cleared` is to change, unless an event
    /// has come since.
    fn clear(
        &mut self,
        nth: u8,
        write: bool,
        clear: impl FnOnce(&Watched, edgewake::fuzz::Seen),
        cleared: impl FnOnce(edgewake::fuzz::Word, &mut edgewake::fuzz::Word),
    ) {
        let Some(at) = self.nth(nth) else { return };
        let source = &mut self.sources[at];
        let side = &mut source.sides[usize::from(write)];
        let Some((stored, ..)) = side.seen else { return };
        clear(&source.watched, stored);
        let Some((_, seen, may_not)) = side.is_present() else { return };
        let mut word = side.word;
        cleared(seen, &mut word);
        // A change of the slot since then may have been taken for an event.
        if may_not && source.watched.word(way(write)) == side.word {
            return;
        }
        side.word = word;
    }

    fn blocked(&mut self, nth: u8, write: bool) {
        self.clear(
            nth,
            write,
            |watched, seen| watched.clear_blocked(way(write), seen),
            |_, word| {
                word.data = false;
                word.closed = false;
                word.error = false;
                word.assumed = false;
            },
        );
    }

    fn no_priority(&mut self, nth: u8) {
        self.clear(
            nth,
            false,
            |watched, seen| watched.clear_priority(seen),
            |_, word| word.priority = false,
        );
    }

    fn count(&mut self, nth: u8, write: bool, count: u16, length: u16) {
        let (count, length) = (usize::from(count.min(length)), usize::from(length));
        let Some(at) = self.nth(nth) else { return };
        let source = &mut self.sources[at];
        if source.sides[usize::from(write)].seen.is_none() {
            return;
        }
        let mut more = false;
        if !write && cfg!(edgewake_kqueue = "fake") {
            source.remembered -= count as i64;
            more = source.remembered > 0;
        }
        let short = 0 < count && count < length && !more;
        self.clear(
            nth,
            write,
            |watched, seen| watched.note_count(way(write), seen, count, length),
            |seen, word| {
                if short && seen.drains && word.drains {
                    word.data = false;
                    word.assumed = false;
                }
            },
        );
    }

    fn assume(&mut self, nth: u8, write: bool) {
        let Some(at) = self.nth(nth) else { return };
        let source = &mut self.sources[at];
        source.watched.assume(way(write));
        let word = &mut source.sides[usize::from(write)].word;
        word.assumed |= !word.registered;
    }

    fn new_wait(&mut self, at: usize, write: bool, task: u8, what: model::For) -> Wait {
        let side = usize::from(write);
        self.sources[at].sides[side].waits += 1;
        let (source, task) = (self.sources[at].number, usize::from(task) % TASKS);
        Wait { source, side, what, task }
    }

    fn park(&mut self, nth: u8, write: bool, task: u8) {
        let Some(at) = self.nth(nth) else { return };
        let wait = self.new_wait(at, write, task, model::For::Readiness);
        let source = &self.sources[at];
        let outcome = source.watched.park(way(write), &self.tasks[wait.task].waker);
        assert_eq!(outcome, source.sides[wait.side].slot_wait());
        if outcome != Waited::Retry {
            self.waits.add(wait);
        }
    }

    fn park_again(&mut self, nth: u8, write: bool, task: u8) {
        let Some(at) = self.nth(nth) else { return };
        let wait = self.new_wait(at, write, task, model::For::Readiness);
        let source = &self.sources[at];
        let side = &source.sides[wait.side];
        let Some((seen, ..)) = side.seen else { return };
        if source.watched.park_again(way(write), seen, &self.tasks[wait.task].waker) {
            // It may refuse at any time, but not wait where there is something to do.
            assert_eq!(side.slot_wait(), Waited::Pending);
            assert!(self.waits.known.contains(&wait), "the slot holds who has waited here");
            self.waits.add(wait);
        }
    }

    fn wait(&mut self, nth: u8, write: bool, task: u8, end: bool) {
        let Some(at) = self.nth(nth) else { return };
        if self.futures.len() == FUTURES_MAX {
            return;
        }
        let what = if end { model::For::End } else { model::For::Readiness };
        let wait = self.new_wait(at, write, task, what);
        self.futures.push(Future { wait, entry: None });
        self.poll(self.futures.len() - 1);
    }

    fn poll(&mut self, at: usize) {
        let future = &mut self.futures[at];
        let wait = future.wait;
        let source = self.sources.iter_mut().find(|source| source.number == wait.source);
        let source = source.expect("its futures go before it");
        let side = &mut source.sides[wait.side];
        side.waits += 1;
        let way = way(wait.side == 1);
        let waker = &self.tasks[wait.task].waker;
        let listed = future.entry.is_some() || wait.what == model::For::End;
        let outcome = match wait.what {
            model::For::Readiness => source.watched.park_future(way, waker, &mut future.entry),
            model::For::End => source.watched.park_closed(way, waker, &mut future.entry),
        };
        let expected = if listed { side.listed_wait(wait.what) } else { side.slot_wait() };
        assert_eq!(outcome, expected);
        if outcome == Waited::Retry {
            // It may be in the list all the same.
            self.waits.know(wait);
        } else {
            self.waits.add(wait);
        }
    }

    fn drop_future(&mut self, at: usize) {
        let Future { wait, entry } = self.futures.swap_remove(at);
        if let Some(entry) = entry {
            let source = self.sources.iter().find(|source| source.number == wait.source);
            source.expect("its futures go before it").watched.forget(entry);
        }
        // Another wait of the same task at the same place may go on: nobody can say.
        self.waits.waiting.retain(|other| *other != wait);
    }

    fn look(&mut self) {
        self.reactor.catch_up();
        let noted: Vec<usize> =
            (0..self.sources.len()).filter(|at| self.sources[*at].noted).collect();
        assert!(noted.is_empty() || self.reactor.has_looks());
        let before = self.wakes();
        let mut due = Due::default();
        for at in noted {
            let source = &mut self.sources[at];
            source.noted = false;
            let side = &mut source.sides[0];
            if !side.word.registered {
                side.word.assumed = true;
                side.events += 1;
                let data = Effect { data: true, ..Effect::default() };
                self.waits.meet(source.number, [data, Effect::default()], &mut due);
            }
        }
        self.reactor.look();
        assert!(!self.reactor.has_looks());
        self.check_wakes(&before, &due);
    }

    fn token(&self, whom: For) -> u64 {
        let living = |nth: u8| self.nth(nth).map(|at| self.sources[at].watched.token());
        match whom {
            For::Living(nth) => living(nth).unwrap_or(0),
            For::Stale(nth) => {
                let nth = usize::from(nth) % self.stale.len().max(1);
                self.stale.get(nth).copied().unwrap_or(1)
            }
            For::Beside(nth, generations) => {
                let token = living(nth).unwrap_or(0);
                token.wrapping_add(u64::from(generations) << 32)
            }
            For::Notifier => NOTIFIER,
            For::Nobody => NOTIFIER - 1,
            For::Any(token) => token,
        }
    }

    fn batch(&mut self, events: &[(For, Conditions)]) {
        let raw: Vec<_> =
            events.iter().map(|(whom, conditions)| (self.token(*whom), *conditions)).collect();
        self.dispatch(&raw);
    }

    fn turn(
        &mut self,
        nth: u8,
        write: bool,
        task: u8,
        event: Option<Conditions>,
        outcome: Outcome,
    ) {
        if self.sources.is_empty() {
            self.watch(task, Birth::Unassuming);
        }
        let waits = match outcome {
            Outcome::Park => Some(Step::Park { nth, write, task }),
            Outcome::Wait { end } => Some(Step::Wait { nth, write, task, end }),
            Outcome::Blocked | Outcome::Count(..) => None,
        };
        // Readers and writers of a program register both directions sooner or later.
        self.step(&Step::Enroll { nth, fd: nth, asked: BOTH });
        self.snapshot(nth, write);
        if let Some(step) = waits {
            self.step(&step);
        }
        if let Some(conditions) = event {
            self.batch(&[(For::Living(nth), conditions)]);
        }
        match outcome {
            Outcome::Blocked => self.blocked(nth, write),
            Outcome::Count(count, length) => self.count(nth, write, count, length),
            Outcome::Park | Outcome::Wait { .. } => {}
        }
    }

    fn flood(&mut self, chance: u8) {
        if chance % 16 != 0 || std::mem::replace(&mut self.flooded, true) {
            return;
        }
        let stale = self.stale.last().copied().unwrap_or(NOTIFIER - 1);
        self.dispatch(&vec![(stale, Conditions::READABLE); FLOOD]);
    }

    fn dispatch(&mut self, raw: &[(u64, Conditions)]) {
        let entries: Vec<_> =
            raw.iter().map(|(token, conditions)| conditions.event(*token)).collect();
        let events = fuzz::batch(&entries);
        assert_eq!(events.len(), raw.len());
        for (event, (token, conditions)) in events.iter().zip(raw) {
            assert_eq!((event.token().0, Meaning::told_by(&event)), (*token, conditions.meaning()));
        }
        let (kicks, spurious) = (self.reactor.kicks(), self.reactor.spurious());
        let before = self.wakes();
        let mut due = Due::default();
        let (mut notified, mut least, mut most) = (0, 0, 0);
        for (token, conditions) in raw {
            let is_it =
                |source: &&mut Source| source.fd.is_some() && source.watched.token() == *token;
            let Some(source) = self.sources.iter_mut().find(is_it) else {
                notified += u64::from(*token == NOTIFIER);
                least += u64::from(*token != NOTIFIER);
                most += u64::from(*token != NOTIFIER);
                continue;
            };
            let meaning = conditions.meaning();
            if let Some(bytes) = meaning.bytes {
                source.remembered = bytes.try_into().unwrap_or(i64::MAX);
            }
            let effects = Effect::of(&meaning, source.kind);
            source.apply(effects);
            let (must, may) = self.waits.meet(source.number, effects, &mut due);
            least += u64::from(!may);
            most += u64::from(!must);
        }
        assert_eq!(self.reactor.dispatch(&events, NOTIFIER) as u64, notified);
        assert_eq!(self.reactor.kicks() - kicks, notified);
        let spurious = self.reactor.spurious() - spurious;
        assert!((least..=most).contains(&spurious), "{least} <= {spurious} <= {most}");
        self.check_wakes(&before, &due);
    }

    fn check_wakes(&self, before: &[usize], due: &Due) {
        for (task, (before, after)) in before.iter().zip(self.wakes()).enumerate() {
            let woken = after > *before;
            assert!(woken || !due.must.contains(&task), "task {task} is not woken");
            assert!(!woken || due.may.contains(&task), "task {task} is woken by nothing");
        }
    }

    /// The reactor's end: whoever waits on what is registered learns of it.
    pub(crate) fn shut(mut self) {
        let before = self.wakes();
        self.reactor.shut();
        let after = self.wakes();
        for source in &mut self.sources {
            if source.fd.take().is_none() {
                continue;
            }
            source.sides.iter_mut().for_each(|side| side.word.shut = true);
            for wait in self.waits.waiting.iter().filter(|wait| wait.source == source.number) {
                assert!(after[wait.task] > before[wait.task], "{wait:?} does not learn of the end");
            }
            source.check();
        }
        assert_eq!(self.reactor.live(), 0);
        let fresh = Watched::lazy(Kind::Other);
        let outcome = fresh.enroll(FDS[0].as_fd(), Interest::READABLE, &self.reactor);
        assert!(outcome.is_err(), "nothing is registered any more");
        while !self.futures.is_empty() {
            self.drop_future(0);
        }
    }
}
