//! The socket: how it is made, bound, connected, and given away.

use std::{
    io,
    net::SocketAddr,
    os::fd::{AsFd, OwnedFd},
};

use edgewake_sys::socket::{self, Domain, Type};

use crate::{
    async_fd::AsyncFd,
    net::addr::{ToSocketAddrs, no_address},
    reactor::Kind,
};

/// A UDP socket.
///
/// It sends and receives datagrams: each is one message, whole, with an address. One socket serves
/// any number of peers, and any number of tasks may use it at once through `&UdpSocket`.
#[derive(Debug)]
pub struct UdpSocket {
    io: AsyncFd<OwnedFd>,
}

impl UdpSocket {
    /// Makes a socket and binds it to an address; of several, to the first that it can be bound to.
    /// Port 0 lets the system choose one.
    ///
    /// # Errors
    ///
    /// - [`AddrInUse`](io::ErrorKind::AddrInUse): the address is taken;
    /// - [`AddrNotAvailable`](io::ErrorKind::AddrNotAvailable): it is not one of this machine;
    /// - [`InvalidInput`](io::ErrorKind::InvalidInput): no address, or a name instead of one;
    /// - whatever else socket(2) and bind(2) say of the last address tried.
    ///
    /// # References
    ///
    /// [bind(2)](https://man7.org/linux/man-pages/man2/bind.2.html),
    /// [udp(7)](https://man7.org/linux/man-pages/man7/udp.7.html)
    pub async fn bind(addresses: impl ToSocketAddrs) -> io::Result<UdpSocket> {
        let mut last = no_address();
        for address in addresses.addresses()? {
            match UdpSocket::bound(&address) {
                Ok(socket) => return Ok(socket),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn bound(address: &SocketAddr) -> io::Result<UdpSocket> {
        let fd = socket::create(Domain::for_addr(address), Type::DATAGRAM)?;
        socket::bind(fd.as_fd(), address)?;
        Ok(UdpSocket::from_fd(fd))
    }

    /// Connects to an address; of several, to the first that can be connected to. From then on
    /// the socket sends there by default and receives from there only.
    ///
    /// # Errors
    ///
    /// What connect(2) says of the last address tried.
    ///
    /// # References
    ///
    /// [connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html)
    pub async fn connect(&self, addresses: impl ToSocketAddrs) -> io::Result<()> {
        let mut last = no_address();
        for address in addresses.addresses()? {
            match socket::connect(self.io.fd(), &address) {
                Ok(_done) => return Ok(()),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// This side's address.
    ///
    /// # Errors
    ///
    /// What getsockname(2) returns.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        socket::local_addr(self.io.fd())
    }

    /// A datagram socket of this library's making.
    fn from_fd(fd: OwnedFd) -> UdpSocket {
        UdpSocket { io: AsyncFd::lazy(fd, Kind::Datagram) }
    }

    #[allow(dead_code, reason = "the other files of this module stand on it")]
    #[inline(always)]
    pub(super) fn io(&self) -> &AsyncFd<OwnedFd> {
        &self.io
    }
}
