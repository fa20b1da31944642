//! The folder that is served: finding and opening what a path names, below its root and nowhere
//! else. Blocks, so it is called off the loop.
//!
//! Links are followed, and where they lead is compared with the root's own path, so a link out of
//! it names nothing. Looking and opening are two steps: who may change links below the root while
//! it is served can get between them, and could as well have put the files there.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    io,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

use crate::path::Target;

/// What a folder is shown as, if it has one.
const INDEX: &str = "index.html";

/// The root of what is served.
#[derive(Debug)]
pub(crate) struct Site {
    root: PathBuf,
}

/// What a target names.
#[derive(Debug)]
pub(crate) enum Found {
    /// A file to send.
    File(OpenFile),
    /// A folder without an index: the names in it, those of folders with a slash.
    Folder(Vec<OsString>),
    /// A folder that was asked for as a file is; relative links in it would lead elsewhere.
    MissingSlash,
}

/// An open file and what is known of it.
#[derive(Debug)]
pub(crate) struct OpenFile {
    pub(crate) file: File,
    pub(crate) name: OsString,
    pub(crate) length: u64,
    /// Seconds since 1970.
    pub(crate) modified: u64,
    /// Another for every content, as far as the file system can tell.
    pub(crate) tag: String,
}

impl Site {
    pub(crate) fn new(root: &Path) -> io::Result<Site> {
        let root = root.canonicalize()?;
        match root.is_dir() {
            true => Ok(Site { root }),
            false => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    /// Finds what a target names. An error is the status to answer with.
    pub(crate) fn find(&self, target: &Target) -> Result<Found, u16> {
        let mut path = self.root.clone();
        path.extend(target.names.iter().map(|name| OsStr::from_bytes(name)));
        let path = self.real(&path)?;
        if !path.is_dir() {
            // A slash behind a file's name asks for a folder, which is not there.
            return if target.folder { Err(404) } else { open(&path).map(Found::File) };
        }
        if !target.folder {
            return Ok(Found::MissingSlash);
        }
        match self.real(&path.join(INDEX)) {
            Ok(index) if index.is_file() => open(&index).map(Found::File),
            _ => list(&path).map(Found::Folder).map_err(status),
        }
    }

    /// Where a path leads in the end; that must be below the root.
    fn real(&self, path: &Path) -> Result<PathBuf, u16> {
        // Whatever it fails by, too long a name or a circle of links: there is no such file.
        let path = path.canonicalize().map_err(|_| 404_u16)?;
        let below = path.strip_prefix(&self.root).map_err(|_| 404_u16)?;
        // A link may lead to what is hidden.
        let hidden = below.iter().any(|name| name.as_bytes().starts_with(b"."));
        if hidden { Err(404) } else { Ok(path) }
    }
}

fn open(path: &Path) -> Result<OpenFile, u16> {
    // Opening a FIFO waits for its writer, and some devices do things when they are opened.
    if !fs::metadata(path).map_err(status)?.is_file() {
        return Err(404);
    }
    let file = File::open(path).map_err(status)?;
    let metadata = file.metadata().map_err(status)?;
    if !metadata.is_file() {
        return Err(404);
    }
    let (seconds, nanoseconds) = (metadata.mtime(), metadata.mtime_nsec());
    Ok(OpenFile {
        name: path.file_name().unwrap_or_default().to_owned(),
        length: metadata.len(),
        modified: u64::try_from(seconds).unwrap_or(0),
        tag: format!("\"{:x}-{:x}-{seconds:x}.{nanoseconds:x}\"", metadata.ino(), metadata.len()),
        file,
    })
}

fn list(path: &Path) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let mut name = entry.file_name();
        if name.as_bytes().starts_with(b".") {
            continue;
        }
        // A link's own type says nothing; where it leads nowhere it is shown as a file.
        if fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_dir()) {
            name.push("/");
        }
        names.push(name);
    }
    names.sort();
    Ok(names)
}

/// Nobody is told more than that there is nothing for them.
fn status(error: io::Error) -> u16 {
    match error.kind() {
        io::ErrorKind::NotFound
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::PermissionDenied => 404,
        // Out of descriptors or memory, or a broken disk.
        _ => 503,
    }
}
