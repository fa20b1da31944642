//! What Linux's epoll does with sockets of messages, Unix streams, pipes and terminals, measured on
//! 6.18 and relied on: each assumption as a test, as in `epoll_kernel`.

#![cfg(edgewake_selector = "epoll")]

mod common;

use std::{
    io::{self, IoSlice},
    net::{Ipv4Addr, Shutdown, SocketAddr},
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
};

use common::{drain, recv_all, wait_for, watch};
use edgewake_sys::{
    Event, Interest, Selector, Token,
    cmsg::{Control, Message, SendControl},
    fd, pipe,
    sockaddr::UnixAddr,
    socket::{self, Domain, RecvFlags, SendFlags, Type},
    sockopt,
};

const BOTH: Interest = Interest::READABLE.union(Interest::WRITABLE);

/// The one event there is.
#[track_caller]
fn one(selector: &Selector) -> Event {
    let events = drain(selector);
    assert_eq!(events.len(), 1, "{events:?}");
    events[0]
}

/// A registration whose first event is still to come.
fn register(fd: &OwnedFd, interest: Interest) -> Selector {
    let selector = Selector::new().unwrap();
    selector.register(fd.as_fd(), Token(1), interest).unwrap();
    selector
}

#[track_caller]
fn assert_errno<T: std::fmt::Debug>(outcome: io::Result<T>, errno: i32) {
    assert_eq!(outcome.unwrap_err().raw_os_error(), Some(errno));
}

/// A UDP socket of the IPv4 loopback.
fn udp() -> (OwnedFd, SocketAddr) {
    let fd = socket::create(Domain::IPV4, Type::DATAGRAM).unwrap();
    socket::bind(fd.as_fd(), &(Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = socket::local_addr(fd.as_fd()).unwrap();
    (fd, address)
}

fn recv(fd: &OwnedFd) -> io::Result<Vec<u8>> {
    let mut room = [0; 1024];
    let count = socket::recv(fd.as_fd(), &mut room)?;
    Ok(room[..count].to_vec())
}

fn send(fd: &OwnedFd, bytes: &[u8]) {
    assert_eq!(socket::send(fd.as_fd(), bytes).unwrap(), bytes.len());
}

/// read(2), for what is no socket.
fn read(fd: &OwnedFd) -> io::Result<Vec<u8>> {
    let mut room = [0_u8; 8192];
    // SAFETY: `room` is writable for its length.
    let count = unsafe { libc::read(fd.as_raw_fd(), room.as_mut_ptr().cast(), room.len()) };
    match usize::try_from(count) {
        Ok(count) => Ok(room[..count].to_vec()),
        Err(_) => Err(io::Error::last_os_error()),
    }
}

/// write(2), for what is no socket.
fn write(fd: &OwnedFd, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: `bytes` is readable for its length.
    let count = unsafe { libc::write(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) };
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}

/// Sends bytes with a descriptor beside them.
fn send_with_fd(to: &OwnedFd, bytes: &[u8], passed: BorrowedFd<'_>) {
    let mut control = SendControl::new();
    control.push_fds(&[passed]);
    let pieces = [IoSlice::new(bytes)];
    let sent =
        socket::send_message(to.as_fd(), &pieces, None, Some(&control), SendFlags::NONE).unwrap();
    assert_eq!(sent, bytes.len());
}

// T9, T63. Rule: an error wakes both directions. The refusal of a datagram is an error and room to
// write, nothing to read; it is told once, and then the socket is as good as before.
#[test]
fn t9_refused_datagram_is_an_error_alone() {
    let (client, address) = udp();
    let (server, target) = udp();
    drop(server);
    socket::connect_datagram(client.as_fd(), &target).unwrap();
    let selector = watch(&client, BOTH);
    send(&client, b"to nobody");
    wait_for(client.as_fd(), 0);
    let events = drain(&selector);
    let told = |event: &Event| event.is_error() && event.is_writable() && !event.is_readable();
    assert!(events.iter().any(told), "{events:?}");
    assert_errno(recv(&client), libc::ECONNREFUSED);
    assert_errno(recv(&client), libc::EAGAIN);
    assert!(drain(&selector).is_empty());
    let server = socket::create(Domain::IPV4, Type::DATAGRAM).unwrap();
    socket::bind(server.as_fd(), &target).unwrap();
    socket::send_to(server.as_fd(), b"still here", &address).unwrap();
    assert!(one(&selector).is_readable());
    assert_eq!(recv(&client).unwrap(), b"still here");
}

// T62. Rule: no bytes are no end. A datagram of none is received as any other.
#[test]
fn t62_empty_datagram_is_received() {
    let (client, _) = udp();
    let (server, target) = udp();
    let selector = watch(&server, Interest::READABLE);
    for bytes in [&b""[..], b"next"] {
        socket::send_to(client.as_fd(), bytes, &target).unwrap();
    }
    assert!(drain(&selector).iter().all(|event| event.is_readable() && !event.is_read_closed()));
    assert_eq!(recv(&server).unwrap(), b"");
    assert_eq!(recv(&server).unwrap(), b"next");
    assert_errno(recv(&server), libc::EAGAIN);
}

// T88. Rule: WouldBlock clears CLOSED too. A datagram socket shut down for reading reports the end,
// and every receive would block.
#[test]
fn t88_shut_datagram_socket_reports_an_end_that_does_not_hold() {
    let (server, _) = udp();
    let (_peer, address) = udp();
    socket::connect_datagram(server.as_fd(), &address).unwrap();
    let selector = watch(&server, Interest::READABLE);
    socket::shutdown(server.as_fd(), Shutdown::Read).unwrap();
    let event = one(&selector);
    assert!(event.is_readable() && event.is_read_closed());
    assert_errno(recv(&server), libc::EAGAIN);
    assert!(drain(&selector).is_empty());
}

// T8. Rule: a hang-up wakes readers, an error alone writers. A pipe's reader is told of the
// writer's end by HUP without IN; a writer of the reader's by ERR, with OUT only where there is
// room.
#[test]
fn t8_ends_of_a_pipe() {
    let (reader, writer) = pipe::pipe().unwrap();
    let selector = watch(&reader, Interest::READABLE);
    drop(writer);
    let event = one(&selector);
    assert!(event.is_read_closed() && !event.is_readable());

    let (reader, writer) = pipe::pipe().unwrap();
    let selector = watch(&writer, Interest::WRITABLE);
    drop(reader);
    let event = one(&selector);
    assert!(event.is_error() && event.is_writable());

    let (reader, writer) = pipe::pipe().unwrap();
    while write(&writer, &[7; 4096]).is_ok() {}
    let selector = watch(&writer, Interest::WRITABLE);
    drop(reader);
    let event = one(&selector);
    assert!(event.is_error() && !event.is_writable());
}

// T4. Rule: room in a pipe is never inferred from what was read. Less than a page that is freed
// makes none.
#[test]
fn t4_pipe_room_comes_in_pages() {
    let (reader, writer) = pipe::pipe().unwrap();
    while write(&writer, &[7; 4096]).is_ok() {}
    let mut some = [0_u8; 100];
    // SAFETY: `some` is writable for its length.
    let freed = unsafe { libc::read(reader.as_raw_fd(), some.as_mut_ptr().cast(), some.len()) };
    assert_eq!(freed, 100);
    assert_errno(write(&writer, &[7; 8192]), libc::EAGAIN);
    assert!(read(&reader).unwrap().len() >= 4096);
    assert!(write(&writer, &[7; 8192]).unwrap() >= 4096);
}

// T1. Rule: a packet pipe is read until WouldBlock. Each read gets one packet, however long the
// buffer is.
#[test]
fn t1_packet_pipe_gives_a_packet_a_read() {
    let mut ends = [0; 2];
    // SAFETY: `ends` is room for the two descriptors.
    let made = unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_DIRECT | libc::O_NONBLOCK) };
    assert_eq!(made, 0, "{}", io::Error::last_os_error());
    // SAFETY: both are new, and nobody else owns them.
    let [reader, writer] = ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) });
    let selector = watch(&reader, Interest::READABLE);
    write(&writer, b"first").unwrap();
    write(&writer, b"second").unwrap();
    drain(&selector);
    assert_eq!(read(&reader).unwrap(), b"first");
    assert!(drain(&selector).is_empty(), "the rest gets no edge");
    assert_eq!(read(&reader).unwrap(), b"second");
}

// T1. Rule: a terminal is read until WouldBlock. A read returns one line, the rest gets no edge.
#[test]
fn t1_terminal_gives_a_line_a_read() {
    // SAFETY: takes its argument by value.
    let master = unsafe { libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY) };
    assert!(master >= 0, "{}", io::Error::last_os_error());
    // SAFETY: it is new, and nobody else owns it.
    let master = unsafe { OwnedFd::from_raw_fd(master) };
    let mut name = [0; 64];
    // SAFETY: all three take an open descriptor; `name` is room for the length given.
    let outcome = unsafe {
        libc::grantpt(master.as_raw_fd())
            | libc::unlockpt(master.as_raw_fd())
            | libc::ptsname_r(master.as_raw_fd(), name.as_mut_ptr(), name.len())
    };
    assert_eq!(outcome, 0, "{}", io::Error::last_os_error());
    // SAFETY: `name` is the path that ptsname_r(3) has just written, with its NUL.
    let slave = unsafe { libc::open(name.as_ptr(), libc::O_RDWR | libc::O_NOCTTY) };
    assert!(slave >= 0, "{}", io::Error::last_os_error());
    // SAFETY: it is new, and nobody else owns it.
    let slave = unsafe { OwnedFd::from_raw_fd(slave) };
    fd::set_nonblocking(slave.as_fd(), true).unwrap();
    let selector = watch(&slave, Interest::READABLE);
    write(&master, b"aa\nbb\n").unwrap();
    wait_for(slave.as_fd(), libc::POLLIN);
    assert!(drain(&selector).iter().any(Event::is_readable));
    assert_eq!(read(&slave).unwrap(), b"aa\n");
    assert!(drain(&selector).is_empty(), "the second line gets no edge");
    assert_eq!(read(&slave).unwrap(), b"bb\n");
}

// T1. Rule: a short read of a Unix stream is "drained" only where the receive says that nothing
// came beside the bytes. Descriptors end a read, and what is behind them gets no edge.
#[test]
fn t1_descriptors_cut_a_read_without_an_edge() {
    let (client, server) = socket::pair(Type::STREAM).unwrap();
    send(&client, b"one");
    send_with_fd(&client, b"two", client.as_fd());
    send(&client, b"three");
    let selector = register(&server, Interest::READABLE);
    assert!(one(&selector).is_readable());
    let mut room = [0; 64];
    let (count, whole) = socket::recv_marked(server.as_fd(), &mut room).unwrap();
    assert_eq!(&room[..count], b"onetwo");
    assert!(!whole, "the receive says that there is more to it");
    assert!(drain(&selector).is_empty(), "the rest gets no edge");
    assert_eq!(socket::recv_marked(server.as_fd(), &mut room).unwrap(), (5, true));
    assert_eq!(&room[..5], b"three");
}

// T1, T64. Rule: as above, with credentials: bytes of two processes are never read at once.
#[test]
fn t1_credentials_cut_a_read_without_an_edge() {
    let (client, server) = socket::pair(Type::STREAM).unwrap();
    // SAFETY: the option's value is an int.
    let passcred: sockopt::SockOpt<bool> = unsafe {
        sockopt::SockOpt::custom(
            "SO_PASSCRED",
            libc::SOL_SOCKET,
            libc::SO_PASSCRED,
            sockopt::Encoding::FLAG,
        )
    };
    passcred.set(server.as_fd(), true).unwrap();
    // SAFETY: the child makes async-signal-safe calls only.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "{}", io::Error::last_os_error());
    if child == 0 {
        // SAFETY: as above; the bytes are static.
        unsafe {
            libc::send(client.as_raw_fd(), b"child".as_ptr().cast(), 5, libc::MSG_NOSIGNAL);
            libc::_exit(0);
        }
    }
    let mut status = 0;
    // SAFETY: `status` is room for what the call writes.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    send(&client, b"parent");
    let selector = register(&server, Interest::READABLE);
    assert!(one(&selector).is_readable());
    let mut room = [0; 64];
    let (count, whole) = socket::recv_marked(server.as_fd(), &mut room).unwrap();
    assert_eq!((&room[..count], whole), (&b"child"[..], false));
    assert!(drain(&selector).is_empty(), "the rest gets no edge");
    let (count, _) = socket::recv_marked(server.as_fd(), &mut room).unwrap();
    assert_eq!(&room[..count], b"parent");
}

// T1. Rule: sequenced packets are read until WouldBlock: a read gets one.
#[test]
fn t1_sequenced_packets_come_one_a_read() {
    let (client, server) = socket::pair(Type::SEQPACKET).unwrap();
    let selector = watch(&server, Interest::READABLE);
    send(&client, b"first");
    send(&client, b"second");
    drain(&selector);
    assert_eq!(recv(&server).unwrap(), b"first");
    assert!(drain(&selector).is_empty(), "the rest gets no edge");
    assert_eq!(recv(&server).unwrap(), b"second");
}

// T89. Rule: an out-of-band receive ends the short-read rule on Unix streams too: the mark cuts a
// read, with no control data that would tell. (MSG_OOB of AF_UNIX: Linux 5.15.)
#[test]
fn t89_unix_urgent_byte_leaves_its_mark() {
    let (client, server) = socket::pair(Type::STREAM).unwrap();
    send(&client, b"abc");
    if let Err(error) = socket::send_oob(client.as_fd(), b"X") {
        return assert_eq!(error.raw_os_error(), Some(libc::EOPNOTSUPP), "an older kernel");
    }
    send(&client, b"def");
    let mut room = [0; 64];
    assert_eq!(socket::recv_oob(server.as_fd(), &mut room).unwrap(), 1);
    let selector = register(&server, Interest::READABLE | Interest::PRIORITY);
    let event = one(&selector);
    assert!(event.is_readable() && !event.is_priority());
    assert_eq!(socket::recv_marked(server.as_fd(), &mut room).unwrap(), (3, true));
    assert!(drain(&selector).is_empty(), "the rest gets no edge");
    assert_eq!(recv_all(&server, 3), b"def");
}

// T56. Rule: EAGAIN of a Unix connect is a full backlog, not a connect under way. The socket then
// reports a hang-up, as any that is not connected.
#[test]
fn t56_full_backlog_is_no_connect() {
    let listener = socket::create(Domain::UNIX, Type::STREAM).unwrap();
    socket::bind_unix(listener.as_fd(), &UnixAddr::unnamed()).unwrap();
    let address = socket::local_unix_addr(listener.as_fd()).unwrap();
    socket::listen(listener.as_fd(), 1).unwrap();
    let mut queued = Vec::new();
    let refused = loop {
        let client = socket::create(Domain::UNIX, Type::STREAM).unwrap();
        match socket::connect_unix(client.as_fd(), &address) {
            Ok(_) => queued.push(client),
            Err(error) => {
                assert_eq!(error.raw_os_error(), Some(libc::EAGAIN));
                break client;
            }
        }
        assert!(queued.len() < 16, "the backlog is never full");
    };
    let event = one(&register(&refused, BOTH));
    assert!(event.is_writable() && event.is_write_closed());
    assert_errno(socket::peer_unix_addr(refused.as_fd()), libc::ENOTCONN);
}

// T88. Rule: an event of the error queue is cleared by WouldBlock as any other: with nothing to
// receive it is an error, and the queue has what it is about.
#[test]
fn t88_error_queue_reports_an_error_and_nothing_to_read() {
    let (client, _) = udp();
    let (server, target) = udp();
    drop(server);
    sockopt::RECV_ERRORS.set(client.as_fd(), true).unwrap();
    let selector = watch(&client, Interest::READABLE);
    socket::send_to(client.as_fd(), b"to nobody", &target).unwrap();
    wait_for(client.as_fd(), 0);
    assert!(drain(&selector).iter().all(|event| event.is_error() && !event.is_readable()));
    // The pending error, and then nothing; the queue still has its entry.
    assert_errno(recv(&client), libc::ECONNREFUSED);
    assert_errno(recv(&client), libc::EAGAIN);
    let mut control = Control::with_capacity(512);
    let flags = RecvFlags::ERROR_QUEUE;
    socket::recv_message(client.as_fd(), &mut [], Some(&mut control), flags).unwrap();
    assert!(control.messages().any(|message| matches!(message, Message::Error(_))));
    assert!(drain(&selector).is_empty());
}

// T35. Rule: the end of a Unix peer closes both directions, of sequenced packets as of streams.
#[test]
fn closed_peer_of_a_unix_pair_is_told() {
    for kind in [Type::STREAM, Type::SEQPACKET] {
        let (client, server) = socket::pair(kind).unwrap();
        let selector = watch(&server, Interest::READABLE);
        drop(client);
        let event = one(&selector);
        assert!(event.is_read_closed() && event.is_write_closed(), "{kind:?}: {event:?}");
    }
}
