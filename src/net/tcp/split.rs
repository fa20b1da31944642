//! The two halves of a borrowed connection.

use std::net::SocketAddr;

use super::TcpStream;
use crate::net::halves::borrowed::borrowed_halves;

borrowed_halves!(TcpStream, SocketAddr);

impl TcpStream {
    /// Splits the stream into its two directions, for one task that does both at once.
    ///
    /// It costs nothing. `&TcpStream` reads and writes as well; the halves are for code that wants
    /// a reader and a writer by type.
    ///
    /// Where [`AsyncReadExt`](crate::io::AsyncReadExt) is in scope, `stream.split()` is *its*
    /// method, which takes the stream by value and locks at each step: write
    /// `TcpStream::split(&mut stream)` there.
    ///
    /// # Examples
    ///
    /// ```
    /// use edgewake::{io, io::AsyncWriteExt, net::{TcpListener, TcpStream}};
    ///
    /// # let runtime = edgewake::Runtime::new()?;
    /// # runtime.block_on(async {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let mut client = TcpStream::connect(listener.local_addr()?).await?;
    /// let (mut server, _) = listener.accept().await?;
    /// client.write_all(b"there and back").await?;
    /// client.close().await?;
    ///
    /// let (mut read, mut write) = TcpStream::split(&mut server);
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
