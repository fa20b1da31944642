//! Unix sockets: echo over a stream and a packet connection by path, datagrams, descriptors beside
//! the bytes, and a listener's whole life with its file.

use std::{io, os::fd::AsFd, os::unix::net as std_net};

use edgewake::{
    Runtime,
    net::{UnixDatagram, UnixSeqpacket, UnixStream, unix::UnixBind},
};
use futures::{AsyncReadExt, AsyncWriteExt};

use crate::{
    peer::pattern,
    sweep::{Outcomes, Scenario, both, drive},
    unix::SocketPath,
};

pub(crate) static ECHO: Scenario = Scenario::of_streams("Unix stream echo", stream);
pub(crate) static MESSAGES: Scenario = Scenario::new("Unix messages", messages);
pub(crate) static DESCRIPTORS: Scenario = Scenario::new("descriptor passing", descriptors);

fn stream(runtime: &Runtime) -> Outcomes {
    let path = SocketPath::new();
    drop(std_net::UnixListener::bind(&*path).expect("a socket that dies"));
    let outcomes = drive(runtime, async {
        let bind = UnixBind::new().unlink_before(true).unlink_after(true).mode(0o600);
        let listener = match bind.listener(&*path) {
            Ok(listener) => listener,
            Err(error) => return vec![Err(error)],
        };
        both(echo(&path), async move { serve(listener.accept().await?.0).await }).await
    });
    if !outcomes.is_empty() && outcomes.iter().all(|outcome| outcome.is_ok()) {
        assert!(!path.exists(), "the socket's file is left");
    }
    outcomes
}

async fn serve(mut stream: UnixStream) -> io::Result<()> {
    let mut room = [0; 4096];
    loop {
        match stream.read(&mut room).await? {
            0 => return stream.close().await,
            count => stream.write_all(&room[..count]).await?,
        }
    }
}

async fn echo(path: &SocketPath) -> io::Result<()> {
    let mut stream = UnixStream::connect(&**path).await?;
    let _who = stream.peer_credentials()?;
    for (seed, length) in [(1, 1), (2, 20_000)] {
        let message = pattern(seed, length);
        let mut back = vec![0; length];
        let (mut reader, mut writer) = (&stream, &stream);
        let read = async { reader.read_exact(&mut back).await };
        futures::try_join!(writer.write_all(&message), read)?;
        assert!(back == message, "message {seed} came back changed");
    }
    stream.close().await?;
    assert_eq!(stream.read(&mut [0; 8]).await?, 0, "nothing comes after the end");
    Ok(())
}

fn messages(runtime: &Runtime) -> Outcomes {
    let (path, here) = (SocketPath::new(), SocketPath::new());
    drive(runtime, async {
        let listener = match UnixBind::new().unlink_after(true).seqpacket_listener(&*path) {
            Ok(listener) => listener,
            Err(error) => return vec![Err(error)],
        };
        let server = async move {
            let (peer, _) = listener.accept().await?;
            let mut room = [0; 64];
            loop {
                match peer.recv(&mut room).await? {
                    0 => return Ok(()),
                    length => assert_eq!(peer.send(&room[..length]).await?, length),
                };
            }
        };
        let mut outcomes = both(packets(&path), server).await;
        outcomes.push(datagrams(&here).await);
        outcomes
    })
}

/// Ten messages, each at once, in order.
async fn packets(path: &SocketPath) -> io::Result<()> {
    let peer = UnixSeqpacket::connect(&**path).await?;
    for number in 1..=10 {
        let message = pattern(number, number as usize);
        peer.send(&message).await?;
        let mut room = [0; 64];
        let length = peer.recv(&mut room).await?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        assert_eq!(room[..length], message);
    }
    Ok(())
}

async fn datagrams(path: &SocketPath) -> io::Result<()> {
    let receiver = UnixBind::new().unlink_after(true).datagram(&**path)?;
    let sender = UnixDatagram::unbound()?;
    let mut room = [0; 64];
    for number in 1..=5 {
        let message = pattern(number, number as usize);
        let send = sender.send_to(&message, &**path);
        let (_, (length, _)) = futures::try_join!(send, receiver.recv_from(&mut room))?;
        assert_eq!(room[..length], message);
    }
    sender.connect(&**path)?;
    let (sent, received) = futures::try_join!(sender.send(b"last"), receiver.recv(&mut room))?;
    assert_eq!((sent, &room[..received]), (4, &b"last"[..]));
    Ok(())
}

fn descriptors(runtime: &Runtime) -> Outcomes {
    drive(runtime, async {
        let (taker, giver) = match UnixStream::pair() {
            Ok(pair) => pair,
            Err(error) => return vec![Err(error)],
        };
        let server = async move {
            assert_eq!(word(&taker).await?, 2, "descriptors got lost");
            (&taker).write_all(b"thanks").await
        };
        both(give(giver), server).await
    })
}

/// Receives a word and the descriptors beside it.
async fn word(stream: &UnixStream) -> io::Result<usize> {
    let (mut buffer, mut fds) = ([0; 16], Vec::new());
    let mut length = 0;
    while length < 4 {
        let received = stream.recv_with_fds(&mut buffer, &mut fds).await?;
        if received.length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        length += received.length;
    }
    Ok(fds.len())
}

async fn give(mut stream: UnixStream) -> io::Result<()> {
    let fds = [stream.as_fd(), stream.as_fd()];
    assert_eq!(stream.send_with_fds(b"take", &fds).await?, 4);
    let mut answer = [0; 6];
    stream.read_exact(&mut answer).await?;
    assert_eq!(&answer, b"thanks");
    let (here, there) = UnixDatagram::pair()?;
    for _ in 0..3 {
        here.send_with_fds(b"datagram", &[stream.as_fd()]).await?;
        let (mut buffer, mut fds) = ([0; 16], Vec::new());
        assert_eq!(there.recv_with_fds(&mut buffer, &mut fds).await?.length, 8);
        assert_eq!(fds.len(), 1, "a descriptor got lost");
    }
    Ok(())
}
