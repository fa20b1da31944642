//! edgewake: the same three ways, through its sockets.
//!
//! Each send and receive is one system call, but for waits, which are not counted here.

use std::io;
use std::net;

use bytes::{Bytes, BytesMut};
use edgewake::Runtime;
use edgewake::net::UdpSocket;
use edgewake::net::udp::{RecvBatch, SendBatch};
use edgewake_bench::os::segments::MOST_BYTES;

use crate::stream::{self, Arrivals, MOST_SIZE, Plan};

/// Datagrams of a batch, and messages of joined ones.
const BATCH: usize = 64;
const JOINED: usize = 8;

pub(crate) fn send_one_by_one(socket: net::UdpSocket, plan: Plan) -> io::Result<u64> {
    Runtime::new()?.block_on(async {
        let socket = UdpSocket::from_std(socket)?;
        let mut bytes = vec![0; plan.size];
        for number in 0..plan.datagrams {
            stream::number(&mut bytes, number);
            socket.send(&bytes).await?;
        }
        Ok(plan.datagrams)
    })
}

pub(crate) fn receive_one_by_one(
    socket: net::UdpSocket,
    arrivals: &mut Arrivals,
) -> io::Result<u64> {
    Runtime::new()?.block_on(async {
        let socket = UdpSocket::from_std(socket)?;
        let mut bytes = vec![0; MOST_SIZE];
        let mut calls = 0;
        while !arrivals.over() {
            let received = socket.recv(&mut bytes).await?;
            calls += 1;
            arrivals.take(&bytes[..received])?;
        }
        Ok(calls)
    })
}

/// The next datagrams, one behind the other, in memory that is used again once they are sent.
fn numbered(memory: &mut BytesMut, size: usize, numbers: std::ops::Range<u64>) -> Bytes {
    let length = size * (numbers.end - numbers.start) as usize;
    memory.reserve(length);
    memory.resize(length, 0);
    for (datagram, number) in memory.chunks_exact_mut(size).zip(numbers) {
        stream::number(datagram, number);
    }
    memory.split().freeze()
}

pub(crate) fn send_batches(socket: net::UdpSocket, plan: Plan) -> io::Result<u64> {
    Runtime::new()?.block_on(async {
        let socket = UdpSocket::from_std(socket)?;
        let (mut memory, mut batch) = (BytesMut::new(), SendBatch::new());
        let (mut next, mut calls) = (0, 0);
        while next < plan.datagrams {
            let end = plan.datagrams.min(next + BATCH as u64);
            let mut payload = numbered(&mut memory, plan.size, next..end);
            next = end;
            while !payload.is_empty() {
                batch.push_to_peer(payload.split_to(plan.size));
            }
            while !batch.is_empty() {
                socket.send_batch(&mut batch).await?;
                calls += 1;
            }
        }
        Ok(calls)
    })
}

pub(crate) fn send_segments(socket: net::UdpSocket, plan: Plan) -> io::Result<u64> {
    Runtime::new()?.block_on(async {
        let socket = UdpSocket::from_std(socket)?;
        let most = (MOST_BYTES / plan.size).clamp(1, socket.max_segments()) as u64;
        let segment = u16::try_from(plan.size).map_err(io::Error::other)?;
        let (mut memory, mut batch) = (BytesMut::new(), SendBatch::new());
        let (mut next, mut calls) = (0, 0);
        while next < plan.datagrams {
            let end = plan.datagrams.min(next + most);
            let payload = numbered(&mut memory, plan.size, next..end);
            next = end;
            batch.push_to_peer(payload).segment_size(segment);
            while !batch.is_empty() {
                socket.send_batch(&mut batch).await?;
                calls += 1;
            }
        }
        Ok(calls)
    })
}

pub(crate) fn receive_batches(socket: net::UdpSocket, arrivals: &mut Arrivals) -> io::Result<u64> {
    Runtime::new()?.block_on(async {
        let socket = UdpSocket::from_std(socket)?;
        receive(&socket, RecvBatch::new(BATCH, MOST_SIZE), arrivals).await
    })
}

pub(crate) fn receive_segments(socket: net::UdpSocket, arrivals: &mut Arrivals) -> io::Result<u64> {
    Runtime::new()?.block_on(async {
        let socket = UdpSocket::from_std(socket)?;
        socket.set_gro(true)?;
        receive(&socket, RecvBatch::new(JOINED, MOST_SIZE), arrivals).await
    })
}

async fn receive(
    socket: &UdpSocket,
    mut batch: RecvBatch,
    arrivals: &mut Arrivals,
) -> io::Result<u64> {
    let mut calls = 0;
    while !arrivals.over() {
        socket.recv_batch(&mut batch).await?;
        calls += 1;
        for message in &batch {
            for datagram in message.segments() {
                arrivals.take(datagram)?;
            }
        }
    }
    Ok(calls)
}
