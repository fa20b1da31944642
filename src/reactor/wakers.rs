//! Wakers for the tests of sources: they count, panic, or call back into what wakes them.
#![allow(unsafe_code, reason = "a waker whose clone does something cannot be made with `Wake`")]

use std::task::{RawWaker, RawWakerVTable, Wake, Waker};

use crate::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Counts the wake-ups of its wakers.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicUsize);

impl Count {
    pub(super) fn new() -> Arc<Count> {
        Arc::default()
    }

    pub(super) fn waker(self: &Arc<Count>) -> Waker {
        Waker::from(Arc::clone(self))
    }

    pub(super) fn wakes(&self) -> usize {
        // Relaxed, here and below: one thread, or threads that were joined.
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Count>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Count>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// What a waker is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Wake,
    Clone,
    Drop,
}

type Callback = dyn Fn(Call) + Send + Sync;

/// A waker that calls `callback` whenever it is woken, cloned or dropped.
pub(super) fn calling(callback: impl Fn(Call) + Send + Sync + 'static) -> Waker {
    let callback: Arc<Box<Callback>> = Arc::new(Box::new(callback));
    // SAFETY: the data is a counted reference to a Send and Sync callback, which each function of
    // the vtable treats as the contract of `RawWakerVTable` says.
    unsafe { Waker::from_raw(RawWaker::new(Arc::into_raw(callback).cast(), &VTABLE)) }
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

fn call(data: *const (), call: Call) {
    // SAFETY: the data of a live waker of this vtable; it is only borrowed here.
    let callback = unsafe { &*data.cast::<Box<Callback>>() };
    callback(call);
}

unsafe fn clone(data: *const ()) -> RawWaker {
    call(data, Call::Clone);
    // SAFETY: the waker that is cloned owns a reference; this counts one more.
    unsafe { Arc::increment_strong_count(data.cast::<Box<Callback>>()) };
    RawWaker::new(data, &VTABLE)
}

unsafe fn wake(data: *const ()) {
    // SAFETY: waking by value consumes the reference, also if the callback panics.
    let _gone = unsafe { Waker::from_raw(RawWaker::new(data, &VTABLE)) };
    call(data, Call::Wake);
}

unsafe fn wake_by_ref(data: *const ()) {
    call(data, Call::Wake);
}

unsafe fn drop_waker(data: *const ()) {
    call(data, Call::Drop);
    // SAFETY: the waker owned a reference, and is gone after this.
    unsafe { Arc::decrement_strong_count(data.cast::<Box<Callback>>()) };
}
