//! UDP: what has no name in [`net`](super) itself.
//!
//! [`UdpSocket`] is the socket; [`Received`] is what a receive that tells of truncation says, and
//! [`InterfaceV4`] names the interface of a multicast group.
//!
//! # Inside
//!
//! - `socket`: how it is made, bound, connected and given away.
//! - `transfer`: sending, receiving, looking.
//! - `message`: the same with what tells of truncation, and from several buffers.
//! - `buf`: receiving into the buffers of the `bytes` crate.
//! - `options`, `multicast`: what can be set on it.

mod buf;
mod message;
mod multicast;
mod options;
mod socket;
mod transfer;

pub use self::{message::Received, multicast::InterfaceV4, socket::UdpSocket};
