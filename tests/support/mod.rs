//! The vocabulary that the tests of public behaviour share.
//!
//! - [`deadline`] runs a test's body and fails it where it would hang; [`eventually`] waits for a
//!   condition that another thread or the kernel brings about. Both are bounds on hanging, far
//!   above what a slow machine needs; no test here measures time with them.
//! - [`alone`] keeps tests apart that count the process's descriptors.
//! - [`WakeCount`] makes wakers and counts what happens to them.
//! - [`Probe`] makes futures and counts what happens to them and to their outputs.
//! - [`assert_send`] and its like are checked by the compiler.

#![allow(dead_code, reason = "each test binary compiles its own copy and uses a part of it")]
#![allow(unreachable_pub, reason = "a module of each test binary, reached as `support::…`")]

use std::{
    fmt::Debug,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

/// How long a test may take before it counts as hung. An emulated machine with one processor is
/// some fifty times slower than this needs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Runs `body` in a thread of its own and returns what it returns. Panics as it panics, and also
/// once [`PATIENCE`] is over: a test that hangs fails by its name.
#[track_caller]
pub fn deadline<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> R {
    let name = thread::current().name().unwrap_or("a test").to_owned();
    // Nothing is ever sent: the channel is closed when the body ends, in whatever way.
    let (running, ended) = mpsc::channel::<()>();
    let worker = thread::Builder::new().name(name.clone()).spawn(move || {
        let _running = running;
        body()
    });
    let worker = worker.expect("a thread for the test");
    match ended.recv_timeout(PATIENCE) {
        Err(RecvTimeoutError::Timeout) => panic!("{name} hangs: no end after {PATIENCE:?}"),
        Err(RecvTimeoutError::Disconnected) => {}
        Ok(()) => unreachable!("nothing is sent"),
    }
    worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Waits until `condition` holds.
#[track_caller]
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "{what}: not after {PATIENCE:?}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// The only test of its binary that runs, of those that ask for it, until the guard drops: for
/// tests that count what the process has, or change it.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A waker that counts. All wakers made by one `WakeCount` wake the same.
#[derive(Debug, Default)]
pub struct WakeCount(Arc<Count>);

#[derive(Debug, Default)]
struct Count(AtomicUsize);

impl WakeCount {
    pub fn new() -> WakeCount {
        WakeCount::default()
    }

    pub fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.0))
    }

    /// How often a waker of this was woken.
    pub fn wakes(&self) -> usize {
        self.0.0.load(Ordering::SeqCst)
    }

    /// How many wakers of this there are.
    pub fn alive(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }

    /// Polls `future` once with a waker of this.
    pub fn poll<F: Future + Unpin>(&self, future: &mut F) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(&self.waker()))
    }
}

impl Wake for Count {
    fn wake(self: Arc<Count>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Count>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// What has happened to the futures of a [`Probe`] so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub polls: usize,
    pub future_drops: usize,
    pub output_drops: usize,
}

/// Makes futures and counts their polls, their drops and the drops of their outputs.
#[derive(Clone, Debug, Default)]
pub struct Probe(Arc<Mutex<Record>>);

#[derive(Debug, Default)]
struct Record {
    seen: Seen,
    waker: Option<Waker>,
    polled_on: Option<ThreadId>,
    dropped_on: Option<ThreadId>,
}

impl Probe {
    pub fn new() -> Probe {
        Probe::default()
    }

    /// A future whose polls are counted and then made by `poll`. Each keeps the waker that it was
    /// polled with, for [`waker`](Self::waker).
    pub fn future<T, F>(&self, poll: F) -> ProbedFuture<F>
    where
        F: FnMut(&mut Context<'_>) -> Poll<T> + Unpin,
    {
        ProbedFuture { probe: self.clone(), poll }
    }

    /// A future that is never ready.
    pub fn pending(
        &self,
    ) -> ProbedFuture<impl FnMut(&mut Context<'_>) -> Poll<()> + Unpin + Send + use<>> {
        self.future(|_: &mut Context<'_>| Poll::Pending)
    }

    /// A future that is pending `polls` times, waking itself each time if `wakes`, and then ready
    /// with an output whose drop is counted.
    pub fn ready_after(
        &self,
        polls: usize,
        wakes: bool,
    ) -> ProbedFuture<impl FnMut(&mut Context<'_>) -> Poll<Output> + Unpin + Send + use<>> {
        let probe = self.clone();
        let mut left = polls;
        self.future(move |cx: &mut Context<'_>| {
            if left == 0 {
                return Poll::Ready(probe.output());
            }
            left -= 1;
            if wakes {
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        })
    }

    /// A value whose drop is counted.
    pub fn output(&self) -> Output {
        Output(self.clone())
    }

    pub fn seen(&self) -> Seen {
        self.record(|record| record.seen)
    }

    /// Asserts every count at once.
    #[track_caller]
    pub fn expect(&self, polls: usize, future_drops: usize, output_drops: usize) {
        assert_eq!(self.seen(), Seen { polls, future_drops, output_drops });
    }

    /// The waker of the last poll.
    #[track_caller]
    pub fn waker(&self) -> Waker {
        self.record(|record| record.waker.clone()).expect("a future of this probe was polled")
    }

    /// Forgets the waker of the last poll.
    pub fn drop_waker(&self) {
        let waker = self.record(|record| record.waker.take());
        drop(waker);
    }

    /// Where a future of this was last polled.
    pub fn polled_on(&self) -> Option<ThreadId> {
        self.record(|record| record.polled_on)
    }

    /// Where a future of this was last dropped.
    pub fn dropped_on(&self) -> Option<ThreadId> {
        self.record(|record| record.dropped_on)
    }

    fn record<R>(&self, change: impl FnOnce(&mut Record) -> R) -> R {
        change(&mut self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }
}

/// A future of a [`Probe`].
#[derive(Debug)]
pub struct ProbedFuture<F> {
    probe: Probe,
    poll: F,
}

impl<T, F: FnMut(&mut Context<'_>) -> Poll<T> + Unpin> Future for ProbedFuture<F> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let before = self.probe.record(|record| {
            record.seen.polls += 1;
            record.polled_on = Some(thread::current().id());
            record.waker.replace(cx.waker().clone())
        });
        drop(before);
        (self.poll)(cx)
    }
}

impl<F> Drop for ProbedFuture<F> {
    fn drop(&mut self) {
        self.probe.record(|record| {
            record.seen.future_drops += 1;
            record.dropped_on = Some(thread::current().id());
        });
    }
}

/// An output of a [`Probe`].
#[derive(Debug)]
pub struct Output(Probe);

impl Drop for Output {
    fn drop(&mut self) {
        self.0.record(|record| record.seen.output_drops += 1);
    }
}

/// Runs `body` with the panic hook silenced for messages that contain `expected`, so that a test
/// of panics does not read like a failure.
pub fn quietly<R>(expected: &'static str, body: impl FnOnce() -> R) -> R {
    static INSTALLED: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
    {
        let mut expectations = INSTALLED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if expectations.is_empty() {
            let loud = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                let text = message(info.payload());
                let expectations = INSTALLED.lock().unwrap_or_else(|e| e.into_inner());
                if !expectations.iter().any(|expected| text.contains(expected)) {
                    drop(expectations);
                    loud(info);
                }
            }));
        }
        // Kept for the rest of the process: tests run side by side.
        expectations.push(expected);
    }
    body()
}

/// The message of a panic.
pub fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

pub fn assert_send<T: Send>() {}
pub fn assert_sync<T: Sync>() {}
pub fn assert_unpin<T: Unpin>() {}
pub fn assert_debug<T: Debug>() {}
pub fn assert_error<T: std::error::Error + Send + Sync + 'static>() {}
