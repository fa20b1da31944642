//! Terminals through `AsyncFd`: room, hang-ups, and what comes after them.

#[path = "support/driven.rs"]
mod driven;
#[path = "support/os.rs"]
mod os;
#[path = "support/pipe.rs"]
mod pipes;
mod support;

use std::pin::pin;

use edgewake::{AsyncFd, Interest};
use futures::{AsyncReadExt, AsyncWriteExt};

use crate::{
    driven::Driven,
    pipes::{poll_once, run},
    support::deadline,
};

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
    use std::{fs::File, io::Write};

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
