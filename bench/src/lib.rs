//! What the bench programs share: the few system calls they make, statistics, how servers, proxies
//! and the generator are started, the command lines they have in common, and the micro workloads
//! with the libraries bound to them.
//!
//! Nothing here belongs to the library being measured, and nothing here may be used by it: a
//! baseline that shared code with its subject would hide a cost common to both. Linux only, as
//! are the tools (callgrind, strace) the counts come from.

#![cfg(target_os = "linux")]

pub mod announce;
pub mod generator;
pub mod micro;
pub mod os;
pub mod proxy;
pub mod serve;
pub mod server;
pub mod stats;
pub mod target;
