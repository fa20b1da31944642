//! One connection: what it sends goes back to it, until it closes or fails.
//!
//! What an idle connection costs is its task, and the task is as large as its future at the
//! largest of its waits. So nothing is kept over a wait but the socket and a reference to the
//! server: the buffer belongs to the server, and is used between two waits, when no other task can
//! run. The one wait that must keep bytes, for a peer that does not read, has them on the heap.
//!
//! A future that fails ends its own connection and nothing else.

use std::{cell::RefCell, io, io::ErrorKind::WouldBlock, rc::Rc};

use futures::{AsyncReadExt, AsyncWriteExt};

use crate::{common::stream::Stream, counters::Counters};

/// Shared by all connections. Large, since it costs nothing: halving it costs bulk transfers a
/// tenth of their throughput.
const SHARED_BUFFER: usize = 64 * 1024;

/// One for each connection.
const OWN_BUFFER: usize = 16 * 1024;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) counters: Counters,
    /// Whether each connection has a buffer of its own.
    buffered: bool,
    buffer: RefCell<Box<[u8]>>,
}

impl Server {
    pub(crate) fn new(buffered: bool) -> Server {
        let size = if buffered { 0 } else { SHARED_BUFFER };
        Server {
            counters: Counters::new(),
            buffered,
            buffer: RefCell::new(vec![0; size].into_boxed_slice()),
        }
    }

    pub(crate) fn buffered(&self) -> bool {
        self.buffered
    }
}

/// Starts the task of a new connection.
pub(crate) fn start(stream: impl Stream, server: &Rc<Server>) {
    server.counters.opened();
    let server = Rc::clone(server);
    // Dropping the handle of a task detaches it.
    if server.buffered {
        drop(edgewake::spawn_local(echo_buffered(stream, server)));
    } else {
        drop(edgewake::spawn_local(echo(stream, server)));
    }
}

/// Waits without a buffer, then uses the shared one.
#[expect(clippy::manual_async_fn, reason = "an async fn has room for its arguments twice")]
fn echo<S: Stream>(stream: S, server: Rc<Server>) -> impl Future<Output = ()> {
    async move {
        let outcome = loop {
            if let Err(error) = stream.readable().await {
                break Err(error);
            }
            let unsent = {
                let mut buffer = server.buffer.borrow_mut();
                let count = match stream.try_read(&mut buffer) {
                    Ok(0) => break Ok(()),
                    Ok(count) => count,
                    Err(error) if error.kind() == WouldBlock => continue,
                    Err(error) => break Err(error),
                };
                server.counters.echoed(count);
                match stream.try_write(&buffer[..count]) {
                    Ok(sent) if sent == count => continue,
                    Ok(sent) => buffer[sent..count].to_vec(),
                    Err(error) if error.kind() == WouldBlock => buffer[..count].to_vec(),
                    Err(error) => break Err(error),
                }
            };
            // Nothing is read meanwhile: who does not read cannot make us hoard.
            if let Err(error) = Box::pin(send(&stream, unsent)).await {
                break Err(error);
            }
        };
        server.counters.closed(outcome);
    }
}

/// Waits until all is sent. Boxed by its caller, since it is rare and large.
async fn send(stream: &impl Stream, bytes: Vec<u8>) -> io::Result<()> {
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

/// The same with a buffer for each connection, as one would write it for any stream.
async fn echo_buffered(mut stream: impl Stream, server: Rc<Server>) {
    let mut buffer = vec![0; OWN_BUFFER];
    let outcome = loop {
        match stream.read(&mut buffer).await {
            Ok(0) => break Ok(()),
            Ok(count) => {
                server.counters.echoed(count);
                if let Err(error) = stream.write_all(&buffer[..count]).await {
                    break Err(error);
                }
            }
            Err(error) => break Err(error),
        }
    };
    server.counters.closed(outcome);
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use std::rc::Rc;

    use edgewake::{
        Runtime,
        net::{TcpListener, TcpStream},
    };

    use super::{Server, echo};

    // Goal: an idle connection stays cheap: the socket, the server, and one wait.
    #[test]
    fn waiting_connection_is_small() {
        let runtime = Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
            let address = listener.local_addr().expect("its address");
            let stream = TcpStream::connect(address).await.expect("a connection");
            let future = echo(stream, Rc::new(Server::new(false)));
            assert!(size_of_val(&future) <= 64, "{} bytes", size_of_val(&future));
        });
    }
}
