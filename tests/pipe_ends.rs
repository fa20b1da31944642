//! Anonymous pipes: bytes through them, waiting at both ends, and what each end learns of the
//! other's going.

#[path = "support/driven.rs"]
mod driven;
#[path = "support/pipe.rs"]
mod pipes;
mod support;

use std::{
    io::{self, Read, Write},
    os::fd::{AsFd, OwnedFd},
    pin::pin,
    thread,
};

use edgewake::{
    AsyncFd, Interest, Readiness,
    io::{
        AsyncReadExt, AsyncWriteExt,
        pipe::{self, Receiver, Sender},
    },
};
use edgewake_sys::fd;

use crate::{
    driven::Driven,
    pipes::{empty, fill, kind, pattern, poll_once, run},
    support::{WakeCount, assert_debug, assert_send, assert_sync, assert_unpin, deadline},
};

fn ends() -> (Sender, Receiver) {
    pipe::pipe().expect("a pipe")
}

// Goal: bytes get across, past what the pipe holds, and then the end.
#[test]
fn bytes_and_then_the_end() {
    run(|| async {
        let (mut sender, mut receiver) = ends();
        let bytes = pattern(1_000_003);
        let copy = bytes.clone();
        let writer = edgewake::spawn(async move {
            sender.write_all(&copy).await.expect("it is read");
            sender.flush().await.expect("nothing to do");
        });
        let mut received = Vec::new();
        receiver.read_to_end(&mut received).await.expect("a pipe");
        assert!(received == bytes);
        writer.await.expect("no panic");
        assert_eq!(receiver.read(&mut [0; 8]).await.expect("still the end"), 0);
    });
}

// T4. Goal: room comes by pages: a writer waits although some bytes were read, rests meanwhile,
// gets on by a part of its bytes once a page is free, and all come across exactly.
#[test]
fn t04_a_writer_gets_on_by_pages() {
    deadline(|| {
        let mut driven = Driven::new();
        let (sender, receiver) = ends();
        let filled = fill(&sender);
        let bytes = pattern(100_000);
        let copy = bytes.clone();
        let task = driven.spawn(async move { (&sender).write_all(&copy).await });
        driven.rest();
        let mut received = vec![0; filled];
        assert_eq!(receiver.try_read(&mut received[..100]).expect("a full pipe"), 100);
        driven.rest();
        assert!(!task.is_finished(), "more than a pipe holds has no room in 100 bytes");
        received.truncate(100);
        let reader = driven.spawn(async move {
            let mut odd = [4196, 1, 9000, 77].into_iter().cycle();
            loop {
                let mut room = vec![0; odd.next().expect("an endless row")];
                match (&receiver).read(&mut room).await.expect("a pipe") {
                    0 => return received,
                    count => received.extend_from_slice(&room[..count]),
                }
            }
        });
        driven.finish(task).expect("the reader reads");
        let received = driven.finish(reader);
        assert_eq!(received.len(), filled + bytes.len());
        assert!(received[filled..] == bytes);
    });
}

// T8, T36. Goal: the writer of a full pipe, and one that has room, learn that the reader has gone:
// a write in progress, `writable`, `closed`, each without spinning before.
#[test]
fn t36_a_writer_learns_of_the_readers_end() {
    for full in [true, false] {
        deadline(move || {
            let mut driven = Driven::new();
            let (sender, receiver) = ends();
            if full {
                fill(&sender);
            }
            let sender = std::sync::Arc::new(sender);
            let of_end = sender.clone();
            let closed = driven.spawn(async move { of_end.closed().await });
            let of_room = sender.clone();
            let write = driven.spawn(async move {
                if full { (&*of_room).write_all(b"one more").await } else { of_room.closed().await }
            });
            driven.rest();
            assert!(!closed.is_finished() && !write.is_finished());
            drop(receiver);
            driven.finish(closed).expect("a driver");
            let outcome = driven.finish(write);
            assert_eq!(outcome.is_err(), full);
            driven.block_on(async {
                sender.writable().await.expect("ready to fail");
                assert_eq!(kind(sender.try_write(b"x")), io::ErrorKind::BrokenPipe);
                sender.closed().await.expect("it stays so");
                let ready = sender.ready(Interest::WRITABLE).await.expect("a driver");
                assert!(ready.is_writable(), "{ready:?}");
            });
            driven.rest();
        });
    }
}

// T36. Goal: so does a writer that is registered only when its reader has gone, which the BSDs'
// kqueues refuse: waiting for room or for the end ends, with the pipe full or not.
#[test]
fn t36_a_writer_learns_of_an_end_before_it_waits() {
    for full in [true, false] {
        run(move || async move {
            let widow = || {
                let (sender, receiver) = ends();
                if full {
                    fill(&sender);
                }
                drop(receiver);
                sender
            };
            let sender = widow();
            sender.closed().await.expect("a driver");
            sender.writable().await.expect("ready to fail");
            let sender = widow();
            sender.writable().await.expect("ready to fail");
            assert_eq!(kind(sender.try_write(b"x")), io::ErrorKind::BrokenPipe);
            sender.closed().await.expect("a driver");
            let ready = widow().ready(Interest::WRITABLE).await.expect("a driver");
            assert!(ready.is_writable(), "{ready:?}");
            assert_eq!(kind(widow().write_all(b"x").await), io::ErrorKind::BrokenPipe);
        });
    }
}

// T36. Goal: so does the writing end of a pipe under an `AsyncFd`, of which the library knows
// nothing: the wait ends, and the write says it.
#[test]
fn t36_an_async_fd_learns_of_an_end_before_it_waits() {
    for interest in [Interest::WRITABLE, Interest::WRITABLE | Interest::READABLE] {
        for full in [true, false] {
            run(move || async move {
                let (sender, receiver) = ends();
                if full {
                    fill(&sender);
                }
                drop(receiver);
                let file = std::fs::File::from(OwnedFd::from(sender));
                let writer = AsyncFd::with_interest(file, interest).expect("a driver");
                let ready = writer.writable().await.expect("ready to fail").readiness();
                assert!(ready.is_writable(), "{ready:?}");
                let wrote = writer.async_io(Interest::WRITABLE, |mut file| file.write(b"x")).await;
                assert_eq!(kind(wrote), io::ErrorKind::BrokenPipe);
            });
        }
    }
}

// T8. Goal: a reader that waits learns that the last writer has gone, before it or with data left;
// `closed` says so while the data is still there, and data does not wake it.
#[test]
fn t08_a_reader_learns_of_the_last_writers_end() {
    run(|| async {
        for left in [&b""[..], b"rest"] {
            let (sender, receiver) = ends();
            let other = fd::duplicate(sender.as_fd()).expect("a descriptor");
            let other = Sender::try_from(other).expect("a pipe's end");
            let count = WakeCount::new();
            let mut closed = pin!(receiver.closed());
            assert!(count.poll(&mut closed).is_pending());
            let mut room = [0; 2];
            let mut reader = &receiver;
            let mut read = pin!(reader.read(&mut room));
            assert!(poll_once(read.as_mut()).is_pending());
            assert_eq!(other.try_write(b"ab").expect("room"), 2);
            assert_eq!(read.await.expect("data"), 2);
            assert_eq!(other.try_write(left).expect("room"), left.len());
            drop(sender);
            assert!(count.poll(&mut closed).is_pending(), "there is another writer");
            assert_eq!(count.wakes(), 0, "data is not the end");
            drop(other);
            closed.await.expect("a driver");
            assert_eq!(receiver.available().expect("a pipe"), left.len());
            let mut text = Vec::new();
            assert_eq!((&receiver).read_to_end(&mut text).await.expect("the end"), left.len());
            assert_eq!(text, left);
            receiver.closed().await.expect("it stays so");
        }
    });
}

// T38. Goal: a reader at rest always learns of the end, whenever another thread closes the writer.
#[test]
fn t38_a_close_on_another_thread_ends_every_read() {
    run(|| async {
        let (to_close, closes) = std::sync::mpsc::channel::<(Sender, bool)>();
        let closer = thread::spawn(move || {
            for (sender, writes) in closes {
                if writes {
                    assert_eq!(sender.try_write(b"x").expect("room"), 1);
                }
                drop(sender);
            }
        });
        for round in 0..500 {
            let (sender, mut receiver) = ends();
            let mut room = [0; 8];
            if round % 3 == 0 {
                // At rest before the close rather than around it.
                assert!(poll_once(pin!(receiver.read(&mut room))).is_pending());
            }
            to_close.send((sender, round % 2 == 0)).expect("the thread runs");
            let mut text = Vec::new();
            receiver.read_to_end(&mut text).await.expect("the end");
            assert_eq!(text.len(), usize::from(round % 2 == 0), "round {round}");
        }
        drop(to_close);
        closer.join().expect("no panic");
    });
}

// Goal: closing a sender ends the pipe, as dropping it does: the reader is at the end although the
// sender lives. Closing twice is no error, and writing then is one.
#[test]
fn closing_a_sender_is_the_readers_end() {
    run(|| async {
        let (mut sender, mut receiver) = ends();
        sender.write_all(b"last words").await.expect("room");
        (&sender).close().await.expect("nothing to do");
        sender.write_all(b"!").await.expect("a reference closes nothing");
        let number = std::os::fd::AsRawFd::as_raw_fd(&sender);
        sender.close().await.expect("a descriptor is there");
        assert_eq!(std::os::fd::AsRawFd::as_raw_fd(&sender), number);
        sender.close().await.expect("it is closed already");
        let mut text = String::new();
        receiver.read_to_string(&mut text).await.expect("the end");
        assert_eq!(text, "last words!");
        assert_eq!(kind(sender.write(b"x").await), io::ErrorKind::BrokenPipe);
        sender.closed().await.expect("a driver");
    });
}

// T62. Goal: reads and writes of nothing complete at once, and mean nothing.
#[test]
fn t62_nothing_is_read_and_written_at_once() {
    run(|| async {
        let (mut sender, mut receiver) = ends();
        fill(&sender);
        assert_eq!(sender.write(b"").await.expect("nothing to do"), 0);
        assert_eq!(sender.try_write(b"").expect("nothing to do"), 0);
        empty(&receiver);
        assert_eq!(receiver.read(&mut []).await.expect("nothing to do"), 0);
        assert_eq!(receiver.try_read(&mut []).expect("nothing to do"), 0);
        let mut read = [0; 4];
        assert!(poll_once(pin!(receiver.read(&mut read))).is_pending());
        // Nor are they an end or an error behind the other end's back.
        drop(receiver);
        assert_eq!(sender.write(b"").await.expect("nothing to do"), 0);
    });
}

// T20. Goal: of two tasks that read from one end, and two that write to one, none is forgotten.
#[test]
fn t20_tasks_share_an_end() {
    run(|| async {
        let (sender, receiver) = ends();
        let (first, second) = (WakeCount::new(), WakeCount::new());
        let (mut one, mut two) = ([0; 1], [0; 1]);
        let (mut here, mut there) = (&receiver, &receiver);
        let (mut read, mut also) = (pin!(here.read(&mut one)), pin!(there.read(&mut two)));
        assert!(first.poll(&mut read).is_pending() && second.poll(&mut also).is_pending());
        assert_eq!(sender.try_write(b"ab").expect("room"), 2);
        let (count, other) = futures::join!(read, also);
        assert_eq!(count.expect("data") + other.expect("data"), 2);
        assert!(first.wakes() > 0 && second.wakes() > 0);

        fill(&sender);
        let (mut here, mut there) = (&sender, &sender);
        let (mut write, mut also) = (pin!(here.write(b"c")), pin!(there.write(b"d")));
        assert!(first.poll(&mut write).is_pending() && second.poll(&mut also).is_pending());
        empty(&receiver);
        let (count, other) = futures::join!(write, also);
        assert_eq!(count.expect("room") + other.expect("room"), 2);
    });
}

// Goal: waiting without a transfer, and operations of one's own: what would block clears what was
// known, so that the next wait waits.
#[test]
fn readiness_and_operations_of_ones_own() {
    run(|| async {
        let (sender, receiver) = ends();
        assert!(poll_once(pin!(receiver.readable())).is_pending());
        assert!(
            std::future::poll_fn(|cx| match receiver.poll_read_ready(cx) {
                std::task::Poll::Pending => std::task::Poll::Ready(true),
                ready => ready.map(|_| false),
            })
            .await
        );
        sender.writable().await.expect("an empty pipe");
        assert_eq!(sender.ready(Interest::WRITABLE).await.expect("room"), Readiness::WRITABLE);
        let own = || fd::duplicate(sender.as_fd()).map(std::fs::File::from);
        let own = own().expect("a descriptor");
        let write = || (&own).write(b"mine");
        assert_eq!(sender.try_io(Interest::WRITABLE, write).expect("room"), 4);
        receiver.readable().await.expect("data");
        assert!(receiver.ready(Interest::READABLE).await.expect("data").is_readable());
        let other = std::fs::File::from(fd::duplicate(receiver.as_fd()).expect("a descriptor"));
        let mut room = [0; 4];
        let read = receiver.async_io(Interest::READABLE, || (&other).read(&mut room)).await;
        assert_eq!(read.expect("data"), 4);
        assert_eq!(&room, b"mine");
        let nothing = receiver.try_io(Interest::READABLE, || (&other).read(&mut room));
        assert_eq!(kind(nothing), io::ErrorKind::WouldBlock);
        assert!(poll_once(pin!(receiver.readable())).is_pending());
        fill(&sender);
        assert!(poll_once(pin!(sender.writable())).is_pending());
        empty(&receiver);
        sender.writable().await.expect("room");
    });
}

// Goal: what the types promise, and that ends made outside a runtime work inside.
#[test]
fn ends_are_ordinary_values() {
    assert_send::<Sender>();
    assert_sync::<Sender>();
    assert_unpin::<Sender>();
    assert_debug::<Sender>();
    assert_send::<Receiver>();
    assert_sync::<Receiver>();
    assert_unpin::<Receiver>();
    assert_debug::<Receiver>();
    fn is_send<T: Send>(_: &T) {}
    let (sender, receiver) = ends();
    is_send(&sender.closed());
    is_send(&sender.writable());
    is_send(&sender.write_all_buf(&mut &b""[..]));
    is_send(&receiver.closed());
    is_send(&receiver.reopened());
    is_send(&receiver.read_buf(&mut Vec::new()));
    // Without a driver what need not wait works, and what must is told why it cannot.
    assert_eq!(sender.try_write(b"early").expect("room"), 5);
    let mut reader = &receiver;
    let mut room = [0; 8];
    let read = futures::executor::block_on(reader.read(&mut room)).expect("data");
    assert_eq!(read, 5);
    let waits = futures::executor::block_on(reader.read(&mut room));
    assert_eq!(kind(waits), io::ErrorKind::NotConnected);
    run(move || async move {
        let (read, wrote) = futures::join!(async { (&receiver).read(&mut [0; 8]).await }, async {
            (&sender).write(b"late").await
        },);
        assert_eq!((read.expect("data"), wrote.expect("room")), (4, 4));
        let owned = OwnedFd::from(receiver);
        drop(Receiver::try_from(owned).expect("it is what it was"));
    });
}
