//! UnixDatagram: messages whole, in order, waiting for room at either end.

#![cfg(all(feature = "net", feature = "time"))]

#[path = "support/driven.rs"]
mod driven;
mod support;
#[path = "support/tcp.rs"]
mod tcp;
#[path = "support/unix.rs"]
mod unix;

use std::{
    fs, io,
    io::IoSliceMut,
    net::Shutdown,
    os::{fd::OwnedFd, unix::net as std_net},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use bytes::BytesMut;
use driven::Driven;
use edgewake::{
    net::{
        UnixAddr, UnixDatagram,
        unix::{Control, UnixBind},
    },
    time::sleep,
};
use futures::{executor, future::poll_fn};
use support::{assert_debug, assert_send, assert_sync, deadline};
use tcp::{kind, poll_once, run};
use unix::SocketPath;

/// A bound socket whose queue its senders have filled, from `sender`. Returns how many are in it.
fn fill(sender: &UnixDatagram, path: &SocketPath) -> usize {
    for count in 0..100_000 {
        match sender.try_send_to(&[7; 100], &**path) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                panic!("nothing would tell when this send does not block")
            }
            // ENOBUFS.
            Err(_) => return count,
        }
    }
    panic!("the queue is never full");
}

// Goal: datagrams with their senders' addresses, and answers to those, in order.
#[test]
fn to_and_fro() {
    run(|| async {
        let (here, there) = (SocketPath::new(), SocketPath::new());
        let server = UnixDatagram::bind(&*here).unwrap();
        let client = UnixDatagram::bind(&*there).unwrap();
        let own = UnixAddr::from_path(&*there).unwrap();
        let mut buffer = [0; 64];
        for number in 0..3_u8 {
            assert_eq!(client.send_to(&[number; 5], &*here).await.unwrap(), 5);
        }
        for number in 0..3_u8 {
            let (count, source) = server.recv_from(&mut buffer).await.unwrap();
            assert_eq!((&buffer[..count], source), (&[number; 5][..], own));
            server.send_to(&[number], source).await.unwrap();
            assert_eq!(client.recv(&mut buffer).await.unwrap(), 1);
            assert_eq!(buffer[0], number);
        }
        let unnamed = UnixDatagram::unbound().unwrap();
        unnamed.send_to(b"?", UnixAddr::from_path(&*here).unwrap()).await.unwrap();
        let (_, source) = server.peek_from(&mut buffer).await.unwrap();
        assert!(source.is_unnamed());
        assert!(server.try_recv_from(&mut buffer).unwrap().1.is_unnamed());
    });
}

// T62. Goal: an empty datagram is one, and an empty buffer takes one: neither ends anything.
#[test]
fn t62_empty_datagrams() {
    run(|| async {
        let (here, there) = UnixDatagram::pair().unwrap();
        let mut buffer = [0; 8];
        assert_eq!(here.send(b"").await.unwrap(), 0);
        here.send(b"cut").await.unwrap();
        here.send(b"next").await.unwrap();
        assert_eq!(there.recv(&mut buffer).await.unwrap(), 0);
        assert_eq!(there.recv(&mut []).await.unwrap(), 0);
        assert_eq!(there.recv(&mut buffer).await.unwrap(), 4);
        assert_eq!(&buffer[..4], b"next");
    });
}

// Goal: a datagram that does not fit is cut, and `recv_message` says so; the next is whole.
#[test]
fn truncation_is_told() {
    run(|| async {
        let (here, there) = UnixDatagram::pair().unwrap();
        here.send(b"too long").await.unwrap();
        here.send(b"fits").await.unwrap();
        let mut control = Control::with_capacity(0);
        for (expected, cut) in [(&b"too "[..], true), (b"fits", false)] {
            let mut buffer = [0; 4];
            let mut data = [IoSliceMut::new(&mut buffer)];
            let received = there.recv_message(&mut data, &mut control).await.unwrap();
            assert_eq!((received.length, received.truncated), (4, cut));
            assert_eq!(buffer, expected);
        }
    });
}

// T1. Goal: several datagrams behind one edge are all received, each by a read that is short.
#[test]
fn t01_each_read_takes_one() {
    run(|| async {
        let (here, there) = UnixDatagram::pair().unwrap();
        let mut buffer = [0; 64];
        for _ in 0..3 {
            assert!(poll_once(pin!(there.recv(&mut buffer))).is_pending());
            for number in 0..4_u8 {
                here.send(&[number]).await.unwrap();
            }
            for number in 0..4_u8 {
                assert_eq!(there.recv(&mut buffer).await.unwrap(), 1);
                assert_eq!(buffer[0], number);
            }
        }
    });
}

// Goal: peeking, buffers of the `bytes` crate, and polling, each leave or take what they say.
#[test]
fn forms_of_receiving() {
    run(|| async {
        let (here, there) = UnixDatagram::pair().unwrap();
        for word in [&b"one"[..], b"two", b"three"] {
            here.send(word).await.unwrap();
        }
        let mut buffer = [0; 64];
        assert_eq!(there.peek(&mut buffer[..2]).await.unwrap(), 2);
        assert_eq!(there.try_peek(&mut buffer).unwrap(), 3);
        let mut received = BytesMut::with_capacity(64);
        assert_eq!(there.recv_buf(&mut received).await.unwrap(), 3);
        assert_eq!(there.try_recv_buf(&mut received).unwrap(), 3);
        assert_eq!(received, "onetwo");
        assert_eq!(poll_fn(|cx| there.poll_recv(cx, &mut buffer)).await.unwrap(), 5);
        assert_eq!(kind(there.try_recv(&mut buffer)), io::ErrorKind::WouldBlock);
    });
}

// T45. Goal: a send to a queue that others have filled waits although this socket is writable all
// the while, and arrives once there is room. Method: unconnected senders.
#[test]
fn t45_full_queue_at_the_target() {
    run(|| async {
        let path = SocketPath::new();
        let server = UnixDatagram::bind(&*path).unwrap();
        let (filler, sender) = (UnixDatagram::unbound().unwrap(), UnixDatagram::unbound().unwrap());
        let filled = fill(&filler, &path);
        let mut buffer = [0; 128];
        let late = UnixDatagram::unbound().unwrap();
        let target = path.to_path_buf();
        let send = edgewake::spawn(async move { late.send_to(b"late", target).await });
        sleep(Duration::from_millis(30)).await;
        assert!(!send.is_finished());
        for _ in 0..filled {
            assert_eq!(server.try_recv(&mut buffer).unwrap(), 100);
        }
        assert_eq!(send.await.unwrap().unwrap(), 4);
        assert_eq!(server.recv(&mut buffer).await.unwrap(), 4);

        let filled = fill(&filler, &path);
        let mut waits = 0;
        let sent = poll_fn(|cx| {
            let outcome = sender.poll_send_to(cx, b"polled", &*path);
            if outcome.is_pending() {
                waits += 1;
                if waits == 1 {
                    for _ in 0..filled {
                        assert_eq!(server.try_recv(&mut buffer).unwrap(), 100);
                    }
                }
            }
            outcome
        });
        assert_eq!(sent.await.unwrap(), 6);
        assert!(waits >= 1);
        assert_eq!(server.recv(&mut buffer).await.unwrap(), 6);
    });
}

// T45. Goal: a connected sender waits for the peer's queue as well, many at once, and none is lost.
#[test]
fn t45_connected_senders_wait() {
    run(|| async {
        let path = SocketPath::new();
        let server = UnixDatagram::bind(&*path).unwrap();
        let senders: Vec<_> = (0..4_u8)
            .map(|number| {
                let sender = UnixDatagram::unbound().unwrap();
                sender.connect(&*path).unwrap();
                edgewake::spawn(async move {
                    for round in 0..200_u16 {
                        let [high, low] = round.to_be_bytes();
                        sender.send(&[number, high, low]).await.unwrap();
                    }
                })
            })
            .collect();
        let mut expected = [0_u16; 4];
        let mut buffer = [0; 8];
        for _ in 0..800 {
            assert_eq!(server.recv(&mut buffer).await.unwrap(), 3);
            let next = &mut expected[usize::from(buffer[0])];
            assert_eq!(u16::from_be_bytes([buffer[1], buffer[2]]), *next);
            *next += 1;
        }
        assert_eq!(expected, [200; 4]);
        for sender in senders {
            sender.await.unwrap();
        }
    });
}

// T45. Goal: a connected sender whose peer's queue is full rests until the system tells (Linux).
#[test]
fn t45_connected_sender_is_at_rest() {
    if !unix::LINUX {
        return;
    }
    deadline(|| {
        let path = SocketPath::new();
        let mut driven = Driven::new();
        let server = driven.block_on(async { UnixDatagram::bind(&*path) }).unwrap();
        let filled = fill(&driven.block_on(async { UnixDatagram::unbound() }).unwrap(), &path);
        let target = path.to_path_buf();
        let task = driven.spawn(async move {
            let sender = UnixDatagram::unbound()?;
            sender.connect(target)?;
            sender.send(b"told").await
        });
        driven.rest();
        assert!(!task.is_finished());
        let mut buffer = [0; 128];
        for _ in 0..filled {
            assert_eq!(server.try_recv(&mut buffer).unwrap(), 100);
        }
        assert_eq!(driven.finish(task).unwrap(), 4);
    });
}

// T45. Goal: waiting for a full queue does not spin, can be dropped, and says what it is where
// nothing can time it.
#[test]
fn t45_waiting_is_at_rest() {
    deadline(|| {
        let path = SocketPath::new();
        let mut driven = Driven::new();
        let (server, filler) =
            driven.block_on(async { (UnixDatagram::bind(&*path), UnixDatagram::unbound()) });
        let (_server, filler) = (server.unwrap(), filler.unwrap());
        fill(&filler, &path);
        let target = path.to_path_buf();
        let task = driven.spawn(async move {
            let sender = UnixDatagram::unbound().unwrap();
            sender.send_to(b"never", target).await.map(drop)
        });
        for _ in 0..5 {
            let pause = driven.settle().expect("a timer is pending");
            assert!(pause > Duration::ZERO, "it spins");
        }
        task.abort();
        drop(task);
        driven.rest();
        let undriven = executor::block_on(filler.send_to(&[7; 100], &*path));
        assert_ne!(kind(undriven), io::ErrorKind::WouldBlock);
    });
}

// T20. Goal: any number of tasks that receive from one socket are all served, one datagram each.
#[test]
fn t20_many_receivers_of_one_socket() {
    run(|| async {
        let (here, there) = UnixDatagram::pair().unwrap();
        let there = Arc::new(there);
        let receivers: Vec<_> = (0..30)
            .map(|_| {
                let socket = Arc::clone(&there);
                edgewake::spawn(async move {
                    let mut byte = [0];
                    assert_eq!(socket.recv(&mut byte).await.unwrap(), 1);
                    byte[0]
                })
            })
            .collect();
        for number in 0..30_u8 {
            here.send(&[number]).await.unwrap();
        }
        let mut numbers = Vec::new();
        for receiver in receivers {
            numbers.push(receiver.await.unwrap());
        }
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..30));
    });
}

// Goal: connecting, being refused, and doing without a peer again.
#[test]
fn peers() {
    run(|| async {
        let (here, there) = (SocketPath::new(), SocketPath::new());
        let server = UnixDatagram::bind(&*here).unwrap();
        let client = UnixDatagram::unbound().unwrap();
        client.send(b"to nobody").await.unwrap_err();
        assert_eq!(kind(client.connect(&*there)), io::ErrorKind::NotFound);
        assert_eq!(kind(client.send_to(b"x", &*there).await), io::ErrorKind::NotFound);
        client.connect(&*here).unwrap();
        assert_eq!(client.peer_addr().unwrap(), UnixAddr::from_path(&*here).unwrap());
        client.send(b"to the peer").await.unwrap();
        assert_eq!(server.recv(&mut [0; 64]).await.unwrap(), 11);
        if cfg!(target_os = "linux") {
            client.disconnect().unwrap();
            client.send(b"to nobody").await.unwrap_err();
            client.connect(&*here).unwrap();
        }
        drop(server);
        client.send(b"x").await.unwrap_err();
        assert_eq!(
            kind(UnixDatagram::unbound().unwrap().connect(&*here)),
            io::ErrorKind::ConnectionRefused
        );
    });
}

// Goal: a dead socket's file makes way, a live one's does not, and one's own goes if asked.
#[test]
fn fate_of_the_path() {
    run(|| async {
        let path = SocketPath::new();
        drop(std_net::UnixDatagram::bind(&*path).unwrap());
        let bind = UnixBind::new().unlink_before(true).unlink_after(true).mode(0o600);
        let socket = bind.datagram(&*path).unwrap();
        assert_eq!(kind(bind.datagram(&*path)), io::ErrorKind::AddrInUse);
        drop(socket);
        assert!(!path.exists());
        let kept = OwnedFd::from(bind.datagram(&*path).unwrap());
        assert!(fs::symlink_metadata(&*path).is_ok());
        drop(kept);
    });
}

// T88. Goal: a socket whose receiving is shut down, and whose peer has gone, lets the loop rest.
#[test]
fn t88_shut_down_sockets_do_not_spin() {
    deadline(|| {
        let mut driven = Driven::new();
        let task = driven.spawn(async {
            let (here, there) = UnixDatagram::pair().unwrap();
            let mut buffer = [0; 8];
            assert!(poll_once(pin!(here.recv(&mut buffer))).is_pending());
            here.shutdown(Shutdown::Read).unwrap();
            drop(there);
            // Whatever the system makes of it: nothing, an error or an end.
            let _whatever = here.recv(&mut buffer).await;
            std::future::pending::<()>().await;
        });
        driven.rest();
        drop(task);
    });
}

// T30. Goal: to std and back, with a datagram on its way.
#[test]
fn t30_into_std_and_back() {
    run(|| async {
        let (mut here, there) = UnixDatagram::pair().unwrap();
        let mut buffer = [0; 8];
        for _ in 0..3 {
            assert!(poll_once(pin!(here.recv(&mut buffer))).is_pending());
            let std = here.into_std().unwrap();
            there.send(b"12").await.unwrap();
            here = UnixDatagram::from_std(std).unwrap();
            assert_eq!(here.recv(&mut buffer).await.unwrap(), 2);
        }
    });
}

// Goal: the promises of the type itself.
#[test]
fn bounds() {
    fn check<T: Send>(_: T) {}
    assert_send::<UnixDatagram>();
    assert_sync::<UnixDatagram>();
    assert_debug::<UnixDatagram>();
    run(|| async {
        let (here, _there) = UnixDatagram::pair().unwrap();
        check(here.send_to(b"x", "/nowhere"));
        check(here.recv_from(&mut []));
        check(here.readable());
    });
}
