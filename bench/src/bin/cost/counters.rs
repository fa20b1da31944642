//! The two tools that count, and how their output is read.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// System calls by name.
pub(crate) type Calls = BTreeMap<String, u64>;

/// The command words that put a program under callgrind, counting into `out`.
pub(crate) fn callgrind(out: &Path) -> Vec<String> {
    let log = out.with_extension("log");
    vec![
        "valgrind".into(),
        "--tool=callgrind".into(),
        format!("--callgrind-out-file={}", out.display()),
        // Its banner would mix with the server's own messages.
        format!("--log-file={}", log.display()),
        "--".into(),
    ]
}

/// The instructions in callgrind's file: those of all threads, in user space only.
pub(crate) fn read_callgrind(out: &Path) -> io::Result<u64> {
    let text = read(out)?;
    parse_callgrind(&text).ok_or_else(|| unreadable(out))
}

fn parse_callgrind(text: &str) -> Option<u64> {
    let mut totals = text.lines().filter_map(|line| line.strip_prefix("totals:"));
    totals.next_back()?.trim().parse().ok()
}

/// The command words that put a program and its threads under strace, counting into `out`.
pub(crate) fn strace(out: &Path) -> Vec<String> {
    vec![
        "strace".into(),
        "-f".into(),
        "-c".into(),
        "-U".into(),
        "name,calls".into(),
        "-o".into(),
        out.display().to_string(),
        "--".into(),
    ]
}

/// The calls in strace's table.
pub(crate) fn read_strace(out: &Path) -> io::Result<Calls> {
    let calls = parse_strace(&read(out)?);
    if calls.is_empty() { Err(unreadable(out)) } else { Ok(calls) }
}

fn parse_strace(text: &str) -> Calls {
    let mut calls = Calls::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (Some(name), Some(count), None) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        if let (Ok(count), false) = (count.parse::<u64>(), name == "total") {
            *calls.entry(name.to_owned()).or_default() += count;
        }
    }
    calls
}

fn read(path: &Path) -> io::Result<String> {
    std::fs::read_to_string(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

fn unreadable(path: &Path) -> io::Error {
    let tool = path.file_name().unwrap_or_default().to_string_lossy();
    io::Error::other(format!(
        "{tool} counted nothing: --server must name the program itself, not a script that starts it"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callgrind_totals() {
        let text = "version: 1\nsummary: 12\nfn=(1)\n1 12\n\ntotals: 1504229\n";
        assert_eq!(parse_callgrind(text), Some(1_504_229));
        assert_eq!(parse_callgrind("version: 1\n"), None);
    }

    #[test]
    fn strace_table() {
        let text = "syscall            calls\n---------------- ---------\nrecvfrom  100\n\
                    epoll_wait             7\n---------------- ---------\ntotal   107\n";
        let want = [("epoll_wait".to_owned(), 7), ("recvfrom".to_owned(), 100)];
        assert_eq!(parse_strace(text), Calls::from(want));
    }
}
