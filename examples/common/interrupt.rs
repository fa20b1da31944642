//! Ctrl-C and SIGTERM as something to await, without a thread: the signal handler writes to a
//! socket pair, whose other end the runtime watches like any other descriptor.

use std::{io, io::Read, os::unix::net::UnixStream};

use edgewake::{AsyncFd, Interest};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    low_level::pipe,
};

/// The end of the socket pair that becomes readable with the first signal.
#[derive(Debug)]
pub(crate) struct Interrupt {
    signals: AsyncFd<UnixStream>,
}

impl Interrupt {
    /// Takes both signals over from their default action. Inside a runtime.
    pub(crate) fn new() -> io::Result<Interrupt> {
        let (reader, writer) = UnixStream::pair()?;
        for signal in [SIGINT, SIGTERM] {
            pipe::register(signal, writer.try_clone()?)?;
        }
        Ok(Interrupt { signals: AsyncFd::with_interest(reader, Interest::READABLE)? })
    }

    /// Waits for a signal, and takes it.
    pub(crate) async fn wait(&self) -> io::Result<()> {
        let mut signals = [0; 16];
        self.signals.async_io(Interest::READABLE, |mut reader| reader.read(&mut signals)).await?;
        Ok(())
    }
}
