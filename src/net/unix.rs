//! Unix sockets: between programs of one machine, by paths in the file system.
//!
//! - [`UnixStream`], [`UnixListener`]: a stream of bytes, as TCP is one. It can carry descriptors.
//! - [`UnixBind`]: what a socket is bound with, where `bind` alone does not do: removing the path
//!   of a server that has died, removing one's own, permissions, the backlog.
//! - [`UnixAddr`] and [`ToUnixAddr`]: what they are bound and connected to.
//!
//! # Addresses
//!
//! A path makes a file of the kind "socket", which is there until somebody removes it, whether or
//! not its socket lives: a server that was killed finds its path taken. [`UnixBind`] sees to that.
//! On Linux there are abstract names besides, which go with their socket and which everybody may
//! connect to that is in the same network namespace.
//!
//! # Inside
//!
//! - `stream`, `listener`: a connection, and what accepts it. `listening` is what all listeners of
//!   this family do, `connect` the connect that waits where the backlog is full.
//! - `split`, `owned`: a stream's two halves, borrowed and owned.
//! - `bind`, `path`: binding, and who removes the path when.
//! - `receive`: how a stream's bytes are received, and what a short count proves.
//! - `options`: what can be set, and asked, on all of them.
//! - `addr`: what `bind` and `connect` take.

mod addr;
mod bind;
mod connect;
mod listener;
mod listening;
mod options;
mod owned;
mod path;
mod receive;
mod split;
mod stream;

pub use edgewake_sys::{cmsg::Credentials, sockaddr::UnixAddr};

pub use self::{
    addr::ToUnixAddr,
    bind::UnixBind,
    listener::{Incoming, UnixListener},
    owned::{OwnedReadHalf, OwnedWriteHalf, ReuniteError},
    split::{ReadHalf, WriteHalf},
    stream::UnixStream,
};
