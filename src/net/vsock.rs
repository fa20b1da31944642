//! Sockets between a virtual machine and its host: what [`net`](super) does not name itself.
//!
//! An address is a context identifier, which names a machine, and a port; a stream behaves as
//! TCP's does, without urgent data, and without the network.
//!
//! # Platform notes
//!
//! Linux and Android (with a driver for the hypervisor, or `vsock_loopback` for connections of a
//! machine with itself) and Apple. Elsewhere everything here compiles, and making a socket is
//! [`Unsupported`](std::io::ErrorKind::Unsupported).
//!
//! # Inside
//!
//! `stream` and `listener`, on the faces that all sockets share.

mod listener;
mod owned;
mod split;
mod stream;

pub use edgewake_sys::{sockaddr::VsockAddr, socket::local_cid};

pub use self::{
    listener::{Incoming, VsockListener},
    owned::{OwnedReadHalf, OwnedWriteHalf, ReuniteError},
    split::{ReadHalf, WriteHalf},
    stream::VsockStream,
};
