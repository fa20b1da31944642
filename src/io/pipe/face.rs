//! What the two ends of a pipe have in common, written once, documentation included.

/// Gives `$type`, the end `$end` of a pipe, its making of other descriptors, its giving them back,
/// and its size. It provides `fn of_our_own(OwnedFd) -> Self`.
macro_rules! end_face {
    ($type:ident, $end:expr) => {
        const _: () = {
            use ::std::{
                io,
                os::fd::{AsFd, OwnedFd},
            };

            use ::edgewake_sys::{fd, pipe as sys};
            use $crate::async_fd::AsyncFd;

            /// # Its descriptor
            impl $type {
                /// Takes over a descriptor, as the conversion from [`OwnedFd`] does.
                ///
                /// # Errors
                ///
                /// [`InvalidInput`](std::io::ErrorKind::InvalidInput): it is no pipe, or not this
                /// end of one. `EMFILE`, `ENFILE`: the process's first `Sender` takes a descriptor
                /// more. Otherwise what fstat(2) and fcntl(2) return.
                ///
                /// # Platform notes
                ///
                /// On Apple it must not be the reading end of a FIFO by path, unless it is open for
                /// writing too: the system never tells that its last writer has gone, so that
                /// reading could wait for ever, and cannot tell it from an anonymous pipe.
                /// [`OpenOptions::open_receiver`](super::OpenOptions::open_receiver) refuses it.
                #[inline]
                pub fn from_owned_fd(owned: OwnedFd) -> io::Result<$type> {
                    $type::try_from(owned)
                }

                /// Takes over a descriptor of which it is not checked whether it is this end of a
                /// pipe, and makes it non-blocking: a terminal, say, or another character device.
                ///
                /// What cannot be polled, as regular files on Linux and `/dev/null`, reads and
                /// writes as long as it never has to wait; waiting for it is
                /// [`Unsupported`](std::io::ErrorKind::Unsupported).
                ///
                /// # Errors
                ///
                /// What fcntl(2) returns; `EMFILE`, `ENFILE` as for
                /// [`from_owned_fd`](Self::from_owned_fd).
                #[inline]
                pub fn from_owned_fd_unchecked(owned: OwnedFd) -> io::Result<$type> {
                    sys::adopt(owned.as_fd(), $end)?;
                    let end = $type::of_our_own(owned);
                    // Others may have duplicates of it.
                    end.io().registration().lend();
                    Ok(end)
                }

                /// Deregisters the descriptor, makes it blocking, and gives it away, as a child
                /// process wants it for its standard streams.
                ///
                /// Non-blocking is a property that duplicates of a descriptor share: those become
                /// blocking too.
                ///
                /// # Errors
                ///
                /// What fcntl(2) returns; the descriptor is closed then.
                #[inline]
                pub fn into_blocking_fd(self) -> io::Result<OwnedFd> {
                    let owned = OwnedFd::from(self);
                    fd::set_nonblocking(owned.as_fd(), false)?;
                    Ok(owned)
                }

                /// Deregisters the descriptor and gives it away. It stays non-blocking.
                ///
                /// # Errors
                ///
                /// None today; the type leaves room.
                #[inline]
                pub fn into_nonblocking_fd(self) -> io::Result<OwnedFd> {
                    Ok(OwnedFd::from(self))
                }

                /// How many bytes the pipe can hold.
                ///
                /// # Errors
                ///
                /// [`Unsupported`](std::io::ErrorKind::Unsupported) except on Linux and Android.
                #[doc(alias = "F_GETPIPE_SZ")]
                #[inline]
                pub fn capacity(&self) -> io::Result<usize> {
                    sys::capacity(self.io().fd())
                }

                /// Changes how many bytes the pipe can hold, and returns what it can hold now: at
                /// least `bytes`. A writer that waits for room is woken by more of it.
                ///
                /// # Errors
                ///
                /// - `EPERM`: more than `/proc/sys/fs/pipe-max-size` (1 MiB by default);
                /// - `EBUSY`: less than what is in the pipe;
                /// - [`Unsupported`](std::io::ErrorKind::Unsupported) except on Linux and Android.
                #[doc(alias = "F_SETPIPE_SZ")]
                #[inline]
                pub fn set_capacity(&self, bytes: usize) -> io::Result<usize> {
                    sys::set_capacity(self.io().fd(), bytes)
                }

                #[inline(always)]
                pub(crate) fn io(&self) -> &AsyncFd<OwnedFd> {
                    &self.io
                }
            }

            impl TryFrom<OwnedFd> for $type {
                type Error = io::Error;

                /// Takes a descriptor over and makes it non-blocking, for all who have duplicates
                /// of it.
                ///
                /// What is not this end of a pipe is refused with
                /// [`InvalidInput`](std::io::ErrorKind::InvalidInput). The two ends of an anonymous
                /// pipe cannot be told apart on FreeBSD and DragonFly, where both are open both
                /// ways.
                ///
                /// # Platform notes
                ///
                /// On Apple a `Receiver` of a FIFO by path could wait for ever; see
                /// [`from_owned_fd`](Self::from_owned_fd).
                #[inline]
                fn try_from(owned: OwnedFd) -> io::Result<$type> {
                    sys::check(owned.as_fd(), $end)?;
                    $type::from_owned_fd_unchecked(owned)
                }
            }
        };
    };
}

pub(super) use end_face;
