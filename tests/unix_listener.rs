//! UnixListener and UnixBind: accepting in every form, and the fate of the path.

#![cfg(feature = "net")]

mod support;
#[path = "support/tcp.rs"]
mod tcp;
#[path = "support/unix.rs"]
mod unix;

use std::{
    fs, io,
    net::Ipv4Addr,
    os::{
        fd::OwnedFd,
        unix::{
            fs::{FileTypeExt, PermissionsExt},
            net as std_net,
        },
    },
    pin::pin,
};

use edgewake::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        UnixListener, UnixStream,
        unix::{Incoming, UnixBind},
    },
};
use futures::StreamExt;
use support::{assert_debug, assert_send, assert_sync};
use tcp::{kind, poll_once, run};
use unix::SocketPath;

/// Connects and says its number.
async fn numbered(path: &SocketPath, number: u8) -> UnixStream {
    let mut client = UnixStream::connect(&**path).await.expect("a connection");
    client.write_all(&[number]).await.expect("room for a byte");
    client
}

async fn number_of(mut stream: UnixStream) -> u8 {
    let mut byte = [0];
    stream.read_exact(&mut byte).await.expect("the number");
    byte[0]
}

// Goal: an accept that waits is woken by a connection, again and again; a dropped one takes none
// (T59).
#[test]
fn t59_waiting_accept_is_woken() {
    run(|| async {
        let path = SocketPath::new();
        let listener = UnixListener::bind(&*path).unwrap();
        for number in 0..20 {
            {
                let mut dropped = pin!(listener.accept());
                assert!(poll_once(dropped.as_mut()).is_pending());
            }
            let mut accept = pin!(listener.accept());
            assert!(poll_once(accept.as_mut()).is_pending());
            let _client = numbered(&path, number).await;
            let (server, peer) = accept.await.unwrap();
            assert!(peer.is_unnamed());
            assert_eq!(number_of(server).await, number);
        }
    });
}

// Goal: trying, polling and streaming accept the same connections, in their order.
#[test]
fn forms_of_accepting() {
    run(|| async {
        let path = SocketPath::new();
        let listener = UnixListener::bind(&*path).unwrap();
        assert_eq!(kind(listener.try_accept()), io::ErrorKind::WouldBlock);
        let mut clients = Vec::new();
        for number in 0..3 {
            clients.push(numbered(&path, number).await);
        }
        let (server, _) = listener.try_accept().unwrap();
        assert_eq!(number_of(server).await, 0);
        let (server, _) = std::future::poll_fn(|cx| listener.poll_accept(cx)).await.unwrap();
        assert_eq!(number_of(server).await, 1);
        let server = listener.incoming().next().await.unwrap().unwrap();
        assert_eq!(number_of(server).await, 2);
        assert_eq!(kind(listener.try_accept()), io::ErrorKind::WouldBlock);
    });
}

// T57. Goal: clients that died while they waited do not end the listener: the living one behind
// them is accepted.
#[test]
fn t57_dead_connections_are_passed_over() {
    run(|| async {
        let path = SocketPath::new();
        let listener = UnixListener::bind(&*path).unwrap();
        for _ in 0..3 {
            drop(UnixStream::connect(&*path).await.unwrap());
        }
        let _living = numbered(&path, 9).await;
        loop {
            let (mut server, _) = listener.accept().await.unwrap();
            let mut byte = [0];
            if server.read(&mut byte).await.unwrap() == 1 {
                assert_eq!(byte, [9]);
                break;
            }
        }
    });
}

// Goal: the file of a plain `bind` stays, and is in the way of the next.
#[test]
fn path_stays_behind() {
    run(|| async {
        let path = SocketPath::new();
        drop(UnixListener::bind(&*path).unwrap());
        assert!(fs::symlink_metadata(&*path).unwrap().file_type().is_socket());
        assert_eq!(kind(UnixStream::connect(&*path).await), io::ErrorKind::ConnectionRefused);
        assert_eq!(kind(UnixListener::bind(&*path)), io::ErrorKind::AddrInUse);
    });
}

// Goal: the file of a dead socket makes way, whatever type the socket had, and only that: not a
// socket that lives, of any type, listening or not, with a full backlog or not, and no other file.
#[test]
fn unlink_before_removes_dead_sockets_only() {
    run(|| async {
        let bind = UnixBind::new().unlink_before(true);
        let path = SocketPath::new();
        drop(std_net::UnixListener::bind(&*path).unwrap());
        let listener = bind.backlog(1).listener(&*path).unwrap();
        UnixStream::connect(&*path).await.unwrap();
        listener.accept().await.unwrap();

        // It lives, and no probe appears in its queue; then its queue is full.
        assert_eq!(kind(bind.listener(&*path)), io::ErrorKind::AddrInUse);
        assert_eq!(kind(listener.try_accept()), io::ErrorKind::WouldBlock);
        let mut clients = Vec::new();
        while let Ok(client) = UnixStream::try_connect(&*path) {
            clients.push(client);
            assert!(clients.len() < 100, "a backlog of one takes no end of clients");
        }
        assert_eq!(kind(bind.listener(&*path)), io::ErrorKind::AddrInUse);
        drop(listener);
        drop(bind.listener(&*path).unwrap());
        fs::remove_file(&*path).unwrap();

        let datagram = std_net::UnixDatagram::bind(&*path).unwrap();
        assert_eq!(kind(bind.listener(&*path)), io::ErrorKind::AddrInUse);
        drop(datagram);
        drop(bind.listener(&*path).unwrap());
        fs::remove_file(&*path).unwrap();

        fs::write(&*path, b"precious").unwrap();
        assert_eq!(kind(bind.listener(&*path)), io::ErrorKind::AddrInUse);
        assert_eq!(fs::read(&*path).unwrap(), b"precious");
    });
}

// Goal: a symbolic link to a dead socket is not a socket: neither it nor what it names goes.
#[test]
fn unlink_before_does_not_follow_links() {
    run(|| async {
        let (path, link) = (SocketPath::new(), SocketPath::new());
        drop(std_net::UnixListener::bind(&*path).unwrap());
        std::os::unix::fs::symlink(&*path, &*link).unwrap();
        let outcome = UnixBind::new().unlink_before(true).listener(&*link);
        assert_eq!(kind(outcome), io::ErrorKind::AddrInUse);
        assert!(link.symlink_metadata().unwrap().file_type().is_symlink());
        assert!(path.exists());
    });
}

// Goal: the listener's file goes with it, unless another has taken its place, or the descriptor
// lives on elsewhere.
#[test]
fn unlink_after_removes_its_own_file_only() {
    run(|| async {
        let bind = UnixBind::new().unlink_after(true);
        let path = SocketPath::new();
        let listener = bind.listener(&*path).unwrap();
        drop(listener);
        assert!(!path.exists());

        let listener = bind.listener(&*path).unwrap();
        fs::remove_file(&*path).unwrap();
        let successor = UnixListener::bind(&*path).unwrap();
        drop(listener);
        assert!(path.exists());
        drop(successor);
        fs::remove_file(&*path).unwrap();

        let listener = bind.listener(&*path).unwrap();
        let std = listener.into_std().unwrap();
        assert!(path.exists());
        let taken_over = UnixListener::from_std(std).unwrap();
        drop(OwnedFd::from(taken_over));
        assert!(path.exists());
    });
}

// Goal: a listener's file goes with the last of its duplicates, whichever that is, and stays where
// one of them was given away.
#[test]
fn unlink_after_waits_for_duplicates() {
    run(|| async {
        let bind = UnixBind::new().unlink_after(true);
        let path = SocketPath::new();
        for original_goes_first in [false, true] {
            let original = bind.listener(&*path).unwrap();
            let duplicate = original.try_clone().unwrap().try_clone().unwrap();
            let (first, last) = match original_goes_first {
                true => (original, duplicate),
                false => (duplicate, original),
            };
            drop(first);
            assert!(path.exists());
            let _client = numbered(&path, 7).await;
            assert_eq!(number_of(last.accept().await.unwrap().0).await, 7);
            drop(last);
            assert!(!path.exists());
        }
        let original = bind.listener(&*path).unwrap();
        let std = original.try_clone().unwrap().into_std().unwrap();
        drop(original);
        assert!(path.exists());
        drop(std);
    });
}

// Goal: the permissions asked for are those of the file, whatever the umask is.
#[test]
fn permissions() {
    run(|| async {
        for mode in [0o600, 0o666, 0o777] {
            let path = SocketPath::new();
            let _listener = UnixBind::new().mode(mode).listener(&*path).unwrap();
            let found = fs::symlink_metadata(&*path).unwrap().permissions().mode();
            assert_eq!(found & 0o777, mode);
        }
    });
}

// T30. Goal: `into_std` deregisters: the same descriptor can be taken up again, and std's own
// accept works on it meanwhile.
#[test]
fn t30_into_std_and_back() {
    run(|| async {
        let path = SocketPath::new();
        let mut listener = UnixListener::bind(&*path).unwrap();
        for number in 0..3 {
            assert!(poll_once(pin!(listener.accept())).is_pending());
            let std = listener.into_std().unwrap();
            assert_eq!(std.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
            listener = UnixListener::from_std(std).unwrap();
            let mut accept = pin!(listener.accept());
            assert!(poll_once(accept.as_mut()).is_pending());
            let _client = numbered(&path, number).await;
            let (server, _) = accept.await.unwrap();
            assert_eq!(number_of(server).await, number);
        }
    });
}

// Goal: what does not listen is refused.
#[test]
fn what_does_not_listen_is_no_listener() {
    run(|| async {
        let (stream, _peer) = UnixStream::pair().unwrap();
        let udp = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        for owned in [OwnedFd::from(stream), OwnedFd::from(udp)] {
            assert_eq!(kind(UnixListener::try_from(owned)), io::ErrorKind::InvalidInput);
        }
    });
}

// Goal: every future that a listener gives out can go to another thread.
#[test]
fn bounds() {
    fn check<T: Send>(_: T) {}
    assert_send::<UnixListener>();
    assert_sync::<UnixListener>();
    assert_debug::<UnixListener>();
    assert_debug::<UnixBind>();
    assert_send::<Incoming<'static>>();
    run(|| async {
        let path = SocketPath::new();
        let listener = UnixListener::bind(&*path).unwrap();
        check(listener.accept());
        check(listener.incoming().next());
    });
}
