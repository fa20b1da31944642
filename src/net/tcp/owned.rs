//! The two halves of a connection, each owned, for two tasks.

use std::{
    fmt,
    future::Future,
    io::{self, IoSlice, IoSliceMut},
    net::{Shutdown, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Buf, BufMut};
use edgewake_sys::Interest;
use futures::io::{AsyncRead, AsyncWrite};

use super::TcpStream;
use crate::{
    net::halves::{read_half, write_half},
    reactor::Readiness,
};

/// The reading half of a [`TcpStream`]; see [`TcpStream::into_split`].
///
/// Dropping it does nothing; the socket closes when both halves are gone.
#[derive(Debug)]
pub struct OwnedReadHalf {
    stream: Arc<TcpStream>,
}

/// The writing half of a [`TcpStream`]; see [`TcpStream::into_split`].
///
/// Dropping it shuts writing down, so that the peer sees the end of the stream;
/// [`forget`](Self::forget) and [`reunite`](Self::reunite) do not.
#[derive(Debug)]
pub struct OwnedWriteHalf {
    stream: Arc<TcpStream>,
    shutdown_on_drop: bool,
}

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
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        let stream = Arc::new(self);
        let read = OwnedReadHalf { stream: Arc::clone(&stream) };
        (read, OwnedWriteHalf { stream, shutdown_on_drop: true })
    }
}

impl OwnedReadHalf {
    #[inline(always)]
    fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Puts the two halves of a stream together again. Nothing is shut down.
    ///
    /// # Errors
    ///
    /// [`ReuniteError`], with both halves in it, if they are not of the same stream.
    pub fn reunite(self, write: OwnedWriteHalf) -> Result<TcpStream, ReuniteError> {
        reunite(self, write)
    }
}

impl OwnedWriteHalf {
    #[inline(always)]
    fn stream(&self) -> &TcpStream {
        &self.stream
    }

    fn close(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)?;
        self.shutdown_on_drop = false;
        Ok(())
    }

    /// Puts the two halves of a stream together again. Nothing is shut down.
    ///
    /// # Errors
    ///
    /// [`ReuniteError`], with both halves in it, if they are not of the same stream.
    pub fn reunite(self, read: OwnedReadHalf) -> Result<TcpStream, ReuniteError> {
        reunite(read, self)
    }

    /// Drops the half without shutting writing down: the peer sees no end of the stream until the
    /// reading half is dropped too, and with it the socket.
    pub fn forget(mut self) {
        self.shutdown_on_drop = false;
    }
}

fn reunite(read: OwnedReadHalf, write: OwnedWriteHalf) -> Result<TcpStream, ReuniteError> {
    if !Arc::ptr_eq(&read.stream, &write.stream) {
        return Err(ReuniteError(read, write));
    }
    write.forget();
    Ok(Arc::into_inner(read.stream).unwrap_or_else(|| unreachable!("a third half of a stream")))
}

impl Drop for OwnedWriteHalf {
    fn drop(&mut self) {
        if self.shutdown_on_drop {
            // Nobody is left to tell; a dead connection has nothing to shut down.
            let _nobody_to_tell = self.stream.shutdown(Shutdown::Write);
        }
    }
}

read_half!(OwnedReadHalf, TcpStream, SocketAddr);
write_half!(OwnedWriteHalf, TcpStream, SocketAddr);

/// The halves given to `reunite` are not of the same stream. Both are in here.
#[derive(Debug)]
pub struct ReuniteError(pub OwnedReadHalf, pub OwnedWriteHalf);

impl fmt::Display for ReuniteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the halves are not of the same stream")
    }
}

impl std::error::Error for ReuniteError {}
