//! One connection: what it sends goes back to it, until it closes or fails.
//!
//! What an idle connection costs is its task, and the task is as large as its future at the
//! largest of its waits. So nothing is kept over a wait but the socket, a reference to the server,
//! and, where a peer does not read, what it is owed, on the heap. The buffer belongs to the
//! server, and is used within one poll, when no other task can run.
//!
//! A future that fails ends its own connection and nothing else.

use std::{
    cell::RefCell,
    io,
    io::ErrorKind::WouldBlock,
    num::NonZeroUsize,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use futures::{AsyncReadExt, AsyncWriteExt};

use crate::{common::stream::Stream, counters::Counters};

/// Shared by all connections. Large, since it costs nothing: halving it costs bulk transfers a
/// tenth of their throughput.
const SHARED_BUFFER: usize = 64 * 1024;

/// One for each connection.
const OWN_BUFFER: usize = 16 * 1024;

/// How a connection is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Reads into the buffer that all share.
    Shared,
    /// Waits until there is something to read, then tries.
    Readable,
    /// Has a buffer of its own, and awaits each operation.
    Buffered,
}

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) counters: Counters,
    manner: Manner,
    /// The size of each connection's own buffer, if it has one.
    own: usize,
    buffer: RefCell<Box<[u8]>>,
}

impl Server {
    /// With buffers of `size` bytes, or of the usual size.
    pub(crate) fn new(manner: Manner, size: Option<NonZeroUsize>) -> Server {
        let or = |usual| size.map_or(usual, NonZeroUsize::get);
        let shared = if manner == Manner::Buffered { 0 } else { or(SHARED_BUFFER) };
        Server {
            counters: Counters::new(),
            manner,
            own: or(OWN_BUFFER),
            buffer: RefCell::new(vec![0; shared].into_boxed_slice()),
        }
    }

    pub(crate) fn manner(&self) -> Manner {
        self.manner
    }
}

/// Starts the task of a new connection.
pub(crate) fn start(stream: impl Stream, server: &Rc<Server>) {
    server.counters.opened();
    let server = Rc::clone(server);
    // Dropping the handle of a task detaches it.
    match server.manner {
        Manner::Shared => drop(edgewake::spawn_local(Connection { stream, server, unsent: None })),
        Manner::Readable => drop(edgewake::spawn_local(echo_readable(stream, server))),
        Manner::Buffered => drop(edgewake::spawn_local(echo_buffered(stream, server))),
    }
}

/// Reads into the shared buffer, and waits without one. Written by hand, since an `async` block
/// would keep what it borrows over the wait a second time.
#[derive(Debug)]
struct Connection<S> {
    stream: S,
    server: Rc<Server>,
    /// What the peer does not take. Rare, and nothing is read meanwhile: who does not read cannot
    /// make us hoard.
    unsent: Option<Box<Unsent>>,
}

#[derive(Debug)]
struct Unsent {
    bytes: Vec<u8>,
    sent: usize,
}

impl<S: Stream> Future for Connection<S> {
    type Output = ();

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let outcome = ready!(self.poll_echo(cx));
        self.server.counters.closed(outcome);
        Poll::Ready(())
    }
}

impl<S: Stream> Connection<S> {
    #[inline(always)]
    fn poll_echo(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.unsent.is_some() {
                ready!(self.poll_unsent(cx))?;
            }
            let mut buffer = self.server.buffer.borrow_mut();
            let count = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            if count == 0 {
                return Poll::Ready(Ok(()));
            }
            self.server.counters.echoed(count);
            let sent = match self.stream.try_write(&buffer[..count]) {
                Ok(sent) if sent == count => continue,
                Ok(sent) => sent,
                Err(error) if error.kind() == WouldBlock => 0,
                Err(error) => return Poll::Ready(Err(error)),
            };
            self.unsent = Some(Box::new(Unsent { bytes: buffer[sent..count].to_vec(), sent: 0 }));
        }
    }

    #[cold]
    fn poll_unsent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(Unsent { bytes, sent }) = self.unsent.as_deref_mut() {
            *sent += ready!(Pin::new(&mut self.stream).poll_write(cx, &bytes[*sent..]))?;
            if *sent == bytes.len() {
                self.unsent = None;
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// Waits without a buffer, then uses the shared one.
#[expect(clippy::manual_async_fn, reason = "an async fn has room for its arguments twice")]
fn echo_readable<S: Stream>(stream: S, server: Rc<Server>) -> impl Future<Output = ()> {
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
    let mut buffer = vec![0; server.own];
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

    use super::{Connection, Manner, Server};

    // Goal: an idle connection stays cheap: the socket, the server, and one wait.
    #[test]
    fn waiting_connection_is_small() {
        let runtime = Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
            let address = listener.local_addr().expect("its address");
            let stream = TcpStream::connect(address).await.expect("a connection");
            let server = Rc::new(Server::new(Manner::Shared, None));
            let future = Connection { stream, server, unsent: None };
            assert!(size_of_val(&future) <= 32, "{} bytes", size_of_val(&future));
        });
    }
}
