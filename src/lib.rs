//! An event loop and socket library on epoll and kqueue directly.
#![deny(unsafe_code)]




mod driver;
mod reactor;
mod sync;
mod time;
#[allow(unsafe_code, reason = "the task cell: one allocation, counted by hand")]
mod task;
