//! Receiving into and sending from several buffers at once.
//!
//! Receiving is `readv`, which on a socket is `recv` without flags. Sending is `sendmsg`, because
//! `writev` takes no `MSG_NOSIGNAL` (T50). What one call cannot take is left for the next: more
//! than 1024 buffers, or more than `INT_MAX` bytes in all, are `EINVAL` on some systems
//! (T49). So it is where streams receive and send messages, whose calls ask for the [`share`] too.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem,
    os::fd::{AsRawFd, BorrowedFd},
    ptr,
};

use super::transfer::{SEND_FLAGS, receive, send, sent_into_the_end};
use crate::syscall::transfer_length;

/// `IOV_MAX`: 1024 on every system here (`UIO_MAXIOV` of Linux's `<linux/uio.h>`, `IOV_MAX` of the
/// others' `<sys/syslimits.h>`).
const MAX_BUFFERS: usize = 1024;

/// The bytes of one call, as [`transfer_length`] cuts them.
const MOST_BYTES: usize = libc::c_int::MAX as usize - 1;

/// Receives what is there into `buffers`, one after the other, and returns how many bytes. 0 is
/// the end of the stream, unless there is no room in `buffers`.
///
/// # Errors
///
/// As [`recv`](super::recv).
///
/// # References
///
/// [readv(2)](https://man7.org/linux/man-pages/man2/readv.2.html)
#[doc(alias = "readv")]
#[inline]
pub fn recv_vectored(fd: BorrowedFd<'_>, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
    match share("readv", buffers.iter().map(|buffer| buffer.len())) {
        Share::Buffers(count) => {
            let start = buffers.as_mut_ptr().cast::<libc::iovec>();
            // SAFETY: `IoSliceMut` has the layout of `iovec` (its documentation promises it), and
            // each of the first `count` names memory that is writable for its length.
            let count = unsafe { syscall!(readv(fd.as_raw_fd(), start, count as i32)) }?;
            Ok(count as usize)
        }
        Share::Part { index, length } => {
            let start = buffers[index].as_mut_ptr();
            // SAFETY: `length` is at most that of this buffer, which is writable.
            unsafe { receive(fd, start, length, 0) }
        }
        // readv of no buffers is EINVAL on some systems, a receive of no bytes on none.
        // SAFETY: nothing is written to an empty buffer.
        Share::Nothing => unsafe { receive(fd, ptr::dangling_mut(), 0, 0) },
    }
}

/// Sends what there is room for from `buffers`, one after the other, and returns how many bytes.
///
/// # Errors
///
/// As [`send`].
///
/// # References
///
/// [sendmsg(2)](https://man7.org/linux/man-pages/man2/sendmsg.2.html)
#[doc(alias = "sendmsg")]
#[doc(alias = "writev")]
#[inline]
pub fn send_vectored(fd: BorrowedFd<'_>, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
    match share("sendmsg", buffers.iter().map(|buffer| buffer.len())) {
        Share::Buffers(count) => {
            // SAFETY: `msghdr` consists of pointers and integers: all zeros is a value, without
            // an address, control data or flags. The C libraries pad it differently, so it
            // cannot be written out field by field.
            let mut message = unsafe { mem::zeroed::<libc::msghdr>() };
            message.msg_iov = buffers.as_ptr().cast::<libc::iovec>().cast_mut();
            message.msg_iovlen = count as _;
            // SAFETY: `IoSlice` has the layout of `iovec` (its documentation promises it), each of
            // the first `count` names memory that is readable for its length, and sendmsg(2)
            // writes through none of the pointers.
            match unsafe { syscall!(sendmsg(fd.as_raw_fd(), &message, SEND_FLAGS)) } {
                Ok(count) => Ok(count as usize),
                Err(error) => Err(sent_into_the_end(error)),
            }
        }
        Share::Part { index, length } => send(fd, &buffers[index][..length]),
        // sendmsg of no buffers is EMSGSIZE on Apple, a send of no bytes is an error nowhere.
        Share::Nothing => send(fd, &[]),
    }
}

/// How many bytes one call of [`recv_vectored`] or [`send_vectored`] transfers at most, given the
/// `lengths` of its buffers: all of them, unless there are too many. A count below this is short;
/// a count below their sum need not be.
#[inline]
pub fn vectored_length(mut lengths: impl Iterator<Item = usize> + Clone) -> usize {
    match whole(lengths.clone()) {
        (_, 0) => lengths.find(|length| *length > 0).unwrap_or(0).min(MOST_BYTES),
        (_, total) => total,
    }
}

/// How much of a list of buffers one call may take.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Share {
    /// This many buffers from the first, whole.
    Buffers(usize),
    /// The first bytes of one buffer, before which all are empty.
    Part { index: usize, length: usize },
    /// There are no bytes in any buffer.
    Nothing,
}

/// How many buffers of these `lengths` one call takes whole, and their bytes.
#[inline]
fn whole(lengths: impl Iterator<Item = usize>) -> (usize, usize) {
    let (mut count, mut total) = (0, 0_usize);
    for length in lengths.take(MAX_BUFFERS) {
        let with = total.saturating_add(length);
        if with > MOST_BYTES {
            break;
        }
        (count, total) = (count + 1, with);
    }
    (count, total)
}

/// The share of buffers of these `lengths` that one call `name` takes.
#[inline]
pub(crate) fn share(name: &'static str, lengths: impl Iterator<Item = usize> + Clone) -> Share {
    let (count, total) = whole(lengths.clone());
    // Below the limit it comes back shorter only where a fault plan wants a short count.
    let allowed = transfer_length(name, total);
    if total > 0 && allowed == total {
        return Share::Buffers(count);
    }
    // Handing over empty buffers alone would make a 0 that looks like the end.
    part(lengths, if total == 0 { MOST_BYTES } else { allowed })
}

/// At most `most` bytes of the first buffer that has any: it is too long or too far back for a
/// list, or a fault plan wants a short count.
#[cold]
fn part(lengths: impl Iterator<Item = usize>, most: usize) -> Share {
    match lengths.enumerate().find(|(_, length)| *length > 0) {
        Some((index, length)) => Share::Part { index, length: length.min(most) },
        None => Share::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_BUFFERS, MOST_BYTES, Share, share, vectored_length};

    fn of(lengths: &[usize]) -> Share {
        share("readv", lengths.iter().copied())
    }

    // T49. Goal: no list is handed over that a kernel refuses, and none that moves nothing.
    #[test]
    fn t49_lists_are_cut_to_what_kernels_accept() {
        assert_eq!(of(&[]), Share::Nothing);
        assert_eq!(of(&[0, 0]), Share::Nothing);
        assert_eq!(of(&[0, 3, 0]), Share::Buffers(3));
        assert_eq!(of(&[1; MAX_BUFFERS + 1]), Share::Buffers(MAX_BUFFERS));
        assert_eq!(of(&[1, MOST_BYTES]), Share::Buffers(1));
        assert_eq!(of(&[1, MOST_BYTES - 1, 1]), Share::Buffers(2));
        assert_eq!(of(&[usize::MAX, 1]), Share::Part { index: 0, length: MOST_BYTES });
        assert_eq!(of(&[0, usize::MAX]), Share::Part { index: 1, length: MOST_BYTES });
        let mut late = vec![0; MAX_BUFFERS];
        late.push(5);
        assert_eq!(of(&late), Share::Part { index: MAX_BUFFERS, length: 5 });
    }

    // T49. Goal: the length from which "short" is told is that of the share, not of the list.
    #[test]
    fn t49_length_of_a_call_is_that_of_its_share() {
        let length = |lengths: &[usize]| vectored_length(lengths.iter().copied());
        assert_eq!(length(&[]), 0);
        assert_eq!(length(&[0, 0]), 0);
        assert_eq!(length(&[0, 3, 4]), 7);
        assert_eq!(length(&[1; 2 * MAX_BUFFERS]), MAX_BUFFERS);
        assert_eq!(length(&[1, MOST_BYTES]), 1);
        assert_eq!(length(&[usize::MAX, 1]), MOST_BYTES);
        let mut late = vec![0; MAX_BUFFERS];
        late.extend([5, 6]);
        assert_eq!(length(&late), 5);
    }

    // Goal: the constant is the system's own limit, or below it.
    #[test]
    fn t49_limit_is_the_systems() {
        // SAFETY: takes a name by value.
        let limit = unsafe { libc::sysconf(libc::_SC_IOV_MAX) };
        assert!(limit >= MAX_BUFFERS as libc::c_long, "IOV_MAX is {limit}");
    }
}
