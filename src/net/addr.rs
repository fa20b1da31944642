//! What `bind` and `connect` take: one address, or several to try in turn.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
};

/// One or more socket addresses, known without a look-up.
///
/// Strings must be literal addresses with a port (`"127.0.0.1:80"`, `"[::1]:80"`): resolving names
/// blocks, and this version has nothing to do that elsewhere. Sealed: std's
/// [`ToSocketAddrs`](std::net::ToSocketAddrs) looks names up for other needs.
pub trait ToSocketAddrs: sealed::Sealed {}

impl<T: sealed::Sealed + ?Sized> ToSocketAddrs for T {}

mod sealed {
    use super::*;

    #[allow(unnameable_types, reason = "sealed")]
    pub trait Sealed {
        /// The addresses, in the order in which to try them.
        #[doc(hidden)]
        fn addresses(&self) -> io::Result<Vec<SocketAddr>>;
    }

    impl Sealed for SocketAddr {
        fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
            Ok(vec![*self])
        }
    }

    impl Sealed for SocketAddrV4 {
        fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
            Ok(vec![SocketAddr::V4(*self)])
        }
    }

    impl Sealed for SocketAddrV6 {
        fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
            Ok(vec![SocketAddr::V6(*self)])
        }
    }

    impl Sealed for (IpAddr, u16) {
        fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
            Ok(vec![SocketAddr::from(*self)])
        }
    }

    impl Sealed for (Ipv4Addr, u16) {
        fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
            Ok(vec![SocketAddr::from(*self)])
        }
    }

    impl Sealed for (Ipv6Addr, u16) {
        fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
            Ok(vec![SocketAddr::from(*self)])
        }
    }

    impl Sealed for str {
        fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
            self.parse().map(|address| vec![address]).map_err(|_| no_literal(self))
        }
    }

    impl Sealed for String {
        fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
            self.as_str().addresses()
        }
    }

    impl Sealed for [SocketAddr] {
        fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
            Ok(self.to_vec())
        }
    }

    impl<const N: usize> Sealed for [SocketAddr; N] {
        fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
            Ok(self.to_vec())
        }
    }

    impl Sealed for Vec<SocketAddr> {
        fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
            Ok(self.clone())
        }
    }

    impl<T: Sealed + ?Sized> Sealed for &T {
        fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
            (**self).addresses()
        }
    }
}

#[cold]
#[inline(never)]
fn no_literal(text: &str) -> io::Error {
    let sentence = format!("`{text}` is not an address with a port, like 127.0.0.1:80");
    io::Error::new(io::ErrorKind::InvalidInput, sentence)
}

/// The error where a list of addresses was empty.
#[cold]
#[inline(never)]
pub(super) fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "there is no address to try")
}
