//! UdpSocket: datagrams in every form, many tasks on one socket, peers, and where the descriptor
//! goes.

#![cfg(feature = "net")]

mod support;
#[path = "support/tcp.rs"]
mod tcp;
#[path = "support/udp.rs"]
mod udp;

use std::{
    collections::HashSet,
    future::poll_fn,
    io::{self, IoSlice},
    net::{Ipv4Addr, SocketAddr},
    os::fd::{AsRawFd, OwnedFd},
    pin::pin,
    rc::Rc,
    task::Poll,
};

use bytes::{BufMut, BytesMut};
use edgewake::{Interest, net::UdpSocket};
use futures::future::join_all;
use support::{WakeCount, assert_debug, assert_send, assert_sync};
use tcp::{has_v6, kind, poll_once, run, turn};
use udp::{address, attempt, pair, socket};

// Goal: every form of sending reaches every form of receiving, bytes and source.
#[test]
fn every_form() {
    run(|| async {
        let (one, other) = (socket().await, socket().await);
        let (from, to) = (address(&one), address(&other));
        let mut bytes = [0; 16];

        assert_eq!(one.send_to(b"awaited", to).await.unwrap(), 7);
        assert_eq!(other.recv_from(&mut bytes).await.unwrap(), (7, from));
        assert_eq!(&bytes[..7], b"awaited");

        assert_eq!(poll_fn(|cx| one.poll_send_to(cx, b"polled", to)).await.unwrap(), 6);
        assert_eq!(poll_fn(|cx| other.poll_recv_from(cx, &mut bytes)).await.unwrap(), (6, from));
        assert_eq!(&bytes[..6], b"polled");

        assert_eq!(kind(other.try_recv_from(&mut bytes)), io::ErrorKind::WouldBlock);
        assert_eq!(one.try_send_to(b"tried", (Ipv4Addr::LOCALHOST, to.port())).unwrap(), 5);
        let tried = attempt(&other, || other.try_recv_from(&mut bytes)).await.unwrap();
        assert_eq!(tried, (5, from));
        assert_eq!(&bytes[..5], b"tried");
    });
}

// Goal: the forms without an address, on a connected pair.
#[test]
fn every_connected_form() {
    run(|| async {
        let (one, other) = pair().await;
        assert_eq!(one.peer_addr().unwrap(), address(&other));
        let mut bytes = [0; 16];

        assert_eq!(one.send(b"awaited").await.unwrap(), 7);
        assert_eq!(other.recv(&mut bytes).await.unwrap(), 7);
        assert_eq!(poll_fn(|cx| one.poll_send(cx, b"polled")).await.unwrap(), 6);
        assert_eq!(poll_fn(|cx| other.poll_recv(cx, &mut bytes)).await.unwrap(), 6);
        assert_eq!(kind(other.try_recv(&mut bytes)), io::ErrorKind::WouldBlock);
        assert_eq!(one.try_send(b"tried").unwrap(), 5);
        assert_eq!(attempt(&other, || other.try_recv(&mut bytes)).await.unwrap(), 5);
        assert_eq!(&bytes[..5], b"tried");

        one.writable().await.unwrap();
        assert!(one.ready(Interest::WRITABLE).await.unwrap().is_writable());
    });
}

// T15, T90. Goal: what was looked at is still there, and a wait after a look that found nothing
// waits for the next datagram.
#[test]
fn t15_peek_leaves_the_datagram() {
    run(|| async {
        let (one, other) = pair().await;
        let from = address(&one);
        let mut bytes = [0; 16];
        assert_eq!(kind(other.try_peek(&mut bytes)), io::ErrorKind::WouldBlock);
        {
            let mut peek = pin!(other.peek(&mut bytes));
            assert!(poll_once(peek.as_mut()).is_pending());
            one.send(b"looked at").await.unwrap();
            assert_eq!(peek.await.unwrap(), 9);
        }
        assert_eq!(other.try_peek(&mut bytes[..4]).unwrap(), 4);
        assert_eq!(poll_fn(|cx| other.poll_peek(cx, &mut bytes)).await.unwrap(), 9);
        assert_eq!(other.peek_from(&mut []).await.unwrap(), (0, from));
        assert_eq!(poll_fn(|cx| other.poll_peek_from(cx, &mut bytes)).await.unwrap(), (9, from));
        assert_eq!(other.try_peek_from(&mut bytes).unwrap(), (9, from));
        assert_eq!(other.recv(&mut bytes).await.unwrap(), 9);
        assert_eq!(&bytes[..9], b"looked at");
        assert_eq!(kind(other.try_peek_from(&mut bytes)), io::ErrorKind::WouldBlock);
    });
}

// T62. Goal: a datagram of no bytes is a datagram, in every form, also one that is waited for.
#[test]
fn t62_empty_datagram_is_a_datagram() {
    run(|| async {
        let (one, other) = pair().await;
        let mut bytes = [0; 16];
        for _ in 0..3 {
            assert_eq!(one.send(&[]).await.unwrap(), 0);
        }
        assert_eq!(other.recv(&mut bytes).await.unwrap(), 0);
        assert_eq!(other.recv_from(&mut bytes).await.unwrap(), (0, address(&one)));
        assert_eq!(attempt(&other, || other.try_recv(&mut bytes)).await.unwrap(), 0);
        assert_eq!(kind(other.try_recv(&mut bytes)), io::ErrorKind::WouldBlock);

        let mut receive = pin!(other.recv(&mut bytes));
        assert!(poll_once(receive.as_mut()).is_pending());
        one.send(&[]).await.unwrap();
        assert_eq!(receive.await.unwrap(), 0);
    });
}

// T62. Goal: an empty buffer takes a datagram, cut to nothing, and waits for one; so does a full
// `BufMut`. What a stream may complete at once must not complete here.
#[test]
fn t62_empty_buffer_takes_a_datagram() {
    run(|| async {
        let (one, other) = pair().await;
        {
            let mut receive = pin!(other.recv(&mut []));
            assert!(poll_once(receive.as_mut()).is_pending());
            one.send(b"first").await.unwrap();
            assert_eq!(receive.await.unwrap(), 0);
        }
        let mut full = [0; 2];
        let mut full = &mut full[..0];
        assert_eq!(kind(other.try_recv_buf(&mut full)), io::ErrorKind::WouldBlock);
        one.send(b"second").await.unwrap();
        assert_eq!(other.recv_buf(&mut full).await.unwrap(), 0);
        let mut byte = [0];
        assert_eq!(kind(other.try_recv(&mut byte)), io::ErrorKind::WouldBlock, "both are gone");
    });
}

// Goal: what does not fit is lost, and the next datagram is whole.
#[test]
fn long_datagrams_are_cut() {
    run(|| async {
        let (one, other) = pair().await;
        one.send(b"0123456789").await.unwrap();
        one.send(b"next").await.unwrap();
        let mut bytes = [0; 4];
        assert_eq!(other.recv(&mut bytes).await.unwrap(), 4);
        assert_eq!(&bytes, b"0123");
        assert_eq!(other.recv(&mut bytes).await.unwrap(), 4);
        assert_eq!(&bytes, b"next");
    });
}

// Goal: the form that tells of it does, in each way of waiting, and only then.
#[test]
fn truncation_is_told() {
    run(|| async {
        let (one, other) = (socket().await, socket().await);
        let (from, to) = (address(&one), address(&other));
        let mut bytes = [0; 4];
        for long in [true, false] {
            let datagram = if long { &b"0123456789"[..] } else { &b"0123"[..] };
            for _ in 0..3 {
                one.send_to(datagram, to).await.unwrap();
            }
            let received = [
                other.recv_message(&mut bytes).await.unwrap(),
                poll_fn(|cx| other.poll_recv_message(cx, &mut bytes)).await.unwrap(),
                attempt(&other, || other.try_recv_message(&mut bytes)).await.unwrap(),
            ];
            assert_eq!(&bytes, b"0123");
            for received in received {
                let told = (received.length, received.source, received.truncated);
                assert_eq!(told, (4, from, long));
            }
        }
        let mut receive = pin!(other.recv_message(&mut []));
        assert!(poll_once(receive.as_mut()).is_pending());
        one.send_to(&[], to).await.unwrap();
        assert!(!receive.await.unwrap().truncated, "nothing is cut from nothing");
    });
}

// Goal: several buffers are one datagram, in every form, with no limit that cuts it.
#[test]
fn several_buffers_are_one_datagram() {
    run(|| async {
        let (one, other) = (socket().await, socket().await);
        let (from, to) = (address(&one), address(&other));
        let pieces = [b"head".as_slice(), b"", b"body"].map(IoSlice::new);
        one.send_to_vectored(&pieces, to).await.unwrap();
        poll_fn(|cx| one.poll_send_to_vectored(cx, &pieces, to)).await.unwrap();
        one.try_send_to_vectored(&pieces, to).unwrap();
        one.connect(to).await.unwrap();
        one.send_vectored(&pieces).await.unwrap();
        poll_fn(|cx| one.poll_send_vectored(cx, &pieces)).await.unwrap();
        one.try_send_vectored(&pieces).unwrap();
        let mut bytes = [0; 16];
        for _ in 0..6 {
            let (count, source) = other.recv_from(&mut bytes).await.unwrap();
            assert_eq!((&bytes[..count], source.port()), (&b"headbody"[..], from.port()));
        }
        let many = vec![IoSlice::new(b"x"); 1025];
        let error = one.send_vectored(&many).await.unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EMSGSIZE));
        assert_eq!(one.send_vectored(&[]).await.unwrap(), 0);
        assert_eq!(other.recv(&mut bytes).await.unwrap(), 0);
    });
}

// Goal: datagrams go into spare capacity, one after the other, with their sources.
#[test]
fn buffers() {
    run(|| async {
        let (one, other) = (socket().await, socket().await);
        let (from, to) = (address(&one), address(&other));
        let mut bytes = BytesMut::with_capacity(64);
        for _ in 0..6 {
            one.send_to(b"ab", to).await.unwrap();
        }
        assert_eq!(other.recv_buf_from(&mut bytes).await.unwrap(), (2, from));
        assert_eq!(other.recv_buf(&mut bytes).await.unwrap(), 2);
        assert_eq!(poll_fn(|cx| other.poll_recv_buf(cx, &mut bytes)).await.unwrap(), 2);
        let polled = poll_fn(|cx| other.poll_recv_buf_from(cx, &mut bytes)).await.unwrap();
        assert_eq!(polled, (2, from));
        assert_eq!(attempt(&other, || other.try_recv_buf(&mut bytes)).await.unwrap(), 2);
        let tried = attempt(&other, || other.try_recv_buf_from(&mut bytes)).await.unwrap();
        assert_eq!(tried, (2, from));
        assert_eq!(bytes, "abababababab");
        assert_eq!(kind(other.try_recv_buf_from(&mut bytes)), io::ErrorKind::WouldBlock);

        // One piece at a time: the first half that has room.
        let mut first = [0; 2];
        let mut halves = first.as_mut_slice().chain_mut(BytesMut::with_capacity(8));
        one.send_to(b"xyz", to).await.unwrap();
        assert_eq!(other.recv_buf(&mut halves).await.unwrap(), 2);
        one.send_to(b"xyz", to).await.unwrap();
        assert_eq!(other.recv_buf(&mut halves).await.unwrap(), 3);
        assert_eq!(halves.last_ref(), "xyz");
    });
}

// T20. Goal: any number of tasks wait for one socket, each gets a datagram, none two, and none is
// forgotten. Method: more tasks than a wait list keeps displaced wakers, one datagram each.
#[test]
fn t20_many_tasks_wait_for_one_socket() {
    run(|| async {
        const TASKS: usize = 40;
        let (one, other) = (socket().await, Rc::new(socket().await));
        let waiting: Vec<_> = (0..TASKS)
            .map(|task| {
                let socket = Rc::clone(&other);
                edgewake::spawn_local(async move {
                    let mut byte = [0];
                    if task % 4 == 0 {
                        poll_fn(|cx| socket.poll_recv(cx, &mut byte)).await.unwrap();
                    } else {
                        socket.recv(&mut byte).await.unwrap();
                    }
                    byte[0]
                })
            })
            .collect();
        turn().await;
        assert!(waiting.iter().all(|task| !task.is_finished()));
        for number in 0..TASKS {
            one.send_to(&[number as u8], address(&other)).await.unwrap();
        }
        let got: HashSet<u8> =
            join_all(waiting).await.into_iter().map(|number| number.unwrap()).collect();
        assert_eq!(got.len(), TASKS);
    });
}

// T20. Goal: a receive that is dropped, woken or not, takes neither a datagram nor another task's
// wake-up with it.
#[test]
fn t20_dropped_receive_takes_nothing_along() {
    run(|| async {
        let (one, other) = pair().await;
        let wakes = [WakeCount::new(), WakeCount::new(), WakeCount::new()];
        let mut bytes = [[0; 4]; 3];
        let [first, second, third] = &mut bytes;
        let mut first = Box::pin(other.recv(first));
        let mut second = Box::pin(other.recv(second));
        let mut third = Box::pin(other.recv(third));
        assert!(wakes[0].poll(&mut first).is_pending());
        assert!(wakes[1].poll(&mut second).is_pending());
        assert!(wakes[2].poll(&mut third).is_pending());
        drop(second);
        assert_eq!(wakes[1].alive(), 0, "it is off the list");
        one.send(b"data").await.unwrap();
        while wakes[2].wakes() == 0 {
            turn().await;
        }
        assert_eq!(wakes[0].wakes(), 1);
        drop(first);
        match wakes[2].poll(&mut third) {
            Poll::Ready(count) => assert_eq!(count.unwrap(), 4),
            Poll::Pending => panic!("the datagram is lost"),
        }
    });
}

// Goal: a connected socket hears nobody else; a second connect replaces the peer; without a peer
// it hears everyone, at the port that it had, also where the system had chosen that.
#[test]
fn connect_and_disconnect() {
    run(|| async {
        let (server, first, second) = (socket().await, socket().await, socket().await);
        let home = address(&server);
        let mut bytes = [0; 16];
        assert_eq!(kind(server.peer_addr()), io::ErrorKind::NotConnected);
        assert!(server.try_send(b"nowhere").is_err());
        server.disconnect().unwrap();

        for (peer, stranger) in [(&first, &second), (&second, &first)] {
            server.connect(address(peer)).await.unwrap();
            assert_eq!(server.peer_addr().unwrap(), address(peer));
            stranger.send_to(b"stranger", home).await.unwrap();
            peer.send_to(b"peer", home).await.unwrap();
            assert_eq!(server.recv(&mut bytes).await.unwrap(), 4);
            assert_eq!(&bytes[..4], b"peer");
        }

        // One that waits meanwhile goes on waiting, and hears the stranger.
        let mut receive = pin!(server.recv_from(&mut bytes));
        assert!(poll_once(receive.as_mut()).is_pending());
        server.disconnect().unwrap();
        assert_eq!(kind(server.peer_addr()), io::ErrorKind::NotConnected);
        assert_eq!(address(&server).port(), home.port());
        first.send_to(b"anyone", home).await.unwrap();
        assert_eq!(receive.await.unwrap(), (6, address(&first)));
    });
}

// Goal: a socket bound to a port by number, and one that was never bound, lose their peer too.
#[test]
fn disconnect_of_other_bindings() {
    run(|| async {
        let port = address(&socket().await).port();
        let peer = socket().await;
        let numbered = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).await.unwrap();
        let unbound = UdpSocket::new_v4().unwrap();
        assert_eq!(address(&unbound).port(), 0);
        for server in [numbered, unbound] {
            server.connect(address(&peer)).await.unwrap();
            let chosen = address(&server).port();
            assert_ne!(chosen, 0);
            server.disconnect().unwrap();
            assert_eq!(kind(server.peer_addr()), io::ErrorKind::NotConnected);
            assert_eq!(address(&server).port(), chosen);
            peer.send_to(b"there", (Ipv4Addr::LOCALHOST, chosen)).await.unwrap();
            let mut bytes = [0; 16];
            assert_eq!(server.recv_from(&mut bytes).await.unwrap(), (5, address(&peer)));
        }
    });
}

// Goal: of several addresses the first that works is taken, and the last one's error is told.
#[test]
fn several_addresses() {
    run(|| async {
        let taken = socket().await;
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let bound = UdpSocket::bind(&[address(&taken), loopback][..]).await.unwrap();
        assert_ne!(address(&bound), address(&taken));
        assert_eq!(kind(UdpSocket::bind(address(&taken)).await), io::ErrorKind::AddrInUse);
        // TEST-NET-1 (RFC 5737) is nobody's.
        let elsewhere = UdpSocket::bind((Ipv4Addr::new(192, 0, 2, 1), 0)).await;
        assert_eq!(kind(elsewhere), io::ErrorKind::AddrNotAvailable);
        assert_eq!(kind(UdpSocket::bind(&[][..]).await), io::ErrorKind::InvalidInput);
        assert_eq!(kind(UdpSocket::bind("localhost").await), io::ErrorKind::InvalidInput);
        assert_eq!(kind(taken.connect(&[][..]).await), io::ErrorKind::InvalidInput);
        assert_eq!(kind(bound.bind_to(loopback)), io::ErrorKind::InvalidInput);
    });
}

// Goal: IPv6, with addresses of its own form.
#[test]
fn v6() {
    if !has_v6() {
        return;
    }
    run(|| async {
        let one = UdpSocket::bind("[::1]:0").await.unwrap();
        let other = UdpSocket::new_v6().unwrap();
        other.set_only_v6(true).unwrap();
        assert!(other.only_v6().unwrap());
        other.bind_to("[::1]:0".parse().unwrap()).unwrap();
        one.send_to(b"six", address(&other)).await.unwrap();
        let mut bytes = [0; 8];
        assert_eq!(other.recv_from(&mut bytes).await.unwrap(), (3, address(&one)));
        // Neither is an address of the socket's family.
        assert!(one.send_to(b"four", address(&socket().await)).await.is_err());
        assert!(socket().await.send_to(b"six", address(&one)).await.is_err());
    });
}

// Goal: a datagram that cannot be sent whole is refused, and the socket goes on.
#[test]
fn too_long_is_refused() {
    run(|| async {
        let (one, other) = pair().await;
        let long = vec![0; 65_508];
        let refused = one.send(&long).await.unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::EMSGSIZE));
        assert_eq!(one.try_send(&long).unwrap_err().raw_os_error(), Some(libc::EMSGSIZE));
        one.send(b"short").await.unwrap();
        let mut bytes = [0; 8];
        assert_eq!(other.recv(&mut bytes).await.unwrap(), 5);
    });
}

// Goal: an operation of the caller's own, tried and awaited, clears and waits like ours.
#[test]
fn own_operations() {
    run(|| async {
        let (one, other) = pair().await;
        let std = std::net::UdpSocket::from(OwnedFd::from(one));
        let duplicate = UdpSocket::from_std(std.try_clone().unwrap()).unwrap();
        let mut bytes = [0; 8];
        let tried = duplicate.try_io(Interest::READABLE, || std.recv(&mut bytes));
        assert_eq!(kind(tried), io::ErrorKind::WouldBlock);
        other.send(b"own").await.unwrap();
        let received = duplicate.async_io(Interest::READABLE, || std.recv(&mut bytes)).await;
        assert_eq!(received.unwrap(), 3);
    });
}

// T68. Goal: a blocking socket that is handed in does not block the loop.
#[test]
fn t68_foreign_socket_is_made_nonblocking() {
    run(|| async {
        let foreign = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        foreign.set_nonblocking(false).unwrap();
        let foreign = UdpSocket::from_std(foreign).unwrap();
        let mut bytes = [0; 8];
        assert_eq!(kind(foreign.try_recv(&mut bytes)), io::ErrorKind::WouldBlock);
        let mut receive = pin!(foreign.recv(&mut bytes));
        assert!(poll_once(receive.as_mut()).is_pending());
        socket().await.send_to(b"x", address(&foreign)).await.unwrap();
        assert_eq!(receive.await.unwrap(), 1);
    });
}

// T30. Goal: a socket that goes back to std and comes again works in both places.
#[test]
fn t30_conversions() {
    assert_send::<UdpSocket>();
    assert_sync::<UdpSocket>();
    assert_debug::<UdpSocket>();
    run(|| async {
        let (one, other) = pair().await;
        let mut bytes = [0; 8];
        assert!(poll_once(pin!(one.recv(&mut bytes))).is_pending());
        let (number, home) = (one.as_raw_fd(), address(&one));
        let std = one.into_std().unwrap();
        assert_eq!((std.as_raw_fd(), std.local_addr().unwrap()), (number, home));
        std.send(b"std").unwrap();
        assert_eq!(other.recv(&mut bytes).await.unwrap(), 3);
        let again = UdpSocket::try_from(std).unwrap();
        let mut receive = pin!(again.recv(&mut bytes));
        assert!(poll_once(receive.as_mut()).is_pending());
        other.send(b"again").await.unwrap();
        assert_eq!(receive.await.unwrap(), 5);

        let (unix, _) = std::os::unix::net::UnixDatagram::pair().unwrap();
        assert_eq!(kind(UdpSocket::try_from(OwnedFd::from(unix))), io::ErrorKind::InvalidInput);
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(kind(UdpSocket::try_from(OwnedFd::from(tcp))), io::ErrorKind::InvalidInput);
    });
}

// Goal: every future that a socket gives out can go to another thread.
#[test]
fn futures_are_send() {
    fn check<T: Send>(_: T) {}
    let socket = UdpSocket::new_v4().unwrap();
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    let (mut bytes, mut buffer) = ([0; 8], BytesMut::new());
    check(UdpSocket::bind(anywhere));
    check(socket.connect(anywhere));
    check(socket.send(&[]));
    check(socket.send_to(&[], anywhere));
    check(socket.recv(&mut bytes));
    check(socket.recv_from(&mut bytes));
    check(socket.peek(&mut bytes));
    check(socket.peek_from(&mut bytes));
    check(socket.recv_message(&mut bytes));
    check(socket.send_vectored(&[]));
    check(socket.send_to_vectored(&[], anywhere));
    check(socket.recv_buf(&mut buffer));
    check(socket.recv_buf_from(&mut buffer));
    check(socket.readable());
    check(socket.writable());
}

// Goal: what need not wait works without a driver; what must says how to get one.
#[test]
fn without_a_driver() {
    let receiver = UdpSocket::new_v4().unwrap();
    receiver.bind_to((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let sender = UdpSocket::new_v4().unwrap();
    let mut bytes = [0; 8];
    {
        let mut receive = pin!(receiver.recv(&mut bytes));
        match poll_once(receive.as_mut()) {
            Poll::Ready(outcome) => assert_eq!(kind(outcome), io::ErrorKind::NotConnected),
            Poll::Pending => panic!("it waits for nobody"),
        }
    }
    match poll_once(pin!(sender.send_to(b"x", address(&receiver)))) {
        Poll::Ready(count) => assert_eq!(count.unwrap(), 1),
        Poll::Pending => panic!("there is room"),
    }
    // The loopback may take a moment on some systems.
    support::eventually("the datagram", || receiver.try_recv(&mut bytes).is_ok());
}
