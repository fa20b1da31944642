//! Shows that each rule of `tidy` fails on what it forbids, and only there.

use crate::{
    documents::{self, TRAPS},
    rules::{self, MAX_FUNCTION_LINES},
    source::{Source, lex},
};

/// One file of the crate with this text, beside a lib.rs that re-exports from `runtime`.
fn crate_with(path: &str, text: &str) -> Vec<Source> {
    let root = "//! Root.\nmod driver; mod runtime;\npub use runtime::{Builder, Handle as Remote};";
    vec![Source::new("src/lib.rs", root), Source::new(path, text)]
}

fn layers(path: &str, text: &str) -> usize {
    rules::layers(&crate_with(path, text)).len()
}

#[test]
fn comments_and_literals_name_nothing() {
    let texts = [
        "// crate::runtime",
        "/* outer /* crate::runtime */ crate::runtime */",
        "const A: &str = \"crate::runtime \\\" crate::runtime\";",
        "const A: &str = r#\"\" crate::runtime\"#;",
        "const A: &[u8] = br\"crate::runtime\\\";",
        "/// Doc of crate::runtime\nfn a() {}",
    ];
    for text in texts {
        assert_eq!(layers("src/net/tcp.rs", text), 0, "{text}");
    }
}

#[test]
fn code_behind_a_literal_is_still_read() {
    let texts = [
        "const A: char = '\"'; use crate::runtime;",
        "const A: char = '\\''; use crate::runtime;",
        "fn a<'a>(b: &'a str) {} use crate::runtime;",
        "const A: &str = \"\\\\\"; use crate::runtime;",
        "const A: u8 = b'\"'; use crate::runtime;",
        "/* */ use crate::runtime;",
    ];
    for text in texts {
        assert_eq!(layers("src/net/tcp.rs", text), 1, "{text}");
    }
}

#[test]
fn an_upward_arrow_is_found_however_it_is_written() {
    let texts = [
        "use crate::runtime;",
        "use crate::runtime::Handle;",
        "use crate::{io, runtime::{Handle, queue}};",
        "fn a() { crate::runtime::spawn(); }",
        "use super::super::runtime::Handle;",
        "mod tests { use super::super::super::runtime::Handle; }",
        "use crate::Builder;",
        "fn a(b: crate::Remote) {}",
        "use crate::task::{self, JoinHandle};",
    ];
    for text in texts {
        assert_ne!(layers("src/net/tcp.rs", text), 0, "{text}");
    }
}

#[test]
fn downward_arrows_and_like_sounding_names_pass() {
    let texts = [
        "use std::task::Waker;",
        "use crate::{driver::context, reactor::Source};",
        "use super::runtime_free;",
        "mod runtime { } use self::runtime::X;",
        "fn a() { let runtime = 1; b.runtime(); }",
        "mod a { mod b {} use super::runtime::X; }",
    ];
    for text in texts {
        assert_eq!(layers("src/net/tcp.rs", text), 0, "{text}");
    }
    assert_eq!(layers("src/runtime/worker.rs", "use crate::{driver, task};"), 0);
}

#[test]
fn each_layer_is_held() {
    let arrows = [
        ("src/reactor/source.rs", "driver"),
        ("src/reactor/source.rs", "task"),
        ("src/task/cell.rs", "reactor"),
        ("src/task/cell.rs", "driver"),
        ("src/task.rs", "runtime"),
        ("src/driver.rs", "task"),
        ("src/driver/context.rs", "net"),
        ("src/time/sleep.rs", "runtime"),
        ("src/io/copy.rs", "task"),
        ("src/some_new_module.rs", "runtime"),
    ];
    for (path, module) in arrows {
        assert_eq!(layers(path, &format!("use crate::{module}::X;")), 1, "{path} -> {module}");
    }
}

#[test]
fn the_wheel_may_name_only_itself() {
    let breaches =
        |text| rules::wheel_is_alone(&[Source::new("src/time/wheel/slab.rs", text)]).len();
    assert_eq!(breaches("use super::{Key, heap::Heap}; use crate::time::wheel::Wheel;"), 0);
    assert_eq!(
        breaches("pub(crate) struct A;\npub(super) struct B;\npub(in crate::time) fn c() {}"),
        0
    );
    assert_eq!(breaches("use crate::sync::atomic;"), 1);
    assert_eq!(breaches("use super::super::Sleep;"), 1);
}

#[test]
fn words_are_kept_to_their_homes() {
    let homes = ["sys/", "src/task/"];
    let breaches = |path: &str, text: &str| {
        let exceptions = [("src/io/read_buf.rs", "a reason")];
        rules::word_only_in(&[Source::new(path, text)], "unsafe", &homes, &exceptions).len()
    };
    assert_eq!(breaches("src/net/tcp.rs", "fn a() { unsafe { b() } }"), 1);
    assert_eq!(breaches("tests/tcp.rs", "unsafe fn a() {}\nunsafe fn b() {}"), 2);
    assert_eq!(breaches("src/net/tcp.rs", "#![deny(unsafe_code)] // unsafe"), 0);
    assert_eq!(breaches("src/task/cell.rs", "unsafe fn a() {}"), 0);
    assert_eq!(breaches("src/io/read_buf.rs", "unsafe fn a() {}"), 0);
    assert_eq!(breaches("src/io/read_buf.rs", "fn a() {}"), 1, "an idle exception");
}

#[test]
fn sys_must_not_know_wakers() {
    let breaches = |text| rules::sys_is_passive(&[Source::new("sys/src/fd.rs", text)]).len();
    assert_eq!(breaches("use std::task::Waker;\nfn a() -> impl Future {}"), 2);
    assert_eq!(breaches("//! No Waker, no Future.\nfn a() {}"), 0);
}

#[test]
fn std_atomics_are_found_where_loom_looks() {
    let breaches = |path: &str, text: &str| {
        rules::loom_sees_all(&[Source::new(path, text)], &[("src/task/x.rs", "a reason")]).len()
    };
    assert_eq!(breaches("src/task.rs", "use std::sync::atomic::{AtomicU32, Ordering};"), 2);
    assert_eq!(breaches("src/reactor/a.rs", "use std::{fmt, sync::{Arc, Mutex}};"), 1);
    assert_eq!(breaches("src/driver/a.rs", "static A: core::sync::atomic::AtomicU8 = 0;"), 1);
    assert_eq!(breaches("src/driver/a.rs", "use std::sync::Arc; use crate::sync::Mutex;"), 0);
    assert_eq!(breaches("src/net/a.rs", "use std::sync::Mutex;"), 0);
    assert_eq!(breaches("src/task/x.rs", "use std::sync::Mutex;"), 0);
}

#[test]
fn sleeping_is_found() {
    let breaches = |path: &str, text: &str| {
        rules::nobody_sleeps(&[Source::new(path, text)], &[("tests/a.rs", "a reason")]).len()
    };
    assert_eq!(breaches("tests/tcp.rs", "fn a() { std::thread::sleep(B); }"), 1);
    assert_eq!(breaches("tests/tcp.rs", "use std::{thread::{sleep, spawn}};"), 1);
    assert_eq!(breaches("tests/tcp.rs", "fn a() { time::sleep(B); thread::park(); }"), 0);
    assert_eq!(breaches("tests/a.rs", "fn a() { thread::sleep(B); }"), 0);
    assert_eq!(breaches("tests/a.rs", "fn a() {}"), 1, "an idle exception");
}

#[test]
fn ignoring_needs_a_reason() {
    let breaches = |text| rules::ignored_with_reason(&[Source::new("tests/tcp.rs", text)]).len();
    assert_eq!(breaches("#[test]\n#[ignore]\nfn a() {}"), 1);
    assert_eq!(breaches("#[cfg_attr(target_os = \"netbsd\", ignore)]\nfn a() {}"), 1);
    assert_eq!(breaches("#[ignore = \"needs two machines\"]\nfn a() {}"), 0);
    assert_eq!(breaches("fn a() { let ignore = [ignore]; b(c, ignore); }"), 0);
}

#[test]
fn what_is_too_big_is_found() {
    let breaches = |text: &str| rules::sizes(&[Source::new("src/a.rs", text)]).len();
    let function = |lines: usize| format!("//! A.\nfn a() {{\n{}}}\n", "    b();\n".repeat(lines));
    assert_eq!(breaches(&function(MAX_FUNCTION_LINES - 2)), 0);
    assert_eq!(breaches(&function(MAX_FUNCTION_LINES - 1)), 1);
    assert_eq!(breaches(&format!("//! {}", "é".repeat(96))), 0);
    assert_eq!(breaches(&format!("//! {}", "é".repeat(97))), 1);
    assert_eq!(breaches(&"//! A.\n".repeat(600)), 0);
    assert_eq!(breaches(&"//! A.\n".repeat(601)), 1);
    assert_eq!(breaches("// A.\nfn a() {}\n"), 1, "no header");
}

#[test]
fn functions_are_measured_by_their_braces() {
    let text = "fn a(b: [u8; 2]) -> fn(u8) {\n  if c { '}'; \"}\"; }\n}\nfn only();\nfn d() {}\n";
    let found = rules::functions(&lex(text));
    assert_eq!(found, [("a".to_owned(), 1, 3), ("d".to_owned(), 5, 1)]);
}

/// Tests that name all traps but one, and the document's table with these rows.
fn traps_without(gone: u32, more: &str, rows: &str) -> Vec<String> {
    let mut text = String::from("//! A.\n");
    for trap in (1..=TRAPS).filter(|trap| *trap != gone) {
        text += &format!("#[test]\nfn t{trap:02}_a() {{}}\n");
    }
    let sources = [Source::new("tests/a.rs", &(text + more))];
    let table =
        format!("# A\n\n## Traps that have no test here\n\n| trap | why |\n|---|---|\n{rows}");
    documents::traps(&sources, &table)
}

#[test]
fn a_trap_without_a_test_is_found() {
    for gone in [1, 29, 92] {
        let found = traps_without(gone, "", "");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(&format!("T{gone} has no test")), "{found:?}");
    }
    let named = [
        "\n// T29, T30. Goal: a.\n#[test]\nfn a() {}\n",
        "\n// T29\n#[cfg(all(\n    a,\n    b\n))]\n#[test]\nfn a() {}\n",
        "\n#[test]\n// Goal: a (T29).\n#[should_panic(expected = \"{}\")]\nfn a() {}\n",
        "\n// T29: the example.\n/// A.\n///\n/// ```compile_fail\n/// a\n/// ```\nfn a() {}\n",
    ];
    for more in named {
        assert_eq!(traps_without(29, more, ""), Vec::<String>::new(), "{more}");
    }
    let unnamed = [
        "\n// T29\n\n#[test]\nfn a() {}\n",
        "\n// T29\nfn a() {}\n",
        "\n// T290, XT29, T29b\n#[test]\nfn b() {}\n",
        "\n#[test]\nfn a() {\n    // T29\n}\n#[test]\nfn b() {}\n",
        "\n// T29\n/// ```text\n/// ```\nfn a() {}\n",
        "\n//! T29\n#[test]\nfn at29_b() {}\n",
    ];
    for more in unnamed {
        let found = traps_without(29, more, "");
        assert!(found.iter().any(|what| what.starts_with("T29 has no test")), "{more}: {found:?}");
    }
}

#[test]
fn a_trap_with_a_reason_needs_no_test_and_has_none() {
    assert_eq!(traps_without(29, "", "| T3, T29 | a |\n").len(), 1, "T3 has both");
    assert_eq!(traps_without(29, "", "| T29 | a |\n\n## B\n\n| T4 | a |\n").len(), 0);
    assert_eq!(traps_without(29, "", "| T29 | |\n").len(), 1, "no reason");
    assert_eq!(traps_without(29, "", "## B\n| T29 | a |\n").len(), 1, "another table");
    assert_eq!(traps_without(0, "\n#[test]\nfn t93_a() {}\n", "").len(), 1, "no such trap");
}

#[test]
fn a_promise_without_its_test_is_found() {
    let text = "//! A.\n#[test]\nfn a() {}\n\nfn b() {}\n";
    let sources = [Source::new("tests/x.rs", text)];
    let breaches = |text: &str| documents::promises(&sources, "R.md", text).len();
    let table =
        |holds: &str| format!("| promise | held by |\n| --- | --- |\n| it holds | {holds} |\n");
    assert_eq!(breaches(&table("`tests/x.rs::a`")), 0);
    assert_eq!(breaches(&table("`tests/x.rs::a`, `tests/x.rs::c`")), 1, "not there");
    assert_eq!(breaches(&table("`tests/x.rs::b`")), 1, "not a test");
    assert_eq!(breaches(&table("`tests/y.rs::a`")), 1, "in another file");
    assert_eq!(breaches(&table("")), 1);
    assert_eq!(breaches(&table("`tests/x.rs`")), 1);
    assert_eq!(breaches(&table("not held: no test can see it")), 0);
    assert_eq!(breaches(&table("not held: ")), 1, "no reason");
    assert_eq!(breaches("Prose, with `tests/x.rs::a` and `io::Error`.\n"), 0);
    assert_eq!(breaches("Prose, with `tests/x.rs::c`.\n"), 1);
}

#[test]
fn a_fifth_dependency_is_found() {
    let breaches = |text: &str| documents::dependencies("Cargo.toml", text).len();
    assert_eq!(breaches("[dependencies]\nlibc = \"0.2\"\nbytes.workspace = true\n# mio = 1\n"), 0);
    assert_eq!(breaches("[dependencies]\nlibc = \"0.2\"\nmio = \"1\"\n"), 1);
    assert_eq!(breaches("[target.'cfg(unix)'.dependencies]\nmio = \"1\"\n"), 1);
    assert_eq!(breaches("[build-dependencies]\ncc.workspace = true\n"), 1);
    assert_eq!(breaches("[dependencies.mio]\nversion = \"1\"\n"), 2);
    assert_eq!(breaches("[dev-dependencies]\nmio = \"1\"\n[features]\nmio = []\n"), 0);
}
