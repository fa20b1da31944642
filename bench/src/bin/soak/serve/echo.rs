//! Bytes, sent back as they come, without a buffer of its own while it waits.

use std::io::{self, ErrorKind::WouldBlock};
use std::rc::Rc;

use edgewake::net::TcpStream;

use super::Shared;
use super::counters::While;

pub(super) async fn serve(stream: TcpStream, shared: Rc<Shared>) -> io::Result<()> {
    loop {
        stream.readable().await?;
        let unsent = {
            let mut buffer = shared.buffer.borrow_mut();
            let count = match stream.try_read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == WouldBlock => continue,
                Err(error) => return Err(error),
            };
            match stream.try_write(&buffer[..count]) {
                Ok(sent) if sent == count => continue,
                Ok(sent) => buffer[sent..count].to_vec(),
                Err(error) if error.kind() == WouldBlock => buffer[..count].to_vec(),
                Err(error) => return Err(error),
            }
        };
        // Boxed, since it is rare and large. Nothing is read meanwhile.
        Box::pin(send(&stream, unsent, &shared)).await?;
    }
}

/// Waits until all is sent.
async fn send(stream: &TcpStream, bytes: Vec<u8>, shared: &Shared) -> io::Result<()> {
    let _counted = While::new(&shared.counters.writing);
    shared.counters.stalled.set(shared.counters.stalled.get() + 1);
    let mut sent = 0;
    while sent < bytes.len() {
        stream.writable().await?;
        match stream.try_write(&bytes[sent..]) {
            Ok(count) => sent += count,
            Err(error) if error.kind() == WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
