//! The platform layer of edgewake: descriptors, system calls, selectors and sockets.
//!
//! It wraps `epoll` (Linux, Android) and `kqueue` (macOS, iOS, the BSDs) directly through `libc`
//! and holds no policy: no futures, no task wake-ups, no queues, no retries. It can be used by
//! itself the way one uses mio; `examples/raw_echo.rs` is a whole server in a raw loop.
//!
//! # The contract of a platform
//!
//! Each mechanism is one file; there is no trait, the contract is checked by compiling.
//!
//! - [`Selector`]: `new`, `register`, `reregister`, `deregister`, `select`, `rebuild`, in that
//!   order, always edge-triggered.
//! - [`Event`]: accessors with the same names; their exact meaning is documented on each.
//! - [`Notifier`]: `new`, `notify`, `drain`: wakes a [`Selector::select`] from any thread.
//!
//! # What every function here does
//!
//! It makes one system call (its documentation says where it makes more), returns `EINTR` and
//! every other error as it came, and never retries. Descriptors come in as
//! [`BorrowedFd`](std::os::fd::BorrowedFd), go out as [`OwnedFd`](std::os::fd::OwnedFd), and are
//! close-on-exec and non-blocking from birth where the kernel can do it.

#[cfg(edgewake_refused)]
compile_error!("edgewake needs 64-bit atomics and either epoll, or kqueue with 64-bit pointers");

#[macro_use]
mod syscall;

pub mod cmsg;
pub mod fd;
pub mod file;
#[cfg(edgewake_fuzz)]
#[doc(hidden)]
pub mod fuzz;
mod interest;
mod notifier;
pub mod pipe;
pub mod probe;
mod selector;
pub mod sigpipe;
pub mod sockaddr;
pub mod socket;
pub mod sockopt;
mod splice;
pub mod thread;
mod token;

#[cfg(edgewake_faults)]
pub use crate::syscall::faults;
pub use crate::{
    interest::Interest,
    notifier::Notifier,
    selector::{Entry, Event, Events, Iter, Selector},
    splice::splice,
    syscall::is_interrupted,
    token::Token,
};
