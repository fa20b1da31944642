//! The user's limit of epoll watches: the wait that meets it says so, and the object works on.
//!
//! Runs with `RUSTFLAGS="--cfg edgewake_faults"`: the real limit is the whole machine's.

#![cfg(feature = "net")]
#![cfg(all(edgewake_faults, edgewake_selector = "epoll"))]

#[path = "support/os.rs"]
mod os;
mod support;
#[path = "support/tcp.rs"]
mod tcp;

use std::{io, pin::pin};

use edgewake::{
    AsyncFd,
    io::{AsyncReadExt, AsyncWriteExt},
};
use edgewake_sys::faults::{Action, Plan, install};
use os::errno::{ENOMEM, ENOSPC};
use tcp::{pair, poll_once, run};

// T24. Goal: waiting for what cannot be registered returns the error, and leaves the stream
// unregistered, so that its next wait tries again, and gets the data; the other direction, which
// waits meanwhile, is not forgotten. What `AsyncFd` registers when it is made is given back.
#[test]
fn t24_a_wait_at_the_limit_of_watches() {
    run(|| async {
        for errno in [ENOSPC, ENOMEM] {
            let (mut client, mut server) = pair().await;
            let refuse =
                || install(Plan { call: Some("epoll_ctl"), nth: 1, action: Action::Fail(errno) });
            let plan = refuse();
            let error = server.readable().await.expect_err("it cannot be registered");
            assert_eq!((error.raw_os_error(), plan.struck()), (Some(errno), Some("epoll_ctl")));
            drop(plan);
            let plan = refuse();
            let error = server.read(&mut [0; 4]).await.expect_err("nor here");
            assert_eq!((error.raw_os_error(), plan.struck()), (Some(errno), Some("epoll_ctl")));
            drop(plan);

            let filled = tcp::fill(&server);
            let mut writes = pin!(server.writable());
            assert!(poll_once(writes.as_mut()).is_pending());
            let plan = refuse();
            let error = server.readable().await.expect_err("the other direction");
            assert_eq!((error.raw_os_error(), plan.struck()), (Some(errno), Some("epoll_ctl")));
            drop(plan);
            let mut reads = pin!(server.readable());
            assert!(poll_once(reads.as_mut()).is_pending());
            client.write_all(b"data").await.unwrap();
            reads.await.unwrap();
            tcp::drain(&client, filled).await;
            writes.await.unwrap();
            let mut data = [0; 4];
            (&server).read_exact(&mut data).await.unwrap();
            assert_eq!(&data, b"data");

            let (any, _peer) = std::os::unix::net::UnixStream::pair().unwrap();
            let plan = refuse();
            let (any, error) = AsyncFd::try_with_interest(any, edgewake::Interest::READABLE)
                .expect_err("it cannot be registered");
            assert_eq!((error.raw_os_error(), plan.struck()), (Some(errno), Some("epoll_ctl")));
            drop(plan);
            let again: io::Result<_> = AsyncFd::new(any);
            drop(again.unwrap());
        }
    });
}
