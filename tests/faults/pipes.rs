//! Pipes and FIFOs: bytes until the end, each end learning of the other's, and what one may ask.

use std::{io, os::fd::OwnedFd};

use edgewake::{
    Runtime,
    io::pipe::{self, OpenOptions, Receiver, Sender},
};
use futures::{AsyncReadExt, AsyncWriteExt};

use crate::{
    os::TemporaryPath,
    peer::pattern,
    sweep::{Outcomes, Scenario, drive},
};

pub(crate) static PIPES: Scenario =
    Scenario::of_streams("pipes", |runtime| drive(runtime, async { vec![pipes().await] }));
pub(crate) static PACKETS: Scenario =
    Scenario::new("packet pipes", |runtime| drive(runtime, async { vec![packets().await] }));
pub(crate) static FIFOS: Scenario = Scenario::of_streams("FIFOs", fifos);

async fn pipes() -> io::Result<()> {
    let (sender, receiver) = pipe::pipe()?;
    assert!(sender.capacity()? > 0);
    let room = sender.set_capacity(8192)?;
    assert!(room >= 8192);
    through(sender, receiver).await?;
    let (sender, receiver) = pipe::pipe()?;
    let mut sender = Sender::try_from(OwnedFd::from(sender))?;
    assert_eq!(receiver.available()?, 0);
    let count = sender.write_vectored(&parts()).await?;
    let mut read = 0;
    while read < count {
        let (mut front, mut rear) = ([0; 4], [0; 16]);
        let mut rooms = [io::IoSliceMut::new(&mut front), io::IoSliceMut::new(&mut rear)];
        let length = (&receiver).read_vectored(&mut rooms).await?;
        let bytes: Vec<u8> = front.into_iter().chain(rear).take(length).collect();
        assert_eq!(bytes, b"one packet"[read..read + length]);
        read += length;
    }
    drop(sender);
    assert_eq!((&receiver).read(&mut [0; 8]).await?, 0);
    Ok(())
}

fn parts() -> [io::IoSlice<'static>; 2] {
    [io::IoSlice::new(b"one "), io::IoSlice::new(b"packet")]
}

/// Each packet is read at once, or its rest is lost: so no count may come short here.
async fn packets() -> io::Result<()> {
    let (mut sender, mut receiver) = pipe::packet_pipe()?;
    for _ in 0..3 {
        assert_eq!(sender.write_vectored(&parts()[1..]).await?, 6);
        assert_eq!(sender.write(b"next").await?, 4);
        let mut room = [0; 16];
        assert_eq!(receiver.read(&mut room).await?, 6);
        assert_eq!(&room[..6], b"packet");
        assert_eq!(receiver.read(&mut room).await?, 4);
        assert_eq!(&room[..4], b"next");
    }
    Ok(())
}

fn fifos(runtime: &Runtime) -> Outcomes {
    let path = TemporaryPath::fifo("sweep");
    drive(runtime, async {
        let run = async {
            let receiver = async { OpenOptions::new().open_receiver(&path) };
            let sender = OpenOptions::new();
            let sender = sender.open_sender_when_read(&path);
            let (sender, receiver) = futures::try_join!(sender, receiver)?;
            through(sender, receiver).await
        };
        vec![run.await]
    })
}

const LENGTH: usize = 70_000;

/// Bytes through both ends until the sender closes, and each learns of the other's end.
async fn through(mut sender: Sender, receiver: Receiver) -> io::Result<()> {
    let bytes = pattern(1, LENGTH);
    let mut received: Vec<u8> = Vec::new();
    let write = async {
        sender.write_all(&bytes).await?;
        sender.close().await
    };
    let read = async {
        loop {
            received.reserve(20_000);
            if receiver.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
        }
    };
    let outcome = futures::try_join!(write, read);
    assert!(bytes.starts_with(&received), "a byte is lost or repeated");
    outcome?;
    assert_eq!(received.len(), bytes.len(), "bytes are lost");
    receiver.closed().await?;
    assert_eq!((&receiver).read(&mut [0; 8]).await?, 0);
    drop(receiver);
    sender.closed().await
}
