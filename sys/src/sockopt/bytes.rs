//! Options whose value is a string of bytes, and the two calls under every option.

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd},
};

use super::unsupported;

/// Reads an option's bytes into `value` and returns how many the kernel wrote, at most its length.
///
/// # Errors
///
/// `ENOPROTOOPT`, `EINVAL`, `ENOTSOCK`, `EBADF`: whatever the option answers.
///
/// # Safety
///
/// The kernel takes what `value` holds for this option as plain data: no pointer is among it
/// through which it would write (such as in Linux's `TCP_ZEROCOPY_RECEIVE`).
///
/// # References
///
/// [getsockopt(2)](https://man7.org/linux/man-pages/man2/getsockopt.2.html)
#[doc(alias = "getsockopt")]
#[inline]
pub unsafe fn get_bytes(
    fd: BorrowedFd<'_>,
    level: i32,
    name: i32,
    value: &mut [u8],
) -> io::Result<usize> {
    let mut length = libc::socklen_t::try_from(value.len()).unwrap_or(libc::socklen_t::MAX);
    let room = value.as_mut_ptr().cast();
    // SAFETY: `room` is writable for `length` bytes, and the option writes nowhere else, as the
    // caller promises.
    unsafe { syscall!(getsockopt(fd.as_raw_fd(), level, name, room, &mut length)) }?;
    Ok((length as usize).min(value.len()))
}

/// Sets an option to the bytes `value`.
///
/// # Errors
///
/// `ENOPROTOOPT`, `EINVAL`, `EPERM`, `ENOTSOCK`, `EBADF`: whatever the option answers;
/// [`InvalidInput`](io::ErrorKind::InvalidInput) for more than 4 GiB.
///
/// # Safety
///
/// The kernel takes `value` for this option as plain data, or the pointers in it are what the
/// option wants, for as long as it wants.
///
/// # References
///
/// [setsockopt(2)](https://man7.org/linux/man-pages/man2/setsockopt.2.html)
#[doc(alias = "setsockopt")]
#[inline]
pub unsafe fn set_bytes(fd: BorrowedFd<'_>, level: i32, name: i32, value: &[u8]) -> io::Result<()> {
    let Ok(length) = libc::socklen_t::try_from(value.len()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let start = value.as_ptr().cast();
    // SAFETY: `start` is readable for `length` bytes; the caller answers for what they mean.
    unsafe { syscall!(setsockopt(fd.as_raw_fd(), level, name, start, length)) }.map(drop)
}

/// The name of the device that the socket is bound to, or `None` (`SO_BINDTODEVICE`). Linux only;
/// Apple has [`BOUND_INTERFACE`](super::BOUND_INTERFACE).
///
/// # Errors
///
/// [`Unsupported`](io::ErrorKind::Unsupported) elsewhere.
///
/// # References
///
/// [socket(7)](https://man7.org/linux/man-pages/man7/socket.7.html)
#[doc(alias = "SO_BINDTODEVICE")]
#[inline]
pub fn bind_device(fd: BorrowedFd<'_>) -> io::Result<Option<Vec<u8>>> {
    let name = BIND_DEVICE.ok_or_else(|| unsupported("SO_BINDTODEVICE"))?;
    let device = get_name(fd, libc::SOL_SOCKET, name)?;
    Ok((!device.is_empty()).then_some(device))
}

/// Binds the socket to a device by name, or to none. Linux only; takes `CAP_NET_RAW` to change an
/// existing binding, and before Linux 5.7 always.
///
/// # Errors
///
/// `ENODEV`, `EPERM`, or `EINVAL` for a name of more than 15 bytes;
/// [`Unsupported`](io::ErrorKind::Unsupported) elsewhere.
///
/// # References
///
/// [socket(7)](https://man7.org/linux/man-pages/man7/socket.7.html)
#[doc(alias = "SO_BINDTODEVICE")]
#[inline]
pub fn set_bind_device(fd: BorrowedFd<'_>, device: Option<&[u8]>) -> io::Result<()> {
    let name = BIND_DEVICE.ok_or_else(|| unsupported("SO_BINDTODEVICE"))?;
    let device = device.unwrap_or_default();
    // Linux would cut a longer name in silence and bind to another device.
    if device.len() >= NAME_ROOM {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    // SAFETY: the value is a name.
    unsafe { set_bytes(fd, libc::SOL_SOCKET, name, device) }
}

/// The name of the congestion control in use (`TCP_CONGESTION`). Linux and FreeBSD.
///
/// # Errors
///
/// [`Unsupported`](io::ErrorKind::Unsupported) elsewhere.
///
/// # References
///
/// [tcp(7)](https://man7.org/linux/man-pages/man7/tcp.7.html)
#[doc(alias = "TCP_CONGESTION")]
#[inline]
pub fn congestion(fd: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    let name = CONGESTION.ok_or_else(|| unsupported("TCP_CONGESTION"))?;
    get_name(fd, libc::IPPROTO_TCP, name)
}

/// Chooses the congestion control by name (`TCP_CONGESTION`). Linux and FreeBSD.
///
/// # Errors
///
/// `ENOENT` (FreeBSD: `ESRCH`) if there is none of this name, `EPERM` if it is reserved for the
/// privileged; [`Unsupported`](io::ErrorKind::Unsupported) elsewhere.
///
/// # References
///
/// [tcp(7)](https://man7.org/linux/man-pages/man7/tcp.7.html)
#[doc(alias = "TCP_CONGESTION")]
#[inline]
pub fn set_congestion(fd: BorrowedFd<'_>, algorithm: &[u8]) -> io::Result<()> {
    let name = CONGESTION.ok_or_else(|| unsupported("TCP_CONGESTION"))?;
    // SAFETY: the value is a name.
    unsafe { set_bytes(fd, libc::IPPROTO_TCP, name, algorithm) }
}

const BIND_DEVICE: Option<i32> = super::name!("so_bindtodevice", libc::SO_BINDTODEVICE);
const CONGESTION: Option<i32> = super::name!("tcp_congestion", libc::TCP_CONGESTION);

/// Room for a name and its NUL: 16 both for `IFNAMSIZ` and Linux's and FreeBSD's `TCP_CA_NAME_MAX`.
const NAME_ROOM: usize = 16;

/// A name up to its first NUL, which Linux pads with and may also leave out.
#[inline]
fn get_name(fd: BorrowedFd<'_>, level: i32, name: i32) -> io::Result<Vec<u8>> {
    let mut room = [0; NAME_ROOM];
    // SAFETY: the value is a name.
    let length = unsafe { get_bytes(fd, level, name, &mut room) }?;
    let bytes = room[..length].split(|byte| *byte == 0).next().unwrap_or_default();
    Ok(bytes.to_vec())
}
