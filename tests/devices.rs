//! Linux's character devices through `AsyncFd`, and as unchecked ends of a pipe.

#![cfg(any(target_os = "linux", target_os = "android"))]

#[path = "support/pipe.rs"]
mod pipes;
mod support;

use std::{
    fs::File,
    io::{self, Read, Write},
};

use edgewake::{AsyncFd, Interest, io::pipe};
use futures::{AsyncReadExt, AsyncWriteExt};

use crate::pipes::run;

// T16, T39. Goal: a device that cannot be polled is refused with a sentence and given back.
#[test]
fn t16_a_device_without_readiness_is_given_back() {
    run(|| async {
        for interest in [Interest::READABLE, Interest::WRITABLE] {
            let null =
                File::options().read(true).write(true).open("/dev/null").expect("it is there");
            let (mut null, error) =
                AsyncFd::try_with_interest(null, interest).expect_err("it never blocks");
            // The fake kqueue has epoll's own word for it.
            let told = [io::ErrorKind::Unsupported, io::ErrorKind::PermissionDenied];
            assert!(told.contains(&error.kind()), "{error}");
            assert_eq!(null.write(b"gone").expect("it takes all"), 4);
            assert_eq!(null.read(&mut [0; 4]).expect("nothing"), 0);
        }
    });
}

// Goal: a character device that can be polled is waited for and read.
#[test]
fn a_device_with_readiness_is_read() {
    run(|| async {
        let random = File::open("/dev/random").expect("the device");
        let mut random = AsyncFd::with_interest(random, Interest::READABLE).expect("it has poll");
        drop(random.readable().await.expect("the system has started"));
        let mut bytes = [0; 64];
        random.read_exact(&mut bytes).await.expect("no end of them");
        assert_ne!(bytes, [0; 64]);
    });
}

// T58, T80. Goal: a descriptor that always has something to read starves nobody: whoever reads it
// for ever gives way to the other tasks, and to what the kernel reports.
#[test]
fn t80_an_endless_reader_gives_way() {
    run(|| async {
        let zeros = pipe::OpenOptions::new().unchecked(true).open_receiver("/dev/zero");
        let mut zeros = zeros.expect("the device");
        let reads = edgewake::spawn(async move {
            let mut room = [1; 64];
            while zeros.read(&mut room).await.expect("no end of them") > 0 {}
        });
        let (mut sender, mut receiver) = pipe::pipe().expect("a pipe");
        let echo = edgewake::spawn(async move {
            let mut byte = [0; 1];
            for round in 0..20 {
                receiver.read_exact(&mut byte).await.expect("a byte");
                assert_eq!(byte, [round]);
            }
        });
        for round in 0..20 {
            sender.write_all(&[round]).await.expect("room");
            sender.writable().await.expect("room");
            edgewake::yield_now().await;
        }
        echo.await.expect("no panic");
        assert!(!reads.is_finished());
        reads.abort();
    });
}
