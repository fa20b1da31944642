//! The C face of kqueue on Linux, for the two emulations: libkqueue and the in-tree fake.
//!
//! libc declares no kqueue there. Layout and numbers are libkqueue 2.7's, which are FreeBSD 11's;
//! the fake takes the same, so that the selector cannot tell them apart at compile time.

use std::ffi::c_void;

/// `struct kevent` of libkqueue's `<sys/event.h>`.
#[allow(non_camel_case_types, reason = "named as in C, like libc's")]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct kevent {
    pub(crate) ident: usize,
    pub(crate) filter: i16,
    pub(crate) flags: u16,
    pub(crate) fflags: u32,
    pub(crate) data: isize,
    pub(crate) udata: *mut c_void,
}

pub(crate) const EVFILT_READ: i16 = -1;
pub(crate) const EVFILT_WRITE: i16 = -2;
#[cfg(any(edgewake_notifier = "user_event", edgewake_kqueue = "fake"))]
pub(crate) const EVFILT_USER: i16 = -11;

pub(crate) const EV_ADD: u16 = 0x0001;
pub(crate) const EV_DELETE: u16 = 0x0002;
pub(crate) const EV_CLEAR: u16 = 0x0020;
pub(crate) const EV_RECEIPT: u16 = 0x0040;
pub(crate) const EV_ERROR: u16 = 0x4000;
pub(crate) const EV_EOF: u16 = 0x8000;

#[cfg(any(edgewake_notifier = "user_event", edgewake_kqueue = "fake"))]
pub(crate) const NOTE_TRIGGER: u32 = 0x0100_0000;

cfg_if::cfg_if! {
    if #[cfg(edgewake_kqueue = "system")] {
        pub(crate) type Queue = std::os::fd::OwnedFd;

        // `rustc-link-lib=kqueue` comes from build.rs.
        unsafe extern "C" {
            pub(crate) fn kqueue() -> libc::c_int;
            pub(crate) fn kevent(
                kq: libc::c_int,
                changelist: *const kevent,
                nchanges: libc::c_int,
                eventlist: *mut kevent,
                nevents: libc::c_int,
                timeout: *const libc::timespec,
            ) -> libc::c_int;
        }
    } else {
        pub(crate) use crate::selector::kqueue::fake::{Queue, kevent, kqueue};
    }
}
