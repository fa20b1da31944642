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
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use edgewake_sys::{sockaddr::UnixAddr, socket};

use crate::{async_fd::AsyncFd, net::face::sharing::Duplicate};

/// A descriptor that may have a path to remove when it goes, with the last of its duplicates.
#[derive(Debug)]
pub(super) struct Named {
    // Before `io`: while the socket is open its inode is not another file's.
    file: Option<Arc<SocketFile>>,
    io: AsyncFd<OwnedFd>,
}

impl Named {
    #[inline]
    pub(super) fn new(io: AsyncFd<OwnedFd>, file: Option<SocketFile>) -> Named {
        Named { file: file.map(Arc::new), io }
    }

    /// Deregisters the descriptor and gives it away, and with it the path: it is left alone, by the
    /// duplicates too, since the socket may outlive them.
    #[inline]
    pub(super) fn into_inner(self) -> OwnedFd {
        if let Some(file) = &self.file {
            file.keep();
        }
        self.io.into_inner()
    }
}

impl Duplicate for Named {
    #[inline]
    fn duplicate(&self) -> io::Result<Named> {
        Ok(Named { io: self.io.duplicate()?, file: self.file.clone() })
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
/// place, or this is another process than the one that has bound: a child has a copy of this.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
    mode: u32,
    /// Who has bound.
    process: u32,
    keep: AtomicBool,
}

impl SocketFile {
    /// The file at `path`, just made. The path is made absolute: the folder that it was relative
    /// to may not be the current one later.
    #[inline]
    pub(super) fn at(path: &Path) -> io::Result<SocketFile> {
        let path = std::path::absolute(path)?;
        let found = fs::symlink_metadata(&path)?;
        let (device, inode, mode) = (found.dev(), found.ino(), found.mode() & 0o7777);
        let (process, keep) = (process::id(), AtomicBool::new(false));
        Ok(SocketFile { path, device, inode, mode, process, keep })
    }

    /// The permissions that it was made with.
    #[inline]
    pub(super) fn mode(&self) -> u32 {
        self.mode
    }

    /// Leaves it alone from now on.
    #[inline]
    pub(super) fn keep(&self) {
        // Relaxed: it is read when this drops, which the count of the `Arc` orders after this.
        self.keep.store(true, Ordering::Relaxed);
    }

    fn is_still_there(&self) -> bool {
        fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == (self.device, self.inode))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours = !*self.keep.get_mut() && self.process == process::id();
        if ours && self.is_still_there() {
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
#[inline]
fn is_alive(path: &Path) -> io::Result<bool> {
    let address = UnixAddr::from_path(path)?;
    loop {
        match socket::is_alive(&address) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::{SocketFile, process};

    // Goal: a copy of the guard in a process that has not bound removes nothing. Method: the guard
    // is told that another process has bound.
    #[test]
    fn file_is_left_to_the_process_that_has_bound() {
        let path = std::env::temp_dir().join(format!("edgewake-path-{}.sock", process::id()));
        let _listener = UnixListener::bind(&path).unwrap();
        let mut copy = SocketFile::at(&path).unwrap();
        copy.process = process::id() + 1;
        drop(copy);
        assert!(path.exists());
        drop(SocketFile::at(&path).unwrap());
        assert!(!path.exists());
    }
}
