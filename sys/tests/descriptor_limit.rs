//! At the descriptor limit. A process has only one, so this is a binary with only this test.

mod common;

use std::os::fd::{AsFd, OwnedFd};

use common::{client, expect_event, listener};
use edgewake_sys::{
    Events, Interest, Selector, Token, fd,
    socket::{self, AcceptError},
};

/// Sets the soft limit of open descriptors.
fn set_limit(most: libc::rlim_t) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is valid for the call to fill.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) }, 0);
    limit.rlim_cur = most;
    // SAFETY: `limit` is a valid limit below the hard one.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) }, 0);
}

// T57, T58. Goal: accepting without a free descriptor is a resource error, keeps the connection and
// the listener, and no edge tells when there is room: the caller has to try again by itself.
#[test]
fn t57_accept_at_the_descriptor_limit() {
    set_limit(64);
    let (listener, address) = listener();
    let selector = Selector::new().unwrap();
    selector.register(listener.as_fd(), Token(1), Interest::INCOMING).unwrap();
    let waiting = client(&address);
    expect_event(&selector, |event| event.is_readable());
    let mut hoard: Vec<OwnedFd> = Vec::new();
    let error = loop {
        match fd::duplicate(listener.as_fd()) {
            Ok(copy) => hoard.push(copy),
            Err(error) => break error,
        }
        assert!(hoard.len() <= 64);
    };
    assert_eq!(AcceptError::classify(&error), AcceptError::Resource);
    for _ in 0..3 {
        let error = socket::accept(listener.as_fd()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
        assert_eq!(AcceptError::classify(&error), AcceptError::Resource);
    }
    drop(hoard);
    if cfg!(edgewake_selector = "epoll") {
        let mut events = Events::with_capacity(4);
        selector.select(&mut events, Some(common::QUIET)).unwrap();
        assert!(events.is_empty(), "no edge tells that there is room: {events:?}");
    }
    let (_, peer) = socket::accept(listener.as_fd()).unwrap();
    assert_eq!(peer, socket::local_addr(waiting.as_fd()).unwrap());
}
