//! `io::copy`: one direction, between any reader and any writer, by every method.

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
    cell::Cell,
    future::poll_fn,
    io,
    pin::{Pin, pin},
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering},
    task::{Context, Poll},
};

use driven::Driven;
use edgewake::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufWriter, CopyMethod, CopyOptions},
    net::{TcpStream, UnixStream},
};
use peer::pattern;
use support::assert_send;
use tcp::{kind, pair, poll_once, run};

const METHODS: [CopyMethod; 3] = [CopyMethod::Auto, CopyMethod::Buffer, CopyMethod::Splice];

/// Writes `bytes` and closes, in a task of its own.
fn write_all(
    mut to: impl AsyncWrite + Unpin + Send + 'static,
    bytes: &[u8],
) -> edgewake::JoinHandle<()> {
    let bytes = bytes.to_vec();
    edgewake::spawn(async move {
        to.write_all(&bytes).await.expect("a reader");
        to.close().await.expect("a reader");
    })
}

/// Reads to the end, in a task of its own.
fn read_all(mut from: impl AsyncRead + Unpin + Send + 'static) -> edgewake::JoinHandle<Vec<u8>> {
    edgewake::spawn(async move {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).await.expect("a stream that ends in order");
        bytes
    })
}

// Goal: every byte arrives, once and in order, whatever moves it, and the count is right. Method:
// more than all buffers hold, between each two kinds of sockets.
#[test]
fn everything_arrives() {
    run(|| async {
        let sent = pattern(1, 3_000_000);
        for method in METHODS {
            let (tcp_in, mut from_tcp) = pair().await;
            let (mut to_unix, unix_out) = UnixStream::pair().unwrap();
            let (unix_in, mut from_unix) = UnixStream::pair().unwrap();
            let (mut to_tcp, tcp_out) = pair().await;
            let tasks = [write_all(tcp_in, &sent), write_all(unix_in, &sent)];
            let arriving = [read_all(unix_out), read_all(tcp_out)];
            let options = CopyOptions::new().method(method);
            let (first, second) = futures::join!(
                async {
                    let count = options.copy(&mut from_tcp, &mut to_unix).await.unwrap();
                    to_unix.close().await.unwrap();
                    count
                },
                async {
                    let count = options.copy(&mut from_unix, &mut to_tcp).await.unwrap();
                    to_tcp.close().await.unwrap();
                    count
                }
            );
            assert_eq!((first, second), (3_000_000, 3_000_000), "{method:?}");
            for task in tasks {
                task.await.unwrap();
            }
            for arrived in arriving {
                assert!(arrived.await.unwrap() == sent, "{method:?}");
            }
        }
    });
}

// Goal: halves and references are ends as good as the streams. Method: each combination echoes.
#[test]
fn halves_and_references() {
    async fn echo(index: usize, mut stream: TcpStream, options: CopyOptions<'_>) -> u64 {
        match index {
            0 => {
                let (mut read, mut write) = TcpStream::split(&mut stream);
                options.copy(&mut read, &mut write).await.unwrap()
            }
            1 => {
                let (mut read, mut write) = stream.into_split();
                options.copy(&mut read, &mut write).await.unwrap()
            }
            2 => options.copy(&mut &stream, &mut &stream).await.unwrap(),
            3 => {
                let (mut read, mut write) = TcpStream::split(&mut stream);
                options.copy(&mut &mut read, &mut &mut write).await.unwrap()
            }
            _ => {
                // Objects are looked at as what they say they are.
                let (read, write) = stream.into_split();
                let mut read: Box<dyn AsyncRead + Send + Unpin> = Box::new(read);
                let mut write: Box<dyn AsyncWrite + Send + Unpin> = Box::new(write);
                options.copy(&mut *read, &mut *write).await.unwrap()
            }
        }
    }
    run(|| async {
        let sent = pattern(2, 300_000);
        for method in METHODS {
            for index in 0..5 {
                let (client, server) = pair().await;
                let (read, write) = client.into_split();
                let (writing, reading) = (write_all(write, &sent), read_all(read));
                let echoing = edgewake::spawn(async move {
                    echo(index, server, CopyOptions::new().method(method)).await
                });
                writing.await.unwrap();
                assert_eq!(echoing.await.unwrap(), 300_000);
                assert!(reading.await.unwrap() == sent, "{method:?} {index}");
            }
        }
    });
}

// Goal: what a writer keeps back does not wait for the reader's next word, nor for its end.
#[test]
fn buffered_writer_is_flushed() {
    run(|| async {
        let (from, mut from_here) = UnixStream::pair().unwrap();
        let (to, mut arrived) = UnixStream::pair().unwrap();
        from_here.write_all(b"so far").await.unwrap();
        let copying = edgewake::spawn(async move {
            edgewake::io::copy(&mut &from, &mut BufWriter::with_capacity(4096, &to)).await.unwrap()
        });
        let mut bytes = [0; 6];
        arrived.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"so far");
        from_here.write_all(b", and the end").await.unwrap();
        from_here.close().await.unwrap();
        let mut rest = String::new();
        arrived.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, ", and the end");
        assert_eq!(copying.await.unwrap(), 19);
    });
}

// Goal: the counter says what is written, not what is read. Method: the writer's peer takes
// nothing, so the counter stops where its buffers are full.
#[test]
fn counter_counts_what_is_written() {
    run(|| async {
        for method in METHODS {
            let (mut from_here, mut from) = pair().await;
            let (mut to, to_here) = UnixStream::pair().unwrap();
            unix::fill(&to);
            // What is too little for a large piece may be enough for a small one.
            while to.try_write(b"x").is_ok() {}
            let counter = AtomicU64::new(0);
            let options = CopyOptions::new().method(method).count_into(&counter);
            let mut copying = Box::pin(options.copy(&mut from, &mut to));
            from_here.write_all(b"in hand").await.unwrap();
            for _ in 0..20 {
                assert!(poll_once(copying.as_mut()).is_pending());
                tcp::turn().await;
            }
            assert_eq!(counter.load(Ordering::SeqCst), 0);
            from_here.close().await.unwrap();
            let reading = read_all(to_here);
            assert_eq!(copying.as_mut().await.unwrap(), 7);
            drop(copying);
            assert_eq!(counter.load(Ordering::SeqCst), 7);
            to.close().await.unwrap();
            assert!(reading.await.unwrap().ends_with(b"in hand"));
        }
    });
}

/// Gives what its closure gives, and counts nothing.
struct Reader<F>(F);

impl<F: FnMut(&mut [u8]) -> io::Result<usize> + Unpin> AsyncRead for Reader<F> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready((self.0)(buffer))
    }
}

/// Takes at most one byte at a time, and nothing after `room` of them.
struct Narrow {
    taken: Vec<u8>,
    room: usize,
}

impl AsyncWrite for Narrow {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let count = bytes.len().min(1).min(self.room - self.taken.len());
        self.taken.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

// Goal: a writer that takes little gets all, one that takes nothing more ends the copy.
#[test]
fn narrow_writer() {
    run(|| async {
        let mut narrow = Narrow { taken: Vec::new(), room: 1000 };
        let bytes = pattern(3, 1000);
        assert_eq!(edgewake::io::copy(&mut &bytes[..], &mut narrow).await.unwrap(), 1000);
        assert_eq!(narrow.taken, bytes);
        let full = edgewake::io::copy(&mut &bytes[..1], &mut narrow).await;
        assert_eq!(kind(full), io::ErrorKind::WriteZero);
    });
}

// Goal: a read error ends the copy; the size of the buffer is what was asked for, and at least one.
#[test]
fn errors_and_sizes() {
    run(|| async {
        for (asked, size) in [(0, 1), (1, 1), (1234, 1234), (1 << 20, 1 << 20)] {
            let mut reads = 0;
            let mut reader = Reader(|buffer: &mut [u8]| {
                assert_eq!(buffer.len(), size);
                reads += 1;
                if reads < 3 { Ok(1) } else { Err(io::ErrorKind::ConnectionReset.into()) }
            });
            let counter = AtomicU64::new(0);
            let options = CopyOptions::new().buffer_size(asked).count_into(&counter);
            let outcome = options.copy(&mut reader, &mut Vec::new()).await;
            assert_eq!(kind(outcome), io::ErrorKind::ConnectionReset);
            assert_eq!(counter.load(Ordering::SeqCst), 2);
        }
        // By default 64 KiB.
        let mut reader = Reader(|buffer: &mut [u8]| {
            assert_eq!(buffer.len(), 64 * 1024);
            Ok(0)
        });
        assert_eq!(edgewake::io::copy(&mut reader, &mut Vec::new()).await.unwrap(), 0);
    });
}

// T58. Goal: a copy that never has to wait lets other tasks run, and so does one of large pieces.
// Method: an endless reader, and a task that counts its turns.
#[test]
fn t58_endless_copy_yields() {
    run(|| async {
        for size in [1, 1 << 20] {
            let turns = Rc::new(Cell::new(0));
            let counting = Rc::clone(&turns);
            edgewake::spawn_local(async move {
                while counting.get() < 10 {
                    counting.set(counting.get() + 1);
                    edgewake::yield_now().await;
                }
            });
            let seen = Rc::clone(&turns);
            let mut endless =
                Reader(move |buffer: &mut [u8]| Ok(if seen.get() < 10 { buffer.len() } else { 0 }));
            let options = CopyOptions::new().buffer_size(size);
            let count = options.copy(&mut endless, &mut edgewake::io::sink()).await.unwrap();
            assert!(count > 0);
            assert_eq!(turns.get(), 10);
            // One large piece uses up a budget, which has operations for many small ones.
            assert!(size == 1 || count <= 32 * size as u64, "{count} bytes in ten turns");
        }
    });
}

// Goal: a copy that waits rests, whichever side it waits for, and goes on when that is ready.
#[test]
fn waiting_rests() {
    support::deadline(|| {
        for method in METHODS {
            let mut driven = Driven::new();
            let (mut from_here, mut from) = driven.block_on(pair());
            let (mut to, to_here) = driven.block_on(pair());
            let moved = Rc::new(AtomicU64::new(0));
            let counter = Rc::clone(&moved);
            let copying = driven.spawn(async move {
                let options = CopyOptions::new().method(method).count_into(&counter);
                options.copy(&mut from, &mut to).await
            });
            driven.rest();
            driven.block_on(async {
                from_here.write_all(b"a word").await.unwrap();
            });
            driven.rest();
            assert_eq!(moved.load(Ordering::SeqCst), 6);
            // Nobody reads: the copy stops with bytes in hand.
            let mut sent = 6;
            let bytes = pattern(4, 64 * 1024);
            loop {
                match from_here.try_write(&bytes) {
                    Ok(count) => sent += count as u64,
                    Err(_) => {
                        let before = moved.load(Ordering::SeqCst);
                        driven.rest();
                        if before == moved.load(Ordering::SeqCst) && before > 6 {
                            break;
                        }
                    }
                }
            }
            assert!(moved.load(Ordering::SeqCst) < sent);
            driven.block_on(async { from_here.close().await }).unwrap();
            let reading = driven.spawn(async move {
                let mut arrived = Vec::new();
                (&to_here).read_to_end(&mut arrived).await.unwrap();
                arrived.len() as u64
            });
            assert_eq!(driven.finish(copying).unwrap(), sent);
            assert_eq!(driven.finish(reading), sent);
        }
    });
}

// Goal: dropping a copy that has nothing in hand loses nothing, and another one goes on.
#[test]
fn cancelled_while_waiting() {
    run(|| async {
        for method in METHODS {
            let (mut from_here, mut from) = pair().await;
            let (mut to, mut to_here) = pair().await;
            let options = CopyOptions::new().method(method);
            for round in 0..3_u8 {
                from_here.write_all(&[round; 10]).await.unwrap();
                let mut copying = pin!(options.copy(&mut from, &mut to));
                let mut arrived = [0; 10];
                let mut reading = pin!(to_here.read_exact(&mut arrived));
                poll_fn(|cx| {
                    assert!(copying.as_mut().poll(cx).is_pending());
                    reading.as_mut().poll(cx)
                })
                .await
                .unwrap();
                assert_eq!(arrived, [round; 10]);
            }
        }
    });
}

// Goal: the futures go where the streams go.
#[test]
fn futures_are_send() {
    fn of<F: Send>(_: F) {}
    run(|| async {
        let (mut a, mut b) = pair().await;
        of(edgewake::io::copy(&mut a, &mut b));
        of(edgewake::io::copy_bidirectional(&mut a, &mut b));
        of(CopyOptions::new().copy(&mut a, &mut b));
        assert_send::<CopyOptions<'_>>();
    });
}
