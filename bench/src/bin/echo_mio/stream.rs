//! The two kinds of streams and their listeners.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, RawFd};

use edgewake_bench::os::socket;
use mio::event::Source;
use mio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// A kind of stream.
pub(crate) trait Stream: Source {
    /// Its descriptor, under which the table has it.
    fn descriptor(&self) -> RawFd;

    /// Receives; tells also whether it stopped before the end of what there is, so that a short
    /// count proves nothing.
    fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, bool)>;

    /// Sends.
    fn send(&self, bytes: &[u8]) -> io::Result<usize>;
}

/// What accepts them.
pub(crate) trait Listener: Source {
    type Stream: Stream;

    fn accept(&self) -> io::Result<Self::Stream>;
}

impl Stream for TcpStream {
    fn descriptor(&self) -> RawFd {
        self.as_raw_fd()
    }

    #[inline(always)]
    fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, bool)> {
        let mut stream = self;
        stream.read(buffer).map(|received| (received, false))
    }

    #[inline(always)]
    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut stream = self;
        stream.write(bytes)
    }
}

impl Stream for UnixStream {
    fn descriptor(&self) -> RawFd {
        self.as_raw_fd()
    }

    /// mio has no `recvmsg(2)`, but its sockets have their descriptors.
    #[inline(always)]
    fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, bool)> {
        socket::recv_marked(self.as_fd(), buffer)
    }

    #[inline(always)]
    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut stream = self;
        stream.write(bytes)
    }
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    fn accept(&self) -> io::Result<TcpStream> {
        Ok(TcpListener::accept(self)?.0)
    }
}

impl Listener for UnixListener {
    type Stream = UnixStream;

    fn accept(&self) -> io::Result<UnixStream> {
        Ok(UnixListener::accept(self)?.0)
    }
}
