//! What the tests of Unix sockets share: paths, pairs by way of a listener, full backlogs.

#![allow(dead_code, reason = "each test binary compiles its own copy and uses a part of it")]
#![allow(unreachable_pub, reason = "a module of each test binary, reached as `unix::…`")]

use std::{
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use edgewake::net::{UnixListener, UnixStream};

/// A path that nobody else has, short enough for a socket; the file goes when it drops.
#[derive(Debug)]
pub struct SocketPath(PathBuf);

impl SocketPath {
    pub fn new() -> SocketPath {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::SeqCst);
        let name = format!("edgewake-{}-{count}.sock", std::process::id());
        SocketPath(std::env::temp_dir().join(name))
    }
}

impl AsRef<Path> for SocketPath {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl std::ops::Deref for SocketPath {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for SocketPath {
    fn drop(&mut self) {
        // It may never have been made.
        let _absent: io::Result<()> = std::fs::remove_file(&self.0);
    }
}

/// The two ends of a connection by a path: the one that connected, and the one that was accepted.
pub async fn connection() -> (UnixStream, UnixStream) {
    let path = SocketPath::new();
    let listener = UnixListener::bind(&*path).expect("a listener");
    let client = UnixStream::connect(&*path).await.expect("a connection");
    let (server, _) = listener.accept().await.expect("the connection's other end");
    (client, server)
}

/// Whether this system tells a full backlog from a missing listener, and has abstract names.
pub const LINUX: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Connects until the backlog takes no more.
pub fn fill_backlog(path: &Path) -> Vec<UnixStream> {
    let mut clients = Vec::new();
    loop {
        match UnixStream::try_connect(path) {
            Ok(client) => clients.push(client),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return clients,
            Err(error) => panic!("filling a backlog: {error}"),
        }
        assert!(clients.len() < 1000, "the backlog is never full");
    }
}

/// Writes until the connection takes no more, and returns how many bytes.
pub fn fill(stream: &UnixStream) -> usize {
    let bytes = [7; 16 * 1024];
    let mut filled = 0;
    loop {
        match stream.try_write(&bytes) {
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return filled,
            Err(error) => panic!("filling a connection: {error}"),
        }
    }
}

/// Reads `length` bytes.
pub async fn take(stream: &UnixStream, length: usize) -> Vec<u8> {
    let mut received = Vec::with_capacity(length);
    while received.len() < length {
        let mut piece = vec![0; (length - received.len()).min(64 * 1024)];
        stream.readable().await.expect("a connection to read");
        match stream.try_read(&mut piece) {
            Ok(0) => panic!("the stream ends after {} of {length} bytes", received.len()),
            Ok(count) => received.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => panic!("reading a connection: {error}"),
        }
    }
    received
}
