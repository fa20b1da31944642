//! Tasks that are watched: each wake-up must be followed by a poll within a bound, each future ends
//! and is dropped, once, and on its loop's thread. They are also woken for nothing, at moments that
//! the schedule draws, by this thread or by another one.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
    thread,
};

use edgewake::{JoinHandle, spawn_local};
use edgewake_sys::faults::schedule::{self, PASSED_OVER_MAX, POSTPONED_MAX};

use crate::run::{draw, once_in};

/// The tasks of one run.
#[derive(Default)]
struct World {
    /// The most that were alive at once.
    most: Cell<u64>,
    alive: Cell<u64>,
    watches: RefCell<Vec<Weak<Watch>>>,
    other: RefCell<Option<Other>>,
    /// Whether the bound holds: not where somebody else decides when a loop runs.
    is_fair: Cell<bool>,
}

thread_local! {
    static WORLD: World = World::default();
    /// How often any of them was polled.
    static POLLS: Arc<AtomicU64> = Arc::default();
}

/// A run begins on this thread.
pub(crate) fn begin() {
    WORLD.with(|world| {
        world.alive.set(0);
        world.most.set(0);
        world.is_fair.set(true);
        world.watches.borrow_mut().clear();
        *world.other.borrow_mut() = Some(Other::start());
    });
    schedule::intrude(|_| wake_for_nothing());
}

/// Another drives the loops: a task may wait for its poll as long as that one likes.
pub(crate) fn is_driven_from_outside() {
    WORLD.with(|world| world.is_fair.set(false));
}

/// The run has ended, and so has every task of it; nobody keeps a waker.
pub(crate) fn end() {
    schedule::intrude(|_| ());
    WORLD.with(|world| {
        let watches = world.watches.borrow();
        let kept = watches.iter().filter(|watch| watch.strong_count() > 0).count();
        assert_eq!(kept, 0, "wakers of tasks that have ended are kept");
        let alive = world.alive.get();
        assert_eq!(alive, 0, "tasks are neither done nor dropped");
        world.other.borrow_mut().take().expect("there since `begin`").join();
    });
}

/// Has the other thread do something, and waits until it has.
pub(crate) fn on_another_thread(work: impl FnOnce() + Send + 'static) {
    WORLD.with(|world| {
        let other = world.other.borrow();
        other.as_ref().expect("there since `begin`").run(Box::new(work));
    });
}

/// Wakes a task that has no reason, from here or from the other thread.
pub(crate) fn wake_for_nothing() {
    let watches: Vec<_> = WORLD.with(|world| {
        let mut watches = world.watches.borrow_mut();
        watches.retain(|watch| watch.strong_count() > 0);
        watches.iter().filter_map(Weak::upgrade).collect()
    });
    if watches.is_empty() {
        return;
    }
    let watch = Arc::clone(&watches[draw(watches.len() as u64) as usize]);
    drop(watches);
    if once_in(2) { watch.wake() } else { on_another_thread(move || watch.wake()) }
}

type Work = Box<dyn FnOnce() + Send>;

/// A thread that does one thing at a time while it is waited for, so that a run is the same again.
struct Other {
    work: mpsc::Sender<Work>,
    done: mpsc::Receiver<()>,
    thread: thread::JoinHandle<()>,
}

impl Other {
    fn start() -> Other {
        let (work, works) = mpsc::channel::<Work>();
        let (finished, done) = mpsc::channel();
        let thread = thread::spawn(move || {
            for work in works {
                work();
                if finished.send(()).is_err() {
                    return;
                }
            }
        });
        Other { work, done, thread }
    }

    fn run(&self, work: Work) {
        self.work.send(work).expect("it lives");
        self.done.recv().expect("it does not panic");
    }

    fn join(self) {
        drop(self.work);
        self.thread.join().expect("it does not panic");
    }
}

/// What is known of a task; its waker, too, around that of the runtime.
struct Watch {
    inner: Mutex<Option<Waker>>,
    polls: Arc<AtomicU64>,
    /// The polls of all tasks before it was woken, and one more; 0 if it need not be polled.
    woken: AtomicU64,
}

impl Wake for Watch {
    fn wake(self: Arc<Watch>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Watch>) {
        let now = self.polls.load(Ordering::SeqCst) + 1;
        // The first of several wake-ups counts; where it is woken already, the exchange fails.
        let _first = self.woken.compare_exchange(0, now, Ordering::SeqCst, Ordering::SeqCst);
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(inner) = inner {
            inner.wake();
        }
    }
}

/// A future that is watched.
pub(crate) struct Tracked<F> {
    future: Pin<Box<F>>,
    watch: Arc<Watch>,
    thread: thread::ThreadId,
    is_done: bool,
}

/// A task that is watched; dropping this detaches it.
pub(crate) fn spawn<T: 'static>(future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
    let tracked = Tracked::root(future);
    // A new task is to be polled like one that was woken.
    let now = tracked.watch.polls.load(Ordering::SeqCst) + 1;
    tracked.watch.woken.store(now, Ordering::SeqCst);
    spawn_local(tracked)
}

impl<F: Future> Tracked<F> {
    /// Not spawned.
    pub(crate) fn root(future: F) -> Tracked<F> {
        let polls = POLLS.with(Arc::clone);
        let watch = Arc::new(Watch { inner: Mutex::new(None), polls, woken: AtomicU64::new(0) });
        WORLD.with(|world| {
            world.alive.set(world.alive.get() + 1);
            world.most.set(world.most.get().max(world.alive.get()));
            world.watches.borrow_mut().push(Arc::downgrade(&watch));
        });
        let thread = thread::current().id();
        Tracked { future: Box::pin(future), watch, thread, is_done: false }
    }
}

/// How many polls of other tasks may come between a wake-up and its poll. In the queue stand at
/// most all others, and whoever is first is passed over so often at most; what another thread woke
/// waits for a round to end, or for some, to get there.
pub(crate) fn most_polls_between() -> u64 {
    let most = WORLD.with(|world| world.most.get());
    u64::from(PASSED_OVER_MAX + 1) * (most + 1) + 32 * (u64::from(POSTPONED_MAX) + 2)
}

impl<F: Future> Future for Tracked<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        assert!(!this.is_done, "polled again after its end");
        assert_eq!(thread::current().id(), this.thread, "polled on another thread");
        let polls = this.watch.polls.fetch_add(1, Ordering::SeqCst) + 1;
        *this.watch.inner.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        let woken = this.watch.woken.swap(0, Ordering::SeqCst);
        if woken > 0 && WORLD.with(|world| world.is_fair.get()) {
            let (waited, most) = (polls - woken, most_polls_between());
            assert!(waited <= most, "{waited} polls between a wake-up and its poll, over {most}");
        }
        let waker = Waker::from(Arc::clone(&this.watch));
        let outcome = this.future.as_mut().poll(&mut Context::from_waker(&waker));
        this.is_done = outcome.is_ready();
        outcome
    }
}

impl<F> Drop for Tracked<F> {
    fn drop(&mut self) {
        // While a panic is on its way the rest is of no interest.
        if !thread::panicking() {
            assert_eq!(thread::current().id(), self.thread, "dropped on another thread");
        }
        WORLD.with(|world| world.alive.set(world.alive.get() - 1));
    }
}
