//! smol: one datagram a call, which is all its sockets can.

use std::io;
use std::net::UdpSocket;

use smol::Async;

use crate::stream::{self, Arrivals, MOST_SIZE, Plan};

pub(crate) fn send(socket: UdpSocket, plan: Plan) -> io::Result<u64> {
    smol::block_on(async {
        let socket = Async::new_nonblocking(socket)?;
        let mut bytes = vec![0; plan.size];
        for number in 0..plan.datagrams {
            stream::number(&mut bytes, number);
            socket.send(&bytes).await?;
        }
        Ok(0)
    })
}

pub(crate) fn receive(socket: UdpSocket, arrivals: &mut Arrivals) -> io::Result<u64> {
    smol::block_on(async {
        let socket = Async::new_nonblocking(socket)?;
        let mut bytes = vec![0; MOST_SIZE];
        while !arrivals.over() {
            let received = socket.recv(&mut bytes).await?;
            arrivals.take(&bytes[..received])?;
        }
        Ok(0)
    })
}
