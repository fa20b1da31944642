//! tokio: one datagram a call, which is all its sockets can.

use std::io;
use std::net::UdpSocket;

use tokio::runtime::{Builder, Runtime};

use crate::stream::{self, Arrivals, MOST_SIZE, Plan};

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_io().build()
}

pub(crate) fn send(socket: UdpSocket, plan: Plan) -> io::Result<u64> {
    runtime()?.block_on(async {
        let socket = tokio::net::UdpSocket::from_std(socket)?;
        let mut bytes = vec![0; plan.size];
        for number in 0..plan.datagrams {
            stream::number(&mut bytes, number);
            socket.send(&bytes).await?;
        }
        Ok(0)
    })
}

pub(crate) fn receive(socket: UdpSocket, arrivals: &mut Arrivals) -> io::Result<u64> {
    runtime()?.block_on(async {
        let socket = tokio::net::UdpSocket::from_std(socket)?;
        let mut bytes = vec![0; MOST_SIZE];
        while !arrivals.over() {
            let received = socket.recv(&mut bytes).await?;
            arrivals.take(&bytes[..received])?;
        }
        Ok(0)
    })
}
