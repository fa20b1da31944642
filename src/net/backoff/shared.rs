//! A pause that several tasks wait for, as callers of `poll_accept` do: none of them has a future
//! that could keep it, and the timer has one waker only.
//!
//! That all of them are woken is shown by `tests/accept_at_fd_limit.rs`.

use std::{
    mem::take,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use super::Backoff;
use crate::sync::{Mutex, lock};

/// How many tasks a pause keeps. Past that the oldest is woken, and polls again if it still cares.
const CROWD_MAX: usize = 9;

/// A pause shared by whoever polls.
#[derive(Debug, Default)]
pub(in crate::net) struct SharedBackoff(Mutex<Option<Shared>>);

#[derive(Debug)]
struct Shared {
    backoff: Backoff,
    crowd: Arc<Crowd>,
}

impl SharedBackoff {
    /// Pending while a pause lasts; the caller is woken at its end.
    pub(in crate::net) fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        let mut shared = lock(&self.0);
        let Some(Shared { backoff, crowd }) = shared.as_mut() else { return Poll::Ready(()) };
        let crowd = Arc::clone(crowd);
        // Into the crowd first: if the pause ends now, the crowd is woken, and this caller with it.
        let displaced = crowd.join(cx.waker());
        let outcome = backoff.poll(&Context::from_waker(&Waker::from(crowd)));
        drop(shared);
        if let Some(waker) = displaced {
            waker.wake();
        }
        outcome
    }

    /// Starts the next pause, unless someone else's has just started. False where no driver is
    /// there to time it.
    pub(in crate::net) fn start(&self) -> bool {
        let mut shared = lock(&self.0);
        let Shared { backoff, crowd } = shared.get_or_insert_with(|| Shared {
            backoff: Backoff::new(),
            crowd: Arc::new(Crowd::default()),
        });
        backoff.is_running() || backoff.start(&Context::from_waker(&Waker::from(Arc::clone(crowd))))
    }

    /// The pause helped: the next one is a short one again.
    pub(in crate::net) fn reset(&self) {
        let over = {
            let mut shared = lock(&self.0);
            match &*shared {
                Some(Shared { backoff, .. }) if !backoff.is_running() => shared.take(),
                // Others wait for it still.
                _ => None,
            }
        };
        drop(over);
    }
}

/// Everyone who waits for the pause.
#[derive(Debug, Default)]
struct Crowd(Mutex<Vec<Waker>>);

impl Crowd {
    /// Adds a waker, unless its task is there already. Returns one to wake outside every lock.
    fn join(&self, waker: &Waker) -> Option<Waker> {
        let mut wakers = lock(&self.0);
        if wakers.iter().any(|present| present.will_wake(waker)) {
            return None;
        }
        wakers.push(waker.clone());
        (wakers.len() > CROWD_MAX).then(|| wakers.remove(0))
    }
}

impl Wake for Crowd {
    fn wake(self: Arc<Crowd>) {
        let wakers = take(&mut *lock(&self.0));
        wakers.into_iter().for_each(Waker::wake);
    }
}

#[cfg(all(test, not(edgewake_loom)))]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::{Wake, Waker},
    };

    use super::{CROWD_MAX, Crowd};

    #[derive(Debug, Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Count>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn wakes(tasks: &[Arc<Count>]) -> Vec<usize> {
        tasks.iter().map(|task| task.0.load(Ordering::SeqCst)).collect()
    }

    // Goal: the crowd is bounded, and whoever is pushed out is to be woken instead.
    #[test]
    fn crowd_is_bounded() {
        let tasks: Vec<Arc<Count>> = (0..=CROWD_MAX).map(|_| Arc::default()).collect();
        let crowd = Arc::new(Crowd::default());
        for task in &tasks {
            let waker = Waker::from(Arc::clone(task));
            for _ in 0..2 {
                if let Some(oldest) = crowd.join(&waker) {
                    oldest.wake();
                }
            }
        }
        assert_eq!(wakes(&tasks)[..2], [1, 0]);
        crowd.wake();
        assert_eq!(wakes(&tasks), vec![1; CROWD_MAX + 1]);
    }
}
