//! One listener for several loops: duplicates of it, and waking one of them.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

use edgewake_sys::{Selector, fd};

use crate::{async_fd::AsyncFd, reactor::Kind};

/// Gives `$type`, a listener, the methods for sharing its queue between loops. It consists of `io`,
/// which is [`Duplicate`], and of the `backoff` of `poll_accept`.
macro_rules! sharing_face {
    ($type:ident) => {
        /// # One queue, several loops
        impl $type {
            /// Duplicates the listener: both accept from the same queue, which lives as long as
            /// either. Each may be used on a thread with a driver of its own.
            ///
            /// # Errors
            ///
            /// `EMFILE` at the process's limit of descriptors.
            ///
            /// # References
            ///
            /// [fcntl(2)](https://man7.org/linux/man-pages/man2/fcntl.2.html) `F_DUPFD_CLOEXEC`
            #[doc(alias = "dup")]
            #[inline]
            pub fn try_clone(&self) -> ::std::io::Result<$type> {
                let io = $crate::net::face::sharing::Duplicate::duplicate(&self.io)?;
                Ok($type { io, backoff: $crate::net::backoff::SharedBackoff::default() })
            }

            /// Of several loops at rest that wait at duplicates of this listener, each of which
            /// asks for this, a connection wakes one instead of all (`EPOLLEXCLUSIVE`). Duplicates
            /// that are made later ask for it too. Call it before anything waits here.
            ///
            /// The kernel promises "at least one". A connection may go to a loop that is busy with
            /// others; sockets of their own on one port
            #[doc = "([`set_reuse_port`](crate::net::TcpSocket::set_reuse_port)) spread the load"]
            /// instead, but strand what a loop that ends has not accepted.
            ///
            /// *The loop that was woken is the only one that was told.* If it does not accept,
            /// since another branch of a `select` was ready, the future was dropped, or its thread
            /// ends, the connection waits, and the other loops sleep until the next one comes. So
            /// ask for this only where each loop accepts until it would block, again and again, and
            /// where a loop that stops drains the queue first: `try_accept` until
            /// [`WouldBlock`](std::io::ErrorKind::WouldBlock), after its last `accept`.
            ///
            /// # Errors
            ///
            /// - [`Unsupported`](std::io::ErrorKind::Unsupported) but on Linux and Android: kqueue
            ///   tells all;
            /// - [`InvalidInput`](std::io::ErrorKind::InvalidInput) once something has waited here.
            ///
            /// # Examples
            ///
            /// ```
            /// use edgewake::net::TcpListener;
            /// use std::io::ErrorKind;
            ///
            /// # let runtime = edgewake::Runtime::new()?;
            /// # runtime.block_on(async {
            /// let listener = TcpListener::bind("127.0.0.1:0").await?;
            /// match listener.set_wake_one() {
            ///     Err(error) if error.kind() == ErrorKind::Unsupported => {} // All wake, then.
            ///     outcome => outcome?,
            /// }
            /// let second = listener.try_clone()?; // For another thread's loop.
            /// assert_eq!(second.local_addr()?, listener.local_addr()?);
            /// # std::io::Result::Ok(())
            /// # })?;
            /// # Ok::<(), std::io::Error>(())
            /// ```
            ///
            /// # References
            ///
            /// [epoll_ctl(2)](https://man7.org/linux/man-pages/man2/epoll_ctl.2.html)
            /// `EPOLLEXCLUSIVE`
            #[doc(alias = "EPOLLEXCLUSIVE")]
            #[inline]
            pub fn set_wake_one(&self) -> ::std::io::Result<()> {
                $crate::net::face::sharing::wake_one(&self.io)
            }
        }
    };
}

/// What holds a listener's descriptor.
pub(in crate::net) trait Duplicate: Sized {
    /// A second descriptor of the same listener, to be registered by itself.
    fn duplicate(&self) -> io::Result<Self>;
}

impl Duplicate for AsyncFd<OwnedFd> {
    #[inline]
    fn duplicate(&self) -> io::Result<AsyncFd<OwnedFd>> {
        // As `as_fd` says it: from now on closing one descriptor does not end its registration.
        let copy = AsyncFd::lazy(fd::duplicate(self.as_fd())?, Kind::Listener);
        copy.registration().lend();
        if self.registration().is_exclusive() {
            let _nobody_has_waited_yet = copy.registration().tell_one();
        }
        Ok(copy)
    }
}

#[inline]
pub(in crate::net) fn wake_one(io: &AsyncFd<OwnedFd>) -> io::Result<()> {
    if !Selector::HAS_EXCLUSIVE {
        let sentence = "this system wakes every loop that waits at a listener (EPOLLEXCLUSIVE)";
        return Err(io::Error::new(io::ErrorKind::Unsupported, sentence));
    }
    if !io.registration().is_exclusive() && !io.registration().tell_one() {
        let sentence = "the listener has been waited at: ask for one wake-up before that";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, sentence));
    }
    Ok(())
}

pub(in crate::net) use sharing_face;
