//! `sigpipe::quietly` in a program where `SIGPIPE` has its default disposition, which is to end it.
//! Goal: no signal of the operation's making is delivered or left behind, and no other is taken.

use std::{
    io::{self, Write},
    mem::MaybeUninit,
    ptr,
};

use edgewake_sys::{pipe, sigpipe};

/// For the whole process; the tests of this file all want it.
fn default_disposition() {
    // SAFETY: SIG_DFL runs no code.
    let before = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    assert_ne!(before, libc::SIG_ERR);
}

/// A write end whose reader has gone.
fn dead() -> std::fs::File {
    let (reader, writer) = pipe::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

fn write_to_the_dead() -> io::Result<usize> {
    (&dead()).write(b"x")
}

fn set_of_sigpipe() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset initialises what it points to.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGPIPE);
        set.assume_init()
    }
}

/// Blocks or unblocks it in this thread; whether it was blocked.
fn mask(how: libc::c_int) -> bool {
    let mut before = MaybeUninit::uninit();
    // SAFETY: both point to a set, and the second is room for one.
    unsafe {
        assert_eq!(libc::pthread_sigmask(how, &set_of_sigpipe(), before.as_mut_ptr()), 0);
        libc::sigismember(before.as_ptr(), libc::SIGPIPE) == 1
    }
}

fn is_blocked() -> bool {
    let mut now = MaybeUninit::uninit();
    // SAFETY: a null set changes nothing; the other is room for one.
    unsafe {
        assert_eq!(libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), now.as_mut_ptr()), 0);
        libc::sigismember(now.as_ptr(), libc::SIGPIPE) == 1
    }
}

fn is_pending() -> bool {
    let mut set = MaybeUninit::uninit();
    // SAFETY: it is room for a set.
    unsafe {
        assert_eq!(libc::sigpending(set.as_mut_ptr()), 0);
        libc::sigismember(set.as_ptr(), libc::SIGPIPE) == 1
    }
}

#[test]
fn t86_a_dead_reader_is_an_error_and_no_signal() {
    default_disposition();
    let outcome = sigpipe::quietly(write_to_the_dead);
    assert_eq!(outcome.expect_err("nobody reads").kind(), io::ErrorKind::BrokenPipe);
    assert!(!is_blocked() && !is_pending());
}

#[test]
fn a_signal_is_taken_although_the_operation_succeeds() {
    default_disposition();
    // As a sendfile that moved some bytes before the peer died.
    let moved = sigpipe::quietly(|| {
        write_to_the_dead().expect_err("nobody reads");
        Ok(7)
    });
    assert_eq!(moved.expect("a count"), 7);
    assert!(!is_blocked() && !is_pending());
}

#[test]
fn the_mask_is_restored_after_a_panic() {
    default_disposition();
    let panic = std::panic::catch_unwind(|| {
        sigpipe::quietly(|| -> io::Result<()> {
            write_to_the_dead().expect_err("nobody reads");
            panic!("in the operation");
        })
    });
    assert!(panic.is_err() && !is_blocked() && !is_pending());
}

#[test]
fn who_blocks_it_finds_it_blocked_and_not_pending() {
    default_disposition();
    assert!(!mask(libc::SIG_BLOCK));
    sigpipe::quietly(write_to_the_dead).expect_err("nobody reads");
    assert!(is_blocked() && !is_pending());
    mask(libc::SIG_UNBLOCK);
}

#[test]
fn a_signal_that_was_pending_stays_so() {
    default_disposition();
    assert!(!mask(libc::SIG_BLOCK));
    write_to_the_dead().expect_err("nobody reads");
    assert!(is_pending());
    sigpipe::quietly(write_to_the_dead).expect_err("nobody reads");
    assert!(is_pending(), "it was somebody else's");
    let mut taken = 0;
    // SAFETY: the set is initialised, and `taken` is room for the number.
    assert_eq!(unsafe { libc::sigwait(&set_of_sigpipe(), &mut taken) }, 0);
    assert_eq!(taken, libc::SIGPIPE);
    mask(libc::SIG_UNBLOCK);
}
