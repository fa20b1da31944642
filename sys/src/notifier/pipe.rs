//! The notifier on a pipe to oneself, for systems without a dedicated mechanism; forced everywhere
//! by `--cfg edgewake_force_pipe`, so that it is tested on every system.
//!
//! The loop drains it: a pipe that was left full could not carry the next notification. Who finds
//! it full drains it instead.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, OwnedFd, RawFd},
};

use crate::{Interest, Selector, Token, pipe};

/// Wakes a blocked [`Selector::select`] from any thread.
#[derive(Debug)]
pub struct Notifier {
    reader: OwnedFd,
    writer: OwnedFd,
}

impl Notifier {
    /// Creates a notifier whose event in `selector` carries `token`. Makes two system calls,
    /// on systems without `pipe2` more.
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE`, or what [`Selector::register`] returns.
    ///
    /// # References
    ///
    /// [pipe(7)](https://man7.org/linux/man-pages/man7/pipe.7.html)
    #[inline]
    pub fn new(selector: &Selector, token: Token) -> io::Result<Notifier> {
        let (reader, writer) = pipe::pipe()?;
        selector.register(reader.as_fd(), token, Interest::INCOMING)?;
        Ok(Notifier { reader, writer })
    }

    /// What it is registered as, for [`Selector::rebuild`]: the descriptor and the interest.
    /// `None` where no descriptor is registered and a rebuild leaves it alone.
    #[inline]
    pub fn entry(&self) -> Option<(RawFd, Interest)> {
        Some((self.reader.as_raw_fd(), Interest::INCOMING))
    }

    /// Makes the current or the next [`Selector::select`] of `selector` return an event.
    ///
    /// # Errors
    ///
    /// `EINTR`: call it again. `EAGAIN` if the pipe was full, was emptied, and other threads have
    /// filled it again in between: each of them has notified.
    #[inline]
    pub fn notify(&self, _selector: &Selector) -> io::Result<()> {
        match self.add_one() {
            // Full (T69). The event of the earlier bytes may have been seen already, by a loop
            // that could not drain them, so it is emptied and written to again.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.drain()?;
                self.add_one().map(drop)
            }
            outcome => outcome.map(drop),
        }
    }

    fn add_one(&self) -> io::Result<isize> {
        let byte = [0_u8];
        let fd = self.writer.as_raw_fd();
        // SAFETY: `byte` is readable for its length of one. The reader lives as long as the
        // writer, so the write cannot raise SIGPIPE.
        unsafe { syscall!(write(fd, byte.as_ptr().cast(), byte.len())) }
    }

    /// Acknowledges the event: empties the pipe. Makes one system call per 64 notifications.
    ///
    /// # Errors
    ///
    /// `EINTR`: call it again.
    pub fn drain(&self) -> io::Result<()> {
        let mut bytes = [0_u8; 64];
        let fd = self.reader.as_raw_fd();
        loop {
            // SAFETY: `bytes` is writable for its whole length.
            match unsafe { syscall!(read(fd, bytes.as_mut_ptr().cast(), bytes.len())) } {
                Ok(count) if count as usize == bytes.len() => {}
                // A short count empties a pipe that only ever gets single bytes; a byte that
                // came after it gives an edge of its own.
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}
