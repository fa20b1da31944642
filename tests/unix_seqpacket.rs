//! UnixSeqpacket: messages over a connection. Apple has none, and says so.

#![cfg(feature = "net")]

mod support;
#[path = "support/tcp.rs"]
mod tcp;
#[path = "support/unix.rs"]
mod unix;

use std::{
    io::{self, IoSlice, IoSliceMut},
    net::Shutdown,
    os::fd::OwnedFd,
    pin::pin,
};

use edgewake::net::{
    UnixSeqpacket, UnixSeqpacketListener, UnixStream,
    unix::{Control, SendControl, SeqpacketIncoming, UnixBind},
};
use futures::StreamExt;
use support::{assert_debug, assert_send, assert_sync};
use tcp::{kind, poll_once, run};
use unix::{LINUX, SocketPath};

const HERE: bool = cfg!(not(target_vendor = "apple"));

// Goal: where there are none, every way to one is Unsupported, with a sentence.
#[test]
fn absent() {
    if HERE {
        return;
    }
    run(|| async {
        for outcome in [UnixSeqpacket::pair().map(drop), UnixSeqpacket::try_connect("/x").map(drop)]
        {
            assert_eq!(kind(outcome), io::ErrorKind::Unsupported);
        }
        assert_eq!(kind(UnixSeqpacket::connect("/x").await), io::ErrorKind::Unsupported);
        let path = SocketPath::new();
        assert_eq!(kind(UnixSeqpacketListener::bind(&*path)), io::ErrorKind::Unsupported);
        assert!(!path.exists());
    });
}

// Goal: messages keep their bounds and their order over a connection by path, both ways, each by a
// read that is short (T1); the end follows the last.
#[test]
fn t01_messages_over_a_connection() {
    if !HERE {
        return;
    }
    run(|| async {
        let path = SocketPath::new();
        let listener = UnixSeqpacketListener::bind(&*path).unwrap();
        let client = UnixSeqpacket::connect(&*path).await.unwrap();
        let (server, peer) = listener.accept().await.unwrap();
        assert!(peer.is_unnamed());
        let mut buffer = [0; 64];
        for (from, to) in [(&client, &server), (&server, &client)] {
            assert!(poll_once(pin!(to.recv(&mut buffer))).is_pending());
            for length in 1..=5 {
                assert_eq!(from.send(&[9; 5][..length]).await.unwrap(), length);
            }
            for length in 1..=5 {
                assert_eq!(to.recv(&mut buffer).await.unwrap(), length);
            }
        }
        client.send(b"last").await.unwrap();
        let mut closed = pin!(server.closed());
        assert!(poll_once(closed.as_mut()).is_pending());
        client.shutdown(Shutdown::Write).unwrap();
        closed.await.unwrap();
        assert_eq!(server.recv(&mut buffer).await.unwrap(), 4);
        assert_eq!(server.recv(&mut buffer).await.unwrap(), 0);
        assert_eq!(server.recv(&mut buffer).await.unwrap(), 0);
        server.send(b"still").await.unwrap();
        assert_eq!(client.recv(&mut buffer).await.unwrap(), 5);
        drop(client);
        assert_eq!(kind(server.send(b"x").await), io::ErrorKind::BrokenPipe);
    });
}

// Goal: a message in pieces is one, a long one is cut and that is told, and the next is whole.
#[test]
fn truncation_is_told() {
    if !HERE {
        return;
    }
    run(|| async {
        let (here, there) = UnixSeqpacket::pair().unwrap();
        let pieces = [IoSlice::new(b"too"), IoSlice::new(b" "), IoSlice::new(b"long")];
        assert_eq!(here.send_message(&pieces, &SendControl::new()).await.unwrap(), 8);
        here.send(b"fits").await.unwrap();
        let mut control = Control::with_capacity(0);
        for (expected, cut) in [(&b"too "[..], true), (b"fits", false)] {
            let mut buffer = [0; 4];
            let mut data = [IoSliceMut::new(&mut buffer)];
            let received = there.recv_message(&mut data, &mut control).await.unwrap();
            assert_eq!((received.length, received.truncated), (4, cut));
            assert_eq!(buffer, expected);
        }
    });
}

// T4. Goal: a sender without room waits, is woken when there is some, and nothing is lost.
#[test]
fn t04_sender_waits_for_room() {
    if !HERE {
        return;
    }
    run(|| async {
        let (here, there) = UnixSeqpacket::pair().unwrap();
        let sender = edgewake::spawn(async move {
            for number in 0..2000_u32 {
                let mut message = [0; 1000];
                message[..4].copy_from_slice(&number.to_be_bytes());
                assert_eq!(here.send(&message).await.unwrap(), 1000);
            }
        });
        let mut buffer = [0; 2000];
        for number in 0..2000_u32 {
            assert_eq!(there.recv(&mut buffer).await.unwrap(), 1000);
            assert_eq!(buffer[..4], number.to_be_bytes());
        }
        assert_eq!(there.recv(&mut buffer).await.unwrap(), 0);
        sender.await.unwrap();
    });
}

// T56. Goal: a full backlog is waited out here as well.
#[test]
fn t56_full_backlog_waits() {
    if !LINUX {
        return;
    }
    run(|| async {
        let path = SocketPath::new();
        let listener = UnixBind::new().backlog(1).seqpacket_listener(&*path).unwrap();
        let mut clients = Vec::new();
        while let Ok(client) = UnixSeqpacket::try_connect(&*path) {
            clients.push(client);
            assert!(clients.len() < 100, "the backlog is never full");
        }
        let mut late = pin!(UnixSeqpacket::connect(&*path));
        assert!(poll_once(late.as_mut()).is_pending());
        listener.incoming().next().await.unwrap().unwrap();
        late.await.unwrap();
    });
}

// Goal: streams and seqpackets do not mix: connecting to the other kind is an error.
#[test]
fn kinds_do_not_mix() {
    if !HERE {
        return;
    }
    run(|| async {
        let path = SocketPath::new();
        let _listener = UnixSeqpacketListener::bind(&*path).unwrap();
        UnixStream::connect(&*path).await.unwrap_err();
        let bind = UnixBind::new().unlink_before(true);
        assert_eq!(kind(bind.listener(&*path)), io::ErrorKind::AddrInUse);
    });
}

// T30. Goal: the descriptor goes out and comes back, with a message on its way.
#[test]
fn t30_descriptor_and_back() {
    if !HERE {
        return;
    }
    run(|| async {
        let (mut here, there) = UnixSeqpacket::pair().unwrap();
        let mut buffer = [0; 8];
        for _ in 0..3 {
            assert!(poll_once(pin!(here.recv(&mut buffer))).is_pending());
            let owned = OwnedFd::from(here);
            there.send(b"12").await.unwrap();
            here = UnixSeqpacket::try_from(owned).unwrap();
            assert_eq!(here.recv(&mut buffer).await.unwrap(), 2);
        }
    });
}

// Goal: the promises of the types themselves.
#[test]
fn bounds() {
    fn check<T: Send>(_: T) {}
    assert_send::<UnixSeqpacket>();
    assert_sync::<UnixSeqpacket>();
    assert_debug::<UnixSeqpacket>();
    assert_send::<UnixSeqpacketListener>();
    assert_sync::<UnixSeqpacketListener>();
    assert_send::<SeqpacketIncoming<'static>>();
    check(UnixSeqpacket::connect("/nowhere"));
}
