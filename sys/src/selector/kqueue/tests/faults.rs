//! The fault plan reaches `kqueue` and `kevent` by name, on every kind of kqueue.

use std::{os::fd::AsFd, time::Duration};

use super::{a_pipe, poll, write};
use crate::{
    Events, Interest, Selector, Token,
    faults::{self, Action, Plan},
};

fn fail(call: &'static str, nth: u64, errno: i32) -> faults::Installed {
    faults::install(Plan { call: Some(call), nth, action: Action::Fail(errno) })
}

// Goal: a refused kqueue is the error of the constructor.
#[cfg(not(edgewake_has = "kqueue1"))]
#[test]
fn a_refused_kqueue_is_reported() {
    let plan = fail("kqueue", 1, libc::EMFILE);
    assert_eq!(Selector::new().unwrap_err().raw_os_error(), Some(libc::EMFILE));
    assert_eq!(plan.struck(), Some("kqueue"));
}

// Goal: the call's own errors pass, an interruption of a change does not, one of a wait does and
// leaves no stale events behind.
#[test]
fn the_errors_of_kevent() {
    let (selector, (reader, writer)) = (Selector::new().unwrap(), a_pipe());
    write(&writer, b"a");
    {
        let _plan = fail("kevent", 1, libc::ENOMEM);
        let error = selector.register(reader.as_fd(), Token(1), Interest::READABLE).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOMEM));
    }
    let plan = fail("kevent", 1, libc::EINTR);
    selector.register(reader.as_fd(), Token(1), Interest::READABLE).unwrap();
    assert_eq!((plan.struck(), plan.counted()), (Some("kevent"), 2));
    let mut events = Events::with_capacity(4);
    selector.select(&mut events, Some(Duration::ZERO)).unwrap();
    assert_eq!(events.len(), 1);
    let _plan = fail("kevent_wait", 1, libc::EINTR);
    let error = selector.select(&mut events, None).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Interrupted);
    assert!(events.is_empty() && poll(&selector).is_empty());
}
