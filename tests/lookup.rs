//! Names: what is looked up and what is not, without holding up the loop, and what is taken back.

#![cfg(feature = "net")]

mod support;
#[path = "support/tcp.rs"]
mod tcp;

use std::{
    error::Error,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::{Pin, pin},
    sync::mpsc::{Sender, channel},
    task::Poll,
};

use edgewake::{
    BlockingHandle, Builder, Runtime,
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket, lookup_host, tcp::Connector},
};
use support::{PATIENCE, WakeCount, assert_send, deadline};
use tcp::{kind, pair, run};

/// A runtime whose pool has one thread, and a closure that holds it.
fn held_pool() -> (Runtime, Sender<()>, BlockingHandle<()>) {
    let runtime = Builder::new().blocking_threads(1).build().expect("a runtime");
    let (go_on, wait) = channel::<()>();
    let (started, has_started) = channel();
    let handle = runtime.spawn_blocking(move || {
        started.send(()).expect("the test waits");
        wait.recv_timeout(PATIENCE).expect("it is let go");
    });
    has_started.recv_timeout(PATIENCE).expect("a thread");
    (runtime, go_on, handle)
}

fn all(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    addresses.collect()
}

// Goal: literal addresses are themselves, whatever their form. Method: without any driver.
#[test]
fn literals_need_no_driver() {
    futures::executor::block_on(async {
        let four = SocketAddr::from((Ipv4Addr::LOCALHOST, 80));
        let six = SocketAddr::from((Ipv6Addr::LOCALHOST, 80));
        assert_eq!(all(lookup_host("127.0.0.1:80").await.unwrap()), [four]);
        assert_eq!(all(lookup_host("[::1]:80").await.unwrap()), [six]);
        assert_eq!(all(lookup_host("[::1]:80".to_owned()).await.unwrap()), [six]);
        assert_eq!(all(lookup_host(("127.0.0.1", 80)).await.unwrap()), [four]);
        assert_eq!(all(lookup_host(("::1", 80)).await.unwrap()), [six]);
        assert_eq!(all(lookup_host(("::1".to_owned(), 80)).await.unwrap()), [six]);
        assert_eq!(all(lookup_host((IpAddr::from([127, 0, 0, 1]), 80)).await.unwrap()), [four]);
        assert_eq!(all(lookup_host(four).await.unwrap()), [four]);
        assert_eq!(all(lookup_host([six, four]).await.unwrap()), [six, four]);
        assert_eq!(all(lookup_host(&vec![six, four]).await.unwrap()), [six, four]);
        let mut both = lookup_host([six, four]).await.unwrap();
        assert_eq!((both.len(), both.next_back(), both.len()), (2, Some(four), 1));
        let mut one = lookup_host(four).await.unwrap();
        assert_eq!((one.len(), one.next_back(), one.len(), one.next()), (1, Some(four), 0, None));
    });
}

// Goal: literal addresses never wait for the pool. Method: its only thread is held.
#[test]
fn literals_need_no_thread() {
    deadline(|| {
        let (runtime, go_on, handle) = held_pool();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap().to_string();
            TcpStream::connect(&address).await.unwrap();
            TcpStream::connect(("127.0.0.1", listener.local_addr().unwrap().port())).await.unwrap();
            UdpSocket::bind(("127.0.0.1".to_owned(), 0)).await.unwrap();
            go_on.send(()).unwrap();
            handle.await.unwrap();
        });
    });
}

// Goal: a name becomes its addresses, each with the port, in the resolver's order, by every form.
#[test]
fn names_become_addresses() {
    run(|| async {
        let expected: Vec<SocketAddr> =
            std::net::ToSocketAddrs::to_socket_addrs(&("localhost", 80)).unwrap().collect();
        assert!(!expected.is_empty());
        assert_eq!(all(lookup_host("localhost:80").await.unwrap()), expected);
        assert_eq!(all(lookup_host("localhost:80".to_owned()).await.unwrap()), expected);
        assert_eq!(all(lookup_host(("localhost", 80)).await.unwrap()), expected);
        assert_eq!(all(lookup_host(("localhost".to_owned(), 80)).await.unwrap()), expected);
        assert_eq!(all(lookup_host(&&"localhost:80").await.unwrap()), expected);
    });
}

// Goal: whatever binds or connects takes names.
#[test]
fn sockets_take_names() {
    run(|| async {
        let listener = TcpListener::bind("localhost:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let text = format!("localhost:{port}");
        let connector = Connector::new();
        let mut clients = [
            TcpStream::connect(&text).await.unwrap(),
            TcpStream::connect(("localhost", port)).await.unwrap(),
            TcpStream::connect_in_order(&text).await.unwrap(),
            connector.connect(&text).await.unwrap(),
        ];
        for client in &mut clients {
            let (mut server, peer) = listener.accept().await.unwrap();
            assert_eq!(peer, client.local_addr().unwrap());
            server.write_all(b"x").await.unwrap();
            client.read_exact(&mut [0]).await.unwrap();
        }
        let receiver = UdpSocket::bind("localhost:0").await.unwrap();
        let port = receiver.local_addr().unwrap().port();
        let local = (receiver.local_addr().unwrap().ip(), 0);
        let sender = UdpSocket::bind(local).await.unwrap();
        // The same name, bound and connected: the families must not differ.
        sender.connect(("localhost", port)).await.unwrap();
        sender.send(b"x").await.unwrap();
        receiver.recv_from(&mut [0]).await.unwrap();
    });
}

// Goal: what is no address and no name is refused at once, with its text. Method: without a driver.
#[test]
fn neither_addresses_nor_names() {
    futures::executor::block_on(async {
        for text in ["", "localhost", "localhost:", "localhost:x", "localhost:65536", ":80", "[]:1"]
        {
            let error = lookup_host(text).await.expect_err(text);
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{text}");
            assert!(error.to_string().ends_with(text), "{error}");
        }
        assert_eq!(kind(lookup_host(("", 80)).await), io::ErrorKind::InvalidInput);
        assert_eq!(kind(TcpStream::connect("no address").await), io::ErrorKind::InvalidInput);
        assert_eq!(kind(TcpListener::bind("no address").await), io::ErrorKind::InvalidInput);
        assert_eq!(kind(UdpSocket::bind("no address").await), io::ErrorKind::InvalidInput);
    });
}

// Goal: the resolver's error comes out, and is none that another caller would take for "wait".
// Method: a name that no resolver may know, and one with a NUL, neither of which needs a network.
#[test]
fn unknown_names() {
    run(|| async {
        // RFC 6761: `invalid` has no names. A label of 64 bytes is too long for any.
        let unknown = format!("{}.invalid:80", "x".repeat(64));
        for text in [unknown.as_str(), "nul\0nul:80"] {
            let error = lookup_host(text).await.expect_err("it is not a name");
            assert_ne!(error.kind(), io::ErrorKind::WouldBlock, "{error}");
            assert!(!error.to_string().is_empty());
            TcpStream::connect(text).await.expect_err("it is not a name");
        }
    });
}

// Goal: a name needs a driver, and the sentence says so.
#[test]
fn names_need_a_driver() {
    futures::executor::block_on(async {
        let error = lookup_host("localhost:80").await.expect_err("nobody could look it up");
        assert_eq!(error.kind(), io::ErrorKind::NotConnected);
        assert!(error.to_string().contains("no edgewake driver is running"), "{error}");
        assert!(error.source().is_none());
    });
}

// Goal: a resolver that hangs does not stop the loop. Method: the pool's only thread is held, as
// by a resolver whose server does not answer; meanwhile the loop serves a connection. In the end
// the name is looked up. The same with a real resolver is in `happy_eyeballs_netns`.
#[test]
fn the_loop_turns_while_a_name_is_looked_up() {
    deadline(|| {
        let (runtime, go_on, handle) = held_pool();
        runtime.block_on(async {
            let looking = edgewake::spawn(async { lookup_host("localhost:80").await.map(all) });
            let (mut client, mut server) = pair().await;
            for _ in 0..100 {
                client.write_all(b"ping").await.unwrap();
                server.read_exact(&mut [0; 4]).await.unwrap();
            }
            assert!(!looking.is_finished());
            go_on.send(()).unwrap();
            handle.await.unwrap();
            assert!(!looking.await.unwrap().unwrap().is_empty());
        });
    });
}

// Goal: a look-up that is dropped before it starts is taken back: its waker goes with it, and the
// pool is free for the next one. One that nobody polled was never there.
#[test]
fn dropped_look_ups_are_taken_back() {
    deadline(|| {
        let (runtime, go_on, handle) = held_pool();
        let count = WakeCount::new();
        runtime.block_on(async {
            drop(lookup_host("localhost:80"));
            for _ in 0..100 {
                let mut looking = Box::pin(lookup_host("localhost:80"));
                assert!(count.poll(&mut looking).is_pending());
                assert_eq!(count.alive(), 1);
                drop(looking);
                assert_eq!(count.alive(), 0);
                let mut connecting = Box::pin(TcpStream::connect("localhost:80"));
                assert!(count.poll(&mut connecting).is_pending());
            }
            let mut kept = pin!(lookup_host("localhost:80"));
            assert!(poll(kept.as_mut()).is_pending());
            go_on.send(()).unwrap();
            handle.await.unwrap();
            assert!(kept.await.unwrap().count() > 0);
        });
        assert_eq!(count.wakes(), 0);
    });
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    tcp::poll_once(future)
}

// T79. Goal: a look-up whose runtime goes before it has started gets an error, and so does one that
// starts later.
#[test]
fn t79_look_ups_of_a_dropped_runtime() {
    deadline(|| {
        let (runtime, go_on, _handle) = held_pool();
        let count = WakeCount::new();
        let mut looking = Box::pin(lookup_host("localhost:80"));
        runtime.block_on(async { assert!(count.poll(&mut looking).is_pending()) });
        drop(runtime);
        assert_eq!(count.wakes(), 1);
        let Poll::Ready(Err(error)) = count.poll(&mut looking) else { panic!("it is over") };
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        go_on.send(()).unwrap();
    });
}

// Goal: what looks names up can move to another thread.
#[test]
fn futures_cross_threads() {
    fn is_send<T: Send>(_: &T) {}
    is_send(&lookup_host("localhost:80"));
    is_send(&TcpStream::connect("localhost:80"));
    is_send(&TcpStream::connect(("localhost", 80)));
    is_send(&TcpStream::connect_in_order([SocketAddr::from(([127, 0, 0, 1], 1))]));
    is_send(&TcpListener::bind("localhost:80"));
    is_send(&UdpSocket::bind("localhost:80"));
    is_send(&Connector::new().connect("localhost:80"));
    assert_send::<Connector>();
}
