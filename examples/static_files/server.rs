//! The server: its listener, and a task for each connection.

use std::{io, net::SocketAddr, rc::Rc, sync::Arc, time::Duration};

use edgewake::net::{TcpListener, TcpSocket};

use crate::{body::Method, connection, log::Log, site::Site};

/// Connections the kernel keeps until they are accepted.
const BACKLOG: u32 = 4096;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) site: Arc<Site>,
    pub(crate) method: Method,
    pub(crate) limits: Limits,
    pub(crate) log: Log,
}

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// To rest between two requests.
    pub(crate) idle: Duration,
    /// For the head of a request, from its first byte on.
    pub(crate) head: Duration,
    /// To take nothing of an answer.
    pub(crate) stalled: Duration,
    /// To end, after our end.
    pub(crate) linger: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            idle: Duration::from_secs(30),
            head: Duration::from_secs(10),
            stalled: Duration::from_secs(30),
            linger: Duration::from_secs(2),
        }
    }
}

pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_for(&address)?;
    socket.set_reuse_addr(true)?;
    // Accepted connections inherit it.
    socket.set_nodelay(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves whoever comes, each in a task of its own, until nobody can be accepted any more.
pub(crate) async fn accept(listener: TcpListener, server: Rc<Server>) -> io::Error {
    loop {
        match listener.accept().await {
            Ok((stream, _peer)) => {
                let server = Rc::clone(&server);
                // Whatever ends a connection early is its client's doing; the log has the rest.
                drop(edgewake::spawn_local(async move {
                    connection::serve(stream, &server).await.unwrap_or_default();
                }));
            }
            Err(error) => return error,
        }
    }
}
