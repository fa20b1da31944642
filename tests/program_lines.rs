//! What the example programs say while they serve: `examples/common/lines.rs` and `aside.rs`. That
//! nobody who is served waits for a reader is held by `tests/static_files.rs`.

#[path = "../examples/common"]
mod common {
    #[allow(dead_code, reason = "a program's, of which a part is used")]
    pub(crate) mod aside;
    #[allow(dead_code, reason = "a program's, of which a part is used")]
    pub(crate) mod lines;
    #[allow(dead_code, reason = "a program's, of which a part is used")]
    pub(crate) mod numbers;
}
#[path = "support/outputs.rs"]
mod outputs;
mod support;

use std::io::Write;

use common::{aside::Aside, lines::Lines};
use outputs::{Broken, Gated, Written};
use support::eventually;

/// Says a line, a warning and a line, and that this comes back.
fn say(output: impl Write + Send + 'static, warnings: impl Write + Send + 'static) {
    let aside = Aside::over("test", output, warnings).unwrap();
    aside.say("one");
    aside.warn("two");
    aside.say("three");
    aside.finish();
}

// Goal: the last line comes after all others, and they are written when it has been waited for.
#[test]
fn the_last_line_is_the_last() {
    let output = Written::default();
    let lines = Lines::on(output.clone()).unwrap();
    lines.print("one").unwrap();
    lines.print("two").unwrap();
    lines.finish("three").unwrap();
    assert_eq!(output.text(), "one\ntwo\nthree\n");
}

// Goal: an output that failed is told to the next who has a line.
#[test]
fn a_broken_output_refuses_lines() {
    let lines = Lines::on(Broken).unwrap();
    lines.print("a line").unwrap();
    eventually("a line is refused", || lines.print("another").is_err());
    assert!(lines.finish("the last").unwrap_err().contains("cannot write"));
}

// Goal: each output gets its own, in order.
#[test]
fn lines_and_warnings_are_said() {
    let (output, warnings) = (Written::default(), Written::default());
    say(output.clone(), warnings.clone());
    assert_eq!(output.text(), "one\nthree\n");
    assert_eq!(warnings.text(), "test: two\n");
}

// Goal: standard output that is gone does not end the program, and is not passed over.
#[test]
fn output_that_fails_is_a_warning() {
    let warnings = Written::default();
    say(Broken, warnings.clone());
    let text = warnings.text();
    assert!(text.contains("test: two\n"), "{text}");
    assert!(text.contains("test: cannot write: "), "{text}");
}

// Goal: nor does standard error.
#[test]
fn warnings_that_fail_are_let_go() {
    let output = Written::default();
    say(output.clone(), Broken);
    assert_eq!(output.text(), "one\nthree\n");
    say(Broken, Broken);
}

// Goal: a reader that does not read holds up nobody for longer than a moment, and not the other
// output.
#[test]
fn nobody_waits_for_a_reader() {
    let (output, warnings) = (Written::default(), Written::default());
    let (stuck, reader) = Gated::new(&output);
    say(stuck, warnings.clone());
    let text = warnings.text();
    assert!(text.contains("test: two\n"), "{text}");
    assert!(text.contains("test: nobody reads the last lines\n"), "{text}");
    drop(reader);
}
