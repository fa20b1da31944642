//! The order of the run queue under a schedule of a test: another task than the oldest is brought
//! to the front. Present only with `--cfg edgewake_faults`.

use std::ptr::NonNull;

use edgewake_sys::faults::schedule;

use super::{HERE, Header, Installation};

/// Brings the task to the front that is to run next.
pub(super) fn choose() {
    HERE.with(|here| {
        let picked = schedule::pick(|| length(here));
        if picked > 0 {
            bring_forward(here, picked);
        }
    });
}

fn next(header: NonNull<Header>) -> Option<NonNull<Header>> {
    // SAFETY: called for what is in the queue, which owns its Runnable; so the task is alive, and
    // `next` is the queue's.
    unsafe { header.as_ref().next.with(|next| *next) }
}

fn set_next(header: NonNull<Header>, to: Option<NonNull<Header>>) {
    // SAFETY: as in `next`.
    unsafe { header.as_ref().next.with_mut(|next| *next = to) };
}

fn length(here: &Installation) -> usize {
    std::iter::successors(here.head.get(), |header| next(*header)).count()
}

/// `index` is at least 1, and less than the length.
fn bring_forward(here: &Installation, index: usize) {
    let mut queue = std::iter::successors(here.head.get(), |header| next(*header));
    let before = queue.nth(index - 1).expect("the index is in the queue");
    let picked = next(before).expect("the index is in the queue");
    set_next(before, next(picked));
    if here.tail.get() == picked {
        here.tail.set(before);
    }
    set_next(picked, here.head.get());
    here.head.set(Some(picked));
}
