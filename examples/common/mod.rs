//! What the example programs share. A folder, so that cargo takes it for no example of its own.
//!
//! - `aside`: what a program says while it serves.
//! - `command_line`: values of options, and how a program ends.
//! - `descriptors`: as many open sockets as the system allows.
//! - `interrupt`: Ctrl-C and SIGTERM as something to await.
//! - `lines`: printing from a loop, whoever may read.
//! - `numbers`: figures as people read them.
//! - `place`: where to listen or connect; `stream`: TCP and Unix streams as one.

#![allow(dead_code, reason = "each program compiles its own copy and uses a part of it")]

pub(crate) mod aside;
pub(crate) mod command_line;
pub(crate) mod descriptors;
pub(crate) mod interrupt;
pub(crate) mod lines;
pub(crate) mod numbers;
pub(crate) mod place;
pub(crate) mod stream;
