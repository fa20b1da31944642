//! Pipe ends made of other descriptors, and given back: the checks, the streams of a child,
//! blocking mode, what the kernel has for pipes alone.

#[path = "support/os.rs"]
mod os;
#[path = "support/pipe.rs"]
mod pipes;
mod support;

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::{fs::OpenOptionsExt, net::UnixStream},
    },
    pin::pin,
    process::{Command, Stdio},
};

use edgewake::io::{
    AsyncReadExt, AsyncWriteExt,
    pipe::{self, Receiver, Sender},
};
use edgewake_sys::fd;

use crate::pipes::{kind, poll_once, run};

#[track_caller]
fn refused<T>(outcome: io::Result<T>) -> String {
    match outcome {
        Ok(_) => panic!("it was taken"),
        Err(error) => {
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
            error.to_string()
        }
    }
}

// Goal: what is no pipe, or not this end of one, is refused with a sentence; nothing is left open.
#[test]
fn other_descriptors_are_refused() {
    run(|| async {
        let (socket, _peer) = UnixStream::pair().expect("a pair");
        assert!(refused(Receiver::try_from(OwnedFd::from(socket))).contains("not a pipe"));
        let file = File::open("Cargo.toml").or_else(|_| File::open("/dev/null")).expect("a file");
        assert!(refused(Sender::try_from(OwnedFd::from(file))).contains("not a pipe"));
        let fifo = os::TemporaryPath::fifo("ends");
        let open = |write: bool| {
            let mut options = OpenOptions::new();
            options.read(!write).write(write).custom_flags(os::O_NONBLOCK);
            OwnedFd::from(options.open(&fifo).expect("a FIFO"))
        };
        let reader = open(false);
        assert!(refused(Receiver::try_from(open(true))).contains("for reading"));
        assert!(refused(Sender::try_from(open(false))).contains("for writing"));
        drop(Sender::try_from(open(true)).expect("its writing end"));
        drop(Receiver::try_from(reader).expect("its reading end"));
        let both = || {
            let file = OpenOptions::new().read(true).write(true).open(&fifo);
            OwnedFd::from(file.expect("a FIFO"))
        };
        drop(Receiver::from_owned_fd(both()).expect("it can be read"));
        drop(Sender::from_owned_fd(both()).expect("it can be written"));
    });
}

// Goal: a descriptor that names a file without opening it is no end of a pipe.
#[cfg(target_os = "linux")]
#[test]
fn a_path_descriptor_is_refused() {
    run(|| async {
        let fifo = os::TemporaryPath::fifo("path");
        let mut options = OpenOptions::new();
        let file = options.read(true).custom_flags(os::O_PATH).open(&fifo).expect("a path");
        assert!(refused(Receiver::try_from(OwnedFd::from(file))).contains("O_PATH"));
    });
}

// T68. Goal: a blocking descriptor is made non-blocking when it is taken over, and is blocking
// again when it is given back so, otherwise not.
#[test]
fn t68_blocking_and_not() {
    run(|| async {
        let (sender, receiver) = pipe::pipe().expect("a pipe");
        let blocking = |fd: &OwnedFd| !fd::is_nonblocking(fd.as_fd()).expect("open");
        let numbers = (sender.as_raw_fd(), receiver.as_raw_fd());
        let writer = sender.into_blocking_fd().expect("open");
        let reader = receiver.into_blocking_fd().expect("open");
        assert_eq!((writer.as_raw_fd(), reader.as_raw_fd()), numbers);
        assert!(blocking(&writer) && blocking(&reader));
        let sender = Sender::try_from(writer).expect("its writing end");
        let mut receiver = Receiver::try_from(reader).expect("its reading end");
        assert!(poll_once(pin!(receiver.read(&mut [0; 4]))).is_pending());
        assert_eq!(sender.try_write(b"x").expect("room"), 1);
        assert_eq!(receiver.read(&mut [0; 4]).await.expect("data"), 1);
        assert!(!blocking(&sender.into_nonblocking_fd().expect("open")));
        assert!(!blocking(&receiver.into_nonblocking_fd().expect("open")));
    });
}

// T30. Goal: an end that was registered and given back can be registered again under its number,
// by a type of this library or another.
#[test]
fn t30_an_end_given_back_is_registered_anew() {
    run(|| async {
        let (sender, mut receiver) = pipe::pipe().expect("a pipe");
        for round in 0..3_u8 {
            assert!(poll_once(pin!(receiver.read(&mut [0; 4]))).is_pending());
            let owned = OwnedFd::from(receiver);
            let other = edgewake::AsyncFd::with_interest(owned, edgewake::Interest::READABLE);
            let other = other.expect("nobody has registered it");
            assert_eq!(sender.try_write(&[round]).expect("room"), 1);
            drop(other.readable().await.expect("data"));
            receiver = Receiver::try_from(other.into_inner()).expect("it is what it was");
            let mut byte = [9; 1];
            assert_eq!(receiver.read(&mut byte).await.expect("data"), 1);
            assert_eq!(byte, [round]);
        }
    });
}

// Goal: the three streams of a child process, more than a pipe holds through each, and its end.
#[test]
fn streams_of_a_child() {
    run(|| async {
        let mut child = Command::new("sh")
            .args(["-c", "tee /dev/stderr; exit 3"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut to = Sender::try_from(child.stdin.take().expect("piped")).expect("a pipe");
        let mut out = Receiver::try_from(child.stdout.take().expect("piped")).expect("a pipe");
        let mut errors = Receiver::try_from(child.stderr.take().expect("piped")).expect("a pipe");
        let bytes = pipes::pattern(200_000);
        let write = async {
            to.write_all(&bytes).await.expect("it reads");
            to.close().await.expect("descriptors");
        };
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let (ends, others, ()) =
            futures::join!(out.read_to_end(&mut first), errors.read_to_end(&mut second), write);
        ends.expect("the end");
        others.expect("the end");
        assert!(first == bytes && second == bytes);
        assert_eq!(child.wait().expect("it has ended").code(), Some(3));
        to.closed().await.expect("a driver");
    });
}

// Goal: a child writes to a pipe of ours that it got as its standard output.
#[test]
fn an_end_as_a_childs_stream() {
    run(|| async {
        let (sender, mut receiver) = pipe::pipe().expect("a pipe");
        let theirs = sender.into_blocking_fd().expect("open");
        let child = Command::new("echo").arg("hello").stdout(theirs).spawn();
        let mut text = String::new();
        receiver.read_to_string(&mut text).await.expect("the end");
        assert_eq!(text, "hello\n");
        assert!(child.expect("echo").wait().expect("it has ended").success());
    });
}

// Goal: each read takes one packet; one that is too long for the buffer loses its rest, and leaves
// the next whole (T1: reads that stop short of what is there).
#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn t01_packets_are_read_one_by_one() {
    run(|| async {
        let (mut sender, mut receiver) = pipe::packet_pipe().expect("Linux 3.4");
        let mut room = [0; 64];
        assert!(poll_once(pin!(receiver.read(&mut room))).is_pending());
        for packet in [&b"one"[..], b"two two", b"three"] {
            assert_eq!(sender.write(packet).await.expect("room"), packet.len());
        }
        assert_eq!(sender.write(b"").await.expect("no packet"), 0);
        assert_eq!(receiver.read(&mut room).await.expect("a packet"), 3);
        assert_eq!(receiver.read(&mut room[..3]).await.expect("a packet"), 3);
        assert_eq!(receiver.read(&mut room).await.expect("a packet"), 5);
        assert_eq!(&room[..5], b"three");
        assert_eq!(kind(receiver.try_read(&mut room)), io::ErrorKind::WouldBlock);
        assert!(poll_once(pin!(receiver.read(&mut room))).is_pending());
        // More than a page is several packets.
        let long = vec![5; 100_000];
        let mut large = vec![0; 100_000];
        let written =
            sender.write(&long[..sender.capacity().expect("a pipe")]).await.expect("room");
        let first = receiver.read(&mut large).await.expect("a packet");
        assert!((4096..written).contains(&first), "{first} of {written}");
        pipes::empty(&receiver);
        drop(sender);
        assert_eq!(receiver.read(&mut room).await.expect("the end"), 0);
    });
}

// Goal: the capacity is told, changed, kept from losing what is in the pipe; and a writer that
// waits for room is woken by more of it.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn capacity() {
    run(|| async {
        let (sender, receiver) = pipe::pipe().expect("a pipe");
        let page = receiver.set_capacity(1).expect("less is always allowed");
        assert_eq!(sender.capacity().expect("a pipe"), page);
        assert_eq!(pipes::fill(&sender), page);
        assert_eq!(receiver.available().expect("a pipe"), page);
        let bytes = vec![1; page];
        let mut writer = &sender;
        let mut write = pin!(writer.write(&bytes));
        assert!(poll_once(write.as_mut()).is_pending());
        assert!(receiver.set_capacity(3 * page).expect("within the limit") >= 3 * page);
        assert_eq!(write.await.expect("room"), page);
        let less = sender.set_capacity(page).expect_err("it would lose bytes");
        assert_eq!(less.kind(), io::ErrorKind::ResourceBusy);
        let most = sender.set_capacity(usize::MAX).expect_err("no memory for that");
        assert_eq!(most.kind(), io::ErrorKind::InvalidInput);
    });
}

// Goal: what a system does not have is refused with a sentence.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[test]
fn what_only_linux_has() {
    let (sender, receiver) = pipe::pipe().expect("a pipe");
    assert_eq!(kind(sender.capacity()), io::ErrorKind::Unsupported);
    assert_eq!(kind(receiver.set_capacity(4096)), io::ErrorKind::Unsupported);
    assert_eq!(kind(pipe::packet_pipe()), io::ErrorKind::Unsupported);
}

// T50. Goal: a child does not inherit the ends: they are close-on-exec however they came about.
#[test]
fn t50_ends_are_close_on_exec() {
    let (sender, receiver) = pipe::pipe().expect("a pipe");
    assert!(os::is_cloexec(sender.as_fd()) && os::is_cloexec(receiver.as_fd()));
    let fifo = os::TemporaryPath::fifo("cloexec");
    let receiver = pipe::OpenOptions::new().read_write(true).open_receiver(&fifo);
    assert!(os::is_cloexec(receiver.expect("a FIFO").as_fd()));
}

// T1, T3. Goal: a terminal, unchecked, is read line by line to the last, and written to.
#[test]
fn t01_a_terminal_as_an_unchecked_end() {
    run(|| async {
        let (mut master, slave) = os::pty();
        let slave = OwnedFd::from(slave);
        refused(Receiver::try_from(slave.try_clone().expect("a descriptor")));
        let sender = Sender::from_owned_fd_unchecked(slave.try_clone().expect("a descriptor"));
        let receiver = Receiver::from_owned_fd_unchecked(slave).expect("a terminal");
        let mut room = [0; 64];
        let mut reader = &receiver;
        assert!(poll_once(pin!(reader.read(&mut room))).is_pending());
        master.write_all(b"aa\nbb\n").expect("room");
        let mut text = Vec::new();
        while text.len() < 6 {
            let count = reader.read(&mut room).await.expect("a terminal");
            text.extend_from_slice(&room[..count]);
        }
        assert_eq!(text, b"aa\nbb\n");
        assert!(poll_once(pin!(reader.read(&mut room))).is_pending());
        let sender = sender.expect("a terminal");
        assert_eq!((&sender).write(b"said").await.expect("room"), 4);
        let mut echoed = vec![0; b"aa\r\nbb\r\nsaid".len()];
        master.read_exact(&mut echoed).expect("its echo, and what was written");
        assert_eq!(echoed, b"aa\r\nbb\r\nsaid");
    });
}

// T16. Goal: what cannot be polled works as long as nothing waits; waiting is refused, and does not
// hang.
#[cfg(target_os = "linux")]
#[test]
fn t16_a_device_that_cannot_be_polled() {
    run(|| async {
        let mut options = pipe::OpenOptions::new();
        options.unchecked(true);
        let mut sender = options.open_sender("/dev/null").expect("the device");
        let mut receiver = options.open_receiver("/dev/null").expect("the device");
        sender.write_all(b"gone").await.expect("it takes all");
        assert_eq!(receiver.read(&mut [0; 8]).await.expect("nothing"), 0);
        assert_eq!(kind(sender.writable().await), io::ErrorKind::Unsupported);
        assert_eq!(kind(receiver.readable().await), io::ErrorKind::Unsupported);
        assert_eq!(kind(receiver.closed().await), io::ErrorKind::Unsupported);
        let mut zeros = options.open_receiver("/dev/zero").expect("the device");
        zeros.read_exact(&mut [1; 100_000]).await.expect("no end of them");
    });
}
