//! The static probe points of feature `probes`, read back from this very program.
//! Goal: every point that the library has is in the program under its name, with the arguments
//! that it documents, and marks a no-op instruction of the code.

#![cfg(all(feature = "net", feature = "time", edgewake_has = "usdt"))]
#![allow(clippy::print_stdout, reason = "a test that cannot look says so")]

mod support;

use std::{collections::BTreeMap, env, fs, io, process::Command, time::Duration};

use edgewake::{
    net::{TcpListener, TcpStream},
    time::sleep,
};
use support::deadline;

/// A note, as `readelf` prints it.
#[derive(Clone, Debug, Default)]
struct Point {
    name: String,
    location: u64,
    base: u64,
    arguments: Vec<String>,
}

/// What readelf prints of this program; `None`, said aloud, where there is no readelf.
fn readelf(options: &str) -> Option<String> {
    let program = env::current_exe().expect("the path of this program");
    match Command::new("readelf").arg(options).arg("-W").arg(program).output() {
        Ok(output) => {
            assert!(output.status.success(), "readelf {options}: {}", output.status);
            Some(String::from_utf8(output.stdout).expect("readelf prints ASCII"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let needed = env::var_os("EDGEWAKE_NEEDS_READELF").is_some();
            assert!(!needed, "readelf is not installed, and EDGEWAKE_NEEDS_READELF is set");
            println!("skipped: readelf (binutils) is not installed");
            None
        }
        Err(error) => panic!("readelf: {error}"),
    }
}

fn number(text: &str) -> u64 {
    let digits = text.trim_end_matches(',').trim_start_matches("0x");
    u64::from_str_radix(digits, 16).unwrap_or_else(|error| panic!("`{text}`: {error}"))
}

fn points(notes: &str) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    let mut ours = false;
    for line in notes.lines().map(str::trim) {
        if let Some((_, provider)) = line.split_once("Provider: ") {
            ours = provider == "edgewake";
            if ours {
                points.push(Point::default());
            }
        }
        let Some(point) = points.last_mut().filter(|_| ours) else { continue };
        if let Some(name) = line.strip_prefix("Name: ") {
            point.name = name.to_owned();
        } else if let Some(addresses) = line.strip_prefix("Location: ") {
            let words: Vec<&str> = addresses.split_whitespace().collect();
            point.location = number(words[0]);
            point.base = number(words[2]);
        } else if let Some(arguments) = line.strip_prefix("Arguments: ") {
            point.arguments = arguments.split_whitespace().map(str::to_owned).collect();
        }
    }
    assert!(points.len() >= edgewake_sys::probe::NAMES.len(), "only {points:?} in:\n{notes}");
    points
}

/// Address, place in the file and size of a section.
fn section(headers: &str, name: &str) -> (u64, u64, u64) {
    let line = headers.lines().find_map(|line| line.split_once(&format!(" {name} ")));
    let (_, columns) = line.unwrap_or_else(|| panic!("no section {name}"));
    let columns: Vec<u64> = columns.split_whitespace().skip(1).take(3).map(number).collect();
    (columns[0], columns[1], columns[2])
}

/// Something happens at every point, so that each is linked.
fn visit_all_points() {
    let runtime = edgewake::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = listener.local_addr().expect("its address");
        let client = edgewake::spawn(async move { TcpStream::connect(address).await });
        listener.accept().await.expect("a connection");
        client.await.expect("no panic").expect("connected");
        sleep(Duration::from_millis(1)).await;
    });
}

#[test]
fn every_point_is_there_once_at_least() {
    deadline(visit_all_points);
    let Some(notes) = readelf("-n") else { return };
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for point in points(&notes) {
        *found.entry(point.name).or_default() += 1;
    }
    let mut expected: Vec<&str> = edgewake_sys::probe::NAMES.to_vec();
    expected.sort_unstable();
    assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>(), expected);
}

#[test]
fn a_point_has_the_arguments_that_it_documents() {
    let Some(notes) = readelf("-n") else { return };
    for point in points(&notes) {
        let expected = match point.name.as_str() {
            "turn_begin" => 0,
            "task_poll_end" | "register" => 2,
            _ => 1,
        };
        assert_eq!(point.arguments.len(), expected, "{point:?}");
        // In a register; the marks before its name are the assembler's.
        assert!(point.arguments.iter().all(|argument| argument.starts_with("8@")), "{point:?}");
    }
}

#[test]
fn a_point_marks_a_no_op_of_the_code() {
    let (Some(notes), Some(headers)) = (readelf("-n"), readelf("-S")) else { return };
    let (address, offset, size) = section(&headers, ".text");
    let (base, base_offset, _) = section(&headers, ".stapsdt.base");
    // perf adds to each location what lies between the two (its `populate_sdt_note`), to get from
    // an address to a place in the file.
    assert_eq!(base.wrapping_sub(base_offset), address.wrapping_sub(offset), "perf would miss");
    let program = fs::read(env::current_exe().expect("its path")).expect("this program's bytes");
    for point in points(&notes) {
        let within = point.location.checked_sub(address).filter(|within| *within < size);
        let within = within.unwrap_or_else(|| panic!("outside of the code: {point:?}"));
        let code = &program[usize::try_from(offset + within).expect("an offset")..];
        let no_op: &[u8] =
            if cfg!(target_arch = "x86_64") { &[0x90] } else { &[0x1f, 0x20, 0x03, 0xd5] };
        assert_eq!(&code[..no_op.len()], no_op, "{point:?}");
        assert_eq!(point.base, base, "{point:?}");
    }
}
