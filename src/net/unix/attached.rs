//! Descriptors and credentials beside the bytes of a stream, and of its halves.
//!
//! A receive concludes nothing from its count: what is attached to the bytes behind ends it early
//! (T1).

use std::{
    future::poll_fn,
    io::{self, IoSlice, IoSliceMut},
    os::fd::{BorrowedFd, OwnedFd},
    task::{Context, Poll},
};

use edgewake_sys::socket::send_stream_message;

use super::{
    Control, OwnedReadHalf, OwnedWriteHalf, ReadHalf, Received, SendControl, UnixStream, WriteHalf,
    ancillary::{check_carrier, recv_bytes, storage_for_fds, take_fds},
    options::passing_options,
};
use crate::reactor::Direction;

passing_options!(UnixStream);

/// # Beside the bytes
///
/// Descriptors that are sent are duplicated into the receiver, close-on-exec there; credentials
/// tell the receiver who has sent. They go with the first byte that they are sent with, and a read
/// ends where the next ones are attached: what was sent at once is not received at once.
///
/// A plain read that meets descriptors closes them.
impl UnixStream {
    /// Sends bytes, with descriptors beside the first of them, and returns how many bytes were
    /// sent. If that is not all, the descriptors have gone all the same: send the rest without.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped has sent nothing.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](io::ErrorKind::InvalidInput): there are descriptors, and no byte;
    /// - `EINVAL`: more descriptors than the system sends at once (253 on Linux); `ETOOMANYREFS`:
    ///   too many are on their way;
    /// - what send(2) returns, and as for [`writable`](Self::writable).
    ///
    /// # Examples
    ///
    /// ```
    /// use edgewake::net::UnixStream;
    /// use std::os::fd::AsFd;
    ///
    /// # let runtime = edgewake::Runtime::new()?;
    /// # runtime.block_on(async {
    /// let (here, there) = UnixStream::pair()?;
    /// let file = std::fs::File::open("/dev/null")?;
    /// here.send_with_fds(b"a file", &[file.as_fd()]).await?;
    ///
    /// let (mut buffer, mut fds) = ([0; 64], Vec::new());
    /// let received = there.recv_with_fds(&mut buffer, &mut fds).await?;
    /// assert_eq!((received.length, fds.len()), (6, 1));
    /// let _file = std::fs::File::from(fds.remove(0));
    /// # std::io::Result::Ok(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # References
    ///
    /// [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html) `SCM_RIGHTS`
    #[doc(alias = "SCM_RIGHTS")]
    #[inline]
    pub async fn send_with_fds(&self, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
        let mut control = SendControl::new();
        control.push_fds(fds);
        self.send_message(&[IoSlice::new(bytes)], &control).await
    }

    /// Receives bytes, up to the next that have something attached, and appends the descriptors
    /// beside them to `fds`. There is room for 253, which is the most that Linux sends at once,
    /// beside credentials and the like, which are dropped. A length of zero is the end of the
    /// stream.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: what is received is returned in the same step.
    ///
    /// # Errors
    ///
    /// What recv(2) returns, and as for [`readable`](Self::readable). On Linux it is no error that
    /// the process has no descriptor left: [`control_truncated`](Received::control_truncated)
    /// tells. On FreeBSD and others it is one (`EMSGSIZE`, `EMFILE`), and the descriptors are lost.
    #[doc(alias = "SCM_RIGHTS")]
    #[inline]
    pub async fn recv_with_fds(
        &self,
        buffer: &mut [u8],
        fds: &mut Vec<OwnedFd>,
    ) -> io::Result<Received> {
        let mut control = storage_for_fds();
        let mut data = [IoSliceMut::new(buffer)];
        let received = self.recv_message(&mut data, &mut control).await?;
        take_fds(&mut control, fds);
        Ok(received)
    }

    /// Sends bytes from several buffers in turn, with control messages beside the first of them;
    /// otherwise as [`send_with_fds`](Self::send_with_fds). Of more than 1024 buffers a part is
    /// sent, as where the room does not suffice.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped has sent nothing.
    ///
    /// # Errors
    ///
    /// As for [`send_with_fds`](Self::send_with_fds); `EPERM` for credentials that are not this
    /// process's.
    ///
    /// # References
    ///
    /// [sendmsg(2)](https://man7.org/linux/man-pages/man2/sendmsg.2.html)
    #[doc(alias = "sendmsg")]
    #[inline]
    pub async fn send_message(
        &self,
        data: &[IoSlice<'_>],
        control: &SendControl<'_>,
    ) -> io::Result<usize> {
        poll_fn(|cx| self.poll_send_message(cx, data, control)).await
    }

    /// Polls to send bytes with control messages beside them.
    ///
    /// # Errors
    ///
    /// As for [`send_message`](Self::send_message).
    #[inline]
    pub fn poll_send_message(
        &self,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
        control: &SendControl<'_>,
    ) -> Poll<io::Result<usize>> {
        check_carrier(length(data), control)?;
        self.io().poll_io(Direction::Write, cx, |fd| send_stream_message(fd, data, control))
    }

    /// Sends bytes with control messages beside them if there is room.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none; otherwise as for
    /// [`send_message`](Self::send_message).
    #[inline]
    pub fn try_send_message(
        &self,
        data: &[IoSlice<'_>],
        control: &SendControl<'_>,
    ) -> io::Result<usize> {
        check_carrier(length(data), control)?;
        self.io().attempt(Direction::Write, |fd| send_stream_message(fd, data, control))
    }

    /// Receives bytes into several buffers in turn, up to the next that have something attached,
    /// and what is beside them into `control`. A length of zero is the end of the stream.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: what is received is in the caller's hands in the same step.
    ///
    /// # Errors
    ///
    /// As for [`recv_with_fds`](Self::recv_with_fds).
    ///
    /// # Platform notes
    ///
    /// Apple has no `MSG_CMSG_CLOEXEC`: a `fork` at the wrong moment leaks a received descriptor to
    /// the child.
    ///
    /// # References
    ///
    /// [recvmsg(2)](https://man7.org/linux/man-pages/man2/recvmsg.2.html)
    #[doc(alias = "recvmsg")]
    #[inline]
    pub async fn recv_message(
        &self,
        data: &mut [IoSliceMut<'_>],
        control: &mut Control,
    ) -> io::Result<Received> {
        poll_fn(|cx| self.poll_recv_message(cx, data, control)).await
    }

    /// Polls for bytes and what is beside them.
    ///
    /// # Errors
    ///
    /// As for [`recv_message`](Self::recv_message).
    #[inline]
    pub fn poll_recv_message(
        &self,
        cx: &mut Context<'_>,
        data: &mut [IoSliceMut<'_>],
        control: &mut Control,
    ) -> Poll<io::Result<Received>> {
        if !has_room(data) {
            control.clear();
            return Poll::Ready(Ok(Received::nothing()));
        }
        self.io().poll_io(Direction::Read, cx, |fd| recv_bytes(fd, data, control))
    }

    /// Receives bytes and what is beside them if there are any.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there are none; otherwise as for
    /// [`recv_message`](Self::recv_message).
    #[inline]
    pub fn try_recv_message(
        &self,
        data: &mut [IoSliceMut<'_>],
        control: &mut Control,
    ) -> io::Result<Received> {
        if !has_room(data) {
            control.clear();
            return Ok(Received::nothing());
        }
        self.io().attempt(Direction::Read, |fd| recv_bytes(fd, data, control))
    }
}

fn length(data: &[IoSlice<'_>]) -> usize {
    data.iter().fold(0, |sum, piece| sum.saturating_add(piece.len()))
}

/// A receive of no bytes completes at once and takes nothing, as everywhere on streams (T62). What
/// its storage holds is dropped all the same: it belongs to an earlier receive.
fn has_room(data: &[IoSliceMut<'_>]) -> bool {
    data.iter().any(|piece| !piece.is_empty())
}

/// Gives a reading half what the whole stream receives beside the bytes.
macro_rules! receiving_half {
    ($half:ty) => {
        /// Beside the bytes: the methods of the whole stream, which documents them.
        impl $half {
            /// See [`UnixStream::recv_with_fds`].
            ///
            /// # Errors
            ///
            /// As there.
            #[inline]
            pub async fn recv_with_fds(
                &self,
                buffer: &mut [u8],
                fds: &mut Vec<OwnedFd>,
            ) -> io::Result<Received> {
                self.as_ref().recv_with_fds(buffer, fds).await
            }

            /// See [`UnixStream::recv_message`].
            ///
            /// # Errors
            ///
            /// As there.
            #[inline]
            pub async fn recv_message(
                &self,
                data: &mut [IoSliceMut<'_>],
                control: &mut Control,
            ) -> io::Result<Received> {
                self.as_ref().recv_message(data, control).await
            }
        }
    };
}

/// Gives a writing half what the whole stream sends beside the bytes.
macro_rules! sending_half {
    ($half:ty) => {
        /// Beside the bytes: the methods of the whole stream, which documents them.
        impl $half {
            /// See [`UnixStream::send_with_fds`].
            ///
            /// # Errors
            ///
            /// As there.
            #[inline]
            pub async fn send_with_fds(
                &self,
                bytes: &[u8],
                fds: &[BorrowedFd<'_>],
            ) -> io::Result<usize> {
                self.as_ref().send_with_fds(bytes, fds).await
            }

            /// See [`UnixStream::send_message`].
            ///
            /// # Errors
            ///
            /// As there.
            #[inline]
            pub async fn send_message(
                &self,
                data: &[IoSlice<'_>],
                control: &SendControl<'_>,
            ) -> io::Result<usize> {
                self.as_ref().send_message(data, control).await
            }
        }
    };
}

receiving_half!(ReadHalf<'_>);
receiving_half!(OwnedReadHalf);
sending_half!(WriteHalf<'_>);
sending_half!(OwnedWriteHalf);
