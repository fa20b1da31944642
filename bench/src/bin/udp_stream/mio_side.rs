//! mio: one datagram a call, which is all its sockets can, in a loop of one's own.

use std::io::{self, ErrorKind};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};

use crate::stream::{self, Arrivals, MOST_SIZE, Plan};

/// A socket with what waits for it.
struct Door {
    socket: UdpSocket,
    poll: Poll,
    events: Events,
}

impl Door {
    fn new(socket: std::net::UdpSocket, direction: Interest) -> io::Result<Self> {
        let mut socket = UdpSocket::from_std(socket);
        let poll = Poll::new()?;
        poll.registry().register(&mut socket, Token(0), direction)?;
        Ok(Self { socket, poll, events: Events::with_capacity(1) })
    }

    /// Makes the call until it does not say `WouldBlock`, waiting in between.
    #[inline]
    fn call<T>(&mut self, mut call: impl FnMut(&UdpSocket) -> io::Result<T>) -> io::Result<T> {
        loop {
            match call(&self.socket) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
            self.poll.poll(&mut self.events, None)?;
        }
    }
}

pub(crate) fn send(socket: std::net::UdpSocket, plan: Plan) -> io::Result<u64> {
    let mut door = Door::new(socket, Interest::WRITABLE)?;
    let mut bytes = vec![0; plan.size];
    for number in 0..plan.datagrams {
        stream::number(&mut bytes, number);
        door.call(|socket| socket.send(&bytes))?;
    }
    Ok(0)
}

pub(crate) fn receive(socket: std::net::UdpSocket, arrivals: &mut Arrivals) -> io::Result<u64> {
    let mut door = Door::new(socket, Interest::READABLE)?;
    let mut bytes = vec![0; MOST_SIZE];
    while !arrivals.over() {
        let received = door.call(|socket| socket.recv(&mut bytes))?;
        arrivals.take(&bytes[..received])?;
    }
    Ok(0)
}
