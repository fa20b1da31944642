//! The fault plan: what becomes of the Nth system call of this thread.
//!
//! Present only with `--cfg edgewake_faults`. A test installs a [`Plan`], runs a scenario, and
//! raises N until a run passes without the plan having struck. Counters are per thread, so that in
//! a single-threaded scenario N means the same call each time. [`Action::Answer`] goes through all
//! that the struck call can say, from the table in [`answers`].
//!
//! A plan tells no lies that a kernel would not tell. Whoever is told that it would have to wait,
//! or gets a short count, may wait for an event without trying again; so the door owes an event
//! then, and the next wait reports anew what holds of every registration of this thread.
//!
//! A schedule draws from a seed what is not broken but only free to happen: see [`schedule`].
//!
//! Called by `syscall!`, by `transfer_length` and by the selectors. It takes part in nothing that
//! another thread does, except that [`reached`] remembers the calls of all.

pub mod answers;
pub mod schedule;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    io,
    os::fd::RawFd,
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use crate::{Interest, Token, syscall::ReturnValue};

/// What happens to the call that a [`Plan`] strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The call is not made and returns this `errno`.
    Fail(i32),
    /// The call is not made and returns this `errno`, which promises that an event will tell when
    /// to try again (`EAGAIN`, or `ENOTCONN` of getpeername); the next wait reports what holds.
    Later(i32),
    /// The call is made, what it returns is lost, and this `errno` is returned: what `EINTR` of a
    /// connect means. Not for calls that return a descriptor.
    After(i32),
    /// The call is made with its length cut to this many bytes (transfer calls only, at least 1).
    /// The next wait reports what holds, of what is left too.
    Short(usize),
    /// The call is made after a pause.
    Delay(Duration),
    /// The wait ends at once with nothing to report (waits only).
    TimeOut,
    /// The wait ends at once and reports every registration as ready, whether it is or not (waits
    /// only).
    Spurious,
    /// The wait reports each of its events twice (waits only).
    Duplicate,
    /// What [`answers::of`] lists for the call at this index; if its list is shorter, the call is
    /// made and does not count as struck.
    Answer(usize),
    /// One call in [`Plan::nth`], drawn from this seed, says something harmless: what
    /// [`answers::of`] lists that is no error to be told, or a short count. For what several
    /// threads do, where N is another call each time; each needs a plan of its own.
    Draw(u64),
}

/// Which call of this thread to strike, and how.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The libc name of the calls that count, or `None` for all of them.
    pub call: Option<&'static str>,
    /// The call to strike, counted from 1. Short transfers and the actions of waits are counted
    /// among their kind alone.
    pub nth: u64,
    /// What to do to it.
    pub action: Action,
}

/// Where a system call is made: its name, and the file and line of its `syscall!`.
pub type Place = (&'static str, &'static str, u32);

#[derive(Debug, Default)]
struct State {
    plan: Option<Plan>,
    counted: u64,
    /// Of an [`Action::Draw`].
    random: u64,
    struck: Option<&'static str>,
    done: Option<Action>,
    /// The next wait reports anew what holds.
    owed: bool,
    /// The wait that is under way reports everything as ready.
    invent: bool,
    /// The wait that is under way reports its events twice.
    double: bool,
    /// By selector and descriptor. What was closed and not deregistered stays until the number is
    /// registered again: its event is one for nobody, as from a kernel that was too late.
    registered: BTreeMap<(RawFd, RawFd), (Token, Interest)>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// Every place that was passed under a plan.
static REACHED: Mutex<BTreeSet<Place>> = Mutex::new(BTreeSet::new());

/// An installed plan; dropping it ends the plan.
#[derive(Debug)]
#[must_use = "dropping it ends the plan"]
pub struct Installed(());

impl Installed {
    /// The name of the call that was struck, once it was.
    pub fn struck(&self) -> Option<&'static str> {
        STATE.with_borrow(|state| state.struck)
    }

    /// What was done to it; of an [`Action::Answer`], the one that it stood for.
    pub fn done(&self) -> Option<Action> {
        STATE.with_borrow(|state| state.done)
    }

    /// How many calls the plan has counted so far; of an [`Action::Draw`], has struck.
    pub fn counted(&self) -> u64 {
        STATE.with_borrow(|state| state.counted)
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        STATE.with_borrow_mut(|state| state.plan = None);
    }
}

/// Installs `plan` on this thread, in place of an earlier one, with its counter at zero.
pub fn install(plan: Plan) -> Installed {
    STATE.with_borrow_mut(|state| {
        let registered = std::mem::take(&mut state.registered);
        let random = match plan.action {
            // Zero would stay zero.
            Action::Draw(seed) => seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            _ => 0,
        };
        *state = State { plan: Some(plan), random, registered, ..State::default() };
    });
    Installed(())
}

/// Every place of this crate that was passed under a plan so far, by any thread of this process.
pub fn reached() -> Vec<Place> {
    REACHED.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
}

/// What the door does with a call.
enum Verdict {
    Make,
    Say(i32),
    MakeAndSay(i32),
    /// A wait that finds nothing.
    Nothing,
}

/// The first argument of a call, which may be a descriptor.
pub(crate) trait Argument {
    fn descriptor(self) -> Option<RawFd>;
}

impl Argument for RawFd {
    fn descriptor(self) -> Option<RawFd> {
        Some(self)
    }
}

impl<T> Argument for *mut T {
    fn descriptor(self) -> Option<RawFd> {
        None
    }
}

impl<T> Argument for *const T {
    fn descriptor(self) -> Option<RawFd> {
        None
    }
}

impl<T> Argument for &mut T {
    fn descriptor(self) -> Option<RawFd> {
        None
    }
}

/// Makes a call, or does what the plan or the schedule says instead. `fd` is its first argument, if
/// that may be a descriptor.
pub(crate) fn pass<T: ReturnValue>(
    place: Place,
    fd: Option<RawFd>,
    make: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    if let Some(errno) = schedule::refuse(place.0, fd) {
        return Err(io::Error::from_raw_os_error(errno));
    }
    let outcome = pass_plan(place, make);
    schedule::made(
        place.0,
        match &outcome {
            Ok(value) => Ok(value.count()),
            Err(error) => Err(error.raw_os_error().unwrap_or(0)),
        },
    );
    outcome
}

fn pass_plan<T: ReturnValue>(place: Place, make: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let (verdict, pause) = STATE.with_borrow_mut(|state| state.judge(place));
    if let Some(pause) = pause {
        thread::sleep(pause);
    }
    match verdict {
        Verdict::Make => make(),
        Verdict::Say(errno) => Err(io::Error::from_raw_os_error(errno)),
        Verdict::MakeAndSay(errno) => {
            // Lost on its way, as the plan says.
            drop(make());
            Err(io::Error::from_raw_os_error(errno))
        }
        Verdict::Nothing => Ok(T::NOTHING),
    }
}

/// Asked before each transfer: the length to use in place of `length`.
pub(crate) fn shorten(call: &'static str, length: usize) -> usize {
    if let Some(length) = schedule::shorten(call, length) {
        return length;
    }
    STATE
        .with_borrow_mut(|state| {
            let most = state.cut(call)?;
            state.owed = true;
            Some(length.min(most.max(1)))
        })
        .unwrap_or(length)
}

/// Told before a call on two descriptors: the one that is not its first argument.
pub(crate) fn beside(fd: RawFd) {
    schedule::beside(fd);
}

/// Told of each registration that was made or replaced.
pub(crate) fn registered(selector: RawFd, fd: RawFd, token: Token, interest: Interest) {
    STATE.with_borrow_mut(|state| {
        state.registered.insert((selector, fd), (token, interest));
    });
}

/// Told of each registration that is ended.
pub(crate) fn deregistered(selector: RawFd, fd: RawFd) {
    STATE.with_borrow_mut(|state| state.registered.remove(&(selector, fd)));
}

/// Told of each new selector, whose number may have been an older one's.
pub(crate) fn opened(selector: RawFd) {
    STATE.with_borrow_mut(|state| state.registered.retain(|(of, _), _| *of != selector));
}

/// Asked before each wait: what to register once more as it is, so that it reports what holds.
pub(crate) fn owed(selector: RawFd) -> Vec<(RawFd, Token, Interest)> {
    let released = schedule::released();
    STATE.with_borrow_mut(|state| {
        let all = std::mem::take(&mut state.owed);
        state.of(selector).filter(|(fd, ..)| all || released.contains(fd)).collect()
    })
}

/// What of a selector can be reported anew, and so may be late: the descriptor of its token.
pub(crate) fn holds(selector: RawFd, token: Token) -> Option<RawFd> {
    STATE.with_borrow(|state| {
        let mut of_it = state.of(selector);
        let found = of_it.find(|(_, of, interest)| *of == token && !interest.is_exclusive());
        found.map(|(fd, ..)| fd)
    })
}

/// Asked after each wait: whether to double its events, and which to add.
pub(crate) fn rewritten(selector: RawFd) -> (bool, Vec<(Token, Interest)>) {
    STATE.with_borrow_mut(|state| {
        let double = std::mem::take(&mut state.double);
        let mut added = Vec::new();
        if std::mem::take(&mut state.invent) {
            added.extend(state.of(selector).map(|(_, token, interest)| (token, interest)));
        }
        added.extend(schedule::invented(
            state.of(selector).map(|(_, token, interest)| (token, interest)),
        ));
        (double, added)
    })
}

impl State {
    /// What is registered with a selector.
    fn of(&self, selector: RawFd) -> impl Iterator<Item = (RawFd, Token, Interest)> + '_ {
        let of_it = self.registered.iter().filter(move |((of, _), _)| *of == selector);
        of_it.map(|((_, fd), (token, interest))| (*fd, *token, *interest))
    }

    /// Counts a call, and decides about it.
    fn judge(&mut self, (call, file, line): Place) -> (Verdict, Option<Duration>) {
        let is_wait = answers::WAITS.contains(&call);
        let action = self.next(call, |action| match action {
            Action::Short(_) => false,
            Action::TimeOut | Action::Spurious | Action::Duplicate => is_wait,
            _ => true,
        });
        if self.plan.is_some() {
            let mut reached = REACHED.lock().unwrap_or_else(PoisonError::into_inner);
            reached.insert((call, file, line));
        }
        let verdict = match action {
            Some(Action::Fail(errno)) => Verdict::Say(errno),
            Some(Action::Later(errno)) => {
                self.owed = true;
                Verdict::Say(errno)
            }
            Some(Action::After(errno)) => Verdict::MakeAndSay(errno),
            Some(Action::Delay(pause)) => return (Verdict::Make, Some(pause)),
            Some(Action::TimeOut) => Verdict::Nothing,
            Some(Action::Spurious) => {
                self.invent = true;
                Verdict::Nothing
            }
            Some(Action::Duplicate) => {
                self.double = true;
                Verdict::Make
            }
            // The length was cut before.
            Some(Action::Short(_) | Action::Answer(_) | Action::Draw(_)) | None => Verdict::Make,
        };
        (verdict, None)
    }

    /// The next number of a plan that draws, if it strikes (xorshift, of which the upper half is
    /// the better one).
    fn draw(&mut self, plan: Plan) -> Option<u64> {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let drawn = self.random >> 32;
        let often = plan.nth.max(1);
        (drawn % often == 0).then_some(drawn / often)
    }

    /// Counts a transfer, if the plan is about their length: to how much it is cut.
    fn cut(&mut self, call: &'static str) -> Option<usize> {
        let plan = self.plan?;
        match plan.action {
            // It is counted when it is made.
            Action::Answer(index) if self.counted + 1 == plan.nth && plan.is_about(call) => {
                match answers::of(call).get(index) {
                    Some(Action::Short(most)) => Some(*most),
                    _ => None,
                }
            }
            Action::Draw(_) => {
                // Many small ones and some large ones.
                let most = 1 << (self.draw(plan)? % 12);
                self.counted += 1;
                Some(most)
            }
            _ => match self.next(call, |action| matches!(action, Action::Short(_)))? {
                Action::Short(most) => Some(most),
                _ => None,
            },
        }
    }

    /// Counts a call that `counts` for the plan's action, and says what to do if it is the Nth.
    fn next(&mut self, call: &'static str, counts: impl Fn(Action) -> bool) -> Option<Action> {
        let plan = self.plan?;
        if !plan.is_about(call) || !counts(plan.action) {
            return None;
        }
        if let Action::Draw(_) = plan.action {
            let drawn = self.draw(plan)?;
            let harmless: Vec<Action> = answers::harmless(call).collect();
            let action = *harmless.get(drawn as usize % harmless.len().max(1))?;
            self.counted += 1;
            return Some(action);
        }
        self.counted += 1;
        if self.counted != plan.nth {
            return None;
        }
        let action = match plan.action {
            Action::Answer(index) => *answers::of(call).get(index)?,
            action => action,
        };
        self.struck = Some(call);
        self.done = Some(action);
        Some(action)
    }
}

impl Plan {
    fn is_about(&self, call: &str) -> bool {
        self.call.is_none_or(|name| name == call)
    }
}
