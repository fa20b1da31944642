//! What `bind`, `connect` and `send_to` take: a path, or an address.

use std::io;

use edgewake_sys::sockaddr::UnixAddr;

/// The address of a Unix socket: a path in any of its types, a [`UnixAddr`], or std's address.
///
/// A path that begins with a NUL is the abstract name behind it (Linux), as tokio has it. Sealed:
/// it may take more types later.
pub trait ToUnixAddr: sealed::Sealed {}

impl<T: sealed::Sealed + ?Sized> ToUnixAddr for T {}

mod sealed {
    use std::{
        borrow::Cow,
        ffi::{OsStr, OsString},
        os::unix::net::SocketAddr,
        path::{Path, PathBuf},
    };

    use super::{UnixAddr, io};

    #[allow(unnameable_types, reason = "sealed")]
    pub trait Sealed {
        #[doc(hidden)]
        fn unix_addr(&self) -> io::Result<UnixAddr>;
    }

    impl Sealed for UnixAddr {
        #[inline]
        fn unix_addr(&self) -> io::Result<UnixAddr> {
            Ok(*self)
        }
    }

    impl Sealed for SocketAddr {
        #[inline]
        fn unix_addr(&self) -> io::Result<UnixAddr> {
            UnixAddr::try_from(self)
        }
    }

    impl<T: Sealed + ?Sized> Sealed for &T {
        #[inline]
        fn unix_addr(&self) -> io::Result<UnixAddr> {
            (**self).unix_addr()
        }
    }

    macro_rules! paths {
        ($($type:ty),*) => {$(
            impl Sealed for $type {
                #[inline]
                fn unix_addr(&self) -> io::Result<UnixAddr> {
                    UnixAddr::from_path(self)
                }
            }
        )*};
    }

    paths!(str, String, OsStr, OsString, Path, PathBuf, Cow<'_, OsStr>);
}
