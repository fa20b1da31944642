//! Sockets. Feature `net`, on by default.
//!
//! - TCP: [`TcpListener`] binds and accepts; [`TcpStream`] is a connection; [`TcpSocket`] is either
//!   before it is one, for what must be set before that. [`Keepalive`] is one of the options.
//! - UDP: [`UdpSocket`], one datagram at a time; [`udp`] has batches of them, segments that the
//!   kernel cuts and joins, what comes beside a datagram, and the queue of errors.
//! - Unix: [`UnixListener`] and [`UnixStream`], [`UnixDatagram`], [`UnixSeqpacketListener`] and
//!   [`UnixSeqpacket`]; [`unix`] has their addresses, binding with care for the path, and the
//!   descriptors and credentials that go beside bytes.
//! - [`vsock`]: [`VsockListener`] and [`VsockStream`], between a virtual machine and its host.
//!
//! [`tcp`], [`unix`] and [`vsock`] have the halves of their streams, borrowed and owned. References
//! read and write too, so two tasks can share a stream without splitting it. [`sockopt`] has the
//! options that have no method of their own.
//!
//! What binds and connects takes addresses and names ([`ToSocketAddrs`]); [`lookup_host`] only
//! looks a name up. That is done by the system's resolver, on a thread of the runtime's pool; an
//! address needs none.
//!
//! # Which system has what
//!
//! What is not in this table, every system has; each option's own table is in [`sockopt`].
//!
//! | | Linux | Android | Apple | FreeBSD | DragonFly | NetBSD | OpenBSD |
//! | --- | --- | --- | --- | --- | --- | --- | --- |
//! | batches in one system call (elsewhere a loop) | yes | - | - | - | - | yes | yes |
//! | segments cut and joined by the kernel, error queue | yes | yes | - | - | - | - | - |
//! | sends without copying | yes | - | - | - | - | - | - |
//! | where a datagram was sent to | yes | yes | yes | yes | yes | yes | yes |
//! | abstract Unix addresses | yes | yes | - | - | - | - | - |
//! | sequenced packets | yes | yes | - | yes | yes | yes | yes |
//! | credentials with what is received | yes | yes | - | yes | - | the first | - |
//! | a full backlog is waited for | yes | yes | - | - | - | - | - |
//! | one of several loops is woken (1) | yes | yes | - | - | - | - | - |
//! | vsock | yes | yes | yes | - | - | - | - |
//!
//! 1. [`TcpListener::set_wake_one`], and the like of every listener.
//!
//! Without it a method is there and fails with [`Unsupported`](std::io::ErrorKind::Unsupported)
//! and a sentence that names what is missing, unless its documentation says otherwise.
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
//! `stream` is what all stream sockets do on a descriptor, `send_file` sends files over them,
//! `datagram` is what all sockets of messages do, `halves` what all halves of streams do, `face`
//! what users see of all of them; `addr` is what `bind` and `connect` take, `lookup` how a name
//! becomes addresses, `accept` what all listeners do, `connect` how a connect ends, `backoff` the
//! pause where waiting for an event would not help: an accept that finds no descriptor left, a
//! send that finds a queue full. Nothing here names the runtime.

mod accept;
mod addr;
mod backoff;
mod connect;
mod datagram;
mod face;
#[cfg(edgewake_fuzz)]
pub(crate) mod fuzz;
mod halves;
mod lookup;
mod send_file;
mod stream;
pub mod tcp;
pub mod udp;
pub mod unix;
pub mod vsock;

pub use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV4, SocketAddrV6};

pub use edgewake_sys::sockopt;

pub use self::{
    addr::{Addresses, ToSocketAddrs},
    lookup::lookup_host,
    tcp::{Keepalive, TcpListener, TcpSocket, TcpStream},
    udp::UdpSocket,
    unix::{
        UnixAddr, UnixDatagram, UnixListener, UnixSeqpacket, UnixSeqpacketListener, UnixStream,
    },
    vsock::{VsockAddr, VsockListener, VsockStream},
};
