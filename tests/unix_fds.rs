//! Descriptors beside bytes and messages: each arrives once, owned, and none leaks.

#![cfg(feature = "net")]

#[path = "support/os.rs"]
mod os;
mod support;
#[path = "support/tcp.rs"]
mod tcp;
#[path = "support/unix.rs"]
mod unix;

use std::{
    fs::File,
    io::{self, IoSlice, IoSliceMut, Read, Write},
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    pin::pin,
};

use edgewake::{
    io::AsyncReadExt,
    net::{
        UnixDatagram, UnixSeqpacket, UnixStream,
        unix::{Control, Message, Received, SendControl},
    },
};
use support::alone;
use tcp::{kind, poll_once, run};
use unix::{fill, take};

/// A pipe whose writing end holds a word already.
fn speaking(word: &[u8]) -> (OwnedFd, OwnedFd) {
    let (read, write) = edgewake_sys::pipe::pipe().expect("a pipe");
    File::from(write.try_clone().expect("a duplicate")).write_all(word).expect("room for a word");
    (read, write)
}

/// What a descriptor says, if it is the reading end of a pipe.
fn said_by(fd: OwnedFd, length: usize) -> Vec<u8> {
    let mut word = vec![0; length];
    File::from(fd).read_exact(&mut word).expect("the word");
    word
}

async fn receive(stream: &UnixStream) -> (Vec<u8>, Vec<OwnedFd>, Received) {
    let (mut buffer, mut fds) = ([0; 64], Vec::new());
    let received = stream.recv_with_fds(&mut buffer, &mut fds).await.expect("a receive");
    (buffer[..received.length].to_vec(), fds, received)
}

// T64. Goal: descriptors arrive in their order, as they are, close-on-exec, beside their bytes.
#[test]
fn t64_descriptors_arrive() {
    let _alone = alone();
    run(|| async {
        let (here, there) = UnixStream::pair().unwrap();
        let pipes: Vec<_> = [b"one", b"two", b"six"].iter().map(|word| speaking(*word)).collect();
        let fds: Vec<BorrowedFd<'_>> = pipes.iter().map(|(read, _)| read.as_fd()).collect();
        assert_eq!(here.send_with_fds(b"bytes", &fds).await.unwrap(), 5);
        let (bytes, fds, received) = receive(&there).await;
        assert_eq!(bytes, b"bytes");
        assert!(!received.control_truncated && !received.truncated);
        assert_eq!(fds.len(), 3);
        for (fd, word) in fds.into_iter().zip([b"one", b"two", b"six"]) {
            assert!(os::is_cloexec(fd.as_fd()));
            assert_eq!(said_by(fd, 3), word);
        }
    });
}

// Goal: the same over every socket of messages, in a receive that waits, and beside no bytes too.
#[test]
fn descriptors_beside_messages() {
    let _alone = alone();
    run(|| async {
        let (read, _write) = speaking(b"word");
        let (here, there) = UnixDatagram::pair().unwrap();
        for message in [&b"message"[..], b""] {
            let (mut buffer, mut fds) = ([0; 64], Vec::new());
            {
                let mut waiting = pin!(there.recv_with_fds(&mut buffer, &mut fds));
                assert!(poll_once(waiting.as_mut()).is_pending());
                let sent = here.send_with_fds(message, &[read.as_fd()]).await.unwrap();
                assert_eq!(sent, message.len());
                assert_eq!(waiting.await.unwrap().length, message.len());
            }
            assert_eq!(fds.len(), 1);
        }
        if cfg!(target_vendor = "apple") {
            return;
        }
        let (here, there) = UnixSeqpacket::pair().unwrap();
        here.send_with_fds(b"packet", &[read.as_fd(), read.as_fd()]).await.unwrap();
        let (mut buffer, mut fds) = ([0; 64], Vec::new());
        assert_eq!(there.recv_with_fds(&mut buffer, &mut fds).await.unwrap().length, 6);
        assert_eq!(fds.len(), 2);
        assert_eq!(said_by(fds.remove(1), 4), b"word");
    });
}

// Goal: descriptors reach a socket by its address, and the answer the one that asked; a full queue
// is waited for (T45), and the descriptors go once.
#[test]
fn t45_descriptors_to_an_address() {
    let _alone = alone();
    run(|| async {
        let (here, there) = (unix::SocketPath::new(), unix::SocketPath::new());
        let server = UnixDatagram::bind(&*here).unwrap();
        let client = UnixDatagram::bind(&*there).unwrap();
        let (read, _write) = speaking(b"word");
        let mut control = SendControl::new();
        control.push_fds(&[read.as_fd()]);
        let mut filled = 0;
        while client.try_send_to(b"full", &*here).is_ok() {
            filled += 1;
        }
        let data = [IoSlice::new(b"with "), IoSlice::new(b"a file")];
        client.try_send_message_to(&data, &control, &*here).unwrap_err();
        let mut buffer = [0; 64];
        {
            let mut send = pin!(client.send_message_to(&data, &control, &*here));
            assert!(poll_once(send.as_mut()).is_pending());
            for _ in 0..filled {
                assert_eq!(server.try_recv(&mut buffer).unwrap(), 4);
            }
            assert_eq!(send.await.unwrap(), 11);
        }
        let mut fds = Vec::new();
        let received = server.recv_with_fds(&mut buffer, &mut fds).await.unwrap();
        assert_eq!(received.source.as_path(), Some(&*there));
        assert_eq!((&buffer[..received.length], fds.len()), (&b"with a file"[..], 1));
        server.try_send_message_to(&data, &control, received.source).unwrap();
        let received = client.recv_with_fds(&mut buffer, &mut fds).await.unwrap();
        assert_eq!((received.length, fds.len()), (11, 2));
    });
}

// Goal: the owned halves send and receive descriptors too (tokio#2975, #7674).
#[test]
fn descriptors_over_owned_halves() {
    let _alone = alone();
    run(|| async {
        let (here, there) = UnixStream::pair().unwrap();
        let (_read_half, write_half) = here.into_split();
        let (read_half, _write_half) = there.into_split();
        let receiver = edgewake::spawn(async move {
            let (mut buffer, mut fds) = ([0; 8], Vec::new());
            read_half.recv_with_fds(&mut buffer, &mut fds).await.unwrap();
            said_by(fds.remove(0), 4)
        });
        let (read, _write) = speaking(b"half");
        write_half.send_with_fds(b"x", &[read.as_fd()]).await.unwrap();
        assert_eq!(receiver.await.unwrap(), b"half");
    });
}

// T64. Goal: what nobody takes is closed: by a plain read, by storage that is used again or
// dropped, by a receiver that closes, and where there was no room. Nothing leaks.
#[test]
fn t64_nothing_leaks() {
    let _alone = alone();
    let (read, _write) = speaking(b"");
    let before = os::open_descriptors();
    let send = read.as_fd().try_clone_to_owned().unwrap();
    run(move || async move {
        let fds = [send.as_fd(), send.as_fd(), send.as_fd()];
        let (here, mut there) = UnixStream::pair().unwrap();
        // A plain read.
        here.send_with_fds(b"abc", &fds).await.unwrap();
        let mut bytes = [0; 8];
        assert_eq!(there.read(&mut bytes).await.unwrap(), 3);
        // Storage that is dropped, and used again, with one of three taken.
        here.send_with_fds(b"d", &fds).await.unwrap();
        here.send_with_fds(b"e", &fds).await.unwrap();
        let mut control = Control::for_fds(8);
        for _ in 0..2 {
            let mut data = [IoSliceMut::new(&mut bytes)];
            assert_eq!(there.recv_message(&mut data, &mut control).await.unwrap().length, 1);
            if let Some(Message::Fds(mut fds)) = control.messages().next() {
                drop(fds.next().expect("the first of three"));
            }
        }
        drop(control);
        // A receiver that closes.
        here.send_with_fds(b"f", &fds).await.unwrap();
    });
    drop(read);
    assert_eq!(os::open_descriptors(), before - 1);
}

// T64. Goal: storage without room for all says so, what it had room for is owned, and the rest is
// closed (Linux; elsewhere it may leak in the kernel, which the documentation says).
#[test]
fn t64_truncated_descriptors_are_told() {
    let _alone = alone();
    let (read, _write) = speaking(b"");
    let before = os::open_descriptors();
    let send = read.as_fd().try_clone_to_owned().unwrap();
    run(move || async move {
        let (here, there) = UnixStream::pair().unwrap();
        let fds: Vec<_> = (0..9).map(|_| send.as_fd()).collect();
        here.send_with_fds(b"x", &fds).await.unwrap();
        let mut control = Control::for_fds(2);
        let mut byte = [0];
        let mut data = [IoSliceMut::new(&mut byte)];
        let received = there.recv_message(&mut data, &mut control).await.unwrap();
        assert_eq!(received.length, 1);
        assert!(received.control_truncated);
        if unix::LINUX {
            let Some(Message::Fds(fds)) = control.messages().next() else {
                panic!("descriptors that had room")
            };
            assert_eq!(fds.count(), 2);
        }
    });
    if unix::LINUX {
        assert_eq!(os::open_descriptors(), before);
    }
}

// T64. Goal: a receiver without a free descriptor still gets the bytes, those descriptors that have
// a place, and is told that there were more; once there is room all goes on.
#[test]
fn t64_receiving_at_the_descriptor_limit() {
    let _alone = alone();
    if !unix::LINUX {
        return;
    }
    run(|| async {
        let (here, there) = UnixStream::pair().unwrap();
        let (read, _write) = speaking(b"room");
        let fds = [read.as_fd(), read.as_fd(), read.as_fd()];
        here.send_with_fds(b"squeezed", &fds).await.unwrap();
        let (soft, _) = os::descriptor_limits();
        // The lowest number that is free.
        let free = read.try_clone().unwrap().as_raw_fd();
        os::limit_descriptors(free as u64 + 1);
        let (bytes, received, flags) = receive(&there).await;
        os::limit_descriptors(soft);
        assert_eq!(bytes, b"squeezed");
        assert!(flags.control_truncated);
        assert_eq!(received.len(), 1);
        here.send_with_fds(b"at ease", &fds).await.unwrap();
        let (bytes, mut received, flags) = receive(&there).await;
        assert_eq!((&bytes[..], received.len()), (&b"at ease"[..], 3));
        assert!(!flags.control_truncated);
        assert_eq!(said_by(received.remove(0), 4), b"room");
    });
}

// T59, T64. Goal: a receive that is dropped while it waits has taken nothing: the next one gets
// bytes and descriptors. One that was dropped after its data came took nothing either.
#[test]
fn t59_dropped_receive_takes_nothing() {
    let _alone = alone();
    run(|| async {
        let (here, there) = UnixStream::pair().unwrap();
        let (read, _write) = speaking(b"kept");
        for arrives_first in [false, true] {
            let (mut buffer, mut fds) = ([0; 8], Vec::new());
            {
                let mut dropped = pin!(there.recv_with_fds(&mut buffer, &mut fds));
                assert!(poll_once(dropped.as_mut()).is_pending());
                if arrives_first {
                    here.send_with_fds(b"1", &[read.as_fd()]).await.unwrap();
                    there.readable().await.unwrap();
                }
            }
            assert!(fds.is_empty());
            if !arrives_first {
                here.send_with_fds(b"1", &[read.as_fd()]).await.unwrap();
            }
            let (bytes, fds, _) = receive(&there).await;
            assert_eq!((&bytes[..], fds.len()), (&b"1"[..], 1));
        }
    });
}

// Goal: a send without room waits, and the descriptors go with the first byte of what is sent then,
// once.
#[test]
fn sends_wait_for_room() {
    let _alone = alone();
    run(|| async {
        let (here, there) = UnixStream::pair().unwrap();
        let filled = fill(&here);
        let (read, _write) = speaking(b"late");
        let fds = [read.as_fd()];
        let mut send = pin!(here.send_with_fds(b"late", &fds));
        assert!(poll_once(send.as_mut()).is_pending());
        let receiver = async {
            take(&there, filled).await;
            let (bytes, fds, _) = receive(&there).await;
            assert!(b"late".starts_with(&bytes) && !bytes.is_empty());
            assert_eq!(fds.len(), 1);
        };
        let (sent, ()) = futures::future::join(send, receiver).await;
        assert!((1..=4).contains(&sent.unwrap()));
    });
}

// Goal: what a stream cannot carry is refused before it is lost: descriptors without a byte.
#[test]
fn streams_need_a_byte_to_go_beside() {
    let _alone = alone();
    run(|| async {
        let (here, there) = UnixStream::pair().unwrap();
        let (read, _write) = speaking(b"");
        let outcome = here.send_with_fds(b"", &[read.as_fd()]).await;
        assert_eq!(kind(outcome), io::ErrorKind::InvalidInput);
        let mut control = SendControl::new();
        control.push_fds(&[read.as_fd()]);
        let nothing = [IoSlice::new(b""), IoSlice::new(b"")];
        assert_eq!(kind(here.try_send_message(&nothing, &control)), io::ErrorKind::InvalidInput);
        let mut storage = Control::for_fds(1);
        let received = there.try_recv_message(&mut [IoSliceMut::new(&mut [])], &mut storage);
        assert_eq!(received.unwrap().length, 0);
    });
}

// Goal: more descriptors than the system sends at once are its error, and none is sent.
#[test]
fn too_many_descriptors() {
    let _alone = alone();
    if !unix::LINUX {
        return;
    }
    run(|| async {
        let (here, there) = UnixStream::pair().unwrap();
        let (read, _write) = speaking(b"");
        let fds = vec![read.as_fd(); 254];
        assert_eq!(kind(here.send_with_fds(b"x", &fds).await), io::ErrorKind::InvalidInput);
        here.send_with_fds(b"y", &fds[..253]).await.unwrap();
        let (bytes, received, flags) = receive(&there).await;
        assert_eq!((&bytes[..], received.len()), (&b"y"[..], 253));
        assert!(!flags.control_truncated);
    });
}

// Goal: what else a receiver has asked for takes no room from the descriptors: all that one message
// carries arrive beside the credentials, on every kind of socket.
#[test]
fn all_descriptors_arrive_beside_credentials() {
    let _alone = alone();
    if !unix::LINUX {
        return;
    }
    run(|| async {
        let (read, _write) = speaking(b"");
        let fds = vec![read.as_fd(); 253];

        let (here, there) = UnixStream::pair().unwrap();
        there.set_pass_credentials(true).unwrap();
        here.send_with_fds(b"x", &fds).await.unwrap();
        let (_, received, flags) = receive(&there).await;
        assert_eq!((received.len(), flags.control_truncated), (253, false));

        let (here, there) = UnixDatagram::pair().unwrap();
        there.set_pass_credentials(true).unwrap();
        here.send_with_fds(b"x", &fds).await.unwrap();
        let mut received = Vec::new();
        let flags = there.recv_with_fds(&mut [0], &mut received).await.unwrap();
        assert_eq!((received.len(), flags.control_truncated), (253, false));
    });
}

// Goal: a receive that asks for no bytes drops what the storage held before, as every other does:
// the descriptors of the last message do not look like this one's.
#[test]
fn receives_of_nothing_leave_nothing_in_the_storage() {
    let _alone = alone();
    run(|| async {
        let (here, there) = UnixStream::pair().unwrap();
        let (read, _write) = speaking(b"");
        let mut control = Control::for_fds(1);
        for waits in [false, true] {
            here.send_with_fds(b"x", &[read.as_fd()]).await.unwrap();
            let mut byte = [0];
            let mut data = [IoSliceMut::new(&mut byte)];
            assert_eq!(there.recv_message(&mut data, &mut control).await.unwrap().length, 1);
            let received = match waits {
                true => there.recv_message(&mut [], &mut control).await,
                false => there.try_recv_message(&mut [], &mut control),
            };
            assert_eq!(received.unwrap().length, 0);
            assert_eq!(control.messages().count(), 0);
        }
    });
}

// Goal: a socket of this library that is sent away still works at both places, and its registration
// here ends with it: nothing spins, nothing is lost.
#[test]
fn socket_that_was_sent_away() {
    let _alone = alone();
    run(|| async {
        let (here, there) = UnixStream::pair().unwrap();
        let (mut travels, far) = UnixStream::pair().unwrap();
        assert!(poll_once(pin!(travels.read(&mut [0]))).is_pending());
        here.send_with_fds(b"x", &[travels.as_fd()]).await.unwrap();
        drop(travels);
        let (_, mut fds, _) = receive(&there).await;
        let mut arrived = UnixStream::try_from(fds.remove(0)).unwrap();
        far.try_write(b"after").unwrap();
        let mut bytes = [0; 5];
        arrived.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"after");
    });
}
