//! Sockets.
//!
//! Every socket is close-on-exec and non-blocking from birth where the kernel can do it, and is
//! registered with the driver when an operation first has to wait.

mod addr;
mod backoff;
mod halves;
mod stream;
mod tcp;

pub use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV4, SocketAddrV6};

pub use edgewake_sys::sockopt;

pub use self::{
    addr::ToSocketAddrs,
    tcp::{
        Incoming, Keepalive, OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, TcpListener,
        TcpSocket, TcpStream, WriteHalf,
    },
};
