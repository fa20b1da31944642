//! What the tests of pipes share: a runtime for a test's body, full pipes, single polls.

#![allow(dead_code, reason = "each test binary compiles its own copy and uses a part of it")]
#![allow(unreachable_pub, reason = "a module of each test binary, reached as `pipes::…`")]

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use edgewake::{
    Runtime,
    io::pipe::{Receiver, Sender},
};

use crate::support::deadline;

/// Runs the future that `body` makes in a runtime of its own, under the deadline of all tests.
#[track_caller]
pub fn run<F: Future<Output = R>, R: Send + 'static>(
    body: impl FnOnce() -> F + Send + 'static,
) -> R {
    deadline(move || Runtime::new().expect("a runtime").block_on(body()))
}

/// Writes until the pipe takes no more, and returns how many bytes.
pub fn fill(sender: &Sender) -> usize {
    let bytes = [7; 4096];
    let mut filled = 0;
    loop {
        match sender.try_write(&bytes) {
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return filled,
            Err(error) => panic!("filling a pipe: {error}"),
        }
    }
}

/// Reads until the pipe is empty, and returns how many bytes.
pub fn empty(receiver: &Receiver) -> usize {
    let mut bytes = [0; 4096];
    let mut emptied = 0;
    loop {
        match receiver.try_read(&mut bytes) {
            Ok(0) => return emptied,
            Ok(count) => emptied += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return emptied,
            Err(error) => panic!("emptying a pipe: {error}"),
        }
    }
}

/// Polls once with a waker that does nothing.
pub fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// The kind of a failed operation's error.
#[track_caller]
pub fn kind<T>(outcome: io::Result<T>) -> io::ErrorKind {
    match outcome {
        Ok(_) => panic!("the operation has succeeded"),
        Err(error) => error.kind(),
    }
}

/// Bytes in which no two places nearby look alike: a lost, doubled or swapped piece shows.
pub fn pattern(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}
