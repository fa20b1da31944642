//! Messages of streams: bytes, and what is attached to the first of them.
//!
//! The bytes of a stream have no ends that a call must keep. So here, unlike on sockets of
//! messages, what one call cannot take is left for the next (T49). What is attached is never cut:
//! it goes with the first byte that is transferred.

use std::{
    io::{self, IoSlice, IoSliceMut},
    os::fd::BorrowedFd,
};

use super::{
    message::{Received, RecvFlags, SendFlags, recv_message, send_message},
    vectored::{Share, share},
};
use crate::cmsg::{Control, SendControl};

/// [`recv_message`] from a stream: any number of buffers may be handed over, of any length in all.
/// One call fills what [`vectored_length`](super::vectored_length) says at most.
///
/// # Errors
///
/// As [`recv`](super::recv).
///
/// # References
///
/// [recvmsg(2)](https://man7.org/linux/man-pages/man2/recvmsg.2.html)
#[doc(alias = "recvmsg")]
pub fn recv_stream_message(
    fd: BorrowedFd<'_>,
    buffers: &mut [IoSliceMut<'_>],
    control: &mut Control,
) -> io::Result<Received> {
    let control = Some(control);
    match share("recvmsg", buffers.iter().map(|buffer| buffer.len())) {
        Share::Buffers(count) => recv_message(fd, &mut buffers[..count], control, RecvFlags::NONE),
        Share::Part { index, length } => {
            let part = &mut [IoSliceMut::new(&mut buffers[index][..length])];
            recv_message(fd, part, control, RecvFlags::NONE)
        }
        Share::Nothing => {
            recv_message(fd, &mut [IoSliceMut::new(&mut [])], control, RecvFlags::NONE)
        }
    }
}

/// [`send_message`] to the peer of a stream: any number of buffers may be handed over, of any
/// length in all. One call sends what [`vectored_length`](super::vectored_length) says at most, and
/// `control` with it.
///
/// # Errors
///
/// As [`send_message`], but for `EMSGSIZE` of a long list.
///
/// # References
///
/// [sendmsg(2)](https://man7.org/linux/man-pages/man2/sendmsg.2.html)
#[doc(alias = "sendmsg")]
pub fn send_stream_message(
    fd: BorrowedFd<'_>,
    buffers: &[IoSlice<'_>],
    control: &SendControl<'_>,
) -> io::Result<usize> {
    let control = Some(control);
    match share("sendmsg", buffers.iter().map(|buffer| buffer.len())) {
        Share::Buffers(count) => {
            send_message(fd, &buffers[..count], None, control, SendFlags::NONE)
        }
        Share::Part { index, length } => {
            let part = [IoSlice::new(&buffers[index][..length])];
            send_message(fd, &part, None, control, SendFlags::NONE)
        }
        Share::Nothing => send_message(fd, &[], None, control, SendFlags::NONE),
    }
}
