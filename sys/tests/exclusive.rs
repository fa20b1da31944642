//! One selector of several is told (`Interest::EXCLUSIVE`), where the system can do that.

mod common;

use std::os::fd::AsFd;

use edgewake_sys::{Interest, Selector, Token};

/// What a listener that several selectors watch registers.
const SHARED: Interest = Interest::INCOMING.union(Interest::EXCLUSIVE);

// Goal: where there is no such thing, that is said, and nothing is registered.
#[test]
fn what_the_system_lacks_is_unsupported() {
    let (listener, _) = common::listener();
    let selector = Selector::new().unwrap();
    let outcome = selector.register(listener.as_fd(), Token(1), SHARED);
    assert_eq!(outcome.is_ok(), Selector::HAS_EXCLUSIVE);
    if let Err(error) = outcome {
        assert_eq!(error.kind(), std::io::ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("EPOLLEXCLUSIVE"), "{error}");
    }
}

#[cfg(edgewake_selector = "epoll")]
mod epoll {
    use std::{
        fs,
        os::fd::{AsFd, AsRawFd},
        sync::mpsc::{self, Receiver, Sender},
        thread,
        time::{Duration, Instant},
    };

    use edgewake_sys::{Events, Interest, Selector, Token};

    use super::{SHARED, common};

    // T92. Rule: a listener asks for IN alone. With RDHUP or PRI an exclusive registration is
    // EINVAL.
    #[test]
    fn t92_exclusive_excludes_half_close_and_priority() {
        let (listener, _) = common::listener();
        let selector = Selector::new().unwrap();
        for refused in [Interest::READABLE, Interest::PRIORITY] {
            let interest = refused | Interest::EXCLUSIVE;
            let outcome = selector.register(listener.as_fd(), Token(1), interest);
            assert_eq!(outcome.unwrap_err().raw_os_error(), Some(libc::EINVAL), "{interest:?}");
        }
        selector.register(listener.as_fd(), Token(1), SHARED).unwrap();
    }

    // T92. Goal: an exclusive registration can be given another token, though MOD is EINVAL; what
    // holds is reported anew.
    #[test]
    fn t92_exclusive_registration_can_be_replaced() {
        let (listener, address) = common::listener();
        let selector = Selector::new().unwrap();
        selector.register(listener.as_fd(), Token(1), SHARED).unwrap();
        let _client = common::client(&address);
        assert_eq!(common::drain(&selector).len(), 1);
        selector.reregister(listener.as_raw_fd(), Token(2), SHARED).unwrap();
        let events = common::drain(&selector);
        assert_eq!(events.iter().map(|event| event.token()).collect::<Vec<_>>(), [Token(2)]);
    }

    /// A thread that waits in a selector of its own, and reports each return with an event.
    fn waiter(listener: &std::os::fd::OwnedFd, told: Sender<()>) -> (u32, Sender<()>) {
        let selector = Selector::new().unwrap();
        selector.register(listener.as_fd(), Token(1), SHARED).unwrap();
        let (identity, known) = mpsc::channel();
        let (go, gone): (Sender<()>, Receiver<()>) = mpsc::channel();
        thread::spawn(move || {
            // SAFETY: takes nothing.
            identity.send(unsafe { libc::gettid() } as u32).unwrap();
            let mut events = Events::with_capacity(4);
            while gone.try_recv() != Err(mpsc::TryRecvError::Disconnected) {
                selector.select(&mut events, Some(Duration::from_millis(200))).unwrap();
                if !events.is_empty() && told.send(()).is_err() {
                    return;
                }
            }
        });
        (known.recv().unwrap(), go)
    }

    /// Waits until a thread of this process is in `epoll_wait` or `epoll_pwait2`.
    fn until_asleep_in_epoll(thread: u32) {
        let path = format!("/proc/self/task/{thread}/syscall");
        let numbers = [libc::SYS_epoll_pwait2, libc::SYS_epoll_pwait].map(|n| n.to_string());
        let start = Instant::now();
        while start.elapsed() < common::PATIENCE {
            let call = fs::read_to_string(&path).unwrap_or_default();
            if numbers.iter().any(|number| call.split(' ').next() == Some(number)) {
                return;
            }
            thread::yield_now();
        }
        panic!("the thread never waits");
    }

    // Goal: with two loops at rest one connection wakes one of them. Measured on Linux 6.18;
    // epoll_ctl(2) promises "at least one", so a second wake-up now and then is not a failure.
    #[test]
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    fn one_connection_wakes_one_loop() {
        const CONNECTIONS: usize = 40;
        if fs::read_to_string("/proc/self/syscall").is_err() {
            eprintln!("skipped: this kernel does not show which call a thread is in");
            return;
        }
        let (listener, address) = common::listener();
        let (told, telling) = mpsc::channel();
        let threads = [waiter(&listener, told.clone()), waiter(&listener, told)];
        let mut wakes = 0;
        for _ in 0..CONNECTIONS {
            for (thread, _) in &threads {
                until_asleep_in_epoll(*thread);
            }
            let _client = common::client(&address);
            telling.recv_timeout(common::PATIENCE).expect("one of them is told");
            drop(common::accept(listener.as_fd()));
            wakes += 1 + telling.try_iter().count();
        }
        wakes += telling.recv_timeout(common::QUIET).iter().count();
        assert!(wakes < CONNECTIONS * 3 / 2, "{wakes} wake-ups for {CONNECTIONS} connections");
    }
}
