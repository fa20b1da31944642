//! loom's atomics, with the accesses told to it that it would forget.
//!
//! Which orders of two accesses make a difference loom finds out as it goes: by comparing each
//! access with the last one before it, of the same atomic. It keeps one, and a load counts. So a
//! thread that loads and then stores finds its own load, and no order is tried in which the store
//! comes before what others have loaded until then (loom's issues 166 and 392, open with 0.7.3).
//! Here nearly every event and every wait is such a pair: a load, and a compare-and-swap.
//!
//! In a model that is [`ordered`](super::model::ordered) every access is preceded by a step on a
//! second atomic. These steps are read-modify-writes, of which loom loses none, so that every order
//! of them is tried, and with them every order of the accesses. They are `Relaxed` and publish
//! nothing: a load may see what it might have seen without them.

use std::{
    cell::Cell,
    fmt,
    ops::{Deref, DerefMut},
};

pub(crate) use ::loom::sync::atomic::{Ordering, fence};

thread_local! {
    /// loom runs the threads of a model on the one that runs the test.
    static ORDERED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `explore` with every order of two accesses tried, of loads as well.
pub(super) fn ordered<R>(explore: impl FnOnce() -> R) -> R {
    struct Reset(bool);
    impl Drop for Reset {
        fn drop(&mut self) {
            ORDERED.set(self.0);
        }
    }
    let _reset = Reset(ORDERED.replace(true));
    explore()
}

/// An atomic of loom's, and the one whose steps say in which order it is accessed.
pub(crate) struct Ordered<A> {
    atomic: A,
    order: ::loom::sync::atomic::AtomicUsize,
}

impl<A> Deref for Ordered<A> {
    type Target = A;

    #[track_caller]
    fn deref(&self) -> &A {
        if ORDERED.get() {
            // Relaxed: it says nothing but that it was made.
            self.order.fetch_add(0, Ordering::Relaxed);
        }
        &self.atomic
    }
}

impl<A> DerefMut for Ordered<A> {
    fn deref_mut(&mut self) -> &mut A {
        // Nobody else has it: there is nothing to order.
        &mut self.atomic
    }
}

impl<A> fmt::Debug for Ordered<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ordered").finish_non_exhaustive()
    }
}

impl<A: Default> Default for Ordered<A> {
    fn default() -> Ordered<A> {
        Ordered { atomic: A::default(), order: Default::default() }
    }
}

macro_rules! ordered {
    ($($(#[$when:meta])? $name:ident of $value:ty),+ $(,)?) => {$(
        $(#[$when])?
        pub(crate) type $name = Ordered<::loom::sync::atomic::$name>;

        $(#[$when])?
        impl $name {
            #[track_caller]
            pub(crate) fn new(value: $value) -> $name {
                let atomic = ::loom::sync::atomic::$name::new(value);
                Ordered { atomic, order: Default::default() }
            }
        }
    )+};
}

ordered!(
    AtomicBool of bool,
    AtomicI32 of i32,
    #[cfg(edgewake_selector = "kqueue")]
    AtomicI64 of i64,
    AtomicU8 of u8,
    AtomicU64 of u64,
    AtomicUsize of usize,
);

pub(crate) type AtomicPtr<T> = Ordered<::loom::sync::atomic::AtomicPtr<T>>;

impl<T> AtomicPtr<T> {
    #[track_caller]
    pub(crate) fn new(value: *mut T) -> AtomicPtr<T> {
        let atomic = ::loom::sync::atomic::AtomicPtr::new(value);
        Ordered { atomic, order: Default::default() }
    }
}
