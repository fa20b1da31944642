//! The place of a pool in a driver: empty until somebody asks for the pool.
//!
//! What a driver does with its pool, ending it and dropping it, goes through a vtable that only the
//! making of one names. So a program that has no use for threads has nothing of them in its binary.

use std::{fmt, mem, time::Duration};

use super::pool::Pool;
use crate::sync::{Arc, Mutex, lock};

/// How many threads there are at most, if nobody says otherwise.
///
/// They sleep in the kernel, so the price of one is its memory: 10 KiB of the process, 15 after a
/// look-up (measured on x86-64 Linux), so 8 MiB of all, and what the kernel keeps. Few would let
/// look-ups that wait for a dead name server, half a minute each, hold up every file and every
/// closure behind them, and let closures that wait for one another wait for ever.
pub(crate) const THREADS: usize = 512;

/// How long a thread stays without work, if nobody says otherwise.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Makes a pool when it is first asked for.
pub(crate) struct OnDemand {
    most: usize,
    keep_alive: Duration,
    place: Mutex<Place>,
}

enum Place {
    Empty,
    Made(Arc<dyn Service>),
    Shut,
}

/// A pool, for who must not name it.
pub(super) trait Service: Send + Sync {
    fn pool(self: Arc<Self>) -> Arc<Pool>;
    fn shut(&self);
}

impl OnDemand {
    /// For a pool of at most so many threads, at least one, which end when they were idle that
    /// long.
    pub(crate) fn new(most: usize, keep_alive: Duration) -> OnDemand {
        OnDemand { most: most.max(1), keep_alive, place: Mutex::new(Place::Empty) }
    }

    /// The pool; after the end one that takes nothing.
    pub(crate) fn pool(&self) -> Arc<Pool> {
        let mut place = lock(&self.place);
        if let Place::Made(service) = &*place {
            return Arc::clone(service).pool();
        }
        let pool = Arc::new(Pool::new(self.most, self.keep_alive));
        if matches!(*place, Place::Shut) {
            pool.shut();
        } else {
            *place = Place::Made(Arc::clone(&pool) as Arc<dyn Service>);
        }
        pool
    }

    /// Ends the pool, or sees to it that there will never be one.
    pub(crate) fn shut(&self) {
        let before = mem::replace(&mut *lock(&self.place), Place::Shut);
        if let Place::Made(service) = before {
            service.shut();
        }
    }
}

impl fmt::Debug for OnDemand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnDemand").field("most", &self.most).finish_non_exhaustive()
    }
}
