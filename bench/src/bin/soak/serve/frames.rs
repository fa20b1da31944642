//! Messages of two bytes of length and so many of content, sent back whole; the message without
//! content asks the server to shut its sending side down, and wait for the peer's end.

use std::io;
use std::rc::Rc;

use edgewake::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::Shared;
use super::counters::While;

pub(super) async fn serve<S>(mut stream: S, shared: Rc<Shared>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut frame = vec![0; 2];
    loop {
        frame.resize(2, 0);
        if stream.read(&mut frame[..1]).await? == 0 {
            return Ok(());
        }
        let counted = While::new(&shared.counters.partial);
        stream.read_exact(&mut frame[1..]).await?;
        let length = usize::from(u16::from_be_bytes([frame[0], frame[1]]));
        frame.resize(2 + length, 0);
        stream.read_exact(&mut frame[2..]).await?;
        drop(counted);
        if length == 0 {
            stream.close().await?;
            let _counted = While::new(&shared.counters.half_closed);
            while stream.read(&mut frame).await? > 0 {}
            return Ok(());
        }
        stream.write_all(&frame).await?;
    }
}
