//! The configurations that mutants are tested in: which files, and by which tests.
//!
//! - `epoll`: everything that there is on Linux, with the tests that make system calls fail.
//! - `kqueue`: its selector and what only it needs, on the fake `kevent`.
//! - `loom`: what is left of the first, by the models.

/// One build of the workspace.
pub(crate) struct Config {
    pub(crate) name: &'static str,
    /// Files and folders whose mutants these are.
    pub(crate) places: &'static [&'static str],
    /// Ends of paths in there that are no part of the library, or are not compiled.
    pub(crate) without: &'static [&'static str],
    /// What is given as `--cfg`.
    pub(crate) flags: &'static [&'static str],
    /// What holds while it is compiled, of what attributes ask for. Without `edgewake_faults`:
    /// what stands under it is there for the tests.
    pub(crate) cfgs: &'static [&'static str],
    /// The programs of tests, beside the unit tests.
    pub(crate) tests: &'static [&'static str],
    /// Which of the unit tests; all, if empty.
    pub(crate) filter: &'static str,
    pub(crate) release: bool,
}

/// Files and folders that are tests, or parts of their tools. `local/order.rs` is what a schedule
/// draws; in `ffi/linux.rs` are the numbers that the fake `kevent` has from there too.
const TESTS_ONLY: &[&str] = &[
    "tests.rs",
    "tests",
    "oracle.rs",
    "wakers.rs",
    "loom.rs",
    "loom",
    "fake",
    "fake.rs",
    "fuzz.rs",
    "order.rs",
    "ffi/linux.rs",
];

pub(crate) const CONFIGS: &[Config] = &[
    Config {
        name: "epoll",
        places: &[
            "sys/src/selector/epoll.rs",
            "sys/src/selector/epoll",
            "src/driver.rs",
            "src/driver",
            "src/reactor.rs",
            "src/reactor",
            "src/task.rs",
            "src/task",
            "src/time/wheel.rs",
            "src/time/wheel",
        ],
        without: TESTS_ONLY,
        flags: &["edgewake_faults"],
        cfgs: &["edgewake_selector=epoll", "edgewake_has=priority", "edgewake_notifier=eventfd"],
        tests: &[
            "devices",
            "dropped_waits",
            "epoll_descriptors",
            "epoll_kernel",
            "exclusive",
            "fairness",
            "fd_reuse",
            "foreign_loop",
            "futures_contract",
            "interval",
            "loop_faults",
            "metrics",
            "notify",
            "pipe_ends",
            "readiness",
            "readiness_fds",
            "rebuild",
            "registrations",
            "runtime",
            "second_look",
            "second_look_calls",
            "selector",
            "shared_listener",
            "shutdown",
            "task_cancel",
            "task_join",
            "task_panic",
            "tcp_buf",
            "tcp_connect",
            "tcp_split",
            "tcp_stream",
            "threads",
            "timeout",
            "timer",
            "timer_precision",
            "udp_errors",
            "unix_drain",
            "waker_drop",
            "watch_limit",
        ],
        filter: "",
        release: false,
    },
    Config {
        name: "kqueue",
        places: &[
            "sys/src/selector/kqueue.rs",
            "sys/src/selector/kqueue",
            "src/reactor/kind.rs",
            "src/reactor/slots/owners.rs",
            "src/reactor/source.rs",
            "src/reactor/source/enrollment.rs",
        ],
        without: TESTS_ONLY,
        flags: &["edgewake_kqueue=\"fake\"", "edgewake_faults"],
        cfgs: &[
            "edgewake_selector=kqueue",
            "edgewake_kqueue=fake",
            "edgewake_has=pipe_end_by_read",
            "edgewake_notifier=user_event",
            "target_os=linux",
        ],
        tests: &[
            "devices",
            "dropped_waits",
            "fd_reuse",
            "notify",
            "pipe_ends",
            "readiness",
            "rebuild",
            "registrations",
            "second_look",
            "second_look_calls",
            "selector",
            "shutdown",
            "tcp_connect",
            "tcp_split",
            "tcp_stream",
            "udp_errors",
            "unix_drain",
            "fifo",
        ],
        filter: "",
        release: false,
    },
    Config {
        name: "loom",
        places: &["src/driver", "src/reactor.rs", "src/reactor", "src/task"],
        without: TESTS_ONLY,
        flags: &["edgewake_loom"],
        cfgs: &["edgewake_selector=epoll", "edgewake_loom", "edgewake_has=priority"],
        tests: &[],
        filter: "loom",
        release: true,
    },
];
