//! Control messages: what travels beside the data of a message (`cmsg(3)`).
//!
//! - `layout`: where messages and their payloads lie in a buffer. The only place that knows the
//!   systems' alignments, and the only one that walks untrusted bytes.
//! - [`Control`]: receive storage. It *owns* the descriptors that the kernel puts into it: what is
//!   not taken is closed when the storage is used again or dropped (T64).
//! - [`Message`]: one received message, typed; what is not known is [`Message::Unknown`], never an
//!   error and never a panic.
//! - [`SendControl`]: messages to send.
//!
//! Called by [`socket`](crate::socket), and by the library's sockets. No system call is made here,
//! except to close descriptors that nobody took.

mod control;
mod decode;
mod error;
mod layout;
mod message;
mod send;
mod time;

pub use self::{
    control::{Control, Fds, Messages},
    error::{ErrorOrigin, ExtendedError},
    layout::space,
    message::{Credentials, Message, PacketInfo},
    send::SendControl,
    time::Timestamps,
};
