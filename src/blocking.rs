//! The bounded pool of threads for what can only block: a name look-up, a file, a long computation.
//!
//! - `on_demand`: a driver's place for its pool, which is made when it is first asked for.
//! - `pool`: the queue, the threads that serve it, and when each starts and ends.
//! - `job`: the result of a closure, and who waits for it.
//!
//! A pool starts no thread before the first closure and none beyond its bound. A closure that is
//! withdrawn before a thread has taken it leaves the queue and is dropped there and then; one that
//! runs cannot be stopped, and its result is dropped where nobody waits.
//!
//! Used by `runtime` (`spawn_blocking`) and `net` (names), through the driver that is current. It
//! knows nothing of tasks, drivers or runtimes; it wakes a waker from a thread of its own.

mod job;
mod on_demand;
mod pool;

#[cfg(all(test, edgewake_loom))]
mod loom;

pub(crate) use self::{
    job::{Failure, Job},
    on_demand::{KEEP_ALIVE, OnDemand, THREADS},
};
