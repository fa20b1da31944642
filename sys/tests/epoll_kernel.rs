//! What Linux's epoll does, measured on 6.18 and relied on: each assumption as a test.
//!
//! A kernel on which one of these fails breaks a rule of the reactor; the test says which.

#![cfg(edgewake_selector = "epoll")]

mod common;

use std::{
    fs::File,
    io,
    net::Shutdown,
    os::fd::{AsFd, AsRawFd},
    time::Duration,
};

use common::{drain, fill, pair, recv_all, send_all, wait_for, watch};
use edgewake_sys::{
    Event, Interest, Selector, Token, fd,
    socket::{self, Domain, Progress, Type},
    sockopt,
};
#[cfg(edgewake_notifier = "eventfd")]
use edgewake_sys::{Events, Notifier};

/// The one event there is.
#[track_caller]
fn one(selector: &Selector) -> Event {
    let events = drain(selector);
    assert_eq!(events.len(), 1, "{events:?}");
    events[0]
}

// T2. Rule: a short read never clears CLOSED. Data and end come in one event; after the short read
// the end gets none of its own, though it is still to be read.
#[test]
fn t2_data_and_end_are_one_event() {
    let (client, server) = pair();
    let selector = watch(&server, Interest::READABLE);
    send_all(&client, b"data");
    socket::shutdown(client.as_fd(), Shutdown::Write).unwrap();
    let events = drain(&selector);
    assert!(events.last().unwrap().is_readable() && events.last().unwrap().is_read_closed());
    let mut room = [0; 64];
    assert_eq!(socket::recv(server.as_fd(), &mut room).unwrap(), 4);
    assert!(drain(&selector).is_empty());
    assert_eq!(socket::recv(server.as_fd(), &mut room).unwrap(), 0);
}

// T6. Rule: a peer's half-close is not the end of writing.
#[test]
fn t6_half_close_is_not_a_hang_up() {
    let (client, server) = pair();
    let selector = watch(&server, Interest::READABLE | Interest::WRITABLE);
    socket::shutdown(client.as_fd(), Shutdown::Write).unwrap();
    let event = one(&selector);
    assert!(event.is_read_closed() && !event.is_write_closed());
}

// T10. Rule: register after connect or listen. An unconnected stream socket hangs up at once.
#[test]
fn t10_unconnected_socket_hangs_up_at_once() {
    let fd = socket::create(Domain::IPV4, Type::STREAM).unwrap();
    let selector = Selector::new().unwrap();
    selector.register(fd.as_fd(), Token(1), Interest::READABLE | Interest::WRITABLE).unwrap();
    let event = one(&selector);
    assert!(event.is_writable() && event.is_write_closed() && !event.is_readable());
}

// T11. Rule: an empty interest still reports errors and hang-ups.
#[test]
fn t11_empty_interest_reports_hang_ups() {
    let (client, server) = pair();
    let selector = watch(&server, Interest::empty());
    send_all(&client, b"x");
    assert!(drain(&selector).is_empty());
    sockopt::LINGER.set(client.as_fd(), Some(Duration::ZERO)).unwrap();
    drop(client);
    let event = one(&selector);
    assert!(event.is_error() && event.is_write_closed());
}

// T13. Rule: a direction added late by MOD misses nothing, and MOD may wake for nothing new.
#[test]
fn t13_mod_delivers_a_pending_edge_again() {
    let (client, server) = pair();
    let selector = watch(&server, Interest::READABLE);
    send_all(&client, b"x");
    assert!(one(&selector).is_readable());
    assert!(drain(&selector).is_empty());
    for token in 2..5 {
        selector.reregister(server.as_raw_fd(), Token(token), Interest::READABLE).unwrap();
        let event = one(&selector);
        assert!(event.is_readable());
        assert_eq!(event.token(), Token(token));
    }
}

// T16. Rule: a regular file or a directory cannot be registered.
#[test]
fn t16_regular_files_are_refused() {
    let selector = Selector::new().unwrap();
    for path in [concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), env!("CARGO_MANIFEST_DIR")] {
        let file = File::open(path).unwrap();
        let error = selector.register(file.as_fd(), Token(1), Interest::READABLE).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EPERM));
    }
}

// T27. Rule: deregister before close. A duplicate keeps the registration alive, it goes on firing,
// and it can no longer be ended by the number that it was made with; a rebuild loses it.
#[test]
fn t27_duplicate_keeps_a_closed_registration_alive() {
    let (client, server) = pair();
    let selector = watch(&server, Interest::READABLE);
    let number = server.as_raw_fd();
    let duplicate = fd::duplicate(server.as_fd()).unwrap();
    drop(server);
    send_all(&client, b"x");
    let event = one(&selector);
    assert!(event.is_readable());
    assert_eq!(event.token(), Token(1));
    // Another test of this process may have been given the number meanwhile: not registered.
    let code = selector.deregister(number).unwrap_err().raw_os_error();
    assert!(matches!(code, Some(libc::EBADF | libc::ENOENT)), "{code:?}");
    assert_eq!(selector.rebuild(&mut Vec::new).unwrap(), []);
    send_all(&client, b"y");
    assert!(drain(&selector).is_empty());
    assert_eq!(recv_all(&duplicate, 2), b"xy");
}

// T1. Rule: a short read proves nothing once urgent data was seen. The read stops at the mark, the
// bytes behind it cause no second edge.
#[test]
fn t1_urgent_mark_cuts_a_read_without_an_edge() {
    let (client, server) = pair();
    send_all(&client, b"abc");
    socket::send_oob(client.as_fd(), b"X").unwrap();
    send_all(&client, b"def");
    wait_for(server.as_fd(), libc::POLLPRI);
    let selector = Selector::new().unwrap();
    let interest = Interest::READABLE | Interest::PRIORITY;
    selector.register(server.as_fd(), Token(1), interest).unwrap();
    let event = one(&selector);
    assert!(event.is_readable() && event.is_priority());
    let mut room = [0; 64];
    assert_eq!(socket::recv(server.as_fd(), &mut room).unwrap(), 3);
    assert_eq!(&room[..3], b"abc");
    assert!(drain(&selector).is_empty());
    assert_eq!(socket::recv(server.as_fd(), &mut room).unwrap(), 3);
    assert_eq!(&room[..3], b"def");
}

// T89. Rule: an out-of-band receive made through a source ends the short-read rule for it. Taken
// before the registration, the urgent byte leaves its mark and no PRI.
#[test]
fn t89_urgent_byte_taken_before_registration_leaves_its_mark() {
    let (client, server) = pair();
    send_all(&client, b"abc");
    socket::send_oob(client.as_fd(), b"X").unwrap();
    send_all(&client, b"def");
    wait_for(server.as_fd(), libc::POLLPRI);
    let mut room = [0; 64];
    assert_eq!(socket::recv_oob(server.as_fd(), &mut room).unwrap(), 1);
    let selector = Selector::new().unwrap();
    let interest = Interest::READABLE | Interest::PRIORITY;
    selector.register(server.as_fd(), Token(1), interest).unwrap();
    let event = one(&selector);
    assert!(event.is_readable() && !event.is_priority());
    assert_eq!(socket::recv(server.as_fd(), &mut room).unwrap(), 3);
    assert!(drain(&selector).is_empty());
    assert_eq!(socket::recv(server.as_fd(), &mut room).unwrap(), 3);
    assert_eq!(&room[..3], b"def");
}

// T90. Rule: a peek never clears readiness. A short one leaves the data and causes no edge.
#[test]
fn t90_short_peek_leaves_data_without_an_edge() {
    let (client, server) = pair();
    let selector = watch(&server, Interest::READABLE);
    send_all(&client, b"data");
    assert!(one(&selector).is_readable());
    let mut room = [0; 64];
    assert_eq!(socket::peek(server.as_fd(), &mut room).unwrap(), 4);
    assert!(drain(&selector).is_empty());
    assert_eq!(socket::recv(server.as_fd(), &mut room).unwrap(), 4);
}

// T91. Rule: a second registration is refused and leaves the first as it was.
#[test]
fn t91_second_registration_is_refused() {
    let (client, server) = pair();
    let selector = watch(&server, Interest::READABLE);
    let again = selector.register(server.as_fd(), Token(2), Interest::WRITABLE);
    assert_eq!(again.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    send_all(&client, b"x");
    let event = one(&selector);
    assert!(event.is_readable() && !event.is_writable());
    assert_eq!(event.token(), Token(1));
}

// Rule: the short-read rule for sockets. A read that gets less than its room empties the socket,
// and what comes later is an edge; a read that fills its room proves nothing and gets no edge.
#[test]
fn short_read_of_plain_data_is_drained() {
    let (client, server) = pair();
    let selector = watch(&server, Interest::READABLE);
    send_all(&client, b"12345678");
    assert!(one(&selector).is_readable());
    let mut room = [0; 6];
    assert_eq!(socket::recv(server.as_fd(), &mut room).unwrap(), 6);
    assert!(drain(&selector).is_empty());
    assert_eq!(socket::recv(server.as_fd(), &mut room).unwrap(), 2);
    let drained = socket::recv(server.as_fd(), &mut room).unwrap_err();
    assert_eq!(drained.kind(), io::ErrorKind::WouldBlock);
    send_all(&client, b"x");
    assert!(one(&selector).is_readable());
}

// T4. Rule: a short write means full, and room is told by an edge, also without another attempt.
#[test]
fn t4_short_write_is_followed_by_an_edge() {
    let (client, server) = pair();
    let selector = watch(&client, Interest::WRITABLE);
    let chunk = vec![1; 1 << 20];
    let mut total = 0;
    loop {
        match socket::send(client.as_fd(), &chunk) {
            Ok(sent) => total += sent,
            // The last one filled the socket to the byte.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
        if total % chunk.len() != 0 {
            break;
        }
    }
    assert_eq!(recv_all(&server, total).len(), total);
    assert!(drain(&selector).last().unwrap().is_writable());
    assert!(fill(&client) > 0);
}

// T69. Rule: an eventfd is not drained. Each notification is an event, read or not.
#[cfg(edgewake_notifier = "eventfd")]
#[test]
fn t69_undrained_eventfd_fires_each_time() {
    let selector = Selector::new().unwrap();
    let notifier = Notifier::new(&selector, Token(1)).unwrap();
    let mut events = Events::with_capacity(4);
    for _ in 0..3 {
        notifier.notify(&selector).unwrap();
        selector.select(&mut events, Some(Duration::ZERO)).unwrap();
        assert_eq!(events.len(), 1);
        selector.select(&mut events, Some(Duration::ZERO)).unwrap();
        assert!(events.is_empty());
    }
}

// T55. Rule: a refused connect reports error and hang-up with writability, in one event.
#[test]
fn t55_refused_connect_reports_at_once() {
    let (_holder, address) = common::refusing();
    let fd = socket::create(Domain::IPV4, Type::STREAM).unwrap();
    assert_eq!(socket::connect(fd.as_fd(), &address).unwrap(), Progress::InProgress);
    let selector = Selector::new().unwrap();
    selector.register(fd.as_fd(), Token(1), Interest::WRITABLE).unwrap();
    let event = one(&selector);
    assert!(event.is_writable() && event.is_error() && event.is_write_closed());
}
