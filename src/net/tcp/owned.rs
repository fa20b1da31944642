//! The two halves of a connection, each owned, for two tasks.

use std::net::SocketAddr;

use super::TcpStream;
use crate::net::halves::owned::owned_halves;

owned_halves!(TcpStream, SocketAddr);

impl TcpStream {
    /// Splits the stream into its two directions, each of which can go to a task of its own.
    ///
    /// It costs one allocation. Dropping the [`OwnedWriteHalf`] shuts writing down, dropping both
    /// closes the socket, and [`reunite`](OwnedReadHalf::reunite) makes them one again.
    ///
    /// # Examples
    ///
    /// ```
    /// use edgewake::{io::{AsyncReadExt, AsyncWriteExt}, net::{TcpListener, TcpStream}};
    ///
    /// # let runtime = edgewake::Runtime::new()?;
    /// # runtime.block_on(async {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let client = TcpStream::connect(listener.local_addr()?).await?;
    /// let (mut server, _) = listener.accept().await?;
    ///
    /// let (mut read, mut write) = client.into_split();
    /// let writer = edgewake::spawn(async move { write.write_all(b"the end").await });
    /// let mut received = String::new();
    /// server.read_to_string(&mut received).await?; // The writing half was dropped.
    /// assert_eq!(received, "the end");
    /// server.write_all(b"still open").await?;
    /// drop(server);
    /// received.clear();
    /// read.read_to_string(&mut received).await?;
    /// assert_eq!(received, "still open");
    /// # writer.await.unwrap()?;
    /// # std::io::Result::Ok(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[inline]
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        halves(self)
    }
}
