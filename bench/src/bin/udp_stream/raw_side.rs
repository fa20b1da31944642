//! By hand: non-blocking sockets on epoll, in the three ways that the kernel offers.

use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::os::fd::AsFd;

use edgewake_bench::os::batch::Batch;
use edgewake_bench::os::epoll::{self, Epoll, Events};
use edgewake_bench::os::{segments, socket};

use crate::stream::{self, Arrivals, MOST_SIZE, Plan};

/// Datagrams of a batch.
const BATCH: usize = 64;

/// A socket with what waits for it, and the number of calls made.
struct Door {
    socket: UdpSocket,
    epoll: Epoll,
    events: Events,
    calls: u64,
}

impl Door {
    fn new(socket: UdpSocket, direction: u32) -> io::Result<Self> {
        let epoll = Epoll::new()?;
        epoll.add(socket.as_fd(), direction | epoll::ET, 0)?;
        Ok(Self { socket, epoll, events: Events::with_capacity(1), calls: 2 })
    }

    /// Makes the call until it does not say `WouldBlock`, waiting in between.
    #[inline]
    fn call<T>(&mut self, mut call: impl FnMut(&UdpSocket) -> io::Result<T>) -> io::Result<T> {
        loop {
            self.calls += 1;
            match call(&self.socket) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
            self.calls += 1;
            self.epoll.wait(&mut self.events, -1)?;
        }
    }
}

pub(crate) fn send_one_by_one(socket: UdpSocket, plan: Plan) -> io::Result<u64> {
    let mut door = Door::new(socket, epoll::OUT)?;
    let mut bytes = vec![0; plan.size];
    for number in 0..plan.datagrams {
        stream::number(&mut bytes, number);
        door.call(|socket| socket::send(socket.as_fd(), &bytes))?;
    }
    Ok(door.calls)
}

pub(crate) fn receive_one_by_one(socket: UdpSocket, arrivals: &mut Arrivals) -> io::Result<u64> {
    let mut door = Door::new(socket, epoll::IN)?;
    let mut bytes = vec![0; MOST_SIZE];
    while !arrivals.over() {
        let received = door.call(|socket| socket::recv(socket.as_fd(), &mut bytes))?;
        arrivals.take(&bytes[..received])?;
    }
    Ok(door.calls)
}

pub(crate) fn send_batches(socket: UdpSocket, plan: Plan) -> io::Result<u64> {
    let mut door = Door::new(socket, epoll::OUT)?;
    let mut batch = Batch::new(BATCH, plan.size);
    let mut next = 0;
    while next < plan.datagrams {
        let count = batch.slots().min(usize::try_from(plan.datagrams - next).unwrap_or(BATCH));
        for slot in 0..count {
            stream::number(batch.slot_mut(slot), next);
            next += 1;
        }
        let mut sent = 0;
        while sent < count {
            sent += door.call(|socket| batch.send(socket.as_fd(), sent..count))?;
        }
    }
    Ok(door.calls)
}

pub(crate) fn receive_batches(socket: UdpSocket, arrivals: &mut Arrivals) -> io::Result<u64> {
    let mut door = Door::new(socket, epoll::IN)?;
    let mut batch = Batch::new(BATCH, MOST_SIZE);
    while !arrivals.over() {
        let received = door.call(|socket| batch.recv(socket.as_fd()))?;
        for slot in 0..received {
            arrivals.take(batch.received(slot))?;
        }
    }
    Ok(door.calls)
}

pub(crate) fn send_segments(socket: UdpSocket, plan: Plan) -> io::Result<u64> {
    segments::send_in_segments(&socket, plan.size)?;
    let mut door = Door::new(socket, epoll::OUT)?;
    let most = (segments::MOST_BYTES / plan.size).clamp(1, segments::MOST_SEGMENTS);
    let mut bytes = vec![0; most * plan.size];
    let mut next = 0;
    while next < plan.datagrams {
        let count = most.min(usize::try_from(plan.datagrams - next).unwrap_or(most));
        let bytes = &mut bytes[..count * plan.size];
        for segment in bytes.chunks_exact_mut(plan.size) {
            stream::number(segment, next);
            next += 1;
        }
        door.call(|socket| socket::send(socket.as_fd(), bytes))?;
    }
    Ok(door.calls)
}

pub(crate) fn receive_segments(socket: UdpSocket, arrivals: &mut Arrivals) -> io::Result<u64> {
    segments::receive_segments(&socket)?;
    let mut door = Door::new(socket, epoll::IN)?;
    let mut bytes = vec![0; 64 * 1024];
    while !arrivals.over() {
        let (received, size) = door.call(|socket| segments::recv(socket.as_fd(), &mut bytes))?;
        for segment in bytes[..received].chunks(size.max(1)) {
            arrivals.take(segment)?;
        }
    }
    Ok(door.calls)
}
