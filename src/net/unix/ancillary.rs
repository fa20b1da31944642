//! Descriptors and credentials beside the data, on every socket of this family.
//!
//! What the kernel has handed out is owned from that moment on: by the [`Control`] that received
//! it, then by who takes it out. A receive that is cancelled has received nothing.

use std::{
    io,
    os::fd::{BorrowedFd, OwnedFd, RawFd},
};

use edgewake_sys::{
    cmsg::{Control, Message, SendControl, space},
    sockaddr::RawAddr,
    socket::{self, RecvFlags, SendFlags},
};

use super::UnixAddr;

/// As many descriptors as one message can carry on Linux (`SCM_MAX_FD`), where more is an error of
/// the sender's. Other systems carry more, and tell what had no room.
const FDS_MAX: usize = 253;

/// Credentials of any system: 12 bytes on Linux, elsewhere a structure with up to 16 groups, of
/// which NetBSD's `sockcred`, FreeBSD's `sockcred2` and `cmsgcred` (88, 92 and 84 bytes) are the
/// longest.
const CREDENTIALS: usize = 96;

/// A label of `SO_PASSSEC`. It has no length that Linux promises; `NAME_MAX` is the usual room.
const LABEL: usize = 256;

/// Storage for as many descriptors as a message can carry, and what else may have been asked for:
/// Linux puts it before the descriptors, whose room it takes. FreeBSD can bring credentials twice,
/// the sender's and the receiver's. A descriptor of the sender's process (`SO_PASSPIDFD`) and a
/// timestamp (at most the three of `SO_TIMESTAMPING`) are small.
#[inline]
pub(super) fn storage_for_fds() -> Control {
    let fds = space(FDS_MAX * size_of::<RawFd>());
    let others = 2 * space(CREDENTIALS) + space(LABEL) + space(size_of::<RawFd>()) + space(48);
    Control::with_capacity(fds + others)
}

/// A message, or a piece of a stream, that was received.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Received {
    /// How many bytes are in the buffers.
    pub length: usize,
    /// Where a datagram came from; on connections the unnamed address.
    pub source: UnixAddr,
    /// The buffers were too small, and the rest of the message is lost. Never on streams.
    pub truncated: bool,
    /// Something beside the data had no room, or (Linux) the process no descriptor left for it, and
    /// is lost. Descriptors that were lost are closed.
    pub control_truncated: bool,
    /// The message ends a record (`MSG_EOR`).
    pub end_of_record: bool,
}

impl Received {
    /// Of a receive that asked for nothing.
    #[inline]
    pub(super) fn nothing() -> Received {
        Received {
            length: 0,
            source: UnixAddr::unnamed(),
            truncated: false,
            control_truncated: false,
            end_of_record: false,
        }
    }

    fn from_sys(received: socket::Received) -> Received {
        let source = received.address.and_then(|raw| UnixAddr::try_from(&raw).ok());
        Received {
            length: received.length,
            // One that cannot be read counts as none: the message is worth more.
            source: source.unwrap_or(UnixAddr::unnamed()),
            truncated: received.truncated,
            control_truncated: received.control_truncated,
            end_of_record: received.end_of_record,
        }
    }
}

/// Receives into `data` and `control`.
#[inline]
pub(super) fn recv(
    fd: BorrowedFd<'_>,
    data: &mut [io::IoSliceMut<'_>],
    control: &mut Control,
) -> io::Result<Received> {
    socket::recv_message(fd, data, Some(control), RecvFlags::NONE).map(Received::from_sys)
}

/// The same from a stream: as much of `data` as one call fills.
#[inline]
pub(super) fn recv_bytes(
    fd: BorrowedFd<'_>,
    data: &mut [io::IoSliceMut<'_>],
    control: &mut Control,
) -> io::Result<Received> {
    socket::recv_stream_message(fd, data, control).map(Received::from_sys)
}

/// Sends `data` with `control` beside it.
#[inline]
pub(super) fn send(
    fd: BorrowedFd<'_>,
    data: &[io::IoSlice<'_>],
    control: &SendControl<'_>,
) -> io::Result<usize> {
    socket::send_message(fd, data, None, Some(control), SendFlags::NONE)
}

/// The same to an address, whose queue is waited for by time if it is full.
#[inline]
pub(super) fn send_to(
    fd: BorrowedFd<'_>,
    data: &[io::IoSlice<'_>],
    control: &SendControl<'_>,
    target: &RawAddr,
) -> io::Result<usize> {
    socket::send_message(fd, data, Some(target), Some(control), SendFlags::NONE)
        .map_err(socket::as_queue_full)
}

/// The descriptors in `control`, appended to `fds`.
#[inline]
pub(super) fn take_fds(control: &mut Control, fds: &mut Vec<OwnedFd>) {
    for message in control.messages() {
        if let Message::Fds(received) = message {
            fds.extend(received);
        }
    }
}

/// What must be in hand before descriptors are sent over a stream: a byte to go beside.
#[inline]
pub(super) fn check_carrier(length: usize, control: &SendControl<'_>) -> io::Result<()> {
    if length == 0 && !control.is_empty() {
        let sentence =
            "a stream carries descriptors and credentials beside a byte, and there is none";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, sentence));
    }
    Ok(())
}

/// Gives `$type`, a socket of messages, what goes beside them. It provides `io()` and `pause()`.
macro_rules! ancillary_face {
    ($type:ident) => {
        const _: () = {
            use ::std::{
                io::{self, IoSlice, IoSliceMut},
                os::fd::{BorrowedFd, OwnedFd},
                task::{Context, Poll},
            };

            use $crate::net::unix::{Control, Received, SendControl, ancillary};

            /// # Beside the messages
            ///
            /// Descriptors that are sent are duplicated into the receiver, close-on-exec there;
            /// credentials tell the receiver who has sent.
            impl $type {
                /// Sends a message to the peer, with descriptors beside it.
                ///
                /// # Cancel safety
                ///
                /// A future that is dropped has sent nothing.
                ///
                /// # Errors
                ///
                /// As for [`send`](Self::send); `EINVAL` for more descriptors than the system sends
                /// with one message (253 on Linux); `ETOOMANYREFS` if too many are on their way.
                ///
                /// # References
                ///
                /// [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html) `SCM_RIGHTS`
                #[doc(alias = "SCM_RIGHTS")]
                #[inline]
                pub async fn send_with_fds(
                    &self,
                    bytes: &[u8],
                    fds: &[BorrowedFd<'_>],
                ) -> io::Result<usize> {
                    let mut control = SendControl::new();
                    control.push_fds(fds);
                    self.send_message(&[IoSlice::new(bytes)], &control).await
                }

                /// Receives a message, and appends the descriptors beside it to `fds`. There is
                /// room for 253, which is the most that Linux sends with one, beside credentials
                /// and the like, which are dropped.
                ///
                /// # Cancel safety
                ///
                /// Nothing is lost: what is received is returned in the same step.
                ///
                /// # Errors
                ///
                /// As for [`recv`](Self::recv). On Linux it is no error that the process has no
                /// descriptor left: [`control_truncated`](Received::control_truncated) tells. On
                /// FreeBSD and others it is one (`EMSGSIZE`, `EMFILE`), and the descriptors are
                /// lost.
                #[doc(alias = "SCM_RIGHTS")]
                #[inline]
                pub async fn recv_with_fds(
                    &self,
                    buffer: &mut [u8],
                    fds: &mut Vec<OwnedFd>,
                ) -> io::Result<Received> {
                    let mut control = ancillary::storage_for_fds();
                    let mut data = [IoSliceMut::new(buffer)];
                    let received = self.recv_message(&mut data, &mut control).await?;
                    ancillary::take_fds(&mut control, fds);
                    Ok(received)
                }

                /// Sends a message of several pieces to the peer, with control messages beside it.
                ///
                /// # Cancel safety
                ///
                /// A future that is dropped has sent nothing.
                ///
                /// # Errors
                ///
                /// As for [`send_with_fds`](Self::send_with_fds); `EPERM` for credentials that are
                /// not this process's.
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
                    self.io().send_message(|fd| ancillary::send(fd, data, control)).await
                }

                /// Polls to send a message with control messages beside it.
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
                    let send = |fd: BorrowedFd<'_>| ancillary::send(fd, data, control);
                    self.io().poll_send_message(self.pause(), cx, send)
                }

                /// Sends a message with control messages beside it if there is room.
                ///
                /// # Errors
                ///
                /// As for [`try_send`](Self::try_send) and [`send_message`](Self::send_message).
                #[inline]
                pub fn try_send_message(
                    &self,
                    data: &[IoSlice<'_>],
                    control: &SendControl<'_>,
                ) -> io::Result<usize> {
                    self.io().try_send_message(|fd| ancillary::send(fd, data, control))
                }

                /// Receives a message into several buffers in turn, and what is beside it into
                /// `control`, and says whether either was too small.
                ///
                /// # Cancel safety
                ///
                /// Nothing is lost: what is received is in the caller's hands in the same step.
                ///
                /// # Errors
                ///
                /// As for [`recv`](Self::recv).
                ///
                /// # Platform notes
                ///
                /// Apple has no `MSG_CMSG_CLOEXEC`: a `fork` at the wrong moment leaks a received
                /// descriptor to the child.
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
                    self.io().recv_message(|fd| ancillary::recv(fd, data, control)).await
                }

                /// Polls for a message and what is beside it.
                ///
                /// # Errors
                ///
                /// As for [`recv`](Self::recv).
                #[inline]
                pub fn poll_recv_message(
                    &self,
                    cx: &mut Context<'_>,
                    data: &mut [IoSliceMut<'_>],
                    control: &mut Control,
                ) -> Poll<io::Result<Received>> {
                    self.io().poll_recv_message(cx, |fd| ancillary::recv(fd, data, control))
                }

                /// Receives a message and what is beside it if there is one.
                ///
                /// # Errors
                ///
                /// As for [`try_recv`](Self::try_recv).
                #[inline]
                pub fn try_recv_message(
                    &self,
                    data: &mut [IoSliceMut<'_>],
                    control: &mut Control,
                ) -> io::Result<Received> {
                    self.io().try_recv_message(|fd| ancillary::recv(fd, data, control))
                }
            }
        };

        $crate::net::unix::options::passing_options!($type);
    };
}

pub(super) use ancillary_face;
