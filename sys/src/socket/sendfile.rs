//! Sending a file without reading it: sendfile(2), which each system has in a form of its own.
//!
//! A call that was cut short, by a full socket or a signal, moves bytes and fails at once on the
//! BSDs, and returns the count alone on Linux. Here it is the count everywhere; the error comes
//! with the next call, if it still holds.

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd},
};

use crate::{
    file::{offset_of, wide},
    syscall::{beside, transfer_length},
};

/// Sends at most `length` bytes of `file` from `offset` on, as many as there is room for, and
/// returns how many. 0 is the end of the file, unless `length` is 0. The file's own position stays
/// where it is.
///
/// It can raise `SIGPIPE`: see [`sigpipe`](crate::sigpipe). It waits for the disk.
///
/// # Errors
///
/// - `EAGAIN` if there is no room;
/// - `EPIPE`, `ECONNRESET`, `ENOTCONN`, `ETIMEDOUT`, `ENOBUFS` as for a send;
/// - `EINVAL`, `ESPIPE`, `ENOTSUP` and the like: a file, or a socket, that this cannot be done
///   with; `EOVERFLOW`: an offset beyond what `off_t` can hold;
/// - [`Unsupported`](io::ErrorKind::Unsupported) where the system has no such call;
/// - `EIO`, `EINTR`.
///
/// # Platform notes
///
/// NetBSD and OpenBSD have no such call.
///
/// # References
///
/// [sendfile(2)](https://man7.org/linux/man-pages/man2/sendfile.2.html),
/// [FreeBSD's](https://man.freebsd.org/cgi/man.cgi?query=sendfile&sektion=2)
#[doc(alias = "sendfile")]
#[inline]
pub fn send_file(
    socket: BorrowedFd<'_>,
    file: BorrowedFd<'_>,
    offset: u64,
    length: usize,
) -> io::Result<usize> {
    if length == 0 {
        // To the BSDs this is "to the end of the file".
        return Ok(0);
    }
    let length = transfer_length("sendfile", length);
    beside(socket);
    transfer(socket, file, offset_of(offset)?, length)
}

/// Whether a failed [`send_file`] says that it cannot be done with this file, or this socket, or
/// at all, and that reading and sending can be tried instead.
#[inline]
pub fn is_send_file_refused(error: &io::Error) -> bool {
    let refusals = [
        libc::EINVAL,
        libc::ENOSYS,
        libc::EOVERFLOW,
        libc::ESPIPE,
        libc::ENOTSUP,
        libc::EOPNOTSUPP,
    ];
    let named = error.raw_os_error().is_some_and(|errno| refusals.contains(&errno));
    named || error.kind() == io::ErrorKind::Unsupported
}

/// Whether the socket would take more now: what has to be waited for after an `EAGAIN` of
/// [`send_file`] is the socket, or else the file. A socket that has failed has room: the next send
/// says why. Nothing waits.
///
/// # Errors
///
/// `EINTR`, `ENOMEM`.
///
/// # References
///
/// [poll(2)](https://man7.org/linux/man-pages/man2/poll.2.html) `POLLOUT`
#[doc(alias = "poll")]
#[inline]
pub fn has_room(socket: BorrowedFd<'_>) -> io::Result<bool> {
    let mut entry = libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLOUT, revents: 0 };
    // SAFETY: `entry` is one entry to read and write; with a timeout of zero nothing waits.
    unsafe { syscall!(poll(&mut entry, 1, 0)) }?;
    Ok(entry.revents != 0)
}

#[cfg(edgewake_has = "sendfile_linux")]
#[inline]
fn transfer(
    socket: BorrowedFd<'_>,
    file: BorrowedFd<'_>,
    mut offset: wide::off_t,
    length: usize,
) -> io::Result<usize> {
    let (to, from) = (socket.as_raw_fd(), file.as_raw_fd());
    // SAFETY: `offset` is an offset to read and to write.
    let count = unsafe { syscall!(wide::sendfile(to, from, &mut offset, length)) }?;
    Ok(count as usize)
}

#[cfg(edgewake_has = "sendfile_freebsd")]
#[inline]
fn transfer(
    socket: BorrowedFd<'_>,
    file: BorrowedFd<'_>,
    offset: wide::off_t,
    length: usize,
) -> io::Result<usize> {
    let (to, from) = (socket.as_raw_fd(), file.as_raw_fd());
    let (no_headers, mut sent) = (std::ptr::null_mut(), 0);
    // SAFETY: there are no headers, and `sent` is room for the count.
    let outcome = unsafe { syscall!(sendfile(from, to, offset, length, no_headers, &mut sent, 0)) };
    count(outcome, sent)
}

#[cfg(edgewake_has = "sendfile_apple")]
#[inline]
fn transfer(
    socket: BorrowedFd<'_>,
    file: BorrowedFd<'_>,
    offset: wide::off_t,
    length: usize,
) -> io::Result<usize> {
    let (to, from) = (socket.as_raw_fd(), file.as_raw_fd());
    let (asked, no_headers) = (length as wide::off_t, std::ptr::null_mut());
    let mut sent = asked;
    // SAFETY: `sent` is the length to read and room for the count; there are no headers.
    let outcome = unsafe { syscall!(sendfile(from, to, offset, &mut sent, no_headers, 0)) };
    // A call that was refused at once may leave the length where the count would be, and so does
    // one that was never made; one that fails has not sent everything.
    let sent = if outcome.is_err() && sent == asked { 0 } else { sent };
    count(outcome, sent).map_err(super::transfer::sent_into_the_end)
}

/// What the BSDs' call has come to.
#[cfg(any(edgewake_has = "sendfile_freebsd", edgewake_has = "sendfile_apple"))]
#[inline]
fn count(outcome: io::Result<libc::c_int>, sent: wide::off_t) -> io::Result<usize> {
    match outcome {
        Err(error) if sent == 0 => Err(error),
        _ => Ok(sent as usize),
    }
}

#[cfg(not(edgewake_has = "sendfile"))]
#[inline]
fn transfer(_: BorrowedFd<'_>, _: BorrowedFd<'_>, _: wide::off_t, _: usize) -> io::Result<usize> {
    let sentence = "this system has no sendfile(2)";
    Err(io::Error::new(io::ErrorKind::Unsupported, sentence))
}

#[cfg(test)]
mod tests {
    use std::{
        io::{ErrorKind, Read, Write},
        os::{fd::AsFd, unix::net::UnixStream},
    };

    use super::has_room;

    // Goal: a full socket has none, one that was read from has some, and so has one whose peer has
    // gone, since a send would not have to wait.
    #[test]
    fn room_comes_and_goes() {
        let (mut socket, mut peer) = UnixStream::pair().unwrap();
        socket.set_nonblocking(true).unwrap();
        assert!(has_room(socket.as_fd()).unwrap());
        let mut sent = 0;
        let error = loop {
            match socket.write(&[0; 4096]) {
                Ok(count) => sent += count,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        assert!(!has_room(socket.as_fd()).unwrap());
        peer.read_exact(&mut vec![0; sent]).unwrap();
        assert!(has_room(socket.as_fd()).unwrap());
        while socket.write(&[0; 4096]).is_ok() {}
        drop(peer);
        assert!(has_room(socket.as_fd()).unwrap());
    }
}
