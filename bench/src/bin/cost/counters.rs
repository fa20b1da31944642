//! The two tools that count, and how their output is read.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use crate::profile::Profile;

/// System calls by name.
pub(crate) type Calls = BTreeMap<String, u64>;

/// What keeps the C library from choosing its variants of `memcpy` and its like by the processor:
/// none of what they are chosen for is there. The names are those of glibc's manual, "Hardware
/// Capability Tunables"; unknown ones are ignored.
const PLAIN_PROCESSOR: &str = "GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,\
    -AVX512CD,-AVX512DQ,-AVX2,-AVX,-BMI2,-BMI1,-ERMS,-FSRM,-SSE4_2,-SSE4_1,-SSSE3,-MOVBE,-LZCNT,\
    -POPCNT,-FMA,-RTM,-XSAVEC,-AVX_Fast_Unaligned_Load,-Fast_Copy_Backward,-Prefer_ERMS,\
    -Prefer_FSRM,-Fast_Rep_String,-Prefer_No_VZEROUPPER,-Prefer_No_AVX512_Probing";

/// The command words that put a program under callgrind, counting into `out`.
pub(crate) fn callgrind(out: &Path) -> Vec<String> {
    let log = out.with_extension("log");
    vec![
        "env".into(),
        PLAIN_PROCESSOR.into(),
        "valgrind".into(),
        "--tool=callgrind".into(),
        format!("--callgrind-out-file={}", out.display()),
        // Its banner would mix with the server's own messages.
        format!("--log-file={}", log.display()),
        "--".into(),
    ]
}

/// The instructions in callgrind's file: those of all threads, in user space only.
pub(crate) fn read_callgrind(out: &Path) -> io::Result<Profile> {
    Profile::parse(&read(out)?).ok_or_else(|| unreadable(out))
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
    fn strace_table() {
        let text = "syscall            calls\n---------------- ---------\nrecvfrom  100\n\
                    epoll_wait             7\n---------------- ---------\ntotal   107\n";
        let want = [("epoll_wait".to_owned(), 7), ("recvfrom".to_owned(), 100)];
        assert_eq!(parse_strace(text), Calls::from(want));
    }
}
