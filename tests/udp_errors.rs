//! The errors of UDP: they belong to an earlier datagram, come once, and leave the socket as good
//! as before. And a datagram socket whose reading is shut down.

#![cfg(feature = "net")]

#[path = "support/driven.rs"]
mod driven;
mod support;
#[path = "support/tcp.rs"]
mod tcp;
#[path = "support/udp.rs"]
mod udp;

use std::{
    future::{Future, poll_fn},
    io,
    net::Shutdown,
    os::fd::AsFd,
    pin::{Pin, pin},
    rc::Rc,
};

use bytes::BytesMut;
use driven::Driven;
use edgewake::net::UdpSocket;
use support::{deadline, eventually};
use tcp::{kind, poll_once, run, turn};
use udp::{address, attempt, nobody, pair, socket};

const REFUSED: io::ErrorKind = io::ErrorKind::ConnectionRefused;

/// A socket whose peer is not there.
async fn abandoned() -> UdpSocket {
    let socket = socket().await;
    socket.connect(nobody().await).await.unwrap();
    socket
}

/// What a form of waiting came to: the kind of its error, if it has one.
type Waiting<'a> = Pin<Box<dyn Future<Output = Option<io::ErrorKind>> + 'a>>;

fn failed<T>(outcome: io::Result<T>) -> Option<io::ErrorKind> {
    outcome.err().map(|error| error.kind())
}

/// Every form that can wait for a datagram; the names of those that first wait for readability
/// have a comma.
fn receiving<'a>(name: &str, socket: &'a UdpSocket) -> Waiting<'a> {
    let mut bytes = [0; 8];
    match name {
        "recv" => Box::pin(async move { failed(socket.recv(&mut bytes).await) }),
        "recv_from" => Box::pin(async move { failed(socket.recv_from(&mut bytes).await) }),
        "peek" => Box::pin(async move { failed(socket.peek(&mut bytes).await) }),
        "peek_from" => Box::pin(async move { failed(socket.peek_from(&mut bytes).await) }),
        "recv_buf" => {
            Box::pin(async move { failed(socket.recv_buf(&mut BytesMut::with_capacity(8)).await) })
        }
        "recv_buf_from" => {
            Box::pin(
                async move { failed(socket.recv_buf_from(&mut BytesMut::with_capacity(8)).await) },
            )
        }
        "poll_recv" => {
            Box::pin(async move { failed(poll_fn(|cx| socket.poll_recv(cx, &mut bytes)).await) })
        }
        "poll_recv_from" => {
            Box::pin(
                async move { failed(poll_fn(|cx| socket.poll_recv_from(cx, &mut bytes)).await) },
            )
        }
        "poll_peek" => {
            Box::pin(async move { failed(poll_fn(|cx| socket.poll_peek(cx, &mut bytes)).await) })
        }
        "poll_peek_from" => {
            Box::pin(
                async move { failed(poll_fn(|cx| socket.poll_peek_from(cx, &mut bytes)).await) },
            )
        }
        "poll_recv_buf" => Box::pin(async move {
            let mut buffer = BytesMut::with_capacity(8);
            failed(poll_fn(|cx| socket.poll_recv_buf(cx, &mut buffer)).await)
        }),
        _ => watching(name, socket),
    }
}

fn watching<'a>(name: &str, socket: &'a UdpSocket) -> Waiting<'a> {
    let mut bytes = [0; 8];
    match name {
        "readable, try_recv" => {
            Box::pin(async move { failed(attempt(socket, || socket.try_recv(&mut bytes)).await) })
        }
        "readable, try_recv_from" => {
            Box::pin(
                async move { failed(attempt(socket, || socket.try_recv_from(&mut bytes)).await) },
            )
        }
        "readable, try_peek" => {
            Box::pin(async move { failed(attempt(socket, || socket.try_peek(&mut bytes)).await) })
        }
        "poll_read_ready, try_recv" => Box::pin(async move {
            loop {
                poll_fn(|cx| socket.poll_read_ready(cx)).await.unwrap();
                match failed(socket.try_recv(&mut bytes)) {
                    Some(io::ErrorKind::WouldBlock) => {}
                    outcome => return outcome,
                }
            }
        }),
        "async_io" => Box::pin(async move {
            let interest = edgewake::Interest::READABLE;
            failed(socket.async_io(interest, || socket.try_recv(&mut bytes)).await)
        }),
        "readable, take_error" => Box::pin(async move {
            loop {
                socket.readable().await.unwrap();
                match socket.take_error().unwrap() {
                    Some(error) => return Some(error.kind()),
                    None => {
                        assert_eq!(kind(socket.try_recv(&mut bytes)), io::ErrorKind::WouldBlock)
                    }
                }
            }
        }),
        other => unreachable!("{other}"),
    }
}

const RECEIVING: [&str; 17] = [
    "recv",
    "recv_from",
    "peek",
    "peek_from",
    "recv_buf",
    "recv_buf_from",
    "poll_recv",
    "poll_recv_from",
    "poll_peek",
    "poll_peek_from",
    "poll_recv_buf",
    "readable, try_recv",
    "readable, try_recv_from",
    "readable, try_peek",
    "poll_read_ready, try_recv",
    "async_io",
    "readable, take_error",
];

// T9 (tokio#8000, #8001, #8082). Goal: whatever waits for a datagram learns that the peer is not
// there, although the event says ERROR and WRITABLE alone. Method: each form waits first, and is
// registered; then the datagram goes out that is refused.
#[test]
fn t09_whatever_waits_is_told_of_the_refusal() {
    run(|| async {
        for name in RECEIVING {
            let socket = abandoned().await;
            let mut waiting = receiving(name, &socket);
            assert!(poll_once(Pin::new(&mut waiting)).is_pending(), "{name}");
            socket.send(b"x").await.unwrap();
            assert_eq!(waiting.await, Some(REFUSED), "{name}");
        }
    });
}

// T9. Goal: the same where the refusal came before anyone waited.
#[test]
fn t09_whatever_comes_later_is_told_too() {
    run(|| async {
        for name in RECEIVING {
            let socket = abandoned().await;
            socket.send(b"x").await.unwrap();
            assert_eq!(receiving(name, &socket).await, Some(REFUSED), "{name}");
        }
    });
}

// T9. Goal: a sender is told, in each form, by a later send; and who waits for room wakes.
#[test]
fn t09_senders_are_told() {
    run(|| async {
        let socket = abandoned().await;
        let told = async |error: io::Error| assert_eq!(error.kind(), REFUSED);
        // Each loop ends: every send before the refusal causes one.
        loop {
            match socket.send(b"x").await {
                Ok(_) => turn().await,
                Err(error) => break told(error).await,
            }
        }
        loop {
            match poll_fn(|cx| socket.poll_send(cx, b"x")).await {
                Ok(_) => turn().await,
                Err(error) => break told(error).await,
            }
        }
        loop {
            socket.writable().await.unwrap();
            match socket.try_send(b"x") {
                Ok(_) => turn().await,
                Err(error) => break told(error).await,
            }
        }
    });
}

// T63. Goal: one refusal is told once, and the socket goes on: it waits, and it receives from a
// peer that comes to that address.
#[test]
fn t63_refusal_comes_once_and_the_socket_goes_on() {
    run(|| async {
        let socket = abandoned().await;
        let peer = socket.peer_addr().unwrap();
        let mut bytes = [0; 8];
        for _ in 0..3 {
            socket.send(b"x").await.unwrap();
            assert_eq!(kind(socket.recv(&mut bytes).await), REFUSED);
            assert_eq!(kind(socket.try_recv(&mut bytes)), io::ErrorKind::WouldBlock);
        }
        let mut receive = pin!(socket.recv(&mut bytes));
        assert!(poll_once(receive.as_mut()).is_pending());
        turn().await;
        assert!(poll_once(receive.as_mut()).is_pending(), "the error has gone");
        let late = UdpSocket::bind(peer).await.unwrap();
        late.send_to(b"late", address(&socket)).await.unwrap();
        assert_eq!(receive.await.unwrap(), 4);
    });
}

// T63 (bun#35922). Goal: an unconnected socket hears of no refusal, so that a client that has gone
// does not disturb those that have not.
#[test]
fn t63_unconnected_socket_is_not_disturbed() {
    run(|| async {
        let (server, client) = (socket().await, socket().await);
        let mut bytes = [0; 8];
        {
            let mut receive = pin!(server.recv_from(&mut bytes));
            assert!(poll_once(receive.as_mut()).is_pending());
            for _ in 0..5 {
                server.send_to(b"x", nobody().await).await.unwrap();
                turn().await;
                assert!(poll_once(receive.as_mut()).is_pending());
            }
            client.send_to(b"here", address(&server)).await.unwrap();
            assert_eq!(receive.await.unwrap(), (4, address(&client)));
        }
        assert!(server.take_error().unwrap().is_none());
    });
}

// T9, T88. Goal: a refusal that nobody fetches does not keep the loop turning, and one that was
// fetched neither; who waits afterwards waits at rest.
#[test]
fn t88_refusal_does_not_spin() {
    deadline(|| {
        let mut driven = Driven::new();
        let socket = Rc::new(driven.block_on(abandoned()));
        let waiting = driven.spawn({
            let socket = Rc::clone(&socket);
            async move { socket.readable().await }
        });
        driven.rest();
        socket.try_send(b"x").unwrap();
        driven.finish(waiting).unwrap();
        driven.rest();
        let mut bytes = [0; 8];
        assert_eq!(kind(socket.try_recv(&mut bytes)), REFUSED);
        let waiting = driven.spawn({
            let socket = Rc::clone(&socket);
            async move { socket.recv(&mut [0; 8]).await }
        });
        driven.rest();
        assert!(!waiting.is_finished());
    });
}

// T88. Goal: after shutdown(RD) of a datagram socket a wait rests. Linux reports it readable and
// closed, once, while every receive would block; the others answer with an empty datagram, as
// often as asked.
#[test]
fn t88_shut_down_reading_does_not_spin() {
    deadline(|| {
        let mut driven = Driven::new();
        let (one, other) = driven.block_on(pair());
        let other = Rc::new(other);
        let waiting = driven.spawn({
            let other = Rc::clone(&other);
            async move { other.recv(&mut [0; 8]).await }
        });
        driven.rest();
        edgewake_sys::socket::shutdown(other.as_fd(), Shutdown::Read).unwrap();
        if cfg!(target_os = "linux") {
            driven.rest();
            assert!(!waiting.is_finished());
            assert_eq!(kind(other.try_recv(&mut [0; 8])), io::ErrorKind::WouldBlock);
            // Linux still takes datagrams in.
            one.try_send(b"x").unwrap();
            assert_eq!(driven.finish(waiting).unwrap(), 1);
        } else {
            assert_eq!(driven.finish(waiting).unwrap(), 0);
        }
        driven.rest();
    });
}

// T79. Goal: what waits when the runtime ends is told, and what need not wait goes on working.
#[test]
fn t79_after_the_runtime() {
    deadline(|| {
        let driven = Driven::new();
        let (one, other) = driven.block_on(pair());
        let mut bytes = [0; 8];
        let mut receive = pin!(other.recv(&mut bytes));
        assert!(driven.block_on(async { poll_once(receive.as_mut()) }).is_pending());
        drop(driven);
        match poll_once(receive.as_mut()) {
            std::task::Poll::Ready(outcome) => {
                assert_eq!(kind(outcome), io::ErrorKind::BrokenPipe);
            }
            std::task::Poll::Pending => panic!("nobody will wake it"),
        }
        let mut bytes = [0; 8];
        one.try_send(b"on").unwrap();
        eventually("a datagram", || other.try_recv(&mut bytes).is_ok());
    });
}
