//! TCP.
//!
//! - `stream`, `listener`, `socket`: a connection, what accepts it, and what it is before either.
//! - `options`, `stream_options`, `keepalive`: what can be set on them.
//! - `buf`: the buffers of the `bytes` crate, and urgent data.
//! - `split`, `owned`: a connection's two halves, borrowed and owned.

mod buf;
mod keepalive;
mod listener;
mod options;
mod owned;
mod socket;
mod split;
mod stream;
mod stream_options;

pub use self::{
    keepalive::Keepalive,
    listener::{Incoming, TcpListener},
    owned::{OwnedReadHalf, OwnedWriteHalf, ReuniteError},
    socket::TcpSocket,
    split::{ReadHalf, WriteHalf},
    stream::TcpStream,
};
