//! The threads of `spawn_blocking`'s pool: which of them serve, and when they end.

mod support;

use std::{
    cell::RefCell,
    collections::HashSet,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, ThreadId},
    time::Duration,
};

use edgewake::Builder;

use crate::support::{PATIENCE, deadline, eventually};

thread_local! {
    /// Counts the ends of the pool's threads, by its drop.
    static END: RefCell<Option<Ending>> = const { RefCell::new(None) };
}

struct Ending(Arc<AtomicUsize>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Has the calling thread count its end there.
fn count_end(ends: &Arc<AtomicUsize>) {
    END.set(Some(Ending(Arc::clone(ends))));
}

// Goal: an idle thread is used again, rather than another one started.
#[test]
fn idle_threads_are_used_again() {
    deadline(|| {
        let runtime = Builder::new().blocking_keep_alive(PATIENCE).build().expect("a runtime");
        let mut threads = HashSet::<ThreadId>::new();
        for _ in 0..100 {
            let handle = runtime.spawn_blocking(|| thread::current().id());
            threads.insert(runtime.block_on(handle).expect("it ran"));
        }
        // The result is there a moment before its thread is free.
        assert!(threads.len() < 20, "{} threads for one closure at a time", threads.len());
    });
}

// Goal: threads that have nothing to do end after the time that was set, and others start when
// there is something again.
#[test]
fn idle_threads_end() {
    deadline(|| {
        let keep_alive = Duration::from_millis(1);
        let runtime = Builder::new().blocking_keep_alive(keep_alive).build().expect("a runtime");
        let ends = Arc::new(AtomicUsize::new(0));
        for round in 1..=3 {
            let meet = Arc::new(Barrier::new(4));
            let handles: Vec<_> = (0..4)
                .map(|_| {
                    let (meet, ends) = (Arc::clone(&meet), Arc::clone(&ends));
                    runtime.spawn_blocking(move || {
                        count_end(&ends);
                        meet.wait();
                    })
                })
                .collect();
            runtime.block_on(async {
                for handle in handles {
                    handle.await.expect("it ran");
                }
            });
            // A thread that was still there from the last round counts in this one.
            eventually("four threads end", || ends.load(Ordering::SeqCst) == 4 * round);
        }
    });
}

// Goal: after a burst the pool shrinks to what its load needs, although closures keep coming,
// oftener than each thread would need one to stay. Method: as many closures in a row as there are
// threads, again and again: taken in turn, none of the threads would ever have been idle for long.
#[test]
fn the_pool_shrinks_under_a_light_load() {
    deadline(|| {
        const BURST: usize = 32;
        let keep_alive = Duration::from_millis(300);
        let runtime = Builder::new().blocking_keep_alive(keep_alive).build().expect("a runtime");
        let (ends, meet) = (Arc::new(AtomicUsize::new(0)), Arc::new(Barrier::new(BURST)));
        let handles: Vec<_> = (0..BURST)
            .map(|_| {
                let (meet, ends) = (Arc::clone(&meet), Arc::clone(&ends));
                runtime.spawn_blocking(move || {
                    count_end(&ends);
                    meet.wait();
                })
            })
            .collect();
        runtime.block_on(async {
            for handle in handles {
                handle.await.expect("it ran");
            }
        });
        // One serves, and a second while the first is not yet free again.
        eventually("all but two of the threads end", || {
            for _ in 0..BURST {
                runtime.block_on(runtime.spawn_blocking(|| ())).expect("it ran");
            }
            ends.load(Ordering::SeqCst) >= BURST - 2
        });
    });
}

// Goal: idle threads of a dropped runtime end at once, however long they were to stay.
#[test]
fn dropped_runtimes_end_idle_threads() {
    deadline(|| {
        let builder = Builder::new().blocking_keep_alive(Duration::MAX);
        let runtime = builder.build().expect("a runtime");
        let ends = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&ends);
        let handle = runtime.spawn_blocking(move || count_end(&counted));
        runtime.block_on(handle).expect("it ran");
        assert_eq!(ends.load(Ordering::SeqCst), 0);
        drop(runtime);
        eventually("its thread ends", || ends.load(Ordering::SeqCst) == 1);
    });
}
