//! The pauses of sockets, see [`Backoff`]: and the one that many tasks at one socket share.

mod shared;

pub(super) use self::shared::SharedBackoff;
pub(super) use crate::async_fd::Backoff;
