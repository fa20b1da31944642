//! When an insertion kicks, what a poll finds, and that no foreign code runs under the lock.

use std::{
    sync::{Arc, OnceLock},
    task::{Wake, Waker},
    time::{Duration, Instant},
};

use futures::task::noop_waker;

use super::{TimerKey, TimerState, Timers};
use crate::sync::atomic::{AtomicUsize, Ordering};

const HOUR: Duration = Duration::from_secs(3600);

fn insert(timers: &Timers, deadline: Instant) -> (TimerKey, bool) {
    timers.insert(deadline, noop_waker()).expect("the driver is not shut down")
}

fn kicks(timers: &Timers, deadline: Instant) -> bool {
    insert(timers, deadline).1
}

fn advance(timers: &Timers) -> usize {
    let mut fired = Vec::new();
    timers.advance(&mut fired);
    fired.len()
}

// T73. Goal: whatever the driver waits for, who inserts an earlier deadline is told to kick.
#[test]
fn t73_only_what_the_driver_would_oversleep_kicks() {
    let timers = Timers::new();
    let now = Instant::now();
    assert_eq!(timers.until_next(), None);
    assert!(kicks(&timers, now + 8 * HOUR), "the driver waits without a limit");
    assert!(!kicks(&timers, now + 9 * HOUR));
    assert!(kicks(&timers, now + 7 * HOUR), "the kick before may not have come yet");

    let next = timers.until_next().expect("there are timers");
    assert!(next > 6 * HOUR && next <= 7 * HOUR, "{next:?}");
    assert!(!kicks(&timers, now + 8 * HOUR));
    let (key, kick) = insert(&timers, now + 6 * HOUR);
    assert!(kick);
    assert!(!timers.reset(key, now + 6 * HOUR).expect("it is pending").1, "not earlier");
    assert_eq!(timers.reset(key, now + HOUR), None, "the key was used up");
    let (key, _) = insert(&timers, now + 10 * HOUR);
    assert!(timers.reset(key, now + 5 * HOUR).expect("it is pending").1, "moved to the front");
}

// T73. Goal: a driver that is awake need not be told, and one that looked away is.
#[test]
fn t73_an_awake_driver_is_not_kicked_until_it_asks_again() {
    let timers = Timers::new();
    let now = Instant::now();
    assert!(kicks(&timers, now + 9 * HOUR));
    assert_eq!(advance(&timers), 0);
    assert!(!kicks(&timers, now + 8 * HOUR), "it will ask before it waits");
    timers.until_next();
    assert!(kicks(&timers, now + 7 * HOUR));
    assert!(!kicks(&timers, now + 8 * HOUR));

    // Cancelling all of them leaves a driver that finds nothing when it asks.
    let timers = Timers::new();
    let (key, _) = insert(&timers, now + 9 * HOUR);
    timers.remove(key);
    assert_eq!(timers.until_next(), None);
    assert!(kicks(&timers, now + 9 * HOUR));

    // One that has fired all it had does not even ask for the lock.
    let timers = Timers::new();
    insert(&timers, now);
    assert_eq!(advance(&timers), 1);
    assert!(!timers.may_be_due());
    assert!(kicks(&timers, now + 9 * HOUR));
}

// T80. Goal: a second poll without an advance in between is told apart.
#[test]
fn t80_polls_know_whether_the_driver_looked_in_between() {
    let timers = Timers::new();
    let waker = noop_waker();
    let (key, _) = insert(&timers, Instant::now() + HOUR);
    advance(&timers);
    let mut seen = 0;
    assert_eq!(timers.poll(key, &waker, &mut seen), TimerState::Pending);
    assert_eq!(timers.poll(key, &waker, &mut seen), TimerState::Unattended);
    assert_eq!(timers.poll(key, &waker, &mut seen), TimerState::Unattended);
    advance(&timers);
    assert_eq!(timers.poll(key, &waker, &mut seen), TimerState::Pending);
    assert!(timers.update(key, &waker));
    timers.remove(key);
    assert_eq!(timers.poll(key, &waker, &mut seen), TimerState::Fired);
    assert!(!timers.update(key, &waker));
}

// T80. Goal: a driver that asks how long it may wait has looked where nothing is due; where
// something is, it has yet to fire it.
#[test]
fn t80_asking_how_long_to_wait_is_a_look_if_nothing_is_due() {
    let timers = Timers::new();
    let (late, _) = insert(&timers, Instant::now() + HOUR);
    let poll = |key, seen: &mut u32| timers.poll(key, &noop_waker(), seen);
    let mut seen = 0;
    poll(late, &mut seen);
    assert_eq!(poll(late, &mut seen), TimerState::Unattended, "nobody has asked in between");
    timers.until_next();
    assert_eq!(poll(late, &mut seen), TimerState::Pending);

    let (due, _) = insert(&timers, timers.origin);
    assert_eq!(timers.until_next(), Some(Duration::ZERO));
    assert_eq!(poll(due, &mut seen), TimerState::Unattended, "it was not fired");
}

// T79. Goal: a shut driver hands out every waker and takes no timer that would never fire.
#[test]
fn t79_nothing_is_inserted_after_the_end() {
    let timers = Timers::new();
    let far = Instant::now() + 100_000 * HOUR;
    let keys = [HOUR, 2 * HOUR].map(|after| insert(&timers, Instant::now() + after).0);
    assert_eq!(timers.shut().len(), 2);
    for key in keys {
        assert_eq!(timers.poll(key, &noop_waker(), &mut 0), TimerState::Shut);
        assert_eq!(timers.reset(key, far), None);
        timers.remove(key);
    }
    assert_eq!(timers.insert(far, noop_waker()), None);
    assert_eq!(timers.shut().len(), 0);
}

/// Counts its drops, and those of them that happen while the timers are locked.
struct Nosy {
    timers: Arc<OnceLock<Timers>>,
    drops: Arc<AtomicUsize>,
    drops_under_lock: Arc<AtomicUsize>,
}

impl Wake for Nosy {
    fn wake(self: Arc<Nosy>) {
        drop(self);
    }
}

impl Drop for Nosy {
    fn drop(&mut self) {
        let timers = self.timers.get().expect("made before any waker");
        // No other thread is here, so who holds the lock is the one that drops this.
        if timers.inner.try_lock().is_err() {
            self.drops_under_lock.fetch_add(1, Ordering::Relaxed);
        }
        self.drops.fetch_add(1, Ordering::Relaxed);
    }
}

// T21. Goal: a waker may do anything when it is dropped: replaced, removed, fired or refused.
#[test]
fn t21_wakers_are_dropped_outside_the_lock() {
    let shared = Arc::new(OnceLock::new());
    let timers = shared.get_or_init(Timers::new);
    let (drops, drops_under_lock) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let waker = || -> Waker {
        let (drops, drops_under_lock) = (Arc::clone(&drops), Arc::clone(&drops_under_lock));
        Arc::new(Nosy { timers: Arc::clone(&shared), drops, drops_under_lock }).into()
    };
    let dropped = |count| {
        assert_eq!(drops.load(Ordering::Relaxed), count);
        assert_eq!(drops_under_lock.load(Ordering::Relaxed), 0, "at drop {count}");
    };
    let far = Instant::now() + HOUR;

    let (key, _) = timers.insert(far, waker()).expect("not shut down");
    assert!(timers.update(key, &noop_waker()));
    dropped(1);
    assert!(timers.update(key, &waker()));
    dropped(1);
    timers.remove(key);
    dropped(2);
    assert!(!timers.update(key, &waker()));
    dropped(3);
    let mut fired = Vec::new();
    timers.insert(Instant::now(), waker()).expect("not shut down");
    timers.advance(&mut fired);
    dropped(3);
    fired.clear();
    dropped(4);
    assert!(timers.shut().is_empty());
    assert_eq!(timers.insert(far, waker()), None);
    dropped(5);
}

// Goal: what is printed of the timers is how many there are.
#[test]
fn printing_them_counts_them() {
    let timers = Timers::new();
    for pending in 0..3 {
        assert_eq!(format!("{timers:?}"), format!("Timers {{ pending: {pending}, .. }}"));
        insert(&timers, Instant::now() + HOUR);
    }
}
