//! Echo over TCP: bytes in pieces of all sizes, both ends on one thread, options and names asked.

use std::{
    io::{self, IoSlice, IoSliceMut},
    net::{Shutdown, SocketAddr},
};

use edgewake::{
    Runtime,
    net::{TcpListener, TcpStream},
};
use futures::{AsyncReadExt, AsyncWriteExt};

use crate::{
    peer::pattern,
    streams::{come_back, echo_back},
    sweep::{Outcomes, Scenario, both, drive},
};

pub(crate) static ECHO: Scenario = Scenario::of_streams("TCP echo", run);

fn run(runtime: &Runtime) -> Outcomes {
    drive(runtime, async {
        let (listener, address) = match bound().await {
            Ok(bound) => bound,
            Err(error) => return vec![Err(error)],
        };
        both(echo(address), async move { serve(listener.accept().await?.0).await }).await
    })
}

pub(crate) async fn bound() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

pub(crate) async fn serve(stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    echo_back(stream).await
}

async fn echo(address: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    assert_eq!(stream.peer_addr()?, address);
    come_back(&stream, &[(1, 1), (2, 3000), (3, 20_000)]).await?;
    vectored(&stream).await?;
    stream.shutdown(Shutdown::Write)?;
    assert_eq!(stream.read(&mut [0; 8]).await?, 0, "nothing comes after the end");
    Ok(())
}

/// The same with several buffers a call.
async fn vectored(stream: &TcpStream) -> io::Result<()> {
    let (mut reader, mut writer) = (stream, stream);
    let message = pattern(4, 60);
    let mut sent = 0;
    while sent < message.len() {
        let rest = &message[sent..];
        let (front, back) = rest.split_at(rest.len() / 2);
        sent += writer.write_vectored(&[IoSlice::new(front), IoSlice::new(back)]).await?;
    }
    let mut back: Vec<u8> = Vec::new();
    while back.len() < message.len() {
        let (mut front, mut rear) = ([0; 7], [0; 60]);
        let mut room = [IoSliceMut::new(&mut front), IoSliceMut::new(&mut rear)];
        let count = reader.read_vectored(&mut room).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        back.extend(front.iter().chain(&rear).take(count));
    }
    assert_eq!(back, message);
    Ok(())
}
