//! Terminals and other character devices through `AsyncFd`.

#[path = "support/driven.rs"]
mod driven;
#[path = "support/os.rs"]
mod os;
#[path = "support/pipe.rs"]
mod pipes;
mod support;

use std::{
    fs::File,
    io::{self, Read, Write},
    pin::pin,
};

#[cfg(target_os = "linux")]
use edgewake::io::pipe;
use edgewake::{AsyncFd, Interest};
use futures::{AsyncReadExt, AsyncWriteExt};

use crate::{
    driven::Driven,
    pipes::{poll_once, run},
    support::deadline,
};

// T16, T39. Goal: a device that cannot be polled is refused with a sentence and given back.
#[cfg(target_os = "linux")]
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
#[cfg(target_os = "linux")]
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
#[cfg(target_os = "linux")]
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

// T4, T39. Goal: a terminal that is written to until its buffer is full waits for its reader at the
// master, without spinning, and every byte arrives.
#[test]
fn t39_a_terminals_writer_waits_for_its_reader() {
    deadline(|| {
        let mut driven = Driven::new();
        let (master, slave) = os::pty();
        let end = |file, interest| AsyncFd::with_interest(file, interest).expect("a terminal");
        let (mut master, mut slave) = driven
            .block_on(async { (end(master, Interest::READABLE), end(slave, Interest::WRITABLE)) });
        // Without line ends, which the terminal would turn into two bytes.
        let bytes: Vec<u8> = (0..200_000).map(|n| b'a' + (n % 23) as u8).collect();
        let copy = bytes.clone();
        let task = driven.spawn(async move {
            slave.write_all(&copy).await.expect("it is read");
            slave
        });
        driven.rest();
        assert!(!task.is_finished(), "no terminal holds that much");
        let mut received = vec![0; bytes.len()];
        driven.block_on(master.read_exact(&mut received)).expect("it is written");
        assert!(received == bytes);
        drop(driven.finish(task));
    });
}

// T88. Goal: a terminal's master whose last slave has gone says so, and when another one opens it
// waits for that: it neither spins on the old hang-up nor misses the new data.
#[cfg(target_os = "linux")]
#[test]
fn t88_a_master_goes_on_with_the_next_slave() {
    deadline(|| {
        let mut driven = Driven::new();
        let (master, slave) = os::pty();
        let path = os::terminal_path(&slave);
        let mut master = driven
            .block_on(async { AsyncFd::with_interest(master, Interest::READABLE) })
            .expect("a terminal");
        drop(slave);
        let mut room = [0; 64];
        for round in 0..3 {
            // The end is EIO on Linux, and stays so while nobody has it open.
            for _ in 0..2 {
                let end = driven.block_on(master.read(&mut room)).expect_err("nobody is there");
                assert_eq!(end.raw_os_error(), Some(os::errno::EIO), "round {round}");
            }
            driven.rest();
            let mut slave = File::options().read(true).write(true).open(&path).expect("unlocked");
            {
                let mut read = pin!(master.read(&mut room));
                driven.block_on(async { assert!(poll_once(read.as_mut()).is_pending()) });
                driven.rest();
                slave.write_all(b"hello").expect("room");
                assert_eq!(driven.block_on(read).expect("data"), 5, "round {round}");
            }
            drop(slave);
        }
    });
}

// T8. Goal: whoever reads a terminal learns that its master has gone.
#[test]
fn t08_a_terminals_reader_learns_of_the_masters_end() {
    run(|| async {
        let (master, slave) = os::pty();
        let mut slave = AsyncFd::with_interest(slave, Interest::READABLE).expect("a terminal");
        let mut room = [0; 8];
        let mut read = pin!(slave.read(&mut room));
        assert!(poll_once(read.as_mut()).is_pending());
        drop(master);
        // The end is 0 here and EIO there.
        match read.await {
            Ok(count) => assert_eq!(count, 0),
            Err(error) => assert_eq!(error.raw_os_error(), Some(os::errno::EIO)),
        }
    });
}
