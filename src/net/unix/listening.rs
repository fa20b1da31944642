//! What all listeners of this family do, written once.

/// Gives `$listener` what a listener does, with `$connection` for what it accepts. It defines
/// `$incoming` too, the stream of connections.
macro_rules! listener_face {
    ($listener:ident, $connection:ident, $incoming:ident) => {
        impl $listener {
            #[inline(always)]
            fn io(&self) -> &$crate::async_fd::AsyncFd<::std::os::fd::OwnedFd> {
                &self.io
            }

            fn from_io(io: $crate::async_fd::AsyncFd<::std::os::fd::OwnedFd>) -> $listener {
                $listener::from_named($crate::net::unix::path::Named::new(io, None))
            }

            #[inline]
            pub(super) fn from_named(io: $crate::net::unix::path::Named) -> $listener {
                $listener { io, backoff: $crate::net::backoff::SharedBackoff::default() }
            }
        }

        const _: () = {
            use ::std::{
                io,
                os::fd::{AsFd, BorrowedFd, OwnedFd},
                pin::Pin,
                task::{Context, Poll, ready},
            };

            use ::edgewake_sys::{socket, sockopt};
            use ::futures::Stream;
            use $crate::{async_fd::AsyncFd, net::unix::UnixAddr, reactor::Kind};

            /// # Accepting
            impl $listener {
                /// Accepts a connection. The address is the client's: the unnamed one, unless the
                /// client was bound before it connected.
                ///
                /// Connections that died before they were accepted are passed over. While the
                /// process or the system is out of descriptors or memory (`EMFILE`, `ENFILE`,
                /// `ENOBUFS`, `ENOMEM`) it waits, from 5 ms to a second at a time, and then tries
                /// again: the connection stays in the queue.
                ///
                /// # Cancel safety
                ///
                /// Dropping the future loses no connection: one is accepted only when it is
                /// returned.
                ///
                /// # Errors
                ///
                /// - `EINVAL`, `EBADF` and the like: the listener itself is broken, trying again
                ///   does not help;
                /// - `EMFILE` and the like only where no driver is running to time the wait;
                /// - [`NotConnected`](std::io::ErrorKind::NotConnected),
                ///   [`BrokenPipe`](std::io::ErrorKind::BrokenPipe): it would have to wait, and no
                ///   driver is running, or it has shut down.
                ///
                /// # References
                ///
                /// [accept(2)](https://man7.org/linux/man-pages/man2/accept.2.html)
                #[inline]
                pub async fn accept(&self) -> io::Result<($connection, UnixAddr)> {
                    self.io().accept_with(take).await
                }

                /// Polls for a connection.
                ///
                /// # Errors
                ///
                /// As for [`accept`](Self::accept).
                #[inline]
                pub fn poll_accept(
                    &self,
                    cx: &mut Context<'_>,
                ) -> Poll<io::Result<($connection, UnixAddr)>> {
                    self.io().poll_accept_with(cx, &self.backoff, take)
                }

                /// Accepts a connection if there is one.
                ///
                /// # Errors
                ///
                /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) if there is none; otherwise as
                /// for accept(2).
                #[inline]
                pub fn try_accept(&self) -> io::Result<($connection, UnixAddr)> {
                    self.io().try_accept_with(take)
                }

                /// The connections as a stream that never ends.
                #[inline]
                pub fn incoming(&self) -> $incoming<'_> {
                    $incoming { listener: self }
                }

                /// Changes how many connections may wait to be accepted.
                ///
                /// # Errors
                ///
                /// What listen(2) returns.
                #[doc(alias = "listen")]
                #[inline]
                pub fn set_backlog(&self, backlog: u32) -> io::Result<()> {
                    socket::listen(self.io().fd(), i32::try_from(backlog).unwrap_or(i32::MAX))
                }
            }

            fn take(fd: BorrowedFd<'_>) -> io::Result<($connection, UnixAddr)> {
                let (fd, address) = socket::accept_unix(fd)?;
                Ok(($connection::from_accepted(fd), address))
            }

            impl Stream for $incoming<'_> {
                type Item = io::Result<$connection>;

                #[inline]
                fn poll_next(
                    self: Pin<&mut Self>,
                    cx: &mut Context<'_>,
                ) -> Poll<Option<Self::Item>> {
                    let accepted = ready!(self.listener.poll_accept(cx));
                    Poll::Ready(Some(accepted.map(|(connection, _)| connection)))
                }
            }

            impl TryFrom<OwnedFd> for $listener {
                type Error = io::Error;

                /// Takes a listening socket over and makes it non-blocking. One that does not
                /// listen is [`InvalidInput`](std::io::ErrorKind::InvalidInput).
                #[inline]
                fn try_from(owned: OwnedFd) -> io::Result<$listener> {
                    // Some of the errors that such a socket answers to accept are those of a
                    // connection that died, after which accepting would go on for ever.
                    if !sockopt::ACCEPT_CONN.get(owned.as_fd())? {
                        let sentence = "the socket does not listen";
                        return Err(io::Error::new(io::ErrorKind::InvalidInput, sentence));
                    }
                    socket::adopt(owned.as_fd())?;
                    let io = AsyncFd::lazy(owned, Kind::Listener);
                    io.registration().lend();
                    Ok($listener::from_io(io))
                }
            }
        };

        #[doc = concat!("The connections of a [`", stringify!($listener), "`]; see")]
        #[doc = concat!("[`", stringify!($listener), "::incoming`].")]
        #[derive(Debug)]
        #[must_use = "streams do nothing unless polled"]
        pub struct $incoming<'a> {
            listener: &'a $listener,
        }
    };
}

pub(super) use listener_face;
