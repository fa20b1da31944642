//! Reading into and writing from the buffers of `bytes`, and urgent data.

#![cfg(feature = "net")]

mod support;
#[path = "support/tcp.rs"]
mod tcp;

use std::{io, pin::pin};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use edgewake::{
    Interest,
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tcp::{drain, fill, kind, pair, poll_once, run, turn};

/// Reads into `buffer` until `length` bytes have come.
async fn read_all<B: BufMut + ?Sized>(stream: &TcpStream, buffer: &mut B, length: usize) {
    let mut count = 0;
    while count < length {
        let more = stream.read_buf(buffer).await.expect("data");
        assert_ne!(more, 0, "the stream ends, or the buffer is full, {count} bytes in");
        count += more;
    }
}

// Goal: what was in the buffer stays, what comes is appended, and nothing else is counted.
#[test]
fn appends() {
    run(|| async {
        let (mut client, server) = pair().await;
        client.write_all(b"hello, world").await.unwrap();
        let mut buffer = BytesMut::from(&b"> "[..]);
        buffer.reserve(64);
        read_all(&server, &mut buffer, 12).await;
        assert_eq!(buffer, "> hello, world");

        client.write_all(b"again").await.unwrap();
        let mut buffer = Vec::with_capacity(64);
        read_all(&server, &mut buffer, 5).await;
        assert_eq!(buffer, b"again");
    });
}

// Goal: a buffer without room completes with zero at once, with data there and without; what grows
// by itself is never full.
#[test]
fn full_buffers() {
    run(|| async {
        let (mut client, server) = pair().await;
        let mut slice = [0_u8; 0];
        let mut full = &mut slice[..];
        assert_eq!(server.read_buf(&mut full).await.unwrap(), 0);
        client.write_all(b"some").await.unwrap();
        server.readable().await.unwrap();
        assert_eq!(server.try_read_buf(&mut full).unwrap(), 0);
        let mut limited = BytesMut::with_capacity(64).limit(3);
        read_all(&server, &mut limited, 3).await;
        assert_eq!(server.read_buf(&mut limited).await.unwrap(), 0);
        assert_eq!(limited.into_inner(), "som");
        let mut growing = Vec::new();
        read_all(&server, &mut growing, 1).await;
        assert_eq!(growing, b"e");
    });
}

// Goal: a chain is filled half by half, each read ending at the boundary; what does not fit the
// first half is no reason to think that nothing is left. Method: the direction is registered, so
// that a false "drained" would wait for ever.
#[test]
fn chains_are_filled_piece_by_piece() {
    run(|| async {
        let (mut client, server) = pair().await;
        assert!(poll_once(pin!(server.readable())).is_pending());
        client.write_all(b"abcdef").await.unwrap();
        let (mut first, mut second) = ([0; 2], [0; 8]);
        let mut chain = (&mut first[..]).chain_mut(&mut second[..]);
        assert_eq!(server.read_buf(&mut chain).await.unwrap(), 2);
        read_all(&server, &mut chain, 4).await;
        assert_eq!(chain.remaining_mut(), 4);
        assert_eq!((&first, &second[..4]), (b"ab", &b"cdef"[..]));
    });
}

// Goal: the end of the stream is zero although there is room.
#[test]
fn end_of_stream() {
    run(|| async {
        let (client, server) = pair().await;
        drop(client);
        let mut buffer = BytesMut::with_capacity(8);
        assert_eq!(server.read_buf(&mut buffer).await.unwrap(), 0);
        assert!(buffer.is_empty());
    });
}

// Goal: a `read_buf` that is dropped while it waits has taken nothing.
#[test]
fn dropped_read_takes_nothing() {
    run(|| async {
        let (mut client, server) = pair().await;
        let mut buffer = BytesMut::with_capacity(8);
        {
            let mut read = pin!(server.read_buf(&mut buffer));
            assert!(poll_once(read.as_mut()).is_pending());
            client.write_all(b"x").await.unwrap();
            turn().await;
        }
        assert!(buffer.is_empty());
        assert_eq!(server.read_buf(&mut buffer).await.unwrap(), 1);
    });
}

// Goal: a `Buf` is advanced by what was written, in one piece and in several, and a full
// connection takes nothing of it.
#[test]
fn writes_advance_the_buffer() {
    run(|| async {
        let (client, mut server) = pair().await;
        let mut one = Bytes::from_static(b"one ");
        assert_eq!(client.write_buf(&mut one).await.unwrap(), 4);
        assert!(!one.has_remaining());
        let mut chain = Bytes::from_static(b"two ").chain(Bytes::from_static(b"three"));
        assert_eq!(client.try_write_buf(&mut chain).unwrap(), 9);
        assert!(!chain.has_remaining());
        assert_eq!(client.write_buf(&mut Bytes::new()).await.unwrap(), 0);
        let mut received = [0; 13];
        server.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, b"one two three");

        fill(&client);
        let mut more = Bytes::from_static(b"more").chain(Bytes::from_static(b"!"));
        while client.try_write_buf(&mut vec![0; 65536].as_slice()).is_ok() {}
        assert_eq!(kind(client.try_write_buf(&mut more)), io::ErrorKind::WouldBlock);
        assert_eq!(more.remaining(), 5);
    });
}

// Goal: a buffer larger than both ends hold, of more pieces than one call takes, arrives whole and
// in order.
#[test]
fn large_buffers_of_many_pieces() {
    run(|| async {
        const PIECES: usize = 100;
        const PIECE: usize = 50_000;
        let (client, server) = pair().await;
        let piece = |n: usize| Bytes::from(vec![n as u8; PIECE]);
        let writer = edgewake::spawn(async move {
            let mut all: Box<dyn Buf + Send> = Box::new(piece(0));
            for n in 1..PIECES {
                all = Box::new(all.chain(piece(n)));
            }
            client.write_all_buf(&mut all).await.unwrap();
        });
        let mut received = BytesMut::with_capacity(PIECES * PIECE);
        while server.read_buf(&mut received).await.unwrap() > 0 {}
        writer.await.unwrap();
        assert_eq!(received.len(), PIECES * PIECE);
        assert!(received.chunks(PIECE).enumerate().all(|(n, chunk)| chunk == &piece(n)[..]));
    });
}

// Goal: a `write_all_buf` that is dropped half way leaves in the buffer what was not sent, so that
// nothing is lost or doubled.
#[test]
fn dropped_write_leaves_the_rest() {
    run(|| async {
        const LENGTH: usize = 16 << 20;
        let (client, server) = pair().await;
        let bytes: Vec<u8> = (0..LENGTH).map(|n| (n / 7) as u8).collect();
        let mut rest = &bytes[..];
        assert!(poll_once(pin!(client.write_all_buf(&mut rest))).is_pending());
        assert!(!rest.is_empty() && rest.len() < LENGTH);
        let writing = async {
            client.write_all_buf(&mut rest).await.unwrap();
            client.shutdown(std::net::Shutdown::Write).unwrap();
        };
        let mut received = Vec::with_capacity(LENGTH);
        let reading = async { while server.read_buf(&mut received).await.unwrap() > 0 {} };
        futures::join!(writing, reading);
        assert!(received == bytes);
    });
}

// Goal: the urgent byte overtakes the stream, is waited for, and the stream around it is whole.
// Method: the reader registers first; a receive that finds none waits and does not touch the data.
#[test]
fn urgent_byte_is_received_apart() {
    if cfg!(not(edgewake_has = "priority")) {
        return;
    }
    run(|| async {
        let (mut client, server) = pair().await;
        let mut byte = [0];
        assert_eq!(kind(server.try_recv_oob(&mut byte)), io::ErrorKind::WouldBlock);
        {
            let mut urgent = pin!(server.recv_oob(&mut byte));
            assert!(poll_once(urgent.as_mut()).is_pending());
            client.write_all(b"abc").await.unwrap();
            turn().await;
            assert!(poll_once(urgent.as_mut()).is_pending());
            assert_eq!(client.send_oob(b"!").await.unwrap(), 1);
            client.write_all(b"def").await.unwrap();
            assert_eq!(urgent.await.unwrap(), 1);
        }
        assert_eq!(&byte, b"!");
        let mut bytes = [0; 6];
        (&server).read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"abcdef");
        assert_eq!(kind(server.try_recv_oob(&mut byte)), io::ErrorKind::WouldBlock);
    });
}

// T14. Goal: waiting for urgent data alone does not make a reader think that it is registered, and
// the urgent byte stays reported until it is taken. Method: on a stream of this library's making,
// and on one that was taken over, which registers exactly what is asked for.
#[test]
fn t14_urgent_data_and_data_are_apart() {
    if cfg!(not(edgewake_has = "priority")) {
        return;
    }
    run(|| async {
        for own in [true, false] {
            let (mut client, mut server) = pair().await;
            if !own {
                server = TcpStream::from_std(server.into_std().unwrap()).unwrap();
            }
            assert!(poll_once(pin!(server.ready(Interest::PRIORITY))).is_pending());
            // A reader beside it registers for itself.
            let mut bytes = [0; 4];
            assert!(poll_once(pin!(server.readable())).is_pending());
            assert!(poll_once(pin!((&server).read(&mut bytes))).is_pending());
            client.write_all(b"data").await.unwrap();
            server.readable().await.unwrap();
            (&server).read_exact(&mut bytes).await.unwrap();

            client.send_oob(b"!").await.unwrap();
            for _ in 0..2 {
                let readiness = server.ready(Interest::PRIORITY).await.unwrap();
                assert!(readiness.is_priority() && !readiness.is_readable());
            }
            assert_eq!(server.recv_oob(&mut bytes).await.unwrap(), 1);
            assert!(poll_once(pin!(server.ready(Interest::PRIORITY))).is_pending());
            client.write_all(b"more").await.unwrap();
            (&server).read_exact(&mut bytes).await.unwrap();
            assert_eq!(&bytes, b"more");
        }
    });
}

// T1. Goal: a stream whose first wait is for both directions is told of urgent data like any other,
// so that a read which stops at the mark is not taken for the last.
#[test]
fn t01_waiting_for_both_directions_registers_for_urgent_data() {
    run(|| async {
        let (mut client, server) = pair().await;
        let both = Interest::READABLE | Interest::WRITABLE;
        server.ready(both).await.unwrap();
        client.write_all(b"abc").await.unwrap();
        client.send_oob(b"!").await.unwrap();
        client.write_all(b"def").await.unwrap();
        turn().await;
        let mut received = Vec::new();
        while received.len() < 6 {
            let mut bytes = [0; 64];
            let count = (&server).read(&mut bytes).await.unwrap();
            received.extend_from_slice(&bytes[..count]);
        }
        assert_eq!(received, b"abcdef");
    });
}

// T14. Goal: a receive of urgent data that finds none leaves the readiness to read as it is.
#[test]
fn t14_failed_urgent_receive_leaves_readability() {
    run(|| async {
        let (mut client, server) = pair().await;
        assert!(poll_once(pin!(server.readable())).is_pending());
        client.write_all(b"x").await.unwrap();
        server.readable().await.unwrap();
        assert_eq!(kind(server.try_recv_oob(&mut [0])), io::ErrorKind::WouldBlock);
        assert!(poll_once(pin!(server.readable())).is_ready());
        assert_eq!(server.try_read(&mut [0]).unwrap(), 1);
    });
}

// Goal: who waits for urgent data learns that the peer has closed: zero, not a hang; data that was
// not read yet is no reason.
#[test]
fn urgent_wait_ends_with_the_stream() {
    if cfg!(not(edgewake_has = "priority")) {
        return;
    }
    run(|| async {
        let (mut client, mut server) = pair().await;
        let mut byte = [0];
        {
            let mut urgent = pin!(server.recv_oob(&mut byte));
            assert!(poll_once(urgent.as_mut()).is_pending());
            client.write_all(b"end").await.unwrap();
            turn().await;
            assert!(poll_once(urgent.as_mut()).is_pending());
            drop(client);
            assert_eq!(urgent.await.unwrap(), 0);
        }
        assert!(server.ready(Interest::PRIORITY).await.unwrap().is_read_closed());
        let mut received = String::new();
        server.read_to_string(&mut received).await.unwrap();
        assert_eq!(received, "end");
    });
}

// T1, T89. Goal: once an urgent byte was taken, reads stop where it stood, and what is behind is
// found without an edge. Method: take it before anything is registered.
#[test]
fn t89_reads_go_on_behind_the_mark() {
    run(|| async {
        let (mut client, server) = pair().await;
        client.write_all(b"abc").await.unwrap();
        client.send_oob(b"!").await.unwrap();
        client.write_all(b"def").await.unwrap();
        let mut byte = [0];
        while let Err(error) = server.try_recv_oob(&mut byte) {
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
            turn().await;
        }
        assert_eq!(&byte, b"!");
        let mut bytes = [0; 64];
        let mut received = Vec::new();
        while received.len() < 6 {
            server.readable().await.unwrap();
            if let Ok(count) = server.try_read(&mut bytes) {
                received.extend_from_slice(&bytes[..count]);
            }
        }
        assert_eq!(received, b"abcdef");
    });
}

// Goal: in line, the urgent byte is in the stream, and receiving it apart says why that fails.
#[test]
fn urgent_data_in_line() {
    run(|| async {
        let (mut client, mut server) = pair().await;
        server.set_oob_inline(true).unwrap();
        client.write_all(b"abc").await.unwrap();
        client.send_oob(b"!").await.unwrap();
        client.write_all(b"def").await.unwrap();
        let mut bytes = [0; 7];
        server.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"abc!def");
        let error = server.try_recv_oob(&mut bytes).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("SO_OOBINLINE"), "{error}");
    });
}

// Goal: sending urgent data waits for room like any other.
#[test]
fn urgent_send_waits_for_room() {
    run(|| async {
        let (client, server) = pair().await;
        let mut filled = fill(&client);
        let mut send = pin!(client.send_oob(b"!"));
        // The kernel may make room for a byte yet; fill that too.
        if poll_once(send.as_mut()).is_ready() {
            return;
        }
        filled += fill(&client);
        drain(&server, filled).await;
        assert_eq!(send.await.unwrap(), 1);
    });
}
