//! Networks of streams: what is written at one end comes out at the other once and in order,
//! through echoes and relays, over Unix sockets, pipes and TCP, however often a read or a write is
//! given up and made again, with reads and writes of any size. Then every end learns of the
//! other's.

use std::{future::Future, pin::pin, task::Poll, time::Duration};

use edgewake::{
    io::{self, pipe},
    net::{TcpListener, TcpStream, UnixStream},
    time::{sleep, timeout},
    yield_now,
};
use edgewake_sys::faults::schedule;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, future::poll_fn};

use crate::{
    peer::pattern,
    run::{draw, drive, once_in},
    tracked::spawn,
};

/// Over Unix sockets and pipes.
pub(crate) fn local() {
    drive(async {
        let count = 1 + draw(3);
        let tasks: Vec<_> = (0..count)
            .map(|number| match draw(3) {
                0 => spawn(echo_over_sockets(number)),
                1 => spawn(through_pipes(number)),
                _ => spawn(both_ways(number)),
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }
    });
}

/// Over TCP: connections that are accepted while others are served.
pub(crate) fn tcp() {
    drive(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let count = 1 + draw(3);
        let server = spawn(async move {
            let mut serving = Vec::new();
            for _ in 0..count {
                let (stream, _) = again(|| listener.accept()).await.expect("no error");
                serving.push(spawn(echo(stream.into_split())));
            }
            for one in serving {
                one.await.expect("no panic");
            }
        });
        let clients: Vec<_> = (0..count)
            .map(|number| {
                spawn(async move {
                    let stream = TcpStream::connect(address).await.expect("it listens");
                    let (reader, writer) = stream.into_split();
                    send_and_receive(pattern(number, some_length()), reader, writer).await;
                })
            })
            .collect();
        for client in clients {
            client.await.expect("no panic");
        }
        server.await.expect("no panic");
    });
}

async fn echo_over_sockets(number: u64) {
    let (client, server) = UnixStream::pair().expect("a pair");
    let server = spawn(echo(server.into_split()));
    let (reader, writer) = client.into_split();
    send_and_receive(pattern(number, some_length()), reader, writer).await;
    server.await.expect("no panic");
}

/// Both ends write and read, in tasks of their own each.
async fn both_ways(number: u64) {
    let (one, other) = UnixStream::pair().expect("a pair");
    let length = some_length();
    let ends = [one, other].map(|end| {
        let (reader, writer) = end.into_split();
        spawn(send_and_receive(pattern(number, length), reader, writer))
    });
    for end in ends {
        end.await.expect("no panic");
    }
}

/// From one pipe into the next.
async fn through_pipes(number: u64) {
    let (writer, mut last) = pipe::pipe().expect("a pipe");
    let mut relays = Vec::new();
    for _ in 0..draw(3) {
        let (mut into, next) = pipe::pipe().expect("a pipe");
        let mut from = std::mem::replace(&mut last, next);
        relays.push(spawn(async move {
            relay(&mut from, &mut into).await;
            into.close().await.expect("no error");
        }));
    }
    send_and_receive(pattern(number, some_length()), last, writer).await;
    for relay in relays {
        relay.await.expect("no panic");
    }
}

fn some_length() -> usize {
    if once_in(6) { 70_000 } else { draw(6000) as usize }
}

/// Writes what nobody else writes, and reads until the end what must be the same.
pub(crate) async fn send_and_receive(
    bytes: Vec<u8>,
    mut reader: impl AsyncRead + Unpin + 'static,
    mut writer: impl AsyncWrite + Unpin + 'static,
) {
    let expected = bytes.clone();
    let write = spawn(async move {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let most = rest.len().min(1 + draw(8000) as usize);
            let count = again_write(&mut writer, &rest[..most]).await.expect("no error");
            assert!((1..=most).contains(&count), "{count} of {most} bytes were written");
            rest = &rest[count..];
            pause().await;
        }
        writer.close().await.expect("no error");
        writer
    });
    receive(&expected, &mut reader).await;
    drop(write.await.expect("no panic"));
}

/// Reads until the end what must be these bytes.
pub(crate) async fn receive(expected: &[u8], reader: &mut (impl AsyncRead + Unpin)) {
    let mut received = Vec::new();
    loop {
        let count = read_some(reader, &mut received).await;
        assert!(expected.starts_with(&received), "a byte is lost, repeated or out of order");
        if count == 0 {
            break;
        }
        pause().await;
    }
    assert_eq!(received.len(), expected.len(), "bytes are lost");
}

async fn echo(
    (mut reader, mut writer): (impl AsyncRead + Unpin + 'static, impl AsyncWrite + Unpin + 'static),
) {
    relay(&mut reader, &mut writer).await;
    writer.close().await.expect("no error");
}

/// By hand, or as the library does it: by a buffer, or by splice(2).
async fn relay(
    from: &mut (impl AsyncRead + Unpin + 'static),
    into: &mut (impl AsyncWrite + Unpin + 'static),
) {
    if once_in(2) {
        io::copy(from, into).await.expect("no error");
        return;
    }
    let mut room = Vec::new();
    loop {
        room.clear();
        if read_some(from, &mut room).await == 0 {
            return;
        }
        into.write_all(&room).await.expect("no error");
    }
}

/// Appends what one read brings, perhaps given up several times before.
async fn read_some(from: &mut (impl AsyncRead + Unpin), into: &mut Vec<u8>) -> usize {
    let mut room = vec![0; 1 + draw(3000) as usize];
    let count = loop {
        if !once_in(3) {
            break from.read(&mut room).await.expect("no error");
        }
        match give_up(from.read(&mut room)).await {
            Some(count) => break count.expect("no error"),
            None => pause().await,
        }
    };
    into.extend_from_slice(&room[..count]);
    count
}

async fn again_write(into: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> std::io::Result<usize> {
    loop {
        if !once_in(3) {
            return into.write(bytes).await;
        }
        if let Some(outcome) = give_up(into.write(bytes)).await {
            return outcome;
        }
        pause().await;
    }
}

/// Awaits what `make` makes, perhaps given up several times before.
pub(crate) async fn again<T>(mut make: impl AsyncFnMut() -> T) -> T {
    loop {
        if !once_in(3) {
            return make().await;
        }
        if let Some(output) = give_up(make()).await {
            return output;
        }
        pause().await;
    }
}

/// Polls a future some times, or for some time, and drops it if it is not ready then.
async fn give_up<F: Future>(future: F) -> Option<F::Output> {
    if once_in(2) {
        let patience = Duration::from_micros(draw(300));
        return timeout(patience, future).await.ok();
    }
    let mut future = pin!(future);
    let mut polls = 1 + draw(3);
    poll_fn(|cx| {
        polls -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if polls == 0 => Poll::Ready(None),
            Poll::Pending => {
                // Whoever polls without being woken polls on.
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    })
    .await
}

/// Now and then lets others run, or time go by.
pub(crate) async fn pause() {
    match draw(12) {
        0 => yield_now().await,
        1 => {
            let until = schedule::now() + Duration::from_micros(draw(2000));
            sleep(until - schedule::now()).await;
            assert!(schedule::now() >= until, "a sleep ended early");
        }
        _ => {}
    }
}
