//! The queue, and the threads that serve it.
//!
//! # No wake-up is lost between a push and the end of an idle thread
//!
//! Everything happens under one lock. `coming` counts the threads that will look at the queue
//! before they wait: those that are starting, those that were woken, and those whose wait is over;
//! `idle` has those that wait. A push that would make the queue longer than `coming`
//!
//! - wakes one that waits, if any does, which is thereby `coming`, and
//! - else starts one, unless there are as many as there may be.
//!
//! A thread waits only when the queue is empty, and takes an entry when it is not; so as long as
//! any waits, no more entries are in the queue than threads are coming for them. A thread whose
//! wait has timed out is still in `idle` until it has the lock again: whoever takes it out before
//! that counts on it, and it looks at the queue once more, under the lock, before it ends.
//!
//! A thread ends only when the queue is empty, so where there is no thread there is no entry.
//!
//! # The pool shrinks to what its load needs
//!
//! The last to begin to wait is woken first. So what serves a light load is always the same few
//! threads, and the others' time runs out, however often there is something to do. Each waits by a
//! bell of its own, since a condition variable that they shared would choose by itself, and does
//! choose the one that waits longest where its queue is the kernel's.
//!
//! # What grows
//!
//! Nothing with the entries that were withdrawn: they leave the queue, and a queue that runs empty
//! gives its memory back. The list of idle threads keeps room for as many as ever were.
//!
//! `blocking/loom.rs` models all of it.

use std::{
    collections::VecDeque,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use super::{job::Failure, on_demand::Service};
use crate::sync::{Arc, Condvar, Mutex, MutexGuard, lock, thread};

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

/// Wakes one thread, which waits with the lock of the state: something was pushed, or the pool
/// shuts down.
type Bell = Arc<Condvar>;

/// A queue of closures and at most so many threads that run them.
pub(crate) struct Pool {
    pub(super) state: Mutex<State>,
    most: usize,
    keep_alive: Duration,
}

pub(super) struct State {
    /// In the order of the tickets.
    pub(super) queue: VecDeque<(Ticket, Work)>,
    next: Ticket,
    pub(super) threads: usize,
    /// See the module's header.
    pub(super) coming: usize,
    /// Those that wait and were not woken, in the order in which they began to.
    pub(super) idle: Vec<Bell>,
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
        let state = State {
            queue: VecDeque::new(),
            next: Ticket(0),
            threads: 0,
            coming: 0,
            idle: Vec::new(),
            shut: false,
        };
        Pool { state: Mutex::new(state), most, keep_alive }
    }

    /// Queues a closure, and sees to it that a thread will come for it.
    pub(super) fn push(self: &Arc<Pool>, work: Work) -> Result<Ticket, Refused> {
        // The lock is not held any more when the bell rings, which the woken thread needs first.
        let (ticket, bell) = self.admit(&mut lock(&self.state), work)?;
        if let Some(bell) = bell {
            bell.notify_one();
        }
        Ok(ticket)
    }

    /// Queues a closure, and returns the bell that the caller has to ring, if any.
    fn admit(
        self: &Arc<Pool>,
        state: &mut State,
        work: Work,
    ) -> Result<(Ticket, Option<Bell>), Refused> {
        if state.shut {
            return Err(Refused { work, reason: Failure::Cancelled });
        }
        let mut bell = None;
        if state.queue.len() >= state.coming {
            bell = state.idle.pop();
            if bell.is_some() {
                state.coming += 1;
            } else if state.threads < self.most {
                // Under the lock: nobody can find a thread that is counted and not there.
                match self.start() {
                    Ok(()) => {
                        state.threads += 1;
                        state.coming += 1;
                    }
                    // A limit on threads. Those that there are will serve it.
                    Err(_) if state.threads > 0 => {}
                    Err(error) => return Err(Refused { work, reason: Failure::NoThread(error) }),
                }
            }
        }
        let ticket = state.next;
        state.next = Ticket(ticket.0 + 1);
        state.queue.push_back((ticket, work));
        Ok((ticket, bell))
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

    /// The life of a thread. It is counted in `threads` and `coming` from its birth.
    fn serve(&self) {
        let bell = Bell::default();
        let mut state = lock(&self.state);
        loop {
            if let Some(work) = state.pop() {
                state.coming -= 1;
                drop(state);
                // A closure's panic is caught where its result is; what is left are those of the
                // drop of a result that nobody waits for, and of a waker.
                quietly(work);
                state = lock(&self.state);
                state.coming += 1;
            } else if state.shut {
                break;
            } else {
                let over;
                (state, over) = self.wait(state, &bell);
                if over && state.queue.is_empty() {
                    break;
                }
            }
        }
        state.coming -= 1;
        state.threads -= 1;
    }

    /// Waits to be woken; true if that took longer than an idle thread stays.
    fn wait<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
        bell: &Bell,
    ) -> (MutexGuard<'a, State>, bool) {
        state.coming -= 1;
        state.idle.push(Arc::clone(bell));
        let outcome = bell.wait_timeout(state, self.keep_alive);
        let (mut state, timeout) = outcome.unwrap_or_else(|poisoned| poisoned.into_inner());
        // Who took the bell to ring it has counted this thread; else its time is over, or nothing
        // at all has woken it, as may happen to a condition variable.
        if let Some(index) = state.idle.iter().position(|idle| Arc::ptr_eq(idle, bell)) {
            state.idle.remove(index);
            state.coming += 1;
        }
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
        let (queue, idle) = {
            let mut state = lock(&self.state);
            state.shut = true;
            state.coming += state.idle.len();
            (std::mem::take(&mut state.queue), std::mem::take(&mut state.idle))
        };
        for bell in idle {
            bell.notify_one();
        }
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

/// Runs what belongs to users, and goes on if it panics: the panic hook has reported it.
pub(super) fn quietly(action: impl FnOnce()) {
    let _reported_by_the_hook = catch_unwind(AssertUnwindSafe(action));
}

#[cfg(all(test, not(edgewake_loom)))]
mod tests {
    use std::{
        sync::{
            Arc, Barrier,
            mpsc::{RecvTimeoutError, channel},
        },
        time::{Duration, Instant},
    };

    use super::{Pool, Service, State};
    use crate::sync::{MutexGuard, lock};

    const PATIENCE: Duration = Duration::from_secs(60);

    /// The state, locked, once so many threads wait.
    fn once_idle(pool: &Pool, threads: usize) -> MutexGuard<'_, State> {
        let start = Instant::now();
        loop {
            let state = lock(&pool.state);
            if state.idle.len() == threads {
                return state;
            }
            drop(state);
            assert!(start.elapsed() < PATIENCE, "not {threads} idle threads after {PATIENCE:?}");
            std::thread::yield_now();
        }
    }

    // Goal: what is pushed after an idle thread's wait is over, and before that thread has the lock
    // again, is taken by it: the push counted on it, and has started no other. Method: hold the
    // lock while the wait ends, and push under it; the bell rings for nobody, if at all.
    #[test]
    fn a_thread_whose_wait_is_over_looks_again() {
        let pool = Arc::new(Pool::new(1, Duration::from_millis(500)));
        let (sender, receiver) = channel();
        let first = sender.clone();
        assert!(pool.push(Box::new(move || first.send(1).expect("it is read"))).is_ok());
        assert_eq!(receiver.recv_timeout(PATIENCE), Ok(1));
        let mut state = once_idle(&pool, 1);
        // It waits; by the end of this its time is over.
        let nothing = receiver.recv_timeout(Duration::from_secs(1));
        assert_eq!(nothing, Err(RecvTimeoutError::Timeout));
        let second = Box::new(move || sender.send(2).expect("it is read"));
        let admitted = pool.admit(&mut state, second);
        assert_eq!((state.threads, state.coming, state.idle.len()), (1, 1, 0));
        drop(state);
        assert!(admitted.is_ok_and(|(_, bell)| bell.is_some()));
        assert_eq!(receiver.recv_timeout(PATIENCE), Ok(2));
    }

    // Goal: a push wakes the thread that began to wait last, and none while one is coming that has
    // no entry to come for. Method: three threads wait, and nobody rings what the pushes return
    // until all were made.
    #[test]
    fn the_last_to_wait_is_woken_first() {
        let pool = Arc::new(Pool::new(3, Duration::MAX));
        let meet = Arc::new(Barrier::new(3));
        for _ in 0..3 {
            let meet = Arc::clone(&meet);
            assert!(pool.push(Box::new(move || _ = meet.wait())).is_ok());
        }
        let mut state = once_idle(&pool, 3);
        let waiting = state.idle.clone();
        let (sender, receiver) = channel();
        let push = |state: &mut State, number: i32| {
            let sender = sender.clone();
            let work = Box::new(move || sender.send(number).expect("it is read"));
            let (_, bell) = pool.admit(state, work).ok().expect("it is taken");
            bell
        };
        let (first, second) = (push(&mut state, 1), push(&mut state, 2));
        for (bell, expected) in [(&first, &waiting[2]), (&second, &waiting[1])] {
            assert!(bell.as_ref().is_some_and(|bell| Arc::ptr_eq(bell, expected)));
        }
        // As if a third, that was busy, had come and taken one of them.
        let (_, taken) = state.queue.pop_front().expect("two are queued");
        let third = push(&mut state, 3);
        assert!(third.is_none(), "two are coming for two");
        assert_eq!((state.coming, state.idle.len()), (2, 1));
        drop(state);
        for bell in [first, second].into_iter().flatten() {
            bell.notify_one();
        }
        taken();
        let mut ran: Vec<_> =
            (0..3).map(|_| receiver.recv_timeout(PATIENCE).expect("it ran")).collect();
        ran.sort_unstable();
        assert_eq!(ran, [1, 2, 3]);
        pool.shut();
    }
}
