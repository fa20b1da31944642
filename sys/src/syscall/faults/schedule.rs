//! A schedule: whatever the library or the kernel is free to choose, drawn from one seed.
//!
//! While one is installed on a thread, everything that nobody promised is drawn: which task of the
//! queue runs next, how large its budget is, when the loop looks at the kernel, in which order and
//! how late events arrive, which of them come twice or for nothing, how short a transfer comes, in
//! which order equal deadlines fire, when another thread's wake-up is taken. Time is virtual: a
//! wait jumps to its end, so that a second costs nothing and a hang is seen at once. The same seed
//! draws the same choices, as long as the program asks the same questions; [`Installed::steps`]
//! tells whether it did.
//!
//! Each seed has habits: which kinds of choice it draws at all, and how often. What always arrives
//! twice, or is always reported anew, would hide what is lost.
//!
//! It tells no lies that a kernel would not tell (see the module above): what is held back or cut
//! is reported later, by registering the descriptor anew, and nothing else is reported with it.
//!
//! Asked by the door, by the selectors, and by the layers above for what they choose themselves. A
//! test installs it, draws its own choices from it, and may [`intrude`] at any moment of a turn.

mod draws;
mod wait;

use std::{
    cell::RefCell,
    collections::BTreeMap,
    os::fd::RawFd,
    time::{Duration, Instant},
};

use self::draws::{Habit, Habits, Random};
pub(super) use self::wait::{invented, released};
pub(crate) use self::wait::{rearrange, select};
use super::{Action, answers};

/// More than any run that ends takes.
const STEPS_MAX: usize = 400_000;

/// How often the first task of a queue is passed over at most.
pub const PASSED_OVER_MAX: u32 = 8;

/// How often in a row the same thing is postponed at most.
pub const POSTPONED_MAX: u32 = 3;

/// The longest time that goes by in one look at the kernel.
pub const LOOK_MAX: Duration = Duration::from_micros(40);

/// One thing that was drawn, done or noted: where, and what came of it.
pub type Step = (&'static str, u64);

struct State {
    seed: u64,
    random: Random,
    habits: Habits,
    start: Instant,
    gone: Duration,
    /// How long a wait without an end may take in earnest, before it counts as a hang.
    patience: Duration,
    /// How often in a row the first of the queue was not chosen.
    passed_over: u32,
    /// How often in a row something was postponed.
    postponed: BTreeMap<&'static str, u32>,
    /// Descriptors whose next event is late.
    held: Vec<RawFd>,
    /// Nothing is held back or invented: the loop has nothing else to wait for.
    is_prompt: bool,
    /// The loop is another thread's, which owes nobody an event.
    is_apart: bool,
    /// The sockets are of messages, of which a part is another one.
    is_whole: bool,
    /// The transfer that comes next was made shorter.
    cut: bool,
    /// What the call that comes next is on besides its first argument.
    beside: Option<RawFd>,
    steps: Vec<Step>,
}

type Intruder = Box<dyn FnMut(&'static str)>;

thread_local! {
    static STATE: RefCell<Option<Box<State>>> = const { RefCell::new(None) };
    static INTRUDER: RefCell<Option<Intruder>> = const { RefCell::new(None) };
}

/// An installed schedule; dropping it ends the schedule.
#[derive(Debug)]
#[must_use = "dropping it ends the schedule"]
pub struct Installed(());

impl Installed {
    /// All that was drawn, done and noted so far.
    pub fn steps(&self) -> Vec<Step> {
        STATE.with_borrow(|state| state.as_ref().map_or_else(Vec::new, |state| state.steps.clone()))
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        // The intruder is dropped where it may ask for the schedule.
        let intruder = INTRUDER.with_borrow_mut(Option::take);
        drop(intruder);
        STATE.with_borrow_mut(|state| *state = None);
    }
}

/// Installs the schedule of `seed` on this thread. `patience` is how long a wait without an end may
/// take before it panics, as a hang: zero where nothing is on its way that the kernel might deliver
/// later.
pub fn install(seed: u64, patience: Duration) -> Installed {
    let mut random = Random::new(seed);
    let habits = Habits::draw(&mut random);
    STATE.with_borrow_mut(|state| {
        *state = Some(Box::new(State {
            seed,
            random,
            habits,
            start: Instant::now(),
            gone: Duration::ZERO,
            patience,
            passed_over: 0,
            postponed: BTreeMap::new(),
            held: Vec::new(),
            is_prompt: false,
            is_apart: false,
            is_whole: false,
            cut: false,
            beside: None,
            steps: Vec::new(),
        }));
    });
    Installed(())
}

/// Has `intruder` called at moments of a turn that the schedule draws, with the name of the moment:
/// it may do what another thread could do just then. No lock is held while it runs.
pub fn intrude(intruder: impl FnMut(&'static str) + 'static) {
    let before = INTRUDER.with_borrow_mut(|place| place.replace(Box::new(intruder)));
    drop(before);
}

/// From now on nothing on this thread is cut, or said to have to wait: its descriptors are
/// registered with a loop of another thread, from which no event can be promised.
pub fn stand_apart() {
    with(|state| state.is_apart = true);
}

/// From now on no transfer of bytes on this thread is cut, only how many messages a call moves: its
/// sockets are of messages, and what is cut off one is lost.
pub fn keep_whole() {
    with(|state| state.is_whole = true);
}

/// Asks the schedule of this thread, if there is one.
fn with<R>(ask: impl FnOnce(&mut State) -> R) -> Option<R> {
    STATE.with_borrow_mut(|state| state.as_mut().map(|state| ask(state)))
}

/// Whether this thread has a schedule.
pub fn is_installed() -> bool {
    STATE.with_borrow(Option::is_some)
}

/// The time: the schedule's, or without one the clock's.
pub fn now() -> Instant {
    with(|state| state.start + state.gone).unwrap_or_else(Instant::now)
}

/// A number below `options`, for a choice of the test's own; 0 without a schedule.
pub fn draw(at: &'static str, options: u64) -> u64 {
    with(|state| {
        let drawn = state.random.below(options);
        state.note(at, drawn)
    })
    .unwrap_or(0)
}

/// Adds a step of the test's own.
pub fn note(at: &'static str, value: u64) {
    with(|state| state.note(at, value));
}

/// A limit of the library's: `most`, or less, at least 1.
pub fn at_most(at: &'static str, most: u32) -> u32 {
    let drawn = with(|state| {
        if !state.chance(Habit::Limits) {
            return most;
        }
        // Mostly small: what a limit does is seen where it is met.
        let most_here = if state.random.below(4) == 0 { most } else { most.min(4) };
        let drawn = 1 + state.random.below(u64::from(most_here)) as u32;
        state.note(at, u64::from(drawn)) as u32
    });
    drawn.unwrap_or(most)
}

/// Whether to do later what can be done now: at most [`POSTPONED_MAX`] times in a row.
pub fn postpone(at: &'static str) -> bool {
    let postponed = with(|state| {
        let so_far = state.postponed.get(at).copied().unwrap_or(0);
        let postponed = so_far < POSTPONED_MAX && state.chance(Habit::Postpone);
        state.postponed.insert(at, if postponed { so_far + 1 } else { 0 });
        state.note(at, u64::from(postponed));
        postponed
    });
    postponed.unwrap_or(false)
}

/// Lets time go by, as a wait of the test's own.
pub fn pass(time: Duration) {
    with(|state| {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        state.pass("pass", nanoseconds);
    });
}

/// Which of `length` tasks in a queue to run. The first one's turn comes, however it falls. The
/// length is only asked for under a schedule: to count a long queue takes its time.
pub fn pick(length: impl FnOnce() -> usize) -> usize {
    let picked = with(|state| {
        let length = length();
        let due = state.passed_over >= PASSED_OVER_MAX;
        if length < 2 || due || !state.chance(Habit::Order) {
            state.passed_over = 0;
            return 0;
        }
        let picked = state.random.below(length as u64);
        state.passed_over = if picked == 0 { 0 } else { state.passed_over + 1 };
        state.note("task", picked) as usize
    });
    picked.unwrap_or(0)
}

/// Whether the one or the other of two equal deadlines is first.
pub fn is_swapped() -> bool {
    with(|state| state.chance(Habit::Order)).unwrap_or(false)
}

/// A moment of a turn, at which another thread might do something.
pub fn moment(name: &'static str) {
    let intrudes = with(|state| state.chance(Habit::Intrude) && state.note(name, 1) == 1);
    if intrudes != Some(true) {
        return;
    }
    // Taken out meanwhile: what it does may lead to another moment.
    let taken = INTRUDER.with_borrow_mut(Option::take);
    if let Some(mut intruder) = taken {
        intruder(name);
        INTRUDER.with_borrow_mut(|place| *place = Some(intruder));
    }
}

/// Asked before each transfer, as in the module above: the length to use, if another one.
pub(super) fn shorten(call: &'static str, length: usize) -> Option<usize> {
    with(|state| {
        let keeps = state.is_apart || (state.is_whole && !draws::MESSAGES.contains(&call));
        let may_be = length > 1 && !keeps && draws::BLOCKING.contains(&call);
        if !may_be || !state.chance(Habit::Cut) {
            return None;
        }
        // Many small ones and some large ones.
        let most = 1 << state.random.below(14);
        state.cut = most < length && !draws::BETWEEN.contains(&call);
        state.note("cut", most as u64);
        Some(length.min(most))
    })
    .flatten()
}

/// Told before a call on two descriptors: the one that is not its first argument.
pub(super) fn beside(fd: RawFd) {
    with(|state| state.beside = Some(fd));
}

/// Asked before each call: the `errno` to return in its place, if any.
pub(super) fn refuse(call: &'static str, fd: Option<RawFd>) -> Option<i32> {
    with(|state| {
        let (cut, beside) = (std::mem::take(&mut state.cut), state.beside.take());
        for action in answers::harmless(call) {
            let (habit, errno) = match action {
                Action::Fail(errno) => (Habit::Interrupt, errno),
                Action::Later(errno) if draws::BLOCKING.contains(&call) && !state.is_apart => {
                    (Habit::Block, errno)
                }
                _ => continue,
            };
            if answers::WAITS.contains(&call) || !state.chance(habit) {
                continue;
            }
            if let Action::Later(_) = action {
                // Of two the one that is registered owes the event: the other is a pipe of the
                // library's, or a file.
                state.held.extend(fd.into_iter().chain(beside));
            }
            state.note("refused", errno as u64);
            return Some(errno);
        }
        if cut {
            state.held.extend(fd);
        }
        None
    })
    .flatten()
}

/// Told of each call that was made: what it moved, if it is one that moves bytes.
pub(super) fn made(call: &'static str, outcome: Result<u64, i32>) {
    with(|state| {
        let value = match outcome {
            // Others return descriptors, whose numbers are nobody's business.
            Ok(count) if draws::BLOCKING.contains(&call) && !call.starts_with("acc") => count,
            Ok(_) => 0,
            Err(errno) => errno as u64,
        };
        state.note(call, value);
    });
    // Between what a call has said and what is made of it. Of others, locks may be held.
    if draws::BLOCKING.contains(&call) {
        moment("called");
    }
}

impl State {
    fn chance(&mut self, habit: Habit) -> bool {
        self.habits.chance(habit, &mut self.random)
    }

    fn note(&mut self, at: &'static str, value: u64) -> u64 {
        let seed = self.seed;
        // What a panic drops may ask for more.
        let ends = self.steps.len() < STEPS_MAX || std::thread::panicking();
        assert!(ends, "seed {seed}: it goes on and on");
        self.steps.push((at, value));
        value
    }
}
