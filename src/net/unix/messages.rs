//! What the sockets of messages have in common: datagrams and seqpackets that have a peer.

/// Gives `$type` sending to and receiving from its peer. It provides `io()` and `pause()`.
macro_rules! message_face {
    ($type:ident) => {
        const _: () = {
            use ::std::{
                io,
                net::Shutdown,
                task::{Context, Poll},
            };

            use ::bytes::BufMut;
            use ::edgewake_sys::socket;
            use $crate::io::read_buf;

            /// # Messages to and from the peer
            ///
            /// Each has three forms: the `async` one waits, `poll_` registers the task, `try_`
            /// fails with [`WouldBlock`](std::io::ErrorKind::WouldBlock) instead of waiting. Any
            /// number of tasks may wait in the `async` forms. Of those that wait by `poll_` the
            /// last one's waker is sure to be kept, and at least eight more.
            ///
            /// A message is received whole or cut: what does not fit into the buffer is lost, and
            /// the count does not say so; [`recv_message`](Self::recv_message) does.
            impl $type {
                /// Sends a message to the peer. Returns its length: it goes whole or not at all.
                ///
                /// It waits until there is room for it, and where the system cannot tell when there
                /// is (`ENOBUFS`, Apple and the BSDs) it tries again from 1 to 50 ms later.
                ///
                /// # Cancel safety
                ///
                /// A future that is dropped has not sent.
                ///
                /// # Errors
                ///
                /// - [`BrokenPipe`](std::io::ErrorKind::BrokenPipe), `ECONNREFUSED`, `ECONNRESET`:
                ///   the peer has gone; no signal is raised;
                /// - `ENOTCONN`, `EDESTADDRREQ`: there is no peer;
                /// - `EMSGSIZE`: it is longer than the send buffer;
                /// - [`NotConnected`](std::io::ErrorKind::NotConnected): it would have to wait, and
                ///   no driver is running.
                ///
                /// # References
                ///
                /// [send(2)](https://man7.org/linux/man-pages/man2/send.2.html)
                #[inline]
                pub async fn send(&self, bytes: &[u8]) -> io::Result<usize> {
                    self.io().send_message(|fd| socket::send(fd, bytes)).await
                }

                /// Polls to send a message to the peer.
                ///
                /// # Errors
                ///
                /// As for [`send`](Self::send).
                #[inline]
                pub fn poll_send(
                    &self,
                    cx: &mut Context<'_>,
                    bytes: &[u8],
                ) -> Poll<io::Result<usize>> {
                    self.io().poll_send_message(self.pause(), cx, |fd| socket::send(fd, bytes))
                }

                /// Sends a message to the peer if there is room for it.
                ///
                /// # Errors
                ///
                /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) or, on Apple and the BSDs,
                /// `ENOBUFS` if there is none; otherwise as for [`send`](Self::send).
                #[inline]
                pub fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
                    self.io().try_send_message(|fd| socket::send(fd, bytes))
                }

                /// Receives a message.
                ///
                /// # Cancel safety
                ///
                /// Nothing is lost: a message is taken only when it is returned.
                ///
                /// # Errors
                ///
                /// `ECONNRESET` on Linux, once, if the peer has gone with messages unread;
                /// [`NotConnected`](std::io::ErrorKind::NotConnected): it would have to wait, and
                /// no driver is running.
                ///
                /// # References
                ///
                /// [recv(2)](https://man7.org/linux/man-pages/man2/recv.2.html)
                #[inline]
                pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
                    self.io().recv_message(|fd| socket::recv(fd, buffer)).await
                }

                /// Polls for a message.
                ///
                /// # Errors
                ///
                /// As for [`recv`](Self::recv).
                #[inline]
                pub fn poll_recv(
                    &self,
                    cx: &mut Context<'_>,
                    buffer: &mut [u8],
                ) -> Poll<io::Result<usize>> {
                    self.io().poll_recv_message(cx, |fd| socket::recv(fd, buffer))
                }

                /// Receives a message if there is one.
                ///
                /// # Errors
                ///
                /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) if there is none; otherwise as
                /// for [`recv`](Self::recv).
                #[inline]
                pub fn try_recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
                    self.io().try_recv_message(|fd| socket::recv(fd, buffer))
                }

                /// Receives a message into the spare capacity of a buffer of the `bytes` crate,
                /// which need not be initialised, and advances it.
                ///
                /// A [`Vec`] or [`bytes::BytesMut`] without spare capacity grows by 64 bytes only:
                /// give it room first, what does not fit is lost.
                ///
                /// # Cancel safety
                ///
                /// Nothing is lost.
                ///
                /// # Errors
                ///
                /// As for [`recv`](Self::recv).
                pub async fn recv_buf<B: BufMut + ?Sized>(
                    &self,
                    buffer: &mut B,
                ) -> io::Result<usize> {
                    self.io().recv_message(|fd| read_buf::recv(fd, buffer)).await
                }

                /// Receives a message into a buffer of the `bytes` crate if there is one.
                ///
                /// # Errors
                ///
                /// As for [`try_recv`](Self::try_recv).
                pub fn try_recv_buf<B: BufMut + ?Sized>(
                    &self,
                    buffer: &mut B,
                ) -> io::Result<usize> {
                    self.io().try_recv_message(|fd| read_buf::recv(fd, buffer))
                }

                /// Receives a message and leaves it there, to be received again.
                ///
                /// # Cancel safety
                ///
                /// Nothing is lost.
                ///
                /// # Errors
                ///
                /// As for [`recv`](Self::recv).
                #[doc(alias = "MSG_PEEK")]
                #[inline]
                pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
                    self.io().recv_message(|fd| socket::peek(fd, buffer)).await
                }

                /// Looks at a message if there is one.
                ///
                /// # Errors
                ///
                /// As for [`try_recv`](Self::try_recv).
                #[doc(alias = "MSG_PEEK")]
                #[inline]
                pub fn try_peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
                    self.io().try_recv_message(|fd| socket::peek(fd, buffer))
                }

                /// Shuts down a direction or both, at once. Shutting down what is shut is no error.
                ///
                /// # Errors
                ///
                /// What else shutdown(2) returns.
                #[inline]
                pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
                    self.io().shutdown(how)
                }
            }
        };
    };
}

pub(super) use message_face;
