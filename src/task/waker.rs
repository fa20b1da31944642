//! A task's waker: a counted reference whose wake-up goes through the task's scheduler.
//!
//! The vtable knows the scheduler's type and not the future's, so that all tasks of a runtime
//! share one, and a wake-up is one indirect call.

use std::{
    ptr::NonNull,
    task::{RawWaker, RawWakerVTable, Waker},
};

use super::cell::{Header, Schedule, Scheduled, drop_reference};

/// A waker that owns no reference. The caller keeps the task alive and forgets the waker.
#[inline(always)]
pub(super) fn borrowed(header: &Header) -> Waker {
    let data = std::ptr::from_ref(header).cast();
    // SAFETY: the header's own vtable is for pointers to it, and keeps `Waker`'s contract: it is
    // thread safe, `clone` counts a reference and `drop` gives one up.
    unsafe { Waker::from_raw(RawWaker::new(data, header.waker_vtable())) }
}

/// The functions for wakers of tasks whose scheduler is an `S`.
pub(super) const fn vtable<S: Schedule>() -> &'static RawWakerVTable {
    &Vtable::<S>::VTABLE
}

struct Vtable<S>(std::marker::PhantomData<S>);

impl<S: Schedule> Vtable<S> {
    const VTABLE: RawWakerVTable =
        RawWakerVTable::new(Self::clone, Self::wake, Self::wake_by_ref, Self::drop);

    unsafe fn scheduled<'a>(data: *const ()) -> &'a Scheduled<S> {
        // SAFETY: `data` came from `borrowed`, and the waker's reference, or the one it borrows,
        // keeps the task alive.
        unsafe { &*data.cast::<Scheduled<S>>() }
    }

    unsafe fn clone(data: *const ()) -> RawWaker {
        // SAFETY: forwarded: `data` is a live waker's.
        let header = unsafe { Self::scheduled(data) }.header();
        header.state.add_reference();
        RawWaker::new(data, header.waker_vtable())
    }

    unsafe fn wake(data: *const ()) {
        // SAFETY: forwarded; the reference is given up after its last use.
        unsafe {
            Self::wake_by_ref(data);
            Self::drop(data);
        }
    }

    unsafe fn wake_by_ref(data: *const ()) {
        // SAFETY: forwarded: `data` is a live waker's.
        unsafe { Self::scheduled(data) }.wake();
    }

    unsafe fn drop(data: *const ()) {
        // SAFETY: the waker owned a reference, and is gone after this.
        unsafe { drop_reference(NonNull::new_unchecked(data.cast_mut().cast::<Header>())) };
    }
}
