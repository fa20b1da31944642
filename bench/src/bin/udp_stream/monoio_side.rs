//! monoio, on its epoll driver and on its io_uring one: one datagram an operation, which takes the
//! buffer along.

use std::io;
use std::net::UdpSocket;

use monoio::{IoUringDriver, LegacyDriver, RuntimeBuilder};

use crate::stream::{self, Arrivals, MOST_SIZE, Plan};

async fn send(socket: UdpSocket, plan: Plan) -> io::Result<u64> {
    let socket = monoio::net::udp::UdpSocket::from_std(socket)?;
    let mut bytes = vec![0; plan.size];
    for number in 0..plan.datagrams {
        stream::number(&mut bytes, number);
        let (outcome, back) = socket.send(bytes).await;
        outcome?;
        bytes = back;
    }
    Ok(0)
}

async fn receive(socket: UdpSocket, arrivals: &mut Arrivals) -> io::Result<u64> {
    let socket = monoio::net::udp::UdpSocket::from_std(socket)?;
    let mut bytes = vec![0; MOST_SIZE];
    while !arrivals.over() {
        let (outcome, back) = socket.recv(bytes).await;
        bytes = back;
        arrivals.take(&bytes[..outcome?])?;
    }
    Ok(0)
}

pub(crate) fn send_by_epoll(socket: UdpSocket, plan: Plan) -> io::Result<u64> {
    RuntimeBuilder::<LegacyDriver>::new().build()?.block_on(send(socket, plan))
}

pub(crate) fn receive_by_epoll(socket: UdpSocket, arrivals: &mut Arrivals) -> io::Result<u64> {
    RuntimeBuilder::<LegacyDriver>::new().build()?.block_on(receive(socket, arrivals))
}

pub(crate) fn send_by_uring(socket: UdpSocket, plan: Plan) -> io::Result<u64> {
    // io_uring waits by itself, but says EAGAIN of a socket that is non-blocking.
    socket.set_nonblocking(false)?;
    RuntimeBuilder::<IoUringDriver>::new().build()?.block_on(send(socket, plan))
}

pub(crate) fn receive_by_uring(socket: UdpSocket, arrivals: &mut Arrivals) -> io::Result<u64> {
    socket.set_nonblocking(false)?;
    RuntimeBuilder::<IoUringDriver>::new().build()?.block_on(receive(socket, arrivals))
}
