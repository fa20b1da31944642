//! Copies inside the kernel: from pipe to socket to pipe by splice(2), in both directions at once,
//! and from a file by sendfile(2). However short each of them comes, and whichever end it says
//! would have to wait, every byte arrives once and in order, and the counts are those of the bytes.

use std::{
    fs::File,
    future::poll_fn,
    io,
    ops::{Range, RangeBounds},
    sync::atomic::{AtomicU64, Ordering},
    task::{Context, Poll},
};

use edgewake::{
    io::{CopyMethod, CopyOptions, pipe},
    net::{TcpListener, TcpStream, UnixStream, tcp, unix},
};
use futures::{AsyncRead, AsyncWrite, AsyncWriteExt};

use crate::{
    os::TemporaryPath,
    peer::pattern,
    run::{draw, drive, once_in},
    streams::{again, pause, receive, send_and_receive},
    tracked::spawn,
};

/// Over Unix sockets and pipes.
pub(crate) fn local() {
    run(false);
}

/// Over TCP too.
pub(crate) fn over_tcp() {
    run(true);
}

fn run(tcp: bool) {
    drive(async move {
        let tasks: Vec<_> = (0..1 + draw(2))
            .map(|number| match draw(4) {
                0 | 1 => spawn(through(number, tcp)),
                2 => spawn(both_ways(number, tcp)),
                _ => spawn(of_a_file(number, tcp)),
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }
    });
}

enum Reader {
    Pipe(pipe::Receiver),
    Unix(unix::OwnedReadHalf),
    Tcp(tcp::OwnedReadHalf),
}

enum Writer {
    Pipe(pipe::Sender),
    Unix(unix::OwnedWriteHalf),
    Tcp(tcp::OwnedWriteHalf),
}

impl Reader {
    fn any(self) -> Box<dyn AsyncRead + Unpin> {
        match self {
            Reader::Pipe(reader) => Box::new(reader),
            Reader::Unix(reader) => Box::new(reader),
            Reader::Tcp(reader) => Box::new(reader),
        }
    }
}

impl Writer {
    fn any(self) -> Box<dyn AsyncWrite + Unpin> {
        match self {
            Writer::Pipe(writer) => Box::new(writer),
            Writer::Unix(writer) => Box::new(writer),
            Writer::Tcp(writer) => Box::new(writer),
        }
    }
}

/// One way to somewhere: what is written to the one is read from the other.
async fn way(tcp: bool) -> (Writer, Reader) {
    match draw(if tcp { 3 } else { 2 }) {
        0 => {
            let (writer, reader) = pipe::pipe().expect("a pipe");
            (Writer::Pipe(writer), Reader::Pipe(reader))
        }
        1 => {
            let (one, other) = UnixStream::pair().expect("a pair");
            (Writer::Unix(one.into_split().1), Reader::Unix(other.into_split().0))
        }
        _ => {
            let (one, other) = tcp_pair().await;
            (Writer::Tcp(one.into_split().1), Reader::Tcp(other.into_split().0))
        }
    }
}

async fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let connects = spawn(TcpStream::connect(address));
    let (accepted, _) = again(|| listener.accept()).await.expect("no error");
    (connects.await.expect("no panic").expect("it listens"), accepted)
}

fn some_length() -> usize {
    if once_in(4) { 150_000 + draw(200_000) as usize } else { draw(20_000) as usize }
}

/// Mostly by splice, from the first byte on; the rest by whatever way the sizes lead to.
fn options<'c>() -> CopyOptions<'c> {
    let options = CopyOptions::new().buffer_size(64 << draw(11));
    options.method(if once_in(4) { CopyMethod::Auto } else { CopyMethod::Splice })
}

/// From one to the next to the next.
async fn through(number: u64, tcp: bool) {
    let bytes = pattern(number, some_length());
    let length = bytes.len() as u64;
    let (writer, mut last) = way(tcp).await;
    let mut copies = Vec::new();
    for _ in 0..1 + draw(3) {
        let (into, next) = way(tcp).await;
        let from = std::mem::replace(&mut last, next);
        copies.push(spawn(copy(from, into, length)));
    }
    send_and_receive(bytes, last.any(), writer.any()).await;
    for copy in copies {
        copy.await.expect("no panic");
    }
}

/// By the types of its ends, since a copy does not look behind a box.
async fn copy(from: Reader, into: Writer, length: u64) {
    match from {
        Reader::Pipe(from) => copy_from(from, into, length).await,
        Reader::Unix(from) => copy_from(from, into, length).await,
        Reader::Tcp(from) => copy_from(from, into, length).await,
    }
}

async fn copy_from(from: impl AsyncRead + Unpin, into: Writer, length: u64) {
    match into {
        Writer::Pipe(into) => copy_into(from, into, length).await,
        Writer::Unix(into) => copy_into(from, into, length).await,
        Writer::Tcp(into) => copy_into(from, into, length).await,
    }
}

async fn copy_into(
    mut from: impl AsyncRead + Unpin,
    mut into: impl AsyncWrite + Unpin,
    length: u64,
) {
    let moved = AtomicU64::new(0);
    let copied = options().count_into(&moved).copy(&mut from, &mut into).await;
    assert_eq!((copied.expect("no error"), moved.load(Ordering::Relaxed)), (length, length));
    into.close().await.expect("no error");
}

/// Two that talk to each other across a copy.
async fn both_ways(number: u64, tcp: bool) {
    if tcp && once_in(2) {
        let ((client, mut near), (mut far, server)) = (tcp_pair().await, tcp_pair().await);
        let ends = [client, server].map(TcpStream::into_split);
        across(number, ends, &mut near, &mut far).await;
    } else {
        let pair = || UnixStream::pair().expect("a pair");
        let ((client, mut near), (mut far, server)) = (pair(), pair());
        let ends = [client, server].map(UnixStream::into_split);
        across(number, ends, &mut near, &mut far).await;
    }
}

async fn across<S: AsyncRead + AsyncWrite + Unpin>(
    number: u64,
    ends: [(impl AsyncRead + Unpin + 'static, impl AsyncWrite + Unpin + 'static); 2],
    near: &mut S,
    far: &mut S,
) {
    let bytes = pattern(number, some_length());
    let length = bytes.len() as u64;
    let talks = ends.map(|(reader, writer)| spawn(send_and_receive(bytes.clone(), reader, writer)));
    let copied = options().copy_bidirectional(near, far).await;
    assert_eq!(copied.expect("no error"), (length, length));
    for talk in talks {
        talk.await.expect("no panic");
    }
}

enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Stream {
    fn poll_send_file(
        &self,
        cx: &mut Context<'_>,
        file: &File,
        range: &mut Range<u64>,
    ) -> Poll<io::Result<usize>> {
        match self {
            Stream::Unix(stream) => stream.poll_send_file(cx, file, range),
            Stream::Tcp(stream) => stream.poll_send_file(cx, file, range),
        }
    }

    fn try_send_file(&self, file: &File, offset: u64, length: usize) -> io::Result<usize> {
        match self {
            Stream::Unix(stream) => stream.try_send_file(file, offset, length),
            Stream::Tcp(stream) => stream.try_send_file(file, offset, length),
        }
    }

    async fn send_file(&self, file: &File, range: impl RangeBounds<u64>) -> io::Result<u64> {
        match self {
            Stream::Unix(stream) => stream.send_file(file, range).await,
            Stream::Tcp(stream) => stream.send_file(file, range).await,
        }
    }

    async fn writable(&self) -> io::Result<()> {
        match self {
            Stream::Unix(stream) => stream.writable().await,
            Stream::Tcp(stream) => stream.writable().await,
        }
    }
}

/// A part of a file.
async fn of_a_file(number: u64, tcp: bool) {
    let path = TemporaryPath::new("schedules");
    let bytes = pattern(number, some_length());
    std::fs::write(path.as_ref(), &bytes).expect("a file that is new");
    let file = File::open(path.as_ref()).expect("it is there");
    let start = draw(bytes.len() as u64 / 2 + 1);
    let end = start + draw(bytes.len() as u64 - start + 1);
    let expected = bytes[start as usize..end as usize].to_vec();
    let (stream, mut peer): (_, Box<dyn AsyncRead + Unpin>) = if tcp && once_in(2) {
        let (one, other) = tcp_pair().await;
        (Stream::Tcp(one), Box::new(other))
    } else {
        let (one, other) = UnixStream::pair().expect("a pair");
        (Stream::Unix(one), Box::new(other))
    };
    let receives = spawn(async move { receive(&expected, &mut peer).await });
    send_in_parts(&stream, &file, start..end).await;
    let nothing = stream.send_file(&file, bytes.len() as u64..).await.expect("no error");
    assert_eq!(nothing, 0, "more than the file has");
    drop(stream);
    receives.await.expect("no panic");
}

async fn send_in_parts(stream: &Stream, file: &File, mut range: Range<u64>) {
    while !range.is_empty() {
        let left = range.end - range.start;
        let most = if once_in(3) { left } else { left.min(1 + draw(9000)) };
        let mut part = range.start..range.start + most;
        let sent = match draw(3) {
            0 => stream.send_file(file, part).await.expect("no error"),
            1 => {
                // However often it is given up, the range says how far it has come.
                let mut send =
                    async || poll_fn(|cx| stream.poll_send_file(cx, file, &mut part)).await;
                let sent = again(&mut send).await.expect("no error") as u64;
                assert_eq!(part, range.start + sent..range.start + most);
                sent
            }
            _ => loop {
                match stream.try_send_file(file, range.start, most as usize) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    sent => break sent.expect("no error") as u64,
                }
                again(|| stream.writable()).await.expect("no error");
            },
        };
        assert!((1..=most).contains(&sent), "{sent} of {most} bytes were sent");
        range.start += sent;
        pause().await;
    }
}
