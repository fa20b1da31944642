//! Every transition from every word, against what the comments of the bits say.

use super::{
    ABORTED, COMPLETED, Completion, JOIN_INTEREST, JOIN_WAKER, Pause, REFERENCE, REFERENCES_MAX,
    RUNNING, SCHEDULED, Scheduling, Start, State,
};
use crate::sync::atomic::{AtomicUsize, Ordering};

const BITS: [usize; 6] = [SCHEDULED, RUNNING, COMPLETED, ABORTED, JOIN_INTEREST, JOIN_WAKER];

fn state(word: usize) -> State {
    State(AtomicUsize::new(word))
}

fn word(state: &State) -> usize {
    // Relaxed: one thread.
    state.0.load(Ordering::Relaxed)
}

/// Every combination of the bits, with three references.
fn words() -> impl Iterator<Item = usize> {
    (0..1 << BITS.len()).map(|chosen: usize| {
        let bits = BITS.iter().enumerate().filter(|(index, _)| chosen >> index & 1 == 1);
        bits.fold(3 * REFERENCE, |word, (_, bit)| word + bit)
    })
}

fn has(word: usize, bit: usize) -> bool {
    word & bit == bit
}

// Goal: no two bits are the same, and none is a part of the count.
#[test]
fn the_bits_are_apart() {
    assert_eq!(BITS.iter().sum::<usize>(), REFERENCE - 1);
    assert!(BITS.iter().all(|bit| bit.is_power_of_two()));
    assert_eq!(word(&State::new()), SCHEDULED + JOIN_INTEREST + 2 * REFERENCE);
}

// Goal: a wake-up or an abort makes a Runnable where there is none and will be none, and nowhere
// else; either is remembered.
#[test]
fn wake_ups_push_what_rests() {
    for before in words() {
        let rests = !has(before, SCHEDULED) && !has(before, RUNNING) && !has(before, COMPLETED);
        let scheduling = if rests { Scheduling::Push } else { Scheduling::Nothing };
        let woken = state(before);
        assert_eq!(woken.wake(), scheduling, "{before:b}");
        assert_eq!(word(&woken), before | SCHEDULED);
        let at_rest = state(before);
        assert_eq!(at_rest.wake_at_rest(), rests, "{before:b}");
        assert_eq!(word(&at_rest), if rests { before + SCHEDULED } else { before });
        let aborted = state(before);
        assert_eq!(aborted.abort(), scheduling, "{before:b}");
        assert_eq!(word(&aborted), before | SCHEDULED | ABORTED);
        let withdrawn = state(before);
        withdrawn.withdraw();
        assert_eq!(word(&withdrawn), before | SCHEDULED);
    }
}

// Goal: a poll begins with what was scheduled, and ends with another if it was woken meanwhile.
#[test]
fn polls_begin_and_pause() {
    for before in words().filter(|word| !has(*word, COMPLETED)) {
        if has(before, SCHEDULED) && !has(before, RUNNING) {
            let started = state(before);
            let start = if has(before, ABORTED) { Start::Cancel } else { Start::Poll };
            assert_eq!(started.start(), start, "{before:b}");
            assert_eq!(word(&started), before - SCHEDULED + RUNNING);
        }
        if has(before, RUNNING) {
            let paused = state(before);
            let pause = if has(before, SCHEDULED) { Pause::Again } else { Pause::Rest };
            assert_eq!(paused.pause(), pause, "{before:b}");
            assert_eq!(word(&paused), before - RUNNING);
        }
    }
}

// Goal: completion is told what it leaves to do, and the join handle whose turn it is.
#[test]
fn completion_and_the_join_handle() {
    for before in words() {
        let completed = has(before, COMPLETED);
        let done = state(before);
        let completion = Completion {
            drop_output: !has(before, JOIN_INTEREST),
            wake_join: has(before, JOIN_WAKER),
        };
        assert_eq!(done.complete(), completion, "{before:b}");
        assert_eq!(word(&done), before | COMPLETED);
        assert_eq!(state(before).is_completed(), completed);
        assert_eq!(state(before).has_join_waker(), has(before, JOIN_WAKER));
        let unless_completed = |after: usize| if completed { before } else { after };
        let set = state(before);
        assert_eq!(set.set_join_waker(), !completed, "{before:b}");
        assert_eq!(word(&set), unless_completed(before | JOIN_WAKER));
        let unset = state(before);
        assert_eq!(unset.unset_join_waker(), !completed, "{before:b}");
        assert_eq!(word(&unset), unless_completed(before & !JOIN_WAKER));
        let gone = state(before);
        let told = if completed { Err(()) } else { Ok(has(before, JOIN_WAKER)) };
        assert_eq!(gone.drop_join_interest(), told, "{before:b}");
        assert_eq!(word(&gone), unless_completed(before & !(JOIN_INTEREST | JOIN_WAKER)));
    }
}

// Goal: the last reference, and no other, says so.
#[test]
fn references_are_counted() {
    let counted = state(SCHEDULED + JOIN_WAKER + REFERENCE);
    counted.add_reference();
    assert_eq!(word(&counted), SCHEDULED + JOIN_WAKER + 2 * REFERENCE);
    assert!(!counted.drop_reference());
    assert!(counted.drop_reference());
    assert_eq!(word(&counted), SCHEDULED + JOIN_WAKER);
    assert!(!state(2 * REFERENCE).drop_reference());
    assert!(state(2 * REFERENCE - 1).drop_reference());
}

// Goal: more references than there can be end the process, before the count wraps.
#[cfg(not(miri))]
#[test]
fn too_many_references_end_the_process() {
    const CHILD: &str = "EDGEWAKE_TEST_LEAKS_REFERENCES";
    if std::env::var_os(CHILD).is_some() {
        state(REFERENCES_MAX + REFERENCE).add_reference();
        return;
    }
    let most = state(REFERENCES_MAX);
    most.add_reference();
    assert_eq!(word(&most), REFERENCES_MAX + REFERENCE);
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "task::state::tests::too_many_references_end_the_process"]);
    let ended = child.env(CHILD, "1").output().unwrap().status;
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended), Some(6), "{ended}: SIGABRT");
}
