//! What the loom models share: how far each is explored, and a task that waits by blocking its
//! model thread.
//!
//! The models are the files named `loom.rs` beside what they model, and those below them. Run them
//! with `make loom`, or
//!
//! ```text
//! RUSTFLAGS='--cfg edgewake_loom' cargo test --release --lib loom
//! ```
//!
//! A wake-up that is lost leaves a thread waiting on its [`Bell`] for ever, which loom reports as a
//! deadlock; everything else is asserted.
//!
//! # The bounds
//!
//! Every model is explored to its end within its bound, and says so in a line with the number of
//! interleavings. [`model`] has none: every interleaving of its threads' steps that can make a
//! difference, and every value that a load may see. [`bounded`] leaves out those in which threads
//! are interrupted, where they could have gone on, more than so many times in all; a thread that
//! has to wait is not interrupted. `EDGEWAKE_LOOM_MORE=1` allows one interruption more.
//!
//! What loom itself leaves out (its README, "Unsupported features"): a load sees one of the last
//! seven stores, and none that comes later in its own thread's order ("load buffering"). What it
//! does not tell: where a thread loads before it stores, the store is not tried before loads that
//! others have made by then. An [`ordered`] model tries that too (see `accesses`), which only
//! models of a few steps can afford; what the bounds say is true of the others but for that.
//! `EDGEWAKE_LOOM_ORDERED=1` makes every model one that is ordered, with so many interruptions.

use std::{
    env,
    io::{self, Write as _},
    panic::Location,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Wake, Waker},
    thread,
    time::Duration,
};

use ::loom::{
    model::Builder,
    sync::mpsc::{Receiver, Sender, channel},
};

use super::accesses;

/// Explores a model in every interleaving.
#[track_caller]
pub(crate) fn model(body: impl Fn() + Send + Sync + 'static) {
    explore_as_asked(None, Location::caller(), body);
}

/// As [`model`], by loom alone whatever the environment says.
#[track_caller]
pub(super) fn plain(body: impl Fn() + Send + Sync + 'static) {
    explore(None, Location::caller(), body);
}

/// As [`bounded`], with the interleavings that loom forgets: see `accesses`.
#[track_caller]
pub(crate) fn ordered(most: usize, body: impl Fn() + Send + Sync + 'static) {
    let at = Location::caller();
    accesses::ordered(|| explore(Some(most + more()), at, body));
}

/// Explores a model whose threads are interrupted at most `most` times in all: the number of
/// interleavings grows with its power.
#[track_caller]
pub(crate) fn bounded(most: usize, body: impl Fn() + Send + Sync + 'static) {
    explore_as_asked(Some(most + more()), Location::caller(), body);
}

fn explore_as_asked(
    bound: Option<usize>,
    at: &Location<'_>,
    body: impl Fn() + Send + Sync + 'static,
) {
    let Some(most) = env::var_os("EDGEWAKE_LOOM_ORDERED") else {
        return explore(bound, at, body);
    };
    let most = most.to_str().and_then(|most| most.parse().ok());
    let most = most.expect("EDGEWAKE_LOOM_ORDERED is a number of interruptions");
    let most = bound.map_or(most, |bound| bound.min(most));
    accesses::ordered(|| explore(Some(most), at, body));
}

/// How many interruptions more the environment allows.
fn more() -> usize {
    usize::from(env::var_os("EDGEWAKE_LOOM_MORE").is_some_and(|value| value != "0"))
}

fn explore(bound: Option<usize>, at: &Location<'_>, body: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    // What the environment may say of bounds would make the printed line untrue.
    builder.preemption_bound = bound;
    (builder.max_permutations, builder.max_duration) = (None, None);
    let count = Arc::new(Tally::default());
    let counting = Arc::clone(&count);
    builder.check(move || {
        counting.count();
        body();
    });
    let limit = match bound {
        None => "without a bound".to_owned(),
        Some(most) => format!("of at most {most} interruptions"),
    };
    let current = thread::current();
    let name = current.name().unwrap_or_else(|| at.file());
    // Past the test harness, which would keep it to itself.
    writeln!(io::stdout(), "loom: {name}: {} interleavings {limit}", count.get())
        .expect("a standard output");
}

/// A count that loom does not see, so that counting adds no interleavings.
#[derive(Debug, Default)]
pub(crate) struct Tally(AtomicUsize);

impl Tally {
    pub(crate) fn count(&self) {
        // Relaxed, here and below: model threads run one at a time.
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A place that loom does not see. Nobody may be interrupted by loom while they use it.
#[derive(Debug)]
pub(crate) struct Place<T>(Mutex<Option<T>>);

impl<T> Default for Place<T> {
    fn default() -> Place<T> {
        Place(Mutex::new(None))
    }
}

impl<T> Place<T> {
    pub(crate) fn replace(&self, value: T) -> Option<T> {
        self.0.try_lock().expect("model threads run one at a time").replace(value)
    }

    pub(crate) fn take(&self) -> Option<T> {
        self.0.try_lock().expect("model threads run one at a time").take()
    }
}

/// Where one model thread waits to be woken. Every ring ends one wait, also one that begins later.
#[derive(Debug)]
pub(crate) struct Bell {
    sender: Sender<()>,
    /// In std's lock, which only the one who waits takes.
    receiver: Mutex<Receiver<()>>,
    rings: Tally,
}

impl Bell {
    pub(crate) fn new() -> Arc<Bell> {
        let (sender, receiver) = channel();
        Arc::new(Bell { sender, receiver: Mutex::new(receiver), rings: Tally::default() })
    }

    pub(crate) fn waker(self: &Arc<Bell>) -> Waker {
        Waker::from(Arc::clone(self))
    }

    pub(crate) fn wait(&self) {
        let receiver = self.receiver.try_lock().expect("one thread waits");
        receiver.recv().expect("the sender is here");
    }

    pub(crate) fn ring(&self) {
        self.rings.count();
        self.sender.send(()).expect("the receiver is here");
    }

    pub(crate) fn rings(&self) -> usize {
        self.rings.get()
    }

    /// How many wakers there are, beside `own` references.
    pub(crate) fn wakers(self: &Arc<Bell>, own: usize) -> usize {
        Arc::strong_count(self) - own
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Bell>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Bell>) {
        self.ring();
    }
}

/// A condition variable whose time-outs, and ends for no reason, the model brings about.
///
/// Like the real one: an end of a wait by time-out may come together with a notification.
#[derive(Debug, Default)]
pub(crate) struct Condvar {
    inner: ::loom::sync::Condvar,
    waiting: AtomicBool,
    over: AtomicBool,
}

/// Whether a wait was over because of its time.
#[derive(Debug)]
pub(crate) struct TimedOut(bool);

impl TimedOut {
    pub(crate) fn timed_out(&self) -> bool {
        self.0
    }
}

impl Condvar {
    pub(crate) fn notify_one(&self) {
        self.inner.notify_one();
    }

    /// Waits; only [`time_out`](Self::time_out) says when the time is over.
    pub(crate) fn wait_timeout<'a, T>(
        &self,
        guard: ::loom::sync::MutexGuard<'a, T>,
        _timeout: Duration,
    ) -> std::sync::LockResult<(::loom::sync::MutexGuard<'a, T>, TimedOut)> {
        // Relaxed, here and below: model threads run one at a time.
        self.waiting.store(true, Ordering::Relaxed);
        let guard = self.inner.wait(guard).expect("no thread has panicked");
        self.waiting.store(false, Ordering::Relaxed);
        Ok((guard, TimedOut(self.over.swap(false, Ordering::Relaxed))))
    }

    /// Ends the wait that is under way, if any: its time is over.
    pub(crate) fn time_out(&self) {
        self.inner.notify_all();
        // After the step that loom knows, with which it is one.
        let waiting = self.waiting.load(Ordering::Relaxed);
        self.over.store(waiting, Ordering::Relaxed);
    }

    /// Ends the wait that is under way, if any, for no reason.
    pub(crate) fn end_for_nothing(&self) {
        self.inner.notify_all();
    }
}
