//! An event loop and socket library on epoll and kqueue directly.
#![deny(unsafe_code)]

mod async_fd;
mod driver;
pub mod io;
#[cfg(feature = "net")]
pub mod net;
mod reactor;
mod runtime;
mod sync;
#[allow(unsafe_code, reason = "the task cell: one allocation, counted by hand")]
mod task;
#[cfg(feature = "time")]
pub mod time;
#[cfg(not(feature = "time"))]
mod time;

pub use edgewake_sys::Interest;

pub use crate::{
    async_fd::{AsyncFd, ReadyGuard, WouldBlock},
    reactor::Readiness,
    runtime::{Builder, Handle, Runtime, YieldNow, spawn, spawn_local, yield_now},
    task::{JoinError, JoinHandle},
};
