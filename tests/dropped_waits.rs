//! A wait that is dropped after what it waited for has come leaves that to the next one: the kinds
//! of waits that no other file drops.

#![cfg(feature = "net")]

mod support;
#[path = "support/tcp.rs"]
mod tcp;
#[path = "support/unix.rs"]
mod unix;

use std::{io, os::fd::AsFd, pin::pin};

use edgewake::{
    AsyncFd,
    io::{AsyncReadExt, AsyncWriteExt, pipe},
    net::{UnixDatagram, UnixSeqpacket, UnixStream, VsockStream},
};
use tcp::{drain, fill, kind, pair, poll_once, run, turn};

/// Polls the wait once, in vain; makes come what it waits for, so that it is woken; and drops it.
macro_rules! drop_woken {
    ($wait:expr, $come:expr) => {
        // A `match` keeps the buffers that stand in the expression until the wait is dropped.
        match pin!($wait) {
            mut wait => {
                assert!(poll_once(wait.as_mut()).is_pending(), "{}", stringify!($wait));
                assert!($come.await.is_ok());
                turn().await;
            }
        }
    };
}

// T59. Goal: what waits for urgent data takes none with it.
#[test]
fn t59_urgent_byte_is_left() {
    if cfg!(not(edgewake_has = "priority")) {
        return;
    }
    run(|| async {
        let (client, server) = pair().await;
        drop_woken!(server.recv_oob(&mut [0]), client.send_oob(b"!"));
        let mut byte = [0];
        assert_eq!(server.recv_oob(&mut byte).await.unwrap(), 1);
        assert_eq!(&byte, b"!");
    });
}

// T59, T15. Goal: nor do peeking, plain reading, and the waits for readiness and for the end.
#[test]
fn t59_stream_is_left_as_it_is() {
    run(|| async {
        let (mut client, mut server) = pair().await;
        drop_woken!(server.peek(&mut [0; 8]), client.write_all(b"a"));
        drop_woken!(server.closed(), client.write_all(b"b"));
        assert_eq!(server.peek(&mut [0; 1]).await.unwrap(), 1);
        let mut bytes = [0; 2];
        server.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"ab");
        assert_eq!(kind(server.try_read(&mut bytes)), io::ErrorKind::WouldBlock);
        drop_woken!(server.readable(), client.write_all(b"c"));
        server.readable().await.unwrap();
        assert_eq!(server.read(&mut bytes).await.unwrap(), 1);
        drop_woken!(server.read(&mut bytes), client.write_all(b"de"));
        assert_eq!(server.read(&mut bytes).await.unwrap(), 2);
        assert_eq!(&bytes, b"de");
        drop_woken!(server.closed(), client.close());
        server.closed().await.unwrap();
        assert_eq!(server.read(&mut bytes).await.unwrap(), 0);
    });
}

// T59. Goal: nor do the waits for a message.
#[test]
fn t59_message_is_left() {
    run(|| async {
        let (here, there) = UnixDatagram::pair().unwrap();
        drop_woken!(there.recv(&mut [0; 8]), here.send(b"one"));
        assert_eq!(there.recv(&mut [0; 8]).await.unwrap(), 3);
        drop_woken!(there.peek(&mut [0; 8]), here.send(b"four"));
        assert_eq!(there.recv(&mut [0; 8]).await.unwrap(), 4);
        drop_woken!(there.recv_from(&mut [0; 8]), here.send(b"two"));
        let mut bytes = Vec::with_capacity(8);
        assert_eq!(there.recv_buf(&mut bytes).await.unwrap(), 3);
        assert_eq!(bytes, b"two");
        drop_woken!(there.recv_buf(&mut bytes), here.send(b"three"));
        assert_eq!(bytes, b"two", "the dropped one has not touched it");
        assert_eq!(there.try_recv(&mut [0; 8]).unwrap(), 5);
        // Apple has none.
        let Ok((here, there)) = UnixSeqpacket::pair() else { return };
        drop_woken!(there.recv(&mut [0; 8]), here.send(b"one"));
        assert_eq!(there.recv(&mut [0; 8]).await.unwrap(), 3);
        drop_woken!(there.closed(), async {
            drop(here);
            io::Result::Ok(())
        });
        there.closed().await.unwrap();
    });
}

// T59. Goal: nor do those of the other streams, and of any descriptor.
#[test]
fn t59_other_descriptors_are_left_as_they_are() {
    run(|| async {
        let (mut here, there) = UnixStream::pair().unwrap();
        let mut bytes = Vec::with_capacity(8);
        drop_woken!(there.read_buf(&mut bytes), here.write_all(b"unix"));
        assert!(bytes.is_empty());
        assert_eq!(there.read_buf(&mut bytes).await.unwrap(), 4);

        let (mut sender, receiver) = pipe::pipe().unwrap();
        let mut bytes = Vec::with_capacity(8);
        drop_woken!(receiver.read_buf(&mut bytes), sender.write_all(b"pipe"));
        assert!(bytes.is_empty());
        assert_eq!(receiver.read_buf(&mut bytes).await.unwrap(), 4);

        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let mut vsock = VsockStream::try_from(std::os::fd::OwnedFd::from(ours)).unwrap();
        let mut there = UnixStream::from_std(theirs).unwrap();
        drop_woken!(vsock.read(&mut [0; 8]), there.write_all(b"vsock"));
        assert_eq!(vsock.read(&mut [0; 8]).await.unwrap(), 5);

        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let any = AsyncFd::new(ours).unwrap();
        let mut there = UnixStream::from_std(theirs).unwrap();
        drop_woken!(any.readable(), there.write_all(b"x"));
        any.readable().await.unwrap().clear_ready();
    });
}

// T59. Goal: a send that is dropped while it waits for room has sent nothing: no urgent data, no
// message, no descriptor. Method: room comes, it is woken, and goes; what is received is what was
// sent before, and what is sent after.
#[test]
fn t59_dropped_sends_have_sent_nothing() {
    run(|| async {
        let (mut client, server) = pair().await;
        let filled = fill(&client);
        drop_woken!(client.send_oob(b"!"), async {
            drain(&server, filled).await;
            io::Result::Ok(())
        });
        client.write_all(b"x").await.unwrap();
        client.close().await.unwrap();
        let mut rest = Vec::new();
        (&server).read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"x");
        assert_ne!(server.try_recv_oob(&mut [0]).ok(), Some(1));

        let (here, there) = UnixDatagram::pair().unwrap();
        let mut queued = 0;
        while here.try_send(b"queued").is_ok() {
            queued += 1;
        }
        drop_woken!(here.send(b"dropped"), async {
            for _ in 0..queued {
                assert_eq!(there.recv(&mut [0; 8]).await?, 6);
            }
            io::Result::Ok(())
        });
        assert_eq!(here.send(b"x").await.unwrap(), 1);
        assert_eq!(there.recv(&mut [0; 8]).await.unwrap(), 1);

        let (here, there) = UnixStream::pair().unwrap();
        let filled = unix::fill(&here);
        let fds = [there.as_fd()];
        drop_woken!(here.send_with_fds(b"dropped", &fds), async {
            unix::take(&there, filled).await;
            io::Result::Ok(())
        });
        assert_eq!(here.send_with_fds(b"x", &[]).await.unwrap(), 1);
        let mut fds = Vec::new();
        let received = there.recv_with_fds(&mut [0; 8], &mut fds).await.unwrap();
        assert_eq!((received.length, fds.len()), (1, 0));
    });
}
