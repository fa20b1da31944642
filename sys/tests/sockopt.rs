//! Every option, set and read back where the system has it, refused by name where it has not.

mod common;

use std::{
    fmt::Debug,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use common::{pair, recv_all, send_all};
use edgewake_sys::{
    socket::{self, Domain, Type},
    sockopt::{self, Encoding, SockOpt, TcpState},
};

fn tcp() -> OwnedFd {
    socket::create(Domain::IPV4, Type::STREAM).unwrap()
}

/// Sets `option`, reads it back, and expects `value`; on a system without it, expects to be told.
#[track_caller]
fn round_trip<T: Debug + Clone + PartialEq>(fd: &OwnedFd, option: SockOpt<T>, value: T) {
    if !option.is_supported() {
        let refusals =
            [option.get(fd.as_fd()).unwrap_err(), { option.set(fd.as_fd(), value).unwrap_err() }];
        for error in refusals {
            assert_eq!(error.kind(), io::ErrorKind::Unsupported);
            assert!(error.to_string().contains(option.label()), "{error}");
        }
        return;
    }
    let label = option.label();
    if let Err(error) = option.set(fd.as_fd(), value.clone()) {
        panic!("setting {label}: {error}");
    }
    assert_eq!(option.get(fd.as_fd()).unwrap_or_else(|e| panic!("{label}: {e}")), value, "{label}");
}

// Goal: the flags of every socket and of TCP, each of which changes itself and no other.
#[test]
fn flags_round_trip() {
    let fd = tcp();
    let flags = [
        sockopt::KEEPALIVE,
        sockopt::OOB_INLINE,
        sockopt::REUSE_ADDR,
        sockopt::REUSE_PORT,
        sockopt::REUSE_PORT_LB,
        sockopt::NO_SIGPIPE,
        sockopt::NODELAY,
        sockopt::CORK,
        sockopt::FAST_OPEN_CONNECT,
        sockopt::QUICK_ACK,
    ];
    for option in flags {
        round_trip(&fd, option, false);
    }
    for option in flags {
        round_trip(&fd, option, true);
        let others = flags.iter().filter(|other| other.label() != option.label());
        for other in others.filter(|other| other.is_supported()) {
            let changed = other.get(fd.as_fd()).unwrap();
            assert!(!changed, "{} changed {}", option.label(), other.label());
        }
        round_trip(&fd, option, false);
    }
}

// Goal: the numbers of TCP and IPv4.
#[test]
fn numbers_round_trip() {
    let fd = tcp();
    round_trip(&fd, sockopt::KEEPALIVE_COUNT, 5);
    round_trip(&fd, sockopt::TTL, 61);
    // DSCP AF11; the ECN bits are the kernel's.
    round_trip(&fd, sockopt::TOS, 0x28);
    round_trip(&fd, sockopt::PRIORITY, 4);
    round_trip(&fd, sockopt::NOTSENT_LOWAT, 16 * 1024);
    // None of them was another under a wrong name.
    for (option, value) in [
        (sockopt::KEEPALIVE_COUNT, 5),
        (sockopt::TTL, 61),
        (sockopt::TOS, 0x28),
        (sockopt::PRIORITY, 4),
    ] {
        assert!(!option.is_supported() || option.get(fd.as_fd()).unwrap() == value);
    }
    round_trip(&fd, sockopt::hop_limit(Domain::of(fd.as_fd()).unwrap()), 62);
    round_trip(&fd, sockopt::traffic_class(Domain::IPV4), 0x48);
    assert_eq!(sockopt::TTL.get(fd.as_fd()).unwrap(), 62);
}

// Goal: times survive in the option's own unit, rounded up.
#[test]
fn times_round_trip() {
    let fd = tcp();
    let times = [
        (sockopt::KEEPALIVE_IDLE, Duration::from_secs(77)),
        (sockopt::KEEPALIVE_INTERVAL, Duration::from_secs(11)),
        (sockopt::USER_TIMEOUT, Duration::from_millis(12_345)),
    ];
    for (option, value) in times {
        round_trip(&fd, option, value);
    }
    // None of them was another under a wrong name.
    for (option, value) in times {
        assert!(!option.is_supported() || option.get(fd.as_fd()).unwrap() == value);
    }
    if sockopt::KEEPALIVE_IDLE.is_supported() {
        sockopt::KEEPALIVE_IDLE.set(fd.as_fd(), Duration::from_millis(1_500)).unwrap();
        let idle = sockopt::KEEPALIVE_IDLE.get(fd.as_fd()).unwrap();
        assert_eq!(idle, Duration::from_secs(2));
    }
    // The kernel turns the time into a number of retransmissions: 1, 3, 7, 15 … seconds.
    if sockopt::DEFER_ACCEPT.is_supported() {
        sockopt::DEFER_ACCEPT.set(fd.as_fd(), Duration::from_secs(5)).unwrap();
        assert!(sockopt::DEFER_ACCEPT.get(fd.as_fd()).unwrap() >= Duration::from_secs(5));
        sockopt::DEFER_ACCEPT.set(fd.as_fd(), Duration::ZERO).unwrap();
    }
    round_trip(&fd, sockopt::DEFER_ACCEPT, Duration::ZERO);
    round_trip(&fd, sockopt::BUSY_POLL, Duration::ZERO);
}

// T52. Goal: a time to linger is in seconds on every system.
#[test]
fn t52_linger_is_in_seconds() {
    let fd = tcp();
    assert_eq!(sockopt::LINGER.get(fd.as_fd()).unwrap(), None);
    for time in [Some(Duration::ZERO), Some(Duration::from_secs(7)), None] {
        round_trip(&fd, sockopt::LINGER, time);
    }
    let error = sockopt::LINGER.set(fd.as_fd(), Some(Duration::MAX)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("SO_LINGER"), "{error}");
}

// T67. Goal: a buffer is at least as large as asked; on Linux it reads back doubled.
#[test]
fn t67_buffer_sizes() {
    let fd = tcp();
    for option in [sockopt::RECV_BUFFER_SIZE, sockopt::SEND_BUFFER_SIZE] {
        let size = 24 * 1024;
        option.set(fd.as_fd(), size).unwrap();
        let read = option.get(fd.as_fd()).unwrap();
        let expected = if cfg!(any(target_os = "linux", target_os = "android")) { 2 } else { 1 };
        assert_eq!(read, expected * size, "{}", option.label());
    }
}

// Goal: the options of IPv6, on a machine that has it.
#[test]
fn ipv6_options_round_trip() {
    let Ok(fd) = socket::create(Domain::IPV6, Type::STREAM) else { return };
    assert_eq!(Domain::of(fd.as_fd()).unwrap(), Domain::IPV6);
    round_trip(&fd, sockopt::hop_limit(Domain::IPV6), 63);
    round_trip(&fd, sockopt::traffic_class(Domain::IPV6), 0x28);
    round_trip(&fd, sockopt::ONLY_V6, true);
    if cfg!(not(target_os = "openbsd")) {
        round_trip(&fd, sockopt::ONLY_V6, false);
    }
    if sockopt::BOUND_INTERFACE_V6.is_supported() {
        assert_eq!(sockopt::BOUND_INTERFACE_V6.get(fd.as_fd()).unwrap(), 0);
    } else {
        round_trip(&fd, sockopt::BOUND_INTERFACE_V6, 1);
    }
}

// Goal: what only the kernel decides can be read, and says what the socket is.
#[test]
fn read_only_options() {
    let fd = tcp();
    assert_eq!(sockopt::TYPE.get(fd.as_fd()).unwrap(), libc::SOCK_STREAM);
    assert!(!sockopt::ACCEPT_CONN.get(fd.as_fd()).unwrap());
    assert!(sockopt::ERROR.get(fd.as_fd()).unwrap().is_none());
    for (option, value) in
        [(sockopt::DOMAIN, libc::AF_INET), (sockopt::PROTOCOL, libc::IPPROTO_TCP)]
    {
        match option.get(fd.as_fd()) {
            Ok(read) => assert_eq!(read, value),
            Err(error) => {
                assert!(!option.is_supported());
                assert_eq!(error.kind(), io::ErrorKind::Unsupported);
            }
        }
    }
    assert!(sockopt::MAX_SEGMENT.get(fd.as_fd()).unwrap() > 0);
    match sockopt::INCOMING_CPU.get(fd.as_fd()) {
        Ok(cpu) => assert!(cpu >= -1),
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::Unsupported),
    }
}

// Goal: options of listeners.
#[test]
fn listener_options() {
    let (fd, _) = common::listener();
    assert!(sockopt::ACCEPT_CONN.get(fd.as_fd()).unwrap());
    // FreeBSD and Apple have a switch of the whole system for it, and Apple a flag, not a length.
    if cfg!(any(target_os = "linux", target_os = "android")) {
        round_trip(&fd, sockopt::FAST_OPEN, 16);
    }
    // Setting the mark takes privilege; with it, it reads back.
    match sockopt::MARK.set(fd.as_fd(), 0xdead_beef) {
        Ok(()) => assert_eq!(sockopt::MARK.get(fd.as_fd()).unwrap(), 0xdead_beef),
        Err(error) => assert!(
            [io::ErrorKind::PermissionDenied, io::ErrorKind::Unsupported].contains(&error.kind()),
            "{error}"
        ),
    }
}

// Goal: options that are names: read, set, refused when unknown or too long.
#[test]
fn names_round_trip() {
    let fd = tcp();
    match sockopt::congestion(fd.as_fd()) {
        Ok(name) => {
            assert!(!name.is_empty() && name.iter().all(u8::is_ascii_graphic), "{name:?}");
            sockopt::set_congestion(fd.as_fd(), &name).unwrap();
            assert_eq!(sockopt::congestion(fd.as_fd()).unwrap(), name);
            assert!(sockopt::set_congestion(fd.as_fd(), b"no-such-thing").is_err());
        }
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::Unsupported),
    }
    match sockopt::bind_device(fd.as_fd()) {
        Ok(device) => {
            assert_eq!(device, None);
            let error = sockopt::set_bind_device(fd.as_fd(), Some(b"0123456789abcdef"));
            assert_eq!(error.unwrap_err().raw_os_error(), Some(libc::EINVAL));
            // It takes privilege, or a kernel of 5.7.
            if sockopt::set_bind_device(fd.as_fd(), Some(b"lo")).is_ok() {
                assert_eq!(sockopt::bind_device(fd.as_fd()).unwrap().unwrap(), b"lo");
            }
        }
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::Unsupported),
    }
}

// Goal: the facts about a connection are those of this connection.
#[test]
fn tcp_info_of_a_connection() {
    let (client, server) = pair();
    send_all(&client, &[1; 1000]);
    assert_eq!(recv_all(&server, 1000).len(), 1000);
    let info = match sockopt::tcp_info(client.as_fd()) {
        Ok(info) => info,
        Err(error) => {
            assert_eq!(error.kind(), io::ErrorKind::Unsupported);
            return;
        }
    };
    assert_eq!(info.state, Some(TcpState::Established));
    assert!(info.send_segment_size.unwrap() >= 500, "{info:?}");
    assert!(info.congestion_window.unwrap() >= info.send_segment_size.unwrap().into(), "{info:?}");
    assert!(info.round_trip_time.unwrap() < Duration::from_secs(10), "{info:?}");
    assert_eq!(info.total_retransmits.unwrap_or(0), 0, "{info:?}");
    let (listener, _) = common::listener();
    assert_eq!(sockopt::tcp_info(listener.as_fd()).unwrap().state, Some(TcpState::Listen));
}

// Goal: an option of one's own works like the built-in ones, and errors come as they are.
#[test]
fn options_of_ones_own() {
    // SAFETY: the value is an int.
    let low = unsafe {
        SockOpt::custom("SO_RCVLOWAT", libc::SOL_SOCKET, libc::SO_RCVLOWAT, Encoding::COUNT)
    };
    round_trip(&tcp(), low, 3);
    // SAFETY: no system has such an option.
    let none = unsafe { SockOpt::custom("NONE", libc::IPPROTO_TCP, 0x7654_3210, Encoding::FLAG) };
    let code = none.get(tcp().as_fd()).unwrap_err().raw_os_error();
    assert!(matches!(code, Some(libc::ENOPROTOOPT | libc::EINVAL)), "{code:?}");
    // SAFETY: stdin is open, or the call says that it is not.
    let stdin = unsafe { BorrowedFd::borrow_raw(0) };
    let code = sockopt::NODELAY.get(stdin).unwrap_err().raw_os_error();
    assert!(matches!(code, Some(libc::ENOTSOCK | libc::EBADF)), "{code:?}");
}
