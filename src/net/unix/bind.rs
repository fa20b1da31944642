//! Binding with more than an address: what becomes of the path before and after.

use std::{
    fs::{self, Permissions},
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::PermissionsExt,
    },
};

use edgewake_sys::{
    sockaddr::UnixAddr,
    socket::{self, Domain, Type},
};

use super::{
    ToUnixAddr, UnixDatagram, UnixListener, UnixSeqpacketListener,
    options::unsupported_type,
    path::{self, Named, SocketFile},
};
use crate::{async_fd::AsyncFd, reactor::Kind};

/// Connections that wait to be accepted, if nobody says otherwise: as for TCP. Linux cuts it at
/// `net.core.somaxconn`.
const BACKLOG: u32 = 1024;

/// How a Unix socket is bound: the path's fate, its permissions, the backlog.
///
/// Without it, `bind` makes the path's file and leaves it there for ever, and fails where one is.
/// Abstract names and the unnamed address have no file: for them only the backlog counts.
///
/// # Examples
///
/// A server that starts again after it was killed, leaves nothing behind, and serves its user only:
///
/// ```
/// use edgewake::net::{UnixStream, unix::UnixBind};
///
/// # let runtime = edgewake::Runtime::new()?;
/// # runtime.block_on(async {
/// # let path = std::env::temp_dir().join(format!("edgewake-doc-bind-{}", std::process::id()));
/// # drop(std::os::unix::net::UnixListener::bind(&path)?); // Was killed: its file is there.
/// let bind = UnixBind::new().unlink_before(true).unlink_after(true).mode(0o600);
/// let listener = bind.listener(&path)?;
/// let _client = UnixStream::connect(&path).await?;
/// drop(listener);
/// assert!(!path.exists());
/// # std::io::Result::Ok(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "it does nothing until a socket is bound with it"]
pub struct UnixBind {
    unlink_before: bool,
    unlink_after: bool,
    mode: Option<u32>,
    backlog: u32,
}

impl UnixBind {
    /// As plain `bind` does it.
    pub const fn new() -> UnixBind {
        UnixBind { unlink_before: false, unlink_after: false, mode: None, backlog: BACKLOG }
    }

    /// Whether a file that is in the way is removed first: only if it is a socket's, and nobody
    /// holds that socket any more. Off by default.
    ///
    /// Two servers that start at the same moment may both find the old socket dead, and the second
    /// removes what the first has just made: keep them apart by a lock if that can be.
    pub const fn unlink_before(mut self, unlink: bool) -> UnixBind {
        self.unlink_before = unlink;
        self
    }

    /// Whether the file is removed when the socket is dropped, with the last of its duplicates, if
    /// it is still the socket's own. Off by default. A socket that is turned into std's, or into
    /// its descriptor, leaves it; so does a process that has not bound it, but is a child (fork(2))
    /// of the one that has.
    pub const fn unlink_after(mut self, unlink: bool) -> UnixBind {
        self.unlink_after = unlink;
        self
    }

    /// The permissions of the file, such as `0o600`; without it, what the process's umask leaves.
    /// Connecting takes permission to write (on Linux, Apple and today's BSDs).
    ///
    /// # Platform notes
    ///
    /// On Linux the file is made with them, and never has wider ones. Those that the umask has
    /// taken away are added by the path right after that; on other systems all are set so. That is
    /// before a listener listens, so that nobody connects with others; but datagrams can arrive in
    /// between, and if somebody else may write to the folder, the path may name something else by
    /// then, whose permissions are changed: give the folder the permissions where that matters.
    pub const fn mode(mut self, mode: u32) -> UnixBind {
        self.mode = Some(mode);
        self
    }

    /// How many connections may wait to be accepted; 1024 by default. The system cuts it to a limit
    /// of its own.
    pub const fn backlog(mut self, backlog: u32) -> UnixBind {
        self.backlog = backlog;
        self
    }

    /// Binds a stream socket and listens.
    ///
    /// # Errors
    ///
    /// - [`AddrInUse`](io::ErrorKind::AddrInUse): there is a file at the path, and with
    ///   [`unlink_before`](Self::unlink_before) one that is no dead socket's; or the abstract name
    ///   is taken;
    /// - [`InvalidInput`](io::ErrorKind::InvalidInput): not a path for a socket, see
    ///   [`UnixAddr::from_path`];
    /// - [`Unsupported`](io::ErrorKind::Unsupported): an abstract name, except on Linux;
    /// - what bind(2) says of the path's folder.
    #[inline]
    pub fn listener(&self, address: impl ToUnixAddr) -> io::Result<UnixListener> {
        Ok(UnixListener::from_named(self.listening(&address.unix_addr()?, Type::STREAM)?))
    }

    /// Binds a socket of connected messages and listens.
    ///
    /// # Errors
    ///
    /// As for [`listener`](Self::listener); [`Unsupported`](io::ErrorKind::Unsupported) on Apple.
    #[inline]
    pub fn seqpacket_listener(
        &self,
        address: impl ToUnixAddr,
    ) -> io::Result<UnixSeqpacketListener> {
        let io = self.listening(&address.unix_addr()?, Type::SEQPACKET)?;
        Ok(UnixSeqpacketListener::from_named(io))
    }

    /// Binds a datagram socket.
    ///
    /// # Errors
    ///
    /// As for [`listener`](Self::listener).
    #[inline]
    pub fn datagram(&self, address: impl ToUnixAddr) -> io::Result<UnixDatagram> {
        let (fd, file) = self.bound(&address.unix_addr()?, Type::DATAGRAM)?;
        let io = AsyncFd::lazy(fd, Kind::Datagram);
        Ok(UnixDatagram::from_named(self.named(io, file)))
    }

    fn listening(&self, address: &UnixAddr, kind: Type) -> io::Result<Named> {
        let (fd, file) = self.bound(address, kind)?;
        socket::listen(fd.as_fd(), i32::try_from(self.backlog).unwrap_or(i32::MAX))?;
        Ok(self.named(AsyncFd::lazy(fd, Kind::Listener), file))
    }

    /// A bound socket, and its file, which goes with an error that comes after this.
    fn bound(&self, address: &UnixAddr, kind: Type) -> io::Result<(OwnedFd, Option<SocketFile>)> {
        if !socket::has_unix(kind) {
            return Err(unsupported_type());
        }
        let fd = socket::create(Domain::UNIX, kind)?;
        let path = address.as_path();
        // Linux: the file is born with them. There is no moment at which it has wider ones.
        if let (Some(_), Some(mode)) = (path, self.mode) {
            socket::set_bind_mode(fd.as_fd(), mode)?;
        }
        match (socket::bind_unix(fd.as_fd(), address), path) {
            (Err(error), Some(path))
                if self.unlink_before && error.kind() == io::ErrorKind::AddrInUse =>
            {
                path::remove_dead(path)?;
                socket::bind_unix(fd.as_fd(), address)?;
            }
            (outcome, _) => outcome?,
        }
        let Some(path) = path else { return Ok((fd, None)) };
        let file = SocketFile::at(path)?;
        if let Some(mode) = self.mode.filter(|mode| *mode != file.mode()) {
            fs::set_permissions(path, Permissions::from_mode(mode))?;
        }
        Ok((fd, Some(file)))
    }

    fn named(&self, io: AsyncFd<OwnedFd>, file: Option<SocketFile>) -> Named {
        match file {
            Some(file) if !self.unlink_after => {
                file.keep();
                Named::new(io, None)
            }
            file => Named::new(io, file),
        }
    }
}

impl Default for UnixBind {
    #[inline]
    fn default() -> UnixBind {
        UnixBind::new()
    }
}
