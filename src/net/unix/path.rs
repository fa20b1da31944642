//! The files of sockets: whose they are, and removing them.
//!
//! Called by `bind`, before and after, and when a socket that was asked to removes its path.

use std::{
    fs, io,
    ops::Deref,
    os::{
        fd::OwnedFd,
        unix::fs::{FileTypeExt, MetadataExt},
    },
    path::{Path, PathBuf},
};

use edgewake_sys::{sockaddr::UnixAddr, socket};

use crate::async_fd::AsyncFd;

/// A descriptor that may have a path to remove when it goes.
#[derive(Debug)]
pub(super) struct Named {
    // Before `io`: while the socket is open its inode is not another file's.
    file: Option<Box<SocketFile>>,
    io: AsyncFd<OwnedFd>,
}

impl Named {
    pub(super) fn new(io: AsyncFd<OwnedFd>, file: Option<Box<SocketFile>>) -> Named {
        Named { file, io }
    }

    /// Deregisters the descriptor and gives it away, and with it the path: it is left alone.
    pub(super) fn into_inner(self) -> OwnedFd {
        if let Some(file) = self.file {
            file.keep();
        }
        self.io.into_inner()
    }
}

impl Deref for Named {
    type Target = AsyncFd<OwnedFd>;

    #[inline(always)]
    fn deref(&self) -> &AsyncFd<OwnedFd> {
        &self.io
    }
}

/// The file that a `bind` of ours has made. Dropping it removes it, unless another has taken its
/// place.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
    mode: u32,
    remove: bool,
}

impl SocketFile {
    /// The file at `path`, just made. The path is made absolute: the folder that it was relative
    /// to may not be the current one later.
    pub(super) fn at(path: &Path) -> io::Result<SocketFile> {
        let path = std::path::absolute(path)?;
        let found = fs::symlink_metadata(&path)?;
        let (device, inode, mode) = (found.dev(), found.ino(), found.mode() & 0o7777);
        Ok(SocketFile { path, device, inode, mode, remove: true })
    }

    /// The permissions that it was made with.
    pub(super) fn mode(&self) -> u32 {
        self.mode
    }

    /// Leaves it alone.
    pub(super) fn keep(mut self) {
        self.remove = false;
    }

    fn is_still_there(&self) -> bool {
        fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == (self.device, self.inode))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.remove && self.is_still_there() {
            // Nobody is left to tell, and it may have gone meanwhile.
            let _nobody_to_tell = fs::remove_file(&self.path);
        }
    }
}

/// Removes the file at `path` if it is a socket's that has died.
///
/// # Errors
///
/// `AddrInUse` if it is not a socket, or one that lives; why that could not be found out.
pub(super) fn remove_dead(path: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        let sentence = format!("{} is there and is not a socket", path.display());
        return Err(io::Error::new(io::ErrorKind::AddrInUse, sentence));
    }
    if is_alive(path)? {
        let sentence = format!("the socket of {} is in use", path.display());
        return Err(io::Error::new(io::ErrorKind::AddrInUse, sentence));
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

/// Whether somebody holds the socket of this path, listening or not.
fn is_alive(path: &Path) -> io::Result<bool> {
    let address = UnixAddr::from_path(path)?;
    loop {
        match socket::is_alive(&address) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}
