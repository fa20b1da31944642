//! The loop's own calls fail: its wait and its kick. Runs with
//! `RUSTFLAGS="--cfg edgewake_faults"`; tests/faults.rs goes through every call of whole scenarios.

#![cfg(all(edgewake_faults, edgewake_selector = "epoll", edgewake_notifier = "eventfd"))]

mod support;

use std::{sync::mpsc, thread};

use edgewake::Runtime;
use edgewake_sys::faults::{Action, Installed, Plan, install};
use support::deadline;

const EINTR: i32 = 4;
const EIO: i32 = 5;
const EINVAL: i32 = 22;

fn fail(call: &'static str, errno: i32) -> Installed {
    install(Plan { call: Some(call), nth: 1, action: Action::Fail(errno) })
}

// T72. Goal: an interrupted wait is an empty batch, and any other error is the turn's.
#[test]
fn t72_an_interruption_is_no_error() {
    let runtime = Runtime::new().unwrap();
    let plan = fail("epoll_wait", EINTR);
    runtime.turn().unwrap();
    assert_eq!(plan.struck(), Some("epoll_wait"));
    drop(plan);
    let plan = fail("epoll_wait", EINVAL);
    assert_eq!(runtime.turn().unwrap_err().raw_os_error(), Some(EINVAL));
    assert_eq!(plan.struck(), Some("epoll_wait"));
}

// Goal: an interrupted kick is made again; one that fails otherwise is left to the next push, which
// kicks.
#[test]
fn a_kick_that_fails_is_made_by_the_next_push() {
    deadline(|| {
        for (errno, writes) in [(EINTR, 2), (EIO, 1)] {
            let runtime = Runtime::new().unwrap();
            runtime.turn().unwrap();
            let (handle, kicks) = (runtime.handle(), runtime.metrics().notifier_writes);
            let (counted, count) = mpsc::channel();
            let pushes = thread::spawn(move || {
                let plan = fail("write", errno);
                drop(handle.spawn(async {}));
                counted.send(plan.counted()).unwrap();
                drop(plan);
                drop(handle.spawn(async {}));
            });
            pushes.join().unwrap();
            assert_eq!(count.recv().unwrap(), writes, "errno {errno}");
            assert_eq!(runtime.metrics().notifier_writes - kicks, 1, "errno {errno}");
        }
    });
}
