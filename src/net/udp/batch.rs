//! Many datagrams with one system call, and what is known of each.
//!
//! - [`RecvBatch`] is reusable storage that `UdpSocket::recv_batch` fills, [`Datagram`] one of
//!   what is in it.
//! - [`SendBatch`] is a queue that `UdpSocket::send_batch` empties from the front.
//!
//! Their order is the order of the wire on this side, and what a count says was received or sent,
//! nothing else (T66). Segments are in `segments`, what is asked for beside datagrams in `packet`.

mod datagram;
mod recv;
mod send;

pub(super) use self::recv::Unsaid;
pub use self::{
    datagram::{Datagram, Ecn},
    recv::{Datagrams, RecvBatch},
    send::{Outgoing, SendBatch},
};
