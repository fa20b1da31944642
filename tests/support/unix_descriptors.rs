//! A word with descriptors beside it, over a Unix stream: both ends of the conversation.

#![allow(
    unreachable_pub,
    reason = "a module of each test binary, reached as `unix_descriptors::…`"
)]

use std::{io, os::fd::AsFd};

use edgewake::net::{UnixDatagram, UnixStream};
use futures::{AsyncReadExt, AsyncWriteExt};

/// Receives a word and the two descriptors beside it, and thanks for them.
pub async fn take(mut stream: &UnixStream) -> io::Result<()> {
    let (mut buffer, mut fds) = ([0; 16], Vec::new());
    let mut length = 0;
    while length < 4 {
        let received = stream.recv_with_fds(&mut buffer, &mut fds).await?;
        if received.length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        length += received.length;
    }
    assert_eq!(fds.len(), 2, "descriptors got lost");
    stream.write_all(b"thanks").await
}

/// Gives them, waits for the thanks, then passes descriptors through a pair of datagram sockets.
pub async fn give(mut stream: UnixStream) -> io::Result<()> {
    let fds = [stream.as_fd(), stream.as_fd()];
    assert_eq!(stream.send_with_fds(b"take", &fds).await?, 4);
    let mut answer = [0; 6];
    stream.read_exact(&mut answer).await?;
    assert_eq!(&answer, b"thanks");
    let (here, there) = UnixDatagram::pair()?;
    for _ in 0..3 {
        here.send_with_fds(b"datagram", &[stream.as_fd()]).await?;
        let (mut buffer, mut fds) = ([0; 16], Vec::new());
        assert_eq!(there.recv_with_fds(&mut buffer, &mut fds).await?.length, 8);
        assert_eq!(fds.len(), 1, "a descriptor got lost");
    }
    Ok(())
}
