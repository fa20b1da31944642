//! The Nth system call fails: a Unix listener is bound over a dead one, a stream and a datagram
//! pair carry bytes and descriptors, all is closed, and this is repeated until no call is left to
//! strike.
//!
//! Whatever call is struck: nothing hangs, nothing panics, the error that comes out is the one that
//! went in, no descriptor is left open, neither a sent nor a received one, and no file. Runs with
//! `RUSTFLAGS="--cfg edgewake_faults"`.

#![cfg(all(feature = "net", feature = "time"))]
#![cfg(edgewake_faults)]

#[path = "support/os.rs"]
mod os;
mod support;
#[path = "support/unix.rs"]
mod unix;
#[path = "support/unix_descriptors.rs"]
mod unix_descriptors;

use std::{
    io,
    os::{fd::AsFd, unix::net as std_net},
    time::Duration,
};

use edgewake::{
    Runtime,
    net::{UnixStream, unix::UnixBind},
    spawn_local,
    time::timeout,
};
use edgewake_sys::faults::{Action, Plan, install};
use futures::{AsyncReadExt, AsyncWriteExt};
use os::errno::{
    EADDRNOTAVAIL, ECONNABORTED, ECONNREFUSED, ECONNRESET, EINTR, EINVAL, EMFILE, ENFILE, ENOBUFS,
    ENOMEM, EPIPE,
};
use support::{alone, deadline};
use unix::SocketPath;
use unix_descriptors::{give, take};

/// What the system may say to a call that it has not made; of the loop's own calls, whose failures
/// tests/faults.rs has, nothing.
fn plausible(call: &str) -> &'static [i32] {
    match call {
        "recvmsg" | "recv" | "recvfrom" => &[EINTR, ECONNRESET, ENOMEM],
        "sendmsg" | "send" | "sendto" => &[EINTR, EPIPE, ENOMEM],
        "accept" | "accept4" => &[EINTR, ECONNABORTED, EMFILE, ENFILE, ENOMEM],
        "socket" | "socketpair" => &[EMFILE, ENFILE, ENOMEM],
        "connect" => &[EINTR, ECONNREFUSED, ENOBUFS],
        "bind" => &[EADDRNOTAVAIL, ENOBUFS],
        "listen" => &[ENOBUFS],
        "shutdown" => &[ENOBUFS],
        "fcntl" | "setsockopt" | "getsockopt" | "getsockname" => &[EINVAL, ENOBUFS],
        _ => &[],
    }
}

/// Whether the library deals with it, so that nobody above learns of it.
fn is_absorbed(call: &str, errno: i32) -> bool {
    errno == EINTR || call.starts_with("accept")
}

async fn serve(mut stream: UnixStream) -> io::Result<()> {
    take(&stream).await?;
    stream.close().await
}

async fn client(path: &SocketPath) -> io::Result<()> {
    give(UnixStream::connect(&**path).await?).await
}

/// Both ends on this thread. Returns what each came to.
async fn scenario(path: &SocketPath) -> [io::Result<()>; 2] {
    let bind = UnixBind::new().unlink_before(true).unlink_after(true);
    let listener = match bind.listener(&**path) {
        Ok(listener) => listener,
        Err(error) => return [Err(error), Ok(())],
    };
    let server = spawn_local(async move { serve(listener.accept().await?.0).await });
    let client = client(path).await;
    if client.is_err() && !server.is_finished() {
        // It may be waiting for a connection that was never made.
        server.abort();
    }
    let server = match server.await {
        Ok(outcome) => outcome,
        Err(ended) => {
            assert!(ended.is_cancelled(), "the server panicked");
            Ok(())
        }
    };
    [client, server]
}

/// The name of the scenario's `nth` call. What becomes of it when that fails is another question.
fn name_of(nth: u64) -> Option<&'static str> {
    let runtime = Runtime::new().expect("no plan is installed");
    let path = SocketPath::new();
    drop(std_net::UnixListener::bind(&*path).expect("a socket that dies"));
    let plan = install(Plan { call: None, nth, action: Action::Fail(EINVAL) });
    let run = timeout(Duration::from_secs(20), scenario(&path));
    let _whatever = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        support::quietly("ask the kernel for events", || runtime.block_on(run))
    }));
    plan.struck()
}

/// Runs the scenario once, over a dead socket's file, with the `nth` call struck by `errno`.
/// Returns the call, if there was one.
fn strike(nth: u64, errno: i32) -> Option<&'static str> {
    let runtime = Runtime::new().expect("no plan is installed");
    let path = SocketPath::new();
    drop(std_net::UnixListener::bind(&*path).expect("a socket that dies"));
    let before = os::open_descriptors();
    let plan = install(Plan { call: None, nth, action: Action::Fail(errno) });
    let run = runtime.block_on(timeout(Duration::from_secs(20), scenario(&path)));
    let struck = plan.struck();
    drop(plan);
    let what = format!("call {nth}, {struck:?}, {}", io::Error::from_raw_os_error(errno));
    let outcomes = run.unwrap_or_else(|_| panic!("hangs: {what}"));
    let failed = outcomes.iter().any(|outcome| outcome.is_err());
    let absorbed = struck.is_none_or(|call| is_absorbed(call, errno));
    if absorbed {
        assert!(!failed, "{what}: {outcomes:?}");
        assert!(!path.exists(), "the file is left: {what}");
    } else if failed {
        let told = |outcome: &io::Result<()>| {
            outcome.as_ref().is_err_and(|error| error.raw_os_error() == Some(errno))
        };
        assert!(outcomes.iter().any(told), "{what}: {outcomes:?}");
    }
    assert_eq!(os::open_descriptors(), before, "{what}");
    struck
}

// T24, T56, T64. Goal: see the head of this file. Method: a first sweep learns the names of the
// calls, a second one strikes each with all that it could say.
#[test]
#[allow(clippy::print_stdout, reason = "the number shows that the sweep was none of nothing")]
fn t64_every_call_may_fail() {
    let _alone = alone();
    deadline(|| {
        let mut calls = Vec::new();
        while let Some(call) = name_of(calls.len() as u64 + 1) {
            calls.push(call);
        }
        let mut survived = 0;
        for (index, call) in calls.iter().enumerate() {
            for errno in plausible(call) {
                survived += usize::from(strike(index as u64 + 1, *errno).is_some());
            }
        }
        let mut names = calls.clone();
        names.sort_unstable();
        names.dedup();
        println!("survived {survived} failures of {} calls: {names:?}", calls.len());
        assert!(survived > 30, "the sweep found only {survived} calls to strike");
    });
}

// T1. Goal: where the drain rule holds, a message costs one receive and not two, and where
// something stood beside the bytes it costs the one more that finds what is behind. Method: the
// reader waits before each message; the plan counts its receives.
#[test]
fn t01_drained_stream_is_not_read_again() {
    let _alone = alone();
    deadline(|| {
        let runtime = Runtime::new().expect("a runtime");
        let receives = |messages: u32, beside: bool| {
            runtime.block_on(async move {
                let (here, mut there) = UnixStream::pair().expect("a pair");
                let call = Some("recvmsg");
                let plan = install(Plan { call, nth: u64::MAX, action: Action::Fail(EINVAL) });
                let (go, mut went) = futures::channel::mpsc::unbounded::<()>();
                let reader = spawn_local(async move {
                    let mut bytes = [0; 64];
                    for _ in 0..messages {
                        assert_eq!(there.read(&mut bytes).await.expect("a message"), 4);
                        go.unbounded_send(()).expect("the writer waits");
                    }
                });
                for _ in 0..messages {
                    // The reader waits by then: the loop has turned.
                    edgewake::time::sleep(Duration::from_millis(1)).await;
                    if beside {
                        here.send_with_fds(b"ping", &[here.as_fd()]).await.expect("room");
                    } else {
                        here.try_write(b"ping").expect("room");
                    }
                    futures::StreamExt::next(&mut went).await;
                }
                reader.await.expect("the reader ends");
                plan.counted()
            })
        };
        let plain = receives(20, false);
        let beside = receives(20, true);
        assert!(plain <= 22, "{plain} receives of 20 messages");
        assert!(beside >= 39, "{beside} receives of 20 messages with descriptors");
    });
}
