//! Sending files: ranges, ends, what is no file, and where a call stops. Whether sendfile(2) does
//! it or a buffer is not to be seen from here; copy_faults.rs has the one refuse.

#![cfg(all(feature = "net", feature = "time"))]

#[path = "support/files.rs"]
mod files;
#[path = "support/peer.rs"]
mod peer;
mod support;
#[path = "support/tcp.rs"]
mod tcp;

use std::{
    future::poll_fn,
    io::{self, Read, Seek},
    ops::Bound,
    pin::pin,
    task::Poll,
    thread,
};

use edgewake::{
    io::AsyncReadExt,
    net::{TcpStream, UnixStream},
};
use files::{file_with, sparse};
use peer::pattern;
use tcp::{drain, fill, kind, pair, poll_once, run};

/// What arrives at the other end until the end.
fn read_all(mut stream: TcpStream) -> edgewake::JoinHandle<Vec<u8>> {
    edgewake::spawn(async move {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.expect("a stream that ends in order");
        bytes
    })
}

// Goal: each form of range sends what it says, as far as the file goes, and the file's position is
// neither used nor moved.
#[test]
fn ranges_and_ends() {
    run(|| async {
        let bytes = pattern(1, 10_000);
        let mut file = file_with(&bytes);
        file.seek(io::SeekFrom::Start(77)).unwrap();
        let (stream, other) = pair().await;
        let arriving = read_all(other);
        let mut counts = Vec::new();
        counts.push(stream.send_file(&file, ..).await.unwrap());
        counts.push(stream.send_file(&file, 100..200).await.unwrap());
        counts.push(stream.send_file(&file, ..=9).await.unwrap());
        let after = (Bound::Excluded(9_989), Bound::Unbounded);
        counts.push(stream.send_file(&file, after).await.unwrap());
        // Past its end: what there is.
        counts.push(stream.send_file(&file, 9_999..20_000).await.unwrap());
        counts.push(stream.send_file(&file, 10_000..).await.unwrap());
        counts.push(stream.send_file(&file, 50_000..60_000).await.unwrap());
        // Empty, and the wrong way round.
        counts.push(stream.send_file(&file, 5..5).await.unwrap());
        #[allow(clippy::reversed_empty_ranges, reason = "that is what is tested")]
        counts.push(stream.send_file(&file, 7..5).await.unwrap());
        assert_eq!(counts, [10_000, 100, 10, 10, 1, 0, 0, 0, 0]);
        drop(stream);
        let expected =
            [&bytes[..], &bytes[100..200], &bytes[..10], &bytes[9_990..], &bytes[9_999..]].concat();
        assert!(arriving.await.unwrap() == expected);
        assert_eq!(file.stream_position().unwrap(), 77);
        let (stream, _other) = pair().await;
        assert_eq!(stream.send_file(&file_with(b""), ..).await.unwrap(), 0);
    });
}

// Goal: more than the connection holds arrives whole, whoever sends it: stream, reference, halves.
#[test]
fn everything_that_sends() {
    run(|| async {
        let bytes = pattern(2, 5_000_000);
        let file = file_with(&bytes);
        for index in 0..4 {
            let (mut stream, other) = pair().await;
            let arriving = read_all(other);
            let sent = match index {
                0 => stream.send_file(&file, ..).await.unwrap(),
                1 => TcpStream::split(&mut stream).1.send_file(&file, ..).await.unwrap(),
                2 => {
                    let (read, write) = stream.into_split();
                    let sent = write.send_file(file.try_clone().unwrap(), ..).await.unwrap();
                    stream = read.reunite(write).unwrap();
                    sent
                }
                _ => {
                    let (from, to) = UnixStream::pair().unwrap();
                    let sending = async {
                        let sent = from.send_file(&file, ..).await.unwrap();
                        drop(from);
                        sent
                    };
                    let mut to = &to;
                    let passing_on = edgewake::io::copy(&mut to, &mut stream);
                    let (sent, passed_on) = futures::join!(sending, passing_on);
                    assert_eq!(passed_on.unwrap(), sent);
                    sent
                }
            };
            assert_eq!(sent, 5_000_000);
            drop(stream);
            assert!(arriving.await.unwrap() == bytes, "{index}");
        }
    });
}

// Goal: the range says at any moment what is still to be sent, so a dropped wait loses nothing.
// Method: a wait that is dropped each time the connection is full, before the peer reads on.
#[test]
fn range_is_in_the_callers_hand() {
    run(|| async {
        let bytes = pattern(3, 8_000_000);
        let file = file_with(&bytes);
        let (stream, mut other) = pair().await;
        let (mut range, mut arrived) = (0..8_000_000, Vec::new());
        while !range.is_empty() {
            loop {
                let before = range.start;
                let sending = poll_fn(|cx| stream.poll_send_file(cx, &file, &mut range));
                let outcome = poll_once(pin!(sending));
                if outcome.is_pending() && before == range.start {
                    break;
                }
                if range.is_empty() {
                    break;
                }
            }
            let outstanding = range.start as usize - arrived.len();
            let mut piece = vec![0; outstanding];
            other.read_exact(&mut piece).await.unwrap();
            arrived.extend_from_slice(&piece);
        }
        assert!(arrived == bytes);
    });
}

// Goal: a call without room says so, once there is room it goes on, and none sends more than it
// was asked for or than a mebibyte.
#[test]
fn attempts() {
    run(|| async {
        let file = sparse(64 << 20);
        let (stream, other) = pair().await;
        assert_eq!(stream.try_send_file(&file, 0, 0).unwrap(), 0);
        assert_eq!(stream.try_send_file(&file, 64 << 20, 10).unwrap(), 0);
        assert_eq!(stream.try_send_file(&file, 17, 10).unwrap(), 10);
        let mut filled = 10;
        loop {
            match stream.try_send_file(&file, 0, usize::MAX) {
                Ok(count) => {
                    assert!((1..=1 << 20).contains(&count));
                    filled += count;
                }
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                    break;
                }
            }
        }
        assert!(poll_once(pin!(stream.writable())).is_pending());
        drain(&other, filled).await;
        stream.writable().await.unwrap();
        assert_eq!(stream.try_send_file(&file, 17, 10).unwrap(), 10);
    });
}

// Goal: what is no file is told apart from a connection that is full: an error, and the
// connection's readiness stays.
#[test]
fn what_is_no_file() {
    run(|| async {
        let file = file_with(b"good");
        let (stream, other) = pair().await;
        let (pipe, _writer) = edgewake_sys::pipe::pipe().unwrap();
        let (socket, _peer) = UnixStream::pair().unwrap();
        assert_eq!(kind(stream.send_file(&pipe, ..).await), io::ErrorKind::InvalidInput);
        assert_eq!(kind(stream.send_file(&socket, ..).await), io::ErrorKind::InvalidInput);
        let folder = std::fs::File::open(std::env::temp_dir()).unwrap();
        // Some BSDs read folders.
        if cfg!(target_os = "linux") {
            assert_eq!(kind(stream.send_file(&folder, ..).await), io::ErrorKind::IsADirectory);
        }
        assert_eq!(stream.try_send_file(&file, 0, 4).unwrap(), 4);
        drain(&other, 4).await;
        // A broken connection is an error of the kind that sending has.
        let full = fill(&stream);
        assert!(full > 0);
        drop(other);
        let broken = loop {
            match stream.send_file(&file, ..).await {
                Ok(_) => {}
                Err(error) => break error.kind(),
            }
        };
        assert!(
            [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset].contains(&broken),
            "{broken:?}"
        );
    });
}

// Goal: a device that never has to be waited for is a file, also when the socket is full, which
// sendfile(2) says with the error that it has for a device that must be waited for.
#[test]
fn a_device_that_never_waits() {
    run(|| async {
        const LENGTH: u64 = 32 << 20;
        let zeros = std::fs::File::open("/dev/zero").unwrap();
        let (stream, peer) = peer::pair().await;
        let reading = thread::spawn(move || read_zeros(peer));
        assert_eq!(stream.send_file(&zeros, 0..LENGTH).await.unwrap(), LENGTH);
        drop(stream);
        assert_eq!(reading.join().unwrap(), LENGTH);
    });
}

/// Reads to the end, on a thread of its own, how many zeros there are.
fn read_zeros(mut peer: std::net::TcpStream) -> u64 {
    let (zeros, mut room, mut count) = (vec![0; 1 << 20], vec![1; 1 << 20], 0);
    loop {
        match peer.read(&mut room).expect("a stream that ends in order") {
            0 => return count,
            more => {
                assert!(room[..more] == zeros[..more], "something else than zeros");
                count += more as u64;
            }
        }
    }
}

// T58. Goal: a large file that never has to wait leaves others their turn: within one poll of its
// task it stops, after so many bytes, although the socket has room.
#[test]
fn t58_large_file_yields() {
    run(|| async {
        const PIECE: u64 = 64 * 1024;
        let file = sparse(64 << 20);
        // What is sent over a Unix socket has arrived.
        let (stream, peer) = UnixStream::pair().unwrap();
        let mut range = 0..64 << 20;
        // Nothing is awaited from here on: it is one poll of this task.
        let stopped_at = loop {
            let mut piece = range.start..range.start + PIECE;
            let sending = poll_fn(|cx| stream.poll_send_file(cx, &file, &mut piece));
            let Poll::Ready(count) = poll_once(pin!(sending)) else { break range.start };
            range.start += count.unwrap() as u64;
            empty(&peer);
            assert!(range.start < 4 << 20, "it has moved too much");
        };
        assert!(stopped_at >= PIECE, "{stopped_at} bytes");
        assert_eq!(stream.try_send_file(&file, stopped_at, 1).unwrap(), 1);
    });
}

/// Takes everything that has arrived.
fn empty(stream: &UnixStream) {
    let mut room = vec![0; 64 * 1024];
    while stream.try_read(&mut room).is_ok() {}
}
