//! The listening socket of connections over which messages go.

use std::io;

use super::{
    ToUnixAddr, UnixBind, UnixSeqpacket, listening::listener_face, options::unix_options,
    path::Named,
};
use crate::net::{
    backoff::SharedBackoff,
    face::{descriptor_face, sharing::sharing_face},
};

/// A Unix socket that accepts connections of messages.
///
/// # Platform notes
///
/// As for [`UnixSeqpacket`]: [`Unsupported`](io::ErrorKind::Unsupported) on Apple.
///
/// # Examples
///
/// ```
/// use edgewake::net::{UnixSeqpacket, UnixSeqpacketListener};
///
/// # let runtime = edgewake::Runtime::new()?;
/// # runtime.block_on(async {
/// # if cfg!(target_vendor = "apple") { return Ok(()) }
/// # let path = std::env::temp_dir().join(format!("edgewake-doc-seq-{}", std::process::id()));
/// let listener = UnixSeqpacketListener::bind(&path)?;
/// let client = UnixSeqpacket::connect(&path).await?;
/// let (server, _) = listener.accept().await?;
/// client.send(b"a message").await?;
/// let mut buffer = [0; 512];
/// assert_eq!(server.recv(&mut buffer).await?, 9);
/// # std::fs::remove_file(path)
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct UnixSeqpacketListener {
    io: Named,
    /// The pause of `poll_accept`, which has no future to keep it in.
    backoff: SharedBackoff,
}

impl UnixSeqpacketListener {
    /// Binds a socket to a path, or to an abstract name, and listens. The file at the path stays
    /// when the listener is dropped; [`UnixBind`] can do otherwise.
    ///
    /// # Errors
    ///
    /// As for [`UnixBind::listener`]; [`Unsupported`](io::ErrorKind::Unsupported) on Apple.
    #[inline]
    pub fn bind(address: impl ToUnixAddr) -> io::Result<UnixSeqpacketListener> {
        UnixBind::new().seqpacket_listener(address)
    }
}

listener_face!(UnixSeqpacketListener, UnixSeqpacket, SeqpacketIncoming);
unix_options!(UnixSeqpacketListener);
sharing_face!(UnixSeqpacketListener);
descriptor_face!(UnixSeqpacketListener);
