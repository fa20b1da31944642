//! What could go wrong where a copy moves bytes by splice: full writers, marks and messages in the
//! stream, pipes as ends, random stalls. By every method: on systems without splice these are
//! tests of the buffer.

#![cfg(all(feature = "net", feature = "time"))]

#[path = "support/driven.rs"]
mod driven;
#[path = "support/peer.rs"]
mod peer;
mod support;
#[path = "support/tcp.rs"]
mod tcp;
#[path = "support/unix.rs"]
mod unix;

use std::{
    io,
    os::fd::AsFd,
    sync::atomic::{AtomicU64, Ordering},
};

use driven::Driven;
use edgewake::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, CopyMethod, CopyOptions, pipe},
    net::{TcpStream, UnixStream},
    yield_now,
};
use peer::pattern;
use support::deadline;
use tcp::{pair, poll_once, run};
use unix::{fill, take};

const METHODS: [CopyMethod; 3] = [CopyMethod::Auto, CopyMethod::Buffer, CopyMethod::Splice];

/// Reads to the end, in a task of its own.
fn read_all(mut from: impl AsyncRead + Unpin + Send + 'static) -> edgewake::JoinHandle<Vec<u8>> {
    edgewake::spawn(async move {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).await.expect("a stream that ends in order");
        bytes
    })
}

// T87. Goal: a writer without room is told apart from a reader without bytes: the copy rests with
// bytes in hand, goes on when there is room, and then waits for the reader again. Method: the
// writer is full from the start, bytes come in, and the runtime shows who is waited for.
#[test]
fn t87_full_writer_is_not_an_empty_reader() {
    deadline(|| {
        for method in METHODS {
            let mut driven = Driven::new();
            let (from_here, mut from) = driven.block_on(pair());
            let (mut to, to_here) = UnixStream::pair().unwrap();
            let mut filled = fill(&to);
            // What is too little for a large piece may be enough for a small one.
            while to.try_write(b"x").is_ok() {
                filled += 1;
            }
            let moved = std::rc::Rc::new(AtomicU64::new(0));
            let counter = std::rc::Rc::clone(&moved);
            let copying = driven.spawn(async move {
                let options = CopyOptions::new().method(method).count_into(&counter);
                options.copy(&mut from, &mut to).await
            });
            driven.rest();
            assert_eq!(from_here.try_write(b"first").unwrap(), 5);
            driven.rest();
            assert_eq!(from_here.try_write(b"second").unwrap(), 6);
            driven.rest();
            assert_eq!(moved.load(Ordering::SeqCst), 0, "{method:?}");
            driven.block_on(take(&to_here, filled));
            driven.rest();
            assert_eq!(moved.load(Ordering::SeqCst), 11, "{method:?}");
            // The reader is waited for again, and seen.
            assert_eq!(from_here.try_write(b"third").unwrap(), 5);
            driven.rest();
            assert_eq!(moved.load(Ordering::SeqCst), 16, "{method:?}");
            drop(from_here);
            assert_eq!(driven.finish(copying).unwrap(), 16);
            let mut bytes = [0; 16];
            driven.block_on(async { (&to_here).read_exact(&mut bytes).await }).unwrap();
            assert_eq!(&bytes, b"firstsecondthird");
        }
    });
}

/// Everything before and after an urgent byte, which is left where it is, goes through before
/// anything more is sent.
async fn past_the_mark(method: CopyMethod, waits: bool, adopted: bool) {
    let (mut from_here, mut from) = pair().await;
    if adopted {
        from = TcpStream::try_from(std::os::fd::OwnedFd::from(from)).unwrap();
    }
    let (mut to, mut to_here) = pair().await;
    let copying = edgewake::spawn(async move {
        CopyOptions::new().method(method).copy(&mut from, &mut to).await.map(|count| (count, to))
    });
    for _ in 0..3 {
        if waits {
            tcp::turn().await;
        }
        from_here.write_all(b"before").await.unwrap();
        from_here.send_oob(b"!").await.unwrap();
        if waits {
            tcp::turn().await;
            tcp::turn().await;
        }
        from_here.write_all(b"after.").await.unwrap();
        let mut arrived = [0; 12];
        to_here.read_exact(&mut arrived).await.unwrap();
        let text = String::from_utf8_lossy(&arrived);
        assert_eq!(text, "beforeafter.", "{method:?}, {waits}, {adopted}");
    }
    from_here.close().await.unwrap();
    assert_eq!(copying.await.unwrap().unwrap().0, 36);
}

// Goal: what stands behind a TCP urgent mark is neither waited for in vain nor taken for the end.
// Method: a splice from there is EAGAIN for ever, or zero once the end is behind it (measured on
// Linux 6.18); the bytes come all at once, or one by one while the copy waits.
#[test]
fn bytes_behind_an_urgent_mark() {
    for method in METHODS {
        for (waits, adopted) in [(false, false), (true, false), (false, true), (true, true)] {
            run(move || past_the_mark(method, waits, adopted));
        }
    }
}

// Goal: the same where all of it, the end too, is there before the copy begins.
#[test]
fn mark_and_end_are_there_before_the_first_wait() {
    run(|| async {
        for method in METHODS {
            let (from_here, mut from) = pair().await;
            (&from_here).write_all(b"before").await.unwrap();
            from_here.send_oob(b"!").await.unwrap();
            (&from_here).write_all(b"after.").await.unwrap();
            drop(from_here);
            from.closed().await.unwrap();
            let mut arrived = Vec::new();
            let (mut to, mut to_here) = UnixStream::pair().unwrap();
            let options = CopyOptions::new().method(method);
            assert_eq!(options.copy(&mut from, &mut to).await.unwrap(), 12, "{method:?}");
            drop(to);
            to_here.read_to_end(&mut arrived).await.unwrap();
            assert_eq!(arrived, b"beforeafter.", "{method:?}");
        }
    });
}

// Goal: descriptors that are attached to a Unix stream's bytes stop nothing; they are closed.
#[test]
fn bytes_with_descriptors() {
    run(|| async {
        for method in METHODS {
            let (here, mut from) = UnixStream::pair().unwrap();
            let (mut to, to_here) = UnixStream::pair().unwrap();
            let arriving = read_all(to_here);
            let copying = edgewake::spawn(async move {
                CopyOptions::new().method(method).copy(&mut from, &mut to).await
            });
            for _ in 0..50 {
                (&here).write_all(b"plain ").await.unwrap();
                here.send_with_fds(b"marked ", &[here.as_fd()]).await.unwrap();
                (&here).write_all(b"plain;").await.unwrap();
                yield_now().await;
            }
            drop(here);
            assert_eq!(copying.await.unwrap().unwrap(), 50 * 19);
            assert_eq!(arriving.await.unwrap(), b"plain marked plain;".repeat(50));
        }
    });
}

/// Copies from one end to the other, with a task that writes into the first and one that reads
/// what comes out of the second.
async fn through(
    method: CopyMethod,
    mut source: impl AsyncWrite + Unpin + Send + 'static,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    out: impl AsyncRead + Unpin + Send + 'static,
) {
    let sent = pattern(5, 2_000_000);
    let expected = sent.clone();
    let writing = edgewake::spawn(async move {
        source.write_all(&sent).await.unwrap();
        source.close().await.unwrap();
    });
    let arriving = read_all(out);
    let options = CopyOptions::new().method(method);
    assert_eq!(options.copy(&mut from, &mut to).await.unwrap(), 2_000_000, "{method:?}");
    to.close().await.unwrap();
    writing.await.unwrap();
    assert!(arriving.await.unwrap() == expected, "{method:?}");
}

// Goal: pipes are ends as good as sockets.
#[test]
fn pipes_as_ends() {
    run(|| async {
        for method in METHODS {
            let (sender, receiver) = pipe::pipe().unwrap();
            let (to, out) = pair().await;
            through(method, sender, receiver, to, out).await;
            let (sender, receiver) = pipe::pipe().unwrap();
            let (source, from) = pair().await;
            through(method, source, from, sender, receiver).await;
            let (source, from) = pipe::pipe().unwrap();
            let (sender, receiver) = pipe::pipe().unwrap();
            through(method, source, &from, &mut { sender }, receiver).await;
            let (source, from) = UnixStream::pair().unwrap();
            let (sender, receiver) = pipe::pipe().unwrap();
            through(method, source, from, sender, receiver).await;
        }
    });
}

// Goal: the end of a pipe's reader ends a copy into it, also where that one waits for room.
#[test]
fn reader_of_a_pipe_goes() {
    run(|| async {
        for method in METHODS {
            for full in [false, true] {
                let (here, mut from) = pair().await;
                let (mut sender, receiver) = pipe::pipe().unwrap();
                if full {
                    while sender.try_write(&[0; 4096]).is_ok() {}
                }
                (&here).write_all(b"for nobody").await.unwrap();
                let options = CopyOptions::new().method(method);
                let mut copying = Box::pin(options.copy(&mut from, &mut sender));
                for _ in 0..10 {
                    assert!(poll_once(copying.as_mut()).is_pending());
                    tcp::turn().await;
                }
                drop(receiver);
                // Only who writes learns of it.
                (&here).write_all(b"more").await.unwrap();
                let outcome = copying.await;
                assert_eq!(tcp::kind(outcome), io::ErrorKind::BrokenPipe, "{method:?}, {full}");
            }
        }
    });
}

/// A small generator of numbers, the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }

    /// Small ones as often as large ones.
    fn size(&mut self) -> usize {
        let most = 1 << self.below(18);
        1 + self.below(most)
    }
}

/// Writes `bytes` in pieces of random sizes, with random stalls, and shuts down.
async fn write_in_pieces(mut to: impl AsyncWrite + Unpin, bytes: &[u8], mut random: Random) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(random.size().min(rest.len()));
        to.write_all(piece).await.unwrap();
        rest = behind;
        for _ in 0..random.below(8) {
            yield_now().await;
        }
    }
    to.close().await.unwrap();
}

/// Reads in pieces of random sizes, with random stalls, and checks each.
async fn read_in_pieces(mut from: impl AsyncRead + Unpin, expected: &[u8], mut random: Random) {
    let mut room = vec![0; 1 << 18];
    let mut arrived = 0;
    loop {
        let size = random.size();
        let count = from.read(&mut room[..size]).await.unwrap();
        if count == 0 {
            break;
        }
        assert!(room[..count] == expected[arrived..arrived + count], "wrong from {arrived} on");
        arrived += count;
        for _ in 0..random.below(8) {
            yield_now().await;
        }
    }
    assert_eq!(arrived, expected.len());
}

// Goal: in both directions at once every byte arrives, once and in order, whatever the sizes and
// the stalls. Method: generated ones, the seed in the message of a failure.
#[test]
fn any_sizes_and_any_stalls() {
    for method in METHODS {
        for seed in 1..=6_u64 {
            run(move || async move {
                let up = pattern(seed, 700_000);
                let down = pattern(seed + 100, 900_000);
                let random = |n: u64| Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (n + 1));
                let (client, mut client_side) = pair().await;
                // Of both kinds, since the way depends on that.
                let options = CopyOptions::new().method(method);
                let talk = |server: TcpStream, unix: Option<UnixStream>| {
                    let (up, down, client) = (&up, &down, &client);
                    async move {
                        let here = futures::future::join(
                            write_in_pieces(client, up, random(1)),
                            read_in_pieces(client, down, random(2)),
                        );
                        match &unix {
                            Some(unix) => {
                                let there = futures::future::join(
                                    write_in_pieces(unix, down, random(3)),
                                    read_in_pieces(unix, up, random(4)),
                                );
                                futures::join!(here, there);
                            }
                            None => {
                                let there = futures::future::join(
                                    write_in_pieces(&server, down, random(3)),
                                    read_in_pieces(&server, up, random(4)),
                                );
                                futures::join!(here, there);
                            }
                        }
                    }
                };
                let (mut server_side, server) = pair().await;
                let counts = if seed % 2 == 0 {
                    let (mut unix_side, unix) = UnixStream::pair().unwrap();
                    let copying = options.copy_bidirectional(&mut client_side, &mut unix_side);
                    futures::join!(copying, talk(server, Some(unix))).0
                } else {
                    let copying = options.copy_bidirectional(&mut client_side, &mut server_side);
                    futures::join!(copying, talk(server, None)).0
                };
                assert_eq!(counts.unwrap(), (700_000, 900_000), "{method:?}, seed {seed}");
            });
        }
    }
}
