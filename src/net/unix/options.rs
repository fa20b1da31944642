//! What all sockets of this family can be asked, and set.
//!
//! Each type provides `io()`, which does not count as lending the descriptor.

use std::io;

/// The error of a type of socket that the Unix family lacks here.
#[cold]
pub(super) fn unsupported_type() -> io::Error {
    let sentence = "this system has no SOCK_SEQPACKET among Unix sockets";
    io::Error::new(io::ErrorKind::Unsupported, sentence)
}

/// Gives a type the common options.
macro_rules! unix_options {
    ($type:ident) => {
        const _: () = {
            use ::std::io;

            use ::edgewake_sys::{socket, sockopt};

            /// # Socket options
            ///
            /// Each method is one system call. An option that this system does not have is
            /// [`Unsupported`](std::io::ErrorKind::Unsupported), with its name; which system has
            /// what is the table in [`sockopt`](crate::net::sockopt).
            impl $type {
                /// The size of the receive buffer.
                ///
                /// # Errors
                ///
                /// What getsockopt(2) returns.
                ///
                /// # Platform notes
                ///
                /// Linux counts the sender's buffer only: this one limits nothing there.
                #[doc(alias = "SO_RCVBUF")]
                #[inline]
                pub fn recv_buffer_size(&self) -> io::Result<usize> {
                    sockopt::RECV_BUFFER_SIZE.get(self.io().fd())
                }

                /// Sets [`recv_buffer_size`](Self::recv_buffer_size).
                ///
                /// # Errors
                ///
                /// What setsockopt(2) returns: `ENOBUFS` above the limit, except on Linux.
                #[doc(alias = "SO_RCVBUF")]
                #[inline]
                pub fn set_recv_buffer_size(&self, size: usize) -> io::Result<()> {
                    sockopt::RECV_BUFFER_SIZE.set(self.io().fd(), size)
                }

                /// The size of the send buffer: how much may be on its way before sending waits.
                ///
                /// # Errors
                ///
                /// What getsockopt(2) returns.
                ///
                /// # Platform notes
                ///
                /// Linux doubles what is set, for its bookkeeping, and reports the double.
                #[doc(alias = "SO_SNDBUF")]
                #[inline]
                pub fn send_buffer_size(&self) -> io::Result<usize> {
                    sockopt::SEND_BUFFER_SIZE.get(self.io().fd())
                }

                /// Sets [`send_buffer_size`](Self::send_buffer_size).
                ///
                /// # Errors
                ///
                /// What setsockopt(2) returns: `ENOBUFS` above the limit, except on Linux, which
                /// cuts it.
                #[doc(alias = "SO_SNDBUF")]
                #[inline]
                pub fn set_send_buffer_size(&self, size: usize) -> io::Result<()> {
                    sockopt::SEND_BUFFER_SIZE.set(self.io().fd(), size)
                }

                /// Takes the pending error of the socket: reading it clears it.
                ///
                /// # Errors
                ///
                /// What getsockopt(2) returns: the failure of asking, not the answer.
                #[doc(alias = "SO_ERROR")]
                #[inline]
                pub fn take_error(&self) -> io::Result<Option<io::Error>> {
                    socket::take_error(self.io().fd())
                }

                /// Reads an option that has no method of its own.
                ///
                /// # Errors
                ///
                /// What getsockopt(2) returns.
                pub fn option<T>(&self, option: &sockopt::SockOpt<T>) -> io::Result<T> {
                    option.get(self.io().fd())
                }

                /// Sets an option that has no method of its own.
                ///
                /// # Errors
                ///
                /// What setsockopt(2) returns.
                pub fn set_option<T>(
                    &self,
                    option: &sockopt::SockOpt<T>,
                    value: T,
                ) -> io::Result<()> {
                    option.set(self.io().fd(), value)
                }

                /// This side's address.
                ///
                /// # Errors
                ///
                /// What getsockname(2) returns.
                #[inline]
                pub fn local_addr(&self) -> io::Result<$crate::net::UnixAddr> {
                    socket::local_unix_addr(self.io().fd())
                }
            }
        };
    };
}

/// Gives a type that can be connected what it has of the other end.
macro_rules! peer_options {
    ($type:ident) => {
        const _: () = {
            use ::std::io;

            use ::edgewake_sys::socket;
            use $crate::net::unix::{Credentials, UnixAddr};

            /// # The other end
            impl $type {
                /// The other side's address: the unnamed one, unless that side was bound.
                ///
                /// # Errors
                ///
                /// What getpeername(2) returns: `ENOTCONN` if there is no other side.
                #[inline]
                pub fn peer_addr(&self) -> io::Result<UnixAddr> {
                    socket::peer_unix_addr(self.io().fd())
                }

                /// Who is at the other end: the process that connected, listened or made the pair,
                /// as it was then, with its effective user and group, told by the system.
                ///
                /// The process may have ended since, and another may have its number.
                ///
                /// # Errors
                ///
                /// `ENOTCONN` if there is no other end.
                ///
                /// # Platform notes
                ///
                /// The process id: Linux, Android, Apple, NetBSD, OpenBSD, FreeBSD since 13; not
                /// DragonFly. Of a pair Linux and Apple tell, of datagram sockets Linux alone.
                #[doc(alias = "SO_PEERCRED")]
                #[doc(alias = "getpeereid")]
                #[inline]
                pub fn peer_credentials(&self) -> io::Result<Credentials> {
                    socket::peer_credentials(self.io().fd())
                }
            }
        };
    };
}

/// Gives a type that receives what the senders' credentials can be beside.
macro_rules! passing_options {
    ($type:ident) => {
        const _: () = {
            use ::std::io;

            use ::edgewake_sys::sockopt;

            /// # Credentials beside what is received
            impl $type {
                /// Whether what is received has its sender's credentials beside it, for
                /// [`recv_message`](Self::recv_message) to take
                /// ([`Message::Credentials`](crate::net::unix::Message::Credentials)).
                ///
                /// # Errors
                ///
                /// [`Unsupported`](std::io::ErrorKind::Unsupported) on Apple, DragonFly and
                /// OpenBSD.
                #[doc(alias = "SO_PASSCRED")]
                #[inline]
                pub fn pass_credentials(&self) -> io::Result<bool> {
                    sockopt::PASS_CREDENTIALS.get(self.io().fd())
                }

                /// Sets [`pass_credentials`](Self::pass_credentials). What is under way already may
                /// have none.
                ///
                /// # Errors
                ///
                /// [`Unsupported`](std::io::ErrorKind::Unsupported) on Apple, DragonFly and
                /// OpenBSD.
                ///
                /// # Platform notes
                ///
                /// `SO_PASSCRED` on Linux, `LOCAL_CREDS_PERSISTENT` on FreeBSD, `LOCAL_CREDS` on
                /// NetBSD, which tells them with the first message of a connection only.
                #[doc(alias = "SO_PASSCRED")]
                #[doc(alias = "LOCAL_CREDS")]
                #[inline]
                pub fn set_pass_credentials(&self, pass: bool) -> io::Result<()> {
                    sockopt::PASS_CREDENTIALS.set(self.io().fd(), pass)
                }
            }
        };
    };
}

pub(super) use {passing_options, peer_options, unix_options};
