//! The two places of a proxy: where it listens, and where it connects. Each is a transport and an
//! address, as in `tcp:127.0.0.1:8000` and `unix:/tmp/socket`.

use std::{fmt, io};

use edgewake::net::{
    TcpListener, TcpSocket, TcpStream, UnixAddr, UnixListener, UnixStream, unix::UnixBind,
};

use crate::common::place::{Name, Place};

/// Connections the kernel keeps until they are accepted; Linux cuts it at `net.core.somaxconn`.
const BACKLOG: u32 = 4096;

/// Where to listen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listen(Place);

impl Listen {
    pub(crate) fn parse(text: &str) -> Result<Listen, String> {
        let (transport, address) = split(text)?;
        match Place::parse(transport, address)? {
            Place::Udp(_) => Err("datagrams are no stream: tcp or unix is needed".into()),
            place => Ok(Listen(place)),
        }
    }

    pub(crate) fn listen(&self) -> io::Result<Listener> {
        match self.0 {
            Place::Tcp(address) => {
                let socket = TcpSocket::new_for(&address)?;
                socket.set_reuse_addr(true)?;
                // Accepted connections inherit it: what comes is passed on as it comes.
                socket.set_nodelay(true)?;
                socket.bind(address)?;
                socket.listen(BACKLOG).map(Listener::Tcp)
            }
            Place::Unix(address) => {
                // Whom a crash has left behind must not keep us out; who lives does.
                let bind = UnixBind::new().unlink_before(true).unlink_after(true);
                bind.backlog(BACKLOG).listener(address).map(Listener::Unix)
            }
            Place::Udp(_) => unreachable!("parse refuses it"),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A socket that listens.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Where it listens, with the port that the kernel chose.
    pub(crate) fn place(&self) -> io::Result<Place> {
        match self {
            Listener::Tcp(listener) => listener.local_addr().map(Place::Tcp),
            Listener::Unix(listener) => listener.local_addr().map(Place::Unix),
        }
    }

    /// The next connection. At the limit of descriptors this waits, and a connection that died in
    /// the queue is passed over; an error is one for good.
    pub(crate) async fn accept(&self) -> io::Result<Stream> {
        Ok(match self {
            Listener::Tcp(listener) => Stream::Tcp(listener.accept().await?.0),
            Listener::Unix(listener) => Stream::Unix(listener.accept().await?.0),
        })
    }
}

/// A connected stream.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// Where to connect.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// A host, by name or address, and a port. The name is looked up for each connection.
    Tcp(String),
    Unix(UnixAddr),
}

impl Target {
    pub(crate) fn parse(text: &str) -> Result<Target, String> {
        match split(text)? {
            ("tcp", host) => match host.rsplit_once(':') {
                Some((name, port)) if !name.is_empty() && port.parse::<u16>().is_ok() => {
                    Ok(Target::Tcp(host.to_owned()))
                }
                _ => Err(format!("tcp needs a host and a port, like example.org:80, not `{host}`")),
            },
            (transport, address) => match Place::parse(transport, address)? {
                Place::Unix(address) => Ok(Target::Unix(address)),
                _ => Err("datagrams are no stream: tcp or unix is needed".into()),
            },
        }
    }

    pub(crate) async fn connect(&self) -> io::Result<Stream> {
        match self {
            Target::Tcp(host) => {
                let stream = TcpStream::connect(host.as_str()).await?;
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            Target::Unix(address) => UnixStream::connect(*address).await.map(Stream::Unix),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Tcp(host) => write!(f, "{host} (tcp)"),
            Target::Unix(address) => write!(f, "{} (unix)", Name(address)),
        }
    }
}

fn split(text: &str) -> Result<(&str, &str), String> {
    text.split_once(':')
        .ok_or_else(|| format!("`{text}` needs a transport in front, as in tcp:127.0.0.1:8000"))
}

#[cfg(test)]
mod tests {
    use super::{Listen, Target};

    #[test]
    fn places_are_read() {
        for text in ["tcp:127.0.0.1:0", "tcp:[::1]:80", "unix:/tmp/socket"] {
            Listen::parse(text).expect(text);
            Target::parse(text).expect(text);
        }
        Target::parse("tcp:example.org:80").expect("a name");
        for text in ["", "tcp", "tcp:", "tcp:80", "tcp::80", "udp:127.0.0.1:80", "127.0.0.1:80"] {
            Listen::parse(text).expect_err(text);
            Target::parse(text).expect_err(text);
        }
    }
}
