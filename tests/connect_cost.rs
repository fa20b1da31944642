//! What connecting to one address costs beside the socket itself: nothing.

#![cfg(feature = "net")]

#[path = "support/allocations.rs"]
mod allocations;
mod support;
#[path = "support/tcp.rs"]
mod tcp;

use std::{io, pin::pin};

use edgewake::net::{TcpListener, TcpSocket, TcpStream, tcp::Connector};
use tcp::{listener, run};

// Goal: one address takes no box, whether it is given as an address or as a list of one; that it
// takes no timer is shown in `happy_eyeballs`. Method: count the allocations of a connect up to the
// first time it waits, beside those of a socket that is connected by hand.
#[test]
fn one_address_takes_no_box() {
    run(|| async {
        let listener = listener().await;
        let address = listener.local_addr().unwrap();
        let text = address.to_string();
        let connector = Connector::new();
        let by_hand = || async { TcpSocket::new_v4()?.connect(address).await };
        // The first of all may have the reactor grow.
        count(&listener, by_hand()).await;
        let expected = count(&listener, by_hand()).await;
        assert_eq!(count(&listener, TcpStream::connect(address)).await, expected);
        assert_eq!(count(&listener, TcpStream::connect(&text)).await, expected);
        assert_eq!(count(&listener, TcpStream::connect_in_order(address)).await, expected);
        assert_eq!(count(&listener, connector.connect(address)).await, expected);
        // The list itself is one.
        assert_eq!(count(&listener, TcpStream::connect([address])).await, expected + 1);
        // A race has more, so it is seen that the count counts.
        assert!(count(&listener, TcpStream::connect([address, address])).await > expected + 1);
    });
}

/// How many allocations a connect makes until it waits, or is done.
async fn count(
    listener: &TcpListener,
    connect: impl Future<Output = io::Result<TcpStream>>,
) -> usize {
    // The reactor's slots of what was dropped are free again after a turn.
    tcp::turn().await;
    let mut connect = pin!(connect);
    let (count, _outcome) = allocations::made_in(|| tcp::poll_once(connect.as_mut()));
    while listener.try_accept().is_ok() {}
    count
}
