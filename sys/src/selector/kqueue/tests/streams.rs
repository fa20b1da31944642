//! Sockets: two filters of one descriptor, half-close, failure, datagram errors, urgent data.

use std::{
    io::Write,
    net::{Shutdown, TcpListener, TcpStream, UdpSocket},
    os::{
        fd::{AsFd, AsRawFd},
        unix::net::UnixStream,
    },
};

use super::{PATIENCE, poll, wait_for, write};
use crate::{Interest, Selector, Token};

const BOTH: Interest = Interest::READABLE.union(Interest::WRITABLE);

fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    (client, server)
}

// Goal: reading and writing are events of their own with one token.
#[test]
fn two_filters_are_two_events() {
    let (selector, (near, far)) = (Selector::new().unwrap(), UnixStream::pair().unwrap());
    write(&far, b"abc");
    selector.register(near.as_fd(), Token(1), BOTH).unwrap();
    let events = poll(&selector);
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(events.iter().all(|event| event.token() == Token(1)));
    assert!(events.iter().any(|event| event.is_readable() && !event.is_writable()));
    assert!(events.iter().any(|event| event.is_writable() && !event.is_readable()));
}

// Goal: two events of one descriptor reach a buffer for one, in two calls.
#[cfg_attr(edgewake_kqueue = "system", ignore = "libkqueue loses the second event")]
#[test]
fn two_events_reach_a_buffer_for_one() {
    let (selector, (near, far)) = (Selector::new().unwrap(), UnixStream::pair().unwrap());
    write(&far, b"abc");
    selector.register(near.as_fd(), Token(1), BOTH).unwrap();
    let mut events = crate::Events::with_capacity(1);
    let (mut readable, mut writable) = (0, 0);
    for _ in 0..4 {
        selector.select(&mut events, Some(std::time::Duration::ZERO)).unwrap();
        readable += events.iter().filter(|event| event.is_readable()).count();
        writable += events.iter().filter(|event| event.is_writable()).count();
    }
    assert_eq!((readable, writable), (1, 1));
    assert!(poll(&selector).is_empty());
}

// T6. Goal: the peer's half-close ends reading and leaves writing open.
#[test]
fn t06_a_half_close_ends_reading_only() {
    let (selector, (client, server)) = (Selector::new().unwrap(), tcp_pair());
    selector.register(client.as_fd(), Token(1), BOTH).unwrap();
    server.shutdown(Shutdown::Write).unwrap();
    let end = wait_for(&selector, |event| {
        assert!(!event.is_write_closed() && !event.is_error(), "{event:?}");
        event.is_read_closed()
    });
    assert_eq!(end.readable_bytes(), Some(0));
}

// T35. Goal: a reset is the end and an error, told by the filter for reading.
#[test]
fn t35_a_reset_is_an_error() {
    let (selector, (client, server)) = (Selector::new().unwrap(), tcp_pair());
    selector.register(client.as_fd(), Token(1), BOTH).unwrap();
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    // SAFETY: an open socket, and an option value of the size given.
    let result = unsafe {
        libc::setsockopt(
            server.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            (&raw const linger).cast(),
            size_of_val(&linger) as libc::socklen_t,
        )
    };
    assert_eq!(result, 0);
    drop(server);
    let end = wait_for(&selector, |event| event.is_read_closed());
    assert!(end.is_error(), "{end:?}");
}

// T9, T63. Goal: the ICMP error of a connected datagram socket wakes its reader.
#[cfg_attr(edgewake_kqueue = "system", ignore = "libkqueue consumes the error")]
#[test]
fn t09_a_datagram_error_wakes_the_reader() {
    let selector = Selector::new().unwrap();
    let gone = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    socket.connect(gone).unwrap();
    selector.register(socket.as_fd(), Token(1), Interest::READABLE).unwrap();
    assert!(poll(&selector).is_empty());
    socket.send(b"x").unwrap();
    wait_for(&selector, |event| event.is_readable());
    let error = socket.recv(&mut [0; 8]).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ECONNREFUSED));
}

// Goal: a connection to accept is readable.
#[test]
fn a_connection_makes_its_listener_readable() {
    let selector = Selector::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    selector.register(listener.as_fd(), Token(1), Interest::INCOMING).unwrap();
    assert!(poll(&selector).is_empty());
    let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let event = wait_for(&selector, |event| event.is_readable());
    assert!(event.readable_bytes().unwrap() >= 1);
}

// Goal: a registration made while another thread waits takes effect in that wait.
#[test]
fn registrations_reach_a_blocked_select() {
    let selector = Selector::new().unwrap();
    let (near, far) = UnixStream::pair().unwrap();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| wait_for(&selector, |event| event.is_readable()));
        selector.register(near.as_fd(), Token(9), Interest::READABLE).unwrap();
        (&far).write_all(b"a").unwrap();
        assert_eq!(waiter.join().unwrap().token(), Token(9));
    });
}

// T89. Goal: the amount counts what lies behind an urgent mark, so that a reader does not take
// the mark for the end.
#[cfg_attr(edgewake_kqueue = "system", ignore = "libkqueue counts as Linux does, to the mark")]
#[test]
fn t89_the_amount_reaches_past_an_urgent_mark() {
    let (selector, (client, server)) = (Selector::new().unwrap(), tcp_pair());
    (&server).write_all(b"abc").unwrap();
    // SAFETY: one readable byte.
    let sent = unsafe { libc::send(server.as_raw_fd(), b"X".as_ptr().cast(), 1, libc::MSG_OOB) };
    assert_eq!(sent, 1);
    (&server).write_all(b"def").unwrap();
    server.shutdown(Shutdown::Write).unwrap();
    // All has arrived once the end has.
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    selector.register(client.as_fd(), Token(1), Interest::READABLE).unwrap();
    let event = wait_for(&selector, |event| event.is_read_closed());
    assert!(event.readable_bytes().unwrap() > 3, "{event:?}");
}

// T41. Goal: urgent data is told where the system can.
#[cfg(edgewake_has = "priority")]
#[test]
fn t41_urgent_data_is_told() {
    let (selector, (client, server)) = (Selector::new().unwrap(), tcp_pair());
    let interest = Interest::READABLE | Interest::PRIORITY;
    selector.register(client.as_fd(), Token(1), interest).unwrap();
    // SAFETY: one readable byte.
    let sent = unsafe { libc::send(server.as_raw_fd(), b"X".as_ptr().cast(), 1, libc::MSG_OOB) };
    assert_eq!(sent, 1);
    wait_for(&selector, |event| event.is_priority());
    selector.deregister(client.as_raw_fd()).unwrap();
}
