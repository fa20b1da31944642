//! One listener for several loops: duplicates accept from one queue, each connection once, and
//! the end of one duplicate leaves the other accepting.

#![cfg(feature = "net")]

mod support;

use std::{
    collections::HashSet,
    io,
    net::{SocketAddr, TcpStream as Peer},
    sync::mpsc,
    thread,
};

use edgewake::{
    Runtime,
    net::{TcpListener, TcpSocket},
};
use edgewake_sys::Selector;
use support::{PATIENCE, deadline};

const CONNECTIONS: usize = 60;

/// Asks for one wake-up, where the system can do that.
fn wake_one(listener: &TcpListener) {
    let outcome = listener.set_wake_one();
    assert_eq!(outcome.is_ok(), Selector::HAS_EXCLUSIVE);
    if let Err(error) = outcome {
        assert_eq!(error.kind(), io::ErrorKind::Unsupported, "{error}");
    }
}

/// Runs a loop of its own on a listener until it is told to stop: a connection from whom it sends
/// the address of is one that it has accepted.
fn serve(listener: TcpListener, accepted: mpsc::Sender<Option<SocketAddr>>) {
    Runtime::new().unwrap().block_on(async {
        loop {
            let (stream, peer) = listener.accept().await.unwrap();
            let mut byte = [0];
            stream.readable().await.unwrap();
            match stream.try_read(&mut byte) {
                Ok(1) => accepted.send(Some(peer)).unwrap(),
                // A connection without a word ends this loop.
                _ => break accepted.send(None).unwrap(),
            }
        }
    });
}

// Goal: two loops accept each of the connections that come while they run, once; and after one of
// them has ended, with its duplicate gone, the other accepts each that comes then. Not tried: a
// loop that is woken for a connection and ends without accepting it, which `set_wake_one` warns of.
#[test]
fn duplicates_share_one_queue() {
    deadline(|| {
        let runtime = Runtime::new().unwrap();
        let first = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        wake_one(&first);
        let second = first.try_clone().unwrap();
        let address = first.local_addr().unwrap();
        let (accepted, accepting) = mpsc::channel();
        let threads = [first, second].map(|listener| {
            let accepted = accepted.clone();
            thread::spawn(move || serve(listener, accepted))
        });
        let mut peers = Vec::new();
        for round in 0..2 {
            let mut expected = HashSet::new();
            for _ in 0..CONNECTIONS {
                let mut peer = Peer::connect(address).unwrap();
                io::Write::write_all(&mut peer, b"x").unwrap();
                expected.insert(peer.local_addr().unwrap());
                peers.push(peer);
            }
            for _ in 0..CONNECTIONS {
                let peer = accepting.recv_timeout(PATIENCE).unwrap().expect("it goes on");
                assert!(expected.remove(&peer), "{peer} was accepted twice in round {round}");
            }
            // Ends one of the loops, then the other.
            drop(Peer::connect(address).unwrap());
            assert_eq!(accepting.recv_timeout(PATIENCE).unwrap(), None);
        }
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

// Goal: what has been waited at is registered, and is not changed behind the kernel's back; what
// was asked for before stays asked for, also by a duplicate.
#[test]
fn one_wake_up_is_asked_for_before_waiting() {
    deadline(|| {
        Runtime::new().unwrap().block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let _peer = Peer::connect(listener.local_addr().unwrap()).unwrap();
            listener.accept().await.unwrap();
            assert!(futures::poll!(Box::pin(listener.accept())).is_pending());
            let late = listener.set_wake_one().unwrap_err();
            let kind = match Selector::HAS_EXCLUSIVE {
                true => io::ErrorKind::InvalidInput,
                false => io::ErrorKind::Unsupported,
            };
            assert_eq!(late.kind(), kind, "{late}");

            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            wake_one(&listener);
            let copy = listener.try_clone().unwrap();
            drop(listener);
            assert!(futures::poll!(Box::pin(copy.accept())).is_pending());
            wake_one(&copy);
            let _peer = Peer::connect(copy.local_addr().unwrap()).unwrap();
            copy.accept().await.unwrap();
        });
    });
}

// Goal: the other way to share a port: a group of sockets, each with a queue of its own. What is
// connected is accepted by one of them, once.
#[test]
fn a_group_of_sockets_shares_a_port() {
    deadline(|| {
        Runtime::new().unwrap().block_on(async {
            let member = |address: SocketAddr| {
                let socket = TcpSocket::new_v4()?;
                socket.set_reuse_port(true)?;
                socket.bind(address)?;
                socket.listen(128)
            };
            let first = member("127.0.0.1:0".parse().unwrap()).unwrap();
            let address = first.local_addr().unwrap();
            let second = member(address).unwrap();
            let mut expected = HashSet::new();
            let mut peers = Vec::new();
            for _ in 0..CONNECTIONS {
                let peer = Peer::connect(address).unwrap();
                expected.insert(peer.local_addr().unwrap());
                peers.push(peer);
            }
            while !expected.is_empty() {
                let (of_first, of_second) = (first.accept(), second.accept());
                futures::pin_mut!(of_first, of_second);
                let either = futures::future::select(of_first, of_second).await;
                let (_, peer) = either.factor_first().0.unwrap();
                assert!(expected.remove(&peer), "{peer} was accepted twice");
            }
        });
    });
}
