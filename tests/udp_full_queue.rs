//! A device's queue that is really full: the loopback of a network namespace, slowed down to a
//! megabit a second, with room for three datagrams. Linux, as root, with `unshare`, `ip` and `tc`
//! (packages util-linux, iproute2); where one of them is missing it says so.
//!
//! Of a full queue Linux tells only sockets that asked for errors (ip(7), `IP_RECVERR`).

#![cfg(all(feature = "net", feature = "time"))]
#![cfg(target_os = "linux")]

mod support;
#[path = "support/tcp.rs"]
mod tcp;
#[path = "support/udp.rs"]
mod udp;

use std::{
    future::{Future, poll_fn},
    pin::pin,
    process::Command,
    time::Instant,
};

use edgewake::net::sockopt;
use tcp::run;
use udp::pair;

/// Set for the process in the namespace.
const INSIDE: &str = "EDGEWAKE_TEST_SLOW_LOOPBACK";

/// What the shell does in the namespace before it becomes this program again.
const SLOW_DOWN: &str = "ip link set lo up \
    && tc qdisc add dev lo root tbf rate 1mbit burst 2000 limit 3500 \
    || exit 77; exec \"$0\" t45_real --exact --nocapture";

// T45. Goal: more datagrams than the queue takes all arrive, in order, because each send waits for
// room; and it waits on a timer, not by asking all the time. Method: an attempt first, to see that
// the queue is full and what the system says of it.
#[test]
#[allow(clippy::print_stdout, reason = "a test that cannot run here says so")]
fn t45_real() {
    if std::env::var_os(INSIDE).is_some() {
        return run(full_queue);
    }
    let this = std::env::current_exe().expect("its own path");
    let outcome = Command::new("unshare")
        .args(["--net", "sh", "-c", SLOW_DOWN])
        .arg(this)
        .env(INSIDE, "1")
        .output();
    let output = match outcome {
        Ok(output) => output,
        Err(error) => return println!("skipped: unshare: {error}"),
    };
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => assert!(said.contains("1 passed"), "{said}"),
        // unshare's own failure is 1, a failed test's 101.
        Some(1 | 77 | 127) => println!("skipped: no slow loopback here: {said}"),
        _ => panic!("{said}"),
    }
}

async fn full_queue() {
    const LENGTH: usize = 1000;
    let (sender, receiver) = pair().await;
    sender.set_option(&sockopt::RECV_ERRORS, true).unwrap();
    let mut bytes = [0; LENGTH];
    let mut sent: u8 = 0;
    let full = loop {
        bytes[0] = sent;
        match sender.try_send(&bytes) {
            Ok(_) => sent += 1,
            Err(error) => break error,
        }
        assert!(sent < 100, "the queue takes everything");
    };
    assert_eq!(full.raw_os_error(), Some(libc::ENOBUFS), "{full}");

    let (start, mut polls) = (Instant::now(), 0);
    const MORE: u8 = 20;
    for number in sent..sent + MORE {
        bytes[0] = number;
        let mut sending = pin!(sender.send(&bytes));
        let outcome = poll_fn(|cx| {
            polls += 1;
            sending.as_mut().poll(cx)
        });
        assert_eq!(outcome.await.unwrap(), LENGTH);
    }
    // 20 datagrams of some 1040 bytes at 125 bytes a millisecond, of which three wait at the end.
    let milliseconds = start.elapsed().as_millis();
    assert!(milliseconds >= 100, "no queue was full");
    assert!(polls <= milliseconds as usize + usize::from(MORE), "{polls} in {milliseconds} ms");
    for number in 0..sent + MORE {
        assert_eq!(receiver.recv(&mut bytes).await.unwrap(), LENGTH);
        assert_eq!(bytes[0], number);
    }
}
