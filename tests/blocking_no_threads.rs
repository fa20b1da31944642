//! The pool where the system lets no thread start.
//!
//! One test: it limits the address space of the whole process, so that a stack finds no room.

#![cfg(target_os = "linux")]

#[path = "support/os.rs"]
mod os;
mod support;

use std::{error::Error, io, sync::mpsc::channel, time::Duration};

use edgewake::{Builder, Handle, JoinError};
use os::NoRoom;
use support::{PATIENCE, deadline};

/// Room for small allocations, and for no stack (2 MiB).
const SLACK: u64 = 512 << 10;

/// What a closure comes to that no thread can be started for.
fn refused(handle: &Handle) -> JoinError {
    let no_room = NoRoom::beyond(SLACK);
    let task = handle.spawn_blocking(|| ());
    let is_finished = task.is_finished();
    drop(no_room);
    assert!(is_finished);
    futures::executor::block_on(task).expect_err("there is no thread")
}

// Goal: a thread that cannot be started is an error only if there is none to serve the closure;
// where there is one, the closure waits its turn; and the pool recovers. The error is not taken for
// "would block", as EAGAIN by itself would be.
#[test]
fn no_thread_is_an_error_only_without_any() {
    deadline(|| {
        let builder = Builder::new().blocking_keep_alive(Duration::from_secs(3600));
        let runtime = builder.build().expect("a runtime");
        let handle = runtime.handle();
        // The panic hook, the executor and the like take their memory before the limit.
        futures::executor::block_on(async {});
        for _ in 0..3 {
            let error = refused(&handle);
            assert!(error.is_no_thread() && !error.is_cancelled() && !error.is_panic());
            assert!(error.to_string().starts_with("no thread could be started: "), "{error}");
            assert!(error.source().is_some_and(|source| source.is::<io::Error>()));
            assert!(error.try_into_panic().is_err());
            assert_ne!(io::Error::from(refused(&handle)).kind(), io::ErrorKind::WouldBlock);
        }
        // One thread, which is busy.
        let (go_on, wait) = channel::<()>();
        let (started, has_started) = channel();
        let first = runtime.spawn_blocking(move || {
            started.send(()).expect("the test waits");
            wait.recv_timeout(PATIENCE).expect("it is let go");
        });
        has_started.recv_timeout(PATIENCE).expect("a thread");
        let no_room = NoRoom::beyond(SLACK);
        let second = runtime.spawn_blocking(|| 2);
        let is_finished = second.is_finished();
        drop(no_room);
        assert!(!is_finished, "it waits for the thread that there is");
        go_on.send(()).expect("it waits");
        runtime.block_on(async {
            first.await.expect("it ran");
            assert_eq!(second.await.expect("it ran"), 2);
        });
    });
}
