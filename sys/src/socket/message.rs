//! Messages with everything beside their data: address, control messages, flags.
//!
//! One call is one message. Nothing is cut on the way out: a message that the system cannot take
//! whole is its error (`EMSGSIZE`), since a part of a datagram is another datagram. What a stream
//! may cut is in `stream_message`.
//!
//! [`recv_marked`] is the hot path of Unix streams, and is here because it is a recvmsg(2) too.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::{self, MaybeUninit},
    ops::BitOr,
    os::fd::{AsRawFd, BorrowedFd},
    ptr,
};

use super::{
    stalled::explain,
    transfer::{SEND_FLAGS, sent_into_the_end},
    vectored::{Share, share},
};
use crate::{
    cmsg::{Control, SendControl},
    sockaddr::RawAddr,
    syscall::transfer_length,
};

/// How a message is received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecvFlags(i32);

impl RecvFlags {
    /// Nothing special.
    pub const NONE: RecvFlags = RecvFlags(0);
    /// Leave the message there (`MSG_PEEK`). Descriptors beside it are received all the same, as
    /// further duplicates.
    pub const PEEK: RecvFlags = RecvFlags(libc::MSG_PEEK);
    /// Urgent data (`MSG_OOB`).
    pub const OUT_OF_BAND: RecvFlags = RecvFlags(libc::MSG_OOB);
    /// From the error queue (`MSG_ERRQUEUE`). Linux only.
    #[cfg(edgewake_has = "ip_recverr")]
    pub const ERROR_QUEUE: RecvFlags = RecvFlags(libc::MSG_ERRQUEUE);

    #[inline]
    pub(super) fn bits(self) -> i32 {
        #[cfg(edgewake_has = "msg_cmsg_cloexec")]
        let always = libc::MSG_CMSG_CLOEXEC;
        #[cfg(not(edgewake_has = "msg_cmsg_cloexec"))]
        let always = 0;
        self.0 | always
    }
}

impl BitOr for RecvFlags {
    type Output = RecvFlags;

    #[inline]
    fn bitor(self, other: RecvFlags) -> RecvFlags {
        RecvFlags(self.0 | other.0)
    }
}

/// How a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendFlags(i32);

impl SendFlags {
    /// Nothing special. `SIGPIPE` is not raised, here as everywhere (T50).
    pub const NONE: SendFlags = SendFlags(0);
    /// The end of a record, for `SOCK_SEQPACKET` (`MSG_EOR`).
    pub const END_OF_RECORD: SendFlags = SendFlags(libc::MSG_EOR);
    /// The last byte is urgent (`MSG_OOB`).
    pub const OUT_OF_BAND: SendFlags = SendFlags(libc::MSG_OOB);
    /// Without copying the data, which then must not change until the error queue says so
    /// (`MSG_ZEROCOPY`). Linux only.
    #[cfg(edgewake_has = "so_zerocopy")]
    pub const ZERO_COPY: SendFlags = SendFlags(libc::MSG_ZEROCOPY);

    #[inline]
    pub(super) fn bits(self) -> i32 {
        self.0 | SEND_FLAGS
    }
}

impl BitOr for SendFlags {
    type Output = SendFlags;

    #[inline]
    fn bitor(self, other: SendFlags) -> SendFlags {
        SendFlags(self.0 | other.0)
    }
}

/// A message that was received.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Received {
    /// How many bytes are in the buffers.
    pub length: usize,
    /// Where it came from; `None` where the system does not say, as on connected streams.
    pub address: Option<RawAddr>,
    /// The buffers were too small, and the rest of the message is lost (`MSG_TRUNC`).
    pub truncated: bool,
    /// The [`Control`] was too small, or there was none: control messages were lost
    /// (`MSG_CTRUNC`). Descriptors that were lost are closed.
    pub control_truncated: bool,
    /// It is urgent data (`MSG_OOB`).
    pub out_of_band: bool,
    /// It ends a record (`MSG_EOR`).
    pub end_of_record: bool,
}

impl Received {
    /// From what recvmsg(2) left in the header.
    #[inline]
    pub(super) fn new(length: usize, flags: i32, address: Option<RawAddr>) -> Received {
        let has = |flag| flags & flag != 0;
        Received {
            length,
            address,
            truncated: has(libc::MSG_TRUNC),
            control_truncated: has(libc::MSG_CTRUNC),
            out_of_band: has(libc::MSG_OOB),
            end_of_record: has(libc::MSG_EOR),
        }
    }
}

/// Receives one message into `buffers`, one after the other, and what is beside it into `control`.
///
/// What `control` held before is dropped first. On a stream it receives what is there, up to the
/// next control message.
///
/// # Errors
///
/// As [`recv`](super::recv).
///
/// # Platform notes
///
/// Apple has no `MSG_CMSG_CLOEXEC`: descriptors are made close-on-exec by further calls, and a
/// `fork` between leaks them to the child (T51). There, and on some BSDs, descriptors for which
/// `control` was too small can leak: give it room for as many as a peer may send.
///
/// # References
///
/// [recvmsg(2)](https://man7.org/linux/man-pages/man2/recvmsg.2.html)
#[doc(alias = "recvmsg")]
#[inline]
pub fn recv_message(
    fd: BorrowedFd<'_>,
    buffers: &mut [IoSliceMut<'_>],
    control: Option<&mut Control>,
    flags: RecvFlags,
) -> io::Result<Received> {
    // Not an empty list: that is EMSGSIZE on Apple.
    if let [] | [_] = buffers {
        let single = buffers.first_mut().map_or(&mut [][..], |single| &mut single[..]);
        // SAFETY: the buffer is writable for its length; the kernel writes whole bytes only.
        return unsafe { receive_one(fd, single.as_mut_ptr(), single.len(), control, flags) };
    }
    // SAFETY: `IoSliceMut` has the layout of `iovec` (its documentation promises it), and each
    // names memory that is writable for its length.
    unsafe { receive(fd, buffers.as_mut_ptr().cast(), buffers.len(), control, flags) }
}

/// [`recv_message`] into memory that need not be initialised: the first bytes, as many as the
/// length says, are initialised afterwards.
///
/// # Errors
///
/// As [`recv`](super::recv).
///
/// # References
///
/// [recvmsg(2)](https://man7.org/linux/man-pages/man2/recvmsg.2.html)
#[doc(alias = "recvmsg")]
#[inline]
pub fn recv_message_uninit(
    fd: BorrowedFd<'_>,
    buffer: &mut [MaybeUninit<u8>],
    control: Option<&mut Control>,
    flags: RecvFlags,
) -> io::Result<Received> {
    // SAFETY: the buffer is writable for its length.
    unsafe { receive_one(fd, buffer.as_mut_ptr().cast(), buffer.len(), control, flags) }
}

/// # Safety
///
/// `start` is writable for `length` bytes.
unsafe fn receive_one(
    fd: BorrowedFd<'_>,
    start: *mut u8,
    length: usize,
    control: Option<&mut Control>,
    flags: RecvFlags,
) -> io::Result<Received> {
    let length = transfer_length("recvmsg", length);
    let mut piece = libc::iovec { iov_base: start.cast(), iov_len: length };
    // SAFETY: one entry, of memory that is writable for at least that length.
    unsafe { receive(fd, &raw mut piece, 1, control, flags) }
}

/// # Safety
///
/// Each of the `count` entries from `pieces` names memory that is writable for its length.
unsafe fn receive(
    fd: BorrowedFd<'_>,
    pieces: *mut libc::iovec,
    count: usize,
    mut control: Option<&mut Control>,
    flags: RecvFlags,
) -> io::Result<Received> {
    let mut address = RawAddr::empty();
    let mut message = blank();
    let (name, room) = address.room();
    message.msg_name = name.cast();
    message.msg_namelen = room;
    message.msg_iov = pieces;
    message.msg_iovlen = count as _;
    if let Some(control) = &mut control {
        message.msg_controllen = control.capacity() as _;
        message.msg_control = control.room();
    }
    // SAFETY: the address and the control storage are writable for the lengths given and outlive
    // the call; the caller answers for the pieces.
    let length = unsafe { syscall!(recvmsg(fd.as_raw_fd(), &mut message, flags.bits())) }?;
    if let Some(control) = control {
        // SAFETY: the call succeeded, so the kernel wrote that many bytes to the room, and its
        // descriptors are new.
        unsafe { control.set_filled(message.msg_controllen as _) };
        #[cfg(not(edgewake_has = "msg_cmsg_cloexec"))]
        control.close_on_exec()?;
    }
    address.set_length(message.msg_namelen);
    let address = (message.msg_namelen > 0).then_some(address);
    Ok(Received::new(length as usize, message.msg_flags, address))
}

/// Receives from a stream without taking control messages, and says whether the bytes are *whole*:
/// nothing stood beside them, so that a short count means that the stream is drained.
///
/// Where descriptors or credentials stand beside the bytes, or an urgent mark behind them, the
/// receive stops there although more has arrived (T1, T89): then it is not whole. What stood there
/// is gone; descriptors are closed. Passing no storage is what makes the kernel tell of every kind
/// of control message (`MSG_CTRUNC`) and hand out none.
///
/// # Errors
///
/// As [`recv`](super::recv).
///
/// # References
///
/// [recvmsg(2)](https://man7.org/linux/man-pages/man2/recvmsg.2.html) `MSG_CTRUNC`
#[doc(alias = "recvmsg")]
#[inline]
pub fn recv_marked(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<(usize, bool)> {
    // SAFETY: the buffer is writable for its length; the kernel writes whole bytes only.
    unsafe { receive_marked(fd, buffer.as_mut_ptr(), buffer.len()) }
}

/// [`recv_marked`] into memory that need not be initialised: the first bytes, as many as the count
/// says, are initialised afterwards.
///
/// # Errors
///
/// As [`recv`](super::recv).
///
/// # References
///
/// [recvmsg(2)](https://man7.org/linux/man-pages/man2/recvmsg.2.html) `MSG_CTRUNC`
#[inline]
pub fn recv_marked_uninit(
    fd: BorrowedFd<'_>,
    buffer: &mut [MaybeUninit<u8>],
) -> io::Result<(usize, bool)> {
    // SAFETY: the buffer is writable for its length.
    unsafe { receive_marked(fd, buffer.as_mut_ptr().cast(), buffer.len()) }
}

/// [`recv_marked`] into several buffers, one after the other.
/// [`vectored_length`](super::vectored_length) says from which count on it is short: more than 1024
/// buffers, or more than `INT_MAX` bytes in all, are not filled in one call (T49).
///
/// # Errors
///
/// As [`recv`](super::recv).
///
/// # References
///
/// [recvmsg(2)](https://man7.org/linux/man-pages/man2/recvmsg.2.html) `MSG_CTRUNC`
#[inline]
pub fn recv_marked_vectored(
    fd: BorrowedFd<'_>,
    buffers: &mut [IoSliceMut<'_>],
) -> io::Result<(usize, bool)> {
    match share("recvmsg", buffers.iter().map(|buffer| buffer.len())) {
        Share::Buffers(count) => {
            let start = buffers.as_mut_ptr().cast();
            // SAFETY: `IoSliceMut` has the layout of `iovec` (its documentation promises it), and
            // each of the first `count` names memory that is writable for its length.
            unsafe { receive_marked_pieces(fd, start, count) }
        }
        Share::Part { index, length } => recv_marked(fd, &mut buffers[index][..length]),
        Share::Nothing => recv_marked(fd, &mut []),
    }
}

/// # Safety
///
/// `start` is writable for `length` bytes.
#[inline]
unsafe fn receive_marked(
    fd: BorrowedFd<'_>,
    start: *mut u8,
    length: usize,
) -> io::Result<(usize, bool)> {
    let length = transfer_length("recvmsg", length);
    let mut piece = libc::iovec { iov_base: start.cast(), iov_len: length };
    // SAFETY: one entry, of memory that is writable for at least that length.
    unsafe { receive_marked_pieces(fd, &raw mut piece, 1) }
}

/// # Safety
///
/// Each of the `count` entries from `pieces` names memory that is writable for its length.
#[inline]
unsafe fn receive_marked_pieces(
    fd: BorrowedFd<'_>,
    pieces: *mut libc::iovec,
    count: usize,
) -> io::Result<(usize, bool)> {
    let mut message = blank();
    message.msg_iov = pieces;
    message.msg_iovlen = count as _;
    // SAFETY: neither address nor control storage is offered; the caller answers for the pieces.
    let count = unsafe { syscall!(recvmsg(fd.as_raw_fd(), &mut message, 0)) }?;
    Ok((count as usize, message.msg_flags & (libc::MSG_CTRUNC | libc::MSG_OOB) == 0))
}

/// Sends one message, the bytes of `buffers` one after the other, to `address`, or to the peer of
/// a connected socket, with `control` beside it. Returns how many bytes were sent: on a socket of
/// messages all of them.
///
/// On a stream the control messages go with the first byte, so there must be one.
///
/// # Errors
///
/// - As [`send`](super::send);
/// - `EMSGSIZE` if the message is too long, or in more than 1024 buffers; on Apple, NetBSD and
///   OpenBSD also if it does not fit the send buffer together with its control messages (T46);
/// - `EINVAL` for control messages that the system does not take, `EPERM` for claims that take
///   privilege, `ETOOMANYREFS` if too many descriptors are on their way.
///
/// # References
///
/// [sendmsg(2)](https://man7.org/linux/man-pages/man2/sendmsg.2.html)
#[doc(alias = "sendmsg")]
pub fn send_message(
    fd: BorrowedFd<'_>,
    buffers: &[IoSlice<'_>],
    address: Option<&RawAddr>,
    control: Option<&SendControl<'_>>,
    flags: SendFlags,
) -> io::Result<usize> {
    let mut message = outgoing(address, control);
    let mut piece = libc::iovec { iov_base: ptr::dangling_mut::<u8>().cast(), iov_len: 0 };
    match buffers {
        [] | [_] => {
            if let [single] = buffers {
                piece.iov_base = single.as_ptr().cast_mut().cast();
                piece.iov_len = transfer_length("sendmsg", single.len());
            }
            // Not an empty list: that is EMSGSIZE on Apple.
            message.msg_iov = &raw mut piece;
            message.msg_iovlen = 1;
        }
        several => {
            message.msg_iov = several.as_ptr().cast::<libc::iovec>().cast_mut();
            message.msg_iovlen = several.len() as _;
        }
    }
    // SAFETY: `IoSlice` has the layout of `iovec` (its documentation promises it), each entry names
    // memory that is readable for its length, so are the address and the control messages, and
    // sendmsg(2) writes through none of the pointers.
    match unsafe { syscall!(sendmsg(fd.as_raw_fd(), &message, flags.bits())) } {
        Ok(count) => Ok(count as usize),
        // SAFETY: the pieces are those of the call.
        Err(error) => Err(unsafe { explain(fd, &message, sent_into_the_end(error)) }),
    }
}

/// A header that names what is borrowed here; the caller adds the data.
pub(super) fn outgoing(
    address: Option<&RawAddr>,
    control: Option<&SendControl<'_>>,
) -> libc::msghdr {
    let mut message = blank();
    if let Some(address) = address {
        let (name, length) = address.as_parts();
        message.msg_name = name.cast_mut().cast();
        message.msg_namelen = length;
    }
    if let Some(control) = control.filter(|control| !control.is_empty()) {
        let (start, length) = control.as_parts();
        message.msg_control = start.cast_mut();
        message.msg_controllen = length as _;
    }
    message
}

/// A header of nothing.
#[inline(always)]
pub(super) fn blank() -> libc::msghdr {
    // SAFETY: `msghdr` consists of pointers and integers: all zeros is a value. The C libraries
    // pad it differently, so it cannot be written out field by field.
    unsafe { mem::zeroed() }
}
