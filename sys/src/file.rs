//! Files as the source of bytes for a socket: reading at an offset, and what a descriptor is.
//!
//! For sending files where the kernel cannot do that by itself. Reading a file blocks on its disk,
//! whatever its flags say.

use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsRawFd, BorrowedFd, RawFd},
};

use crate::syscall::transfer_length;

/// Reads at `offset`, at most `buffer.len()` bytes, and leaves the file's own position alone. 0 is
/// the end of the file, unless `buffer` is empty.
///
/// # Errors
///
/// - `ESPIPE`: what has no offsets: a pipe, a socket, a terminal;
/// - `EISDIR`: a directory; `EBADF`: not open for reading;
/// - `EOVERFLOW`: an offset beyond what `off_t` can hold;
/// - `EIO`, `EINTR`.
///
/// # References
///
/// [pread(2)](https://man7.org/linux/man-pages/man2/pread.2.html)
#[doc(alias = "pread")]
#[inline]
pub fn read_at(fd: BorrowedFd<'_>, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let offset = offset_of(offset)?;
    let length = transfer_length("pread", buffer.len());
    let start = buffer.as_mut_ptr().cast();
    // SAFETY: `buffer` is writable for at least `length` bytes; the kernel writes whole bytes.
    let count = unsafe { syscall!(wide::pread(fd.as_raw_fd(), start, length, offset)) }?;
    Ok(count as usize)
}

/// The type of the file under a number, which need not be open, as the bits of its mode that
/// `S_IFMT` masks.
#[allow(clippy::unnecessary_cast, reason = "the type has its own width on 32-bit Android")]
#[inline]
pub(crate) fn kind_of(fd: RawFd) -> io::Result<u32> {
    let mut status = MaybeUninit::<wide::stat>::uninit();
    // SAFETY: `status` is room for what the call writes.
    unsafe { syscall!(wide::fstat(fd, status.as_mut_ptr())) }?;
    // SAFETY: the call succeeded and has written it.
    let status = unsafe { status.assume_init() };
    // The two have types of their own on 32-bit Android.
    Ok(status.st_mode as u32 & libc::S_IFMT as u32)
}

/// An offset as the system has it.
#[inline]
pub(crate) fn offset_of(offset: u64) -> io::Result<wide::off_t> {
    let too_large = |_| io::Error::from_raw_os_error(libc::EOVERFLOW);
    wide::off_t::try_from(offset).map_err(too_large)
}

/// The calls that know files of any size, by the names they have elsewhere. On 32-bit Linux the
/// plain ones end at 2 GiB, and fstat(2) of a larger file fails.
pub(crate) mod wide {
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(crate) use libc::{fstat, off_t, pread, stat};
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) use libc::{
        fstat64 as fstat, off64_t as off_t, pread64 as pread, sendfile64 as sendfile,
        stat64 as stat,
    };
}
