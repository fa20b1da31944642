//! An event loop and socket library on epoll and kqueue directly.
#![deny(unsafe_code)]
