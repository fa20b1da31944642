//! A wait by a schedule: the kernel is looked at, time goes by in jumps, and what was found is
//! rearranged.

use std::{io, os::fd::RawFd, time::Duration};

use super::{Habit, LOOK_MAX, State, with};
use crate::{Interest, Token};

/// How much too late a wait may end.
const LATE_MAX: u64 = 200_000;

/// In place of a wait: calls `look`, which looks at the kernel for so long and says whether it
/// found anything, mostly without waiting.
///
/// # Panics
///
/// Panics where the wait would never end.
pub(crate) fn select(
    timeout: Option<Duration>,
    mut look: impl FnMut(Duration) -> io::Result<bool>,
) -> io::Result<()> {
    with(|state| state.pass_part("look", LOOK_MAX));
    if with(|state| state.chance(Habit::Interrupt)) == Some(true) {
        return Err(io::Error::from_raw_os_error(libc::EINTR));
    }
    if look(Duration::ZERO)? || timeout == Some(Duration::ZERO) {
        return Ok(());
    }
    let Some(timeout) = timeout else { return wait_for_ever(look) };
    let whole = with(|state| state.wait(timeout)) == Some(true);
    // What came meanwhile, or the rest of what was late.
    if whole { look(Duration::ZERO).map(drop) } else { Ok(()) }
}

fn wait_for_ever(mut look: impl FnMut(Duration) -> io::Result<bool>) -> io::Result<()> {
    // With nothing held back there is no event left but what comes from outside.
    let held = with(|state| std::mem::replace(&mut state.is_prompt, true));
    let found = look(Duration::ZERO);
    let patience = with(|state| state.patience).unwrap_or_default();
    let found = match found {
        Ok(false) if !patience.is_zero() => look(patience),
        found => found,
    };
    with(|state| state.is_prompt = held.unwrap_or(false));
    let seed = with(|state| state.seed);
    assert!(found?, "seed {}: the loop waits for what never comes", seed.unwrap_or(0));
    Ok(())
}

/// Asked before each look: the descriptors whose events are late no longer.
pub(in crate::syscall::faults) fn released() -> Vec<RawFd> {
    with(|state| {
        let mut released = Vec::new();
        for fd in std::mem::take(&mut state.held) {
            if state.is_prompt || state.random.below(2) == 0 {
                released.push(fd);
            } else {
                state.held.push(fd);
            }
        }
        released
    })
    .unwrap_or_default()
}

/// Asked after each look: which of these registrations report what is not so.
pub(in crate::syscall::faults) fn invented(
    registered: impl Iterator<Item = (Token, Interest)>,
) -> Vec<(Token, Interest)> {
    with(|state| {
        let all: Vec<_> = registered.collect();
        // Where there is nothing else to wait for, it would hide that something was lost.
        if !state.chance(Habit::Invent) || state.is_prompt {
            return Vec::new();
        }
        let invented: Vec<_> = all.into_iter().filter(|_| state.random.below(3) == 0).collect();
        state.note("invented", invented.len() as u64);
        invented
    })
    .unwrap_or_default()
}

/// Rearranges the events of a batch: their order, repetitions, and which of them come later.
/// `holds` is the descriptor of a registration that can be reported anew.
pub(crate) fn rearrange<E: Copy>(
    events: &mut Vec<E>,
    token: impl Fn(&E) -> Token,
    holds: impl Fn(Token) -> Option<RawFd>,
) {
    with(|state| {
        // The kernel's own order is none that could be relied upon.
        events.sort_by_key(|event| token(event).0);
        if state.chance(Habit::Hold) && !state.is_prompt {
            let (late, before) = (state.random.below(u64::MAX), events.len());
            let mut nth = 0;
            events.retain(|event| {
                nth = (nth + 1) % 64;
                match holds(token(event)) {
                    Some(fd) if late >> nth & 1 == 1 => {
                        state.held.push(fd);
                        false
                    }
                    _ => true,
                }
            });
            state.note("late", (before - events.len()) as u64);
        }
        if !events.is_empty() && state.chance(Habit::Repeat) {
            let index = state.random.below(events.len() as u64) as usize;
            events.push(events[index]);
            state.note("twice", index as u64);
        }
        if events.len() > 1 && state.chance(Habit::Shuffle) {
            state.note("shuffled", 1);
            for last in (1..events.len()).rev() {
                events.swap(last, state.random.below(last as u64 + 1) as usize);
            }
        }
        state.note("events", events.len() as u64);
    });
}

impl State {
    pub(super) fn pass(&mut self, at: &'static str, nanoseconds: u64) {
        self.gone += Duration::from_nanos(nanoseconds);
        self.note(at, nanoseconds);
    }

    fn pass_part(&mut self, at: &'static str, time: Duration) {
        let most = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let part = self.random.below(most);
        self.pass(at, part);
    }

    /// Lets the time of a wait go by. False if it ended early.
    fn wait(&mut self, timeout: Duration) -> bool {
        // An event that is late is on its way, and does not let a timer pass.
        let is_late = !self.held.is_empty();
        if is_late || self.chance(Habit::Early) {
            let most = if is_late { timeout.min(LOOK_MAX) } else { timeout };
            self.pass_part("part of a wait", most);
            return false;
        }
        let late = if self.chance(Habit::Late) { self.random.below(LATE_MAX) } else { 0 };
        let whole = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX / 2);
        self.pass("wait", whole.saturating_add(late));
        true
    }
}
