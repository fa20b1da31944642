//! Socket addresses as the kernel writes them, and their conversion to and from std's.
//!
//! std's `SocketAddr` does not have the layout of `sockaddr_in` (its layout is Rust's own), so
//! every address is converted field by field. What comes back from a kernel is not trusted: the
//! length decides which fields exist, a short, overlong or foreign address is an error, and
//! nothing here panics.
//!
//! Called by [`socket`](crate::socket), and by whoever reads addresses out of other kernel data.

mod inet;
mod unix;
pub(crate) mod vsock;

use std::{
    fmt, io,
    mem::{self, MaybeUninit},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
    ptr,
};

pub(crate) use self::inet::InetAddr;
pub use self::{unix::UnixAddr, vsock::VsockAddr};

/// The most that an address can take.
const CAPACITY: usize = size_of::<libc::sockaddr_storage>();

/// Where the address family ends: fewer bytes name no family.
const FAMILY_END: usize =
    mem::offset_of!(libc::sockaddr, sa_family) + size_of::<libc::sa_family_t>();

/// An address of any family in the kernel's form: room for the largest, and a length.
///
/// # Examples
///
/// ```
/// use std::net::SocketAddr;
/// use edgewake_sys::sockaddr::RawAddr;
///
/// let address: SocketAddr = "[fe80::1%3]:80".parse()?;
/// let raw = RawAddr::from(&address);
/// assert_eq!(SocketAddr::try_from(&raw)?, address);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct RawAddr {
    storage: libc::sockaddr_storage,
    length: libc::socklen_t,
}

impl RawAddr {
    /// Takes an address from its bytes, such as a control message's.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if it is longer than any address.
    #[inline]
    pub fn from_bytes(bytes: &[u8]) -> io::Result<RawAddr> {
        if bytes.len() > CAPACITY {
            let message = format!("a socket address of {} bytes is too long", bytes.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Ok(RawAddr::of_bytes(bytes))
    }

    /// The first bytes of `bytes`, as many as there is room for.
    fn of_bytes(bytes: &[u8]) -> RawAddr {
        let mut raw = RawAddr::empty();
        let length = bytes.len().min(CAPACITY);
        let room = ptr::from_mut(&mut raw.storage).cast::<u8>();
        // SAFETY: `room` is a whole `sockaddr_storage`, at least as long as `length`, and a new
        // local, so that the two do not overlap.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), room, length) };
        raw.length = length as libc::socklen_t;
        raw
    }

    /// The address's bytes, as many as its length says and there is room for.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        let start = ptr::from_ref(&self.storage).cast::<u8>();
        // SAFETY: the storage was zeroed when it was made, so every byte is initialised, and the
        // length is cut to its size; the borrow of `self` keeps it in place.
        unsafe { std::slice::from_raw_parts(start, (self.length as usize).min(CAPACITY)) }
    }

    /// The address family (`AF_INET` …), or `None` of an address too short to have one.
    #[inline]
    pub fn family(&self) -> Option<i32> {
        let named = self.length as usize >= FAMILY_END;
        named.then(|| i32::from(self.storage.ss_family))
    }

    /// The length that the kernel reported. More than [`as_bytes`](Self::as_bytes) returns means
    /// that the address was cut (accept(2)).
    #[inline]
    pub fn reported_length(&self) -> usize {
        self.length as usize
    }

    /// The address of no family (`AF_UNSPEC`), as long as one of IPv4: the BSDs refuse a shorter
    /// one before they look at it.
    #[inline]
    pub(crate) fn unspecified() -> RawAddr {
        let mut raw = RawAddr::empty();
        raw.storage.ss_family = libc::AF_UNSPEC as libc::sa_family_t;
        raw.length = size_of::<libc::sockaddr_in>() as libc::socklen_t;
        #[cfg(edgewake_has = "sa_len")]
        {
            raw.storage.ss_len = raw.length as u8;
        }
        raw
    }

    /// All zeros, of no length.
    #[inline]
    pub(crate) fn empty() -> RawAddr {
        // SAFETY: `sockaddr_storage` consists of integers, for which all zeros is a value.
        let storage = unsafe { MaybeUninit::<libc::sockaddr_storage>::zeroed().assume_init() };
        RawAddr { storage, length: 0 }
    }

    /// Lets `call` write an address: it gets the room and the length to update, as accept(2) and
    /// getsockname(2) want them.
    pub(crate) fn filled_by<T>(
        call: impl FnOnce(*mut libc::sockaddr, *mut libc::socklen_t) -> io::Result<T>,
    ) -> io::Result<(T, RawAddr)> {
        let mut raw = RawAddr::empty();
        raw.length = CAPACITY as libc::socklen_t;
        let value = call(ptr::from_mut(&mut raw.storage).cast(), &raw mut raw.length)?;
        Ok((value, raw))
    }

    /// The room for an address, and its size, for a call that writes one.
    #[inline]
    pub(crate) fn room(&mut self) -> (*mut libc::sockaddr, libc::socklen_t) {
        (ptr::from_mut(&mut self.storage).cast(), CAPACITY as libc::socklen_t)
    }

    /// The length that a call reported for what it wrote to the [`room`](Self::room).
    #[inline]
    pub(crate) fn set_length(&mut self, length: libc::socklen_t) {
        self.length = length;
    }

    /// The address as bind(2) and connect(2) take it; valid as long as `self` stays in place.
    #[inline]
    pub(crate) fn as_parts(&self) -> (*const libc::sockaddr, libc::socklen_t) {
        (ptr::from_ref(&self.storage).cast(), self.length.min(CAPACITY as libc::socklen_t))
    }

    /// For structures that hold addresses.
    #[cfg(edgewake_has = "mcast_source")]
    #[inline]
    pub(crate) fn storage(&self) -> libc::sockaddr_storage {
        self.storage
    }

    /// Stores `address`, a `sockaddr_*` structure of the C library.
    ///
    /// # Safety
    ///
    /// `T` consists of integers without padding and fits a `sockaddr_storage`.
    unsafe fn store<T>(address: T) -> RawAddr {
        const { assert!(size_of::<T>() <= CAPACITY) };
        const { assert!(align_of::<T>() <= align_of::<libc::sockaddr_storage>()) };
        let mut raw = RawAddr::empty();
        // SAFETY: size and alignment of `T` fit the storage, as asserted, and the storage is
        // ours alone.
        unsafe { ptr::from_mut(&mut raw.storage).cast::<T>().write(address) };
        raw.length = size_of::<T>() as libc::socklen_t;
        raw
    }

    /// The address as a `sockaddr_*` structure, or an error if it is too short for one.
    ///
    /// # Safety
    ///
    /// `T` consists of integers, so that any bytes are a value of it.
    unsafe fn load<T: Copy>(&self) -> io::Result<T> {
        const { assert!(size_of::<T>() <= CAPACITY) };
        const { assert!(align_of::<T>() <= align_of::<libc::sockaddr_storage>()) };
        if (self.length as usize) < size_of::<T>() || self.length as usize > CAPACITY {
            return Err(self.misfit());
        }
        // SAFETY: the storage is initialised and large and aligned enough for `T`, as asserted;
        // the caller promises that any bytes are a `T`.
        Ok(unsafe { ptr::from_ref(&self.storage).cast::<T>().read() })
    }
}

/// What an address that is none makes of errors. Not inlined where it is read, and not made by
/// `format!`, which is some thousand bytes in a program that prints nothing else.
impl RawAddr {
    #[cold]
    #[inline(never)]
    fn misfit(&self) -> io::Error {
        sentence(
            "the kernel gave an address of the wrong length for family ",
            self.storage.ss_family,
        )
    }

    #[cold]
    #[inline(never)]
    fn not_ip(&self) -> io::Error {
        match self.family() {
            Some(_) => sentence("not an IP address, but one of family ", self.storage.ss_family),
            None => invalid("a socket address that has no family".into()),
        }
    }
}

/// The C structure of an IPv4 address.
#[inline(always)]
fn sockaddr_in(v4: &SocketAddrV4) -> libc::sockaddr_in {
    libc::sockaddr_in {
        #[cfg(edgewake_has = "sa_len")]
        sin_len: size_of::<libc::sockaddr_in>() as u8,
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: v4.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(v4.ip().octets()) },
        sin_zero: [0; 8],
    }
}

/// The C structure of an IPv6 address.
#[inline(always)]
fn sockaddr_in6(v6: &SocketAddrV6) -> libc::sockaddr_in6 {
    libc::sockaddr_in6 {
        #[cfg(edgewake_has = "sa_len")]
        sin6_len: size_of::<libc::sockaddr_in6>() as u8,
        sin6_family: libc::AF_INET6 as libc::sa_family_t,
        sin6_port: v6.port().to_be(),
        // As std has it: the field goes through as it is, not swapped.
        sin6_flowinfo: v6.flowinfo(),
        sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
        sin6_scope_id: v6.scope_id(),
    }
}

impl From<&SocketAddr> for RawAddr {
    #[inline]
    fn from(address: &SocketAddr) -> RawAddr {
        match address {
            SocketAddr::V4(v4) => v4.into(),
            SocketAddr::V6(v6) => v6.into(),
        }
    }
}

impl From<&SocketAddrV4> for RawAddr {
    #[inline]
    fn from(v4: &SocketAddrV4) -> RawAddr {
        let address = sockaddr_in(v4);
        // SAFETY: `sockaddr_in` consists of integers, its last field fills it to the end.
        unsafe { RawAddr::store(address) }
    }
}

impl From<&SocketAddrV6> for RawAddr {
    #[inline]
    fn from(v6: &SocketAddrV6) -> RawAddr {
        let address = sockaddr_in6(v6);
        // SAFETY: `sockaddr_in6` consists of integers at their natural alignment, without gaps.
        unsafe { RawAddr::store(address) }
    }
}

/// Fails with [`InvalidData`](io::ErrorKind::InvalidData) for an address that is not of the IP
/// families, or whose length is not one that its family can have.
impl TryFrom<&RawAddr> for SocketAddr {
    type Error = io::Error;

    fn try_from(raw: &RawAddr) -> io::Result<SocketAddr> {
        match raw.family() {
            Some(libc::AF_INET) => {
                // SAFETY: `sockaddr_in` consists of integers.
                let address = unsafe { raw.load::<libc::sockaddr_in>() }?;
                let ip = Ipv4Addr::from(address.sin_addr.s_addr.to_ne_bytes());
                Ok(SocketAddrV4::new(ip, u16::from_be(address.sin_port)).into())
            }
            Some(libc::AF_INET6) => {
                // SAFETY: `sockaddr_in6` consists of integers.
                let address = unsafe { raw.load::<libc::sockaddr_in6>() }?;
                let ip = Ipv6Addr::from(address.sin6_addr.s6_addr);
                let port = u16::from_be(address.sin6_port);
                let (flow, scope) = (address.sin6_flowinfo, address.sin6_scope_id);
                Ok(SocketAddrV6::new(ip, port, flow, scope).into())
            }
            _ => Err(raw.not_ip()),
        }
    }
}

impl fmt::Debug for RawAddr {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unix = if self.length == 0 { Err(()) } else { UnixAddr::try_from(self).map_err(drop) };
        match (SocketAddr::try_from(self), unix) {
            (Ok(address), _) => f.debug_tuple("RawAddr").field(&address).finish(),
            (_, Ok(address)) => f.debug_tuple("RawAddr").field(&address).finish(),
            _ => f
                .debug_struct("RawAddr")
                .field("family", &self.family())
                .field("length", &self.length)
                .finish(),
        }
    }
}

#[cold]
fn sentence(begin: &str, family: libc::sa_family_t) -> io::Error {
    let mut sentence = String::from(begin);
    sentence.push_str(&family.to_string());
    invalid(sentence)
}

#[cold]
fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests;
