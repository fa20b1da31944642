//! Descriptors beside bytes: each is written one byte into, and then closed.
//!
//! The answer is two bytes: how many there were, and whether some were lost for want of room.

use std::fs::File;
use std::io::{self, Write};
use std::rc::Rc;

use edgewake::io::AsyncWriteExt;
use edgewake::net::UnixStream;

use super::Shared;

pub(super) async fn serve(mut stream: UnixStream, shared: Rc<Shared>) -> io::Result<()> {
    let mut room = [0; 16];
    loop {
        let mut fds = Vec::new();
        let received = stream.recv_with_fds(&mut room, &mut fds).await?;
        if received.length == 0 {
            return Ok(());
        }
        let count = fds.len();
        let counter = &shared.counters.descriptors;
        counter.set(counter.get() + count as u64);
        for fd in fds {
            // They are sockets of the peer's, with room for a byte for each.
            File::from(fd).write_all(b"x")?;
        }
        let count = u8::try_from(count).map_err(io::Error::other)?;
        stream.write_all(&[count, u8::from(received.control_truncated)]).await?;
    }
}
