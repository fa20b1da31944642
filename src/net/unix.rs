//! Unix sockets: between programs of one machine, by paths in the file system.
//!
//! - [`UnixStream`], [`UnixListener`]: a stream of bytes, as TCP is one. It can carry descriptors.
//! - [`UnixDatagram`]: messages, to and from anybody.
//! - [`UnixSeqpacket`], [`UnixSeqpacketListener`]: messages over a connection.
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
//! # Descriptors and credentials
//!
//! Beside bytes and messages go descriptors, which the receiver gets duplicates of, and who the
//! sender is. `send_with_fds` and `recv_with_fds` do for descriptors; [`SendControl`] and
//! [`Control`], with `send_message` and `recv_message`, for all of it. A plain read that meets
//! descriptors closes them. Who is at the other end of a connection, `peer_credentials` tells.
//!
//! # Inside
//!
//! - `stream`, `listener`: a connection, and what accepts it. `listening` is what all listeners of
//!   this family do, `connect` the connect that waits where the backlog is full.
//! - `split`, `owned`: a stream's two halves, borrowed and owned.
//! - `bind`, `path`: binding, and who removes the path when.
//! - `datagram`, `seqpacket`, `seqpacket_listener`: the sockets of messages; `messages` is what
//!   those with a peer have in common.
//! - `ancillary`, `attached`: what goes beside messages, and beside the bytes of streams.
//! - `receive`: how a stream's bytes are received, and what a short count proves.
//! - `options`: what can be set, and asked, on all of them.
//! - `addr`: what `bind` and `connect` take.

mod addr;
mod ancillary;
mod attached;
mod bind;
mod connect;
mod datagram;
mod listener;
mod listening;
mod messages;
mod options;
mod owned;
mod path;
mod receive;
mod seqpacket;
mod seqpacket_listener;
mod split;
mod stream;

pub use edgewake_sys::{
    cmsg::{Control, Credentials, Message, SendControl},
    sockaddr::UnixAddr,
};

pub use self::{
    addr::ToUnixAddr,
    ancillary::Received,
    bind::UnixBind,
    datagram::UnixDatagram,
    listener::{Incoming, UnixListener},
    owned::{OwnedReadHalf, OwnedWriteHalf, ReuniteError},
    seqpacket::UnixSeqpacket,
    seqpacket_listener::{SeqpacketIncoming, UnixSeqpacketListener},
    split::{ReadHalf, WriteHalf},
    stream::UnixStream,
};
