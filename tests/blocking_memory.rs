//! What the pool keeps: nothing of the work that was taken back.
//!
//! One test: it watches the heap of the whole process.

#[path = "support/allocations.rs"]
mod allocations;
mod support;

use std::sync::mpsc::channel;

use edgewake::Builder;
use support::{PATIENCE, WakeCount, deadline};

/// Closures that wait at once, and rounds of them.
const QUEUED: usize = 1000;
const ROUNDS: usize = 100;

// Goal: nothing grows with the closures that were aborted, whichever of the queue they are: not
// while others wait, and not when the queue runs empty. Method: the only thread is held while ten
// closures stay queued and 100 000 come and go around them; then the heap is as large as after the
// first round, but for room that is used again.
#[test]
fn aborted_closures_leave_nothing() {
    deadline(|| {
        let runtime = Builder::new().blocking_threads(1).build().expect("a runtime");
        let (go_on, wait) = channel::<()>();
        let (started, has_started) = channel();
        let running = runtime.spawn_blocking(move || {
            started.send(()).expect("the test waits");
            wait.recv_timeout(PATIENCE).expect("it is let go");
        });
        has_started.recv_timeout(PATIENCE).expect("a thread");
        let kept: Vec<_> = (0..10).map(|_| runtime.spawn_blocking(|| ())).collect();
        let count = WakeCount::new();
        let round = || {
            let held = [1_u8; 100];
            let mut handles: Vec<_> =
                (0..QUEUED).map(|_| runtime.spawn_blocking(move || held.len())).collect();
            for handle in &mut handles {
                assert!(count.poll(handle).is_pending());
            }
            // Every second one first, then the others from the end.
            handles.iter().step_by(2).for_each(|handle| handle.abort());
            handles.iter().skip(1).step_by(2).rev().for_each(|handle| handle.abort());
            assert!(handles.iter().all(|handle| handle.is_finished()));
        };
        round();
        let before = allocations::in_use();
        (1..ROUNDS).for_each(|_| round());
        let after = allocations::in_use();
        assert!(after <= before + 4096, "{before} bytes grew to {after}");
        assert_eq!(count.alive(), 0);
        assert_eq!(count.wakes(), QUEUED * ROUNDS);
        #[cfg(feature = "net")]
        runtime.block_on(dropped_look_ups_leave_nothing());
        go_on.send(()).expect("it waits");
        runtime.block_on(async {
            running.await.expect("it ran");
            for handle in kept {
                handle.await.expect("it ran");
            }
        });
        // The queue has run empty, and its room for a thousand has gone.
        let empty = allocations::in_use();
        assert!(empty + QUEUED * 16 < after, "{after} bytes shrank only to {empty}");
    });
}

// Goal: the same of look-ups that are dropped.
#[cfg(feature = "net")]
async fn dropped_look_ups_leave_nothing() {
    let count = WakeCount::new();
    let before = allocations::in_use();
    for _ in 0..QUEUED {
        let mut looking = Box::pin(edgewake::net::lookup_host("localhost:80"));
        assert!(count.poll(&mut looking).is_pending(), "the only thread is held");
    }
    let after = allocations::in_use();
    assert!(after <= before + 4096, "{before} bytes grew to {after}");
}
