//! UDP.
//!
//! - `socket`: the socket, and how it is bound and connected.

mod socket;

pub use self::socket::UdpSocket;
