//! Random schedules: whatever the library or the kernel is free to choose is drawn from a seed, and
//! thousands of seeds must keep what is promised. What is drawn is said in
//! sys/src/syscall/faults/schedule.rs, what must hold after each run in schedules/run.rs. Runs with
//! `RUSTFLAGS="--cfg edgewake_faults"`.
//!
//! `EDGEWAKE_SEED=n` runs that seed alone, and `EDGEWAKE_SEEDS=n` so many of each workload.

#![cfg(all(feature = "net", feature = "time"))]
#![cfg(edgewake_faults)]

#[cfg(target_os = "linux")]
#[path = "support/black_hole.rs"]
mod black_hole;
#[path = "schedules/channel.rs"]
mod channel;
#[path = "schedules/connects.rs"]
mod connects;
#[path = "schedules/copies.rs"]
mod copies;
#[path = "schedules/datagrams.rs"]
mod datagrams;
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

/// Of TCP, with as much on its way as it takes.
const LATE: Kernel = Kernel::Late(Duration::from_secs(10));
/// Of the loopback otherwise.
const MOSTLY: Kernel = Kernel::Mostly(Duration::from_secs(10));

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
/// Of datagrams, which the kernel cuts and joins.
const DATAGRAMS: &[&str] = &[
    "late",
    "refused",
    "cut",
    "in segments",
    #[cfg(target_os = "linux")]
    "joined",
    #[cfg(target_os = "linux")]
    "recvmmsg",
    #[cfg(target_os = "linux")]
    "sendmmsg",
];
/// Of copies, by what the system has for them.
const COPIES: &[&str] = &[
    "late",
    "refused",
    "cut",
    "called",
    #[cfg(target_os = "linux")]
    "splice",
    #[cfg(target_os = "linux")]
    "sendfile",
];
/// Of connects: none that is always answered, nor always refused.
const CONNECTS: &[&str] = &["late", "twice", "invented", "connected", "refused by all"];
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
    check("t24_tcp", streams::tcp, LATE, 300, STREAMS);
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

// T87. Goal: every byte once and in order through copies inside the kernel, and from files,
// whichever end has to be waited for.
#[test]
fn t87_copies() {
    // A pipe is full by pages, so how much it takes depends on the pieces that memory comes in: the
    // same sources were seen to take other steps twenty minutes later.
    check("t87_copies", copies::local, Kernel::Mostly(Duration::ZERO), 300, COPIES);
}

// T87. Goal: the same over TCP, where nothing is read by a splice at an urgent mark and at the end.
#[test]
fn t87_copies_over_tcp() {
    check("t87_copies_over_tcp", copies::over_tcp, LATE, 150, COPIES);
}

// T24. Goal: of several addresses one that listens, or the error of them all, and no socket of the
// others.
#[test]
fn t24_connects() {
    check("t24_connects", connects::run, MOSTLY, 300, CONNECTS);
}

// T62, T65, T66. Goal: every datagram whole, once and in order, one by one and in batches, whatever
// is given up and made again.
#[test]
fn t66_datagrams() {
    check("t66_datagrams", datagrams::run, MOSTLY, 400, DATAGRAMS);
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
