//! UdpSocket's options: what is set is what is read, before and after binding, and what it does.

#![cfg(feature = "net")]

mod support;
#[path = "support/tcp.rs"]
mod tcp;
#[path = "support/udp.rs"]
mod udp;

use std::{io, net::Ipv4Addr, pin::pin};

use edgewake::net::{UdpSocket, sockopt};
use tcp::{has_v6, kind, run};
use udp::{address, attempt, nobody, pair, socket};

// Goal: the flags and numbers of an IPv4 socket.
#[test]
fn v4() {
    let socket = UdpSocket::new_v4().unwrap();
    assert!(!socket.broadcast().unwrap());
    socket.set_broadcast(true).unwrap();
    assert!(socket.broadcast().unwrap());

    socket.set_ttl(17).unwrap();
    assert_eq!(socket.ttl().unwrap(), 17);
    assert!(socket.set_ttl(256).is_err());
    assert_eq!(socket.option(&sockopt::TTL).unwrap(), 17);

    // DSCP EF and ECT(0).
    socket.set_tos(0xba).unwrap();
    assert_eq!(socket.tos().unwrap(), 0xba);

    socket.set_reuse_addr(true).unwrap();
    assert!(socket.reuse_addr().unwrap());
    socket.set_reuse_port(true).unwrap();
    assert!(socket.reuse_port().unwrap());
    socket.set_option(&sockopt::REUSE_PORT, false).unwrap();
    assert!(!socket.reuse_port().unwrap());
    assert!(socket.take_error().unwrap().is_none());
}

// Goal: the same methods reach the options of IPv6.
#[test]
fn v6() {
    if !has_v6() {
        return;
    }
    let socket = UdpSocket::new_v6().unwrap();
    socket.set_ttl(18).unwrap();
    assert_eq!(socket.ttl().unwrap(), 18);
    assert_eq!(socket.option(&sockopt::HOP_LIMIT).unwrap(), 18);
    socket.set_tos(0x5c).unwrap();
    assert_eq!(socket.tos().unwrap(), 0x5c);
    assert_eq!(socket.option(&sockopt::TRAFFIC_CLASS).unwrap(), 0x5c);
    socket.set_only_v6(true).unwrap();
    assert!(socket.only_v6().unwrap());
    socket.set_dont_fragment(true).unwrap();
    assert!(socket.dont_fragment().unwrap());
    assert!(UdpSocket::new_v4().unwrap().only_v6().is_err());
}

// Goal: what a system lacks says so by name, and what it has works.
#[test]
fn dont_fragment() {
    let socket = UdpSocket::new_v4().unwrap();
    if !sockopt::DONT_FRAGMENT.is_supported() {
        let error = socket.set_dont_fragment(true).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        assert!(error.to_string().contains("IP_DONTFRAG"), "{error}");
        return;
    }
    assert!(!socket.dont_fragment().unwrap());
    socket.set_dont_fragment(true).unwrap();
    assert!(socket.dont_fragment().unwrap());
    socket.set_dont_fragment(false).unwrap();
    assert!(!socket.dont_fragment().unwrap());
}

// T67. Goal: a buffer's size becomes at least what is asked for, and Linux's bookkeeping is not
// hidden. T45: a size above the limit is cut on Linux, ENOBUFS on the others, never a panic.
#[test]
fn t67_buffer_sizes() {
    let socket = UdpSocket::new_v4().unwrap();
    const SIZE: usize = 32 * 1024;
    socket.set_recv_buffer_size(SIZE).unwrap();
    socket.set_send_buffer_size(SIZE).unwrap();
    let linux = cfg!(any(target_os = "linux", target_os = "android"));
    let doubled = if linux { 2 } else { 1 };
    assert_eq!(socket.recv_buffer_size().unwrap(), doubled * SIZE);
    assert_eq!(socket.send_buffer_size().unwrap(), doubled * SIZE);

    const HUGE: usize = 1 << 30;
    let set = [socket.set_recv_buffer_size(HUGE), socket.set_send_buffer_size(HUGE)];
    for outcome in set {
        match outcome {
            Ok(()) => assert!(linux, "the others do not cut it"),
            Err(error) => assert_eq!(error.raw_os_error(), Some(libc::ENOBUFS), "{error}"),
        }
    }
    let beyond = socket.set_recv_buffer_size(usize::MAX);
    assert_eq!(kind(beyond), io::ErrorKind::InvalidInput);
}

// Goal: a full receive buffer loses datagrams, not the socket: what fitted is there, and after it
// the next.
#[test]
fn a_full_receive_buffer_loses_datagrams_only() {
    run(|| async {
        let (one, other) = pair().await;
        other.set_recv_buffer_size(8 * 1024).unwrap();
        let datagram = [7; 1024];
        for _ in 0..100 {
            // Some systems tell the sender.
            if let Err(error) = one.try_send(&datagram) {
                assert_eq!(error.raw_os_error(), Some(libc::ENOBUFS), "{error}");
            }
        }
        let mut bytes = [0; 2048];
        assert_eq!(other.recv(&mut bytes).await.unwrap(), 1024);
        // Those that fitted, of which there are fewer than 100.
        let mut received = 1;
        loop {
            match other.try_recv(&mut bytes) {
                Ok(count) => assert_eq!(count, 1024),
                Err(error) => break assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
            received += 1;
        }
        assert!(received < 100, "{received}");
        one.send(b"after").await.unwrap();
        loop {
            // On some systems the others arrive only now.
            if attempt(&other, || other.try_recv(&mut bytes)).await.unwrap() == 5 {
                break;
            }
        }
    });
}

// Goal: without permission a broadcast is refused.
#[test]
fn broadcast_wants_permission() {
    run(|| async {
        let socket = UdpSocket::new_v4().unwrap();
        let everyone = (Ipv4Addr::BROADCAST, nobody().await.port());
        assert_eq!(kind(socket.send_to(b"x", everyone).await), io::ErrorKind::PermissionDenied);
    });
}

// Goal: a shared port, on all systems with REUSE_PORT on each.
#[test]
fn shared_port() {
    run(|| async {
        let first = UdpSocket::new_v4().unwrap();
        first.set_reuse_port(true).unwrap();
        first.bind_to((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let second = UdpSocket::new_v4().unwrap();
        assert_eq!(kind(second.bind_to(address(&first))), io::ErrorKind::AddrInUse);
        second.set_reuse_port(true).unwrap();
        second.bind_to(address(&first)).unwrap();
        assert_eq!(address(&first), address(&second));
        // Whoever of the two gets it.
        socket().await.send_to(b"one of you", address(&first)).await.unwrap();
        let (mut one, mut other) = ([0; 16], [0; 16]);
        let (one, other) = (pin!(first.recv(&mut one)), pin!(second.recv(&mut other)));
        let (count, _) = futures::future::select(one, other).await.factor_first();
        assert_eq!(count.unwrap(), 10);
    });
}

// Goal: what Linux alone has is told to be missing elsewhere, and there it works.
#[test]
fn device_and_mark() {
    let socket = UdpSocket::new_v4().unwrap();
    if sockopt::MARK.is_supported() {
        assert_eq!(socket.mark().unwrap(), 0);
        // It takes a privilege that a test may have or not.
        match socket.set_mark(7) {
            Ok(()) => assert_eq!(socket.mark().unwrap(), 7),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::PermissionDenied),
        }
        assert_eq!(socket.device().unwrap(), None);
        assert!(socket.bind_device(Some(b"no-such-dev")).is_err());
        socket.bind_device(Some(b"lo")).unwrap();
        assert_eq!(socket.device().unwrap().as_deref(), Some(&b"lo"[..]));
    } else {
        assert_eq!(kind(socket.mark()), io::ErrorKind::Unsupported);
        assert_eq!(kind(socket.set_mark(7)), io::ErrorKind::Unsupported);
        assert_eq!(kind(socket.device()), io::ErrorKind::Unsupported);
        assert_eq!(kind(socket.bind_device(Some(b"lo0"))), io::ErrorKind::Unsupported);
    }
}

// Goal: what Linux alone has, through the constants.
#[cfg(target_os = "linux")]
#[test]
fn linux_constants() {
    run(|| async {
        let socket = socket().await;
        socket.connect(nobody().await).await.unwrap();
        assert!(socket.option(&sockopt::MTU).unwrap() >= 1500);
        assert_eq!(socket.option(&sockopt::MTU_DISCOVER).unwrap(), libc::IP_PMTUDISC_WANT);
        socket.set_dont_fragment(true).unwrap();
        assert_eq!(socket.option(&sockopt::MTU_DISCOVER).unwrap(), libc::IP_PMTUDISC_PROBE);
        assert!(!socket.option(&sockopt::TRANSPARENT).unwrap());

        // TEST-NET-1 (RFC 5737) is nobody's.
        let elsewhere = UdpSocket::new_v4().unwrap();
        elsewhere.set_option(&sockopt::FREE_BIND, true).unwrap();
        elsewhere.bind_to((Ipv4Addr::new(192, 0, 2, 1), 0).into()).unwrap();
        assert_eq!(address(&elsewhere).ip(), Ipv4Addr::new(192, 0, 2, 1));
    });
}
