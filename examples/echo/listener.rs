//! What the server listens on: binding, its name, and serving whoever comes.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    rc::Rc,
};

use edgewake::net::{TcpListener, TcpSocket, UdpSocket, UnixListener, unix::UnixBind};

use crate::{
    arguments::Arguments,
    common::place::{Name, Place},
    connection::{self, Manner, Server},
    datagrams,
};

/// Connections the kernel keeps until they are accepted; Linux cuts it at `net.core.somaxconn`.
const BACKLOG: u32 = 4096;

/// Datagrams that may wait while something else has the processor, in bytes. Linux cuts it at
/// `net.core.rmem_max`.
const RECEIVE_BUFFER: usize = 4 << 20;

/// A bound socket.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Udp(UdpSocket),
    Unix(UnixListener),
}

impl Listener {
    pub(crate) fn bind(place: &Place, arguments: &Arguments) -> Result<Listener, String> {
        let bound = match place {
            Place::Tcp(address) => listen_tcp(*address, arguments.nodelay).map(Listener::Tcp),
            Place::Udp(address) => bind_udp(*address).map(Listener::Udp),
            Place::Unix(address) => {
                // Whom a crash has left behind must not keep us out; who lives does.
                let bind = UnixBind::new().unlink_before(true).unlink_after(true);
                bind.backlog(BACKLOG).listener(*address).map(Listener::Unix)
            }
        };
        bound.map_err(|error| describe_bind(place, &error))
    }

    /// Where it listens, with the port that the kernel chose.
    pub(crate) fn place(&self) -> io::Result<Place> {
        match self {
            Listener::Tcp(listener) => listener.local_addr().map(Place::Tcp),
            Listener::Udp(socket) => socket.local_addr().map(Place::Udp),
            Listener::Unix(listener) => listener.local_addr().map(Place::Unix),
        }
    }

    /// Serves until that fails for good: a connection that died in the queue is passed over, and at
    /// the limit of descriptors `accept` waits.
    pub(crate) async fn serve(self, server: Rc<Server>) -> io::Error {
        match self {
            Listener::Udp(socket) if server.manner() == Manner::Buffered => {
                datagrams::echo_awaited(&socket, &server).await
            }
            Listener::Udp(socket) => datagrams::echo(&socket, &server).await,
            Listener::Tcp(listener) => loop {
                match listener.accept().await {
                    Ok((stream, _peer)) => connection::start(stream, &server),
                    Err(error) => return error,
                }
            },
            Listener::Unix(listener) => loop {
                match listener.accept().await {
                    Ok((stream, _peer)) => connection::start(stream, &server),
                    Err(error) => return error,
                }
            },
        }
    }
}

fn listen_tcp(address: SocketAddr, nodelay: bool) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_for(&address)?;
    socket.set_reuse_addr(true)?;
    // Accepted connections inherit it, on every system: no system call for each of them.
    socket.set_nodelay(nodelay)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn bind_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::new_for(&address)?;
    match socket.set_recv_buffer_size(RECEIVE_BUFFER) {
        // More than the system allows (Linux would have cut it): what it has by itself must do.
        Err(error) if error.raw_os_error().is_some() => {}
        outcome => outcome?,
    }
    socket.bind_to(address)?;
    Ok(socket)
}

fn describe_bind(place: &Place, error: &io::Error) -> String {
    let hint = match (place, error.kind()) {
        (Place::Unix(_), io::ErrorKind::AddrInUse) => "; another server, or a file, is there",
        (_, io::ErrorKind::AddrInUse) => {
            "; is another server running there? Port 0 takes a free one"
        }
        (_, io::ErrorKind::AddrNotAvailable) => "; this machine has no such address",
        (Place::Unix(_), _) => "",
        (_, io::ErrorKind::PermissionDenied) => "; ports below 1024 need privileges",
        _ => "",
    };
    format!("cannot listen on {place}: {error}{hint}")
}

/// A command that talks to the server from this machine.
pub(crate) fn poke(place: &Place) -> String {
    match place {
        Place::Tcp(address) => format!("nc {} {}", reachable(address.ip()), address.port()),
        Place::Udp(address) => format!("nc -u {} {}", reachable(address.ip()), address.port()),
        Place::Unix(address) => match address.as_abstract_name() {
            Some(name) => format!("socat - ABSTRACT-CONNECT:{}", name.escape_ascii()),
            None => format!("nc -U {}", Name(address)),
        },
    }
}

/// The address to try from this machine.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}
