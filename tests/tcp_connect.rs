//! Connecting: the outcome, several addresses, cancelling, and doing without a driver.

#![cfg(feature = "net")]

mod support;
#[path = "support/tcp.rs"]
mod tcp;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    os::fd::{AsFd, OwnedFd},
    pin::pin,
    task::Poll,
};

use edgewake::{
    Interest, Runtime,
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use edgewake_sys::{
    Selector, Token,
    socket::{self, Domain, Progress, Type},
};
use support::deadline;
use tcp::{has_v6, kind, listener, nobody, pair, poll_once, run};

// Goal: connecting takes every form of an address.
#[test]
fn forms_of_addresses() {
    run(|| async {
        let listener = listener().await;
        let address = listener.local_addr().unwrap();
        let SocketAddr::V4(v4) = address else { unreachable!("bound to IPv4") };
        let text = address.to_string();
        let mut clients = vec![
            TcpStream::connect(address).await.unwrap(),
            TcpStream::connect(v4).await.unwrap(),
            TcpStream::connect(&text).await.unwrap(),
            TcpStream::connect(text.as_str()).await.unwrap(),
            TcpStream::connect((Ipv4Addr::LOCALHOST, address.port())).await.unwrap(),
            TcpStream::connect((address.ip(), address.port())).await.unwrap(),
            TcpStream::connect([address]).await.unwrap(),
            TcpStream::connect(vec![address]).await.unwrap(),
            TcpStream::connect(&[address][..]).await.unwrap(),
        ];
        for client in &mut clients {
            let (mut server, _) = listener.accept().await.unwrap();
            server.write_all(b"x").await.unwrap();
            client.read_exact(&mut [0]).await.unwrap();
        }
    });
}

// Goal: nobody listens: the error says so, each time.
#[test]
fn refused() {
    run(|| async {
        let address = nobody().await;
        for _ in 0..5 {
            let outcome = TcpStream::connect(address).await;
            assert_eq!(kind(outcome), io::ErrorKind::ConnectionRefused);
        }
    });
}

// Goal: several addresses are tried in turn until one answers; if none does, the last one's error
// is told.
#[test]
fn several_in_turn() {
    run(|| async {
        let listener = listener().await;
        let good = listener.local_addr().unwrap();
        let bad = nobody().await;
        let client = TcpStream::connect([bad, bad, good, bad]).await.unwrap();
        assert_eq!(client.peer_addr().unwrap(), good);
        let outcome = TcpStream::connect([bad, bad]).await;
        assert_eq!(kind(outcome), io::ErrorKind::ConnectionRefused);
        let none: [SocketAddr; 0] = [];
        assert_eq!(kind(TcpStream::connect(none).await), io::ErrorKind::InvalidInput);
        assert_eq!(kind(TcpStream::connect("127.0.0.1").await), io::ErrorKind::InvalidInput);
    });
}

// Goal: the families can be mixed.
#[test]
fn v6_then_v4() {
    if !has_v6() {
        return;
    }
    run(|| async {
        let six = TcpListener::bind("[::1]:0").await.unwrap();
        let gone = six.local_addr().unwrap();
        drop(six);
        let four = listener().await;
        let client = TcpStream::connect([gone, four.local_addr().unwrap()]).await.unwrap();
        assert!(client.peer_addr().unwrap().is_ipv4());
    });
}

// T55. Goal: a connect that is under way ends by writability, by an error or by neither, and a
// writable event alone proves nothing. Method: the two system calls by themselves.
#[test]
fn t55_outcome_is_asked_for() {
    run(|| async {
        let unconnected = socket::create(Domain::IPV4, Type::STREAM).unwrap();
        let outcome = socket::connect_outcome(unconnected.as_fd()).unwrap();
        assert_eq!(outcome, Progress::InProgress);
        let listener = listener().await;
        let started = socket::connect(unconnected.as_fd(), &listener.local_addr().unwrap());
        if cfg!(any(target_os = "linux", target_os = "android")) {
            assert_eq!(started.unwrap(), Progress::InProgress, "loopback answers later");
        } else {
            let _either = started.unwrap();
        }
        listener.accept().await.unwrap();
        let outcome = socket::connect_outcome(unconnected.as_fd()).unwrap();
        assert_eq!(outcome, Progress::Done);
    });
}

// T55. Goal: connections that the listener has no room for yet come about once it accepts. Method:
// far more of them than its backlog, before the first accept. Linux drops what it has no room for,
// and the peer repeats it; others may reset the connection instead.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn t55_connects_beyond_the_backlog_wait() {
    run(|| async {
        const MANY: usize = 12;
        let listener = listener().await;
        listener.set_backlog(1).unwrap();
        let address = listener.local_addr().unwrap();
        let clients: Vec<_> = (0..MANY)
            .map(|_| {
                edgewake::spawn(async move {
                    let mut client = TcpStream::connect(address).await.unwrap();
                    client.write_all(b"in").await.unwrap();
                    let mut answer = [0; 2];
                    client.read_exact(&mut answer).await.unwrap();
                    assert_eq!(&answer, b"ok");
                })
            })
            .collect();
        // All of them have started, and those that found room are connected.
        tcp::turn().await;
        assert!(clients.iter().all(|client| !client.is_finished()));
        let mut servers = Vec::new();
        for _ in 0..MANY {
            let (mut server, _) = listener.accept().await.unwrap();
            server.read_exact(&mut [0; 2]).await.unwrap();
            server.write_all(b"ok").await.unwrap();
            servers.push(server);
        }
        for client in clients {
            client.await.unwrap();
        }
    });
}

// T59. Goal: dropping a connect closes its socket. Method: whatever of it reaches the listener is
// at its end; a later connection marks that all of them have come.
#[test]
fn t59_dropped_connect_closes() {
    run(|| async {
        let listener = listener().await;
        let address = listener.local_addr().unwrap();
        for _ in 0..10 {
            drop(TcpStream::connect(address));
            let mut connect = Box::pin(TcpStream::connect(address));
            if let Poll::Ready(outcome) = poll_once(connect.as_mut()) {
                outcome.unwrap();
            }
            drop(connect);
        }
        let marker = TcpStream::connect(address).await.unwrap();
        loop {
            let (mut server, peer) = listener.accept().await.unwrap();
            if peer == marker.local_addr().unwrap() {
                break;
            }
            // The end or a reset; if the socket were open this would wait.
            if let Ok(count) = server.read(&mut [0]).await {
                assert_eq!(count, 0);
            }
        }
    });
}

// T26. Goal: an event of a dropped connect is not taken for its successor's, whose descriptor and
// slot have the same numbers. Method: drop a connect that succeeds, and start one that cannot.
#[test]
fn t26_stale_connect_events_are_missed() {
    run(|| async {
        let listener = listener().await;
        let good = listener.local_addr().unwrap();
        let bad = nobody().await;
        for _ in 0..50 {
            let mut dropped = Box::pin(TcpStream::connect(good));
            if let Poll::Ready(outcome) = poll_once(dropped.as_mut()) {
                outcome.unwrap();
            }
            drop(dropped);
            let outcome = TcpStream::connect(bad).await;
            assert_eq!(kind(outcome), io::ErrorKind::ConnectionRefused);
        }
    });
}

// T10. Goal: the event that a socket gives when it is registered before it connects (on Linux
// `OUT|HUP` at once) is not an outcome. Method: see that event, and that the check behind it says
// "in progress".
#[test]
fn t10_hang_up_of_an_unconnected_socket_is_no_outcome() {
    let unconnected = socket::create(Domain::IPV4, Type::STREAM).unwrap();
    let selector = Selector::new().unwrap();
    selector.register(unconnected.as_fd(), Token(1), Interest::WRITABLE).unwrap();
    let mut events = edgewake_sys::Events::with_capacity(4);
    selector.select(&mut events, Some(std::time::Duration::ZERO)).unwrap();
    if cfg!(edgewake_selector = "epoll") {
        let event = events.iter().next().expect("a hang-up");
        assert!(event.is_writable() && event.is_write_closed());
    }
    let outcome = socket::connect_outcome(unconnected.as_fd()).unwrap();
    assert_eq!(outcome, Progress::InProgress);
}

/// The sentence of an operation that has to wait where nothing drives it.
#[track_caller]
fn needs_a_driver<T>(outcome: io::Result<T>) {
    let error = outcome.err().expect("it would have to wait");
    assert_eq!(error.kind(), io::ErrorKind::NotConnected);
    assert!(error.to_string().contains("no edgewake driver is running"), "{error}");
}

// Goal: without a driver what has to wait says so, and what has not works. Method: under a foreign
// executor, in a thread that has no runtime.
#[test]
fn without_a_driver() {
    deadline(|| {
        futures::executor::block_on(async {
            // Binding, listening, options, `try_` functions and transfers that do not wait.
            let listener = listener().await;
            let address = listener.local_addr().unwrap();
            assert_eq!(kind(listener.try_accept()), io::ErrorKind::WouldBlock);
            let connected = TcpStream::connect(address).await;
            if cfg!(any(target_os = "linux", target_os = "android")) {
                needs_a_driver(connected);
                // The one that gave up.
                drop(listener.try_accept().unwrap());
            }
            needs_a_driver(listener.accept().await);

            let std = std::net::TcpStream::connect(address).unwrap();
            let mut client = TcpStream::try_from(std).unwrap();
            client.write_all(b"works").await.unwrap();
            needs_a_driver(client.read(&mut [0]).await);
            needs_a_driver(client.readable().await);
            needs_a_driver(client.ready(Interest::WRITABLE).await);
            needs_a_driver(client.closed().await);
            assert_eq!(kind(client.try_read(&mut [0])), io::ErrorKind::WouldBlock);
        });
    });
}

// Goal: a socket made outside finds the driver where it first waits.
#[test]
fn a_driver_is_found_where_it_is_needed() {
    deadline(|| {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let listener = TcpListener::try_from(listener).unwrap();
        let runtime = Runtime::new().unwrap();
        let connect = TcpStream::connect(address);
        runtime.block_on(async {
            let mut client = connect.await.unwrap();
            let (mut server, _) = listener.accept().await.unwrap();
            server.write_all(b"x").await.unwrap();
            client.read_exact(&mut [0]).await.unwrap();
        });
    });
}

// T79. Goal: after its runtime has gone, a socket that waited gets an error, and so does every new
// wait; the `try_` functions go on working, and the socket can move to another runtime's life as a
// descriptor.
#[test]
fn t79_sockets_outlive_their_runtime() {
    deadline(|| {
        let runtime = Runtime::new().unwrap();
        let (client, server) = runtime.block_on(async {
            let (client, server) = pair().await;
            for stream in [&client, &server] {
                assert!(poll_once(pin!(stream.readable())).is_pending());
            }
            (client, server)
        });
        drop(runtime);
        futures::executor::block_on(async {
            let error = (&client).read(&mut [0]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
            assert!(error.to_string().contains("has shut down"), "{error}");
            assert_eq!(kind(client.readable().await), io::ErrorKind::BrokenPipe);
            assert_eq!(kind(client.closed().await), io::ErrorKind::BrokenPipe);
            assert_eq!(kind(client.recv_oob(&mut [0]).await), io::ErrorKind::BrokenPipe);
        });
        assert_eq!(kind(client.try_read(&mut [0])), io::ErrorKind::WouldBlock);
        assert_eq!(server.try_write(b"x").unwrap(), 1);
        let client = OwnedFd::from(client);
        Runtime::new().unwrap().block_on(async {
            let mut client = TcpStream::try_from(client).unwrap();
            client.read_exact(&mut [0]).await.unwrap();
        });
    });
}
