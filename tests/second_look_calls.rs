//! What the second look is for: a short connection never enters the kernel's list.
//!
//! One test: it looks at all descriptors of the process.

#![cfg(all(feature = "net", feature = "time"))]
#![cfg(all(target_os = "linux", edgewake_selector = "epoll"))]

#[path = "support/os.rs"]
mod os;
#[path = "support/peer.rs"]
mod peer;
mod support;

use std::io::Write;

use edgewake::Runtime;
use futures::AsyncReadExt;

use crate::{
    os::registrations,
    peer::{accepted, connect, listener},
    support::{WakeCount, deadline},
};

// Goal: a connection whose bytes and end are there is read to its end without a registration; one
// that stays is registered, once.
#[test]
fn short_connection_is_never_registered() {
    deadline(|| {
        let runtime = Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let listener = listener().await;
            let before = registrations();
            for _ in 0..10 {
                let mut peer = connect(&listener);
                peer.write_all(b"all of it").expect("room");
                drop(peer);
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let mut bytes = [0; 64];
                assert_eq!(stream.read(&mut bytes).await.expect("bytes"), 9);
                assert_eq!(stream.read(&mut bytes).await.expect("the end"), 0);
                assert_eq!(registrations(), before, "while it is open");
            }
            let (mut stream, _peer) = accepted(&listener).await;
            let mut bytes = [0; 64];
            let mut read = Box::pin(stream.read(&mut bytes));
            while registrations() == before {
                assert!(WakeCount::new().poll(&mut read).is_pending());
                edgewake::yield_now().await;
            }
            assert_eq!(registrations(), before + 1);
        });
    });
}
