//! Models of the pool: what is pushed is served, whenever threads come, wait, run out of time and
//! end; and of a job, whose result is told once, or taken back before.
//!
//! The pool's threads are the model's. Their time is over when a model says so, which may be at any
//! moment between the begin of a wait and the ring that was meant for it.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use ::loom::thread;

use super::{
    Failure, Job,
    on_demand::{OnDemand, Service},
    pool::Pool,
};
use crate::sync::{
    lock,
    model::{Bell, Tally, bounded, model},
};

/// Nothing that any model looks at.
const A_WHILE: Duration = Duration::from_secs(1);

fn pool(most: usize) -> Arc<Pool> {
    Arc::new(Pool::new(most, A_WHILE))
}

/// Waits for a result as a task does.
fn wait_for<T>(job: &mut Job<T>, bell: &Arc<Bell>) -> Result<T, Failure> {
    let waker = bell.waker();
    let mut job = pin!(job);
    loop {
        if let Poll::Ready(outcome) = job.as_mut().poll(&mut Context::from_waker(&waker)) {
            return outcome;
        }
        bell.wait();
    }
}

fn served(pool: &Arc<Pool>, number: usize) {
    let mut job = Job::submit(Arc::clone(pool), move || number);
    assert!(wait_for(&mut job, &Bell::new()).is_ok_and(|found| found == number));
}

/// The time of every thread that waits now is over, as of any moment from now on.
fn time_out_later(pool: &Arc<Pool>) -> impl FnOnce() + Send + use<> {
    let waiting = lock(&pool.state).idle.clone();
    move || waiting.iter().for_each(|bell| bell.time_out())
}

/// Every thread has ended, and nothing is counted that is not there.
fn all_ended(pool: &Arc<Pool>) -> bool {
    let state = lock(&pool.state);
    (state.threads, state.coming, state.idle.len(), state.queue.len()) == (0, 0, 0, 0)
}

// Goal: a closure that is pushed while the only thread's time runs out is served: by that thread,
// which looks once more, or by a new one.
#[test]
fn a_push_races_with_the_end_of_an_idle_thread() {
    bounded(4, || {
        let pool = pool(1);
        served(&pool, 1);
        let time_out = time_out_later(&pool);
        let clock = thread::spawn(time_out);
        served(&pool, 2);
        clock.join().expect("no panic");
        pool.shut();
    });
}

// Goal: two closures that are pushed at once, and one thread at most: both are served, whether it
// is starting, busy or about to wait.
#[test]
fn two_pushes_meet_one_thread() {
    bounded(4, || {
        let pool = pool(1);
        let pusher = Arc::clone(&pool);
        let pushing = thread::spawn(move || served(&pusher, 1));
        served(&pool, 2);
        pushing.join().expect("no panic");
        pool.shut();
    });
}

// Goal: the same with room for two threads, of which one is idle: the push counts on it once.
#[test]
fn two_pushes_meet_an_idle_thread() {
    bounded(2, || {
        let pool = pool(2);
        served(&pool, 1);
        let pusher = Arc::clone(&pool);
        let pushing = thread::spawn(move || served(&pusher, 2));
        served(&pool, 3);
        pushing.join().expect("no panic");
        pool.shut();
    });
}

// Goal: a wait that ends for no reason, as a condition variable's may, while a closure is pushed.
#[test]
fn a_push_races_with_a_wait_that_ends_for_nothing() {
    bounded(4, || {
        let pool = pool(1);
        served(&pool, 1);
        let waiting = lock(&pool.state).idle.clone();
        let ending = thread::spawn(move || waiting.iter().for_each(|bell| bell.end_for_nothing()));
        served(&pool, 2);
        ending.join().expect("no panic");
        pool.shut();
    });
}

// Goal: a closure that is taken back has run, or never will, and is dropped once; the handle's
// answer says which.
#[test]
fn a_withdrawal_races_with_the_thread() {
    model(|| {
        let pool = pool(1);
        let (ran, dropped) = (Arc::new(Tally::default()), Arc::new(Tally::default()));
        let closure = {
            let (ran, guard) = (Arc::clone(&ran), Counted(Arc::clone(&dropped)));
            move || {
                let _dropped_with_the_closure = guard;
                ran.count();
            }
        };
        let mut job = Job::submit(Arc::clone(&pool), closure);
        job.withdraw();
        match wait_for(&mut job, &Bell::new()) {
            Ok(()) => assert_eq!(ran.get(), 1),
            Err(Failure::Cancelled) => assert_eq!(ran.get(), 0),
            Err(other) => panic!("{other:?}"),
        }
        assert_eq!(dropped.get(), 1);
        // Who had come for it is not lost to the next one.
        served(&pool, 2);
        pool.shut();
    });
}

struct Counted(Arc<Tally>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.count();
    }
}

// T79. Goal: a closure that is pushed while the pool shuts down is run, dropped or refused, once,
// and its waiter learns of it.
#[test]
fn t79_a_push_races_with_the_shutdown() {
    model(|| {
        let place = Arc::new(OnDemand::new(1, A_WHILE));
        let dropped = Arc::new(Tally::default());
        let pushing = {
            let (place, guard) = (Arc::clone(&place), Counted(Arc::clone(&dropped)));
            thread::spawn(move || {
                let mut job = Job::submit(place.pool(), move || drop(guard));
                match wait_for(&mut job, &Bell::new()) {
                    Ok(()) | Err(Failure::Cancelled) => {}
                    Err(other) => panic!("{other:?}"),
                }
            })
        };
        place.shut();
        pushing.join().expect("no panic");
        assert_eq!(dropped.get(), 1);
    });
}

// Goal: a thread that is idle, or about to be, when the pool shuts down ends.
#[test]
fn idle_threads_end_with_the_pool() {
    model(|| {
        let pool = pool(1);
        served(&pool, 1);
        let time_out = time_out_later(&pool);
        let clock = thread::spawn(time_out);
        pool.shut();
        clock.join().expect("no panic");
        let all = Arc::clone(&pool);
        // By yielding, since nobody waits for these threads.
        while !all_ended(&all) {
            thread::yield_now();
        }
    });
}

// Goal: who polls a job with another waker while the result comes is woken through that one, or
// has it; and a waker that is forgotten is not woken by what comes after.
#[test]
fn a_result_races_with_its_reader() {
    for forgets in [false, true] {
        model(move || {
            let pool = pool(1);
            let mut job = Job::submit(Arc::clone(&pool), || 7);
            let (first, last) = (Bell::new(), Bell::new());
            let waker = first.waker();
            let asked = pin!(&mut job).poll(&mut Context::from_waker(&waker));
            drop(waker);
            if forgets {
                drop(job);
                assert!(first.rings() <= 1);
            } else if asked.is_pending() {
                assert!(wait_for(&mut job, &last).is_ok_and(|found| found == 7));
                drop(job);
            }
            assert!(first.wakers(1) <= 1, "one that is being woken");
            pool.shut();
        });
    }
}
