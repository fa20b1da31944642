//! Reads the sources of the workspace and fails on a breach of its layering, limits and manners.
//!
//! The dependency rule: arrows only go down, `runtime -> {driver, task}`, `driver -> {reactor,
//! time}`, `{net, io, process, signal} -> async_fd -> {reactor, driver}`, `reactor ->
//! edgewake-sys -> libc`. The rules are in tidy/rules.rs, what the documents say of the tests is
//! held by tidy/documents.rs; tidy/bad.rs shows each of them to fail.
//! Where the sources are not at hand, as on a machine that got only the test binary, nothing can
//! be read: the tests say so and pass.

#![allow(clippy::print_stdout, reason = "a test that has nothing to read says so")]

#[path = "tidy/bad.rs"]
mod bad;
#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/rules.rs"]
mod rules;
#[path = "tidy/source.rs"]
mod source;

use std::{fs, path::Path, sync::LazyLock};

use rules::Exception;
use source::Source;

/// Where the program text lies. The benchmarks are a package of their own; so are the fuzz targets,
/// but those are tests.
const PLACES: &[&str] = &["build.rs", "src", "sys", "tests", "examples", "fuzz"];

/// `unsafe` outside `sys` and `src/task`.
const UNSAFE: &[Exception] = &[
    (
        "src/reactor/side.rs",
        "the waker is left in place behind a try-only lock bit: the cheapest sound cell measured",
    ),
    (
        "src/reactor/slot.rs",
        "that waker, taken apart so that it can be compared without the lock, and put together",
    ),
    (
        "src/reactor/wakers.rs",
        "for tests: a waker whose clone or drop calls back cannot be made with `Wake`",
    ),
    (
        "src/io/copy/recognise.rs",
        "compares the identities of types that have lifetimes, which `Any` cannot",
    ),
    ("src/io/read_buf.rs", "fills the spare capacity of a `BufMut`, which is not initialised yet"),
];

/// Files of the modules loom looks at that may use std's atomics and locks all the same.
const BARE_SYNC: &[Exception] = &[
    ("src/driver/loom.rs", "what a model counts is not part of the model"),
    ("src/task/loom.rs", "what a model counts is not part of the model"),
];

/// Files that may call `thread::sleep`.
const SLEEPERS: &[Exception] = &[
    ("sys/src/syscall/faults.rs", "a late system call is one of the faults"),
    ("tests/support/mod.rs", "looks at a condition again and again, with a deadline"),
];

/// Every source file, read once for all tests.
fn workspace() -> &'static [Source] {
    static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(read);
    &SOURCES
}

/// Every source file, or nothing, with a printed reason, where there is no source tree.
fn read() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    if !root.join("src/lib.rs").exists() {
        println!("skipped: no sources at {}", root.display());
        return sources;
    }
    for place in PLACES {
        collect(root, &root.join(place), &mut sources);
    }
    assert!(sources.len() > 10, "found only {} source files", sources.len());
    sources
}

fn collect(root: &Path, at: &Path, sources: &mut Vec<Source>) {
    if at.is_dir() {
        let entries = fs::read_dir(at).expect("a folder of the workspace can be listed");
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        paths.sort();
        for path in paths {
            collect(root, &path, sources);
        }
    } else if at.extension().is_some_and(|extension| extension == "rs") {
        let inside = at.strip_prefix(root).expect("a path below the root");
        let text = fs::read_to_string(at).expect("a source file is UTF-8");
        sources.push(Source::new(&inside.to_string_lossy(), &text));
    }
}

/// What a document beside the sources says; none where a part of the tests is not there, as in a
/// published package, so that nothing can be held against them.
fn document(name: &str) -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if !root.join("sys/src/lib.rs").exists() {
        println!("skipped: not all tests are at {}", root.display());
        return None;
    }
    Some(fs::read_to_string(root.join(name)).expect("a document of the workspace"))
}

#[track_caller]
fn none(breaches: Vec<String>) {
    assert!(breaches.is_empty(), "{} breaches:\n{}", breaches.len(), breaches.join("\n"));
}

#[test]
fn arrows_only_go_down() {
    none(rules::layers(workspace()));
}

#[test]
fn the_wheel_is_pure_data() {
    none(rules::wheel_is_alone(workspace()));
}

#[test]
fn libc_is_named_in_sys_only() {
    // Tests make the conditions they need: descriptor limits, terminals, signals.
    none(rules::word_only_in(workspace(), "libc", &["sys/", "tests/", "fuzz/"], &[]));
}

#[test]
fn unsafe_has_its_homes() {
    let homes = ["sys/", "src/task.rs", "src/task/", "tests/", "fuzz/"];
    none(rules::word_only_in(workspace(), "unsafe", &homes, UNSAFE));
}

#[test]
fn sys_knows_no_wakers_and_no_futures() {
    none(rules::sys_is_passive(workspace()));
}

#[test]
fn loom_sees_every_atomic_and_lock() {
    none(rules::loom_sees_all(workspace(), BARE_SYNC));
}

#[test]
fn nobody_sleeps_to_wait() {
    none(rules::nobody_sleeps(workspace(), SLEEPERS));
}

#[test]
fn ignored_tests_say_why() {
    none(rules::ignored_with_reason(workspace()));
}

#[test]
fn lines_functions_and_files_are_small() {
    none(rules::sizes(workspace()));
}

#[test]
fn every_trap_has_a_test_or_a_reason() {
    if let Some(architecture) = document("ARCHITECTURE.md") {
        none(documents::traps(workspace(), &architecture));
    }
}

// A promise may be held by a test of the bench too, which is a package of its own.
#[test]
fn every_promise_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["RELIABILITY.md", "SECURITY.md"] {
        if let Some(text) = document(name) {
            let mut sources = read();
            collect(root, &root.join("bench/tests"), &mut sources);
            none(documents::promises(&sources, name, &text));
        }
    }
}

#[test]
fn the_library_has_four_dependencies() {
    for name in ["Cargo.toml", "sys/Cargo.toml"] {
        if let Some(manifest) = document(name) {
            none(documents::dependencies(name, &manifest));
        }
    }
}
