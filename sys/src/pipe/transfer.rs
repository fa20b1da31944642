//! Reading from and writing to pipes.
//!
//! A write to a pipe without a reader raises `SIGPIPE`, and write(2) has no flag against it (T86).
//! Against it goes, by what the system has:
//!
//! - Linux since 6.18: pwritev2(2) with `RWF_NOSIGNAL`, one system call as ever. An older kernel
//!   refuses the flag; that is remembered for the process;
//! - Apple, NetBSD: `F_SETNOSIGPIPE`, which [`adopt`](super::adopt) and [`pipe`](super::pipe())
//!   have set on the descriptor;
//! - elsewhere, and on older Linux: [`sigpipe::quietly`](crate::sigpipe::quietly), three more
//!   system calls.
//!
//! Measured on Linux 6.18 with 64 bytes, a write and a read together: 750 ns by write(2), 850 ns
//! with the flag, 1400 ns with the signal blocked around it.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsRawFd, BorrowedFd},
    ptr,
};

use crate::{
    socket::{Share, share},
    syscall::transfer_length,
};

/// What [`write()`] and [`write_vectored`] are to a fault plan.
const WRITE: &str = if cfg!(edgewake_has = "rwf_nosignal") { "pwritev2" } else { "write" };

/// Reads what is there, at most `buffer.len()` bytes, and returns how many. 0 is the end: nobody
/// has the pipe open for writing; unless `buffer` is empty.
///
/// # Errors
///
/// `EAGAIN` if nothing is there, `EINTR`.
///
/// # References
///
/// [read(2)](https://man7.org/linux/man-pages/man2/read.2.html),
/// [pipe(7)](https://man7.org/linux/man-pages/man7/pipe.7.html)
#[inline]
pub fn read(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: `buffer` is writable for its length; the kernel writes whole bytes only.
    unsafe { receive(fd, buffer.as_mut_ptr(), buffer.len()) }
}

/// [`read`] into memory that need not be initialised: the first bytes, as many as the count says,
/// are initialised afterwards.
///
/// # Errors
///
/// As [`read`].
///
/// # References
///
/// [read(2)](https://man7.org/linux/man-pages/man2/read.2.html)
#[inline]
pub fn read_uninit(fd: BorrowedFd<'_>, buffer: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
    // SAFETY: `buffer` is writable for its length.
    unsafe { receive(fd, buffer.as_mut_ptr().cast(), buffer.len()) }
}

/// [`read`] into several buffers, one after the other. What one call cannot take is left for the
/// next (T49).
///
/// # Errors
///
/// As [`read`].
///
/// # References
///
/// [readv(2)](https://man7.org/linux/man-pages/man2/readv.2.html)
#[doc(alias = "readv")]
pub fn read_vectored(fd: BorrowedFd<'_>, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
    match share("readv", buffers.iter().map(|buffer| buffer.len())) {
        Share::Buffers(count) => {
            let start = buffers.as_mut_ptr().cast::<libc::iovec>();
            // SAFETY: `IoSliceMut` has the layout of `iovec` (its documentation promises it), and
            // each of the first `count` names memory that is writable for its length.
            let count = unsafe { syscall!(readv(fd.as_raw_fd(), start, count as i32)) }?;
            Ok(count as usize)
        }
        Share::Part { index, length } => {
            // SAFETY: `length` is at most that of this buffer, which is writable.
            unsafe { receive(fd, buffers[index].as_mut_ptr(), length) }
        }
        // SAFETY: nothing is written to an empty buffer.
        Share::Nothing => unsafe { receive(fd, ptr::dangling_mut(), 0) },
    }
}

/// # Safety
///
/// `start` is writable for `length` bytes.
#[inline]
unsafe fn receive(fd: BorrowedFd<'_>, start: *mut u8, length: usize) -> io::Result<usize> {
    let length = transfer_length("read", length);
    // SAFETY: the caller promises that the memory is writable for at least `length` bytes.
    let count = unsafe { syscall!(read(fd.as_raw_fd(), start.cast(), length)) }?;
    Ok(count as usize)
}

/// Writes what there is room for, at most `bytes.len()` bytes, and returns how many. Up to
/// `PIPE_BUF` bytes (512 at least, 4096 on Linux) go in one piece or not at all.
///
/// Room comes by whole pages: reading some bytes need not make any (T4).
///
/// # Errors
///
/// - `EAGAIN` if there is no room;
/// - `EPIPE` if nobody has the pipe open for reading, without `SIGPIPE`;
/// - `EINTR`.
///
/// # References
///
/// [write(2)](https://man7.org/linux/man-pages/man2/write.2.html),
/// [pwritev2(2)](https://man7.org/linux/man-pages/man2/pwritev2.2.html) `RWF_NOSIGNAL`,
/// [pipe(7)](https://man7.org/linux/man-pages/man7/pipe.7.html)
#[doc(alias = "pwritev2")]
#[doc(alias = "RWF_NOSIGNAL")]
#[inline]
pub fn write(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    let length = transfer_length(WRITE, bytes.len());
    transmit(fd, &[IoSlice::new(&bytes[..length])])
}

/// [`write()`] from several buffers, one after the other. What one call cannot take is left for the
/// next (T49).
///
/// # Errors
///
/// As [`write()`].
///
/// # References
///
/// [writev(2)](https://man7.org/linux/man-pages/man2/writev.2.html)
#[doc(alias = "writev")]
#[inline]
pub fn write_vectored(fd: BorrowedFd<'_>, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
    match share(WRITE, buffers.iter().map(|buffer| buffer.len())) {
        Share::Buffers(count) => transmit(fd, &buffers[..count]),
        Share::Part { index, length } => transmit(fd, &[IoSlice::new(&buffers[index][..length])]),
        Share::Nothing => transmit(fd, &[IoSlice::new(&[])]),
    }
}

/// At least one buffer, at most as many as every kernel takes.
#[cfg(edgewake_has = "rwf_nosignal")]
#[inline]
fn transmit(fd: BorrowedFd<'_>, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
    match by_flag::write(fd, buffers) {
        Some(outcome) => outcome,
        None => crate::sigpipe::quietly(|| plain(fd, buffers)),
    }
}

#[cfg(edgewake_has = "f_setnosigpipe")]
#[inline]
fn transmit(fd: BorrowedFd<'_>, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
    plain(fd, buffers)
}

#[cfg(not(any(edgewake_has = "rwf_nosignal", edgewake_has = "f_setnosigpipe")))]
#[inline]
fn transmit(fd: BorrowedFd<'_>, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
    crate::sigpipe::quietly(|| plain(fd, buffers))
}

#[cfg_attr(edgewake_has = "rwf_nosignal", cold)]
fn plain(fd: BorrowedFd<'_>, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
    let count = match buffers {
        [bytes] => {
            // SAFETY: `bytes` is readable for its length.
            unsafe { syscall!(write(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len())) }
        }
        _ => {
            let start = buffers.as_ptr().cast::<libc::iovec>();
            // SAFETY: `IoSlice` has the layout of `iovec` (its documentation promises it), and each
            // names memory that is readable for its length.
            unsafe { syscall!(writev(fd.as_raw_fd(), start, buffers.len() as i32)) }
        }
    };
    count.map(|count| count as usize)
}

/// Writing with `RWF_NOSIGNAL`.
#[cfg(edgewake_has = "rwf_nosignal")]
mod by_flag {
    use std::{
        io::{self, IoSlice},
        os::fd::{AsRawFd, BorrowedFd},
        sync::atomic::{AtomicBool, Ordering},
    };

    /// `<linux/fs.h>`, which libc does not have yet.
    const RWF_NOSIGNAL: libc::c_long = 0x100;

    /// This kernel does not know the flag, or the call is not to be had.
    static REFUSED: AtomicBool = AtomicBool::new(false);

    /// `None` where the flag cannot be had.
    #[inline]
    pub(super) fn write(fd: BorrowedFd<'_>, buffers: &[IoSlice<'_>]) -> Option<io::Result<usize>> {
        // Relaxed: a hint with no data behind it; a thread that misses it asks the kernel again.
        if REFUSED.load(Ordering::Relaxed) {
            return None;
        }
        let start = buffers.as_ptr().cast();
        // SAFETY: `IoSlice` has the layout of `iovec` (its documentation promises it), and each
        // names memory that is readable for its length.
        match unsafe { syscall!(kernel::pwritev2(fd.as_raw_fd(), start, buffers.len())) } {
            Ok(count) => Some(Ok(count as usize)),
            Err(error) => settle(fd, error),
        }
    }

    #[cold]
    fn settle(fd: BorrowedFd<'_>, error: io::Error) -> Option<io::Result<usize>> {
        // EOPNOTSUPP: an unknown flag; EINVAL: the same before Linux 4.13. ENOSYS: before 4.6, and
        // emulators. EPERM: seccomp filters. Whatever else they may mean, a plain write says again.
        let refusals = [libc::EOPNOTSUPP, libc::EINVAL, libc::ENOSYS, libc::EPERM];
        if !error.raw_os_error().is_some_and(|errno| refusals.contains(&errno)) {
            return Some(Err(error));
        }
        // Some drivers refuse any flag (EOPNOTSUPP), which says nothing about pipes.
        if super::super::is_fifo(fd).unwrap_or(false) {
            // Relaxed: see `write`.
            REFUSED.store(true, Ordering::Relaxed);
        }
        None
    }

    mod kernel {
        use super::RWF_NOSIGNAL;

        /// pwritev2(2) at the file's own position, without SIGPIPE. By number: glibc has a wrapper
        /// since 2.26, musl since 1.2.5 only.
        ///
        /// # Safety
        ///
        /// Each of the `count` entries from `buffers` on names memory that is readable for its
        /// length.
        #[inline]
        pub(super) unsafe fn pwritev2(
            fd: libc::c_int,
            buffers: *const libc::iovec,
            count: usize,
        ) -> libc::c_long {
            // The position is in two halves on every architecture; all ones: the file's own.
            let (fd, low, high) = (libc::c_long::from(fd), -1 as libc::c_long, -1 as libc::c_long);
            // SAFETY: the caller answers for the buffers; the other arguments are values.
            unsafe {
                libc::syscall(libc::SYS_pwritev2, fd, buffers, count, low, high, RWF_NOSIGNAL)
            }
        }
    }
}
