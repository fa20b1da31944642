//! A message that would wait for ever (T46).
//!
//! Where the room of a socket's send buffer is asked for data and control messages together, but
//! only the data is checked against its size, a message that fits by itself and not with its
//! control messages is `EAGAIN`, however long one waits (`sosend` of XNU, NetBSD and OpenBSD; quinn
//! found it on macOS). It is `EMSGSIZE` here: a larger send buffer is what helps.
//!
//! Called by the sends with control messages, once they have failed; it costs the others nothing.

use std::{io, os::fd::BorrowedFd};

#[cfg(any(test, edgewake_has = "control_in_send_buffer"))]
use crate::sockopt::{SEND_BUFFER_SIZE, TYPE};

/// What the `error` of a message says that was not sent.
///
/// # Safety
///
/// The pieces that `message` lists can be read, as sendmsg(2) did.
#[cfg(edgewake_has = "control_in_send_buffer")]
#[cold]
pub(super) unsafe fn explain(
    fd: BorrowedFd<'_>,
    message: &libc::msghdr,
    error: io::Error,
) -> io::Error {
    let control = message.msg_controllen as usize;
    if error.kind() != io::ErrorKind::WouldBlock || control == 0 {
        return error;
    }
    let pieces = (0..message.msg_iovlen as usize).map(|index| {
        // SAFETY: the list has that many entries, as the caller promises.
        unsafe { (*message.msg_iov.add(index)).iov_len }
    });
    if never_fits(fd, pieces.sum(), control) {
        return io::Error::from_raw_os_error(libc::EMSGSIZE);
    }
    error
}

/// Elsewhere an error is what it says.
///
/// # Safety
///
/// None is needed.
#[cfg(not(edgewake_has = "control_in_send_buffer"))]
#[inline(always)]
pub(super) unsafe fn explain(_: BorrowedFd<'_>, _: &libc::msghdr, error: io::Error) -> io::Error {
    error
}

/// Whether a message is too long for the socket's send buffer together with its control messages.
/// A stream takes the data in parts.
#[cfg(any(test, edgewake_has = "control_in_send_buffer"))]
fn never_fits(fd: BorrowedFd<'_>, data: usize, control: usize) -> bool {
    let whole = TYPE.get(fd).is_ok_and(|kind| kind != libc::SOCK_STREAM);
    whole && SEND_BUFFER_SIZE.get(fd).is_ok_and(|size| data.saturating_add(control) > size)
}

#[cfg(test)]
mod tests {
    use std::os::{
        fd::AsFd,
        unix::net::{UnixDatagram, UnixStream},
    };

    use super::never_fits;
    use crate::sockopt::SEND_BUFFER_SIZE;

    // T46. Goal: a message is told from one that has to wait by the size of the buffer, to the
    // byte; and a stream never is.
    #[test]
    fn t46_what_never_fits() {
        let (socket, _peer) = UnixDatagram::pair().unwrap();
        let size = SEND_BUFFER_SIZE.get(socket.as_fd()).unwrap();
        assert!(!never_fits(socket.as_fd(), size - 24, 24));
        assert!(never_fits(socket.as_fd(), size - 23, 24));
        assert!(never_fits(socket.as_fd(), usize::MAX, 24));
        let (stream, _peer) = UnixStream::pair().unwrap();
        assert!(!never_fits(stream.as_fd(), usize::MAX, 24));
    }
}
