//! The kernel's queue of readiness events: one file per mechanism, the same methods in the same
//! order, so that two of them can be read side by side.
//!
//! Called by the reactor and by raw loops. Nothing here retries: an interrupted
//! [`Selector::select`] returns `EINTR`.

use std::os::fd::RawFd;

use crate::{Interest, Token};

/// One registration, as [`Selector::rebuild`] takes it.
pub type Entry = (RawFd, Token, Interest);

cfg_if::cfg_if! {
    if #[cfg(edgewake_selector = "epoll")] {
        mod epoll;
        pub use self::epoll::{Event, Events, Iter, Selector};
        #[cfg(edgewake_fuzz)]
        pub(crate) use self::epoll::fuzz;
    } else {
        pub(crate) mod kqueue;
        pub use self::kqueue::{Event, Events, Iter, Selector};
        #[cfg(edgewake_fuzz)]
        pub(crate) use self::kqueue::fuzz;
    }
}
