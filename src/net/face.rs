//! The faces that socket types share, written once, documentation included.
//!
//! - `readiness_face` and `descriptor_face`, from `async_fd::face`, which pipes share: waiting
//!   without a transfer; giving the descriptor away and lending it.
//! - `stream`: `stream_face`, reading and writing bytes, and the traits.
//! - `buffers`: `buffers_face`, the same with the buffers of the `bytes` crate.
//! - `send_file`: `send_file_face`, files over a stream.
//! - `sharing`: `sharing_face`, one listener for several loops.
//! - `urgent`: `urgent_face`, data that overtakes the stream.
//!
//! Each type provides `fn io(&self) -> &AsyncFd<OwnedFd>`, which does not count as lending the
//! descriptor, and adds what it alone has. Each macro brings its imports along.

pub(super) mod buffers;
pub(super) mod send_file;
pub(super) mod sharing;
pub(super) mod stream;
pub(super) mod urgent;

pub(super) use crate::async_fd::face::{descriptor_face, readiness_face};
