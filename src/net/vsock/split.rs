//! The two halves of a borrowed stream.

use super::{VsockAddr, VsockStream};
use crate::net::halves::borrowed::borrowed_halves;

borrowed_halves!(VsockStream, VsockAddr);

impl VsockStream {
    /// Splits the stream into its two directions, as
    /// [`TcpStream::split`](crate::net::TcpStream::split) does.
    #[inline]
    pub fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        (ReadHalf(self), WriteHalf(self))
    }
}
