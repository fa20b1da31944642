//! The Nth system call of a batch fails, or comes short: what arrives are all datagrams, in order,
//! each once, whichever call is struck; and refused segments (T65). Runs with
//! `RUSTFLAGS="--cfg edgewake_faults"`.

#![cfg(feature = "net")]
#![cfg(edgewake_faults)]

#[path = "support/os.rs"]
mod os;
mod support;

use std::net::{Ipv4Addr, SocketAddr};

use edgewake::{
    Runtime,
    net::{
        UdpSocket,
        udp::{RecvBatch, SendBatch},
    },
};
use edgewake_sys::faults::{Action, Plan, install};
use os::errno::{EINTR, EINVAL, EIO, ENOBUFS, ENOMEM};
use support::deadline;

const SEGMENT: usize = 100;

/// Sends a batch of single datagrams and of segments from one socket to another, and returns what
/// arrived and how often an error came out. Errors are taken for what they are: the call did
/// nothing, so it is repeated.
async fn exchange(
    sender: &UdpSocket,
    receiver: &UdpSocket,
    to: SocketAddr,
    expected: i32,
) -> (Vec<Vec<u8>>, usize) {
    let mut sending = SendBatch::new();
    for number in 0..4_u8 {
        sending.push(vec![number; 5], to);
    }
    sending.push(segmented(), to).segment_size(SEGMENT as u16);
    sending.push(vec![9; 5], to);
    let (mut arrived, mut errors) = (Vec::new(), 0);
    let mut batch = RecvBatch::new(4, 65_535);
    while !sending.is_empty() || arrived.len() < all().len() {
        if !sending.is_empty() {
            match sender.send_batch(&mut sending).await {
                Ok(count) => assert!(count > 0),
                Err(error) => {
                    assert_eq!(error.raw_os_error(), Some(expected));
                    errors += 1;
                    continue;
                }
            }
        }
        match receiver.recv_batch(&mut batch).await {
            Ok(_) => {
                arrived.extend(batch.iter().flat_map(|one| one.segments()).map(<[u8]>::to_vec))
            }
            Err(error) => {
                assert_eq!(error.raw_os_error(), Some(expected));
                errors += 1;
            }
        }
    }
    (arrived, errors)
}

fn segmented() -> Vec<u8> {
    (0..3 * SEGMENT + 7).map(|at| at as u8).collect()
}

fn all() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = (0..4_u8).map(|number| vec![number; 5]).collect();
    all.extend(segmented().chunks(SEGMENT).map(<[u8]>::to_vec));
    all.push(vec![9; 5]);
    all
}

/// Repeats the exchange with its first, second, third … call `name` struck, until none is left.
/// Returns how often it was struck.
fn repeat(name: &'static str, action: Action) -> usize {
    let (expected, most) = match action {
        Action::Fail(errno) => (errno, 1),
        _ => (0, 0),
    };
    for nth in 1.. {
        let runtime = Runtime::new().unwrap();
        let (arrived, errors, struck) = runtime.block_on(async {
            let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let to = receiver.local_addr().unwrap();
            // Before the plan, which is not about the question that it asks.
            assert!(sender.max_segments() >= 1);
            let plan = install(Plan { call: Some(name), nth, action });
            let (arrived, errors) = exchange(&sender, &receiver, to, expected).await;
            (arrived, errors, plan.struck().is_some())
        });
        assert!(arrived == all(), "{name} {nth}, {action:?}: {arrived:?}");
        assert!(errors <= most, "{name} {nth}, {action:?}: {errors} errors");
        if !struck {
            return nth as usize - 1;
        }
    }
    unreachable!("the numbers do not end")
}

// T66, T45. Goal: whichever call of a batch fails, nothing is lost, doubled or out of order, and at
// most the one error comes out.
#[test]
fn t66_a_failed_call_costs_nothing() {
    deadline(|| {
        let mut struck = 0;
        for name in ["sendmmsg", "sendmsg", "recvmmsg", "recvmsg"] {
            for errno in [EINTR, ENOBUFS, ENOMEM] {
                struck += repeat(name, Action::Fail(errno));
            }
        }
        assert!(struck > 10, "the plan struck {struck} times");
    });
}

// T66. Goal: the same where calls take fewer messages than they were given.
#[test]
fn t66_short_counts_cost_nothing() {
    deadline(|| {
        for most in [1, 2, 3] {
            let struck: usize =
                ["sendmmsg", "recvmmsg"].map(|name| repeat(name, Action::Short(most))).iter().sum();
            if cfg!(any(target_os = "linux", target_os = "netbsd", target_os = "openbsd")) {
                assert!(struck > 0);
            }
        }
    });
}

// T65. Goal: a refusal of segments, whenever it comes, costs no datagram and doubles none; a
// refusal of a plain datagram is the caller's.
#[test]
fn t65_refusals_cost_nothing() {
    deadline(|| {
        for errno in [EIO, EINVAL] {
            let struck: usize =
                ["sendmmsg", "sendmsg"].map(|name| repeat(name, Action::Fail(errno))).iter().sum();
            assert!(struck > 0);
        }
    });
}
