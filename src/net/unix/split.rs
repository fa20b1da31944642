//! The two halves of a borrowed connection.

use super::{UnixAddr, UnixStream};
use crate::net::halves::borrowed::borrowed_halves;

borrowed_halves!(UnixStream, UnixAddr);

impl UnixStream {
    /// Splits the stream into its two directions, for one task that does both at once.
    ///
    /// It costs nothing. `&UnixStream` reads and writes as well; the halves are for code that wants
    /// a reader and a writer by type.
    ///
    /// Where [`AsyncReadExt`](crate::io::AsyncReadExt) is in scope, `stream.split()` is *its*
    /// method, which takes the stream by value and locks at each step: write
    /// `UnixStream::split(&mut stream)` there.
    ///
    /// # Examples
    ///
    /// ```
    /// use edgewake::{io, io::AsyncWriteExt, net::UnixStream};
    ///
    /// # let runtime = edgewake::Runtime::new()?;
    /// # runtime.block_on(async {
    /// let (mut client, mut server) = UnixStream::pair()?;
    /// client.write_all(b"there and back").await?;
    /// client.close().await?;
    ///
    /// let (mut read, mut write) = UnixStream::split(&mut server);
    /// assert_eq!(io::copy(&mut read, &mut write).await?, 14);
    /// # std::io::Result::Ok(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[inline]
    pub fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        (ReadHalf(self), WriteHalf(self))
    }
}
