//! Descriptors beside bytes: `SCM_RIGHTS`, unix(7).

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use super::check_len;

/// As many as go in one message (`SCM_MAX_FD`).
pub const MOST: usize = 253;

/// Room for a message of [`MOST`] descriptors, aligned as its header needs it.
#[repr(C)]
union Control {
    _align: libc::cmsghdr,
    bytes: [u8; 1040],
}

/// Sends `bytes`, and beside the first of them `fd`, `copies` times; returns how many bytes went.
///
/// # Errors
///
/// Returns the error of `sendmsg(2)`.
///
/// # Panics
///
/// Panics if there are more copies than [`MOST`].
pub fn send(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    fd: BorrowedFd<'_>,
    copies: usize,
) -> io::Result<usize> {
    assert!(copies <= MOST, "{copies} descriptors are too many for one message");
    let numbers = [fd.as_raw_fd(); MOST];
    let length = (copies * size_of::<RawFd>()) as libc::c_uint;
    let mut vector =
        libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut control = Control { bytes: [0; 1040] };
    // SAFETY: an all-zero msghdr is valid. The control buffer has room for a header and MOST
    // descriptors (CMSG_SPACE of them is 1032), so that the header lies in it, and is aligned for
    // it; `numbers` has at least `copies`. The kernel only reads what the vector points at. All of
    // it lives through the call.
    unsafe {
        let mut header = std::mem::zeroed::<libc::msghdr>();
        header.msg_iov = &raw mut vector;
        header.msg_iovlen = 1;
        header.msg_control = (&raw mut control).cast();
        header.msg_controllen = libc::CMSG_SPACE(length) as _;
        let message = libc::CMSG_FIRSTHDR(&raw const header);
        (*message).cmsg_level = libc::SOL_SOCKET;
        (*message).cmsg_type = libc::SCM_RIGHTS;
        (*message).cmsg_len = libc::CMSG_LEN(length) as _;
        std::ptr::copy_nonoverlapping(
            numbers.as_ptr().cast::<u8>(),
            libc::CMSG_DATA(message),
            copies * size_of::<RawFd>(),
        );
        check_len(libc::sendmsg(socket.as_raw_fd(), &raw const header, libc::MSG_NOSIGNAL))
    }
}
