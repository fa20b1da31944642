//! Addresses of the Unix family: paths, abstract names, and none.
//!
//! What the kernels report differs by system (T53), and is read here so that none of it shows:
//! Linux counts the NUL behind a path and writes it where `sockaddr_un` has ended already; Apple
//! and FreeBSD pad the unnamed address and short paths with NULs and count those; a receive from
//! an unnamed socket gives no bytes at all. Nothing here panics on what a kernel says.
//!
//! Called by [`socket`](crate::socket), by the library's Unix sockets and by raw loops.

use std::{
    ffi::OsStr,
    fmt, io, mem,
    os::unix::{ffi::OsStrExt, net::SocketAddr as StdAddr},
    path::Path,
};

use super::{FAMILY_END, RawAddr, invalid};

/// Where the path begins.
const PATH_START: usize = mem::offset_of!(libc::sockaddr_un, sun_path);

/// The bytes that `sun_path` has: 108 on Linux, 104 on the others.
const PATH_ROOM: usize = size_of::<libc::sockaddr_un>() - PATH_START;

/// The longest path: Linux needs no NUL behind it (unix(7), "BUGS"), OpenBSD does (`unp_bind`).
const PATH_MAX: usize =
    if cfg!(edgewake_has = "unix_abstract") { PATH_ROOM } else { PATH_ROOM - 1 };

/// The longest abstract name, behind its leading NUL.
const ABSTRACT_MAX: usize = PATH_ROOM - 1;

/// The address of a Unix socket: a path in the file system, an abstract name, or none.
///
/// # Platform notes
///
/// | | Linux, Android | Apple, BSDs |
/// | --- | --- | --- |
/// | longest path | 108 bytes | 103 bytes |
/// | abstract names | up to 107 bytes, any of them | - |
///
/// # Examples
///
/// ```
/// use edgewake_sys::sockaddr::UnixAddr;
/// use std::path::Path;
///
/// let address = UnixAddr::from_path("/run/daemon.sock")?;
/// assert_eq!(address.as_path(), Some(Path::new("/run/daemon.sock")));
/// assert!(UnixAddr::unnamed().is_unnamed());
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
///
/// [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[doc(alias = "sockaddr_un")]
pub struct UnixAddr {
    form: Form,
    length: u8,
    /// The path or the name, without any NUL that is not part of it; zeros behind.
    bytes: [u8; PATH_ROOM],
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    Unnamed,
    Path,
    Abstract,
}

impl UnixAddr {
    /// The address of a socket that has none.
    ///
    /// # Platform notes
    ///
    /// Linux: binding to it has the kernel choose an abstract name ("autobind", unix(7)).
    pub const fn unnamed() -> UnixAddr {
        UnixAddr { form: Form::Unnamed, length: 0, bytes: [0; PATH_ROOM] }
    }

    /// A path in the file system. One that begins with a NUL is an abstract name behind it, as
    /// other libraries have it.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](io::ErrorKind::InvalidInput): the path is empty, too long, or has a NUL
    ///   in it;
    /// - as [`from_abstract_name`](Self::from_abstract_name), if it begins with a NUL.
    #[inline]
    pub fn from_path(path: impl AsRef<Path>) -> io::Result<UnixAddr> {
        let bytes = path.as_ref().as_os_str().as_bytes();
        match bytes.first() {
            None => Err(refused("the path of a Unix socket is empty".to_owned())),
            Some(0) => UnixAddr::from_abstract_name(&bytes[1..]),
            Some(_) if bytes.contains(&0) => {
                Err(refused("the path of a Unix socket has a NUL in it".to_owned()))
            }
            Some(_) => UnixAddr::of(Form::Path, bytes, PATH_MAX),
        }
    }

    /// A name in the abstract namespace, which is not of the file system: it goes with its socket.
    /// The name is given without the leading NUL of its C form; any bytes may be in it, and none
    /// too. Linux only.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) except on Linux;
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for more than 107 bytes.
    #[inline]
    pub fn from_abstract_name(name: impl AsRef<[u8]>) -> io::Result<UnixAddr> {
        if !cfg!(edgewake_has = "unix_abstract") {
            let sentence = "this system has no abstract names of Unix sockets";
            return Err(io::Error::new(io::ErrorKind::Unsupported, sentence));
        }
        UnixAddr::of(Form::Abstract, name.as_ref(), ABSTRACT_MAX)
    }

    /// The path, if it is one.
    #[inline]
    pub fn as_path(&self) -> Option<&Path> {
        (self.form == Form::Path).then(|| Path::new(OsStr::from_bytes(self.name())))
    }

    /// The abstract name without its leading NUL, if it is one.
    #[inline]
    pub fn as_abstract_name(&self) -> Option<&[u8]> {
        (self.form == Form::Abstract).then(|| self.name())
    }

    /// Whether it is the address of a socket that has none.
    #[inline]
    pub fn is_unnamed(&self) -> bool {
        self.form == Form::Unnamed
    }

    /// The address that came with a connection or a datagram. One that cannot be read counts as
    /// none: what it came with is worth more, and would be lost with an error.
    #[inline]
    pub(crate) fn or_unnamed(raw: &RawAddr) -> UnixAddr {
        UnixAddr::try_from(raw).unwrap_or(UnixAddr::unnamed())
    }

    fn name(&self) -> &[u8] {
        &self.bytes[..self.length.into()]
    }

    fn of(form: Form, name: &[u8], most: usize) -> io::Result<UnixAddr> {
        if name.len() > most {
            let length = name.len();
            return Err(refused(format!(
                "the name of a Unix socket has {length} bytes, and {most} is the most here",
            )));
        }
        let mut bytes = [0; PATH_ROOM];
        bytes[..name.len()].copy_from_slice(name);
        // `most` is at most 108.
        Ok(UnixAddr { form, length: name.len() as u8, bytes })
    }
}

impl From<&UnixAddr> for RawAddr {
    fn from(address: &UnixAddr) -> RawAddr {
        let name = address.name();
        let mut bytes = [0; PATH_START + PATH_ROOM];
        let (start, end) = match address.form {
            Form::Unnamed => (FAMILY_END, FAMILY_END),
            // With its NUL where that has room: some programs count on it.
            Form::Path => (PATH_START, (PATH_START + name.len() + 1).min(bytes.len())),
            Form::Abstract => (PATH_START + 1, PATH_START + 1 + name.len()),
        };
        bytes[start..start + name.len()].copy_from_slice(name);
        let family = libc::AF_UNIX as libc::sa_family_t;
        let family_start = FAMILY_END - size_of::<libc::sa_family_t>();
        bytes[family_start..FAMILY_END].copy_from_slice(&family.to_ne_bytes());
        #[cfg(edgewake_has = "sa_len")]
        {
            bytes[0] = end as u8;
        }
        RawAddr::of_bytes(&bytes[..end])
    }
}

/// Fails with [`InvalidData`](io::ErrorKind::InvalidData) for an address of another family, and
/// for a path longer than any that this system has.
impl TryFrom<&RawAddr> for UnixAddr {
    type Error = io::Error;

    fn try_from(raw: &RawAddr) -> io::Result<UnixAddr> {
        let bytes = raw.as_bytes();
        match raw.family() {
            // recvfrom(2) from an unnamed socket reports no address.
            None => return Ok(UnixAddr::unnamed()),
            Some(libc::AF_UNIX) => {}
            // Padding alone (mio 456cad2e): Apple's unnamed address.
            #[cfg(edgewake_has = "sa_len")]
            Some(libc::AF_UNSPEC) if bytes[FAMILY_END..].iter().all(|byte| *byte == 0) => {}
            Some(family) => {
                let sentence = format!("a socket address of family {family} is not a Unix address");
                return Err(invalid(sentence));
            }
        }
        if raw.reported_length() > bytes.len() {
            let length = raw.reported_length();
            return Err(invalid(format!("the kernel gave a Unix address of {length} bytes")));
        }
        let path = bytes.get(PATH_START..).unwrap_or_default();
        let read = match path.split_first() {
            None => return Ok(UnixAddr::unnamed()),
            Some((0, name)) if cfg!(edgewake_has = "unix_abstract") => {
                UnixAddr::of(Form::Abstract, name, ABSTRACT_MAX)
            }
            _ => {
                let name = path.split(|byte| *byte == 0).next().unwrap_or_default();
                let form = if name.is_empty() { Form::Unnamed } else { Form::Path };
                UnixAddr::of(form, name, PATH_ROOM)
            }
        };
        read.map_err(|error| invalid(error.to_string()))
    }
}

/// Fails with [`InvalidInput`](io::ErrorKind::InvalidInput) for a path that is longer than this
/// system takes, which std may have read from a kernel.
impl TryFrom<&StdAddr> for UnixAddr {
    type Error = io::Error;

    #[inline]
    fn try_from(address: &StdAddr) -> io::Result<UnixAddr> {
        #[cfg(edgewake_has = "unix_abstract")]
        if let Some(name) = abstract_names::of(address) {
            return UnixAddr::from_abstract_name(name);
        }
        match address.as_pathname() {
            Some(path) => UnixAddr::from_path(path),
            None => Ok(UnixAddr::unnamed()),
        }
    }
}

/// Fails with [`InvalidInput`](io::ErrorKind::InvalidInput) for a path of 108 bytes, which Linux
/// takes and std does not.
impl TryFrom<&UnixAddr> for StdAddr {
    type Error = io::Error;

    #[inline]
    fn try_from(address: &UnixAddr) -> io::Result<StdAddr> {
        match address.form {
            // Which std takes for the unnamed address.
            Form::Unnamed => StdAddr::from_pathname(""),
            Form::Path => StdAddr::from_pathname(OsStr::from_bytes(address.name())),
            #[cfg(edgewake_has = "unix_abstract")]
            Form::Abstract => abstract_names::to(address.name()),
            #[cfg(not(edgewake_has = "unix_abstract"))]
            Form::Abstract => unreachable!("no system without abstract names makes one"),
        }
    }
}

/// std's abstract names, which have a trait for each system.
#[cfg(edgewake_has = "unix_abstract")]
mod abstract_names {
    #[cfg(target_os = "android")]
    use std::os::android::net::SocketAddrExt;
    #[cfg(target_os = "linux")]
    use std::os::linux::net::SocketAddrExt;
    use std::{io, os::unix::net::SocketAddr};

    #[inline]
    pub(super) fn of(address: &SocketAddr) -> Option<&[u8]> {
        address.as_abstract_name()
    }

    #[inline]
    pub(super) fn to(name: &[u8]) -> io::Result<SocketAddr> {
        SocketAddr::from_abstract_name(name)
    }
}

/// A path as it is, an abstract name behind an `@`, as the tools of Linux write it.
impl fmt::Debug for UnixAddr {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.form {
            Form::Unnamed => f.write_str("(unnamed)"),
            Form::Path => write!(f, "{:?}", OsStr::from_bytes(self.name())),
            Form::Abstract => write!(f, "\"@{}\"", self.name().escape_ascii()),
        }
    }
}

#[cold]
fn refused(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests;
