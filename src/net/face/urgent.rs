//! Urgent data: one byte that overtakes the stream.

/// Gives `$type`, a stream, the methods for urgent data.
macro_rules! urgent_face {
    ($type:ident) => {
        const _: () = {
            use ::std::io;

            /// # Urgent data
            ///
            /// One byte at a time that overtakes the stream (`MSG_OOB`). [RFC 6093] advises
            /// against it; it is here for the protocols that have it, such as telnet and FTP.
            ///
            /// [RFC 6093]: https://www.rfc-editor.org/rfc/rfc6093
            impl $type {
                /// Waits for the urgent byte and takes it, apart from the stream. Returns 1, or 0
                /// if the peer has closed, or the connection failed, without one.
                ///
                /// The system keeps one such byte: a later one displaces it, and on Linux reading
                /// the stream past its place discards it. With `SO_OOBINLINE`
                /// ([`set_oob_inline`](Self::set_oob_inline)) it stays in the stream instead.
                ///
                /// From the first call on, reads of this stream go on until `WouldBlock`, as
                /// [`read_until_would_block`](Self::read_until_would_block) says.
                ///
                /// # Cancel safety
                ///
                /// Nothing is lost: the byte is taken only when it is returned.
                ///
                /// # Errors
                ///
                /// - [`InvalidInput`](std::io::ErrorKind::InvalidInput): `SO_OOBINLINE` is set;
                /// - [`Unsupported`](std::io::ErrorKind::Unsupported): it would have to wait, and
                ///   the system has no way to tell (see
                ///   [`Interest::PRIORITY`](crate::Interest::PRIORITY)); use
                ///   [`try_recv_oob`](Self::try_recv_oob) there;
                /// - what recv(2) returns, and as for [`readable`](Self::readable).
                ///
                /// # References
                ///
                /// [recv(2)](https://man7.org/linux/man-pages/man2/recv.2.html) `MSG_OOB`,
                /// [tcp(7)](https://man7.org/linux/man-pages/man7/tcp.7.html) "Sockets API"
                #[doc(alias = "MSG_OOB")]
                #[inline]
                pub async fn recv_oob(&self, buffer: &mut [u8]) -> io::Result<usize> {
                    self.io().recv_oob(buffer).await
                }

                /// Takes the urgent byte if it is there. Otherwise as [`recv_oob`](Self::recv_oob).
                ///
                /// # Errors
                ///
                /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) if there is none;
                /// [`InvalidInput`](std::io::ErrorKind::InvalidInput) if `SO_OOBINLINE` is set;
                /// otherwise what recv(2) returns.
                #[doc(alias = "MSG_OOB")]
                #[inline]
                pub fn try_recv_oob(&self, buffer: &mut [u8]) -> io::Result<usize> {
                    self.io().try_recv_oob(buffer)
                }

                /// Sends bytes of which the last is urgent, and returns how many were sent.
                ///
                /// Where only some of them found room, the last of those was marked: send the
                /// urgent byte by itself to be sure.
                ///
                /// # Cancel safety
                ///
                /// Nothing was sent unless the future has returned.
                ///
                /// # Errors
                ///
                /// What send(2) returns, and as for [`writable`](Self::writable).
                ///
                /// # References
                ///
                /// [send(2)](https://man7.org/linux/man-pages/man2/send.2.html) `MSG_OOB`
                #[doc(alias = "MSG_OOB")]
                #[inline]
                pub async fn send_oob(&self, bytes: &[u8]) -> io::Result<usize> {
                    std::future::poll_fn(|cx| self.io().poll_send_oob(cx, bytes)).await
                }
            }
        };
    };
}

pub(in crate::net) use urgent_face;
