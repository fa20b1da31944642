//! What `bind` and `connect` take: one address, several to try in turn, or a name to look up.
//!
//! What is an address is known at once: its future is ready, and code that uses no other form has
//! nothing of the look-up in it. What may be a name goes through `lookup`.

use std::{
    future::{Ready, ready},
    io,
    iter::FusedIterator,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
    vec,
};

/// One or more socket addresses, or a name that stands for some.
///
/// | | |
/// | --- | --- |
/// | [`SocketAddr`], [`SocketAddrV4`], [`SocketAddrV6`] | the address |
/// | ([`IpAddr`], `u16`), ([`Ipv4Addr`], `u16`), ([`Ipv6Addr`], `u16`) | the address with a port |
/// | `str`, `String` | `"127.0.0.1:80"`, `"[::1]:80"`, or `"example.org:80"` |
/// | (`&str`, `u16`), (`String`, `u16`) | `("::1", 80)`, or `("example.org", 80)` |
/// | `[SocketAddr]`, `[SocketAddr; N]`, `Vec<SocketAddr>` | several, in the order to try them |
///
/// and references to these. A literal address is taken as it is, without a look-up, and works
/// outside of a runtime too. A name is looked up as [`lookup_host`](super::lookup_host) does it.
///
/// Sealed: std's [`ToSocketAddrs`](std::net::ToSocketAddrs) looks names up on the thread that
/// calls it.
pub trait ToSocketAddrs: sealed::Sealed {}

impl<T: sealed::Sealed + ?Sized> ToSocketAddrs for T {}

/// The addresses that something stands for, in the order in which to try them.
///
/// Returned by [`lookup_host`](super::lookup_host).
#[derive(Clone, Debug)]
pub struct Addresses(List);

#[derive(Clone, Debug)]
enum List {
    /// Costs no allocation.
    One(Option<SocketAddr>),
    Many(vec::IntoIter<SocketAddr>),
}

impl Addresses {
    #[inline]
    pub(super) fn one(address: SocketAddr) -> Addresses {
        Addresses(List::One(Some(address)))
    }

    #[inline]
    pub(super) fn many(addresses: vec::IntoIter<SocketAddr>) -> Addresses {
        Addresses(List::Many(addresses))
    }

    #[inline]
    pub(super) fn as_slice(&self) -> &[SocketAddr] {
        match &self.0 {
            List::One(address) => address.as_slice(),
            List::Many(addresses) => addresses.as_slice(),
        }
    }
}

impl Iterator for Addresses {
    type Item = SocketAddr;

    #[inline]
    fn next(&mut self) -> Option<SocketAddr> {
        match &mut self.0 {
            List::One(address) => address.take(),
            List::Many(addresses) => addresses.next(),
        }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.as_slice().len(), Some(self.as_slice().len()))
    }
}

impl DoubleEndedIterator for Addresses {
    #[inline]
    fn next_back(&mut self) -> Option<SocketAddr> {
        match &mut self.0 {
            List::One(address) => address.take(),
            List::Many(addresses) => addresses.next_back(),
        }
    }
}

impl ExactSizeIterator for Addresses {}

impl FusedIterator for Addresses {}

/// An address that is known: the future of what takes no look-up.
type Known = Ready<io::Result<Addresses>>;

#[inline]
fn one(address: impl Into<SocketAddr>) -> Known {
    ready(Ok(Addresses::one(address.into())))
}

#[inline]
fn many(addresses: Vec<SocketAddr>) -> Known {
    ready(Ok(Addresses::many(addresses.into_iter())))
}

pub(super) mod sealed {
    use super::*;
    use crate::net::lookup::Lookup;

    #[allow(unnameable_types, reason = "sealed")]
    pub trait Sealed {
        /// Borrows nothing.
        #[doc(hidden)]
        type Resolving: Future<Output = io::Result<Addresses>> + Send + Unpin + 'static;

        /// The addresses, in the order in which to try them.
        #[doc(hidden)]
        fn resolve(&self) -> Self::Resolving;
    }

    /// The forms of one address.
    macro_rules! known {
        ($($form:ty),* $(,)?) => {$(
            impl Sealed for $form {
                type Resolving = Known;

                #[inline]
                fn resolve(&self) -> Known {
                    one(*self)
                }
            }
        )*};
    }

    known!(SocketAddr, SocketAddrV4, SocketAddrV6);
    known!((IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16));

    impl Sealed for [SocketAddr] {
        type Resolving = Known;

        #[inline]
        fn resolve(&self) -> Known {
            many(self.to_vec())
        }
    }

    impl<const N: usize> Sealed for [SocketAddr; N] {
        type Resolving = Known;

        #[inline]
        fn resolve(&self) -> Known {
            many(self.to_vec())
        }
    }

    impl Sealed for Vec<SocketAddr> {
        type Resolving = Known;

        #[inline]
        fn resolve(&self) -> Known {
            many(self.clone())
        }
    }

    impl Sealed for str {
        type Resolving = Lookup;

        #[inline]
        fn resolve(&self) -> Lookup {
            Lookup::of_text(self)
        }
    }

    impl Sealed for String {
        type Resolving = Lookup;

        #[inline]
        fn resolve(&self) -> Lookup {
            Lookup::of_text(self)
        }
    }

    impl Sealed for (&str, u16) {
        type Resolving = Lookup;

        #[inline]
        fn resolve(&self) -> Lookup {
            Lookup::of_host(self.0, self.1)
        }
    }

    impl Sealed for (String, u16) {
        type Resolving = Lookup;

        #[inline]
        fn resolve(&self) -> Lookup {
            Lookup::of_host(&self.0, self.1)
        }
    }

    impl<T: Sealed + ?Sized> Sealed for &T {
        type Resolving = T::Resolving;

        #[inline]
        fn resolve(&self) -> T::Resolving {
            (**self).resolve()
        }
    }
}

/// The first of `addresses` with which `attempt` succeeds, or the last one's error.
pub(super) fn first<R>(
    addresses: Addresses,
    attempt: impl Fn(&SocketAddr) -> io::Result<R>,
) -> io::Result<R> {
    let mut last = None;
    for address in addresses {
        match attempt(&address) {
            Ok(value) => return Ok(value),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(no_address))
}

/// The error where a list of addresses was empty.
#[cold]
#[inline]
pub(super) fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "there is no address to try")
}
