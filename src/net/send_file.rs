//! Sending a file over a stream: sendfile(2), and reading and sending where that is refused.
//!
//! The offset is in the caller's hand, and each call is complete or has done nothing, so a future
//! can be dropped at any point. Nothing that was read is kept: what did not go is read again.
//!
//! Which of the two conditions a `WouldBlock` speaks of must be known, for it clears the readiness
//! of the socket. If the socket has room all the same it was the file: one of /proc or /sys, say,
//! or a device. Then it is read and sent in two calls, and a `WouldBlock` of the first is an error.

use std::{
    io,
    ops::{Bound, Range, RangeBounds},
    os::fd::{BorrowedFd, OwnedFd},
    task::{Context, Poll},
};

use edgewake_sys::{file, sigpipe, socket};

use crate::{async_fd::AsyncFd, driver::budget, io::copy::Buffer, reactor::Direction};

/// What one call asks for at most, so that a file does not keep the loop to itself.
const PIECE_MAX: u64 = 1024 * 1024;

/// What is read at a time where the kernel does not do it all.
const BUFFER_SIZE: usize = 64 * 1024;

impl AsyncFd<OwnedFd> {
    #[inline]
    pub(super) fn try_send_file(
        &self,
        file: BorrowedFd<'_>,
        offset: u64,
        length: usize,
    ) -> io::Result<usize> {
        if length == 0 {
            return Ok(0);
        }
        let end = offset.saturating_add(length as u64);
        self.attempt(Direction::Write, |fd| send_piece(fd, file, &(offset..end)))
    }

    #[inline]
    pub(super) fn poll_send_file(
        &self,
        cx: &mut Context<'_>,
        file: BorrowedFd<'_>,
        range: &mut Range<u64>,
    ) -> Poll<io::Result<usize>> {
        if range.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let sent = self.poll_io(Direction::Write, cx, |fd| send_piece(fd, file, range));
        if let Poll::Ready(Ok(count)) = sent {
            range.start += count as u64;
            budget::charge(count);
        }
        sent
    }

    #[inline]
    pub(super) async fn send_file(
        &self,
        file: BorrowedFd<'_>,
        mut range: Range<u64>,
    ) -> io::Result<u64> {
        let start = range.start;
        let mut send = |cx: &mut Context<'_>| self.poll_send_file(cx, file, &mut range);
        while std::future::poll_fn(&mut send).await? > 0 {}
        Ok(range.start - start)
    }
}

/// The bytes that a caller's range names. To be excluded after is to begin with the next.
pub(super) fn bytes_of(range: impl RangeBounds<u64>) -> Range<u64> {
    let start = match range.start_bound() {
        Bound::Included(&start) => start,
        Bound::Excluded(&before) => before.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(&last) => last.saturating_add(1),
        Bound::Excluded(&end) => end,
        Bound::Unbounded => u64::MAX,
    };
    start..end
}

/// Sends what there is room for of the beginning of a range that is not empty. 0 is the end of the
/// file.
fn send_piece(
    socket: BorrowedFd<'_>,
    file: BorrowedFd<'_>,
    range: &Range<u64>,
) -> io::Result<usize> {
    let length = (range.end - range.start).min(PIECE_MAX) as usize;
    if cfg!(edgewake_has = "sendfile") {
        // Neither the call nor every socket that it may be made on keeps the signal away (T86).
        match sigpipe::quietly(|| socket::send_file(socket, file, range.start, length)) {
            // If there is another reason, the other way will meet it as well.
            Err(error) if socket::is_send_file_refused(&error) => {}
            // Of which of the two? The other way tells them apart.
            Err(error)
                if error.kind() == io::ErrorKind::WouldBlock && socket::has_room(socket)? => {}
            outcome => return outcome,
        }
    }
    send_through_buffer(socket, file, range.start, length)
}

fn send_through_buffer(
    socket: BorrowedFd<'_>,
    file: BorrowedFd<'_>,
    offset: u64,
    length: usize,
) -> io::Result<usize> {
    let mut buffer = Buffer::take(BUFFER_SIZE);
    let room = length.min(BUFFER_SIZE);
    let count = loop {
        match file::read_at(file, &mut buffer[..room], offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Not the socket's: it must not be taken for that.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(not_a_file()),
            Err(error) if error.kind() == io::ErrorKind::NotSeekable => return Err(not_a_file()),
            outcome => break outcome?,
        }
    };
    if count == 0 {
        return Ok(0);
    }
    socket::send(socket, &buffer[..count])
}

#[cold]
fn not_a_file() -> io::Error {
    let sentence = "only what can be read at any offset, without waiting for somebody else, can be \
                    sent as a file: use io::copy for pipes, sockets and terminals";
    io::Error::new(io::ErrorKind::InvalidInput, sentence)
}

#[cfg(test)]
mod tests {
    use std::ops::Bound;

    use super::bytes_of;

    // Goal: every form of a range names the bytes that it names of a slice, and the last one of
    // all overflows nothing.
    #[test]
    fn ranges() {
        assert_eq!(bytes_of(..), 0..u64::MAX);
        assert_eq!(bytes_of(5..), 5..u64::MAX);
        assert_eq!(bytes_of(..5), 0..5);
        assert_eq!(bytes_of(..=5), 0..6);
        assert_eq!(bytes_of(2..5), 2..5);
        assert_eq!(bytes_of((Bound::Excluded(2), Bound::Included(u64::MAX))), 3..u64::MAX);
    }
}
