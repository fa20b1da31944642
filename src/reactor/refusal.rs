//! The errors with which the reactor refuses a wait, each in a sentence that says what to do.

use std::io;

pub(super) fn shut_down() -> io::Error {
    let sentence = "the edgewake driver of this descriptor has shut down";
    io::Error::new(io::ErrorKind::BrokenPipe, sentence)
}

pub(super) fn no_reactor() -> io::Error {
    let sentence = "no edgewake driver is running here: call this inside `Runtime::block_on` or a \
                    task of a runtime, or create the object there";
    io::Error::new(io::ErrorKind::NotConnected, sentence)
}

pub(super) fn already_registered() -> io::Error {
    let sentence = "another object of this driver has registered the same descriptor";
    io::Error::new(io::ErrorKind::AlreadyExists, sentence)
}

pub(super) fn unpollable() -> io::Error {
    let sentence = "this descriptor cannot be polled (a regular file or a directory always could \
                    be read at once)";
    io::Error::new(io::ErrorKind::Unsupported, sentence)
}
