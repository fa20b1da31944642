//! Opening a FIFO by its path.

use std::{
    future::poll_fn,
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::FileTypeExt,
    },
    path::Path,
    task::Poll,
    time::Duration,
};

use edgewake_sys::pipe::{self as sys, Access, End};

use super::{Receiver, Sender};
use crate::async_fd::Backoff;

/// The first pause, and the longest, of waiting for a reader: nothing tells when one comes.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(100));

/// How a FIFO is opened by its path. `mkfifo(1)`, or mkfifo(3), makes one.
///
/// Opening never waits for the other end, and the type decides which end it is:
///
/// - a [`Receiver`] opens whether or not there is a writer. While there is none, reading is at the
///   end at once; [`reopened`](Receiver::reopened) waits for the first one's data.
/// - a [`Sender`] opens only while somebody has the FIFO open for reading.
///
/// With [`read_write`](Self::read_write) both open at once, and neither sees an end.
///
/// # Examples
///
/// ```no_run
/// use edgewake::io::{AsyncBufReadExt, BufReader, pipe};
///
/// # async fn commands() -> std::io::Result<()> {
/// // A daemon's command channel: writers come and go, and the reader sees no end between them.
/// let receiver = pipe::OpenOptions::new().read_write(true).open_receiver("/run/daemon.fifo")?;
/// let mut commands = BufReader::new(receiver);
/// let mut command = String::new();
/// commands.read_line(&mut command).await?;
/// # Ok(())
/// # }
/// ```
///
/// # References
///
/// [fifo(7)](https://man7.org/linux/man-pages/man7/fifo.7.html)
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    read_write: bool,
    unchecked: bool,
}

impl OpenOptions {
    /// For one direction, and with the check that it is a FIFO.
    #[inline]
    pub fn new() -> OpenOptions {
        OpenOptions::default()
    }

    /// Opens the FIFO for reading and writing, whichever end it is for: then it always has a reader
    /// and a writer. A receiver sees no end, however many writers come and go; a sender opens
    /// without a reader, and fills the FIFO.
    ///
    /// # Platform notes
    ///
    /// POSIX leaves it open what this does; every system here does as described.
    #[inline]
    pub fn read_write(&mut self, read_write: bool) -> &mut OpenOptions {
        self.read_write = read_write;
        self
    }

    /// Opens what is at the path without the check that it is a FIFO: a terminal, say. See
    /// [`Receiver::from_owned_fd_unchecked`].
    #[inline]
    pub fn unchecked(&mut self, unchecked: bool) -> &mut OpenOptions {
        self.unchecked = unchecked;
        self
    }

    /// Opens the reading end.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](io::ErrorKind::NotFound),
    ///   [`PermissionDenied`](io::ErrorKind::PermissionDenied) and the like, of the path;
    /// - [`InvalidInput`](io::ErrorKind::InvalidInput): what is there is not a FIFO;
    /// - [`Unsupported`](io::ErrorKind::Unsupported): on Apple, unless
    ///   [`read_write`](Self::read_write) or [`unchecked`](Self::unchecked) is set.
    ///
    /// # Platform notes
    ///
    /// macOS and its kin report no event when the last writer of a FIFO closes it (golang#24164),
    /// so a receiver would wait for ever where others see the end.
    #[inline]
    pub fn open_receiver(&self, path: impl AsRef<Path>) -> io::Result<Receiver> {
        if cfg!(edgewake_has = "fifo_end_unseen") && !self.read_write && !self.unchecked {
            let sentence = "this system does not tell when a FIFO's last writer closes it: \
                            open it with read_write(true)";
            return Err(io::Error::new(io::ErrorKind::Unsupported, sentence));
        }
        let owned = self.open(path.as_ref(), Access::Read)?;
        self.check(&owned, End::Read)?;
        Ok(Receiver::of_our_own(owned))
    }

    /// Opens the writing end, if somebody has the FIFO open for reading.
    ///
    /// # Errors
    ///
    /// - [`ConnectionRefused`](io::ErrorKind::ConnectionRefused): nobody has it open for reading
    ///   (`ENXIO`, "no such device or address" in the system's words).
    ///   [`open_sender_when_read`](Self::open_sender_when_read) waits for a reader,
    ///   [`read_write`](Self::read_write) needs none;
    /// - otherwise as for [`open_receiver`](Self::open_receiver), on every system alike.
    #[inline]
    pub fn open_sender(&self, path: impl AsRef<Path>) -> io::Result<Sender> {
        let path = path.as_ref();
        let owned = self.open(path, Access::Write).map_err(|error| explain(path, error))?;
        self.check(&owned, End::Write)?;
        sys::adopt(owned.as_fd(), End::Write)?;
        Ok(Sender::of_our_own(owned))
    }

    /// Opens the writing end once somebody has the FIFO open for reading.
    ///
    /// No event tells of that: it tries again after pauses of 1 ms to 100 ms. The path is looked
    /// up each time.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind.
    ///
    /// # Errors
    ///
    /// As for [`open_sender`](Self::open_sender);
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) only where no driver is running to
    /// time the wait.
    #[inline]
    pub async fn open_sender_when_read(&self, path: impl AsRef<Path>) -> io::Result<Sender> {
        let mut backoff = Backoff::between(PAUSES.0, PAUSES.1);
        loop {
            match self.open_sender(&path) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    if !poll_fn(|cx| Poll::Ready(backoff.start(cx))).await {
                        return Err(error);
                    }
                    poll_fn(|cx| backoff.poll(cx)).await;
                }
                outcome => return outcome,
            }
        }
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<OwnedFd> {
        let access = if self.read_write { Access::ReadWrite } else { access };
        loop {
            match sys::open(path, access) {
                // A file system over a network may be interrupted.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => return outcome,
            }
        }
    }

    fn check(&self, owned: &OwnedFd, end: End) -> io::Result<()> {
        if self.unchecked { Ok(()) } else { sys::check(owned.as_fd(), end) }
    }
}

/// `ENXIO` of a FIFO says that nobody reads it; of a device or a socket it means something else.
#[cold]
fn explain(path: &Path, error: io::Error) -> io::Error {
    let is_fifo = || path.metadata().is_ok_and(|file| file.file_type().is_fifo());
    if sys::is_unread(&error) && is_fifo() {
        let sentence = "nobody has this FIFO open for reading (ENXIO)";
        return io::Error::new(io::ErrorKind::ConnectionRefused, sentence);
    }
    error
}
