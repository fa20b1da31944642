//! Sending a file's bytes, in one of two ways.

use std::{
    fs::File, future::poll_fn, io, io::ErrorKind::UnexpectedEof, ops::Range, os::unix::fs::FileExt,
    time::Duration,
};

use edgewake::{io::AsyncWriteExt, net::TcpStream, time::timeout};

/// How a file gets into its socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// sendfile(2): the kernel moves the pages.
    SendFile,
    /// pread(2) into a buffer and send(2) from it, to compare.
    Copy,
}

/// Read and sent at once.
const BUFFER: usize = 64 * 1024;

/// Sends bytes of memory. An error if the client takes nothing for so long.
pub(crate) async fn send_bytes(
    mut stream: &TcpStream,
    mut bytes: &[u8],
    stalled: Duration,
) -> io::Result<()> {
    while !bytes.is_empty() {
        let sent = timeout(stalled, stream.write(bytes)).await??;
        bytes = &bytes[sent..];
    }
    Ok(())
}

/// Sends a part of a file. An error if the client takes nothing for so long, and if the file has
/// become shorter than that: the head has told another length, so nothing can follow on this
/// connection.
pub(crate) async fn send_file(
    stream: &TcpStream,
    file: &File,
    mut range: Range<u64>,
    method: Method,
    stalled: Duration,
) -> io::Result<()> {
    let mut buffer = Vec::new();
    while !range.is_empty() {
        let sent = match method {
            // What is sent comes off the range, at most a mebibyte at once.
            Method::SendFile => {
                let send = poll_fn(|cx| stream.poll_send_file(cx, file, &mut range));
                timeout(stalled, send).await??
            }
            Method::Copy => {
                buffer.resize(BUFFER.min((range.end - range.start) as usize), 0);
                let count = file.read_at(&mut buffer, range.start)?;
                send_bytes(stream, &buffer[..count], stalled).await?;
                range.start += count as u64;
                count
            }
        };
        if sent == 0 {
            return Err(io::Error::new(UnexpectedEof, "the file is shorter than it was"));
        }
    }
    Ok(())
}
