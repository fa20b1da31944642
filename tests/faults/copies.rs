//! Bytes from one end to another: by a buffer, by splice, both ways at once, and out of a file.

use std::{io, net::Shutdown, sync::LazyLock};

use edgewake::{
    Runtime,
    io::{CopyMethod, CopyOptions},
    net::{TcpStream, UnixStream},
};
use futures::{AsyncReadExt, AsyncWriteExt};

use crate::{
    files,
    peer::pattern,
    sweep::{Outcomes, Scenario, drive, task},
    tcp,
};

pub(crate) static BUFFERED: Scenario =
    Scenario::of_streams("copy by a buffer", |runtime| one_way(runtime, CopyMethod::Buffer));
pub(crate) static SPLICED: Scenario =
    Scenario::of_streams("copy by splice", |runtime| one_way(runtime, CopyMethod::Splice));
pub(crate) static BOTH_WAYS: Scenario = Scenario::of_streams("copy both ways", |runtime| {
    drive(runtime, async { vec![both_ways().await] })
});
pub(crate) static FILES: Scenario = Scenario::of_streams("files", send_file);

const LENGTH: usize = 60_000;

/// What is sent one way, and the other. Made once: it takes as long as the run.
fn bytes(direction: usize) -> &'static [u8] {
    static BYTES: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| [1, 2].map(|s| pattern(s, LENGTH)));
    &BYTES[direction]
}

async fn connection() -> io::Result<(TcpStream, TcpStream)> {
    let (listener, address) = tcp::bound().await?;
    let (client, server) = futures::try_join!(TcpStream::connect(address), listener.accept())?;
    Ok((client, server.0))
}

/// What arrives until the end must be a beginning of what was sent. Returns how much it was.
async fn receive(mut from: impl futures::AsyncRead + Unpin, direction: usize) -> io::Result<usize> {
    let mut arrived = Vec::new();
    let outcome = from.read_to_end(&mut arrived).await;
    assert!(bytes(direction).starts_with(&arrived), "bytes are lost, doubled or mixed up");
    outcome.map(|_| arrived.len())
}

fn one_way(runtime: &Runtime, method: CopyMethod) -> Outcomes {
    drive(runtime, async {
        let run = async {
            let (source, from) = connection().await?;
            let (to, out) = UnixStream::pair()?;
            let mut writing = task(async move {
                let mut source = source;
                source.write_all(bytes(0)).await?;
                source.shutdown(Shutdown::Write)
            });
            let mut reading = task(receive(out, 0));
            let copied = async {
                let (mut from, mut to) = (from, to);
                CopyOptions::new().method(method).copy(&mut from, &mut to).await
            };
            let copied = copied.await;
            let read = reading.outcome().await.expect("nobody aborts it");
            let wrote = writing.outcome().await.expect("nobody aborts it");
            if let (Ok(copied), Ok(read), Ok(())) = (&copied, &read, &wrote) {
                assert_eq!((*copied, *read), (LENGTH as u64, LENGTH));
            }
            io::Result::Ok(vec![copied.map(drop), read.map(drop), wrote])
        };
        run.await.unwrap_or_else(|error| vec![Err(error)])
    })
}

async fn both_ways() -> io::Result<()> {
    let (client, mut a) = connection().await?;
    let (mut b, server) = UnixStream::pair()?;
    // Each sends and reads at once; the middle is dropped with the first error.
    let client_side = async {
        let (mut writer, reader) = (&client, &client);
        let write = async {
            writer.write_all(bytes(0)).await?;
            client.shutdown(Shutdown::Write)
        };
        futures::try_join!(write, receive(reader, 1)).map(|(_, count)| count)
    };
    let server_side = async {
        let (mut writer, reader) = (&server, &server);
        let write = async {
            writer.write_all(bytes(1)).await?;
            server.shutdown(Shutdown::Write)
        };
        futures::try_join!(write, receive(reader, 0)).map(|(_, count)| count)
    };
    let middle = edgewake::io::copy_bidirectional(&mut a, &mut b);
    let (middle, client, server) = futures::try_join!(middle, client_side, server_side)?;
    let all = LENGTH as u64;
    assert_eq!((middle, client, server), ((all, all), LENGTH, LENGTH));
    Ok(())
}

fn send_file(runtime: &Runtime) -> Outcomes {
    let file = files::file_with(bytes(0));
    drive(runtime, async {
        let run = async {
            let (stream, peer) = connection().await?;
            let mut reading = task(receive(peer, 0));
            let sent = async {
                // Moved in, so that its end is told whatever becomes of it.
                let stream = stream;
                stream.send_file(&file, ..).await
            };
            let sent = sent.await;
            let read = reading.outcome().await.expect("nobody aborts it");
            if let (Ok(sent), Ok(read)) = (&sent, &read) {
                assert_eq!((*sent, *read), (LENGTH as u64, LENGTH));
            }
            io::Result::Ok(vec![sent.map(drop), read.map(drop)])
        };
        run.await.unwrap_or_else(|error| vec![Err(error)])
    })
}
