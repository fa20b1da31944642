//! Unix sockets: echo over a stream and a packet connection by path, datagrams, descriptors beside
//! the bytes, and a listener's whole life with its file.

use std::{io, os::unix::net as std_net};

use edgewake::{
    Runtime,
    net::{UnixDatagram, UnixSeqpacket, UnixStream, unix::UnixBind},
};
use futures::{AsyncReadExt, AsyncWriteExt};

use crate::{
    peer::pattern,
    streams::{come_back, echo_back},
    sweep::{Outcomes, Scenario, both, drive},
    unix::SocketPath,
    unix_descriptors::{give, take},
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
        both(echo(&path), async move { echo_back(listener.accept().await?.0).await }).await
    });
    if !outcomes.is_empty() && outcomes.iter().all(|outcome| outcome.is_ok()) {
        assert!(!path.exists(), "the socket's file is left");
    }
    outcomes
}

async fn echo(path: &SocketPath) -> io::Result<()> {
    let mut stream = UnixStream::connect(&**path).await?;
    let _who = stream.peer_credentials()?;
    come_back(&stream, &[(1, 1), (2, 20_000)]).await?;
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
        both(give(giver), async move { take(&taker).await }).await
    })
}
