//! The two halves of a stream, each owned, for two tasks.

use super::{VsockAddr, VsockStream};
use crate::net::halves::owned::owned_halves;

owned_halves!(VsockStream, VsockAddr);

impl VsockStream {
    /// Splits the stream into two halves that can go to different tasks, as
    /// [`TcpStream::into_split`](crate::net::TcpStream::into_split) does.
    #[inline]
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        halves(self)
    }
}
