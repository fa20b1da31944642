//! Sockets connected to the server; after that all transports are sent and received on alike.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use edgewake_bench::target::Target;

/// A blocking socket whose calls fail after `patience`.
pub(crate) fn blocking(target: &Target, patience: Duration) -> io::Result<OwnedFd> {
    let patience = Some(patience);
    Ok(match target {
        Target::Tcp(addr) => {
            let stream = tcp(*addr)?;
            stream.set_read_timeout(patience)?;
            stream.set_write_timeout(patience)?;
            stream.into()
        }
        Target::Udp(addr) => {
            let socket = udp(*addr)?;
            socket.set_read_timeout(patience)?;
            socket.set_write_timeout(patience)?;
            socket.into()
        }
        Target::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(patience)?;
            stream.set_write_timeout(patience)?;
            stream.into()
        }
    })
}

/// A non-blocking socket. It is connected blocking: on the loopback device the handshake is over
/// when connect(2) returns, and a non-blocking one would only add a wait.
pub(crate) fn non_blocking(target: &Target) -> io::Result<OwnedFd> {
    Ok(match target {
        Target::Tcp(addr) => {
            let stream = tcp(*addr)?;
            stream.set_nonblocking(true)?;
            stream.into()
        }
        Target::Udp(addr) => {
            let socket = udp(*addr)?;
            socket.set_nonblocking(true)?;
            socket.into()
        }
        Target::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_nonblocking(true)?;
            stream.into()
        }
    })
}

fn tcp(addr: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(addr)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn udp(addr: SocketAddr) -> io::Result<UdpSocket> {
    let any = match addr {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(addr)?;
    Ok(socket)
}
