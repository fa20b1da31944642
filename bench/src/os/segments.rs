//! Many datagrams in one buffer: `UDP_SEGMENT` (GSO) and `UDP_GRO`, udp(7).
//!
//! The kernel cuts what is sent as late as it can, and hands what belongs together up in one piece
//! with the size to cut it at.

use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::{check_len, datagram};

/// As many segments as one send may have (`UDP_MAX_SEGMENTS` of Linux before 6.9; 128 since).
pub const MOST_SEGMENTS: usize = 64;
/// As many bytes as one send may have: a datagram of IPv4 without its headers.
pub const MOST_BYTES: usize = 65_507;

/// Makes every send on `socket` a series of datagrams of `size` bytes, the last one what is left.
///
/// # Errors
///
/// Returns the error of `setsockopt(2)`.
pub fn send_in_segments(socket: &UdpSocket, size: usize) -> io::Result<()> {
    datagram::set_option(socket, libc::SOL_UDP, libc::UDP_SEGMENT, size)
}

/// Lets receives return several datagrams at once.
///
/// # Errors
///
/// Returns the error of `setsockopt(2)`.
pub fn receive_segments(socket: &UdpSocket) -> io::Result<()> {
    datagram::set_option(socket, libc::SOL_UDP, libc::UDP_GRO, 1)
}

/// A control buffer, aligned as its messages need it.
#[repr(C)]
union Control {
    _align: libc::cmsghdr,
    bytes: [u8; 64],
}

/// Receives one datagram, or several with the size of all but the last. Returns how many bytes
/// there are, and the size.
///
/// # Errors
///
/// Returns the error of `recvmsg(2)`.
pub fn recv(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<(usize, usize)> {
    let mut vector = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let mut control = Control { bytes: [0; 64] };
    // SAFETY: an all-zero msghdr is valid.
    let mut header = unsafe { std::mem::zeroed::<libc::msghdr>() };
    header.msg_iov = &raw mut vector;
    header.msg_iovlen = 1;
    header.msg_control = (&raw mut control).cast();
    header.msg_controllen = size_of::<Control>();
    // SAFETY: header, vector, buffer and control buffer live through the call, with their lengths.
    let received = check_len(unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut header, 0) })?;
    let mut size = received;
    // SAFETY: the header is the one that the kernel has just filled, so that the walk stays in the
    // control buffer; the data of UDP_GRO is an int, read without asking for its alignment.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(&raw const header);
        while !message.is_null() {
            if (*message).cmsg_level == libc::SOL_UDP && (*message).cmsg_type == libc::UDP_GRO {
                let value = libc::CMSG_DATA(message).cast::<libc::c_int>().read_unaligned();
                size = usize::try_from(value).unwrap_or(received);
            }
            message = libc::CMSG_NXTHDR(&raw const header, message);
        }
    }
    Ok((received, size))
}
