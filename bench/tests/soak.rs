//! The soak, small and short, with the library's own assertions on (the stage `abuse` has them off,
//! and as many connections as the machine allows).

#![cfg(target_os = "linux")]

use std::process::{Command, Output};

fn soak(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_soak")).args(arguments).output();
    output.expect("the program starts")
}

// Goal: peers that reset in every state, vanish, drip, do not read, send descriptors and flood cost
// a server nothing that lasts, while it serves others, though each of its calls may be interrupted;
// at its limit of descriptors it serves what it has, and goes on; then it is at rest.
#[test]
fn a_server_survives_every_abuse_at_its_limits() {
    let output = soak(&["--minutes", "0", "--connections", "300", "--servers", "2"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    // What was done is told: a run that has left something out has not this many lines.
    for (line, times) in [
        ("held at once by a server: 300,", 2),
        ("at its limit of descriptors a server held and served ", 2),
        ("rounds of abuse, each with all of these: 2", 1),
        ("connections held, nothing to do: ", 2),
        ("all peers gone: ", 2),
        ("a server handled ", 2),
        ("soak: all held, ", 1),
    ] {
        assert_eq!(text.matches(line).count(), times, "{line:?} in:\n{text}");
    }
}

#[test]
fn nonsense_is_refused() {
    for arguments in [["--connections", "5"], ["--servers", "0"], ["--storm", "0"]] {
        let output = soak(&arguments);
        assert!(!output.status.success(), "{arguments:?}: {output:?}");
    }
}
