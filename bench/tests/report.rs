//! The report as it is checked in is what its rows give, whoever makes it again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const FILES: [&str; 2] = ["REPORT.md", "report.svg"];

fn report(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_report")).args(arguments).output();
    output.expect("the report's program starts")
}

/// A folder of its own; the last run's is replaced.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn what_is_checked_in_is_what_the_rows_give() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = folder("rendered");
    let tsv = folder.join("report.tsv");
    fs::copy(package.join("report.tsv"), &tsv).unwrap();
    for turn in ["first", "second"] {
        let output = report(&["--render", "--tsv", tsv.to_str().unwrap()]);
        assert!(output.status.success(), "{output:?}");
        for file in FILES {
            let made = fs::read_to_string(folder.join(file)).unwrap();
            let ours = fs::read_to_string(package.join(file)).unwrap();
            assert!(made == ours, "{file}, the {turn} time: `make bench-render`, and check it in");
        }
    }
}

#[test]
fn a_wrong_name_lists_the_scenarios() {
    let output = report(&["--scenario", "tcp"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    for name in ["\"tcp\"", "tcp-512", "udp-stream-gso", "micro", "build"] {
        assert!(said.contains(name), "{name} is not in: {said}");
    }
}

#[test]
fn rows_that_are_none_are_refused() {
    let tsv = folder("refused").join("report.tsv");
    fs::write(&tsv, "#fact\tkernel\t6.18\nno row\n").unwrap();
    let output = report(&["--render", "--tsv", tsv.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("line 2 is no row"), "{said}");
}
