//! The listening socket of streams.

use std::{
    io,
    os::{fd::OwnedFd, unix::net as std_net},
};

use super::{
    ToUnixAddr, UnixBind, UnixStream, listening::listener_face, options::unix_options, path::Named,
};
use crate::net::{
    backoff::SharedBackoff,
    face::{descriptor_face, sharing::sharing_face},
};

/// A Unix socket that accepts streams.
///
/// # Examples
///
/// ```
/// use edgewake::net::{UnixListener, UnixStream};
/// use futures::{AsyncReadExt, AsyncWriteExt};
///
/// # let runtime = edgewake::Runtime::new()?;
/// # runtime.block_on(async {
/// # let path = std::env::temp_dir().join(format!("edgewake-doc-listener-{}", std::process::id()));
/// let listener = UnixListener::bind(&path)?;
/// let mut client = UnixStream::connect(&path).await?;
/// let (mut server, _) = listener.accept().await?;
/// client.write_all(b"hi").await?;
/// let mut bytes = [0; 2];
/// server.read_exact(&mut bytes).await?;
/// assert_eq!(&bytes, b"hi");
/// # std::fs::remove_file(path)
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct UnixListener {
    io: Named,
    /// The pause of `poll_accept`, which has no future to keep it in.
    backoff: SharedBackoff,
}

impl UnixListener {
    /// Binds a socket to a path, or to an abstract name, and listens. The file at the path stays
    /// when the listener is dropped; [`UnixBind`] can do otherwise.
    ///
    /// # Errors
    ///
    /// As for [`UnixBind::listener`].
    ///
    /// # References
    ///
    /// [bind(2)](https://man7.org/linux/man-pages/man2/bind.2.html),
    /// [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)
    #[inline]
    pub fn bind(address: impl ToUnixAddr) -> io::Result<UnixListener> {
        UnixBind::new().listener(address)
    }

    /// Takes over std's listener and makes it non-blocking.
    ///
    /// # Errors
    ///
    /// What fcntl(2) returns.
    #[inline]
    pub fn from_std(listener: std_net::UnixListener) -> io::Result<UnixListener> {
        UnixListener::try_from(listener)
    }

    /// Turns the socket into std's. It is deregistered and stays non-blocking.
    ///
    /// # Errors
    ///
    /// None today; the type leaves room.
    #[inline]
    pub fn into_std(self) -> io::Result<std_net::UnixListener> {
        Ok(OwnedFd::from(self).into())
    }
}

impl TryFrom<std_net::UnixListener> for UnixListener {
    type Error = io::Error;

    /// Takes a socket over and makes it non-blocking.
    #[inline]
    fn try_from(listener: std_net::UnixListener) -> io::Result<UnixListener> {
        UnixListener::try_from(OwnedFd::from(listener))
    }
}

listener_face!(UnixListener, UnixStream, Incoming);
unix_options!(UnixListener);
descriptor_face!(UnixListener);
sharing_face!(UnixListener);
