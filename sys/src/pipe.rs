//! Pipes, anonymous and by path (FIFOs): making, opening, reading, writing, and what their ends
//! tell of each other.
//!
//! - here: the anonymous pipe.
//! - `fifo`: opening one that has a path.
//! - `end`: what a descriptor is, as an end of a pipe: its checks, its room, whether the other end
//!   has gone.
//! - `dead_end`: closing a writing end whose number must stay a descriptor.
//! - `transfer`: reading and writing; no write raises `SIGPIPE` (T86).
//!
//! Every end made here is close-on-exec and non-blocking. Called by the pipe notifier, by the
//! library's pipe types and by whoever wants a pollable pair without a socket.

mod dead_end;
mod end;
mod fifo;
mod transfer;

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

#[cfg(edgewake_selector = "kqueue")]
pub(crate) use self::end::is_fifo_under;
pub use self::{
    dead_end::{end, prepare_end},
    end::{End, adopt, available, capacity, check, is_fifo, is_hung_up, set_capacity},
    fifo::{Access, is_unread, open},
    transfer::{read, read_uninit, read_vectored, write, write_vectored},
};
use crate::fd;

/// Creates a pipe and returns its read end and its write end, in this order.
///
/// # Errors
///
/// `EMFILE` or `ENFILE` at a descriptor limit.
///
/// # Platform notes
///
/// Apple has no `pipe2`: the flags are set by four more calls, and a `fork` between them leaks
/// the descriptors to the child.
///
/// # References
///
/// [pipe(2)](https://man7.org/linux/man-pages/man2/pipe.2.html)
#[doc(alias = "pipe2")]
#[inline]
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    with_flags(0)
}

/// A pipe of packets: a read takes what one write put in, and no more.
///
/// A write of more than `PIPE_BUF` bytes (4096) is several packets. What does not fit into a
/// read's buffer is lost. Otherwise as [`pipe`].
///
/// # Errors
///
/// As for [`pipe`]; [`Unsupported`](io::ErrorKind::Unsupported) except on Linux and Android.
///
/// # References
///
/// [pipe(2)](https://man7.org/linux/man-pages/man2/pipe.2.html) `O_DIRECT`
#[doc(alias = "O_DIRECT")]
#[inline]
pub fn packet_pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    #[cfg(edgewake_has = "pipe_packets")]
    return with_flags(libc::O_DIRECT);
    #[cfg(not(edgewake_has = "pipe_packets"))]
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no pipes of packets"))
}

fn with_flags(flags: libc::c_int) -> io::Result<(OwnedFd, OwnedFd)> {
    let mut fds = [-1; 2];
    create(&mut fds, flags)?;
    // SAFETY: the call succeeded and has put two new descriptors there, which nobody else owns.
    let (reader, writer) = unsafe { (fd::own(fds[0]), fd::own(fds[1])) };
    #[cfg(not(edgewake_has = "pipe2"))]
    let (reader, writer) = (fd::finish_birth(reader)?, fd::finish_birth(writer)?);
    end::set_no_signal(writer.as_fd())?;
    Ok((reader, writer))
}

#[cfg(edgewake_has = "pipe2")]
fn create(fds: &mut [libc::c_int; 2], flags: libc::c_int) -> io::Result<()> {
    let flags = flags | libc::O_CLOEXEC | libc::O_NONBLOCK;
    // SAFETY: `fds` is room for the two descriptors that the call writes.
    unsafe { syscall!(pipe2(fds.as_mut_ptr(), flags)) }.map(drop)
}

#[cfg(not(edgewake_has = "pipe2"))]
fn create(fds: &mut [libc::c_int; 2], _none: libc::c_int) -> io::Result<()> {
    // SAFETY: `fds` is room for the two descriptors that the call writes.
    unsafe { syscall!(pipe(fds.as_mut_ptr())) }.map(drop)
}
