//! Addresses between a virtual machine and its host.
//!
//! Called by [`socket`](crate::socket) through [`RawAddr`], by the library's vsock sockets and by
//! raw loops.

use std::{fmt, io};

use super::{RawAddr, invalid};

/// The family's number, the same on Linux and Apple: libc names it for some C libraries only.
const AF_VSOCK: i32 = 40;

/// The family's number, where there is one.
#[inline]
pub(crate) fn family() -> io::Result<i32> {
    if cfg!(edgewake_has = "vsock") {
        return Ok(AF_VSOCK);
    }
    let sentence = "this system has no sockets between virtual machines (AF_VSOCK)";
    Err(io::Error::new(io::ErrorKind::Unsupported, sentence))
}

/// The address of a vsock socket: a context identifier, which names a machine, and a port.
///
/// # Examples
///
/// ```
/// use edgewake_sys::sockaddr::VsockAddr;
///
/// let address = VsockAddr::new(VsockAddr::HOST, 5000);
/// assert_eq!(address.to_string(), "vsock:2:5000");
/// ```
///
/// # References
///
/// [vsock(7)](https://man7.org/linux/man-pages/man7/vsock.7.html)
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[doc(alias = "sockaddr_vm")]
pub struct VsockAddr {
    cid: u32,
    port: u32,
}

impl VsockAddr {
    /// As a context identifier: any that this machine has (`VMADDR_CID_ANY`).
    pub const ANY: u32 = u32::MAX;
    /// As a context identifier: this machine itself (`VMADDR_CID_LOCAL`). Linux 5.6.
    pub const LOCAL: u32 = 1;
    /// As a context identifier: the host of this virtual machine (`VMADDR_CID_HOST`).
    pub const HOST: u32 = 2;
    /// As a port: one that the system chooses (`VMADDR_PORT_ANY`).
    pub const ANY_PORT: u32 = u32::MAX;

    /// The port `port` of the machine `cid`.
    pub const fn new(cid: u32, port: u32) -> VsockAddr {
        VsockAddr { cid, port }
    }

    /// Which machine.
    pub const fn cid(self) -> u32 {
        self.cid
    }

    /// Which port of it.
    pub const fn port(self) -> u32 {
        self.port
    }
}

impl fmt::Display for VsockAddr {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vsock:{}:{}", self.cid, self.port)
    }
}

impl fmt::Debug for VsockAddr {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Fails with [`Unsupported`](io::ErrorKind::Unsupported) where there is no such family.
impl TryFrom<VsockAddr> for RawAddr {
    type Error = io::Error;

    #[cfg(edgewake_has = "vsock")]
    fn try_from(address: VsockAddr) -> io::Result<RawAddr> {
        // SAFETY: `sockaddr_vm` consists of integers: all zeros is a value. Its reserved fields
        // differ between versions of the headers, so it cannot be written out field by field.
        let mut raw = unsafe { std::mem::zeroed::<libc::sockaddr_vm>() };
        #[cfg(edgewake_has = "sa_len")]
        {
            raw.svm_len = size_of::<libc::sockaddr_vm>() as u8;
        }
        raw.svm_family = family()? as libc::sa_family_t;
        raw.svm_cid = address.cid;
        raw.svm_port = address.port;
        // SAFETY: `sockaddr_vm` consists of integers at their natural alignment, without gaps.
        Ok(unsafe { RawAddr::store(raw) })
    }

    #[cfg(not(edgewake_has = "vsock"))]
    #[inline]
    fn try_from(_: VsockAddr) -> io::Result<RawAddr> {
        family().map(|_| RawAddr::empty())
    }
}

/// Fails with [`InvalidData`](io::ErrorKind::InvalidData) for an address of another family or of
/// a length that it cannot have.
impl TryFrom<&RawAddr> for VsockAddr {
    type Error = io::Error;

    #[inline]
    fn try_from(raw: &RawAddr) -> io::Result<VsockAddr> {
        let expected = family()?;
        match raw.family() {
            #[cfg(edgewake_has = "vsock")]
            Some(family) if family == expected => {
                // SAFETY: `sockaddr_vm` consists of integers.
                let address = unsafe { raw.load::<libc::sockaddr_vm>() }?;
                Ok(VsockAddr { cid: address.svm_cid, port: address.svm_port })
            }
            other => Err(invalid(format!("a socket address of family {other:?}, not {expected}"))),
        }
    }
}

#[cfg(all(test, edgewake_has = "vsock"))]
mod tests {
    use super::{RawAddr, VsockAddr};

    // Goal: an address survives the way to the kernel's form and back, the extremes included.
    #[test]
    fn addresses_go_there_and_back() {
        for (cid, port) in [(0, 0), (3, 5000), (VsockAddr::ANY, VsockAddr::ANY_PORT)] {
            let address = VsockAddr::new(cid, port);
            let raw = RawAddr::try_from(address).unwrap();
            assert_eq!(VsockAddr::try_from(&raw).unwrap(), address);
        }
    }

    // Goal: what is too short or of another family is an error.
    #[test]
    fn foreign_addresses_are_errors() {
        let raw = RawAddr::try_from(VsockAddr::new(3, 5000)).unwrap();
        let bytes = raw.as_bytes();
        for length in 0..bytes.len() {
            let cut = RawAddr::from_bytes(&bytes[..length]).unwrap();
            assert!(VsockAddr::try_from(&cut).is_err(), "{length} bytes");
        }
        let ip = RawAddr::from(&"127.0.0.1:80".parse::<std::net::SocketAddr>().unwrap());
        assert!(VsockAddr::try_from(&ip).is_err());
    }
}
