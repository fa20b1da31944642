//! Multicast over the loopback: joining, leaving, one source only, and how it is sent.

#![cfg(feature = "net")]

mod support;
#[path = "support/tcp.rs"]
mod tcp;
#[path = "support/udp.rs"]
mod udp;

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::pin,
};

use edgewake::net::{UdpSocket, sockopt, udp::InterfaceV4};
use tcp::{has_v6, kind, poll_once, run, turn};
use udp::{address, socket};

/// Of the block for private use (RFC 2365), and with the port that a test has to itself.
const GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 77, 1);
const OTHER_GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 77, 2);
const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// A receiver for groups. Where the system would give it what others joined, it does not.
fn receiver() -> UdpSocket {
    let socket = UdpSocket::new_v4().unwrap();
    if sockopt::MULTICAST_ALL.is_supported() {
        assert!(socket.option(&sockopt::MULTICAST_ALL).unwrap());
        socket.set_option(&sockopt::MULTICAST_ALL, false).unwrap();
    }
    socket.bind_to((Ipv4Addr::UNSPECIFIED, 0).into()).unwrap();
    socket
}

/// A sender to groups on the loopback.
async fn sender() -> UdpSocket {
    let socket = socket().await;
    socket.set_multicast_if_v4(HERE).unwrap();
    assert_eq!(socket.multicast_if_v4().unwrap(), HERE);
    socket
}

/// Whether what is sent to the group reaches the receiver, which also gets an end marker.
async fn reaches(sender: &UdpSocket, receiver: &UdpSocket, group: Ipv4Addr) -> bool {
    let port = address(receiver).port();
    sender.send_to(b"group", (group, port)).await.unwrap();
    turn().await;
    sender.send_to(b"end", (HERE, port)).await.unwrap();
    let mut bytes = [0; 8];
    let (count, from) = receiver.recv_from(&mut bytes).await.unwrap();
    assert_eq!(from, address(sender));
    if &bytes[..count] == b"end" {
        return false;
    }
    assert_eq!(&bytes[..count], b"group");
    assert_eq!(receiver.recv(&mut bytes).await.unwrap(), 3);
    true
}

// Goal: a member receives, who is none does not, nor who has left.
#[test]
fn join_and_leave() {
    run(|| async {
        let (sender, receiver) = (sender().await, receiver());
        assert!(!reaches(&sender, &receiver, GROUP).await);
        receiver.join_multicast_v4(GROUP, HERE).unwrap();
        assert!(reaches(&sender, &receiver, GROUP).await);
        assert!(!reaches(&sender, &receiver, OTHER_GROUP).await);
        assert_eq!(kind(receiver.join_multicast_v4(GROUP, HERE)), io::ErrorKind::AddrInUse);
        receiver.leave_multicast_v4(GROUP, HERE).unwrap();
        assert!(!reaches(&sender, &receiver, GROUP).await);
        assert_eq!(kind(receiver.leave_multicast_v4(GROUP, HERE)), io::ErrorKind::AddrNotAvailable);
        let no_group = receiver.join_multicast_v4(Ipv4Addr::new(10, 0, 0, 1), HERE);
        assert_eq!(kind(no_group), io::ErrorKind::InvalidInput);
    });
}

// Goal: an interface by its index is the interface by its address, where the system has that.
#[test]
fn interface_by_index() {
    run(|| async {
        let (sender, receiver) = (sender().await, receiver());
        let index = InterfaceV4::Index(loopback_index());
        let linux = cfg!(any(target_os = "linux", target_os = "android"));
        if !linux && !cfg!(any(target_vendor = "apple", target_os = "freebsd")) {
            assert_eq!(kind(receiver.join_multicast_v4(GROUP, index)), io::ErrorKind::Unsupported);
            assert_eq!(kind(receiver.set_multicast_if_v4(index)), io::ErrorKind::Unsupported);
            return;
        }
        receiver.join_multicast_v4(GROUP, index).unwrap();
        sender.set_multicast_if_v4(Ipv4Addr::UNSPECIFIED).unwrap();
        sender.set_multicast_if_v4(index).unwrap();
        assert!(reaches(&sender, &receiver, GROUP).await);
        receiver.leave_multicast_v4(GROUP, index).unwrap();
        assert!(!reaches(&sender, &receiver, GROUP).await);
    });
}

// Goal: whether what is sent comes back is the sender's choice. That it is heeded shows on a real
// device only: what the loopback device sends it receives.
#[test]
fn looped_back_or_not() {
    let socket = UdpSocket::new_v4().unwrap();
    assert!(socket.multicast_loop_v4().unwrap());
    for on in [false, true] {
        socket.set_multicast_loop_v4(on).unwrap();
        assert_eq!(socket.multicast_loop_v4().unwrap(), on);
    }
}

// Goal: the range of the hops, and its default.
#[test]
fn hops() {
    let socket = UdpSocket::new_v4().unwrap();
    assert_eq!(socket.multicast_ttl_v4().unwrap(), 1);
    for hops in [0, 7, 255] {
        socket.set_multicast_ttl_v4(hops).unwrap();
        assert_eq!(socket.multicast_ttl_v4().unwrap(), hops);
    }
    assert_eq!(kind(socket.set_multicast_ttl_v4(256)), io::ErrorKind::InvalidInput);
    // Not the time to live of what goes to one receiver.
    socket.set_ttl(9).unwrap();
    assert_eq!(socket.multicast_ttl_v4().unwrap(), 255);
}

/// Joins one source, where the system can; says so where it cannot.
#[allow(clippy::print_stdout, reason = "a test that has nothing to test says so")]
fn joined_source(receiver: &UdpSocket, group: IpAddr, source: IpAddr, interface: u32) -> bool {
    match receiver.join_multicast_source(group, source, interface) {
        Ok(()) => true,
        Err(error) => {
            assert_eq!(error.kind(), io::ErrorKind::Unsupported, "{error}");
            println!("skipped: {error}");
            false
        }
    }
}

// Goal: a member of one source hears that one and no other, until it leaves.
#[test]
fn one_source_only() {
    run(|| async {
        let (wanted, receiver) = (sender().await, receiver());
        let index = loopback_index();
        let (group, source) = (IpAddr::from(GROUP), IpAddr::from(HERE));
        let stranger = IpAddr::from(Ipv4Addr::new(192, 0, 2, 1));
        if !joined_source(&receiver, group, stranger, index) {
            return;
        }
        assert!(!reaches(&wanted, &receiver, GROUP).await);
        receiver.join_multicast_source(group, source, index).unwrap();
        assert!(reaches(&wanted, &receiver, GROUP).await);
        receiver.leave_multicast_source(group, source, index).unwrap();
        assert!(!reaches(&wanted, &receiver, GROUP).await);
        assert!(receiver.leave_multicast_source(group, source, index).is_err());
        let mixed = receiver.join_multicast_source(group, Ipv6Addr::LOCALHOST.into(), index);
        assert_eq!(kind(mixed), io::ErrorKind::InvalidInput);
    });
}

// Goal: a member of the whole group can shut out one source, and let it in again.
#[test]
fn all_but_one_source() {
    run(|| async {
        let (unwanted, receiver) = (sender().await, receiver());
        let index = loopback_index();
        let (group, source) = (IpAddr::from(GROUP), IpAddr::from(HERE));
        receiver.join_multicast_v4(GROUP, HERE).unwrap();
        match receiver.block_multicast_source(group, source, index) {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => return,
            outcome => outcome.unwrap(),
        }
        assert!(!reaches(&unwanted, &receiver, GROUP).await);
        receiver.unblock_multicast_source(group, source, index).unwrap();
        assert!(reaches(&unwanted, &receiver, GROUP).await);
        assert!(receiver.unblock_multicast_source(group, source, index).is_err());
    });
}

// Goal: IPv6's options and groups.
#[test]
#[allow(clippy::print_stdout, reason = "a test that has nothing to test says so")]
fn v6() {
    if !has_v6() {
        return;
    }
    run(|| async {
        // Link-local scope, of the addresses for private use (RFC 3307).
        let group: Ipv6Addr = "ff12::8000:77".parse().unwrap();
        let index = loopback_index();
        let receiver = UdpSocket::new_v6().unwrap();
        receiver.bind_to((Ipv6Addr::UNSPECIFIED, 0).into()).unwrap();
        let sender = UdpSocket::bind("[::1]:0").await.unwrap();

        assert_eq!(sender.multicast_hops_v6().unwrap(), 1);
        sender.set_multicast_hops_v6(3).unwrap();
        assert_eq!(sender.multicast_hops_v6().unwrap(), 3);
        assert!(sender.multicast_loop_v6().unwrap());
        sender.set_multicast_loop_v6(false).unwrap();
        assert!(!sender.multicast_loop_v6().unwrap());
        sender.set_multicast_loop_v6(true).unwrap();
        sender.set_multicast_if_v6(index).unwrap();
        assert_eq!(sender.multicast_if_v6().unwrap(), index);

        receiver.join_multicast_v6(group, index).unwrap();
        assert!(receiver.join_multicast_v6(group, index).is_err());
        assert!(receiver.join_multicast_v6(Ipv6Addr::LOCALHOST, index).is_err());
        let target = SocketAddr::from((group, address(&receiver).port()));
        let mut bytes = [0; 8];
        {
            let mut receive = pin!(receiver.recv_from(&mut bytes));
            assert!(poll_once(receive.as_mut()).is_pending());
            match sender.send_to(b"six", target).await {
                Ok(_) => assert_eq!(receive.await.unwrap().0, 3),
                // A loopback device without a route for groups.
                Err(error) => println!("not sent: {error}"),
            }
        }
        receiver.leave_multicast_v6(group, index).unwrap();
        assert!(receiver.leave_multicast_v6(group, index).is_err());
        let source = IpAddr::from(Ipv6Addr::LOCALHOST);
        if joined_source(&receiver, group.into(), source, index) {
            receiver.leave_multicast_source(group.into(), source, index).unwrap();
        }
    });
}

/// The index of the loopback device.
fn loopback_index() -> u32 {
    let name = if cfg!(any(target_os = "linux", target_os = "android")) { c"lo" } else { c"lo0" };
    // SAFETY: the name ends in a NUL and outlives the call.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    assert_ne!(index, 0, "{}", io::Error::last_os_error());
    index
}
