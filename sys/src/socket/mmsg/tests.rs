//! Both ways of receiving and sending many messages: at once and one by one. On a system without
//! the calls, only the latter.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    os::fd::AsFd,
};

use super::{
    MultiRecv, MultiSend, Outgoing, ReceiveCall, RecvFlags, SendCall, SendFlags,
    receive_one_by_one, send_one_by_one,
};
use crate::{
    cmsg::{self, Message},
    sockaddr::RawAddr,
    sockopt,
};

#[cfg(edgewake_has = "recvmmsg")]
const RECEIVES: &[ReceiveCall] = &[super::receive_at_once, receive_one_by_one];
#[cfg(not(edgewake_has = "recvmmsg"))]
const RECEIVES: &[ReceiveCall] = &[receive_one_by_one];

#[cfg(edgewake_has = "recvmmsg")]
const SENDS: &[SendCall] = &[super::send_at_once, send_one_by_one];
#[cfg(not(edgewake_has = "recvmmsg"))]
const SENDS: &[SendCall] = &[send_one_by_one];

fn bound() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// Waits until a datagram is there, and from then on blocks no more. Loopback delivers in the send,
/// so that all sent before it are there too.
fn settle(socket: &UdpSocket) {
    socket.set_nonblocking(false).unwrap();
    socket.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
    socket.peek(&mut [0]).unwrap();
    socket.set_nonblocking(true).unwrap();
}

fn texts(batch: &MultiRecv, buffers: &[[u8; 8]]) -> Vec<String> {
    let text = |index: usize| {
        let length = batch.received(index).unwrap().length;
        String::from_utf8(buffers[index][..length].to_vec()).unwrap()
    };
    (0..batch.count()).map(text).collect()
}

// T66. Goal: messages come in the order they were sent in, each with its own length, address and
// control messages; what is left comes with the next call; then nothing is there.
#[test]
fn t66_batches_keep_order() {
    for receive in RECEIVES {
        let (socket, to) = bound();
        sockopt::RECV_TTL.set(socket.as_fd(), true).unwrap();
        let senders = [bound(), bound()];
        for (number, text) in ["a", "", "ccc", "dddd", "eeeee"].iter().enumerate() {
            senders[number % 2].0.send_to(text.as_bytes(), to).unwrap();
        }
        settle(&socket);
        let mut batch = MultiRecv::new(3, cmsg::space(4));
        let mut buffers = [[0; 8]; 9];
        let mut seen = Vec::new();
        for expected in [3, 2] {
            let pieces = buffers.iter_mut().map(|buffer| &mut buffer[..]);
            let flags = RecvFlags::NONE;
            let count = batch.receive_by(socket.as_fd(), pieces, flags, *receive).unwrap();
            assert_eq!((count, batch.count()), (expected, expected));
            for index in 0..count {
                let source = batch.received(index).unwrap().address.unwrap();
                let source = SocketAddr::try_from(&source).unwrap();
                assert_eq!(source, senders[(seen.len() + index) % 2].1);
                let control = batch.control(index).unwrap();
                assert!(matches!(control.messages().next(), Some(Message::HopLimit(1..))));
            }
            seen.extend(texts(&batch, &buffers));
        }
        assert_eq!(seen, ["a", "", "ccc", "dddd", "eeeee"]);
        let pieces = buffers.iter_mut().map(|buffer| &mut buffer[..]);
        let nothing = batch.receive_by(socket.as_fd(), pieces, RecvFlags::NONE, *receive);
        assert_eq!(nothing.unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert!(batch.count() == 0 && batch.received(0).is_none() && batch.control(0).is_none());
        let none = batch.receive_by(socket.as_fd(), [], RecvFlags::NONE, *receive);
        assert_eq!(none.unwrap(), 0);
    }
}

// T66. Goal: of messages of which one cannot be sent, those before it are sent and counted, in
// order; the next try begins with the failure.
#[test]
fn t66_partial_sends_are_exact() {
    for send in SENDS {
        let (receiver, to) = bound();
        let (sender, _) = bound();
        let to = RawAddr::from(&to);
        let huge = vec![0; 70_000];
        let datas = [&b"one"[..], b"two", &huge, b"four"];
        let mut batch = MultiSend::new();
        let mut from = 0;
        let mut counts = Vec::new();
        while from < datas.len() {
            let messages = datas[from..].iter().map(|data| Outgoing {
                data,
                address: Some(&to),
                control: None,
            });
            match batch.send_by(sender.as_fd(), messages, SendFlags::NONE, *send) {
                Ok(count) => {
                    counts.push(count);
                    from += count;
                }
                Err(error) => {
                    assert_eq!(error.raw_os_error(), Some(libc::EMSGSIZE));
                    counts.push(0);
                    from += 1;
                }
            }
        }
        assert_eq!(counts, [2, 0, 1]);
        settle(&receiver);
        let mut seen = Vec::new();
        let mut buffer = [0; 8];
        while let Ok(count) = receiver.recv(&mut buffer) {
            seen.push(buffer[..count].to_vec());
        }
        assert_eq!(seen, [&b"one"[..], b"two", b"four"]);
    }
}

// T63, T66. Goal: an error behind messages is not lost: the messages first, then the error once.
#[test]
fn t63_errors_behind_messages_are_told() {
    for receive in RECEIVES {
        // A connected socket with a datagram waiting, whose next send is refused.
        let (peer, to) = bound();
        let (socket, address) = bound();
        socket.connect(to).unwrap();
        peer.send_to(b"before", address).unwrap();
        settle(&socket);
        drop(peer);
        socket.send(b"to nobody").unwrap();
        let mut batch = MultiRecv::new(4, 0);
        let mut buffers = [[0; 8]; 4];
        let (mut messages, mut errors) = (0, 0);
        // Whichever the system tells first.
        for _ in 0..3 {
            let pieces = buffers.iter_mut().map(|buffer| &mut buffer[..]);
            let outcome = batch.receive_by(socket.as_fd(), pieces, RecvFlags::NONE, *receive);
            assert!(batch.count() > 0 || batch.behind.is_none());
            for error in
                outcome.map(|count| messages += count).err().into_iter().chain(batch.take_error())
            {
                match error.kind() {
                    io::ErrorKind::ConnectionRefused => errors += 1,
                    kind => assert_eq!(kind, io::ErrorKind::WouldBlock),
                }
            }
        }
        assert_eq!((messages, errors), (1, 1));
    }
}

// T63. Goal: an error that is not asked for is forgotten, not told to another socket.
#[test]
fn t63_errors_are_no_other_sockets() {
    let (socket, _) = bound();
    socket.set_nonblocking(true).unwrap();
    let mut batch = MultiRecv::new(1, 0);
    batch.behind = Some(io::ErrorKind::ConnectionRefused.into());
    for receive in RECEIVES {
        let mut buffer = [0; 8];
        let pieces = [&mut buffer[..]];
        let nothing = batch.receive_by(socket.as_fd(), pieces, RecvFlags::NONE, *receive);
        assert_eq!(nothing.unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert!(batch.take_error().is_none());
    }
}
