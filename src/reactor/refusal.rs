//! The errors with which the reactor refuses a wait, each in a sentence that says what to do.

use std::io;

pub(super) fn shut_down() -> io::Error {
    refusal(io::ErrorKind::BrokenPipe, "the edgewake driver of this descriptor has shut down")
}

pub(super) fn no_reactor() -> io::Error {
    let sentence = "no edgewake driver is running here: call this inside `Runtime::block_on` or a \
                    task of a runtime, or create the object there";
    refusal(io::ErrorKind::NotConnected, sentence)
}

pub(super) fn already_registered() -> io::Error {
    let sentence = "another object of this driver has registered the same descriptor";
    refusal(io::ErrorKind::AlreadyExists, sentence)
}

pub(super) fn slots_used_up() -> io::Error {
    refusal(io::ErrorKind::Other, "the reactor's slots are used up")
}

pub(super) fn unpollable() -> io::Error {
    let sentence = "this descriptor cannot be polled (a regular file or a directory always could \
                    be read at once)";
    refusal(io::ErrorKind::Unsupported, sentence)
}

#[cold]
#[inline]
fn refusal(kind: io::ErrorKind, sentence: &'static str) -> io::Error {
    io::Error::new(kind, sentence)
}
