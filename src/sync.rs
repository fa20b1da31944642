//! The atomics and locks of this crate: std's, or loom's when its models run.
//!
//! `reactor`, `driver`, `task`, `runtime` and `blocking` take every atomic, lock, cell, thread
//! and thread's local value that a model looks at from here. `cfg(edgewake_loom)` is set only by
//! the loom stage of the gate, together with `cfg(test)`; never a bare `cfg(loom)`, which would
//! switch dependencies too.

#[cfg(not(all(edgewake_loom, test)))]
mod chosen {
    pub(crate) use std::{
        sync::{Condvar, Mutex, MutexGuard, atomic},
        thread, thread_local,
    };

    /// `std::cell::UnsafeCell` with loom's interface, so that one text serves both.
    #[derive(Debug)]
    pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) const fn new(value: T) -> UnsafeCell<T> {
            UnsafeCell(std::cell::UnsafeCell::new(value))
        }

        #[inline(always)]
        pub(crate) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
            read(self.0.get())
        }

        #[inline(always)]
        pub(crate) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
            write(self.0.get())
        }
    }
}

#[cfg(all(edgewake_loom, test))]
mod chosen {
    pub(crate) use loom::{
        cell::UnsafeCell,
        sync::{Mutex, MutexGuard},
        thread,
    };

    pub(crate) use super::{accesses as atomic, model::Condvar};

    /// A value of its own for each of the model's threads, which are all of one real thread.
    macro_rules! model_local {
        ($(#[$attribute:meta])* static $name:ident: $type:ty = const $init:block $(;)?) => {
            ::loom::thread_local! { $(#[$attribute])* static $name: $type = $init; }
        };
    }
    pub(crate) use model_local as thread_local;
}

#[cfg(all(edgewake_loom, test))]
pub(crate) mod accesses;
#[cfg(all(edgewake_loom, test))]
mod loom;
#[cfg(all(edgewake_loom, test))]
pub(crate) mod model;

pub(crate) use std::sync::Arc;

pub(crate) use chosen::{Condvar, Mutex, MutexGuard, UnsafeCell, atomic, thread, thread_local};

/// Locks, also when a thread has panicked while it held the lock.
///
/// No code of a user runs under a lock of this crate, and what runs there leaves the data whole
/// at every point where it could panic, so poison says nothing here.
#[inline]
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
