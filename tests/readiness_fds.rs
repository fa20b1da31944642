//! Readiness of descriptors that are no TCP sockets, through `AsyncFd`: terminals, pipes, FIFOs,
//! datagrams, counters, other selectors, files.

#![cfg(all(feature = "net", feature = "time"))]

#[path = "support/driven.rs"]
mod driven;
#[path = "support/os.rs"]
mod os;
#[path = "support/peer.rs"]
mod peer;
mod support;

use std::{
    fs::File,
    io::{self, Read, Write},
    net::UdpSocket,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    thread,
};

use edgewake::{AsyncFd, Interest, Readiness, Runtime};
use edgewake_sys::{Selector, Token, fd, pipe, socket};
use futures::{AsyncReadExt, AsyncWriteExt};

use crate::{
    driven::Driven,
    peer::{pattern, until},
    support::{WakeCount, deadline, eventually},
};

/// Runs a future on a runtime of its own, and fails where it would hang.
#[track_caller]
fn run<F: Future<Output = ()>>(future: impl FnOnce() -> F + Send + 'static) {
    deadline(|| Runtime::new().expect("a runtime").block_on(future()));
}

/// A pipe as files: the reading and the writing end, both non-blocking.
fn pipe_files() -> (File, File) {
    let (reader, writer) = pipe::pipe().expect("a pipe");
    (reader.into(), writer.into())
}

fn readable<T: AsFd>(inner: T) -> AsyncFd<T> {
    AsyncFd::with_interest(inner, Interest::READABLE).expect("it can be polled")
}

fn writable<T: AsFd>(inner: T) -> AsyncFd<T> {
    AsyncFd::with_interest(inner, Interest::WRITABLE).expect("it can be polled")
}

/// A UDP socket of the loopback, with a blocking peer that it is connected to.
fn udp_pair() -> (UdpSocket, UdpSocket) {
    let bind = || UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let (ours, peer) = (bind(), bind());
    ours.connect(peer.local_addr().expect("bound")).expect("a loopback address");
    peer.connect(ours.local_addr().expect("bound")).expect("a loopback address");
    (ours, peer)
}

// T1, T3. Goal: both lines of a terminal are read, although each read stops at the end of a
// line, far short of its room, and the kernel gives one edge for both.
#[test]
fn t01_both_lines_of_a_terminal_are_read() {
    run(|| async {
        for waits_first in [true, false] {
            let (mut master, slave) = os::pty();
            let slave = readable(slave);
            let lines = async {
                let mut text = Vec::new();
                let mut room = [0; 1024];
                if waits_first {
                    let guard = slave.readable().await.expect("a driver");
                    assert!(guard.readiness().is_readable());
                }
                while text.len() < 6 {
                    let read = |mut tty: &File| tty.read(&mut room);
                    let count = slave.async_io(Interest::READABLE, read).await.expect("open");
                    text.extend_from_slice(&room[..count]);
                }
                text
            };
            let writes = async { master.write_all(b"aa\nbb\n").expect("room") };
            let (text, ()) = futures::join!(lines, writes);
            assert_eq!(text, b"aa\nbb\n");
        }
    });
}

// T3. Goal: all that a terminal's other end wrote before it hung up is read, in small pieces, and
// then the end. BSD's close waits until the output is read, which one thread cannot do here.
#[cfg(target_os = "linux")]
#[test]
fn t03_a_terminal_is_read_to_its_end_after_the_hang_up() {
    run(|| async {
        let (master, mut slave) = os::pty();
        let mut master = readable(master);
        slave.write_all(&[b'x'; 3000]).expect("room");
        drop(slave);
        let mut count = 0;
        let mut room = [0; 100];
        // The end is EIO on Linux.
        while let Ok(received @ 1..) = master.read(&mut room).await {
            count += received;
        }
        assert_eq!(count, 3000);
    });
}

// T4. Goal: a pipe's writer waits while there is no page free, however many bytes were read, does
// not spin meanwhile, and gets everything across exactly.
#[test]
fn t04_a_pipe_writer_waits_for_a_page() {
    deadline(|| {
        let mut driven = Driven::new();
        let (mut reader, writer) = pipe_files();
        let bytes = pattern(4, 500_000);
        let mut writer = driven.block_on(async { writable(writer) });
        let task = {
            let bytes = bytes.clone();
            driven.spawn(async move { writer.write_all(&bytes).await })
        };
        driven.rest();
        let mut received = vec![0; 100];
        reader.read_exact(&mut received).expect("the pipe is full");
        driven.rest();
        assert!(!task.is_finished());
        let (end, ended) = std::sync::mpsc::channel();
        let slow = thread::spawn(move || {
            fd::set_nonblocking(reader.as_fd(), false).expect("open");
            let mut room = vec![0; 9000];
            for odd in [4196, 1, 9000, 77].into_iter().cycle() {
                match reader.read(&mut room[..odd]).expect("a pipe") {
                    0 => break,
                    count => received.extend_from_slice(&room[..count]),
                }
            }
            end.send(received).expect("the test waits");
        });
        driven.finish(task).expect("the reader reads");
        assert!(ended.recv().expect("no panic") == bytes);
        slow.join().expect("no panic");
    });
}

// T4. Goal: the same for a Unix stream, both ways at once.
#[test]
fn t04_unix_streams_echo_exactly() {
    run(|| async {
        let (ours, peer) = UnixStream::pair().expect("a pair");
        let ours = AsyncFd::new(ours).expect("it can be polled");
        let echo = thread::spawn(move || {
            let mut peer = peer;
            let mut room = [0; 30_001];
            loop {
                match peer.read(&mut room).expect("no reset") {
                    0 => return,
                    count => peer.write_all(&room[..count]).expect("it reads"),
                }
            }
        });
        let bytes = pattern(5, 1_000_003);
        let mut back = vec![0; bytes.len()];
        let (mut reader, mut writer) = (&ours, &ours);
        let both = futures::join!(writer.write_all(&bytes), reader.read_exact(&mut back));
        both.0.expect("written");
        both.1.expect("read");
        assert!(back == bytes);
        drop(ours);
        echo.join().expect("no panic");
    });
}

// T8. Goal: the writer of a full pipe learns that its reader has gone, for which some kernels
// report an error alone, some an event on reading (T36); it gets an error and no signal here.
#[test]
fn t08_the_writer_of_a_full_pipe_learns_of_the_readers_end() {
    run(|| async {
        let (reader, writer) = pipe_files();
        let mut writer = writable(writer);
        while writer.get_ref().write(&[0; 4096]).is_ok() {}
        let writes = async { writer.write_all(b"one more").await };
        let ends = async { drop(reader) };
        let (outcome, ()) = futures::join!(writes, ends);
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    });
}

// T8. Goal: a pipe's reader learns that its writer has gone, with nothing to read and with
// something, and that is no data that it could wait for.
#[test]
fn t08_the_reader_of_a_pipe_learns_of_the_writers_end() {
    run(|| async {
        for left in [&b""[..], b"rest"] {
            let (reader, mut writer) = pipe_files();
            let mut reader = readable(reader);
            let mut text = Vec::new();
            let reads = async { reader.read_to_end(&mut text).await };
            let ends = async {
                writer.write_all(left).expect("room");
                drop(writer);
            };
            let (count, ()) = futures::join!(reads, ends);
            assert_eq!(count.expect("the end"), left.len());
            assert_eq!(text, left);
        }
    });
}

// T88. Goal: a FIFO whose last writer has gone says so, and one that opens it again finds the
// reader waiting: it neither spins on the old hang-up nor misses the new data. (macOS posts no
// event for the end of a named FIFO's last writer, T37.)
#[cfg(not(target_vendor = "apple"))]
#[test]
fn t88_a_fifo_is_read_on_after_it_was_opened_again() {
    use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt};

    deadline(|| {
        let mut driven = Driven::new();
        let path = os::TemporaryPath::fifo("t88");
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(os::O_NONBLOCK);
        let reader = options.open(&path).expect("a FIFO");
        let reader = driven.block_on(async { readable(reader) });
        for round in 0..3 {
            let writer = OpenOptions::new().write(true).open(&path).expect("it has a reader");
            // Nothing there, and a writer is: whatever the last round left behind ends here.
            let count = WakeCount::new();
            let mut room = [0; 64];
            let mut read = Box::pin(reader.async_io(Interest::READABLE, |mut f| f.read(&mut room)));
            driven.block_on(async { assert!(count.poll(&mut read).is_pending()) });
            driven.rest();
            driven.block_on(async { assert!(count.poll(&mut read).is_pending()) });
            (&writer).write_all(b"hello").expect("room");
            assert_eq!(driven.block_on(read).expect("data"), 5, "round {round}");
            drop(writer);
            let read = reader.async_io(Interest::READABLE, |mut f| f.read(&mut room));
            assert_eq!(driven.block_on(read).expect("the end"), 0, "round {round}");
            driven.rest();
        }
    });
}

// T39. Goal: a descriptor that can be read and not written, or the other way round, is registered
// for what it can do; another selector, which on kqueue refuses writing, among them.
#[test]
fn t39_an_interest_that_the_descriptor_can_serve() {
    run(|| async {
        let (reader, mut writer) = pipe_files();
        let selector = Selector::new().expect("a selector");
        selector.register(reader.as_fd(), Token(3), Interest::READABLE).expect("a pipe");
        let nested = readable(selector);
        let count = WakeCount::new();
        let mut wait = Box::pin(nested.readable());
        assert!(count.poll(&mut wait).is_pending());
        writer.write_all(b"x").expect("room");
        wait.await.expect("a driver").clear_ready();
        let writer = writable(writer);
        writer.writable().await.expect("a driver").retain_ready();
        let guard = writer.writable().await.expect("a driver");
        assert_eq!(guard.readiness(), Readiness::WRITABLE);
    });
}

// T11. Goal: an empty interest, with which errors would still be reported for ever, is refused.
#[test]
fn t11_an_empty_interest_is_refused() {
    run(|| async {
        let (reader, _writer) = pipe_files();
        let refused = AsyncFd::try_with_interest(reader, Interest::empty());
        let (reader, error) = refused.expect_err("nothing could ever happen");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        let reader = readable(reader);
        let error = reader.ready(Interest::empty()).await.expect_err("nothing could happen");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    });
}

// T16. Goal: a regular file is refused with a sentence, given back, and leaves nothing behind: the
// same number can be registered as something else. (BSD's kqueue accepts files.)
#[cfg(target_os = "linux")]
#[test]
fn t16_a_regular_file_is_refused_and_given_back() {
    run(|| async {
        let path = os::TemporaryPath::new("t16");
        std::fs::write(&path, b"text").expect("a temporary file");
        for _ in 0..3 {
            let file = File::open(&path).expect("it is there");
            let (file, error) = AsyncFd::try_with_interest(file, Interest::READABLE)
                .expect_err("a file can always be read");
            assert_eq!(error.kind(), io::ErrorKind::Unsupported);
            assert!(error.to_string().contains("cannot be polled"), "{error}");
            let mut text = String::new();
            (&file).read_to_string(&mut text).expect("the file is as it was");
            assert_eq!(text, "text");
            drop(file);
            let (reader, mut writer) = pipe_files();
            let reader = readable(reader);
            writer.write_all(b"x").expect("room");
            drop(reader.readable().await.expect("a driver"));
        }
    });
}

// T9, T63. Goal: the error that an ICMP message leaves on a connected UDP socket, reported without
// readability, wakes readers and writers, in every form of waiting; it is reported once, then the
// socket works on, and the loop rests.
#[test]
fn t09_a_refused_datagram_wakes_everyone_once() {
    deadline(|| {
        let mut driven = Driven::new();
        let (ours, peer) = udp_pair();
        let address = peer.local_addr().expect("bound");
        drop(peer);
        let ours = driven.block_on(async { readable(ours) });
        let counts = [WakeCount::new(), WakeCount::new(), WakeCount::new()];
        let mut room = [0; 64];
        let mut read = Box::pin(ours.async_io(Interest::READABLE, |s| s.recv(&mut room)));
        let mut wait = Box::pin(ours.readable());
        let mut any = Box::pin(ours.ready(Interest::READABLE));
        driven.block_on(async {
            assert!(counts[0].poll(&mut read).is_pending());
            assert!(counts[1].poll(&mut wait).is_pending());
            assert!(counts[2].poll(&mut any).is_pending());
        });
        ours.get_ref().send(b"anybody?").expect("it is sent");
        driven.block_on(until("all are woken", || counts.iter().all(|count| count.wakes() > 0)));
        assert!(driven.block_on(wait).expect("a driver").readiness().is_readable());
        let readiness = driven.block_on(any).expect("a driver").readiness();
        // A kqueue reports it as something to read, which is what the receive will find.
        assert!(readiness.is_error() || cfg!(edgewake_selector = "kqueue"), "{readiness:?}");
        let error = driven.block_on(read).expect_err("the port is closed");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        // T88: the error was one event, and what it left behind goes with the next `WouldBlock`.
        let count = WakeCount::new();
        let mut read = Box::pin(ours.async_io(Interest::READABLE, |s| s.recv(&mut room)));
        driven.block_on(async { assert!(count.poll(&mut read).is_pending()) });
        driven.rest();
        driven.block_on(async { assert!(count.poll(&mut read).is_pending()) });
        driven.rest();
        let peer = UdpSocket::bind(address).expect("the port is free");
        peer.send_to(b"me", ours.get_ref().local_addr().expect("bound")).expect("it is sent");
        assert_eq!(driven.block_on(read).expect("a datagram"), 2);
    });
}

// T62. Goal: a datagram without bytes is one, not the end, and the next one is received.
#[test]
fn t62_an_empty_datagram_is_not_the_end() {
    run(|| async {
        let (ours, peer) = udp_pair();
        let ours = readable(ours);
        let mut room = [7; 8];
        let mut receive = async || ours.async_io(Interest::READABLE, |s| s.recv(&mut room)).await;
        for _ in 0..3 {
            let sends = async {
                peer.send(b"").expect("it is sent");
                peer.send(b"ab").expect("it is sent");
            };
            let (empty, ()) = futures::join!(receive(), sends);
            assert_eq!(empty.expect("a datagram"), 0);
            assert_eq!(receive().await.expect("a datagram"), 2);
        }
        // Nor does a read or write without room or bytes wait, or end, a stream.
        let (ours, mut peer) = UnixStream::pair().expect("a pair");
        let mut ours = AsyncFd::new(ours).expect("it can be polled");
        assert_eq!(ours.write(b"").await.expect("nothing to do"), 0);
        peer.write_all(b"x").expect("room");
        drop(ours.readable().await.expect("a driver"));
        assert_eq!(ours.read(&mut []).await.expect("nothing to do"), 0);
        assert_eq!(ours.read(&mut [0; 2]).await.expect("data"), 1);
    });
}

// T88. Goal: a datagram socket whose reading half is shut reports its end for ever while every
// receive says `WouldBlock` (measured on Linux): the loop rests all the same.
#[cfg(target_os = "linux")]
#[test]
fn t88_a_datagram_socket_shut_for_reading_does_not_spin() {
    deadline(|| {
        let mut driven = Driven::new();
        let (ours, _peer) = udp_pair();
        let ours = driven.block_on(async { AsyncFd::new(ours).expect("it can be polled") });
        socket::shutdown(ours.get_ref().as_fd(), std::net::Shutdown::Read).expect("connected");
        let task = driven.spawn(async move {
            let mut room = [0; 8];
            ours.async_io(Interest::READABLE, |s| s.recv(&mut room)).await
        });
        driven.rest();
        if task.is_finished() {
            // A kernel that says "the end" instead has nothing to spin on.
            assert_eq!(driven.finish(task).expect("the end"), 0);
        }
    });
}

// T69. Goal: an eventfd and a timerfd are woken for, again and again, whether or not their counters
// are read in between.
#[cfg(target_os = "linux")]
#[test]
fn t69_eventfd_and_timerfd() {
    run(|| async {
        let counter = AsyncFd::new(os::eventfd()).expect("it can be polled");
        let mut value = [0; 8];
        for round in 1..=5_u64 {
            let count = WakeCount::new();
            let mut read =
                Box::pin(counter.async_io(Interest::READABLE, |mut f| f.read(&mut value)));
            assert!(count.poll(&mut read).is_pending());
            for _ in 0..round {
                counter.get_ref().write_all(&1_u64.to_ne_bytes()).expect("room");
            }
            assert_eq!(read.await.expect("the counter"), 8);
            assert_eq!(u64::from_ne_bytes(value), round);
        }
        for _ in 0..3 {
            counter.get_ref().write_all(&1_u64.to_ne_bytes()).expect("room");
            drop(counter.readable().await.expect("a driver"));
        }
        let timer = readable(os::timerfd(std::time::Duration::from_millis(3)));
        let read = timer.async_io(Interest::READABLE, |mut f| f.read(&mut value)).await;
        assert_eq!(read.expect("the timer"), 8);
        assert_eq!(u64::from_ne_bytes(value), 1);
    });
}

// T68. Goal: a blocking descriptor that is handed in cannot block the loop.
#[test]
fn t68_a_blocking_descriptor_is_made_non_blocking() {
    run(|| async {
        let (ours, _peer) = UnixStream::pair().expect("a pair");
        assert!(!fd::is_nonblocking(ours.as_fd()).expect("open"));
        let ours = AsyncFd::new(ours).expect("it can be polled");
        assert!(fd::is_nonblocking(ours.get_ref().as_fd()).expect("open"));
        let count = WakeCount::new();
        let mut room = [0; 8];
        let mut read = Box::pin(ours.async_io(Interest::READABLE, |mut s| s.read(&mut room)));
        assert!(count.poll(&mut read).is_pending());
    });
}

// T68. Goal: the same where the descriptor came from elsewhere as a bare `OwnedFd`.
#[test]
fn t68_an_owned_descriptor_waits_without_blocking() {
    run(|| async {
        let (ours, mut peer) = UnixStream::pair().expect("a pair");
        let ours = readable(OwnedFd::from(ours));
        let count = WakeCount::new();
        let mut wait = Box::pin(ours.readable());
        assert!(count.poll(&mut wait).is_pending());
        peer.write_all(b"x").expect("room");
        let mut guard = wait.await.expect("a driver");
        let read = guard.try_io(|ours| socket::recv(ours.get_ref().as_fd(), &mut [0; 8]));
        assert_eq!(read.expect("there is data").expect("no reset"), 1);
        let read = guard.try_io(|ours| socket::recv(ours.get_ref().as_fd(), &mut [0; 8]));
        read.expect_err("there is nothing more");
    });
}

// T18, T21. Goal: data that another thread writes at any moment around the wait is not missed.
// Method: a thousand rounds of write and wait with nothing to order them but the data itself.
#[test]
fn t18_data_written_around_the_wait_is_not_missed() {
    run(|| async {
        let (ours, peer) = UnixStream::pair().expect("a pair");
        let mut ours = AsyncFd::new(ours).expect("it can be polled");
        let ping = thread::spawn(move || {
            let mut peer = peer;
            for round in 0..1000_u32 {
                peer.write_all(&round.to_ne_bytes()).expect("it reads");
                let mut back = [0; 4];
                peer.read_exact(&mut back).expect("it answers");
                assert_eq!(u32::from_ne_bytes(back), round);
            }
        });
        let mut number = [0; 4];
        for _ in 0..1000 {
            ours.read_exact(&mut number).await.expect("it writes");
            ours.write_all(&number).await.expect("room");
        }
        eventually("the other side ends", || ping.is_finished());
        ping.join().expect("no panic");
    });
}
