//! What a descriptor is, as an end of a pipe: whether it is one, its room, whether the other end
//! has gone.

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd, RawFd},
};

use crate::{fd, file::kind_of};

/// Which end of a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The one that is read from.
    Read,
    /// The one that is written to.
    Write,
}

/// Whether it is a pipe, or a FIFO by path: the systems do not tell them apart. One system call.
///
/// # Errors
///
/// `EBADF`.
///
/// # References
///
/// [fstat(2)](https://man7.org/linux/man-pages/man2/fstat.2.html) `S_IFIFO`
#[doc(alias = "fstat")]
#[inline]
pub fn is_fifo(fd: BorrowedFd<'_>) -> io::Result<bool> {
    is_fifo_under(fd.as_raw_fd())
}

/// As [`is_fifo`], of a number that need not be open.
#[allow(clippy::unnecessary_cast, reason = "the type has its own width on 32-bit Android")]
#[inline]
pub(crate) fn is_fifo_under(fd: RawFd) -> io::Result<bool> {
    Ok(kind_of(fd)? == libc::S_IFIFO as u32)
}

/// Refuses what is not this end of a pipe. Makes two system calls.
///
/// # Errors
///
/// [`InvalidInput`](io::ErrorKind::InvalidInput): it is no pipe, or open for the other direction
/// alone. `EBADF`.
///
/// # References
///
/// [fstat(2)](https://man7.org/linux/man-pages/man2/fstat.2.html),
/// [fcntl(2)](https://man7.org/linux/man-pages/man2/fcntl.2.html) `F_GETFL`
pub fn check(fd: BorrowedFd<'_>, end: End) -> io::Result<()> {
    if !is_fifo(fd)? {
        return Err(refused("the descriptor is not a pipe"));
    }
    // SAFETY: F_GETFL takes no argument and touches no memory of ours.
    let flags = unsafe { syscall!(fcntl(fd.as_raw_fd(), libc::F_GETFL)) }?;
    // It names the file, and reads and writes nothing.
    #[cfg(edgewake_has = "o_path")]
    if flags & libc::O_PATH != 0 {
        return Err(refused("the descriptor was opened with O_PATH"));
    }
    // The ends of a pipe(2) are open for both on some systems (FreeBSD, DragonFly).
    match (flags & libc::O_ACCMODE, end) {
        (libc::O_RDWR, _) | (libc::O_RDONLY, End::Read) | (libc::O_WRONLY, End::Write) => Ok(()),
        (_, End::Read) => Err(refused("the pipe is not open for reading")),
        (_, End::Write) => Err(refused("the pipe is not open for writing")),
    }
}

fn refused(sentence: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, sentence)
}

/// Prepares a descriptor that was made elsewhere for use here: non-blocking, and without `SIGPIPE`
/// where that is a property of the descriptor. Makes up to three system calls, and for a writing
/// end those of [`prepare_end`](super::prepare_end).
///
/// # Errors
///
/// `EBADF`; of a writing end also what [`prepare_end`](super::prepare_end) returns, and then
/// nothing has changed.
///
/// # References
///
/// [fcntl(2)](https://man7.org/linux/man-pages/man2/fcntl.2.html) `F_SETFL`
#[inline]
pub fn adopt(fd: BorrowedFd<'_>, end: End) -> io::Result<()> {
    if end == End::Read {
        return fd::set_nonblocking(fd, true);
    }
    super::prepare_end()?;
    fd::set_nonblocking(fd, true)?;
    set_no_signal(fd)
}

/// No write to this descriptor raises `SIGPIPE`, where the system has that.
#[inline]
pub(super) fn set_no_signal(fd: BorrowedFd<'_>) -> io::Result<()> {
    #[cfg(edgewake_has = "f_setnosigpipe")]
    // SAFETY: F_SETNOSIGPIPE takes an int by value.
    unsafe { syscall!(fcntl(fd.as_raw_fd(), libc::F_SETNOSIGPIPE, 1)) }?;
    #[cfg(not(edgewake_has = "f_setnosigpipe"))]
    let _ = fd;
    Ok(())
}

/// Whether the other end has gone, now: of a pipe's reading end all writers, of its writing end all
/// readers. One system call on epoll; on kqueue some three, for a queue of its own.
///
/// # Errors
///
/// `EINTR`, `ENOMEM`; on kqueue also `EMFILE`.
///
/// # Platform notes
///
/// A FIFO that no writer has opened yet is not hung up on Linux and FreeBSD; on NetBSD and OpenBSD
/// it is.
///
/// # References
///
/// [poll(2)](https://man7.org/linux/man-pages/man2/poll.2.html) `POLLHUP`, `POLLERR`,
/// [kqueue(2)](https://man.freebsd.org/cgi/man.cgi?query=kqueue&sektion=2) `EV_EOF`
#[doc(alias = "poll")]
#[inline]
pub fn is_hung_up(fd: BorrowedFd<'_>, end: End) -> io::Result<bool> {
    hung_up(fd, end)
}

/// `POLLHUP` is said of the reading end, `POLLERR` of the writing end, whatever is asked.
#[cfg(edgewake_selector = "epoll")]
fn hung_up(fd: BorrowedFd<'_>, _: End) -> io::Result<bool> {
    let mut entry = libc::pollfd { fd: fd.as_raw_fd(), events: 0, revents: 0 };
    // SAFETY: `entry` is one entry to read and write; with a timeout of zero nothing waits.
    unsafe { syscall!(poll(&mut entry, 1, 0)) }?;
    Ok(entry.revents & (libc::POLLHUP | libc::POLLERR) != 0)
}

/// poll(2) tells nothing of the end of a FIFO on NetBSD, whose FIFOs are sockets, and kqueue does.
#[cfg(edgewake_selector = "kqueue")]
fn hung_up(fd: BorrowedFd<'_>, end: End) -> io::Result<bool> {
    use crate::{Events, Interest, Selector, Token};

    let selector = Selector::new()?;
    let register = |interest| selector.register(fd, Token(0), interest);
    let registered = match end {
        End::Read => register(Interest::READABLE),
        // Whichever of the two tells (T36); that neither will is an answer too. OpenBSD refuses to
        // read a FIFO that is open for writing alone, and tells its writer by EVFILT_WRITE.
        End::Write if cfg!(edgewake_has = "pipe_end_by_read") => {
            register(Interest::WRITABLE | Interest::READABLE)
                .or_else(|_| register(Interest::WRITABLE))
        }
        End::Write => register(Interest::WRITABLE),
    };
    match registered {
        Err(error) if error.kind() == io::ErrorKind::OutOfMemory => return Err(error),
        // What cannot be polled has no end. Whoever goes on to wait for it is told so.
        Err(_) => return Ok(false),
        Ok(ended) if !ended.is_empty() => return Ok(true),
        Ok(_) => {}
    }
    // The registration goes with the queue.
    let mut events = Events::with_capacity(2);
    selector.look(&mut events)?;
    Ok(events.iter().any(|event| event.is_read_closed() || event.is_write_closed()))
}

/// How many bytes can be read.
///
/// # Errors
///
/// `ENOTTY` or `EINVAL` where the descriptor cannot tell.
///
/// # References
///
/// [pipe(7)](https://man7.org/linux/man-pages/man7/pipe.7.html) `FIONREAD`
#[doc(alias = "FIONREAD")]
#[inline]
pub fn available(fd: BorrowedFd<'_>) -> io::Result<usize> {
    let mut count: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int, for which `count` is the room.
    unsafe { syscall!(ioctl(fd.as_raw_fd(), libc::FIONREAD, &raw mut count)) }?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// How many bytes the pipe can hold.
///
/// # Errors
///
/// [`Unsupported`](io::ErrorKind::Unsupported) except on Linux and Android; `EBADF` for what is no
/// pipe.
///
/// # References
///
/// [fcntl(2)](https://man7.org/linux/man-pages/man2/fcntl.2.html) `F_GETPIPE_SZ`
#[doc(alias = "F_GETPIPE_SZ")]
#[inline]
pub fn capacity(fd: BorrowedFd<'_>) -> io::Result<usize> {
    #[cfg(edgewake_has = "pipe_size")]
    {
        // SAFETY: F_GETPIPE_SZ takes no argument and touches no memory of ours.
        let size = unsafe { syscall!(fcntl(fd.as_raw_fd(), libc::F_GETPIPE_SZ)) }?;
        Ok(size as usize)
    }
    #[cfg(not(edgewake_has = "pipe_size"))]
    no_size(fd)
}

/// Changes how many bytes the pipe can hold, and returns what it can hold now: at least `bytes`.
///
/// # Errors
///
/// - `EPERM`: more than `/proc/sys/fs/pipe-max-size`, or than the user's pipes may have in all;
/// - `EBUSY`: less than what is in the pipe;
/// - `EINVAL`: more than 2 GiB;
/// - otherwise as for [`capacity`].
///
/// # References
///
/// [fcntl(2)](https://man7.org/linux/man-pages/man2/fcntl.2.html) `F_SETPIPE_SZ`
#[doc(alias = "F_SETPIPE_SZ")]
pub fn set_capacity(fd: BorrowedFd<'_>, bytes: usize) -> io::Result<usize> {
    #[cfg(edgewake_has = "pipe_size")]
    {
        let Ok(bytes) = libc::c_int::try_from(bytes) else {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        };
        // SAFETY: F_SETPIPE_SZ takes an int by value.
        let size = unsafe { syscall!(fcntl(fd.as_raw_fd(), libc::F_SETPIPE_SZ, bytes)) }?;
        Ok(size as usize)
    }
    #[cfg(not(edgewake_has = "pipe_size"))]
    {
        let _ = bytes;
        no_size(fd)
    }
}

#[cfg(not(edgewake_has = "pipe_size"))]
fn no_size(_: BorrowedFd<'_>) -> io::Result<usize> {
    let sentence = "this system does not tell a pipe's capacity (F_GETPIPE_SZ), nor change it";
    Err(io::Error::new(io::ErrorKind::Unsupported, sentence))
}
