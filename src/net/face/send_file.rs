//! Sending a file over a stream socket.

/// Gives `$type`, a stream, the methods that send files.
macro_rules! send_file_face {
    ($type:ident) => {
        const _: () = {
            use ::std::{
                io,
                ops::{Range, RangeBounds},
                os::fd::AsFd,
                task::{Context, Poll},
            };

            use $crate::net::send_file::bytes_of;

            /// # Files
            impl $type {
                /// Sends a range of a file's bytes, without their coming into this process where
                /// the system can do that, and returns how many. The file's own position is
                /// neither used nor moved.
                ///
                /// A file that ends before the range does ends the sending: the count is then less
                /// than was asked for. What changes in the file meanwhile is sent as it is found.
                ///
                /// # Cancel safety
                ///
                /// How much was sent is lost with the future;
                /// [`poll_send_file`](Self::poll_send_file) leaves that in the caller's hand.
                ///
                /// # Errors
                ///
                /// - what sending returns, as for [`try_write`](Self::try_write), and waiting, as
                ///   for [`writable`](Self::writable);
                /// - what reading the file returns: `EIO`, `EISDIR`, `EBADF` if it is not open for
                ///   reading;
                /// - [`InvalidInput`](std::io::ErrorKind::InvalidInput): not a file that can be
                ///   read at any offset, but a pipe, a socket, or a terminal.
                ///
                /// # Platform notes
                ///
                /// Reading a file waits for its disk, and the loop with it, unless the bytes are
                /// in the system's cache. sendfile(2) is used on Linux, Android, Apple, FreeBSD
                /// and DragonFly; elsewhere, and for files that it refuses, the bytes are read and
                /// sent, 64 KiB at a time.
                ///
                /// # Examples
                ///
                /// ```
                /// use edgewake::{io::AsyncReadExt, net::UnixStream};
                /// use std::fs::File;
                ///
                /// # let runtime = edgewake::Runtime::new()?;
                /// # runtime.block_on(async {
                /// let (here, mut there) = UnixStream::pair()?;
                /// let file = File::open("Cargo.toml")?;
                /// assert_eq!(here.send_file(&file, 0..9).await?, 9);
                /// let mut bytes = [0; 9];
                /// there.read_exact(&mut bytes).await?;
                /// assert_eq!(bytes, std::fs::read("Cargo.toml")?[..9]);
                /// # std::io::Result::Ok(())
                /// # })?;
                /// # Ok::<(), std::io::Error>(())
                /// ```
                ///
                /// # References
                ///
                /// [sendfile(2)](https://man7.org/linux/man-pages/man2/sendfile.2.html)
                #[doc(alias = "sendfile")]
                #[inline]
                pub async fn send_file(
                    &self,
                    file: impl AsFd,
                    range: impl RangeBounds<u64>,
                ) -> io::Result<u64> {
                    self.io().send_file(file.as_fd(), bytes_of(range)).await
                }

                /// Sends of a file's bytes from `offset` on what there is room for: at most
                /// `length`, and at most a mebibyte at once. Zero is the end of the file, unless
                /// `length` is zero.
                ///
                /// # Errors
                ///
                /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) if there is no room; otherwise
                /// as for [`send_file`](Self::send_file).
                #[inline]
                pub fn try_send_file(
                    &self,
                    file: impl AsFd,
                    offset: u64,
                    length: usize,
                ) -> io::Result<usize> {
                    self.io().try_send_file(file.as_fd(), offset, length)
                }

                /// Polls to send the beginning of a range of a file's bytes, and takes what was
                /// sent off the range: at most a mebibyte at once, so that one large file leaves
                /// the others their turn. Zero: the range is empty, or the file ends before it.
                ///
                /// # Errors
                ///
                /// As for [`send_file`](Self::send_file); the range is as it was.
                #[inline]
                pub fn poll_send_file(
                    &self,
                    cx: &mut Context<'_>,
                    file: impl AsFd,
                    range: &mut Range<u64>,
                ) -> Poll<io::Result<usize>> {
                    self.io().poll_send_file(cx, file.as_fd(), range)
                }
            }
        };
    };
}

pub(in crate::net) use send_file_face;
