//! Batches of datagrams: order, counts, cancellation, what comes beside them.

#![cfg(feature = "net")]

mod support;
#[path = "support/tcp.rs"]
mod tcp;

use std::{
    future::poll_fn,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use edgewake::net::{
    UdpSocket,
    udp::{Datagram, Ecn, RecvBatch, SendBatch},
};
use support::{assert_debug, assert_send, assert_sync};
use tcp::{kind, poll_once, run};

async fn bound(ip: IpAddr) -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind(SocketAddr::new(ip, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

async fn local() -> (UdpSocket, SocketAddr) {
    bound(Ipv4Addr::LOCALHOST.into()).await
}

/// Receives until `count` datagrams have come, and gives each to `look`.
async fn receive(
    socket: &UdpSocket,
    batch: &mut RecvBatch,
    count: usize,
    mut look: impl FnMut(usize, Datagram<'_>),
) {
    let mut seen = 0;
    while seen < count {
        let received = socket.recv_batch(batch).await.unwrap();
        assert!(received > 0 && received == batch.len() && batch.iter().len() == received);
        for datagram in &*batch {
            look(seen, datagram);
            seen += 1;
        }
    }
    assert_eq!(seen, count);
}

// T66. Goal: what is sent in batches arrives in their order, whole, none twice, whatever the
// sizes of the batches on both sides; those of no bytes too (T62).
#[test]
fn t66_order_is_kept() {
    run(|| async {
        let (receiver, to) = local().await;
        let (sender, from) = local().await;
        let mut sending = SendBatch::new();
        let mut receiving = RecvBatch::new(7, 16);
        let mut next = 0_u32;
        for round in 1..20_usize {
            let first = next;
            for _ in 0..round {
                let text = next.to_string();
                sending.push(if next % 5 == 0 { String::new() } else { text }, to);
                next += 1;
            }
            while !sending.is_empty() {
                assert!(sender.send_batch(&mut sending).await.unwrap() > 0);
            }
            receive(&receiver, &mut receiving, round, |index, datagram| {
                let number = first + index as u32;
                let expected = if number % 5 == 0 { String::new() } else { number.to_string() };
                assert_eq!(datagram.data(), expected.as_bytes());
                assert_eq!((datagram.source(), datagram.is_truncated()), (from, false));
            })
            .await;
        }
        assert_eq!(sender.send_batch(&mut sending).await.unwrap(), 0);
    });
}

// T66. Goal: an entry that cannot be sent is told when its turn comes, stays in front, and stops
// nobody else: those before it and behind it arrive once each.
#[test]
fn t66_one_failure_costs_one_entry() {
    run(|| async {
        let (receiver, to) = local().await;
        let (sender, _) = local().await;
        let mut sending = SendBatch::new();
        for text in ["one", "two"] {
            sending.push(text, to);
        }
        sending.push(vec![0; 70_000], to);
        sending.push("four", to);
        let (mut sent, mut failures) = (0, 0);
        while !sending.is_empty() {
            match sender.send_batch(&mut sending).await {
                Ok(count) => sent += count,
                Err(error) => {
                    assert!(failures == 0 && sent == 2, "{error}");
                    failures += 1;
                    assert_eq!(sending.len(), 2);
                    assert_eq!(sending.pop_front().unwrap().len(), 70_000);
                }
            }
        }
        assert_eq!((sent, failures), (3, 1));
        let mut texts = Vec::new();
        let mut receiving = RecvBatch::new(8, 16);
        let keep = |_, datagram: Datagram<'_>| texts.push(datagram.data().to_vec());
        receive(&receiver, &mut receiving, 3, keep).await;
        assert_eq!(texts, [&b"one"[..], b"two", b"four"]);
    });
}

// Goal: a datagram that is longer than its buffer is cut and says so, and its neighbours are whole.
#[test]
fn truncation_is_told() {
    run(|| async {
        let (receiver, to) = local().await;
        for text in ["fits", "does not fit", ""] {
            receiver.send_to(text.as_bytes(), to).await.unwrap();
        }
        let mut batch = RecvBatch::new(4, 6);
        receive(&receiver, &mut batch, 3, |index, datagram| {
            let expected = [(&b"fits"[..], false), (b"does n", true), (b"", false)];
            assert_eq!((datagram.data(), datagram.is_truncated()), expected[index]);
        })
        .await;
        assert!(batch.get(9).is_none());
    });
}

// Goal: data that was taken away stays what it was while the batch is used again, and what was not
// taken does not leak into it.
#[test]
fn taken_data_is_not_overwritten() {
    run(|| async {
        let (socket, to) = local().await;
        let mut batch = RecvBatch::new(1, 64);
        let mut taken = Vec::new();
        for round in 0..50_u8 {
            socket.send_to(&[round; 10], to).await.unwrap();
            assert_eq!(socket.recv_batch(&mut batch).await.unwrap(), 1);
            assert_eq!(batch.get(0).unwrap().data(), [round; 10]);
            if round % 3 > 0 {
                taken.push((round, batch.take(0).unwrap()));
                assert!(batch.get(0).unwrap().data().is_empty());
            }
            if round % 10 == 9 {
                taken.truncate(3);
            }
        }
        for (round, data) in taken {
            assert_eq!(data, [round; 10][..]);
        }
        assert!(batch.take(1).is_none());
    });
}

// Goal: a dropped wait takes no datagram with it, in each form; "nothing there" is told.
#[test]
fn dropped_waits_lose_nothing() {
    run(|| async {
        let (socket, to) = local().await;
        let mut batch = RecvBatch::new(4, 16);
        assert_eq!(kind(socket.try_recv_batch(&mut batch)), io::ErrorKind::WouldBlock);
        for _ in 0..3 {
            let mut wait = Box::pin(socket.recv_batch(&mut batch));
            assert!(poll_once(wait.as_mut()).is_pending());
        }
        socket.send_to(b"kept", to).await.unwrap();
        let count = poll_fn(|cx| socket.poll_recv_batch(cx, &mut batch)).await.unwrap();
        assert_eq!((count, batch.get(0).unwrap().data()), (1, &b"kept"[..]));
        let mut sending = SendBatch::new();
        sending.push("polled", to);
        assert_eq!(poll_fn(|cx| socket.poll_send_batch(cx, &mut sending)).await.unwrap(), 1);
        sending.push("tried", to);
        sending.push("tried again", to);
        assert_eq!(socket.try_send_batch(&mut sending).unwrap(), 2);
        sending.push("never sent", to);
        sending.clear();
        receive(&socket, &mut batch, 3, |_, datagram| assert!(datagram.data().len() >= 5)).await;
        assert_eq!(kind(socket.try_recv_batch(&mut batch)), io::ErrorKind::WouldBlock);
        assert!(batch.is_empty());
    });
}

// Goal: connected sockets send without an address.
#[test]
fn batches_to_the_peer() {
    run(|| async {
        let (receiver, to) = local().await;
        let (sender, from) = local().await;
        sender.connect(to).await.unwrap();
        let mut sending = SendBatch::new();
        sending.push_to_peer("to the peer");
        assert_eq!(sender.send_batch(&mut sending).await.unwrap(), 1);
        let mut batch = RecvBatch::new(4, 16);
        receive(&receiver, &mut batch, 1, |_, datagram| assert_eq!(datagram.source(), from)).await;
    });
}

/// Sends one datagram from `sender`'s address with a class, and checks what `receiver` says of it.
async fn told_of(ip: IpAddr) -> bool {
    let (receiver, to) = bound(ip).await;
    // FreeBSD lets only a socket of no address choose one for a datagram.
    let anywhere = if ip.is_ipv4() { IpAddr::from([0; 4]) } else { IpAddr::from([0; 16]) };
    let (sender, from) = bound(anywhere).await;
    let from = SocketAddr::new(ip, from.port());
    receiver.set_recv_packet_info(true).unwrap();
    receiver.set_recv_ttl(true).unwrap();
    receiver.set_recv_timestamp(true).unwrap();
    let ecn_asked = match receiver.set_recv_ecn(true) {
        Ok(()) => true,
        Err(error) => {
            assert_eq!(error.kind(), io::ErrorKind::Unsupported);
            false
        }
    };
    let mut sending = SendBatch::new();
    let mut entry = sending.push("marked", to);
    let ecn_sent = entry.source(ip, 0).unwrap().ecn(Ecn::Congested).is_ok();
    sender.send_batch(&mut sending).await.unwrap();
    let mut batch = RecvBatch::new(2, 16);
    receive(&receiver, &mut batch, 1, |_, datagram| {
        assert_eq!((datagram.source(), datagram.destination()), (from, Some(ip)));
        assert_eq!(datagram.local_ip(), Some(ip));
        assert!(datagram.interface().is_some() && datagram.ttl().is_some(), "{datagram:?}");
        let age = datagram.timestamp().unwrap().elapsed().unwrap_or_default();
        assert!(age < Duration::from_secs(3600));
        if ecn_asked && ecn_sent {
            assert_eq!(datagram.ecn(), Some(Ecn::Congested));
            assert_eq!(datagram.traffic_class(), Some(3));
        }
        assert_eq!(datagram.segments().next(), Some(&b"marked"[..]));
    })
    .await;
    ecn_asked && ecn_sent
}

// Goal: address, interface, time, hop limit and congestion notification, of both families.
#[test]
fn datagrams_tell_how_they_came() {
    run(|| async {
        let whole = told_of(Ipv4Addr::LOCALHOST.into()).await;
        if cfg!(any(target_os = "linux", target_os = "android", target_os = "freebsd")) {
            assert!(whole);
        }
        if tcp::has_v6() {
            assert!(told_of(Ipv6Addr::LOCALHOST.into()).await);
        }
    });
}

// Goal: an IPv6 socket that carries IPv4 tells of it, and answers from the address that was asked.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn mapped_addresses_are_told_as_v4() {
    if !tcp::has_v6() {
        return;
    }
    run(|| async {
        let server = UdpSocket::new_v6().unwrap();
        server.set_only_v6(false).unwrap();
        server.bind_to((Ipv6Addr::UNSPECIFIED, 0).into()).unwrap();
        server.set_recv_packet_info(true).unwrap();
        server.set_recv_ecn(true).unwrap();
        server.set_recv_ttl(true).unwrap();
        let (client, _) = local().await;
        let asked = Ipv4Addr::new(127, 0, 0, 9);
        let mut sending = SendBatch::new();
        let port = server.local_addr().unwrap().port();
        sending.push("question", (asked, port)).ecn(Ecn::Capable0).unwrap();
        client.send_batch(&mut sending).await.unwrap();
        let mut batch = RecvBatch::new(2, 16);
        server.recv_batch(&mut batch).await.unwrap();
        let question = batch.get(0).unwrap();
        assert_eq!(question.destination(), Some(asked.into()));
        assert_eq!(question.ecn(), Some(Ecn::Capable0));
        assert!(question.ttl().is_some());
        let mut entry = sending.push("answer", question.source());
        entry.source(question.local_ip().unwrap(), 0).unwrap().ecn(Ecn::Capable1).unwrap();
        server.send_batch(&mut sending).await.unwrap();
        let mut buffer = [0; 16];
        let (count, source) = client.recv_from(&mut buffer).await.unwrap();
        assert_eq!((&buffer[..count], source), (&b"answer"[..], (asked, port).into()));
    });
}

// T63. Goal: an error of what was sent before is told once, and stops nothing.
#[test]
fn t63_errors_come_once() {
    run(|| async {
        let (sender, _) = local().await;
        let (gone, nowhere) = local().await;
        sender.connect(nowhere).await.unwrap();
        drop(gone);
        sender.send(b"to nobody").await.unwrap();
        let mut batch = RecvBatch::new(4, 16);
        let error = sender.recv_batch(&mut batch).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(kind(sender.try_recv_batch(&mut batch)), io::ErrorKind::WouldBlock);
    });
}

// Goal: batches and the futures that use them may change threads.
#[test]
fn traits() {
    fn movable<T: Send>(_future: T) {}

    assert_send::<RecvBatch>();
    assert_send::<SendBatch>();
    assert_sync::<RecvBatch>();
    assert_debug::<RecvBatch>();
    assert_debug::<SendBatch>();
    run(|| async {
        let (socket, _) = local().await;
        movable(socket.recv_batch(&mut RecvBatch::new(1, 1)));
        movable(socket.send_batch(&mut SendBatch::new()));
        movable(socket.recv_error());
        movable(socket.send_zerocopy(bytes::Bytes::new(), None));
    });
}
