//! Reading into and writing from the buffers of the `bytes` crate.

/// Gives `$type`, a stream, the methods that take buffers of the `bytes` crate. `$receive` is as
/// for `stream_face`.
macro_rules! buffers_face {
    ($type:ident, $receive:ty) => {
        const _: () = {
            use ::std::{
                future::poll_fn,
                io,
                task::{Context, Poll},
            };

            use ::bytes::{Buf, BufMut};

            /// # Buffers of the `bytes` crate
            impl $type {
                /// Reads into the spare capacity of a buffer and advances it by what was read.
                ///
                /// Zero is the end of the stream, or a buffer without room (a slice or
                /// [`bytes::buf::Limit`] that is full), which completes at once. A [`Vec`] or
                /// [`bytes::BytesMut`] is never full: one without spare capacity grows by 64 bytes,
                /// so give it room first. One call fills one contiguous piece: of a
                /// [`bytes::buf::Chain`] the first half that has room.
                ///
                /// # Cancel safety
                ///
                /// Nothing is lost: the buffer is advanced in the same step in which the data is
                /// taken.
                ///
                /// # Errors
                ///
                /// What recv(2) returns, and as for [`readable`](Self::readable).
                ///
                /// # Examples
                ///
                /// ```
                /// use bytes::BytesMut;
                /// use edgewake::net::{TcpListener, TcpStream};
                ///
                /// # let runtime = edgewake::Runtime::new()?;
                /// # runtime.block_on(async {
                /// let listener = TcpListener::bind("127.0.0.1:0").await?;
                /// let client = TcpStream::connect(listener.local_addr()?).await?;
                /// let (server, _) = listener.accept().await?;
                /// client.write_all_buf(&mut &b"hello"[..]).await?;
                ///
                /// let mut received = BytesMut::with_capacity(4096);
                /// while received.len() < 5 {
                ///     assert_ne!(server.read_buf(&mut received).await?, 0, "it has closed");
                /// }
                /// assert_eq!(received, "hello");
                /// # std::io::Result::Ok(())
                /// # })?;
                /// # Ok::<(), std::io::Error>(())
                /// ```
                pub async fn read_buf<B: BufMut + ?Sized>(
                    &self,
                    buffer: &mut B,
                ) -> io::Result<usize> {
                    poll_fn(|cx| self.io().poll_recv_buf::<$receive, B>(cx, buffer)).await
                }

                /// Polls to read into a buffer, as [`read_buf`](Self::read_buf) does. Of several
                /// tasks that poll this way the last one's waker is sure to be kept, and eight
                /// more.
                ///
                /// # Errors
                ///
                /// As for [`read_buf`](Self::read_buf).
                pub fn poll_read_buf<B: BufMut + ?Sized>(
                    &self,
                    cx: &mut Context<'_>,
                    buffer: &mut B,
                ) -> Poll<io::Result<usize>> {
                    self.io().poll_recv_buf::<$receive, B>(cx, buffer)
                }

                /// Reads into a buffer if there is something to read. Otherwise as
                /// [`read_buf`](Self::read_buf).
                ///
                /// # Errors
                ///
                /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) if there is nothing; otherwise
                /// what recv(2) returns.
                pub fn try_read_buf<B: BufMut + ?Sized>(
                    &self,
                    buffer: &mut B,
                ) -> io::Result<usize> {
                    self.io().try_recv_buf::<$receive, B>(buffer)
                }

                /// Writes from a buffer what there is room for, and advances it by that. A buffer
                /// of several pieces goes out in one call, up to 16 pieces of it. Zero is only an
                /// empty buffer.
                ///
                /// # Cancel safety
                ///
                /// What was sent is what the buffer was advanced by.
                ///
                /// # Errors
                ///
                /// What send(2) returns, and as for [`writable`](Self::writable).
                pub async fn write_buf<B: Buf + ?Sized>(
                    &self,
                    buffer: &mut B,
                ) -> io::Result<usize> {
                    poll_fn(|cx| self.io().poll_send_buf(cx, buffer)).await
                }

                /// Writes a buffer to its end.
                ///
                /// # Cancel safety
                ///
                /// Dropping the future leaves in the buffer what was not sent: calling it again
                /// goes on there.
                ///
                /// # Errors
                ///
                /// As for [`write_buf`](Self::write_buf).
                pub async fn write_all_buf<B: Buf + ?Sized>(
                    &self,
                    buffer: &mut B,
                ) -> io::Result<()> {
                    while buffer.has_remaining() {
                        if self.write_buf(buffer).await? == 0 {
                            // A `Buf` that says it has bytes and shows none would spin here.
                            return Err(std::io::ErrorKind::WriteZero.into());
                        }
                    }
                    Ok(())
                }

                /// Polls to write from a buffer, as [`write_buf`](Self::write_buf) does. Of several
                /// tasks that poll this way the last one's waker is sure to be kept, and eight
                /// more.
                ///
                /// # Errors
                ///
                /// As for [`write_buf`](Self::write_buf).
                pub fn poll_write_buf<B: Buf + ?Sized>(
                    &self,
                    cx: &mut Context<'_>,
                    buffer: &mut B,
                ) -> Poll<io::Result<usize>> {
                    self.io().poll_send_buf(cx, buffer)
                }

                /// Writes from a buffer if there is room. Otherwise as
                /// [`write_buf`](Self::write_buf).
                ///
                /// # Errors
                ///
                /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) if there is none; otherwise what
                /// send(2) returns.
                pub fn try_write_buf<B: Buf + ?Sized>(&self, buffer: &mut B) -> io::Result<usize> {
                    self.io().try_send_buf(buffer)
                }
            }
        };
    };
}

pub(in crate::net) use buffers_face;
