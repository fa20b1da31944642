//! The budget of a task's poll: after so many operations that did not have to wait, the next one
//! returns `Pending` and wakes its task at once, so that an always ready socket cannot starve the
//! others (T58, T80). A transfer of many bytes counts as several.
//!
//! The counter is a thread's. The runtime refills it before each poll of a task. Under a foreign
//! executor nobody does, and an exhausted budget refills itself: every 128th operation yields.

use std::{
    cell::Cell,
    task::{Context, Poll},
};

use crate::choice;

/// Operations a poll may complete.
const OPERATIONS_MAX: u32 = 128;

/// How many bytes are worth an operation, where one may move many times as much as usual.
const OPERATION_BYTES: usize = 8 * 1024;

thread_local! {
    static LEFT: Cell<u32> = const { Cell::new(OPERATIONS_MAX) };
}

/// Starts a new poll of a task.
#[inline(always)]
pub(crate) fn refill() {
    LEFT.set(choice::at_most("budget", OPERATIONS_MAX));
}

/// Spends one operation. `Pending` once the budget is used up: the caller returns it, and its task
/// is woken.
#[inline(always)]
pub(crate) fn poll_spend(cx: &mut Context<'_>) -> Poll<()> {
    let (left, exceeds) = LEFT.get().overflowing_sub(1);
    LEFT.set(left);
    if exceeds {
        return exhausted(cx);
    }
    Poll::Ready(())
}

/// Gives the operation back because it has to wait: a task that polls hundreds of idle sockets has
/// done nothing yet, and would otherwise wake itself for ever.
#[inline(always)]
pub(crate) fn refund() {
    LEFT.set(LEFT.get().wrapping_add(1));
}

/// Spends as many operations more as a transfer of `bytes` is worth. It has been made; the next
/// one may have to yield.
#[inline]
pub(crate) fn charge(bytes: usize) {
    let worth = u32::try_from(bytes / OPERATION_BYTES).unwrap_or(u32::MAX);
    LEFT.set(LEFT.get().saturating_sub(worth));
}

/// The same of a transfer that nothing was spent on before it was made: it is worth one operation
/// however small it is.
#[inline]
pub(crate) fn charge_whole(bytes: usize) {
    charge(bytes.max(OPERATION_BYTES));
}

#[cold]
fn exhausted(cx: &mut Context<'_>) -> Poll<()> {
    refill();
    cx.waker().wake_by_ref();
    Poll::Pending
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll};

    use futures::task::noop_waker;

    use super::{OPERATIONS_MAX, charge, charge_whole, poll_spend, refill, refund};

    // T58. Goal: the budget ends a row of ready operations, once, and then refills.
    #[test]
    fn t58_exhausted_budget_yields_once() {
        let waker = noop_waker();
        let mut cx = Context::from_waker(&waker);
        refill();
        for _ in 0..OPERATIONS_MAX {
            assert_eq!(poll_spend(&mut cx), Poll::Ready(()));
        }
        assert_eq!(poll_spend(&mut cx), Poll::Pending);
        assert_eq!(poll_spend(&mut cx), Poll::Ready(()));
    }

    // T58. Goal: large transfers use the budget up sooner, and one that is larger than all of it
    // does no more than that.
    #[test]
    fn t58_bytes_are_charged() {
        let waker = noop_waker();
        let mut cx = Context::from_waker(&waker);
        refill();
        for _ in 0..OPERATIONS_MAX / 4 {
            assert_eq!(poll_spend(&mut cx), Poll::Ready(()));
            charge(3 * 8 * 1024);
        }
        assert_eq!(poll_spend(&mut cx), Poll::Pending);
        charge(OPERATIONS_MAX as usize * 8 * 1024 - 1);
        assert_eq!(poll_spend(&mut cx), Poll::Ready(()), "one is left");
        assert_eq!(poll_spend(&mut cx), Poll::Pending);
        charge(usize::MAX);
        assert_eq!(poll_spend(&mut cx), Poll::Pending);
        assert_eq!(poll_spend(&mut cx), Poll::Ready(()));
    }

    // T58. Goal: transfers that are made in a row, without asking in between, are operations too.
    #[test]
    fn t58_small_transfers_are_charged() {
        let waker = noop_waker();
        let mut cx = Context::from_waker(&waker);
        refill();
        for _ in 0..OPERATIONS_MAX / 4 {
            charge_whole(1);
            charge_whole(3 * 8 * 1024);
        }
        assert_eq!(poll_spend(&mut cx), Poll::Pending);
    }

    // Goal: waiting costs nothing, so that a task with a thousand idle sockets can rest.
    #[test]
    fn what_waits_is_not_spent() {
        let waker = noop_waker();
        let mut cx = Context::from_waker(&waker);
        refill();
        for _ in 0..10 * OPERATIONS_MAX {
            assert_eq!(poll_spend(&mut cx), Poll::Ready(()));
            refund();
        }
    }
}
