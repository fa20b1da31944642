//! FIFOs by path: opening either end, waiting for the other, and going on where writers or readers
//! have gone and others come.

#[path = "support/driven.rs"]
mod driven;
#[path = "support/os.rs"]
mod os;
#[path = "support/pipe.rs"]
mod pipes;
mod support;

use std::{
    fs::{File, OpenOptions as Files},
    io::{self, Write},
    os::unix::{fs::OpenOptionsExt, net::UnixListener},
    pin::pin,
};

use edgewake::io::{
    AsyncReadExt, AsyncWriteExt,
    pipe::{OpenOptions, Receiver, Sender},
};
use os::TemporaryPath;

use crate::{
    driven::Driven,
    pipes::{fill, kind, poll_once, run},
    support::{WakeCount, assert_send, deadline},
};

/// The reading end. Where the system has it for both directions only (T37), of those.
fn receiver(path: &TemporaryPath) -> Receiver {
    let both = cfg!(target_vendor = "apple");
    OpenOptions::new().read_write(both).open_receiver(path).expect("a FIFO")
}

fn sender(path: &TemporaryPath) -> Sender {
    OpenOptions::new().open_sender(path).expect("a FIFO with a reader")
}

/// A reader and a writer in other hands.
fn other_reader(path: &TemporaryPath) -> File {
    Files::new().read(true).custom_flags(os::O_NONBLOCK).open(path).expect("a FIFO")
}

fn other_writer(path: &TemporaryPath) -> File {
    Files::new().write(true).open(path).expect("it has a reader")
}

// Goal: the two ends of one path, opened by this library.
#[test]
fn bytes_by_a_path() {
    run(|| async {
        let path = TemporaryPath::fifo("bytes");
        let receiver = receiver(&path);
        let sender = sender(&path);
        let bytes = pipes::pattern(200_000);
        let mut received = vec![0; bytes.len()];
        let (mut reader, mut writer) = (&receiver, &sender);
        let (read, wrote) =
            futures::join!(reader.read_exact(&mut received), writer.write_all(&bytes));
        read.expect("data");
        wrote.expect("it is read");
        assert!(received == bytes);
    });
}

// Goal: a sender of a FIFO that nobody reads is told so, in words; other refusals are what they
// are, ENXIO of a socket's path among them. Nothing that is not a FIFO is taken, unless unchecked.
#[test]
fn what_cannot_be_opened() {
    let options = OpenOptions::new();
    let path = TemporaryPath::fifo("unread");
    let error = options.open_sender(&path).expect_err("nobody reads");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert!(error.to_string().contains("nobody has this FIFO open for reading"), "{error}");

    let absent = TemporaryPath::new("absent");
    assert_eq!(kind(options.open_sender(&absent)), io::ErrorKind::NotFound);
    assert_eq!(
        kind(OpenOptions::new().read_write(true).open_receiver(&absent)),
        io::ErrorKind::NotFound
    );
    assert_eq!(kind(options.open_sender("a\0b")), io::ErrorKind::InvalidInput);

    let _listens = UnixListener::bind(&absent).expect("a free path");
    let error = options.open_sender(&absent).expect_err("a socket cannot be opened");
    assert_ne!(error.kind(), io::ErrorKind::ConnectionRefused, "{error}");
    assert!(error.raw_os_error().is_some(), "{error}");

    let file = TemporaryPath::new("file");
    std::fs::write(&file, b"text").expect("a temporary file");
    let refused = options.open_sender(&file).expect_err("a regular file");
    assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
    assert!(refused.to_string().contains("not a pipe"), "{refused}");
    drop(OpenOptions::new().unchecked(true).open_sender(&file).expect("unchecked"));
}

// T37. Goal: a FIFO's receiver is refused where the end of its last writer is told to nobody, with
// the way out in the sentence.
#[cfg(target_vendor = "apple")]
#[test]
fn t37_a_receiver_that_could_wait_for_ever_is_refused() {
    let path = TemporaryPath::fifo("t37");
    let error = OpenOptions::new().open_receiver(&path).expect_err("no end is told");
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    assert!(error.to_string().contains("read_write(true)"), "{error}");
    drop(OpenOptions::new().read_write(true).open_receiver(&path).expect("it never ends"));
}

// T37. Goal: elsewhere a receiver opens without a writer, is at the end until one comes, and waits
// for the first one's data if it is told to. (To NetBSD and OpenBSD it is closed until then.)
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
#[test]
fn t37_a_receiver_opens_before_its_writers() {
    deadline(|| {
        let mut driven = Driven::new();
        let path = TemporaryPath::fifo("before");
        let receiver = receiver(&path);
        let mut room = [0; 8];
        assert_eq!(receiver.try_read(&mut room).expect("no writer"), 0);
        {
            let count = WakeCount::new();
            let mut readable = pin!(receiver.readable());
            let mut closed = Box::pin(receiver.closed());
            driven.block_on(async {
                assert!(count.poll(&mut readable).is_pending());
                assert!(count.poll(&mut closed).is_pending(), "nobody has closed it yet");
            });
            driven.rest();
            let mut writer = other_writer(&path);
            driven.rest();
            driven.block_on(async { assert!(count.poll(&mut closed).is_pending()) });
            writer.write_all(b"hello").expect("room");
            driven.block_on(readable).expect("data");
            driven.block_on(async { assert!(count.poll(&mut closed).is_pending()) });
            drop(writer);
            driven.block_on(closed).expect("the writer has gone");
        }
        assert_eq!(receiver.try_read(&mut room).expect("data"), 5);
        assert_eq!(receiver.try_read(&mut room).expect("the end"), 0);
    });
}

// T88, T8. Goal: a receiver goes on from writer to writer: it sees each one's end, waits for the
// next without spinning, sees neither the old end again nor misses the new data.
#[cfg(not(target_vendor = "apple"))]
#[test]
fn t88_a_receiver_goes_on_with_the_next_writer() {
    deadline(|| {
        let mut driven = Driven::new();
        let path = TemporaryPath::fifo("next");
        let receiver = std::sync::Arc::new(receiver(&path));
        for round in 0..4 {
            let waits = receiver.clone();
            let reopened = driven.spawn(async move { waits.reopened().await });
            driven.rest();
            assert!(!reopened.is_finished(), "round {round}: nobody has written");
            // One that writes nothing is no reason to wake.
            drop(other_writer(&path));
            driven.rest();
            assert!(!reopened.is_finished(), "round {round}: nothing was written");
            let mut writer = other_writer(&path);
            driven.rest();
            writer.write_all(b"hello").expect("room");
            driven.finish(reopened).expect("data");
            let reads = receiver.clone();
            let mut room = [0; 64];
            let mut reader = &*reads;
            let count = driven.block_on(reader.read(&mut room)).expect("data");
            assert_eq!(&room[..count], b"hello", "round {round}");
            {
                // The last writer's end is over: there is nothing, and it is not read as an end.
                let mut read = pin!(reader.read(&mut room));
                driven.block_on(async { assert!(poll_once(read.as_mut()).is_pending()) });
                driven.rest();
                drop(writer);
                assert_eq!(driven.block_on(read).expect("the end"), 0, "round {round}");
            }
            driven.rest();
        }
    });
}

// T88. Goal: `closed` of either end tells of now, not of what once was: an end that was seen, and
// is over because another writer or reader has come, does not end the wait.
#[cfg(not(target_vendor = "apple"))]
#[test]
fn t88_closed_does_not_remember_an_end_that_is_over() {
    deadline(|| {
        let mut driven = Driven::new();
        let path = TemporaryPath::fifo("over");
        let receiver = receiver(&path);
        drop(other_writer(&path));
        driven.block_on(receiver.closed()).expect("the writer has gone");
        let writer = other_writer(&path);
        {
            let mut closed = pin!(receiver.closed());
            driven.block_on(async { assert!(poll_once(closed.as_mut()).is_pending()) });
            driven.rest();
            drop(writer);
            driven.block_on(closed).expect("the writer has gone");
        }

        let sender = sender(&path);
        drop(receiver);
        driven.block_on(sender.closed()).expect("the reader has gone");
        assert_eq!(kind(sender.try_write(b"x")), io::ErrorKind::BrokenPipe);
        let reader = other_reader(&path);
        let mut closed = pin!(sender.closed());
        driven.block_on(async { assert!(poll_once(closed.as_mut()).is_pending()) });
        driven.rest();
        // The same descriptor writes on, and waits for room as before.
        fill(&sender);
        let mut writable = pin!(sender.writable());
        driven.block_on(async { assert!(poll_once(writable.as_mut()).is_pending()) });
        driven.rest();
        drop(reader);
        driven.block_on(closed).expect("the reader has gone");
        driven.block_on(writable).expect("ready to fail");
    });
}

// T39. Goal: a FIFO that is open for both directions never ends, for either end, and opens without
// another.
#[test]
fn t39_open_for_both_directions() {
    deadline(|| {
        let mut driven = Driven::new();
        let path = TemporaryPath::fifo("both");
        let mut both = OpenOptions::new();
        both.read_write(true);
        let receiver = both.open_receiver(&path).expect("a FIFO");
        let mut reader = &receiver;
        for round in 0..3 {
            let writer = other_writer(&path);
            (&writer).write_all(b"line").expect("room");
            drop(writer);
            let mut room = [0; 8];
            assert_eq!(driven.block_on(reader.read(&mut room)).expect("data"), 4, "{round}");
            let mut read = pin!(reader.read(&mut room));
            driven.block_on(async { assert!(poll_once(read.as_mut()).is_pending(), "no end") });
            driven.rest();
        }
        {
            let mut closed = pin!(receiver.closed());
            driven.block_on(async { assert!(poll_once(closed.as_mut()).is_pending()) });
            driven.rest();
        }
        drop(receiver);
        let sender = both.open_sender(&path).expect("it needs no reader");
        let filled = fill(&sender);
        assert!(filled > 0);
        let mut writer = &sender;
        let mut write = pin!(writer.write(b"more"));
        driven.block_on(async { assert!(poll_once(write.as_mut()).is_pending()) });
        driven.rest();
        let other = other_reader(&path);
        let mut room = vec![0; filled];
        io::Read::read_exact(&mut &other, &mut room).expect("what was written");
        assert_eq!(driven.block_on(write).expect("room"), 4);
    });
}

// Goal: a sender waits for a reader without spinning, and opens when it comes; dropped, it leaves
// nothing behind; a path that is not there fails at once.
#[test]
fn a_sender_waits_for_its_reader() {
    run(|| async {
        fn is_send<T: Send>(value: T) -> T {
            value
        }
        let path = TemporaryPath::fifo("wait");
        let options = OpenOptions::new();
        let count = WakeCount::new();
        {
            let mut waits = Box::pin(options.open_sender_when_read(&path));
            for _ in 0..3 {
                assert!(count.poll(&mut waits).is_pending());
            }
            assert!(count.wakes() < 3, "it spins");
        }
        assert_eq!(count.alive(), 0, "a timer holds on to a waker");
        let open = is_send(options.open_sender_when_read(&path));
        let reads = async {
            // Some pauses later.
            for _ in 0..3 {
                pause().await;
            }
            OpenOptions::new().read_write(true).open_receiver(&path).expect("a FIFO")
        };
        let (sender, receiver) = futures::join!(open, reads);
        assert_eq!(sender.expect("it is read").try_write(b"hello").expect("room"), 5);
        assert_eq!((&receiver).read(&mut [0; 8]).await.expect("data"), 5);
        let absent = TemporaryPath::new("absent");
        let error = options.open_sender_when_read(&absent).await;
        assert_eq!(kind(error), io::ErrorKind::NotFound);
    });
    assert_send::<OpenOptions>();
}

/// Lets a wait for a FIFO's reader pause once.
async fn pause() {
    let path = TemporaryPath::fifo("pause");
    let options = OpenOptions::new();
    let mut waits = pin!(options.open_sender_when_read(&path));
    let mut polls = 0;
    std::future::poll_fn(|cx| {
        polls += 1;
        assert!(waits.as_mut().poll(cx).is_pending());
        if polls == 2 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

// Goal: without a driver there is nothing to time the wait with: the refusal itself is the answer.
#[test]
fn a_wait_without_a_driver_is_refused() {
    let path = TemporaryPath::fifo("driverless");
    let options = OpenOptions::new();
    let outcome = futures::executor::block_on(options.open_sender_when_read(&path));
    assert_eq!(kind(outcome), io::ErrorKind::ConnectionRefused);
}
