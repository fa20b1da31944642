//! What epoll alone has: two calls to wait by, and descriptors that were closed behind its back.

use std::{
    io,
    os::fd::{AsFd, AsRawFd},
    sync::mpsc,
    thread,
    time::Duration,
};

use super::{Events, KernelTimespec, Selector, Token, is_refusal, milliseconds};
use crate::Notifier;

// T71. Goal: a wait never ends before its time and never turns endless.
#[test]
fn t71_timeouts_round_up_and_saturate() {
    assert_eq!(milliseconds(Duration::from_nanos(1)), 1);
    assert_eq!(milliseconds(Duration::from_micros(1_001)), 2);
    assert_eq!(milliseconds(Duration::from_millis(7)), 7);
    assert_eq!(milliseconds(Duration::from_secs(25 * 24 * 3600)), i32::MAX);
    assert_eq!(milliseconds(Duration::MAX), i32::MAX);
    let longest = KernelTimespec::from(Duration::MAX);
    assert_eq!((longest.seconds, longest.nanoseconds), (1_000_000_000, 999_999_999));
}

// Goal: a wait without a time ends with an event, however long that takes.
#[test]
fn a_wait_without_a_time_ends_with_an_event() {
    let selector = Selector::new().unwrap();
    let notifier = Notifier::new(&selector, Token(7)).unwrap();
    let (_nothing_is_sent, never) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let (selector, notifier) = (&selector, &notifier);
        scope.spawn(move || {
            // So long a wait that ends too early would have.
            let _time_is_up = never.recv_timeout(Duration::from_millis(100));
            notifier.notify(selector).unwrap();
        });
        let mut events = Events::with_capacity(4);
        selector.select(&mut events, None).unwrap();
        assert_eq!(events.iter().map(|event| event.token()).collect::<Vec<_>>(), [Token(7)]);
        assert!(format!("{events:?}").starts_with("[Event"), "{events:?}");
        assert_eq!(format!("{:?}", events.iter()), format!("{events:?}"));
        // How much there is to read is for kqueue to say.
        assert!(events.iter().all(|event| event.readable_bytes().is_none()));
    });
}

// Goal: the descriptor is the same by whatever name it is asked for.
#[test]
fn there_is_one_descriptor() {
    let selector = Selector::new().unwrap();
    assert_eq!(selector.as_raw_fd(), selector.as_fd().as_raw_fd());
}

// Goal: only a system that has no precise wait is asked for none again.
#[test]
fn an_interruption_is_no_refusal() {
    let is_refused = |errno| is_refusal(&io::Error::from_raw_os_error(errno));
    assert!(is_refused(libc::ENOSYS) && is_refused(libc::EPERM));
    assert!(!is_refused(libc::EINTR) && !is_refused(libc::ENOMEM));
}

#[cfg(edgewake_faults)]
mod faults {
    use std::sync::atomic::Ordering;

    use super::{AsFd, AsRawFd, Duration, Events, Selector, Token};
    use crate::{
        Interest,
        faults::{Action, Installed, Plan, install},
        pipe,
    };

    fn fail(call: &'static str, nth: u64, errno: i32) -> Installed {
        install(Plan { call: Some(call), nth, action: Action::Fail(errno) })
    }

    // Goal: an interrupted wait stays precise; a refused one is made by milliseconds, from then on.
    #[test]
    fn waits_are_precise_until_they_are_refused() {
        let selector = Selector::new().unwrap();
        let mut events = Events::with_capacity(4);
        let briefly = Some(Duration::from_micros(10));
        let is_coarse = || selector.coarse.load(Ordering::Relaxed);
        let plan = fail("epoll_pwait2", 1, libc::EINTR);
        let error = selector.select(&mut events, briefly).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EINTR));
        assert_eq!(plan.struck(), Some("epoll_pwait2"));
        assert!(!is_coarse());
        drop(plan);
        let plan = fail("epoll_pwait2", 1, libc::ENOSYS);
        selector.select(&mut events, briefly).unwrap();
        assert_eq!(plan.struck(), Some("epoll_pwait2"));
        assert!(is_coarse());
    }

    // Goal: a rebuild that the kernel refuses is an error, and not a selector that lacks entries.
    #[test]
    fn a_refused_entry_fails_the_rebuild() {
        let selector = Selector::new().unwrap();
        let (reader, _writer) = pipe::pipe().unwrap();
        let entry = (reader.as_fd().as_raw_fd(), Token(1), Interest::READABLE);
        let plan = fail("epoll_ctl", 1, libc::ENOSPC);
        let error = selector.rebuild(&mut || vec![entry]).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOSPC));
        assert_eq!(plan.struck(), Some("epoll_ctl"));
    }
}
