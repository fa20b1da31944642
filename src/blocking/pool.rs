//! The queue, and the threads that serve it.
//!
//! # No wake-up is lost between a push and the end of an idle thread
//!
//! Everything happens under one lock, and `free` counts the threads that will look at the queue
//! before they wait again: those that are starting, those that were woken or whose wait is over,
//! and, on top of these, those that wait. A push
//!
//! - starts a thread if the queue is longer than `free` then, and
//! - else wakes one that waits, if any still does.
//!
//! A thread waits only when the queue is empty; so as long as any waits, no more entries are in the
//! queue than threads on their way to it. A thread whose wait has timed out looks at the queue
//! again, under the lock, before it ends: what was pushed meanwhile counted on it, and is taken.
//!
//! A thread ends only when the queue is empty, so where there is no thread there is no entry.
//!
//! # What grows
//!
//! Nothing with the entries that were withdrawn: they leave the queue, and a queue that runs empty
//! gives its memory back.

use std::{
    collections::VecDeque,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread,
    time::Duration,
};

use super::{job::Failure, on_demand::Service};

/// A queue that runs empty keeps room for so many entries.
const KEPT_ROOM: usize = 64;

/// What a thread of the pool runs.
pub(super) type Work = Box<dyn FnOnce() + Send>;

/// An entry's number, which no other entry of the pool ever has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

/// What the pool did not take.
pub(super) struct Refused {
    pub(super) work: Work,
    pub(super) reason: Failure,
}

/// A queue of closures and at most so many threads that run them.
pub(crate) struct Pool {
    state: Mutex<State>,
    /// For threads that wait: something was pushed, or the pool shuts down.
    pushed: Condvar,
    most: usize,
    keep_alive: Duration,
}

struct State {
    /// In the order of the tickets.
    queue: VecDeque<(Ticket, Work)>,
    next: Ticket,
    threads: usize,
    /// See the module's header.
    free: usize,
    shut: bool,
}

impl State {
    fn pop(&mut self) -> Option<Work> {
        let (_, work) = self.queue.pop_front()?;
        self.trim();
        Some(work)
    }

    fn trim(&mut self) {
        if self.queue.is_empty() && self.queue.capacity() > KEPT_ROOM {
            self.queue = VecDeque::new();
        }
    }
}

impl Pool {
    /// A pool that has no thread yet, and will have `most` (not zero). A thread that was idle for
    /// `keep_alive` ends.
    pub(super) fn new(most: usize, keep_alive: Duration) -> Pool {
        let state =
            State { queue: VecDeque::new(), next: Ticket(0), threads: 0, free: 0, shut: false };
        let (state, pushed) = (Mutex::new(state), Condvar::new());
        Pool { state, pushed, most, keep_alive }
    }

    /// Queues a closure, and sees to it that a thread will come for it.
    pub(super) fn push(self: &Arc<Pool>, work: Work) -> Result<Ticket, Refused> {
        let mut state = lock(&self.state);
        if state.shut {
            return Err(Refused { work, reason: Failure::Cancelled });
        }
        if state.queue.len() >= state.free && state.threads < self.most {
            // Under the lock: nobody can find a thread that is counted and not there.
            match self.start() {
                Ok(()) => {
                    state.threads += 1;
                    state.free += 1;
                }
                // A limit on threads. Those that there are will serve it.
                Err(_) if state.threads > 0 => {}
                Err(error) => return Err(Refused { work, reason: Failure::NoThread(error) }),
            }
        }
        let ticket = state.next;
        state.next = Ticket(ticket.0 + 1);
        state.queue.push_back((ticket, work));
        drop(state);
        self.pushed.notify_one();
        Ok(ticket)
    }

    /// Takes a closure back, unless a thread has taken it.
    pub(super) fn withdraw(&self, ticket: Ticket) -> Option<Work> {
        let mut state = lock(&self.state);
        let index = state.queue.binary_search_by_key(&ticket, |(ticket, _)| *ticket).ok()?;
        let (_, work) = state.queue.remove(index)?;
        state.trim();
        Some(work)
    }

    fn start(self: &Arc<Pool>) -> std::io::Result<()> {
        let pool = Arc::clone(self);
        // Its handle: nobody joins it.
        thread::Builder::new().name("edgewake-pool".to_owned()).spawn(move || pool.serve())?;
        Ok(())
    }

    /// The life of a thread. It is counted in `threads` and `free` from its birth.
    fn serve(&self) {
        let mut state = lock(&self.state);
        loop {
            if let Some(work) = state.pop() {
                state.free -= 1;
                drop(state);
                // A closure's panic is caught where its result is; what is left are those of the
                // drop of a result that nobody waits for, and of a waker.
                quietly(work);
                state = lock(&self.state);
                state.free += 1;
            } else if state.shut {
                break;
            } else {
                let over;
                (state, over) = self.wait(state);
                if over && state.queue.is_empty() {
                    break;
                }
            }
        }
        state.free -= 1;
        state.threads -= 1;
    }

    /// Waits to be woken; true if that took longer than an idle thread stays.
    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> (MutexGuard<'a, State>, bool) {
        let outcome = self.pushed.wait_timeout(state, self.keep_alive);
        let (state, timeout) = outcome.unwrap_or_else(|poisoned| poisoned.into_inner());
        (state, timeout.timed_out())
    }
}

impl Service for Pool {
    fn pool(self: Arc<Pool>) -> Arc<Pool> {
        self
    }

    /// What is queued is dropped, which tells its waiters; idle threads end now, the others once
    /// their closure has returned. Nobody waits for them.
    fn shut(&self) {
        let queue = {
            let mut state = lock(&self.state);
            state.shut = true;
            std::mem::take(&mut state.queue)
        };
        self.pushed.notify_all();
        for (_, work) in queue {
            quietly(|| drop(work));
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (most, threads) = (self.most, lock(&self.state).threads);
        f.debug_struct("Pool").field("most", &most).field("threads", &threads).finish()
    }
}

/// Locks, as `crate::sync::lock` does. With std's lock in every build: the pool has threads of its
/// own, which no model of loom's could have.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Runs what belongs to users, and goes on if it panics: the panic hook has reported it.
pub(super) fn quietly(action: impl FnOnce()) {
    let _reported_by_the_hook = catch_unwind(AssertUnwindSafe(action));
}

#[cfg(all(test, not(edgewake_loom)))]
mod tests {
    use std::{
        sync::{
            Arc,
            mpsc::{RecvTimeoutError, channel},
        },
        time::Duration,
    };

    use super::{Pool, Ticket, lock};

    const PATIENCE: Duration = Duration::from_secs(60);

    // Goal: what is pushed after an idle thread's wait is over, and before that thread has the lock
    // again, is taken by it: the push counted on it, and has started no other. Method: hold the
    // lock while the wait ends, and push under it as `push` does with a thread that is free.
    #[test]
    fn a_thread_whose_wait_is_over_looks_again() {
        let pool = Arc::new(Pool::new(1, Duration::from_millis(500)));
        let (sender, receiver) = channel();
        let first = sender.clone();
        assert!(pool.push(Box::new(move || first.send(1).expect("it is read"))).is_ok());
        assert_eq!(receiver.recv_timeout(PATIENCE), Ok(1));
        let mut state = loop {
            let state = lock(&pool.state);
            if state.free == 1 {
                break state;
            }
            drop(state);
            std::thread::yield_now();
        };
        // It waits, or is about to; by the end of this its time is over.
        let nothing = receiver.recv_timeout(Duration::from_secs(1));
        assert_eq!(nothing, Err(RecvTimeoutError::Timeout));
        let second = Box::new(move || sender.send(2).expect("it is read"));
        state.queue.push_back((Ticket(1), second));
        drop(state);
        pool.pushed.notify_one();
        assert_eq!(receiver.recv_timeout(PATIENCE), Ok(2));
    }
}
