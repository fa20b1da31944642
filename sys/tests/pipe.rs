//! Pipes in a raw loop, and what the library relies on of the kernel.

use std::{
    fs::File,
    io::{self, IoSlice, IoSliceMut, Read, Write},
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
};

use edgewake_sys::{
    fd,
    pipe::{self, End},
};

fn ends() -> (OwnedFd, OwnedFd) {
    pipe::pipe().expect("a pipe")
}

#[track_caller]
fn kind<T>(outcome: io::Result<T>) -> io::ErrorKind {
    match outcome {
        Ok(_) => panic!("it has succeeded"),
        Err(error) => error.kind(),
    }
}

/// Writes until it takes no more, and returns how many bytes.
fn fill(writer: &OwnedFd, piece: usize) -> usize {
    let bytes = vec![7; piece];
    let mut filled = 0;
    loop {
        match pipe::write(writer.as_fd(), &bytes) {
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return filled,
            Err(error) => panic!("filling a pipe: {error}"),
        }
    }
}

// Goal: bytes go through by each pair of functions, none is lost, and the ends are told.
#[test]
fn transfers() {
    let (reader, writer) = ends();
    assert!(fd::is_nonblocking(reader.as_fd()).expect("open"));
    assert!(fd::is_nonblocking(writer.as_fd()).expect("open"));
    let mut room = [0; 16];
    assert_eq!(kind(pipe::read(reader.as_fd(), &mut room)), io::ErrorKind::WouldBlock);
    assert_eq!(pipe::write(writer.as_fd(), b"one").expect("room"), 3);
    let words = [IoSlice::new(b" two"), IoSlice::new(b""), IoSlice::new(b" three")];
    assert_eq!(pipe::write_vectored(writer.as_fd(), &words).expect("room"), 10);
    assert_eq!(pipe::write_vectored(writer.as_fd(), &[]).expect("nothing"), 0);
    assert_eq!(pipe::available(reader.as_fd()).expect("a pipe"), 13);
    assert_eq!(pipe::read(reader.as_fd(), &mut room[..3]).expect("data"), 3);
    let (first, rest) = room.split_at_mut(4);
    let mut pieces = [IoSliceMut::new(first), IoSliceMut::new(&mut rest[..3])];
    assert_eq!(pipe::read_vectored(reader.as_fd(), &mut pieces).expect("data"), 7);
    assert_eq!(&room[..7], b" two th");
    assert_eq!(pipe::read_vectored(reader.as_fd(), &mut []).expect("nothing"), 0);
    let mut spare = [MaybeUninit::uninit(); 16];
    assert_eq!(pipe::read_uninit(reader.as_fd(), &mut spare).expect("data"), 3);
    drop(writer);
    assert_eq!(pipe::read(reader.as_fd(), &mut room).expect("the end"), 0);
}

// T4. Goal, the kernel's: room comes by pages. A hundred bytes read make no room for a page, and a
// page that is read makes room for a part of more.
#[cfg(target_os = "linux")]
#[test]
fn t04_room_comes_by_pages() {
    let (reader, writer) = ends();
    let capacity = pipe::capacity(writer.as_fd()).expect("a pipe");
    assert_eq!(fill(&writer, 8192), capacity);
    let page = pipe::set_capacity(ends().0.as_fd(), 1).expect("less is allowed");
    let mut room = vec![0; page];
    assert_eq!(pipe::read(reader.as_fd(), &mut room[..100]).expect("full"), 100);
    let more = vec![1; 2 * page];
    assert_eq!(kind(pipe::write(writer.as_fd(), &more)), io::ErrorKind::WouldBlock);
    assert_eq!(pipe::read(reader.as_fd(), &mut room[100..]).expect("full"), page - 100);
    assert_eq!(pipe::write(writer.as_fd(), &more).expect("a page is free"), page);
}

// Goal: each end tells whether the other has gone, before and after, full and empty.
#[test]
fn the_other_ends_going() {
    let hung_up = |end: &OwnedFd, which| pipe::is_hung_up(end.as_fd(), which).expect("a pipe");
    for full in [false, true] {
        let (reader, writer) = ends();
        if full {
            fill(&writer, 4096);
        }
        assert!(!hung_up(&reader, End::Read) && !hung_up(&writer, End::Write));
        let other = fd::duplicate(writer.as_fd()).expect("a descriptor");
        drop(writer);
        assert!(!hung_up(&reader, End::Read), "there is another writer");
        drop(other);
        assert!(hung_up(&reader, End::Read));

        let (reader, writer) = ends();
        if full {
            fill(&writer, 4096);
        }
        drop(reader);
        assert!(hung_up(&writer, End::Write));
        assert_eq!(kind(pipe::write(writer.as_fd(), b"x")), io::ErrorKind::BrokenPipe);
    }
}

// Goal: what is no pipe is told from what is, whatever else it may be.
#[test]
fn what_is_a_pipe() {
    let (reader, writer) = ends();
    for end in [&reader, &writer] {
        assert!(pipe::is_fifo(end.as_fd()).expect("open"));
    }
    pipe::check(reader.as_fd(), End::Read).expect("its reading end");
    pipe::check(writer.as_fd(), End::Write).expect("its writing end");
    let null = File::open("/dev/null").expect("the device");
    assert!(!pipe::is_fifo(null.as_fd()).expect("open"));
    assert_eq!(kind(pipe::check(null.as_fd(), End::Read)), io::ErrorKind::InvalidInput);
    if cfg!(target_os = "linux") {
        assert_eq!(kind(pipe::check(writer.as_fd(), End::Read)), io::ErrorKind::InvalidInput);
        assert_eq!(kind(pipe::check(reader.as_fd(), End::Write)), io::ErrorKind::InvalidInput);
    }
}

// Goal: the functions write to what is no pipe as well, the flag against SIGPIPE or not: to a
// device whose driver may refuse any, to a socket without a peer. Pipes are none the worse for it.
#[test]
fn what_is_no_pipe_is_written_to() {
    let null = File::options().write(true).open("/dev/null").expect("the device");
    assert_eq!(pipe::write(null.as_fd(), b"gone").expect("it takes all"), 4);
    let (socket, mut peer) = std::os::unix::net::UnixStream::pair().expect("a pair");
    assert_eq!(pipe::write(socket.as_fd(), b"over").expect("room"), 4);
    let mut room = [0; 4];
    peer.read_exact(&mut room).expect("it was written");
    peer.write_all(&room).expect("room");
    assert_eq!(pipe::read(socket.as_fd(), &mut room).expect("data"), 4);
    drop(peer);
    assert_eq!(kind(pipe::write(socket.as_fd(), b"x")), io::ErrorKind::BrokenPipe);
    let (reader, writer) = ends();
    assert_eq!(pipe::write(writer.as_fd(), b"x").expect("room"), 1);
    drop(reader);
    assert_eq!(kind(pipe::write(writer.as_fd(), b"x")), io::ErrorKind::BrokenPipe);
}
