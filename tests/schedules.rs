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

/// One test for each workload, with its number of seeds.
macro_rules! workloads {
    ($($name:ident: $run:path, $kernel:expr, $seeds:literal;)*) => {
        $(
            #[test]
            fn $name() {
                let workload =
                    Workload { name: stringify!($name), run: $run, kernel: $kernel, seeds: $seeds };
                workload.check();
            }
        )*
    };
}

// Goal: see schedules/run.rs.
workloads! {
    t24_streams: streams::local, Kernel::Prompt, 600;
    t24_read_elsewhere: elsewhere::run, Kernel::Prompt, 500;
    t24_tcp: streams::tcp, Kernel::Late(Duration::from_secs(10)), 250;
    t57_listeners: listeners::run, Kernel::Prompt, 500;
    t69_wakes: wakes::run, Kernel::Prompt, 1000;
    t69_two_loops: loops::run, Kernel::Prompt, 700;
    t72_timers: timers::run, Kernel::Prompt, 1000;
    t79_endings: endings::run, Kernel::Prompt, 1000;
}
