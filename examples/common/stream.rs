//! What the programs need of a stream, so that TCP and Unix streams are served by the same lines.

use std::io;

use edgewake::{
    Interest,
    net::{TcpStream, UnixStream},
};
use futures::{AsyncRead, AsyncWrite};

/// A connected stream socket.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + 'static {
    fn readable(&self) -> impl Future<Output = io::Result<()>>;
    fn writable(&self) -> impl Future<Output = io::Result<()>>;
    /// Waits for either.
    fn usable(&self) -> impl Future<Output = io::Result<()>>;
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize>;
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize>;
}

macro_rules! stream {
    ($type:ty) => {
        impl Stream for $type {
            #[inline(always)]
            fn readable(&self) -> impl Future<Output = io::Result<()>> {
                self.readable()
            }

            fn writable(&self) -> impl Future<Output = io::Result<()>> {
                self.writable()
            }

            async fn usable(&self) -> io::Result<()> {
                self.ready(Interest::READABLE | Interest::WRITABLE).await?;
                Ok(())
            }

            #[inline(always)]
            fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
                self.try_read(buffer)
            }

            #[inline(always)]
            fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
                self.try_write(bytes)
            }
        }
    };
}

stream!(TcpStream);
stream!(UnixStream);
