//! What every selector promises, epoll, kqueue and the fake kqueue alike.
//!
//! kqueue tells reading and writing in two events where epoll has one, and any of them may report
//! a condition once more than needed, so these tests wait for what must come and count nothing
//! that may.

mod common;

use std::{
    collections::HashSet,
    io,
    net::Shutdown,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use common::{
    PATIENCE, accept, client, drain, expect_event, fill, listener, pair, recv_all, refusing,
    send_all, watch,
};
use edgewake_sys::{
    Events, Interest, Notifier, Selector, Token, pipe,
    socket::{self, Domain, Progress, Type},
};

fn select_now(selector: &Selector) -> Events {
    let mut events = Events::with_capacity(16);
    selector.select(&mut events, Some(Duration::ZERO)).unwrap();
    events
}

// Goal: data that comes after the registration is reported with its token.
#[test]
fn register_before_data() {
    let (client, server) = pair();
    let selector = Selector::new().unwrap();
    selector.register(server.as_fd(), Token(u64::MAX), Interest::READABLE).unwrap();
    send_all(&client, b"x");
    let event = expect_event(&selector, |event| event.is_readable());
    assert_eq!(event.token(), Token(u64::MAX));
    assert!(!event.is_read_closed() && !event.is_error() && !event.is_writable());
}

// Goal: data that was there before the registration is reported too.
#[test]
fn register_after_data() {
    let (client, server) = pair();
    send_all(&client, b"x");
    common::wait_for(server.as_fd(), libc::POLLIN);
    let selector = Selector::new().unwrap();
    selector.register(server.as_fd(), Token(3), Interest::READABLE).unwrap();
    assert_eq!(expect_event(&selector, |event| event.is_readable()).token(), Token(3));
}

// Goal: one registration reports reading and writing, in one event or in two.
#[test]
fn both_directions() {
    let (client, server) = pair();
    let selector = Selector::new().unwrap();
    let both = Interest::READABLE | Interest::WRITABLE;
    selector.register(server.as_fd(), Token(5), both).unwrap();
    assert_eq!(expect_event(&selector, |event| event.is_writable()).token(), Token(5));
    send_all(&client, b"x");
    assert_eq!(expect_event(&selector, |event| event.is_readable()).token(), Token(5));
}

// Goal: each new arrival is an event of its own, also when the last one was read in full.
#[test]
fn every_arrival_is_an_edge() {
    let (client, server) = pair();
    let selector = watch(&server, Interest::READABLE);
    for _ in 0..20 {
        send_all(&client, b"ping");
        expect_event(&selector, |event| event.is_readable());
        assert_eq!(recv_all(&server, 4), b"ping");
    }
    // Undrained, too.
    for _ in 0..5 {
        send_all(&client, b"ping");
        expect_event(&selector, |event| event.is_readable());
    }
}

// T4. Goal: a full socket becomes writable once its peer has read.
#[test]
fn t4_writable_again_after_the_peer_reads() {
    let (client, server) = pair();
    let filled = fill(&client);
    let selector = watch(&client, Interest::WRITABLE);
    assert_eq!(recv_all(&server, filled).len(), filled);
    assert!(!expect_event(&selector, |event| event.is_writable()).is_write_closed());
    socket::send(client.as_fd(), b"room").unwrap();
}

// T13. Goal: registering anew reports what holds, under the new token.
// libkqueue does not report it.
#[cfg(not(edgewake_kqueue = "system"))]
#[test]
fn t13_reregister_reports_anew() {
    let (client, server) = pair();
    send_all(&client, b"x");
    common::wait_for(server.as_fd(), libc::POLLIN);
    let selector = watch(&server, Interest::READABLE);
    selector.reregister(server.as_raw_fd(), Token(2), Interest::READABLE).unwrap();
    assert_eq!(expect_event(&selector, |event| event.is_readable()).token(), Token(2));
    // A direction that was not asked for before.
    let both = Interest::READABLE | Interest::WRITABLE;
    selector.reregister(server.as_raw_fd(), Token(3), both).unwrap();
    assert_eq!(expect_event(&selector, |event| event.is_writable()).token(), Token(3));
}

// Goal: a direction that the new interest leaves out is not reported any more.
#[cfg_attr(edgewake_kqueue = "system", ignore = "libkqueue turns level-triggered at EV_DELETE")]
#[test]
fn reregister_drops_a_direction() {
    let (client, server) = pair();
    let both = Interest::READABLE | Interest::WRITABLE;
    let selector = watch(&server, both);
    selector.reregister(server.as_raw_fd(), Token(2), Interest::WRITABLE).unwrap();
    drain(&selector);
    send_all(&client, b"x");
    assert!(drain(&selector).iter().all(|event| !event.is_readable()));
}

// Goal: nothing comes after the end of a registration, and ending it twice is told.
#[test]
fn deregister_silences() {
    let (client, server) = pair();
    let selector = watch(&server, Interest::READABLE | Interest::WRITABLE);
    selector.deregister(server.as_raw_fd()).unwrap();
    send_all(&client, b"x");
    assert!(drain(&selector).is_empty());
    let error = selector.deregister(server.as_raw_fd()).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
    selector.register(server.as_fd(), Token(9), Interest::READABLE).unwrap();
    assert_eq!(expect_event(&selector, |event| event.is_readable()).token(), Token(9));
}

// T27. Goal: a number that is used again is a new registration, without a trace of the old one.
#[test]
fn t27_number_used_again() {
    let selector = Selector::new().unwrap();
    let mut numbers = HashSet::new();
    for round in 0..8 {
        let (reader, writer) = pipe::pipe().unwrap();
        numbers.insert(reader.as_raw_fd());
        selector.register(reader.as_fd(), Token(round), Interest::READABLE).unwrap();
        // SAFETY: `round` is one readable byte.
        let sent = unsafe { libc::write(writer.as_raw_fd(), [0_u8].as_ptr().cast(), 1) };
        assert_eq!(sent, 1);
        assert_eq!(expect_event(&selector, |event| event.is_readable()).token(), Token(round));
        selector.deregister(reader.as_raw_fd()).unwrap();
    }
    assert!(drain(&selector).is_empty());
}

// T91. Goal: what a second registration of one descriptor does, epoll and kqueue each by its own.
#[test]
fn t91_registering_twice() {
    let (client, server) = pair();
    let selector = watch(&server, Interest::READABLE);
    let outcome = selector.register(server.as_fd(), Token(2), Interest::READABLE);
    let token = if cfg!(edgewake_selector = "epoll") {
        assert_eq!(outcome.unwrap_err().raw_os_error(), Some(libc::EEXIST));
        Token(1)
    } else {
        outcome.unwrap();
        Token(2)
    };
    send_all(&client, b"x");
    assert_eq!(expect_event(&selector, |event| event.is_readable()).token(), token);
}

// T71. Goal: a timeout never ends early, zero does not wait, and none waits for an event.
#[test]
fn t71_timeouts() {
    let selector = Selector::new().unwrap();
    let mut events = Events::with_capacity(4);
    for micros in [1, 100, 999, 1_000, 1_001, 12_345] {
        let timeout = Duration::from_micros(micros);
        let start = Instant::now();
        selector.select(&mut events, Some(timeout)).unwrap();
        assert!(start.elapsed() >= timeout, "{timeout:?} took {:?}", start.elapsed());
        assert!(events.is_empty());
    }
    let start = Instant::now();
    for _ in 0..100 {
        selector.select(&mut events, Some(Duration::ZERO)).unwrap();
    }
    assert!(start.elapsed() < PATIENCE);
    let notifier = Notifier::new(&selector, Token(0)).unwrap();
    for timeout in [None, Some(Duration::MAX), Some(Duration::from_secs(30 * 24 * 3600))] {
        notifier.notify(&selector).unwrap();
        selector.select(&mut events, timeout).unwrap();
        assert_eq!(events.iter().next().unwrap().token(), Token(0));
        notifier.drain().unwrap();
    }
}

// Goal: what does not fit the buffer comes with the next calls, nothing lost.
#[test]
fn small_buffer_loses_nothing() {
    let selector = Selector::new().unwrap();
    let pairs: Vec<(OwnedFd, OwnedFd)> = (0..10).map(|_| pair()).collect();
    for (index, (_, server)) in pairs.iter().enumerate() {
        selector.register(server.as_fd(), Token(index as u64), Interest::READABLE).unwrap();
    }
    for (client, _) in &pairs {
        send_all(client, b"x");
    }
    let mut events = Events::with_capacity(3);
    assert!(events.capacity() >= 3);
    let mut seen = HashSet::new();
    let deadline = Instant::now() + PATIENCE;
    while seen.len() < pairs.len() {
        assert!(Instant::now() < deadline, "only {seen:?}");
        selector.select(&mut events, Some(PATIENCE)).unwrap();
        assert!(events.len() <= events.capacity());
        seen.extend(events.iter().map(|event| event.token().0));
    }
}

// T2. Goal: the end of the stream is told, with the data before it or after it.
#[test]
fn t2_half_close_is_told() {
    let (client, server) = pair();
    let selector = watch(&server, Interest::READABLE);
    send_all(&client, b"last");
    socket::shutdown(client.as_fd(), Shutdown::Write).unwrap();
    let event = expect_event(&selector, |event| event.is_read_closed());
    assert!(!event.is_write_closed());
    assert_eq!(recv_all(&server, 100), b"last");
}

// Goal: a reset is told as an end or an error to a reader that waits.
#[test]
fn reset_is_told() {
    let (client, server) = pair();
    let selector = watch(&server, Interest::READABLE | Interest::WRITABLE);
    edgewake_sys::sockopt::LINGER.set(client.as_fd(), Some(Duration::ZERO)).unwrap();
    drop(client);
    expect_event(&selector, |event| event.is_read_closed());
    if cfg!(not(edgewake_kqueue = "system")) {
        let error = socket::recv(server.as_fd(), &mut [0; 4]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }
}

// T55. Goal: a connect in progress ends in writability, whether it came about or was refused.
#[cfg_attr(edgewake_kqueue = "system", ignore = "libkqueue consumes the error")]
#[test]
fn t55_connect_ends_in_writability() {
    let (listener, address) = listener();
    let (_holder, refusing) = refusing();
    for (target, refused) in [(address, false), (refusing, true)] {
        let fd = socket::create(Domain::IPV4, Type::STREAM).unwrap();
        match socket::connect(fd.as_fd(), &target) {
            // Loopback may be that fast.
            Ok(Progress::Done) => assert!(!refused),
            Err(error) => {
                assert!(refused);
                assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
            }
            Ok(Progress::InProgress) => {
                let selector = Selector::new().unwrap();
                selector.register(fd.as_fd(), Token(1), Interest::WRITABLE).unwrap();
                let mut outcome = Ok(Progress::InProgress);
                while let Ok(Progress::InProgress) = outcome {
                    expect_event(&selector, |event| event.is_writable() || event.is_error());
                    outcome = socket::connect_outcome(fd.as_fd());
                }
                assert_eq!(outcome.is_err(), refused);
            }
        }
    }
    drop(listener);
}

// Goal: a listener reports connections, before and after the registration.
#[test]
fn listener_reports_connections() {
    let (listener, address) = listener();
    let _first = client(&address);
    let selector = Selector::new().unwrap();
    selector.register(listener.as_fd(), Token(8), Interest::INCOMING).unwrap();
    assert_eq!(expect_event(&selector, |event| event.is_readable()).token(), Token(8));
    let _second = client(&address);
    expect_event(&selector, |event| event.is_readable());
    drop((accept(listener.as_fd()), accept(listener.as_fd())));
}

// T41. Goal: urgent data is told where the system can tell, and refused where it cannot.
#[test]
fn t41_urgent_data() {
    let (client, server) = pair();
    let selector = Selector::new().unwrap();
    let interest = Interest::READABLE | Interest::PRIORITY;
    let outcome = selector.register(server.as_fd(), Token(1), interest);
    if cfg!(edgewake_has = "priority") {
        outcome.unwrap();
        socket::send_oob(client.as_fd(), b"!").unwrap();
        expect_event(&selector, |event| event.is_priority());
    } else {
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::Unsupported);
    }
}

// Goal: a registration made while another thread waits takes effect at once.
#[test]
fn registering_while_another_thread_waits() {
    let (client, server) = pair();
    send_all(&client, b"x");
    let selector = Selector::new().unwrap();
    let waiting = Barrier::new(2);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            waiting.wait();
            expect_event(&selector, |event| event.is_readable()).token()
        });
        waiting.wait();
        selector.register(server.as_fd(), Token(4), Interest::READABLE).unwrap();
        assert_eq!(waiter.join().unwrap(), Token(4));
    });
}

// Goal: after a rebuild what is live reports anew, and what is closed is left out.
#[cfg(not(edgewake_kqueue = "system"))]
#[test]
fn rebuild_keeps_what_is_live() {
    let (client, server) = pair();
    send_all(&client, b"x");
    common::wait_for(server.as_fd(), libc::POLLIN);
    let selector = watch(&server, Interest::READABLE);
    let (_, gone) = pair();
    let closed = gone.as_raw_fd();
    drop(gone);
    let live = [
        (closed, Token(6), Interest::READABLE),
        (server.as_raw_fd(), Token(7), Interest::READABLE),
    ];
    assert_eq!(selector.rebuild(&mut || live.to_vec()).unwrap(), []);
    assert_eq!(expect_event(&selector, |event| event.is_readable()).token(), Token(7));
}

// Goal: a notification made before the wait is kept, and is told once.
#[test]
fn notify_before_select_is_kept() {
    let selector = Selector::new().unwrap();
    let notifier = Notifier::new(&selector, Token(11)).unwrap();
    assert!(select_now(&selector).is_empty());
    notifier.notify(&selector).unwrap();
    expect_event(&selector, |event| event.token() == Token(11));
    notifier.drain().unwrap();
    assert!(select_now(&selector).is_empty());
}

// Goal: any number of notifications before the loop looks are one event.
#[test]
fn notifications_coalesce() {
    let selector = Selector::new().unwrap();
    let notifier = Notifier::new(&selector, Token(11)).unwrap();
    // More than a pipe takes.
    for _ in 0..100_000 {
        notifier.notify(&selector).unwrap();
    }
    let events = select_now(&selector);
    assert_eq!(events.len(), 1, "{events:?}");
    notifier.drain().unwrap();
    assert!(select_now(&selector).is_empty());
    notifier.notify(&selector).unwrap();
    assert_eq!(select_now(&selector).len(), 1);
}

// Goal: a notification from another thread ends a wait without end.
#[test]
fn notify_from_another_thread() {
    let selector = Selector::new().unwrap();
    let notifier = Notifier::new(&selector, Token(11)).unwrap();
    for _ in 0..50 {
        thread::scope(|scope| {
            scope.spawn(|| notifier.notify(&selector).unwrap());
            let mut events = Events::with_capacity(4);
            selector.select(&mut events, None).unwrap();
            assert_eq!(events.iter().next().unwrap().token(), Token(11));
        });
        notifier.drain().unwrap();
    }
}

// Goal: of many notifications from many threads none is lost: each is made after its work was
// counted, so the loop that looks after every event has seen all the work in the end.
#[test]
fn no_notification_is_lost() {
    const THREADS: usize = 4;
    const EACH: usize = 2_000;
    let selector = Selector::new().unwrap();
    let notifier = Notifier::new(&selector, Token(11)).unwrap();
    let work = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..EACH {
                    // SeqCst: before the notification, after which the loop loads it.
                    work.fetch_add(1, Ordering::SeqCst);
                    notifier.notify(&selector).unwrap();
                }
            });
        }
        let mut events = Events::with_capacity(4);
        // SeqCst: pairs with the addition in the threads above.
        while work.load(Ordering::SeqCst) < THREADS * EACH {
            selector.select(&mut events, Some(PATIENCE)).unwrap();
            assert!(!events.is_empty(), "a notification was lost");
            notifier.drain().unwrap();
        }
    });
}

// Goal: two selectors have nothing to do with each other, and a notifier only kicks its own.
#[test]
fn selectors_are_apart() {
    let (client, server) = pair();
    let (first, second) = (watch(&server, Interest::READABLE), Selector::new().unwrap());
    let notifier = Notifier::new(&second, Token(11)).unwrap();
    send_all(&client, b"x");
    expect_event(&first, |event| event.token() == Token(1));
    assert!(select_now(&second).is_empty());
    notifier.notify(&second).unwrap();
    expect_event(&second, |event| event.token() == Token(11));
    assert!(drain(&first).is_empty());
}

// Goal: the selector's own descriptor can be watched: it is readable when events are waiting.
// libkqueue's cannot.
#[cfg(not(edgewake_kqueue = "system"))]
#[test]
fn selector_can_be_watched() {
    let (client, server) = pair();
    let selector = watch(&server, Interest::READABLE);
    send_all(&client, b"x");
    common::wait_for(selector.as_fd(), libc::POLLIN);
    expect_event(&selector, |event| event.is_readable());
}
