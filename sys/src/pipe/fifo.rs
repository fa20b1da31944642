//! Opening a FIFO by its path, without waiting for the other end.

use std::{
    ffi::CString,
    io,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::Path,
};

use crate::fd;

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Both: then a FIFO always has a reader and a writer. Not in POSIX, but so on every system
    /// here.
    ReadWrite,
}

/// Opens a file, close-on-exec, non-blocking and without becoming its session's terminal. What it
/// is, is not looked at ([`check`](super::check)).
///
/// # Errors
///
/// - `ENOENT`, `EACCES`, `ELOOP` and the like, of the path;
/// - `ENXIO`: a FIFO is opened for [`Write`](Access::Write) alone, and nobody has it open for
///   reading; also a socket, and a device that is not there;
/// - `EMFILE` or `ENFILE` at a descriptor limit;
/// - [`InvalidInput`](io::ErrorKind::InvalidInput): a NUL in the path.
///
/// # References
///
/// [open(2)](https://man7.org/linux/man-pages/man2/open.2.html),
/// [fifo(7)](https://man7.org/linux/man-pages/man7/fifo.7.html)
#[doc(alias = "mkfifo")]
pub fn open(path: &Path, access: Access) -> io::Result<OwnedFd> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let access = match access {
        Access::Read => libc::O_RDONLY,
        Access::Write => libc::O_WRONLY,
        Access::ReadWrite => libc::O_RDWR,
    };
    let flags = access | libc::O_NONBLOCK | libc::O_CLOEXEC | libc::O_NOCTTY;
    // SAFETY: `path` is a C string, and without O_CREAT there is no further argument.
    let opened = unsafe { syscall!(open(path.as_ptr(), flags)) }?;
    // SAFETY: the call succeeded, so it is a new descriptor that nobody else owns.
    Ok(unsafe { fd::own(opened) })
}

/// Whether an [`open`] for writing failed because nobody has the FIFO open for reading (`ENXIO`);
/// if it is a FIFO.
#[inline]
pub fn is_unread(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENXIO)
}
