//! The workloads, generic over the library: a side passes its `spawn`, `yield_now` and `sleep`.
//!
//! Nothing is allocated in a timed region but by the library itself.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

/// Tasks spawned, then joined, in one batch; and batches in a repeat.
const BATCH: usize = 1000;
const BATCHES: usize = 100;
/// Tasks that yield to one another, and yields of each. Many, so that a library that looks at its
/// selector when all have yielded pays that system call once in sixty-four.
const YIELDERS: usize = 64;
const YIELDS: usize = 2000;
/// Timers alive at once, and times they are all inserted and cancelled.
const TIMERS: usize = 1000;
const TIMER_SETS: usize = 50;
/// Sleeps whose lateness is taken, and how long they last.
pub(crate) const SLEEPS: usize = 200;
pub(crate) const SLEEP: Duration = Duration::from_millis(1);

/// A figure of one repeat; the unit is in the name.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) value: f64,
}

fn nanoseconds_each(name: &'static str, elapsed: Duration, count: usize) -> Figure {
    Figure { name, value: elapsed.as_nanos() as f64 / count as f64 }
}

/// Spawns tasks that are ready at once in batches, and joins each batch.
pub(crate) async fn spawn_join<J: Future>(spawn: impl Fn() -> J) -> Figure {
    let mut handles = Vec::with_capacity(BATCH);
    let start = Instant::now();
    for _ in 0..BATCHES {
        handles.extend((0..BATCH).map(|_| spawn()));
        for handle in handles.drain(..) {
            handle.await;
        }
    }
    nanoseconds_each("spawn + join, ns", start.elapsed(), BATCH * BATCHES)
}

/// The body of a task that yields; spawn [`YIELDERS`] of them.
pub(crate) async fn yielder<Y: Future>(yield_now: impl Fn() -> Y) {
    for _ in 0..YIELDS {
        yield_now().await;
    }
}

/// Runs the yielders that `spawn` makes.
pub(crate) async fn yields<J: Future>(spawn: impl Fn() -> J) -> Figure {
    let mut handles = Vec::with_capacity(YIELDERS);
    let start = Instant::now();
    handles.extend((0..YIELDERS).map(|_| spawn()));
    for handle in handles {
        handle.await;
    }
    nanoseconds_each("yield, ns", start.elapsed(), YIELDERS * YIELDS)
}

/// A waker that costs what a real one costs to clone and to drop: a reference count.
struct Counted;

impl Wake for Counted {
    fn wake(self: Arc<Self>) {}
}

/// Inserts and cancels timers that never fire: those of timeouts, by far the most frequent.
///
/// An insertion is making the sleep and polling it once; a cancellation is dropping it. Called
/// where the library finds its driver, but outside a task, whose budget would refuse the polls.
pub(crate) fn timers<S: Future>(sleep: impl Fn(Duration) -> S) -> [Figure; 2] {
    let waker = Waker::from(Arc::new(Counted));
    let mut context = Context::from_waker(&waker);
    let mut slots: Vec<Pin<Box<Option<S>>>> = (0..TIMERS).map(|_| Box::pin(None)).collect();
    let (mut inserting, mut cancelling) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..TIMER_SETS {
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
    [
        nanoseconds_each("timer insert, ns", inserting, TIMERS * TIMER_SETS),
        nanoseconds_each("timer cancel, ns", cancelling, TIMERS * TIMER_SETS),
    ]
}

/// How much later than asked for each of [`SLEEPS`] sleeps ended, one after the other.
pub(crate) async fn lateness<S: Future>(sleep: impl Fn(Duration) -> S) -> [Figure; 2] {
    let mut late = Vec::with_capacity(SLEEPS);
    for _ in 0..SLEEPS {
        let start = Instant::now();
        sleep(SLEEP).await;
        late.push(start.elapsed());
    }
    lateness_figures(&late)
}

/// Median and 99th percentile of what `elapsed` has over [`SLEEP`].
pub(crate) fn lateness_figures(elapsed: &[Duration]) -> [Figure; 2] {
    // Negative if a sleep ended early, which no side may do; it would show.
    let late: Vec<f64> =
        elapsed.iter().map(|it| (it.as_secs_f64() - SLEEP.as_secs_f64()) * 1e6).collect();
    [
        Figure { name: "sleep(1 ms) late p50, us", value: edgewake_bench::stats::median(&late) },
        Figure {
            name: "sleep(1 ms) late p99, us",
            value: edgewake_bench::stats::percentile(&late, 99.0),
        },
    ]
}
