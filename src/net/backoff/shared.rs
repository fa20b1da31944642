//! A pause that several tasks wait for, as callers of `poll_accept` and `poll_send_to` do: none of
//! them has a future that could keep it, and the timer has one waker only.
//!
//! That all of them are woken is shown by `tests/accept_at_fd_limit.rs`.

use std::{
    mem::take,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use super::Backoff;
use crate::sync::{Mutex, lock};

/// A pause shared by whoever polls.
#[derive(Debug)]
pub(in crate::net) struct SharedBackoff {
    shared: Mutex<Option<Shared>>,
    /// Makes the first pause of a row.
    first: fn() -> Backoff,
}

#[derive(Debug)]
struct Shared {
    backoff: Backoff,
    crowd: Arc<Crowd>,
}

impl Default for SharedBackoff {
    #[inline]
    fn default() -> SharedBackoff {
        SharedBackoff { shared: Mutex::new(None), first: Backoff::new }
    }
}

impl SharedBackoff {
    /// As [`Backoff::brief`].
    #[inline]
    pub(in crate::net) fn brief() -> SharedBackoff {
        SharedBackoff { shared: Mutex::new(None), first: Backoff::brief }
    }

    /// Pending while a pause lasts; the caller is woken at its end.
    #[inline]
    pub(in crate::net) fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        let mut shared = lock(&self.shared);
        let Some(Shared { backoff, crowd }) = shared.as_mut() else { return Poll::Ready(()) };
        let crowd = Arc::clone(crowd);
        // Into the crowd first: if the pause ends now, the crowd is woken, and this caller with it.
        crowd.join(cx.waker());
        backoff.poll(&Context::from_waker(&Waker::from(crowd)))
    }

    /// Starts the next pause, unless someone else's has just started. False where no driver is
    /// there to time it.
    #[inline]
    pub(in crate::net) fn start(&self) -> bool {
        let mut shared = lock(&self.shared);
        let Shared { backoff, crowd } = shared.get_or_insert_with(|| Shared {
            backoff: (self.first)(),
            crowd: Arc::new(Crowd::default()),
        });
        backoff.is_running() || backoff.start(&Context::from_waker(&Waker::from(Arc::clone(crowd))))
    }

    /// The pause helped: the next one is a short one again. False if others wait for it still.
    #[inline]
    pub(in crate::net) fn reset(&self) -> bool {
        let (over, outcome) = {
            let mut shared = lock(&self.shared);
            match &*shared {
                Some(Shared { backoff, .. }) if backoff.is_running() => (None, false),
                _ => (shared.take(), true),
            }
        };
        drop(over);
        outcome
    }
}

/// Everyone who waits for the pause. There is no bound on them but its end, a second at most: to
/// wake the oldest past a bound would have them wake one another until then.
#[derive(Debug, Default)]
struct Crowd(Mutex<Vec<Waker>>);

impl Crowd {
    /// Adds a waker, unless its task is there already.
    fn join(&self, waker: &Waker) {
        let mut wakers = lock(&self.0);
        if !wakers.iter().any(|present| present.will_wake(waker)) {
            wakers.push(waker.clone());
        }
    }
}

impl Wake for Crowd {
    #[inline]
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

    use super::Crowd;

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

    // T20. Goal: every task of the crowd is woken, once, however many they are and however often
    // each has polled, and none before the pause ends.
    #[test]
    fn t20_the_whole_crowd_is_woken_once() {
        let tasks: Vec<Arc<Count>> = (0..100).map(|_| Arc::default()).collect();
        let crowd = Arc::new(Crowd::default());
        for task in &tasks {
            let waker = Waker::from(Arc::clone(task));
            crowd.join(&waker);
            crowd.join(&waker);
        }
        assert_eq!(wakes(&tasks), vec![0; 100]);
        crowd.wake();
        assert_eq!(wakes(&tasks), vec![1; 100]);
    }
}
