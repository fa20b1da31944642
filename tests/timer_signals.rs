//! T72: signals interrupt the wait of a sleeping runtime, over and over, and no sleep ends early,
//! nor late for ever.
//!
//! A program of its own: a signal handler is for a whole process.

#![cfg(feature = "time")]

mod support;

use std::{
    os::unix::thread::JoinHandleExt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use edgewake::{
    Runtime,
    time::{Duration, Instant, interval, sleep, timeout},
};
use nix::{
    errno::Errno,
    sys::{
        pthread::{Pthread, pthread_kill},
        signal::Signal,
    },
};
use support::deadline;

const MS: Duration = Duration::from_millis(1);

/// Sends the thread one signal after the other until it ends, each once the one before was
/// handled, and returns how many were.
fn storm(thread: &JoinHandle<()>, handled: &AtomicBool) -> u32 {
    let mut count = 0;
    while !thread.is_finished() {
        match pthread_kill(thread.as_pthread_t() as Pthread, Signal::SIGUSR1) {
            // It ended just now; it is not joined yet, so the handle is still good.
            Err(Errno::ESRCH) => break,
            outcome => outcome.expect("the thread can be signalled"),
        }
        while !handled.swap(false, Ordering::SeqCst) && !thread.is_finished() {
            thread::park_timeout(MS / 20);
        }
        count += 1;
        thread::park_timeout(MS / 5);
    }
    count
}

#[test]
fn t72_a_storm_of_signals_ends_no_sleep_early() {
    let handled = Arc::new(AtomicBool::new(false));
    // It sets the flag and returns, so that the interrupted call of the thread fails with EINTR.
    signal_hook::flag::register(signal_hook::consts::SIGUSR1, Arc::clone(&handled))
        .expect("a handler for SIGUSR1");
    let count = deadline(move || {
        let sleeper = thread::spawn(|| {
            Runtime::new().unwrap().block_on(async {
                for duration in [MS / 4, MS, 3 * MS, 10 * MS, 30 * MS, 50 * MS] {
                    let start = Instant::now();
                    sleep(duration).await;
                    assert!(start.elapsed() >= duration, "sleep({duration:?})");

                    let start = Instant::now();
                    assert!(timeout(duration, std::future::pending::<()>()).await.is_err());
                    assert!(start.elapsed() >= duration, "timeout({duration:?})");
                }
                let mut interval = interval(2 * MS);
                let first = interval.tick().await;
                for n in 1..20 {
                    assert_eq!(interval.tick().await, first + n * 2 * MS);
                    assert!(Instant::now() >= first + n * 2 * MS, "tick {n}");
                }
            });
        });
        let count = storm(&sleeper, &handled);
        sleeper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        count
    });
    // A system with a coarse clock sends few of them in the 200 ms this takes at least.
    assert!(count >= 3, "only {count} signals arrived");
}
