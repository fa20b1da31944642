//! An event loop and socket library on epoll and kqueue directly.
#![deny(unsafe_code)]

#[cfg(feature = "time")]
#[allow(dead_code, reason = "the driver, its only caller, is not there yet")]
mod time;
