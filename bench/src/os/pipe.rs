//! Pipes, and splice(2) into them and out of them.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::{check, check_len};

/// Both ends of a pipe, for bytes that a process passes on without looking at them.
#[derive(Debug)]
pub struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
}

impl Pipe {
    /// Creates a pipe, non-blocking and close-on-exec, that holds `capacity` bytes.
    ///
    /// # Errors
    ///
    /// Returns the error of `pipe2(2)` or of `fcntl(2)` `F_SETPIPE_SZ`.
    pub fn new(capacity: usize) -> io::Result<Self> {
        let mut fds = [-1; 2];
        // SAFETY: there is room for the two descriptors.
        check(unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC | libc::O_NONBLOCK) })?;
        let [reader, writer] = fds;
        // SAFETY: the kernel has just made these descriptors and nobody else knows them.
        let pipe = unsafe {
            Self { reader: OwnedFd::from_raw_fd(reader), writer: OwnedFd::from_raw_fd(writer) }
        };
        let capacity = libc::c_int::try_from(capacity).map_err(io::Error::other)?;
        // SAFETY: the argument is an integer, and the descriptor is open.
        check(unsafe { libc::fcntl(pipe.writer.as_raw_fd(), libc::F_SETPIPE_SZ, capacity) })?;
        Ok(pipe)
    }

    /// Moves up to `most` bytes from a socket into the pipe; 0 is end of file.
    ///
    /// # Errors
    ///
    /// Returns the error of `splice(2)`.
    #[inline]
    pub fn fill(&self, source: BorrowedFd<'_>, most: usize) -> io::Result<usize> {
        splice(source, self.writer.as_fd(), most)
    }

    /// Moves up to `most` bytes from the pipe into a socket.
    ///
    /// # Errors
    ///
    /// Returns the error of `splice(2)`.
    #[inline]
    pub fn drain(&self, sink: BorrowedFd<'_>, most: usize) -> io::Result<usize> {
        splice(self.reader.as_fd(), sink, most)
    }
}

#[inline]
fn splice(from: BorrowedFd<'_>, to: BorrowedFd<'_>, most: usize) -> io::Result<usize> {
    // SAFETY: null offsets are what pipes and sockets want; both descriptors are borrowed for the
    // call.
    check_len(unsafe {
        libc::splice(
            from.as_raw_fd(),
            std::ptr::null_mut(),
            to.as_raw_fd(),
            std::ptr::null_mut(),
            most,
            libc::SPLICE_F_MOVE | libc::SPLICE_F_NONBLOCK,
        )
    })
}

/// Ignores SIGPIPE in this process: splice(2) has no flag against it.
///
/// # Errors
///
/// Returns the error of `signal(2)`.
pub fn ignore_broken_pipes() -> io::Result<()> {
    // SAFETY: SIG_IGN is a disposition, no handler of ours that would have to be safe.
    if unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) } == libc::SIG_ERR {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
