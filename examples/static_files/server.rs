//! The server: its listener, and a task for each connection.

use std::{io, net::SocketAddr, rc::Rc, sync::Arc};

use edgewake::net::{TcpListener, TcpSocket};

use crate::{body::Method, connection, log::Log, site::Site};

/// Connections the kernel keeps until they are accepted.
const BACKLOG: u32 = 4096;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) site: Arc<Site>,
    pub(crate) method: Method,
    pub(crate) log: Log,
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
