//! The two ends of an echo over any stream.

use std::io;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::peer::pattern;

/// Sends back what comes, until the end, which it answers with its own.
pub(crate) async fn echo_back(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    let mut room = [0; 4096];
    loop {
        match stream.read(&mut room).await? {
            0 => return stream.close().await,
            count => stream.write_all(&room[..count]).await?,
        }
    }
}

/// Sends patterns, by seed and length, and has each come back unchanged before the next.
pub(crate) async fn come_back<S>(stream: &S, messages: &[(u64, usize)]) -> io::Result<()>
where
    for<'a> &'a S: AsyncRead + AsyncWrite + Unpin,
{
    for &(seed, length) in messages {
        let message = pattern(seed, length);
        let mut back = vec![0; length];
        // Together: neither side's buffer need hold all of it.
        let (mut reader, mut writer) = (stream, stream);
        let read = async { reader.read_exact(&mut back).await };
        futures::try_join!(writer.write_all(&message), read)?;
        assert!(back == message, "message {seed} came back changed");
    }
    Ok(())
}
