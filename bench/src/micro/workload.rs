//! The workloads of tasks and timers, generic over the library: a side passes its `spawn`,
//! `yield_now` and `sleep`. Each returns nanoseconds for one operation of at least `count`.
//!
//! Nothing is allocated in a timed region but by the library itself.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

/// Tasks spawned, then joined, in one batch.
const BATCH: usize = 1000;
/// Tasks that yield to one another. Many, so that a library that looks at its selector when all
/// have yielded pays that system call once in sixty-four.
const YIELDERS: usize = 64;
/// Timers alive at once.
const TIMERS: usize = 1000;

/// How long the sleeps last whose lateness is taken.
pub const SLEEP: Duration = Duration::from_millis(1);

/// Nanoseconds for each of `count` operations.
pub(crate) fn each(elapsed: Duration, count: usize) -> f64 {
    elapsed.as_nanos() as f64 / count as f64
}

/// Spawns tasks that are ready at once in batches, and joins each batch.
pub(crate) async fn spawn_join<J: Future>(count: usize, spawn: impl Fn() -> J) -> f64 {
    let mut handles = Vec::with_capacity(BATCH);
    let mut left = count;
    let start = Instant::now();
    while left > 0 {
        let batch = left.min(BATCH);
        handles.extend((0..batch).map(|_| spawn()));
        for handle in handles.drain(..) {
            handle.await;
        }
        left -= batch;
    }
    each(start.elapsed(), count)
}

/// The body of a task that yields so often.
pub(crate) async fn yielder<Y: Future>(yields: usize, yield_now: impl Fn() -> Y) {
    for _ in 0..yields {
        yield_now().await;
    }
}

/// Runs the yielders that `spawn` makes, told how often each is to yield.
pub(crate) async fn yields<J: Future>(count: usize, spawn: impl Fn(usize) -> J) -> f64 {
    let yields = count.div_ceil(YIELDERS);
    let mut handles = Vec::with_capacity(YIELDERS);
    let start = Instant::now();
    handles.extend((0..YIELDERS).map(|_| spawn(yields)));
    for handle in handles {
        handle.await;
    }
    each(start.elapsed(), YIELDERS * yields)
}

/// A waker that costs what a real one costs to clone and to drop: a reference count.
struct Counted;

impl Wake for Counted {
    fn wake(self: Arc<Self>) {}
}

/// What inserting and cancelling a timer take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timers {
    pub(crate) insert: f64,
    pub(crate) cancel: f64,
}

/// Inserts and cancels timers that never fire: those of timeouts, by far the most frequent.
///
/// An insertion is making the sleep and polling it once; a cancellation is dropping it. Called
/// where the library finds its driver, but outside a task, whose budget would refuse the polls.
pub(crate) fn timers<S: Future>(count: usize, sleep: impl Fn(Duration) -> S) -> Timers {
    let sets = count.div_ceil(TIMERS);
    let waker = Waker::from(Arc::new(Counted));
    let mut context = Context::from_waker(&waker);
    let mut slots: Vec<Pin<Box<Option<S>>>> = (0..TIMERS).map(|_| Box::pin(None)).collect();
    let (mut inserting, mut cancelling) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..sets {
        let start = Instant::now();
        for (index, slot) in slots.iter_mut().enumerate() {
            // A minute and more, spread as the timeouts of connections are.
            let after = Duration::from_millis(60_000 + index as u64 * 7);
            slot.set(Some(sleep(after)));
            if let Some(timer) = slot.as_mut().as_pin_mut() {
                assert!(timer.poll(&mut context).is_pending(), "a minute passed in no time");
            }
        }
        let inserted = Instant::now();
        for slot in &mut slots {
            slot.set(None);
        }
        inserting += inserted - start;
        cancelling += inserted.elapsed();
    }
    Timers { insert: each(inserting, TIMERS * sets), cancel: each(cancelling, TIMERS * sets) }
}

/// What each of `count` sleeps of [`SLEEP`] lasted, one after the other.
pub(crate) async fn sleeps<S: Future>(
    count: usize,
    sleep: impl Fn(Duration) -> S,
) -> Vec<Duration> {
    let mut lasted = Vec::with_capacity(count);
    for _ in 0..count {
        let start = Instant::now();
        sleep(SLEEP).await;
        lasted.push(start.elapsed());
    }
    lasted
}
