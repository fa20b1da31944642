//! Connecting to one of several addresses leaves no descriptor open but the winner's.
//!
//! One test: it counts the descriptors of the whole process. Linux only: it needs addresses that
//! do not answer.

#![cfg(all(feature = "net", target_os = "linux"))]

#[path = "support/black_hole.rs"]
mod black_hole;
#[path = "support/os.rs"]
mod os;
mod support;
#[path = "support/tcp.rs"]
mod tcp;

use std::{
    future::{Future, poll_fn},
    net::SocketAddr,
    pin::pin,
    task::Poll,
    time::Duration,
};

use black_hole::BlackHole;
use edgewake::net::{TcpStream, tcp::Connector};
use tcp::{listener, nobody, run};

/// Polls a future at most so often, as its wake-ups come, and then drops it. True if it was done.
async fn dropped_after<F: Future>(polls: usize, future: F) -> bool {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| match left {
        0 => Poll::Ready(false),
        _ => {
            left -= 1;
            if future.as_mut().poll(cx).is_ready() {
                return Poll::Ready(true);
            }
            if left == 0 { Poll::Ready(false) } else { Poll::Pending }
        }
    })
    .await
}

// T59. Goal: the losers' sockets are closed when the winner is returned, and all of them when the
// race is dropped, whatever stage it is in.
#[test]
fn t59_losers_are_closed() {
    run(|| async {
        let hole = BlackHole::new();
        let listener = listener().await;
        let good = listener.local_addr().unwrap();
        let bad = nobody().await;
        let addresses = [bad, hole.address(), hole.address(), bad, hole.address(), good];
        let connector = Connector::new().attempt_delay(Duration::from_millis(10));
        let open = os::open_descriptors();
        for _ in 0..3 {
            let stream = connector.connect(addresses).await.unwrap();
            assert_eq!(os::open_descriptors(), open + 1);
            assert_eq!(stream.peer_addr().unwrap(), good);
            drop(stream);
            drop(listener.accept().await.unwrap());
            assert_eq!(os::open_descriptors(), open);
        }
        let mut polls = 0;
        while !dropped_after(polls, connector.connect(addresses)).await {
            assert_eq!(os::open_descriptors(), open, "dropped after {polls} polls");
            polls += 1;
        }
        assert!(polls >= 4, "only {polls} stages: three pauses and the end");
        // Where all fail, nothing is open either.
        let none: [SocketAddr; 3] = [bad; 3];
        TcpStream::connect(none).await.unwrap_err();
        TcpStream::connect_in_order(none).await.unwrap_err();
        // Some that were dropped may have reached the listener first: they wait in its queue.
        while listener.try_accept().is_ok() {}
        assert_eq!(os::open_descriptors(), open);
    });
}
