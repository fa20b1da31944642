//! UDP: what has no name in [`net`](super) itself.
//!
//! [`UdpSocket`] is the socket; [`Received`] is what a receive that tells of truncation says, and
//! [`InterfaceV4`] names the interface of a multicast group. [`RecvBatch`] and [`SendBatch`] carry
//! many datagrams at once, [`Datagram`] is one that was received, with all that is known of it.
//! [`QueuedError`] tells what became of one that was sent.
//!
//! # Inside
//!
//! - `socket`: how it is made, bound, connected and given away.
//! - `transfer`: sending, receiving, looking.
//! - `message`: the same with what tells of truncation, and from several buffers.
//! - `buf`: receiving into the buffers of the `bytes` crate.
//! - `options`, `multicast`: what can be set on it.
//! - `batch`: many datagrams with one call; `segments`: cut and joined by the kernel.
//! - `packet`: asking for what comes beside datagrams.
//! - `errors`: Linux's error queue; `zerocopy`: sends whose end it tells of.

mod batch;
mod buf;
mod errors;
mod message;
mod multicast;
mod options;
mod packet;
mod segments;
mod socket;
mod transfer;
mod zerocopy;

pub use self::{
    batch::{Datagram, Datagrams, Ecn, Outgoing, RecvBatch, SendBatch},
    errors::{ErrorOrigin, QueuedError},
    message::Received,
    multicast::InterfaceV4,
    socket::UdpSocket,
    zerocopy::ZeroCopyDone,
};
