//! AsyncRead and AsyncWrite of TcpStream, as `futures::io` defines them: what completes at once,
//! what a count means, closing, and how a broken connection shows.

#![cfg(feature = "net")]

mod support;
#[path = "support/tcp.rs"]
mod tcp;

use std::{
    io::{self, IoSlice, IoSliceMut},
    net::Shutdown,
    pin::pin,
    task::Poll,
};

use edgewake::{
    AsyncFd, Interest,
    io::{
        AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, BufWriter,
    },
    net::{TcpListener, TcpStream},
};
use support::{assert_debug, assert_send, assert_sync, assert_unpin};
use tcp::{drain, fill, kind, pair, poll_once, reset, run, turn};

/// Ready with this count, without an error.
#[track_caller]
fn ready(outcome: Poll<io::Result<usize>>, count: usize) {
    match outcome {
        Poll::Ready(outcome) => assert_eq!(outcome.unwrap(), count),
        Poll::Pending => panic!("it waits"),
    }
}

// T62. Goal: reading no bytes completes although nothing is there, whether the direction is
// registered or not.
#[test]
fn t62_reading_no_bytes_completes_at_once() {
    run(|| async {
        let (client, _server) = pair().await;
        for _ in 0..2 {
            ready(poll_once(pin!((&client).read(&mut []))), 0);
            ready(poll_once(pin!((&client).read_vectored(&mut []))), 0);
            let mut empty = [IoSliceMut::new(&mut []), IoSliceMut::new(&mut [])];
            ready(poll_once(pin!((&client).read_vectored(&mut empty))), 0);
            ready(poll_once(pin!(client.peek(&mut []))), 0);
            ready(poll_once(pin!(client.read_buf(&mut &mut [0u8; 0][..]))), 0);
            assert_eq!(client.try_read(&mut []).unwrap(), 0);
            assert!(poll_once(pin!((&client).read(&mut [0]))).is_pending());
        }
    });
}

// T62. Goal: writing no bytes completes although there is no room.
#[test]
fn t62_writing_no_bytes_completes_at_once() {
    run(|| async {
        let (client, server) = pair().await;
        let mut filled = fill(&client);
        for _ in 0..2 {
            ready(poll_once(pin!((&client).write(&[]))), 0);
            ready(poll_once(pin!((&client).write_vectored(&[]))), 0);
            let empty = [IoSlice::new(&[]), IoSlice::new(&[])];
            ready(poll_once(pin!((&client).write_vectored(&empty))), 0);
            ready(poll_once(pin!(client.write_buf(&mut &b""[..]))), 0);
            assert_eq!(client.try_write(&[]).unwrap(), 0);
            // The kernel may move what is queued meanwhile.
            while let Poll::Ready(count) = poll_once(pin!((&client).write(&[1; 4096]))) {
                filled += count.unwrap();
            }
        }
        drain(&server, filled).await;
        client.writable().await.unwrap();
    });
}

// Goal: a vectored write is one piece of the stream, and a vectored read goes on in the next
// buffer.
#[test]
fn vectored() {
    run(|| async {
        let (mut client, mut server) = pair().await;
        let parts = [IoSlice::new(b""), IoSlice::new(b"he"), IoSlice::new(b"llo")];
        assert_eq!(client.write_vectored(&parts).await.unwrap(), 5);
        while server.peek(&mut [0; 8]).await.unwrap() < 5 {
            edgewake::yield_now().await;
        }
        let (mut first, mut second) = ([0; 3], [0; 9]);
        let mut parts =
            [IoSliceMut::new(&mut first), IoSliceMut::new(&mut []), IoSliceMut::new(&mut second)];
        assert_eq!(server.read_vectored(&mut parts).await.unwrap(), 5);
        assert_eq!((&first, &second[..2]), (b"hel", &b"lo"[..]));
    });
}

// T49. Goal: a list of more buffers than one call takes is no short count: nothing waits for an
// edge that does not come. Method: both ends go on where there is no reason to wait.
#[test]
fn t49_long_lists_are_not_short_counts() {
    run(|| async {
        const MANY: usize = 5000;
        let (mut client, mut server) = pair().await;
        // Registers both directions of both ends, so that an edge is needed from now on.
        for (stream, peer) in [(&client, &server), (&server, &client)] {
            let filled = fill(stream);
            assert!(poll_once(pin!(stream.writable())).is_pending());
            drain(peer, filled).await;
            stream.writable().await.unwrap();
            assert!(poll_once(pin!((&*stream).read(&mut [0]))).is_pending());
        }
        let sent: Vec<u8> = (0..MANY).map(|n| n as u8).collect();
        let mut left = &sent[..];
        while !left.is_empty() {
            let parts: Vec<IoSlice<'_>> = left.chunks(1).map(IoSlice::new).collect();
            let count = client.write_vectored(&parts).await.unwrap();
            left = &left[count..];
        }
        let mut received = vec![0; MANY];
        let mut filled = 0;
        while filled < MANY {
            let mut parts: Vec<IoSliceMut<'_>> =
                received[filled..].chunks_mut(1).map(IoSliceMut::new).collect();
            filled += server.read_vectored(&mut parts).await.unwrap();
        }
        assert!(sent == received);
    });
}

// Goal: flushing is at once: nothing is buffered.
#[test]
fn flush_is_at_once() {
    run(|| async {
        let (mut client, _server) = pair().await;
        fill(&client);
        assert!(poll_once(pin!(client.flush())).is_ready());
    });
}

// T48. Goal: closing shuts writing down once, is at once, and is no error the second time.
#[test]
fn t48_close_is_idempotent() {
    run(|| async {
        let (mut client, mut server) = pair().await;
        for _ in 0..3 {
            assert!(matches!(poll_once(pin!(client.close())), Poll::Ready(Ok(()))));
        }
        assert_eq!(server.read(&mut [0]).await.unwrap(), 0);
        // Reading is not closed.
        server.write_all(b"x").await.unwrap();
        let mut byte = [0];
        client.read_exact(&mut byte).await.unwrap();
        assert_eq!(&byte, b"x");
        assert_eq!(kind(client.write(b"x").await), io::ErrorKind::BrokenPipe);
    });
}

// T48. Goal: that the peer was faster is no error of closing. Method: closed by the peer, and
// reset by it.
#[test]
fn t48_closing_what_the_peer_has_closed() {
    run(|| async {
        let (mut client, server) = pair().await;
        drop(server);
        client.closed().await.unwrap();
        client.close().await.unwrap();
        client.shutdown(Shutdown::Both).unwrap();
        client.close().await.unwrap();

        let (mut client, server) = pair().await;
        reset(server, &client).await;
        client.close().await.unwrap();
        assert_eq!(kind(client.read(&mut [0]).await), io::ErrorKind::ConnectionReset);
        client.close().await.unwrap();
        client.shutdown(Shutdown::Both).unwrap();
    });
}

// Goal: the end of the stream is told again and again.
#[test]
fn end_of_stream_stays() {
    run(|| async {
        let (mut client, mut server) = pair().await;
        client.write_all(b"last").await.unwrap();
        drop(client);
        let mut received = Vec::new();
        server.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, b"last");
        for _ in 0..3 {
            ready(poll_once(pin!(server.read(&mut [0; 4]))), 0);
            assert_eq!(server.try_read(&mut [0; 4]).unwrap(), 0);
            assert_eq!(server.peek(&mut [0; 4]).await.unwrap(), 0);
        }
    });
}

// Goal: reading after this side has shut reading down is the end of the stream.
#[test]
fn read_after_shutting_reading_down() {
    run(|| async {
        let (mut client, _server) = pair().await;
        client.shutdown(Shutdown::Read).unwrap();
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    });
}

// Goal: a task that waits for data is woken when this side shuts reading down.
#[test]
fn shutting_reading_down_wakes_a_reader() {
    run(|| async {
        let (client, _server) = pair().await;
        let client = std::sync::Arc::new(client);
        let shared = std::sync::Arc::clone(&client);
        let reader = edgewake::spawn(async move { (&*shared).read(&mut [0]).await });
        turn().await;
        assert!(!reader.is_finished());
        client.shutdown(Shutdown::Both).unwrap();
        assert_eq!(reader.await.unwrap().unwrap(), 0);
    });
}

// Goal: a reset is an error of reading, told once; then the stream is at its end.
#[test]
fn reset_is_an_error_of_reading() {
    run(|| async {
        let (client, server) = pair().await;
        let waiting = edgewake::spawn(async move {
            let mut server = server;
            let outcome = server.read(&mut [0]).await;
            (outcome, server)
        });
        turn().await;
        client.set_linger(Some(std::time::Duration::ZERO)).unwrap();
        drop(client);
        let (outcome, mut server) = waiting.await.unwrap();
        assert_eq!(kind(outcome), io::ErrorKind::ConnectionReset);
        assert_eq!(server.read(&mut [0]).await.unwrap(), 0);
    });
}

// T50. Goal: writing to a peer that has gone is EPIPE or ECONNRESET, then EPIPE, and never a
// signal. Method: with SIGPIPE's default disposition, which would end the test process.
#[test]
fn t50_writing_to_a_dead_peer_is_no_signal() {
    // SAFETY: SIG_DFL is a valid disposition; no handler is involved.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    run(|| async {
        let (mut client, server) = pair().await;
        reset(server, &client).await;
        let first = kind(client.write(b"x").await);
        assert!(matches!(first, io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe));
        let parts = [IoSlice::new(b"x"), IoSlice::new(b"y")];
        assert_eq!(kind(client.write(b"x").await), io::ErrorKind::BrokenPipe);
        assert_eq!(kind(client.write_vectored(&parts).await), io::ErrorKind::BrokenPipe);
        assert_eq!(kind(client.write_buf(&mut &b"x"[..]).await), io::ErrorKind::BrokenPipe);
        assert_eq!(kind(client.try_write(b"x")), io::ErrorKind::BrokenPipe);
        assert_eq!(kind(client.send_oob(b"x").await), io::ErrorKind::BrokenPipe);
    });
}

// Goal: a writer that waits for room is woken by the reset, with an error.
#[test]
fn waiting_writer_learns_of_the_reset() {
    run(|| async {
        let (client, server) = pair().await;
        let writer = edgewake::spawn(async move {
            let mut client = client;
            let bytes = [0; 64 * 1024];
            loop {
                if let Err(error) = client.write_all(&bytes).await {
                    break error.kind();
                }
            }
        });
        server.readable().await.unwrap();
        turn().await;
        server.set_linger(Some(std::time::Duration::ZERO)).unwrap();
        drop(server);
        let kind = writer.await.unwrap();
        assert!(matches!(kind, io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe));
    });
}

// Goal: the adapters of `futures::io` work on top: lines in, buffered writes out, copying.
#[test]
fn adapters() {
    run(|| async {
        let (client, server) = pair().await;
        let echo = edgewake::spawn(async move {
            let mut lines = BufReader::new(&server).lines();
            let mut out = BufWriter::new(&server);
            while let Some(line) = futures::StreamExt::next(&mut lines).await {
                out.write_all(format!("<{}>\n", line.unwrap()).as_bytes()).await.unwrap();
            }
            out.flush().await.unwrap();
        });
        let text = "one\ntwo\nthree";
        edgewake::io::copy(&mut text.as_bytes(), &mut &client).await.unwrap();
        (&client).close().await.unwrap();
        let mut answer = String::new();
        (&client).read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "<one>\n<two>\n<three>\n");
        echo.await.unwrap();
    });
}

// Goal: `async_io` and `try_io` wait for the caller's own operation, and clear what it disproves.
#[test]
fn operations_of_the_callers_own() {
    run(|| async {
        let (client, mut server) = pair().await;
        // A duplicate, read without edgewake's knowledge.
        let mut raw = {
            use std::os::fd::AsFd;
            std::net::TcpStream::from(client.as_fd().try_clone_to_owned().unwrap())
        };
        let mut read = move || {
            let mut byte = [0];
            io::Read::read(&mut raw, &mut byte).map(|_| byte[0])
        };
        assert_eq!(kind(client.try_io(Interest::READABLE, &mut read)), io::ErrorKind::WouldBlock);
        let outcome = {
            let mut waiting = pin!(client.async_io(Interest::READABLE, &mut read));
            assert!(poll_once(waiting.as_mut()).is_pending());
            server.write_all(b"ab").await.unwrap();
            waiting.await
        };
        assert_eq!(outcome.unwrap(), b'a');
        assert_eq!(client.async_io(Interest::READABLE, &mut read).await.unwrap(), b'b');
        assert!(poll_once(pin!(client.async_io(Interest::READABLE, &mut read))).is_pending());
        assert!(poll_once(pin!(client.readable())).is_pending());
    });
}

// Goal: the traits are where they should be.
#[test]
fn bounds() {
    fn assert_io<T: AsyncRead + AsyncWrite>() {}
    assert_io::<TcpStream>();
    assert_io::<&TcpStream>();
    assert_io::<&AsyncFd<std::net::TcpStream>>();
    assert_send::<TcpStream>();
    assert_sync::<TcpStream>();
    assert_unpin::<TcpStream>();
    assert_debug::<TcpStream>();
    assert_send::<TcpListener>();
    assert_sync::<TcpListener>();
}

// Goal: every future that a stream gives out can go to another thread.
#[test]
fn futures_are_send() {
    fn check<T: Send>(_: T) {}
    run(|| async {
        let (client, _server) = pair().await;
        let mut bytes = [0; 8];
        check(client.readable());
        check(client.writable());
        check(client.ready(Interest::READABLE | Interest::WRITABLE));
        check(client.closed());
        check(client.peek(&mut bytes));
        check(client.read_buf(&mut Vec::new()));
        check(client.write_buf(&mut &b""[..]));
        check(client.write_all_buf(&mut &b""[..]));
        check(client.recv_oob(&mut bytes));
        check(client.send_oob(b""));
        check(client.async_io(Interest::READABLE, || Ok(())));
        check(TcpStream::connect("127.0.0.1:1"));
    });
}
