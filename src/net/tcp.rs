//! TCP: the halves of a connection, and what else has no name in [`net`](super) itself.
//!
//! # Inside
//!
//! - `stream`, `listener`, `socket`: a connection, what accepts it, and what it is before either.
//! - `connector`, `connect`: how connections are made, and which of several addresses is taken.
//! - `options`, `stream_options`, `keepalive`: what can be set on them.
//! - `split`, `owned`: a connection's two halves, borrowed and owned.

mod connect;
mod connector;
mod keepalive;
mod listener;
mod options;
mod owned;
mod socket;
mod split;
mod stream;
mod stream_options;

#[cfg(edgewake_fuzz)]
pub(super) use self::connect::interleaved;
pub use self::{
    connector::Connector,
    keepalive::Keepalive,
    listener::{Incoming, TcpListener},
    owned::{OwnedReadHalf, OwnedWriteHalf, ReuniteError},
    socket::TcpSocket,
    split::{ReadHalf, WriteHalf},
    stream::TcpStream,
};
