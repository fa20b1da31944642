//! Sockets. Feature `net`, on by default.
//!
//! So far TCP:
//!
//! - [`TcpListener`] binds and accepts; [`TcpStream`] is a connection; [`TcpSocket`] is either
//!   before it is one, for what must be set before that.
//! - [`tcp`] has a connection's halves, borrowed and owned.
//!   `&TcpStream` reads and writes too, so two tasks can share one without splitting.
//! - [`Keepalive`], and [`sockopt`] for the options that have no method of their own.
//!
//! Addresses are literal ([`ToSocketAddrs`]): looking names up blocks, and is not here yet.
//!
//! # Two ways to read
//!
//! Through [`AsyncRead`](crate::io::AsyncRead), with a buffer for each waiting task; or by waiting
//! first and then trying, so that many idle connections share one buffer:
//!
//! ```
//! use edgewake::net::{TcpListener, TcpStream};
//! use std::io::ErrorKind;
//!
//! # let runtime = edgewake::Runtime::new()?;
//! # runtime.block_on(async {
//! # let listener = TcpListener::bind("127.0.0.1:0").await?;
//! # let client = TcpStream::connect(listener.local_addr()?).await?;
//! # let (stream, _) = listener.accept().await?;
//! # client.try_write(b"data")?;
//! let mut shared = [0; 4096];
//! let count = loop {
//!     stream.readable().await?;
//!     match stream.try_read(&mut shared) {
//!         Err(error) if error.kind() == ErrorKind::WouldBlock => {}
//!         outcome => break outcome?,
//!     }
//! };
//! assert_eq!(&shared[..count], b"data");
//! # std::io::Result::Ok(())
//! # })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # What holds for all of them
//!
//! - They are close-on-exec and non-blocking from birth where the system can do it, and no write
//!   raises `SIGPIPE`.
//! - They are [`Send`] and [`Sync`], come from std's types and from
//!   [`OwnedFd`](std::os::fd::OwnedFd), and go back to them.
//! - They are registered with the driver when an operation first has to wait, for the direction
//!   that it waits for: a connection that never waits costs no system call for it.
//! - Options that a system lacks are [`Unsupported`](std::io::ErrorKind::Unsupported) there, with
//!   their name, so that shared code compiles everywhere.
//!
//! # Inside
//!
//! `stream` is what all stream sockets do on a descriptor, `datagram` what all sockets of messages
//! do, `halves` what all halves of streams do, `face` what users see of all of them; `addr` is what
//! `bind` and `connect` take, `accept` what all listeners do, `connect` how a connect ends,
//! `backoff` the pause where waiting for an event would not help: an accept that finds no
//! descriptor left, a send that finds a queue full. Nothing here names the runtime.

mod accept;
mod addr;
mod backoff;
mod connect;
mod datagram;
mod face;
mod halves;
mod stream;
pub mod tcp;
pub mod udp;
pub mod unix;
pub mod vsock;

pub use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV4, SocketAddrV6};

pub use edgewake_sys::sockopt;

pub use self::{
    addr::ToSocketAddrs,
    tcp::{Keepalive, TcpListener, TcpSocket, TcpStream},
    udp::UdpSocket,
    unix::{
        UnixAddr, UnixDatagram, UnixListener, UnixSeqpacket, UnixSeqpacketListener, UnixStream,
    },
    vsock::{VsockAddr, VsockListener, VsockStream},
};
