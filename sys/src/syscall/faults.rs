//! The fault plan: makes the Nth system call of this thread fail, or transfer less than asked.
//!
//! Present only with `--cfg edgewake_faults`. A test installs a [`Plan`], runs a scenario, and
//! raises N until a run passes without the plan having struck. Counters are per thread, so that in
//! a single-threaded scenario N means the same call each time.

use std::cell::RefCell;

/// What happens to the call that a [`Plan`] strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The call is not made and returns this `errno`.
    Fail(i32),
    /// The call is made with its length cut to this many bytes (transfer calls only, at least 1).
    Short(usize),
}

/// Which call of this thread to strike, and how.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The libc name of the calls that count, or `None` for all of them.
    pub call: Option<&'static str>,
    /// The call to strike, counted from 1.
    pub nth: u64,
    /// What to do to it.
    pub action: Action,
}

#[derive(Debug, Default)]
struct State {
    plan: Option<Plan>,
    counted: u64,
    struck: Option<&'static str>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// An installed plan; dropping it ends the plan.
#[derive(Debug)]
#[must_use = "dropping it ends the plan"]
pub struct Installed(());

impl Installed {
    /// The name of the call that was struck, once it was.
    pub fn struck(&self) -> Option<&'static str> {
        STATE.with_borrow(|state| state.struck)
    }

    /// How many calls the plan has counted so far.
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
    STATE.set(State { plan: Some(plan), counted: 0, struck: None });
    Installed(())
}

/// Asked before each call: the `errno` to return instead of making it.
pub(crate) fn intercept(call: &'static str) -> Option<i32> {
    strike(call, |action| match action {
        Action::Fail(errno) => Some(errno),
        Action::Short(_) => None,
    })
}

/// Asked before each transfer: the length to use in place of `length`.
pub(crate) fn shorten(call: &'static str, length: usize) -> usize {
    strike(call, |action| match action {
        Action::Fail(_) => None,
        Action::Short(most) => Some(length.min(most.max(1))),
    })
    .unwrap_or(length)
}

/// Counts a call that `select` has a use for, and answers it if it is the Nth.
fn strike<T>(call: &'static str, select: impl Fn(Action) -> Option<T>) -> Option<T> {
    STATE.with_borrow_mut(|state| {
        let plan = state.plan?;
        let answer = select(plan.action)?;
        if plan.call.is_some_and(|name| name != call) {
            return None;
        }
        state.counted += 1;
        if state.counted != plan.nth {
            return None;
        }
        state.struck = Some(call);
        Some(answer)
    })
}
