//! Programs of others that tests talk to: curl, iperf3.
//!
//! Where one is not installed its tests say so and pass, unless `EDGEWAKE_NEEDS_CURL` or
//! `EDGEWAKE_NEEDS_IPERF3` is set, as the gate sets them: then that is a failure.

#![allow(dead_code, reason = "each test binary compiles its own copy and uses a part of it")]
#![allow(unreachable_pub, reason = "a module of each test binary, reached as `tools::…`")]

use std::{
    env,
    io::{self, Write},
    process::{Command, Output, Stdio},
    thread,
};

/// Whether a program can be run here. Where not, it says so in a way that is seen.
#[allow(clippy::print_stdout, reason = "a test that has nothing to test says so")]
pub fn is_there(program: &str) -> bool {
    let needed = format!("EDGEWAKE_NEEDS_{}", program.to_ascii_uppercase());
    let mut asked = Command::new(program);
    asked.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let there = asked.status().is_ok_and(|status| status.success());
    if !there {
        assert!(env::var_os(&needed).is_none(), "{needed} is set, and there is no {program}");
        // Past the capture of test output.
        let name = thread::current().name().unwrap_or("a test").to_owned();
        let line = format!("\nSKIPPED {name}: {program} is not installed\n");
        if io::stderr().lock().write_all(line.as_bytes()).is_err() {
            println!("{line}");
        }
    }
    there
}

/// Runs a program to its end, which must be a good one, and returns what it has written.
#[track_caller]
pub fn run(program: &str, arguments: &[&str]) -> Vec<u8> {
    let Output { status, stdout, stderr } = outcome(program, arguments);
    let (said, errors) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{program} {arguments:?}: {status}\n{said}\n{errors}");
    stdout
}

/// The same, whatever its end.
#[track_caller]
pub fn outcome(program: &str, arguments: &[&str]) -> Output {
    let command = &mut Command::new(program);
    command.args(arguments).stdin(Stdio::null()).output().expect("a program that starts")
}
