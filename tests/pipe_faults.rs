//! The Nth system call fails: a pipe is made, a FIFO opened at both ends, bytes go through each,
//! all is closed, and this is repeated until no call is left to strike.
//!
//! Whatever call is struck: nothing hangs, nothing panics, the error that comes out is the one that
//! went in, no descriptor is left open, no byte is lost or repeated. Runs with
//! `RUSTFLAGS="--cfg edgewake_faults"`.

#![cfg(feature = "time")]
#![cfg(edgewake_faults)]

#[path = "support/os.rs"]
mod os;
#[path = "support/pipe.rs"]
mod pipes;
mod support;

use std::{io, os::fd::OwnedFd, time::Duration};

use edgewake::{
    Runtime,
    io::pipe::{self, OpenOptions, Receiver, Sender},
    time::timeout,
};
use edgewake_sys::faults::{Action, Plan, install};
use futures::{AsyncReadExt, AsyncWriteExt, future::join};
use os::{
    TemporaryPath,
    errno::{EINTR, EINVAL, EIO, EMFILE, ENFILE, ENOMEM, ENOSPC, EPIPE},
};
use support::{alone, deadline};

/// What the system may say to a call that it has not made; of the loop's own calls, whose failures
/// tests/faults.rs has, nothing.
fn plausible(call: &str) -> &'static [i32] {
    match call {
        "read" | "readv" => &[EINTR, EIO, ENOMEM],
        "write" | "writev" | "pwritev2" => &[EINTR, EPIPE, ENOMEM],
        "pipe" | "pipe2" => &[EMFILE, ENFILE],
        "open" => &[EINTR, EMFILE, ENOMEM],
        "poll" => &[EINTR, ENOMEM],
        "fstat" => &[EIO, ENOMEM],
        "dup2" => &[EINTR, EIO],
        "fcntl" => &[EINVAL],
        "epoll_ctl" => &[ENOSPC, ENOMEM],
        _ => &[],
    }
}

/// Bytes through both ends until the sender closes, and each learns of the other's end.
async fn through(mut sender: Sender, receiver: Receiver) -> io::Result<()> {
    let bytes = pipes::pattern(150_000);
    let mut received = Vec::new();
    let write = async {
        let outcome = sender.write_all(&bytes).await;
        match outcome {
            Ok(()) => sender.close().await.map(|()| sender),
            // The reader must not wait for more.
            Err(error) => {
                drop(sender);
                Err(error)
            }
        }
    };
    let read = async {
        loop {
            received.reserve(20_000);
            match receiver.read_buf(&mut received).await {
                Ok(0) => break Ok(receiver),
                Ok(_) => {}
                // The writer must not wait for room.
                Err(error) => {
                    drop(receiver);
                    break Err(error);
                }
            }
        }
    };
    let (sender, receiver) = join(write, read).await;
    assert!(bytes.starts_with(&received), "a byte is lost or repeated");
    let (sender, mut receiver) = match (sender, receiver) {
        (Ok(sender), Ok(receiver)) => (sender, receiver),
        // The struck one; what it does to the other is an end or a broken pipe.
        (Err(error), _) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
        (Err(error), Ok(_)) | (_, Err(error)) => return Err(error),
    };
    assert_eq!(received.len(), bytes.len(), "bytes are lost");
    receiver.closed().await?;
    assert_eq!(receiver.read(&mut [0; 8]).await?, 0);
    sender.closed().await
}

async fn scenario(fifo: &TemporaryPath) -> io::Result<()> {
    let (sender, receiver) = pipe::pipe()?;
    through(sender, receiver).await?;
    let (sender, receiver) = pipe::pipe()?;
    let sender = Sender::try_from(OwnedFd::from(sender))?;
    assert_eq!(receiver.available()?, 0);
    drop(sender);
    let receiver = OpenOptions::new().open_receiver(fifo)?;
    let sender = OpenOptions::new().open_sender_when_read(fifo).await?;
    through(sender, receiver).await
}

/// Runs the scenario once with the `nth` call struck by `errno`. Returns the call, if any.
fn strike(nth: u64, errno: i32) -> Option<&'static str> {
    let runtime = Runtime::new().expect("no plan is installed");
    let fifo = TemporaryPath::fifo("faults");
    let before = os::open_descriptors();
    let plan = install(Plan { call: None, nth, action: Action::Fail(errno) });
    let run = runtime.block_on(timeout(Duration::from_secs(20), scenario(&fifo)));
    let struck = plan.struck();
    drop(plan);
    let what = format!("call {nth}, {struck:?}, {}", io::Error::from_raw_os_error(errno));
    let outcome = run.unwrap_or_else(|_| panic!("it hangs: {what}"));
    match outcome {
        Ok(()) => assert!(struck.is_none() || errno == EINTR, "nobody was told: {what}"),
        Err(error) => {
            let said = error.raw_os_error();
            assert!(struck.is_some(), "{error}, out of nothing");
            assert!(errno != EINTR, "an interruption is no error: {what}, {error}");
            assert_eq!(said, Some(errno), "{what}: {error}");
        }
    }
    assert_eq!(os::open_descriptors(), before, "a descriptor is left open: {what}");
    struck
}

/// The name of the scenario's `nth` call. What becomes of it when that fails is another question.
fn name_of(nth: u64) -> Option<&'static str> {
    let runtime = Runtime::new().expect("no plan is installed");
    let fifo = TemporaryPath::fifo("names");
    let plan = install(Plan { call: None, nth, action: Action::Fail(EINVAL) });
    let run = timeout(Duration::from_secs(20), scenario(&fifo));
    let _whatever = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        support::quietly("ask the kernel for events", || runtime.block_on(run))
    }));
    plan.struck()
}

#[test]
fn any_call_may_fail() {
    let _alone = alone();
    deadline(|| {
        // Makes what the process keeps for closing.
        drop(pipe::pipe().expect("no plan is installed"));
        let mut struck = Vec::new();
        for nth in 1.. {
            let Some(call) = name_of(nth) else { break };
            for errno in plausible(call) {
                strike(nth, *errno);
                struck.push(call);
            }
        }
        for call in ["read", "open", "fcntl", "fstat", "dup2"] {
            assert!(struck.contains(&call), "{call} was never struck");
        }
        assert_eq!(strike(u64::MAX, EINVAL), None);
    });
}

// Goal: a transfer that is cut short anywhere loses and repeats nothing, and ends.
#[test]
fn any_transfer_may_be_short() {
    let _alone = alone();
    deadline(|| {
        for call in ["read", "write", "pwritev2"] {
            for nth in 1.. {
                let runtime = Runtime::new().expect("no plan is installed");
                let fifo = TemporaryPath::fifo("short");
                let plan = install(Plan { call: Some(call), nth, action: Action::Short(1) });
                let run = runtime.block_on(timeout(Duration::from_secs(20), scenario(&fifo)));
                run.expect("it hangs").expect("a short count is no error");
                if plan.struck().is_none() {
                    break;
                }
            }
        }
    });
}
