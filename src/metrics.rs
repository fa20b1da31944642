//! What a runtime has done and what it has in hand, in numbers: the counters, and the snapshot of
//! them that users get.
//!
//! - [`Counter`]: written by one thread at a time, the one that turns the loop; read by any.
//! - [`Counters`]: one cache line of them, the runtime's, which is all that a wake-up and a poll
//!   touch on their way; [`DriverCounters`]: another, the driver's, for a turn. Each lies in the
//!   structure whose address is at hand where it is counted: one line for both cost two
//!   instructions more for an event. The reactor has two counters of its own, of events that were
//!   for nobody.
//! - [`SharedCounter`]: what other threads count, apart from the others, so that they do not take
//!   the lines away from the loop's thread.
//! - [`Stopwatch`]: the two times, for who asked for them.
//!
//! The layers above count where things happen, a line each; `runtime/metrics.rs` takes the
//! snapshot. What is kept anyway (the wheel's timers, the reactor's sources, the injection queue)
//! is not counted a second time, but asked for then.
//!
//! The atomics are std's in loom's models, too. Nothing is decided by a count, and each that loom
//! saw would multiply the interleavings.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// A count with one writer at a time.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Counts `more`. By the thread that turns the loop, of which there is one at a time; two would
    /// lose counts, and nothing else.
    #[inline(always)]
    pub(crate) fn add(&self, more: u64) {
        // Relaxed, twice: a number that publishes nothing. A load and a store instead of one
        // step: there is no other writer, and on x86-64 they are one plain instruction.
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        // Relaxed: as in `add`.
        self.0.load(Ordering::Relaxed)
    }
}

/// A count that any thread adds to.
#[derive(Debug, Default)]
pub(crate) struct SharedCounter(AtomicU64);

impl SharedCounter {
    pub(crate) fn increment(&self) {
        // Relaxed: a number that publishes nothing.
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        // Relaxed: as in `increment`.
        self.0.load(Ordering::Relaxed)
    }
}

/// What a runtime counts on the loop's thread. A line by itself: neighbours that other threads
/// write would slow every count down.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct Counters {
    /// Of tasks, and of `block_on`'s futures.
    pub(crate) polls: Counter,
    /// Of tasks, on this thread.
    pub(crate) local_wakes: Counter,
    /// What comes to a poll without a local wake-up: new tasks, those that were injected, and
    /// `block_on`'s futures. So `local_wakes + admissions - polls` are waiting in the run queue.
    pub(crate) admissions: Counter,
    pub(crate) spawns: Counter,
    pub(crate) completions: Counter,
    /// Of `block_on`'s future, on this thread.
    pub(crate) root_wakes: Counter,
}

const _: () = assert!(size_of::<Counters>() == 64 && size_of::<DriverCounters>() == 64);

/// What a driver counts on the loop's thread.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct DriverCounters {
    pub(crate) turns: Counter,
    /// Those of the notifier included, which the reactor counts once more.
    pub(crate) events: Counter,
    pub(crate) timer_fires: Counter,
    /// Nanoseconds.
    pub(crate) busy: Counter,
    /// Nanoseconds.
    pub(crate) waiting: Counter,
}

/// Tells the time that the loop is busy from the time that it waits, by two looks at the clock a
/// turn. There is one only where it was asked for.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    /// Up to here the time is accounted for.
    mark: Instant,
}

impl Stopwatch {
    pub(crate) fn new() -> Stopwatch {
        Stopwatch { mark: Instant::now() }
    }

    /// What goes before was neither: the loop was not run.
    pub(crate) fn skip(&mut self) {
        self.mark = Instant::now();
    }

    /// Adds what went by since the mark to `counter`.
    pub(crate) fn charge(&mut self, counter: &Counter) {
        let before = std::mem::replace(&mut self.mark, Instant::now());
        let spent = self.mark.saturating_duration_since(before).as_nanos();
        // 584 years of it.
        counter.add(u64::try_from(spent).unwrap_or(u64::MAX));
    }
}

/// What a runtime counts on other threads.
#[derive(Debug, Default)]
pub(crate) struct Elsewhere {
    pub(crate) wakes: SharedCounter,
    pub(crate) spawns: SharedCounter,
}

/// What a [`Runtime`](crate::Runtime) has done since it was made, and what it has in hand: a
/// snapshot, taken by [`Runtime::metrics`](crate::Runtime::metrics) or
/// [`Handle::metrics`](crate::Handle::metrics).
///
/// Everything is counted always, at the price of a handful of instructions for an event; only the
/// two times have to be asked for, with [`Builder::measure_time`](crate::Builder::measure_time).
/// The numbers are read one after the other: taken from another thread while the loop runs, they
/// can be apart by what happens meanwhile. Taken on the loop's own thread they agree. Rates are the
/// difference of two snapshots.
///
/// # Examples
///
/// ```
/// use edgewake::{Runtime, yield_now};
///
/// let runtime = Runtime::new()?;
/// let before = runtime.metrics();
/// runtime.block_on(async {
///     let task = edgewake::spawn(async {
///         yield_now().await;
///         edgewake::Handle::current().metrics().tasks_alive
///     });
///     assert_eq!(task.await.unwrap(), 1);
/// });
/// let after = runtime.metrics();
/// assert_eq!(after.tasks_spawned - before.tasks_spawned, 1);
/// assert_eq!(after.tasks_alive, 0);
/// // The future of `block_on` was polled, and woken at the end; the task twice, and woken once.
/// assert_eq!(after.polls - before.polls, 4);
/// assert_eq!(after.local_wakes - before.local_wakes, 2);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Metrics {
    /// How often the loop asked the kernel for events. The looks of one
    /// [`busy_poll`](crate::Builder::busy_poll) are one turn, with the wait that may follow.
    pub turns: u64,
    /// Events that the kernel reported of descriptors. Several of one descriptor can come as one
    /// (epoll reports both directions together, kqueue does not).
    pub events: u64,
    /// Those of the events that woke nobody: nobody waited for their direction, or the descriptor
    /// was closed before they arrived. A few are normal, as data can come while its reader is busy;
    /// as many as there are events mean that a descriptor is registered in vain.
    pub spurious_events: u64,
    /// Polls of tasks and of [`block_on`](crate::Runtime::block_on)'s futures. One that drops an
    /// aborted task instead counts as well.
    pub polls: u64,
    /// Wake-ups on the loop's own thread, by events, timers and other tasks, that had an effect:
    /// of a task, or a future of `block_on`, that was not already woken. One that comes while its
    /// task is being polled counts here, from wherever it came, and so does an abort.
    pub local_wakes: u64,
    /// Wake-ups from elsewhere that had an effect: on other threads, or on the loop's thread while
    /// it runs another loop, or none.
    pub remote_wakes: u64,
    /// How often the waiting loop was kicked, by a system call each: for remote wake-ups, for tasks
    /// that were spawned elsewhere, for timers of other threads. Fewer than those: a loop that runs
    /// needs no kick, and one that sleeps only the first.
    pub notifier_writes: u64,
    /// Timers that reached their deadline.
    pub timer_fires: u64,
    /// Tasks that were spawned, from whatever thread. Divided by a time, a rate of requests in many
    /// servers.
    pub tasks_spawned: u64,
    /// Tasks that are not finished: their futures are in memory. A number that only grows is a
    /// leak of tasks.
    pub tasks_alive: usize,
    /// Tasks that were woken, or are new, and wait in the loop's queue for a poll: what a task that
    /// is woken now stands behind.
    pub run_queue: usize,
    /// Tasks that were woken or spawned elsewhere (see `remote_wakes`), and that the loop has not
    /// taken over yet.
    pub injection_queue: usize,
    /// Timers whose deadline is to come, of sleeping tasks, timeouts and intervals.
    pub timers_pending: usize,
    /// Descriptors that are registered with the selector: an [`AsyncFd`](crate::AsyncFd)'s when it
    /// is made, a socket's when somebody first has to wait for it.
    pub sources: usize,
    /// How long the loop did something else than ask and wait for events, inside `block_on` and
    /// [`turn`](crate::Runtime::turn): ran tasks, above all. As of the last turn; `None` unless
    /// [`Builder::measure_time`](crate::Builder::measure_time) asked for it.
    pub time_busy: Option<Duration>,
    /// How long the loop waited for events, and asked for them: the rest of the time inside
    /// `block_on` and `turn`. `None` as above.
    pub time_waiting: Option<Duration>,
}

/// For counts of things in hand whose two sides are read one after the other.
pub(crate) fn difference(came: u64, went: u64) -> usize {
    usize::try_from(came.saturating_sub(went)).unwrap_or(usize::MAX)
}
