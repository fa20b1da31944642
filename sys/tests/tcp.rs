//! TCP over loopback: connecting, accepting, transferring, shutting down.

mod common;

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    os::fd::{AsFd, AsRawFd, OwnedFd},
};

use common::{accept, client, listener, pair, recv_all, refusing, retry, send_all, wait_for};
use edgewake_sys::{
    fd,
    sockaddr::RawAddr,
    socket::{self, AcceptError, Domain, Progress, Type},
    sockopt,
};

fn is_cloexec(fd: &OwnedFd) -> bool {
    // SAFETY: F_GETFD takes no argument.
    unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFD) & libc::FD_CLOEXEC != 0 }
}

// T51, T68. Goal: every socket is non-blocking and close-on-exec, made, connected or accepted.
#[test]
fn t51_sockets_are_born_with_their_flags() {
    let (listener, address) = listener();
    let client = client(&address);
    wait_for(listener.as_fd(), libc::POLLIN);
    let accepted = socket::accept_unnamed(listener.as_fd()).unwrap();
    for fd in [&listener, &client, &accepted] {
        assert!(fd::is_nonblocking(fd.as_fd()).unwrap());
        assert!(is_cloexec(fd));
    }
}

// Goal: each end sees the other's address, by accept, by peer_addr and in the kernel's form.
#[test]
fn addresses_of_both_ends_agree() {
    for unspecified in [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), (Ipv6Addr::LOCALHOST, 0).into()]
    {
        // A machine without IPv6 has nothing to test here.
        let Ok(std_listener) = TcpListener::bind(unspecified) else {
            assert!(unspecified.is_ipv6());
            continue;
        };
        let listener = OwnedFd::from(std_listener);
        let address = socket::local_addr(listener.as_fd()).unwrap();
        assert_eq!(Domain::of(listener.as_fd()).unwrap(), Domain::for_addr(&address));
        fd::set_nonblocking(listener.as_fd(), true).unwrap();
        let client = client(&address);
        let (server, peer) =
            retry(listener.as_fd(), libc::POLLIN, || socket::accept(listener.as_fd())).unwrap();
        assert_eq!(socket::local_addr(client.as_fd()).unwrap(), peer);
        assert_eq!(socket::peer_addr(client.as_fd()).unwrap(), address);
        assert_eq!(socket::peer_addr(server.as_fd()).unwrap(), peer);
        let _second = common::client(&address);
        wait_for(listener.as_fd(), libc::POLLIN);
        let (_, raw): (OwnedFd, RawAddr) = socket::accept_raw(listener.as_fd()).unwrap();
        assert_eq!(SocketAddr::try_from(&raw).unwrap().ip(), peer.ip());
    }
}

// Goal: bytes arrive whole and in order through every way to send and receive.
#[test]
fn echo_by_every_call() {
    let (client, server) = pair();
    send_all(&client, b"hello");
    let mut room = [MaybeUninit::uninit(); 8];
    wait_for(server.as_fd(), libc::POLLIN);
    assert_eq!(socket::peek_uninit(server.as_fd(), &mut room).unwrap(), 5);
    let mut bytes = [0; 8];
    assert_eq!(socket::peek(server.as_fd(), &mut bytes).unwrap(), 5);
    assert_eq!(&bytes[..5], b"hello");
    assert_eq!(socket::recv_uninit(server.as_fd(), &mut room).unwrap(), 5);
    // SAFETY: the count says that the first five are initialised.
    let received = room[..5].iter().map(|byte| unsafe { byte.assume_init() });
    assert!(received.eq(*b"hello"));
    let slices = [IoSlice::new(b"ab"), IoSlice::new(b""), IoSlice::new(b"cde")];
    assert_eq!(socket::send_vectored(server.as_fd(), &slices).unwrap(), 5);
    let (mut first, mut second) = ([0; 3], [0; 8]);
    wait_for(client.as_fd(), libc::POLLIN);
    let mut slices = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
    assert_eq!(socket::recv_vectored(client.as_fd(), &mut slices).unwrap(), 5);
    assert_eq!((&first, &second[..2]), (b"abc", &b"de"[..]));
    let nothing = socket::recv(client.as_fd(), &mut bytes).unwrap_err();
    assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
}

// T49 (rust#68042, rustls#389). Goal: more buffers than IOV_MAX are no error, in either direction,
// and empty ones in front do not make a count of 0 that looks like the end.
#[test]
fn t49_any_number_of_buffers() {
    let (client, server) = pair();
    let many = vec![IoSlice::new(b"x"); 3000];
    let sent = socket::send_vectored(client.as_fd(), &many).unwrap();
    assert!((1..=3000).contains(&sent), "{sent}");
    assert_eq!(recv_all(&server, sent).len(), sent);
    let mut late = vec![IoSlice::new(b""); 2000];
    late.push(IoSlice::new(b"late"));
    assert_eq!(socket::send_vectored(client.as_fd(), &late).unwrap(), 4);
    wait_for(server.as_fd(), libc::POLLIN);
    let mut room = [0; 8];
    let mut late: Vec<_> = (0..2000).map(|_| IoSliceMut::new(&mut [])).collect();
    late.push(IoSliceMut::new(&mut room));
    assert_eq!(socket::recv_vectored(server.as_fd(), &mut late).unwrap(), 4);
    assert_eq!(&room[..4], b"late");
    assert_eq!(socket::send_vectored(client.as_fd(), &[]).unwrap(), 0);
    assert_eq!(socket::send(client.as_fd(), &[]).unwrap(), 0);
}

// Goal: the peer's half-close is a 0, the other direction goes on, and a shutdown socket sends
// nothing more.
#[test]
fn half_close() {
    let (client, server) = pair();
    send_all(&client, b"last");
    socket::shutdown(client.as_fd(), Shutdown::Write).unwrap();
    assert_eq!(recv_all(&server, 100), b"last");
    assert_eq!(socket::recv(server.as_fd(), &mut [0; 4]).unwrap(), 0);
    send_all(&server, b"answer");
    assert_eq!(recv_all(&client, 6), b"answer");
    let error = socket::send(client.as_fd(), b"more").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

// T48. Goal: what shutdown says of a socket without a connection comes through as it is.
#[test]
fn t48_shutdown_returns_enotconn() {
    let fd = socket::create(Domain::IPV4, Type::STREAM).unwrap();
    let error = socket::shutdown(fd.as_fd(), Shutdown::Both).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ENOTCONN));
    let error = socket::peer_addr(fd.as_fd()).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ENOTCONN));
}

// T55. Goal: a connection to nobody is refused, at once or by its outcome, and exactly once.
#[test]
fn t55_refused() {
    let (_holder, address) = refusing();
    let fd = socket::create(Domain::IPV4, Type::STREAM).unwrap();
    let error = match socket::connect(fd.as_fd(), &address) {
        Err(error) => error,
        Ok(progress) => {
            assert_eq!(progress, Progress::InProgress);
            wait_for(fd.as_fd(), libc::POLLOUT);
            socket::connect_outcome(fd.as_fd()).unwrap_err()
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert!(socket::take_error(fd.as_fd()).unwrap().is_none());
}

// T10, T55. Goal: a socket that is not connected never passes for a connected one, however ready
// it looks.
#[test]
fn t55_outcome_of_an_unconnected_socket_is_not_done() {
    let fd = socket::create(Domain::IPV4, Type::STREAM).unwrap();
    assert_eq!(socket::connect_outcome(fd.as_fd()).unwrap(), Progress::InProgress);
}

// T55. Goal: asking again while connecting, and after, is no error: EALREADY and EISCONN.
#[test]
fn t55_connecting_again() {
    let (listener, address) = listener();
    let fd = client(&address);
    assert_eq!(socket::connect(fd.as_fd(), &address).unwrap(), Progress::Done);
    assert_eq!(socket::connect_outcome(fd.as_fd()).unwrap(), Progress::Done);
    drop(accept(listener.as_fd()));
}

// T50. Goal: writing into a dead connection is an error and no signal. Std ignores SIGPIPE, so the
// default action is put back: the signal would end this test's process.
#[test]
fn t50_no_sigpipe() {
    // SAFETY: SIG_DFL is a valid disposition; no handler is involved.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    for call in [
        |fd: &OwnedFd| socket::send(fd.as_fd(), b"x"),
        |fd: &OwnedFd| socket::send_vectored(fd.as_fd(), &[IoSlice::new(b"x")]),
        |fd: &OwnedFd| socket::send_oob(fd.as_fd(), b"x"),
    ] {
        let (client, server) = pair();
        for fd in [&client, &server] {
            socket::shutdown(fd.as_fd(), Shutdown::Write).unwrap();
            assert_eq!(call(fd).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        }
    }
    let (client, server) = pair();
    // Zero: closing resets the connection.
    sockopt::LINGER.set(server.as_fd(), Some(std::time::Duration::ZERO)).unwrap();
    drop(server);
    wait_for(client.as_fd(), libc::POLLIN);
    let kinds = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
    for _ in 0..2 {
        let error = socket::send(client.as_fd(), b"x").unwrap_err();
        assert!(kinds.contains(&error.kind()), "{error}");
    }
}

// T57. Goal: an empty queue would block, and a socket that does not listen is a fatal error.
#[test]
fn t57_accept_errors() {
    let (listener, _) = listener();
    let error = socket::accept(listener.as_fd()).unwrap_err();
    assert_eq!(AcceptError::classify(&error), AcceptError::WouldBlock);
    let fd = socket::create(Domain::IPV4, Type::STREAM).unwrap();
    let error = socket::accept(fd.as_fd()).unwrap_err();
    assert_eq!(AcceptError::classify(&error), AcceptError::Fatal, "{error}");
}

// T57. Goal: a connection that was reset while it waited does not break the listener, whatever the
// system makes of it.
#[test]
fn t57_reset_while_waiting() {
    let (listener, address) = listener();
    let aborted = client(&address);
    sockopt::LINGER.set(aborted.as_fd(), Some(std::time::Duration::ZERO)).unwrap();
    drop(aborted);
    let live = client(&address);
    let local = socket::local_addr(live.as_fd()).unwrap();
    loop {
        match retry(listener.as_fd(), libc::POLLIN, || socket::accept(listener.as_fd())) {
            Ok((_, peer)) if peer == local => break,
            Ok(_) => {}
            Err(error) => assert_eq!(AcceptError::classify(&error), AcceptError::Connection),
        }
    }
}

// Goal: the urgent byte is received out of band, once.
#[test]
fn urgent_byte() {
    let (client, server) = pair();
    assert_eq!(socket::send_oob(client.as_fd(), b"!").unwrap(), 1);
    wait_for(server.as_fd(), libc::POLLPRI);
    let mut byte = [0];
    assert_eq!(socket::recv_oob(server.as_fd(), &mut byte).unwrap(), 1);
    assert_eq!(byte, *b"!");
    assert!(socket::recv_oob(server.as_fd(), &mut byte).is_err());
}

// Goal: the two families do not mix, and binding a taken port is told.
#[test]
fn binding() {
    let (listener, address) = listener();
    let fd = socket::create(Domain::IPV4, Type::STREAM).unwrap();
    let error = socket::bind(fd.as_fd(), &address).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    assert!(socket::bind(fd.as_fd(), &(Ipv6Addr::LOCALHOST, 0).into()).is_err());
    assert!(sockopt::ACCEPT_CONN.get(listener.as_fd()).unwrap());
    assert!(!sockopt::ACCEPT_CONN.get(fd.as_fd()).unwrap());
}

// Goal: sockets of the standard library and of this crate are the same thing.
#[test]
fn std_sockets_interoperate() {
    use std::io::{Read, Write};

    let (listener, address) = listener();
    let mut std_stream = TcpStream::connect(address).unwrap();
    let server = accept(listener.as_fd());
    std_stream.write_all(b"from std").unwrap();
    assert_eq!(recv_all(&server, 8), b"from std");
    send_all(&server, b"to std");
    drop(server);
    let mut text = String::new();
    std_stream.read_to_string(&mut text).unwrap();
    assert_eq!(text, "to std");
}
