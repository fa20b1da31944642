//! TcpListener: accepting in every form, by many, cancelled at any moment.

#![cfg(feature = "net")]

mod support;
#[path = "support/tcp.rs"]
mod tcp;

use std::{
    cell::Cell,
    collections::HashSet,
    io,
    net::{Ipv4Addr, SocketAddr},
    os::fd::OwnedFd,
    pin::pin,
    rc::Rc,
    sync::Arc,
    task::Context,
};

use edgewake::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream, tcp::Incoming},
};
use futures::StreamExt;
use support::{WakeCount, assert_debug, assert_send, assert_sync};
use tcp::{kind, listener, poll_once, run, turn};

/// Connects and says its number.
async fn numbered(address: SocketAddr, number: u8) -> TcpStream {
    let mut client = TcpStream::connect(address).await.expect("a connection");
    client.write_all(&[number]).await.expect("room for a byte");
    client
}

async fn number_of(mut stream: TcpStream) -> u8 {
    let mut byte = [0];
    stream.read_exact(&mut byte).await.expect("the number");
    byte[0]
}

// Goal: accept gives the connection and the peer's address; both ends have each other's.
#[test]
fn accepts() {
    run(|| async {
        let listener = listener().await;
        let address = listener.local_addr().unwrap();
        assert_eq!(address.ip(), Ipv4Addr::LOCALHOST);
        assert_ne!(address.port(), 0);
        let client = TcpStream::connect(address).await.unwrap();
        let (server, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
        assert_eq!(server.peer_addr().unwrap(), peer);
        assert_eq!(server.local_addr().unwrap(), address);
        assert_eq!(client.peer_addr().unwrap(), address);
    });
}

// Goal: an accept that waits is woken by a connection, again and again.
#[test]
fn waiting_accept_is_woken() {
    run(|| async {
        let listener = listener().await;
        let address = listener.local_addr().unwrap();
        for number in 0..20 {
            let mut accept = pin!(listener.accept());
            assert!(poll_once(accept.as_mut()).is_pending());
            let client = numbered(address, number).await;
            let (server, peer) = accept.await.unwrap();
            assert_eq!(peer, client.local_addr().unwrap());
            assert_eq!(number_of(server).await, number);
        }
    });
}

// Goal: `try_accept` never waits, and after its WouldBlock the next connection is an edge again.
#[test]
fn try_accept() {
    run(|| async {
        let listener = listener().await;
        let address = listener.local_addr().unwrap();
        assert_eq!(kind(listener.try_accept()), io::ErrorKind::WouldBlock);
        for number in 0..3 {
            let _client = numbered(address, number).await;
            let (server, _) = listener.accept().await.unwrap();
            assert_eq!(number_of(server).await, number);
            assert_eq!(kind(listener.try_accept()), io::ErrorKind::WouldBlock);
        }
    });
}

// Goal: connections that came before anyone asked are all there.
#[test]
fn connections_wait_in_the_queue() {
    run(|| async {
        let listener = listener().await;
        let address = listener.local_addr().unwrap();
        let mut clients = Vec::new();
        for number in 0..30 {
            clients.push(numbered(address, number).await);
        }
        let mut numbers = HashSet::new();
        for _ in 0..30 {
            let (server, _) = listener.accept().await.unwrap();
            numbers.insert(number_of(server).await);
        }
        assert_eq!(numbers.len(), 30);
        assert!(poll_once(pin!(listener.accept())).is_pending());
    });
}

// Goal: one edge for several connections is enough: all of them are accepted through `poll_accept`
// and through the stream of connections.
#[test]
fn poll_accept_and_incoming() {
    run(|| async {
        let listener = listener().await;
        let address = listener.local_addr().unwrap();
        let count = WakeCount::new();
        let waker = count.waker();
        let mut cx = Context::from_waker(&waker);
        assert!(listener.poll_accept(&mut cx).is_pending());
        let mut clients = Vec::new();
        for number in 0..10 {
            clients.push(numbered(address, number).await);
        }
        turn().await;
        assert!(count.wakes() > 0);
        for _ in 0..5 {
            let (server, _) = std::future::poll_fn(|cx| listener.poll_accept(cx)).await.unwrap();
            assert!(number_of(server).await < 10);
        }
        let mut incoming = listener.incoming();
        for _ in 0..5 {
            let server = incoming.next().await.unwrap().unwrap();
            assert!(number_of(server).await < 10);
        }
        assert!(poll_once(pin!(incoming.next())).is_pending());
    });
}

// T59. Goal: dropping an accept at any stage loses no connection. Method: drop it before its first
// poll, while it waits, and after it was woken without being polled again; with and without a
// connection in the queue.
#[test]
fn t59_dropped_accept_loses_nothing() {
    run(|| async {
        let listener = listener().await;
        let address = listener.local_addr().unwrap();
        for number in 0..30 {
            drop(listener.accept());
            assert!(poll_once(pin!(listener.accept())).is_pending());
            let count = WakeCount::new();
            let mut woken = Box::pin(listener.accept());
            assert!(count.poll(&mut woken).is_pending());
            let _client = numbered(address, number).await;
            turn().await;
            assert!(count.wakes() > 0);
            drop(woken);
            drop(listener.accept());
            let (server, _) = listener.accept().await.unwrap();
            assert_eq!(number_of(server).await, number);
        }
    });
}

// T59. Goal: a waiting accept that is dropped after it was woken takes no wake-up with it: another
// one gets the connection.
#[test]
fn t59_wake_up_is_not_dropped_with_the_future() {
    run(|| async {
        let listener = listener().await;
        let address = listener.local_addr().unwrap();
        let (first, second) = (WakeCount::new(), WakeCount::new());
        let mut dropped = Box::pin(listener.accept());
        let mut kept = Box::pin(listener.accept());
        assert!(first.poll(&mut dropped).is_pending());
        assert!(second.poll(&mut kept).is_pending());
        let _client = numbered(address, 1).await;
        turn().await;
        assert!(first.wakes() + second.wakes() > 0);
        drop(dropped);
        let (server, _) = kept.await.unwrap();
        assert_eq!(number_of(server).await, 1);
    });
}

// Goal: many tasks that accept on one listener get each connection once, and all of them end.
#[test]
fn many_tasks_accept_on_one_listener() {
    run(|| async {
        const TASKS: u8 = 40;
        let listener = Arc::new(listener().await);
        let address = listener.local_addr().unwrap();
        let acceptors: Vec<_> = (0..TASKS)
            .map(|_| {
                let listener = Arc::clone(&listener);
                edgewake::spawn(async move { number_of(listener.accept().await.unwrap().0).await })
            })
            .collect();
        edgewake::yield_now().await;
        let mut clients = Vec::new();
        for number in 0..TASKS {
            clients.push(numbered(address, number).await);
        }
        let mut numbers = HashSet::new();
        for acceptor in acceptors {
            assert!(numbers.insert(acceptor.await.unwrap()));
        }
        assert_eq!(numbers.len(), usize::from(TASKS));
    });
}

// T20. Goal: two tasks that poll the listener are both woken; none is pushed out for good.
#[test]
fn t20_two_tasks_poll_one_listener() {
    run(|| async {
        let listener = Arc::new(listener().await);
        let address = listener.local_addr().unwrap();
        let tasks = [(); 2].map(|()| {
            let listener = Arc::clone(&listener);
            edgewake::spawn(async move {
                let server = listener.incoming().next().await.unwrap().unwrap();
                number_of(server).await
            })
        });
        edgewake::yield_now().await;
        let _clients = [numbered(address, 1).await, numbered(address, 2).await];
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        assert_eq!(sum, 3);
    });
}

// T58. Goal: an accept loop that always finds a connection, and data on it, lets others run.
// Method: more to do than a task's budget without a reason to wait, and a task beside it that looks
// how far it has come.
#[test]
fn t58_accept_loop_starves_nobody() {
    run(|| async {
        const WAITING: usize = 100;
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let listener = socket.listen(WAITING as u32).unwrap();
        let address = listener.local_addr().unwrap();
        let mut clients = Vec::new();
        for number in 0..WAITING {
            clients.push(numbered(address, number as u8).await);
        }
        let accepted = Rc::new(Cell::new(0));
        let counter = Rc::clone(&accepted);
        let acceptor = edgewake::spawn_local(async move {
            for count in 1..=WAITING {
                let (server, _) = listener.accept().await.unwrap();
                number_of(server).await;
                counter.set(count);
            }
        });
        let onlooker = edgewake::spawn_local(async move {
            while accepted.get() == 0 {
                edgewake::yield_now().await;
            }
            accepted.get()
        });
        assert!(onlooker.await.unwrap() < WAITING, "the acceptor ran from start to end alone");
        acceptor.await.unwrap();
    });
}

// Goal: of several addresses the first that can be bound is taken; without any, the last error is
// told.
#[test]
fn bind_to_several_addresses() {
    run(|| async {
        let taken = listener().await;
        let taken_address = taken.local_addr().unwrap();
        let free: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
        let bound = TcpListener::bind(&[taken_address, free][..]).await.unwrap();
        assert_ne!(bound.local_addr().unwrap(), taken_address);
        let outcome = TcpListener::bind([taken_address, taken_address]).await;
        assert_eq!(kind(outcome), io::ErrorKind::AddrInUse);
        let none: [SocketAddr; 0] = [];
        assert_eq!(kind(TcpListener::bind(none).await), io::ErrorKind::InvalidInput);
        assert_eq!(kind(TcpListener::bind("localhost").await), io::ErrorKind::InvalidInput);
        for address in ["127.0.0.1:0", &String::from("127.0.0.1:0")] {
            TcpListener::bind(address).await.unwrap();
        }
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    });
}

// Goal: a server restarts on its port although connections of its last life linger.
#[test]
fn port_is_free_again_at_once() {
    run(|| async {
        let first = listener().await;
        let address = first.local_addr().unwrap();
        let mut client = TcpStream::connect(address).await.unwrap();
        let (server, _) = first.accept().await.unwrap();
        // The side that closes first is left in TIME_WAIT.
        drop(server);
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
        drop(client);
        drop(first);
        let again = TcpListener::bind(address).await.unwrap();
        assert_eq!(again.local_addr().unwrap(), address);
    });
}

// T30. Goal: `into_std` deregisters: the same descriptor can be taken up again, and std's own
// accept works on it meanwhile.
#[test]
fn t30_into_std_and_back() {
    run(|| async {
        let mut listener = listener().await;
        let address = listener.local_addr().unwrap();
        for number in 0..3 {
            assert!(poll_once(pin!(listener.accept())).is_pending());
            let std = listener.into_std().unwrap();
            assert_eq!(std.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
            listener = TcpListener::from_std(std).unwrap();
            let mut accept = pin!(listener.accept());
            assert!(poll_once(accept.as_mut()).is_pending());
            let _client = numbered(address, number).await;
            let (server, _) = accept.await.unwrap();
            assert_eq!(number_of(server).await, number);
        }
    });
}

// T30. Goal: the same for a stream, with data on its way.
#[test]
fn t30_stream_into_std_and_back() {
    run(|| async {
        let (mut client, mut server) = tcp::pair().await;
        for _ in 0..3 {
            assert!(poll_once(pin!((&client).read(&mut [0]))).is_pending());
            let std = client.into_std().unwrap();
            server.write_all(b"12").await.unwrap();
            client = TcpStream::from_std(std).unwrap();
            let mut bytes = [0; 2];
            client.read_exact(&mut bytes).await.unwrap();
            assert_eq!(&bytes, b"12");
        }
    });
}

// Goal: what does not listen is refused. A datagram socket answers EOPNOTSUPP to accept, which on
// Linux is also what a dead connection answers: accepting on it would go round for ever.
#[test]
fn what_does_not_listen_is_no_listener() {
    run(|| async {
        let datagram = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let outcome = TcpListener::try_from(OwnedFd::from(datagram));
        assert_eq!(kind(outcome), io::ErrorKind::InvalidInput);
        let idle = OwnedFd::from(TcpSocket::new_v4().unwrap());
        assert_eq!(kind(TcpListener::try_from(idle)), io::ErrorKind::InvalidInput);
    });
}

// Goal: connections that died while they waited do not end the listener: whatever accept makes of
// them, the living one behind them is accepted.
#[test]
fn t57_dead_connections_are_passed_over() {
    run(|| async {
        let listener = listener().await;
        let address = listener.local_addr().unwrap();
        for _ in 0..3 {
            let client = TcpStream::connect(address).await.unwrap();
            client.set_linger(Some(std::time::Duration::ZERO)).unwrap();
            drop(client);
        }
        let living = numbered(address, 9).await;
        let living_address = living.local_addr().unwrap();
        loop {
            let (mut server, peer) = listener.accept().await.unwrap();
            if peer == living_address {
                assert_eq!(number_of(server).await, 9);
                break;
            }
            assert!(server.read(&mut [0]).await.is_err());
        }
    });
}

// Goal: every future that a listener gives out can go to another thread.
#[test]
fn bounds() {
    fn check<T: Send>(_: T) {}
    assert_send::<TcpListener>();
    assert_sync::<TcpListener>();
    assert_debug::<TcpListener>();
    assert_send::<Incoming<'static>>();
    check(TcpListener::bind("127.0.0.1:0"));
    run(|| async {
        let listener = listener().await;
        check(listener.accept());
        check(listener.incoming().next());
    });
}
