//! The ways to send, and to receive, many datagrams.

use std::{fmt, io, time::Instant};

use bytes::{Bytes, BytesMut};
use edgewake::net::{
    UdpSocket,
    udp::{RecvBatch, SendBatch},
};

use crate::arrivals::{Arrivals, NUMBER};

/// As many bytes as go into one message that the kernel cuts: a datagram's most over IPv4.
const MESSAGE: usize = 65_507;

/// Messages of joined datagrams that are received at once.
const JOINED: usize = 8;

/// Between two looks at the clock, where one datagram is sent a call.
const BETWEEN_LOOKS: u64 = 64;

/// A way to send and to receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// One datagram a system call.
    Single,
    /// Many datagrams a system call.
    Batches,
    /// Many datagrams a message, cut by the kernel as late, and joined as early, as it can.
    Segments,
}

impl Way {
    pub(crate) const ALL: [Way; 3] = [Way::Single, Way::Batches, Way::Segments];
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Way::Single => "single",
            Way::Batches => "batches",
            Way::Segments => "segments",
        })
    }
}

/// What a sender has done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) datagrams: u64,
    pub(crate) calls: u64,
}

/// Sends to the socket's peer until `end`.
pub(crate) async fn send(
    way: Way,
    socket: &UdpSocket,
    size: usize,
    batch: usize,
    end: Instant,
) -> io::Result<Sent> {
    match way {
        Way::Single => send_single(socket, size, end).await,
        Way::Batches => send_batches(socket, size, batch, end).await,
        Way::Segments => send_segments(socket, size, end).await,
    }
}

async fn send_single(socket: &UdpSocket, size: usize, end: Instant) -> io::Result<Sent> {
    let mut datagram = vec![0; size];
    let mut number: u64 = 0;
    while number % BETWEEN_LOOKS != 0 || Instant::now() < end {
        datagram[..NUMBER].copy_from_slice(&number.to_le_bytes());
        socket.send(&datagram).await?;
        number += 1;
    }
    Ok(Sent { datagrams: number, calls: number })
}

async fn send_batches(
    socket: &UdpSocket,
    size: usize,
    count: usize,
    end: Instant,
) -> io::Result<Sent> {
    let mut supply = Supply::new(size, count);
    let mut batch = SendBatch::new();
    let mut calls = 0;
    while Instant::now() < end {
        let mut payload = supply.numbered(count);
        while !payload.is_empty() {
            batch.push_to_peer(payload.split_to(size));
        }
        while !batch.is_empty() {
            socket.send_batch(&mut batch).await?;
            calls += 1;
        }
    }
    Ok(Sent { datagrams: supply.next, calls })
}

async fn send_segments(socket: &UdpSocket, size: usize, end: Instant) -> io::Result<Sent> {
    let count = socket.max_segments().min(MESSAGE / size);
    if count == 1 {
        let sentence = "this system does not cut messages into segments";
        return Err(io::Error::new(io::ErrorKind::Unsupported, sentence));
    }
    let segment = u16::try_from(size).expect("the command line has checked it");
    let mut supply = Supply::new(size, count);
    let mut batch = SendBatch::new();
    let mut calls = 0;
    while Instant::now() < end {
        batch.push_to_peer(supply.numbered(count)).segment_size(segment);
        socket.send_batch(&mut batch).await?;
        calls += 1;
    }
    Ok(Sent { datagrams: supply.next, calls })
}

/// Datagrams with numbers, one behind the other in memory that is used again once they are sent.
struct Supply {
    memory: BytesMut,
    size: usize,
    next: u64,
}

impl Supply {
    fn new(size: usize, count: usize) -> Supply {
        Supply { memory: BytesMut::with_capacity(size * count), size, next: 0 }
    }

    fn numbered(&mut self, count: usize) -> Bytes {
        // Takes the memory back when nothing refers to it any more: after every send.
        self.memory.reserve(count * self.size);
        self.memory.resize(count * self.size, 0);
        for datagram in self.memory.chunks_exact_mut(self.size) {
            datagram[..NUMBER].copy_from_slice(&self.next.to_le_bytes());
            self.next += 1;
        }
        self.memory.split().freeze()
    }
}

/// Receives until the end mark.
pub(crate) async fn receive(
    way: Way,
    socket: &UdpSocket,
    size: usize,
    batch: usize,
    arrivals: &mut Arrivals,
) -> io::Result<()> {
    match way {
        Way::Single => receive_single(socket, size, arrivals).await,
        // With room to notice a datagram that is too long.
        Way::Batches => receive_batches(socket, RecvBatch::new(batch, size + 1), arrivals).await,
        Way::Segments => {
            socket.set_gro(true)?;
            receive_batches(socket, RecvBatch::new(JOINED, MESSAGE), arrivals).await
        }
    }
}

async fn receive_single(
    socket: &UdpSocket,
    size: usize,
    arrivals: &mut Arrivals,
) -> io::Result<()> {
    let mut datagram = vec![0; size + 1];
    while !arrivals.over {
        let length = socket.recv(&mut datagram).await?;
        arrivals.calls += 1;
        arrivals.take(&datagram[..length])?;
    }
    Ok(())
}

async fn receive_batches(
    socket: &UdpSocket,
    mut batch: RecvBatch,
    arrivals: &mut Arrivals,
) -> io::Result<()> {
    while !arrivals.over {
        socket.recv_batch(&mut batch).await?;
        arrivals.calls += 1;
        for message in &batch {
            // Without GRO each message is one segment.
            for datagram in message.segments() {
                arrivals.take(datagram)?;
            }
        }
    }
    Ok(())
}
