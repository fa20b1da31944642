//! The selector is exchanged for a new one (a child keeps registrations of closed sockets alive),
//! and one of the system calls fails: what waits goes on waiting, and gets what it waits for.
//!
//! Runs with `RUSTFLAGS="--cfg edgewake_faults"`.

#![cfg(all(feature = "net", feature = "time"))]
#![cfg(all(edgewake_faults, edgewake_selector = "epoll"))]

#[path = "support/os.rs"]
mod os;
#[path = "support/peer.rs"]
mod peer;
mod support;

use std::{io::Write, net, thread};

use edgewake::{Runtime, net::TcpStream};
use edgewake_sys::faults::{Action, Plan, install};
use futures::channel::oneshot;

use crate::{
    os::{
        Fork,
        errno::{EMFILE, ENOMEM, ENOSPC},
    },
    peer::{accepted, listener, read_when_readable},
    support::{WakeCount, deadline},
};

/// More stale events than the loop bears before it rebuilds.
const STALE: usize = 1500;
/// Several: a socket that nobody reads tells of no more than its buffer takes.
const ORPHANS: usize = 64;

/// A connection at which something waits, and which is registered therefore.
async fn waiting() -> (TcpStream, net::TcpStream) {
    let (stream, peer) = accepted(&listener().await).await;
    let mut wait = Box::pin(stream.readable());
    assert!(WakeCount::new().poll(&mut wait).is_pending());
    drop(wait);
    (stream, peer)
}

/// Lets the loop rebuild its selector while `plan` is in force. Whether a call was struck.
fn strike(plan: Plan) -> bool {
    let runtime = Runtime::new().expect("a runtime");
    let (live, mut live_peer) = runtime.block_on(waiting());
    let count = WakeCount::new();
    let mut wait = Box::pin(live.readable());
    runtime.block_on(async { assert!(count.poll(&mut wait).is_pending()) });
    let pairs = (0..ORPHANS).map(|_| runtime.block_on(waiting()));
    let (orphans, mut peers): (Vec<_>, Vec<_>) = pairs.unzip();
    let child = Fork::new();
    drop(orphans);
    let installed = install(plan);
    for stale in 0..STALE {
        peers[stale % ORPHANS].write_all(b"x").expect("room");
        let _wait = runtime.turn().expect("a turn");
    }
    let struck = installed.struck().is_some();
    drop(installed);

    live_peer.write_all(b"live").expect("room");
    let (sender, receiver) = oneshot::channel();
    let elsewhere = thread::spawn(move || sender.send(()).expect("the runtime waits"));
    runtime.block_on(async {
        wait.await.expect("a driver");
        assert_eq!(read_when_readable(&live, 4).await, b"live");
        receiver.await.expect("it is sent");
        // What comes from now on is seen, too.
        live_peer.write_all(b"more").expect("room");
        assert_eq!(read_when_readable(&live, 4).await, b"more");
    });
    elsewhere.join().expect("no panic");
    drop(child);
    struck
}

// Goal: whichever call of the exchange fails, with whatever it may say, no wait is lost: neither
// for a socket nor for another thread.
#[test]
fn no_wait_is_lost_where_the_exchange_fails() {
    for (call, errno) in
        [("epoll_create1", EMFILE), ("dup3", ENOMEM), ("epoll_ctl", ENOSPC), ("epoll_ctl", ENOMEM)]
    {
        let plan = |nth| Plan { call: Some(call), nth, action: Action::Fail(errno) };
        let survived = (1..).take_while(|nth| {
            deadline({
                let plan = plan(*nth);
                move || strike(plan)
            })
        });
        let survived = survived.count();
        assert!(survived > 0, "{call} is never called");
        if call == "epoll_ctl" {
            // The notifier and one socket, before the exchange and after.
            assert!(survived >= 4, "only {survived} calls of {call}");
        }
    }
}
