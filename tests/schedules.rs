//! Random schedules: whatever the library or the kernel is free to choose is drawn from a seed, and
//! thousands of seeds must keep what is promised. What is drawn is said in
//! sys/src/syscall/faults/schedule.rs, what must hold after each run in schedules/run.rs. Runs with
//! `RUSTFLAGS="--cfg edgewake_faults"`.
//!
//! `EDGEWAKE_SEED=n` runs that seed alone, and `EDGEWAKE_SEEDS=n` so many of each workload.

#![cfg(all(feature = "net", feature = "time"))]
#![cfg(edgewake_faults)]

#[path = "schedules/channel.rs"]
mod channel;
#[path = "schedules/elsewhere.rs"]
mod elsewhere;
#[path = "schedules/endings.rs"]
mod endings;
#[path = "schedules/listeners.rs"]
mod listeners;
#[path = "schedules/loops.rs"]
mod loops;
#[path = "support/os.rs"]
mod os;
#[path = "support/peer.rs"]
mod peer;
#[path = "schedules/run.rs"]
mod run;
#[path = "schedules/streams.rs"]
mod streams;
mod support;
#[path = "schedules/timers.rs"]
mod timers;
#[path = "schedules/tracked.rs"]
mod tracked;
#[path = "schedules/wakes.rs"]
mod wakes;

use std::time::Duration;

use run::{Kernel, Workload};

/// Runs a workload; the rest is in schedules/run.rs.
fn check(name: &'static str, run: fn(), kernel: Kernel, seeds: u64, draws: &[&str]) {
    if let Some(drawn) = (Workload { name, run, kernel, seeds }).check() {
        let missing: Vec<_> = draws.iter().filter(|what| !drawn.contains(*what)).collect();
        assert!(missing.is_empty(), "no seed has drawn any of {missing:?}");
    }
}

/// What the scheduler chooses.
const TASKS: &[&str] = &["task", "budget", "round", "interval", "adopt", "root", "a task"];
/// Where another one drives the loop.
const TURNS: &[&str] = &["task", "budget", "round", "adopt", "parked", "nothing to do"];
/// And what becomes of events and transfers.
const STREAMS: &[&str] = &[
    "task",
    "budget",
    "round",
    "interval",
    "late",
    "twice",
    "shuffled",
    "invented",
    "refused",
    "cut",
    "called",
    "wait",
    "part of a wait",
];
/// And when another thread intrudes upon a wait.
const WAITS: &[&str] = &["parked", "nothing to do", "about to wait", "awake", "not parked"];

// T24, T59. Goal: every byte once and in order through echoes, pipes and copies, whatever is given
// up and made again.
#[test]
fn t24_streams() {
    check("t24_streams", streams::local, Kernel::Prompt, 600, STREAMS);
}

// T24. Goal: the same over TCP, with connections that are accepted meanwhile.
#[test]
fn t24_tcp() {
    check("t24_tcp", streams::tcp, Kernel::Late(Duration::from_secs(10)), 300, STREAMS);
}

// T17. Goal: an event between what a call has said and what is made of it is not lost.
#[test]
fn t17_read_elsewhere() {
    check("t17_read_elsewhere", elsewhere::run, Kernel::Prompt, 400, &["called"]);
}

// T20, T59. Goal: of several that wait for one object, each gets what is its own, and the end.
#[test]
fn t20_several_wait() {
    check("t20_several_wait", listeners::run, Kernel::Prompt, 600, STREAMS);
}

// T69. Goal: no message and no task of another thread is lost or late, at whatever moment it comes.
#[test]
fn t69_wakes() {
    check("t69_wakes", wakes::run, Kernel::Prompt, 800, WAITS);
}

// T69. Goal: a loop that rests with something to do says so on its descriptor.
#[test]
fn t69_two_loops() {
    check("t69_two_loops", loops::run, Kernel::Prompt, 600, TURNS);
}

// T72, T73, T74. Goal: no timer is early, none is forgotten, whoever moves it or gives it up.
#[test]
fn t72_timers() {
    check("t72_timers", timers::run, Kernel::Prompt, 800, WAITS);
}

// T23, T79. Goal: each task ends once, however it is ended, and whoever waits for that learns it.
#[test]
fn t79_endings() {
    check("t79_endings", endings::run, Kernel::Prompt, 1000, TASKS);
}
