//! What the loom models share: a task that waits by blocking its model thread.
//!
//! The models are the files named `loom.rs` beside what they model. Run them with
//!
//! ```text
//! RUSTFLAGS='--cfg edgewake_loom' LOOM_MAX_PREEMPTIONS=3 cargo test --release --lib loom
//! ```
//!
//! A wake-up that is lost leaves a thread waiting on its [`Bell`] for ever, which loom reports as a
//! deadlock; everything else is asserted.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Wake, Waker},
};

use ::loom::{
    model::Builder,
    sync::mpsc::{Receiver, Sender, channel},
};

/// Explores a model of two threads, with as many preemptions as the caller of the tests wants.
pub(crate) fn model(body: impl Fn() + Send + Sync + 'static) {
    Builder::new().check(body);
}

/// Explores a model of three threads or more. Each may be preempted once less: the number of
/// interleavings grows with its power, and two are enough for every defect that was ever planted.
pub(crate) fn wide_model(body: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = builder.preemption_bound.map(|bound| bound.saturating_sub(1));
    builder.check(body);
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
