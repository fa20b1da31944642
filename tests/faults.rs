//! The Nth system call says whatever it can say on a bad day: scenarios are swept until no call is
//! left to strike. What must hold after each run is in faults/sweep.rs, what a call can say in
//! sys/src/syscall/faults/answers.rs. Runs with `RUSTFLAGS="--cfg edgewake_faults"`.
//!
//! Faults at particular moments, which a sweep does not bring about, are in the files `*_faults.rs`
//! beside this one.

#![cfg(all(feature = "net", feature = "time"))]
#![cfg(edgewake_faults)]

#[path = "faults/cancelled.rs"]
mod cancelled;
#[path = "faults/connections.rs"]
mod connections;
#[path = "faults/copies.rs"]
mod copies;
#[path = "faults/endings.rs"]
mod endings;
#[path = "support/files.rs"]
mod files;
#[path = "support/os.rs"]
mod os;
#[path = "support/peer.rs"]
mod peer;
#[path = "faults/pipes.rs"]
mod pipes;
#[path = "faults/seeded.rs"]
mod seeded;
#[cfg(any(
    all(target_os = "linux", edgewake_selector = "epoll", edgewake_notifier = "eventfd"),
    all(target_os = "linux", edgewake_selector = "kqueue", edgewake_notifier = "pipe"),
))]
#[path = "faults/sites.rs"]
mod sites;
#[path = "faults/streams.rs"]
mod streams;
mod support;
#[path = "faults/sweep.rs"]
mod sweep;
#[path = "faults/tcp.rs"]
mod tcp;
#[path = "faults/time.rs"]
mod time;
#[path = "faults/udp.rs"]
mod udp;
#[path = "support/unix.rs"]
mod unix;
#[path = "support/unix_descriptors.rs"]
mod unix_descriptors;
#[path = "faults/unix.rs"]
mod unix_sockets;

use sweep::Scenario;

/// One test for each scenario, and the list of all. The number is of the fewest faults that it must
/// have met: the sweep was none of nothing.
macro_rules! sweeps {
    ($($name:ident: $scenario:path, $least:literal;)*) => {
        #[allow(dead_code, reason = "read where there is a list of sites: faults/sites.rs")]
        static SCENARIOS: &[&Scenario] = &[$(&$scenario),*];
        $(
            #[test]
            fn $name() {
                let found = $scenario.sweep().faults();
                assert!(found >= $least, "only {found} faults");
            }
        )*
    };
}

// T24, T33, T57, T64, T72. Goal: see faults/sweep.rs.
sweeps! {
    t24_tcp_echo: tcp::ECHO, 200;
    t24_unix_echo: unix_sockets::ECHO, 100;
    t24_unix_messages: unix_sockets::MESSAGES, 100;
    t64_descriptors: unix_sockets::DESCRIPTORS, 50;
    t24_udp: udp::SINGLE, 100;
    t66_udp_batches: udp::BATCHES, 50;
    t57_accept_storm: connections::STORM, 100;
    t24_happy_eyeballs: connections::RACE, 50;
    t24_sockets_of_std: connections::ADOPTED, 50;
    t72_timers: time::TIMERS, 20;
    t69_woken_by_a_thread: time::WOKEN, 20;
    t69_waking_a_loop: time::WAKING, 30;
    t24_cancellation: endings::CANCELLED, 100;
    t59_cancelled_messages: cancelled::MESSAGES, 100;
    t59_cancelled_streams: cancelled::STREAMS, 100;
    t59_cancelled_writers: cancelled::FULL, 50;
    t59_cancelled_pipes: cancelled::PIPES, 50;
    t59_cancelled_others: cancelled::OTHERS, 30;
    t24_shutdown: endings::SHUTDOWN, 50;
    t24_pipes: pipes::PIPES, 50;
    t24_packet_pipes: pipes::PACKETS, 50;
    t88_fifos: pipes::FIFOS, 50;
    t04_copy_by_a_buffer: copies::BUFFERED, 100;
    t87_copy_by_splice: copies::SPLICED, 100;
    t87_copy_both_ways: copies::BOTH_WAYS, 100;
    t04_files: copies::FILES, 50;
}

// Goal: there is no call that was never struck, but those that are listed with a reason. Method:
// waits for all sweeps, or makes them.
#[cfg(any(
    all(target_os = "linux", edgewake_selector = "epoll", edgewake_notifier = "eventfd"),
    all(target_os = "linux", edgewake_selector = "kqueue", edgewake_notifier = "pipe"),
))]
#[test]
fn every_call_is_reached() {
    sites::check(SCENARIOS);
}
