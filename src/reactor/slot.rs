//! The place of the one waker that usually waits for a direction, taken apart so that it can be
//! compared without the right to it.
//!
//! A [`Waker`] is two addresses, what it wakes and its functions. They are kept in an atomic each:
//! who waits again asks by two loads whether the waker that is here is his own, which is what
//! [`Side::park_again`](super::side::Side::park_again) stands on. Everything else, waking
//! included, takes the right to the slot, the `LOCKED` bit of the side's word.
//!
//! The reactor's only `unsafe` is here and where `side` calls this: an `AtomicWaker` instead costs
//! 90 instructions more an echo, a mutex 190 (measured on a prototype; see the budget in
//! ARCHITECTURE.md).
#![allow(unsafe_code, reason = "wakers, taken apart and put together; see above")]

use std::{
    mem::ManuallyDrop,
    ptr,
    task::{RawWakerVTable, Waker},
};

use crate::sync::{
    UnsafeCell,
    atomic::{AtomicPtr, Ordering},
};

/// Holds a waker, or nothing: then both are null.
#[derive(Debug)]
pub(super) struct Slot {
    data: AtomicPtr<()>,
    vtable: AtomicPtr<RawWakerVTable>,
    /// Nothing. loom checks by it that whoever has the right to the slot has it alone.
    right: UnsafeCell<()>,
}

// SAFETY: the cell, which alone is not Sync, is empty and only there for models. The atomics are
// Sync, and so is a waker, which they hold.
unsafe impl Sync for Slot {}

// Every ordering here is Relaxed: what is stored is published, and what is loaded is fetched, by
// the side's word. `LOCKED` is set with Acquire and cleared with Release, and who only compares
// has loaded the word with Acquire before.

impl Slot {
    pub(super) fn new() -> Slot {
        Slot {
            data: AtomicPtr::new(ptr::null_mut()),
            vtable: AtomicPtr::new(ptr::null_mut()),
            right: UnsafeCell::new(()),
        }
    }

    /// Whether the waker that is here is the same as `waker`, by the addresses of both parts. No
    /// right to the slot is needed; without it, the answer may be out of date when it is given.
    #[inline(always)]
    pub(super) fn holds(&self, waker: &Waker) -> bool {
        // Relaxed, twice: see above. One part of one waker and one of another do no harm: who asks
        // without the right finds the word changed afterwards, and has this for nothing.
        self.data.load(Ordering::Relaxed).cast_const() == waker.data()
            && ptr::eq(self.vtable.load(Ordering::Relaxed), waker.vtable())
    }

    /// Wakes the waker that is here, which stays.
    ///
    /// # Safety
    ///
    /// The caller has the right to the slot, and there is a waker in it.
    #[inline(always)]
    pub(super) unsafe fn wake(&self) {
        self.right.with(|_| ());
        // Relaxed, twice: see above.
        let (data, vtable) =
            (self.data.load(Ordering::Relaxed), self.vtable.load(Ordering::Relaxed));
        // SAFETY: both came from one waker, which the slot owns; the caller's right keeps it
        // there, and it is only borrowed.
        let waker = ManuallyDrop::new(unsafe { Waker::new(data, &*vtable) });
        waker.wake_by_ref();
    }

    /// Puts a waker here, or nothing, and hands out the one that was.
    ///
    /// # Safety
    ///
    /// The caller has the right to the slot.
    pub(super) unsafe fn replace(&self, new: Option<Waker>) -> Option<Waker> {
        self.right.with_mut(|_| ());
        let (data, vtable) = match new.map(ManuallyDrop::new) {
            Some(new) => (new.data().cast_mut(), ptr::from_ref(new.vtable()).cast_mut()),
            None => (ptr::null_mut(), ptr::null_mut()),
        };
        // Relaxed, four times: see above.
        let old = (self.data.load(Ordering::Relaxed), self.vtable.load(Ordering::Relaxed));
        self.data.store(data, Ordering::Relaxed);
        self.vtable.store(vtable, Ordering::Relaxed);
        // SAFETY: both came from one waker, which the slot owned until the stores above.
        (!old.1.is_null()).then(|| unsafe { Waker::new(old.0, &*old.1) })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // SAFETY: there is no other reference to the slot any more.
        drop(unsafe { self.replace(None) });
    }
}
