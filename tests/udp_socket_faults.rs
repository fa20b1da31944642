//! The Nth system call of UDP fails: two sockets are bound, talk in each form, connect, disconnect
//! and are closed, and this is repeated until no call is left to strike.
//!
//! Whatever call is struck: nothing hangs, nothing panics, the error that comes out is the one that
//! went in, what is absorbed is absorbed, and no descriptor is left open. Runs with
//! `RUSTFLAGS="--cfg edgewake_faults"`.

#![cfg(all(feature = "net", feature = "time"))]
#![cfg(edgewake_faults)]

#[path = "support/os.rs"]
mod os;
mod support;

use std::{io, pin::pin, time::Duration};

use bytes::BytesMut;
use edgewake::{Runtime, net::UdpSocket, time::timeout};
use edgewake_sys::faults::{Action, Plan, install};
use futures::FutureExt;
use libc::{EINTR, EINVAL, EMFILE, ENOBUFS, ENOMEM};
use support::deadline;

/// What each call of the conversation may say without having done anything.
const STRUCK: [(&str, &[i32]); 10] = [
    ("socket", &[EMFILE, ENOBUFS, ENOMEM]),
    ("bind", &[EINVAL, ENOMEM]),
    ("connect", &[EINVAL, ENOMEM]),
    ("getsockname", &[EINVAL, ENOBUFS]),
    ("getpeername", &[EINVAL, ENOBUFS]),
    ("sendto", &[EINTR, ENOBUFS, ENOMEM]),
    ("send", &[EINTR, ENOBUFS, ENOMEM]),
    ("recvfrom", &[EINTR, ENOMEM]),
    ("recv", &[EINTR, ENOMEM]),
    ("recvmsg", &[EINTR, ENOMEM]),
];

/// Whether the library must not let the caller know.
fn is_absorbed(call: &str, errno: i32) -> bool {
    match call {
        "sendto" | "send" => matches!(errno, EINTR | ENOBUFS),
        "recvfrom" | "recv" | "recvmsg" => errno == EINTR,
        _ => false,
    }
}

async fn conversation() -> io::Result<()> {
    let one = UdpSocket::bind("127.0.0.1:0").await?;
    let other = UdpSocket::bind("127.0.0.1:0").await?;
    let (from, to) = (one.local_addr()?, other.local_addr()?);
    let mut bytes = [0; 8];
    {
        // One that waits, and one that finds its datagram there.
        let mut receive = pin!(other.recv_from(&mut bytes));
        if let Some(outcome) = (&mut receive).now_or_never() {
            outcome?;
        }
        one.send_to(b"first", to).await?;
        assert_eq!(receive.await?, (5, from));
    }
    one.connect(to).await?;
    assert_eq!(one.peer_addr()?, to);
    one.send(b"second").await?;
    assert_eq!(other.recv(&mut bytes).await?, 6);
    one.send(b"third").await?;
    assert_eq!(other.peek(&mut bytes).await?, 5);
    assert_eq!(other.recv_message(&mut bytes).await?.length, 5);
    one.disconnect()?;
    assert_eq!(one.local_addr()?, from);
    one.send_to(b"fourth", to).await?;
    let mut buffer = BytesMut::with_capacity(8);
    assert_eq!(other.recv_buf_from(&mut buffer).await?, (6, from));
    Ok(())
}

// T24. Goal and method: see the head of this file.
#[test]
#[allow(clippy::print_stdout, reason = "the number shows that the sweep was none of nothing")]
fn t24_every_call_of_a_conversation_may_fail() {
    deadline(|| {
        let runtime = Runtime::new().unwrap();
        runtime.block_on(conversation()).unwrap();
        let before = os::open_descriptors();
        let mut survived = 0;
        for (call, errnos) in STRUCK {
            for errno in errnos {
                for nth in 1.. {
                    let plan =
                        install(Plan { call: Some(call), nth, action: Action::Fail(*errno) });
                    let outcome = timeout(Duration::from_secs(20), conversation());
                    let outcome = runtime.block_on(outcome);
                    let what = format!("{call} {nth}, errno {errno}: {outcome:?}");
                    let struck = plan.struck();
                    drop(plan);
                    let outcome = outcome.unwrap_or_else(|_| panic!("it hangs: {what}"));
                    let told = outcome.err().map(|error| error.raw_os_error());
                    match struck {
                        None => assert_eq!(told, None, "{what}"),
                        Some(_) if is_absorbed(call, *errno) => assert_eq!(told, None, "{what}"),
                        Some(_) => assert_eq!(told.unwrap_or(Some(*errno)), Some(*errno), "{what}"),
                    }
                    assert_eq!(os::open_descriptors(), before, "{what}");
                    if struck.is_none() {
                        break;
                    }
                    survived += 1;
                }
            }
        }
        println!("survived {survived} failures");
        assert!(survived > 30, "the sweep found only {survived} calls to strike");
    });
}
