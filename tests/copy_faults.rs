//! The Nth system call of a copy, or of sending a file, fails or comes short: every byte arrives
//! once and in order, or the error that comes out is the one that went in. Runs with
//! `RUSTFLAGS="--cfg edgewake_faults"`.
//!
//! The outer ends are in the hands of other threads, whose calls are not struck.

#![cfg(all(feature = "net", feature = "time"))]
#![cfg(edgewake_faults)]

#[path = "support/files.rs"]
mod files;
#[path = "support/os.rs"]
mod os;
#[path = "support/peer.rs"]
mod peer;
mod support;

use std::{
    io::{self, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net as std_net,
    },
    thread,
};

use edgewake::{
    Runtime,
    io::{CopyMethod, CopyOptions},
    net::{TcpStream, UnixStream},
};
use edgewake_sys::{
    faults::{Action, Plan, install},
    pipe,
};
use os::errno::{EINTR, EINVAL, EMFILE, ENOBUFS, ENOMEM, ENOSYS, EPERM};
use peer::{pattern, read_to_end};
use support::{deadline, eventually};

const LENGTH: usize = 300_000;

/// What came of a run: how it ended, what arrived, and whether the plan struck.
struct Ran {
    outcome: io::Result<u64>,
    arrived: Vec<u8>,
    struck: bool,
}

/// Copies from a connection to a pair, both of which were never waited for, with the plan in force.
/// They are taken over unless splice is what is struck: of a socket of this crate's making a short
/// transfer says that nothing is left, and the plan's is a lie.
fn copy(method: CopyMethod, plan: Plan) -> Ran {
    Runtime::new().unwrap().block_on(async move {
        let (mut from, mut source) = peer::pair().await;
        let (mut to, out) = UnixStream::pair().unwrap();
        if plan.call != Some("splice") {
            from = TcpStream::try_from(OwnedFd::from(from)).unwrap();
            to = UnixStream::try_from(OwnedFd::from(to)).unwrap();
        }
        let out = std_net::UnixStream::from(OwnedFd::from(out));
        out.set_nonblocking(false).unwrap();
        let writing = thread::spawn(move || source.write_all(&pattern(1, LENGTH)));
        let reading = thread::spawn(move || read_to_end(out));
        // Or the first call would find nothing, and what is struck be one that comes after a wait:
        // of a socket that is registered "it would have to wait" is a lie that hangs.
        eventually("bytes", || pipe::available(from.as_fd()).expect("FIONREAD") > 0);
        let installed = install(plan);
        let outcome = CopyOptions::new().method(method).copy(&mut from, &mut to).await;
        let struck = installed.struck().is_some();
        drop(installed);
        drop((from, to));
        let written = writing.join().unwrap();
        assert!(outcome.is_err() || written.is_ok());
        Ran { outcome, arrived: reading.join().unwrap(), struck }
    })
}

/// Sends a file over a connection.
fn send_file(plan: Plan) -> Ran {
    Runtime::new().unwrap().block_on(async move {
        let file = files::file_with(&pattern(1, LENGTH));
        let (stream, peer) = peer::pair().await;
        let reading = thread::spawn(move || read_to_end(peer));
        let installed = install(plan);
        let outcome = stream.send_file(&file, ..).await;
        let struck = installed.struck().is_some();
        drop(installed);
        drop(stream);
        Ran { outcome, arrived: reading.join().unwrap(), struck }
    })
}

/// Strikes the first, second, third … call, up to `most` or until none is left. Returns how often
/// it struck.
fn strike(
    name: &'static str,
    action: Action,
    most: u64,
    run: impl Fn(Plan) -> Ran + Copy + Send + 'static,
) -> u64 {
    let expected = pattern(1, LENGTH);
    for nth in 1..=most {
        let plan = Plan { call: Some(name), nth, action };
        let ran = deadline(move || run(plan));
        let case = format!("{name} {nth}: {action:?}");
        let absorbed = match action {
            Action::Fail(errno) => errno != ENOMEM && errno != ENOBUFS,
            _ => true,
        };
        match (ran.outcome, action) {
            (Ok(count), _) => {
                assert!(absorbed || !ran.struck, "{case} did not come out");
                assert_eq!(count, LENGTH as u64, "{case}");
                assert!(ran.arrived == expected, "{case}");
            }
            (Err(error), Action::Fail(errno)) => {
                assert_eq!(error.raw_os_error(), Some(errno), "{case}");
                assert!(!absorbed, "{case} came out");
                assert!(expected.starts_with(&ran.arrived), "{case}");
            }
            (Err(error), _) => panic!("{case}: {error}"),
        }
        if !ran.struck {
            return nth - 1;
        }
    }
    most
}

const SPLICES: bool = cfg!(edgewake_has = "splice");

// Goal: a transfer that comes short, or is interrupted, or is struck before any wait by the lie
// that it would have to wait, loses and repeats nothing.
#[test]
fn short_interrupted_and_blocked_copies() {
    for method in [CopyMethod::Buffer, CopyMethod::Splice] {
        let run = move |plan| copy(method, plan);
        let calls: &[&str] = if method == CopyMethod::Splice && SPLICES {
            &["splice", "recv"]
        } else {
            &["recv", "send"]
        };
        for name in calls {
            for action in [Action::Short(1), Action::Short(1000), Action::Fail(EINTR)] {
                assert!(strike(name, action, u64::MAX, run) > 0, "{method:?}: no {name}");
            }
            // The first of each direction: registering then tells what was there all along.
            let blocked = Action::Fail(os::errno::EAGAIN);
            assert!(strike(name, blocked, 1, run) > 0, "{method:?}: no {name}");
        }
        if method == CopyMethod::Splice && SPLICES {
            assert_eq!(strike("splice", Action::Fail(os::errno::EAGAIN), 2, run), 2);
        }
    }
}

// Goal: where splice is refused, at whatever moment, with bytes in the pipe or without, or where no
// pipe is to be had, or none as large, the buffer does it.
#[test]
fn refused_splices() {
    if !SPLICES {
        return;
    }
    let run = |plan| copy(CopyMethod::Splice, plan);
    for errno in [EINVAL, ENOSYS, EPERM] {
        assert!(strike("splice", Action::Fail(errno), u64::MAX, run) > 1);
    }
    assert_eq!(strike("pipe2", Action::Fail(EMFILE), u64::MAX, run), 1);
    assert_eq!(strike("fcntl", Action::Fail(EPERM), u64::MAX, run), 1);
}

// Goal: what cannot be dealt with comes out as it is.
#[test]
fn errors_of_copies_come_out() {
    for (method, name) in [
        (CopyMethod::Buffer, "recv"),
        (CopyMethod::Buffer, "send"),
        (CopyMethod::Splice, if SPLICES { "splice" } else { "recv" }),
    ] {
        let run = move |plan| copy(method, plan);
        assert!(strike(name, Action::Fail(ENOMEM), u64::MAX, run) > 1);
    }
}

// Goal: the same of files, whichever way they go.
#[test]
fn files() {
    let names: &[&str] =
        if cfg!(edgewake_has = "sendfile") { &["sendfile"] } else { &["pread", "send"] };
    for name in names {
        for action in [Action::Short(1), Action::Short(1000), Action::Fail(EINTR)] {
            assert!(strike(name, action, u64::MAX, send_file) > 0, "{name}");
        }
        assert!(strike(name, Action::Fail(ENOBUFS), u64::MAX, send_file) > 0, "{name}");
    }
    if cfg!(edgewake_has = "sendfile") {
        let blocked = Action::Fail(os::errno::EAGAIN);
        assert_eq!(strike("sendfile", blocked, 1, send_file), 1);
        for errno in [EINVAL, ENOSYS] {
            assert!(strike("sendfile", Action::Fail(errno), u64::MAX, send_file) > 0);
        }
    }
}

// Goal: an offset that no file has is an error by every way, and no panic.
#[test]
fn file_past_the_largest_offset() {
    deadline(|| {
        Runtime::new().unwrap().block_on(async {
            let file = files::file_with(b"short");
            let (stream, _peer) = peer::pair().await;
            let outcome = stream.send_file(&file, u64::MAX - 10..).await;
            assert_eq!(outcome.unwrap_err().raw_os_error(), Some(os::errno::EOVERFLOW));
        });
    });
}
