//! The one table of targets: which selector, which notifier, which kernel capabilities.
//!
//! Its verdict becomes cfgs here and, through `links` metadata, in the root build script, which
//! only re-emits it. Nothing else in the workspace lists operating systems to choose a mechanism.

use std::env;

/// What one family of systems has.
struct Platform {
    systems: &'static [&'static str],
    selector: &'static str,
    notifier: &'static str,
    /// Names tested as `cfg(edgewake_has = "…")`.
    capabilities: &'static [&'static str],
}

/// Capabilities, in the order of the table's rows:
/// `accept4`, `pipe2`, `sock_cloexec`: descriptors close-on-exec and non-blocking from birth.
/// `msg_nosignal`: `send` without SIGPIPE by flag. `so_nosigpipe`: the same by socket option.
/// `priority`: the selector can tell urgent TCP data.
/// `kqueue1`: a kqueue is close-on-exec from birth.
const PLATFORMS: &[Platform] = &[
    Platform {
        systems: &["linux", "android"],
        selector: "epoll",
        notifier: "eventfd",
        capabilities: &["accept4", "pipe2", "sock_cloexec", "msg_nosignal", "priority"],
    },
    Platform {
        systems: &["macos", "ios", "tvos", "watchos", "visionos"],
        selector: "kqueue",
        notifier: "user_event",
        capabilities: &["so_nosigpipe", "priority"],
    },
    Platform {
        systems: &["freebsd"],
        selector: "kqueue",
        notifier: "user_event",
        capabilities: &["accept4", "pipe2", "sock_cloexec", "msg_nosignal", "so_nosigpipe"],
    },
    Platform {
        systems: &["dragonfly"],
        selector: "kqueue",
        notifier: "user_event",
        capabilities: &[
            "accept4",
            "pipe2",
            "sock_cloexec",
            "msg_nosignal",
            "so_nosigpipe",
            "priority",
        ],
    },
    // EVFILT_USER is recent on NetBSD (10) and OpenBSD: the pipe works on every version.
    Platform {
        systems: &["netbsd"],
        selector: "kqueue",
        notifier: "pipe",
        capabilities: &[
            "accept4",
            "pipe2",
            "sock_cloexec",
            "msg_nosignal",
            "so_nosigpipe",
            "kqueue1",
        ],
    },
    Platform {
        systems: &["openbsd"],
        selector: "kqueue",
        notifier: "pipe",
        capabilities: &["accept4", "pipe2", "sock_cloexec", "msg_nosignal", "priority"],
    },
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let os = variable("CARGO_CFG_TARGET_OS");
    let Some(platform) = PLATFORMS.iter().find(|p| p.systems.contains(&os.as_str())) else {
        return refuse(&format!("edgewake needs epoll or kqueue, and `{os}` has neither"));
    };
    if platform.selector == "kqueue" && variable("CARGO_CFG_TARGET_POINTER_WIDTH") != "64" {
        // A token is 64 bits and `udata` is a pointer.
        return refuse("edgewake needs 64-bit pointers on systems with kqueue");
    }
    if !variable("CARGO_CFG_TARGET_HAS_ATOMIC").split(',').any(|width| width == "64") {
        return refuse("edgewake needs 64-bit atomics, which this target does not have");
    }
    let (mut selector, mut notifier, mut kqueue) = (platform.selector, platform.notifier, "libc");
    // `--cfg edgewake_kqueue="fake"` (or "system": libkqueue) runs the kqueue selector on Linux.
    let emulated = variable("CARGO_CFG_EDGEWAKE_KQUEUE");
    if os == "linux" && !emulated.is_empty() {
        (selector, notifier) = ("kqueue", "user_event");
        kqueue = if emulated == "system" { "system" } else { "fake" };
    }
    if selector == "kqueue" {
        // Also where RUSTFLAGS says it: rustdoc, which compiles the doctests, does not read those.
        println!("cargo::rustc-cfg=edgewake_kqueue=\"{kqueue}\"");
    }
    if kqueue == "system" {
        println!("cargo::rustc-link-lib=kqueue");
    }
    // Cargo shows a bare `--cfg NAME` of RUSTFLAGS to build scripts as an empty variable.
    if env::var_os("CARGO_CFG_EDGEWAKE_FORCE_PIPE").is_some() {
        notifier = "pipe";
    }
    println!("cargo::rustc-cfg=edgewake_selector=\"{selector}\"");
    println!("cargo::rustc-cfg=edgewake_notifier=\"{notifier}\"");
    println!("cargo::metadata=SELECTOR={selector}");
    println!("cargo::metadata=NOTIFIER={notifier}");
    let mut capabilities = platform.capabilities.to_vec();
    if selector == "kqueue" && platform.selector == "epoll" {
        // The emulations on Linux tell nothing about urgent data.
        capabilities.retain(|name| *name != "priority");
    }
    for name in &capabilities {
        println!("cargo::rustc-cfg=edgewake_has=\"{name}\"");
    }
    println!("cargo::metadata=CAPABILITIES={}", capabilities.join(","));
}

fn refuse(sentence: &str) {
    println!("cargo::rustc-cfg=edgewake_refused");
    println!("cargo::metadata=REFUSED={sentence}");
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}
