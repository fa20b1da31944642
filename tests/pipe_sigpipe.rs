//! Pipes in a program that `SIGPIPE` would end: a write that nobody can read any more is an error
//! and no signal (T86), on every way to write.
//!
//! A binary of its own, since the disposition is the whole process's: a signal fails all tests here
//! at once, by ending it.

#[path = "support/os.rs"]
mod os;
#[path = "support/pipe.rs"]
mod pipes;
mod support;

use std::{
    io::{self, IoSlice},
    os::fd::OwnedFd,
};

use edgewake::io::{
    AsyncWriteExt,
    pipe::{self, Sender},
};

use crate::pipes::{fill, kind, run};

/// A sender that nobody reads.
fn unread() -> Sender {
    let (sender, receiver) = pipe::pipe().expect("a pipe");
    drop(receiver);
    sender
}

/// Writes to the dead in every way. Each is an error, and leaves nothing behind in the thread.
async fn every_way() {
    let mut sender = unread();
    assert_eq!(kind(sender.try_write(b"x")), io::ErrorKind::BrokenPipe);
    let words = [IoSlice::new(b"one"), IoSlice::new(b"two")];
    assert_eq!(kind(sender.try_write_vectored(&words)), io::ErrorKind::BrokenPipe);
    assert_eq!(kind(sender.try_write_buf(&mut &b"x"[..])), io::ErrorKind::BrokenPipe);
    assert_eq!(kind(sender.write(b"x").await), io::ErrorKind::BrokenPipe);
    assert_eq!(kind(sender.write_vectored(&words).await), io::ErrorKind::BrokenPipe);
    assert_eq!(kind(sender.write_all_buf(&mut &b"x"[..]).await), io::ErrorKind::BrokenPipe);
    sender.close().await.expect("descriptors");
    assert_eq!(kind(sender.write(b"x").await), io::ErrorKind::BrokenPipe);

    // A descriptor that came from elsewhere.
    let owned = OwnedFd::from(unread());
    let sender = Sender::try_from(owned).expect("a writing end");
    assert_eq!(kind(sender.try_write(b"x")), io::ErrorKind::BrokenPipe);

    // One that waits for room while the reader goes.
    let (sender, receiver) = pipe::pipe().expect("a pipe");
    fill(&sender);
    let mut writer = &sender;
    let (outcome, ()) = futures::join!(writer.write_all(b"more"), async { drop(receiver) });
    assert_eq!(kind(outcome), io::ErrorKind::BrokenPipe);

    let fifo = os::TemporaryPath::fifo("sigpipe");
    let reader = pipe::OpenOptions::new().read_write(true).open_receiver(&fifo);
    let sender = pipe::OpenOptions::new().open_sender(&fifo).expect("it has a reader");
    drop(reader);
    assert_eq!(kind(sender.try_write(b"x")), io::ErrorKind::BrokenPipe);
    assert!(!os::sigpipe_is_held_back(), "a signal waits for this thread, or is blocked in it");
}

#[test]
fn t86_a_write_to_the_dead_is_an_error_and_no_signal() {
    run(|| async {
        os::sigpipe_ends_the_process();
        every_way().await;
        edgewake::spawn(every_way()).await.expect("no panic");
    });
}

// T86. Goal: the same on a kernel that does not know the flag, which is asked once and no more.
#[cfg(all(edgewake_faults, target_os = "linux"))]
#[test]
fn t86_without_the_flag() {
    use edgewake_sys::faults::{Action, Plan, install};

    run(|| async {
        os::sigpipe_ends_the_process();
        let (sender, receiver) = pipe::pipe().expect("a pipe");
        let plan = |errno| Plan { call: Some("pwritev2"), nth: 1, action: Action::Fail(errno) };
        // What says nothing about the flag is an error like any.
        let installed = install(plan(os::errno::ENOMEM));
        assert_eq!(kind(sender.try_write(b"x")), io::ErrorKind::OutOfMemory);
        assert_eq!(installed.struck(), Some("pwritev2"));
        drop(installed);
        let refusal = install(plan(os::errno::EOPNOTSUPP));
        assert_eq!(sender.try_write(b"by write(2)").expect("room"), 11);
        assert_eq!(refusal.struck(), Some("pwritev2"));
        let asked = refusal.counted();
        every_way().await;
        assert_eq!(refusal.counted(), asked, "it is not asked again");
        assert_eq!(receiver.try_read(&mut [0; 16]).expect("data"), 11);
    });
}
