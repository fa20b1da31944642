//! A task's waker: a counted reference whose wake-up goes through the task's scheduler.
//!
//! The vtable knows the scheduler's type and not the future's, so that a wake-up is one indirect
//! call.

use std::{
    ptr::NonNull,
    task::{RawWaker, RawWakerVTable, Waker},
};

use super::cell::{Header, Schedule, Scheduled, drop_reference};

/// A waker that owns no reference. The caller keeps the task alive, forgets the waker, and gives
/// the vtable that the task's header names.
#[inline(always)]
pub(super) fn borrowed(header: NonNull<Header>, vtable: &'static RawWakerVTable) -> Waker {
    // SAFETY: the header's own vtable is for pointers to it, and keeps `Waker`'s contract: it is
    // thread safe, `clone` counts a reference and `drop` gives one up.
    unsafe { Waker::from_raw(RawWaker::new(header.as_ptr().cast(), vtable)) }
}

/// The functions for wakers of tasks whose scheduler is an `S`.
pub(super) const fn vtable<S: Schedule>() -> &'static RawWakerVTable {
    &Vtable::<S>::VTABLE
}

struct Vtable<S>(std::marker::PhantomData<S>);

impl<S: Schedule> Vtable<S> {
    const VTABLE: RawWakerVTable =
        RawWakerVTable::new(Self::clone, Self::wake, Self::wake_by_ref, Self::drop);

    /// The task of a live waker.
    ///
    /// # Safety
    ///
    /// `data` is a waker's of this vtable.
    #[inline(always)]
    unsafe fn header(data: *const ()) -> NonNull<Header> {
        // SAFETY: such a waker's data is the address of its task.
        unsafe { NonNull::new_unchecked(data.cast_mut().cast()) }
    }

    unsafe fn clone(data: *const ()) -> RawWaker {
        // SAFETY: the waker that is cloned is of this vtable and keeps its task alive.
        let header = unsafe { Self::header(data).as_ref() };
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
        // SAFETY: the waker keeps its task alive, whose scheduler is an `S` by construction.
        unsafe { Scheduled::<S>::wake(Self::header(data)) }
    }

    unsafe fn drop(data: *const ()) {
        // SAFETY: the waker owned a reference, and is gone after this.
        unsafe { drop_reference(Self::header(data)) };
    }
}
