//! The Nth system call fails while one of several addresses is connected to: the race goes on to
//! the next address, or tells the error; nothing hangs and no descriptor is left open. Runs with
//! `RUSTFLAGS="--cfg edgewake_faults"`.

#![cfg(feature = "net")]
#![cfg(edgewake_faults)]

#[path = "support/os.rs"]
mod os;
mod support;
#[path = "support/tcp.rs"]
mod tcp;

use std::{net::SocketAddr, time::Duration};

use edgewake::{
    Runtime,
    net::{TcpStream, tcp::Connector},
};
use edgewake_sys::faults::{Action, Plan, install};
use os::errno::{EADDRNOTAVAIL, ECONNREFUSED, EINVAL, EMFILE, ENOBUFS, ENOMEM};
use support::{alone, deadline};
use tcp::{listener, nobody};

/// Connects with the `nth` call named `call` struck. Returns whether one was, and the outcome.
fn struck(
    runtime: &Runtime,
    addresses: &[SocketAddr],
    plan: (&'static str, u64, i32),
) -> (bool, std::io::Result<TcpStream>) {
    let (call, nth, errno) = plan;
    let connector = Connector::new().attempt_delay(Duration::from_millis(20));
    let plan = install(Plan { call: Some(call), nth, action: Action::Fail(errno) });
    let outcome = runtime.block_on(connector.connect(addresses));
    (plan.struck().is_some(), outcome)
}

// T24. Goal: see the head of this file. Method: with two good addresses one failure never keeps the
// connection from coming about; with one good address it is told, if it struck that.
#[test]
fn t24_every_call_of_a_race_may_fail() {
    let _alone = alone();
    deadline(|| {
        let runtime = Runtime::new().unwrap();
        let (first, second) = runtime.block_on(async { (listener().await, listener().await) });
        let bad = runtime.block_on(nobody());
        let (one, two) = (first.local_addr().unwrap(), second.local_addr().unwrap());
        let before = os::open_descriptors();
        let mut survived = 0;
        let calls = [
            ("socket", EMFILE),
            ("socket", ENOBUFS),
            ("connect", ECONNREFUSED),
            ("connect", EADDRNOTAVAIL),
            ("epoll_ctl", ENOMEM),
            ("getsockopt", EINVAL),
        ];
        for (call, errno) in calls {
            for (addresses, must_connect) in [(vec![one, bad, two], true), (vec![bad, one], false)]
            {
                for nth in 1.. {
                    let (was_struck, outcome) = struck(&runtime, &addresses, (call, nth, errno));
                    match &outcome {
                        Ok(_) => {}
                        Err(error) => {
                            assert!(was_struck && !must_connect, "{call} {nth}: {error}");
                            let told = error.raw_os_error();
                            assert!(
                                told == Some(errno) || told == Some(ECONNREFUSED),
                                "{call} {nth}: {error}"
                            );
                        }
                    }
                    drop(outcome);
                    for listener in [&first, &second] {
                        while listener.try_accept().is_ok() {}
                    }
                    assert_eq!(os::open_descriptors(), before, "{call} {nth}");
                    if !was_struck {
                        break;
                    }
                    survived += 1;
                }
            }
        }
        assert!(survived >= 10, "only {survived} calls were struck");
    });
}
