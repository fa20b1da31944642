//! Waiting for a connect that is under way, whatever is connected.

use std::{io, os::fd::OwnedFd};

use edgewake_sys::{
    Interest,
    socket::{self, Progress},
};

use crate::async_fd::AsyncFd;

impl AsyncFd<OwnedFd> {
    /// Waits until the connect of this socket has ended; the socket, if it stands.
    ///
    /// It is registered only here, once the connect is under way: a socket that is neither
    /// connected nor connecting reports a hang-up (T10).
    #[inline]
    pub(super) async fn connected(self) -> io::Result<AsyncFd<OwnedFd>> {
        loop {
            let guard = self.ready(Interest::WRITABLE).await?;
            // Writability alone proves nothing: macOS reports it early (T55).
            let seen = self.snapshots();
            drop(guard);
            match socket::connect_outcome(self.fd())? {
                Progress::Done => return Ok(self),
                Progress::InProgress => self.clear(Interest::WRITABLE, seen),
            }
        }
    }
}
