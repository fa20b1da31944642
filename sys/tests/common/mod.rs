//! What the tests of this crate share: loopback sockets, and waiting with a deadline.
//!
//! Waiting for a socket goes through poll(2), so that a test of sockets does not stand on the
//! selector, which has its own tests. No test takes longer than [`PATIENCE`] to fail.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

use edgewake_sys::{
    Event, Events, Interest, Selector,
    socket::{self, Domain, Progress, Type},
    sockopt,
};

/// When a test gives up: generous, for a slow machine that does other things too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How long "nothing happens" is watched. Several ticks of 10 ms.
pub(crate) const QUIET: Duration = Duration::from_millis(60);

/// Waits until poll(2) reports one of `conditions`, an error or a hang-up.
#[track_caller]
pub(crate) fn wait_for(fd: BorrowedFd<'_>, conditions: i16) {
    let mut entry = libc::pollfd { fd: fd.as_raw_fd(), events: conditions, revents: 0 };
    // SAFETY: `entry` is one valid entry.
    let count = unsafe { libc::poll(&mut entry, 1, PATIENCE.as_millis() as i32) };
    assert_eq!(count, 1, "nothing happened on the descriptor: {}", io::Error::last_os_error());
}

/// Repeats `call` until it does not say "would block", waiting for `conditions` in between.
#[track_caller]
pub(crate) fn retry<T>(
    fd: BorrowedFd<'_>,
    conditions: i16,
    mut call: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait_for(fd, conditions),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
        assert!(Instant::now() < deadline, "the call never stopped blocking");
    }
}

/// A listener on a free port of the IPv4 loopback.
pub(crate) fn listener() -> (OwnedFd, SocketAddr) {
    let fd = socket::create(Domain::IPV4, Type::STREAM).unwrap();
    socket::bind(fd.as_fd(), &(Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    socket::listen(fd.as_fd(), 16).unwrap();
    let address = socket::local_addr(fd.as_fd()).unwrap();
    (fd, address)
}

/// An address of the IPv4 loopback that refuses connections as long as the socket lives: it is
/// bound and does not listen, so nobody else can be given the port, a client least of all.
pub(crate) fn refusing() -> (OwnedFd, SocketAddr) {
    let fd = socket::create(Domain::IPV4, Type::STREAM).unwrap();
    socket::bind(fd.as_fd(), &(Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = socket::local_addr(fd.as_fd()).unwrap();
    (fd, address)
}

/// A socket connected to `address`.
pub(crate) fn client(address: &SocketAddr) -> OwnedFd {
    let fd = socket::create(Domain::for_addr(address), Type::STREAM).unwrap();
    let mut progress = socket::connect(fd.as_fd(), address).unwrap();
    while progress == Progress::InProgress {
        wait_for(fd.as_fd(), libc::POLLOUT);
        progress = socket::connect_outcome(fd.as_fd()).unwrap();
    }
    sockopt::NODELAY.set(fd.as_fd(), true).unwrap();
    fd
}

/// The next connection of `listener`.
pub(crate) fn accept(listener: BorrowedFd<'_>) -> OwnedFd {
    let accepted = retry(listener, libc::POLLIN, || socket::accept(listener));
    let (fd, _) = accepted.unwrap();
    sockopt::NODELAY.set(fd.as_fd(), true).unwrap();
    fd
}

/// Two ends of a connection: the client's and the server's.
pub(crate) fn pair() -> (OwnedFd, OwnedFd) {
    let (listener, address) = listener();
    let client = client(&address);
    let server = accept(listener.as_fd());
    (client, server)
}

/// Sends all of `bytes`.
#[track_caller]
pub(crate) fn send_all(fd: &OwnedFd, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let fd = fd.as_fd();
        let sent = retry(fd, libc::POLLOUT, || socket::send(fd, bytes)).unwrap();
        bytes = &bytes[sent..];
    }
}

/// Receives until `count` bytes are there or the stream ends.
#[track_caller]
pub(crate) fn recv_all(fd: &OwnedFd, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    let mut filled = 0;
    while filled < count {
        let room = &mut bytes[filled..];
        match retry(fd.as_fd(), libc::POLLIN, || socket::recv(fd.as_fd(), room)).unwrap() {
            0 => break,
            received => filled += received,
        }
    }
    bytes.truncate(filled);
    bytes
}

/// Sends until the socket is full; returns how much.
#[track_caller]
pub(crate) fn fill(fd: &OwnedFd) -> usize {
    let chunk = [7; 64 * 1024];
    let mut total = 0;
    // Loopback acknowledges at once, but the receive window may open once more after a full send.
    for _ in 0..1_000_000 {
        match socket::send(fd.as_fd(), &chunk) {
            Ok(sent) => total += sent,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return total,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the socket never filled");
}

/// Selects until an event satisfies `wanted`, and returns it. Others may come before it.
#[track_caller]
pub(crate) fn expect_event(selector: &Selector, wanted: impl Fn(&Event) -> bool) -> Event {
    let deadline = Instant::now() + PATIENCE;
    let mut events = Events::with_capacity(16);
    let mut seen = Vec::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "the event never came, but {seen:?}");
        match selector.select(&mut events, Some(left)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => panic!("{error}"),
        }
        if let Some(event) = events.iter().find(|event| wanted(event)) {
            return event;
        }
        seen.extend(&events);
    }
}

/// All events that come until [`QUIET`] has passed without one.
#[track_caller]
pub(crate) fn drain(selector: &Selector) -> Vec<Event> {
    let mut events = Events::with_capacity(16);
    let mut seen = Vec::new();
    for _ in 0..1000 {
        selector.select(&mut events, Some(QUIET)).unwrap();
        if events.is_empty() {
            return seen;
        }
        seen.extend(&events);
    }
    panic!("the events never end: {seen:?}");
}

/// A selector with one registration under token 1, its initial events consumed.
pub(crate) fn watch(fd: &OwnedFd, interest: Interest) -> Selector {
    let selector = Selector::new().unwrap();
    selector.register(fd.as_fd(), edgewake_sys::Token(1), interest).unwrap();
    drain(&selector);
    selector
}
