//! UDP: what has no name in [`net`](super) itself.
//!
//! [`UdpSocket`] is the socket; [`InterfaceV4`] names the interface of a multicast group.
//!
//! # Inside
//!
//! - `socket`: how it is made, bound, connected and given away.
//! - `transfer`: sending, receiving, looking.
//! - `buf`: receiving into the buffers of the `bytes` crate.
//! - `options`, `multicast`: what can be set on it.

mod buf;
mod multicast;
mod options;
mod socket;
mod transfer;

pub use self::{multicast::InterfaceV4, socket::UdpSocket};
