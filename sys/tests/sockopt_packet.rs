//! The options about packets, set and read back where the system has them, refused by name where
//! it has not.

mod common;

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

use edgewake_sys::{
    socket::{self, Domain, Type},
    sockopt::{self, SockOpt},
};

fn udp(domain: Domain) -> Option<OwnedFd> {
    // Some machines have no IPv6.
    socket::create(domain, Type::DATAGRAM).ok()
}

/// Sets each option and clears it again, while the others stay as they are.
fn toggle(fd: &OwnedFd, options: &[SockOpt<bool>]) {
    for option in options {
        if !option.is_supported() {
            let error = option.set(fd.as_fd(), true).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::Unsupported);
            assert!(error.to_string().contains(option.label()), "{error}");
            continue;
        }
        let label = option.label();
        for value in [true, false] {
            option.set(fd.as_fd(), value).unwrap_or_else(|e| panic!("{label} = {value}: {e}"));
            assert_eq!(option.get(fd.as_fd()).unwrap(), value, "{label}");
        }
    }
}

// Goal: what comes beside an IPv4 datagram can be asked for, and not asked for again.
#[test]
fn flags_of_v4_packets() {
    let fd = udp(Domain::IPV4).unwrap();
    toggle(
        &fd,
        &[
            sockopt::RECV_PACKET_INFO,
            sockopt::RECV_INTERFACE,
            sockopt::RECV_TOS,
            sockopt::RECV_TTL,
            sockopt::TIMESTAMP,
            sockopt::RECV_ERRORS,
            sockopt::ZERO_COPY,
            sockopt::DONT_FRAGMENT,
        ],
    );
}

// Goal: the same for IPv6.
#[test]
fn flags_of_v6_packets() {
    let Some(fd) = udp(Domain::IPV6) else { return };
    toggle(
        &fd,
        &[
            sockopt::RECV_PACKET_INFO_V6,
            sockopt::RECV_TRAFFIC_CLASS,
            sockopt::RECV_HOP_LIMIT,
            sockopt::RECV_ERRORS_V6,
            sockopt::DONT_FRAGMENT_V6,
        ],
    );
}

// Goal: segments and path MTU discovery, which an old kernel may not have.
#[test]
fn segments_and_path_mtu() {
    let fd = udp(Domain::IPV4).unwrap();
    if sockopt::GRO.is_supported() && sockopt::GRO.set(fd.as_fd(), true).is_ok() {
        assert!(sockopt::GRO.get(fd.as_fd()).unwrap());
    }
    if sockopt::SEGMENT_SIZE.is_supported() && sockopt::SEGMENT_SIZE.set(fd.as_fd(), 1200).is_ok() {
        assert_eq!(sockopt::SEGMENT_SIZE.get(fd.as_fd()).unwrap(), 1200);
    }
    match sockopt::MTU_DISCOVER.set(fd.as_fd(), 3) {
        Ok(()) => assert_eq!(sockopt::MTU_DISCOVER.get(fd.as_fd()).unwrap(), 3),
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::Unsupported),
    }
}
