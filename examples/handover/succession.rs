//! How one process hands everything to the next, and how that takes it over.
//!
//! ```text
//! new                           old
//! Ask         ->                stops accepting, stops every connection between two steps
//!             <-  Listeners     with two descriptors
//! Taken       ->
//!             <-  Connections   at most 253 of them, as often as it takes
//! Taken       ->                so few descriptors are on their way at any time
//!             <-  End           with their number
//! Taken       ->
//!             <-  Go            from here on the new one serves, and the old one ends
//! ```
//!
//! Descriptors that are sent are duplicates: until it has sent `Go` the old process has everything
//! in hand as well, and if anything fails before that it goes on as if nobody had asked, while the
//! new one, which has touched nothing, gives up. No byte is read or written by both.

use std::{
    io::{self, ErrorKind::InvalidData},
    os::fd::{AsFd, BorrowedFd},
    path::Path,
    time::Duration,
};

use edgewake::{
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    time::timeout,
};

use crate::{
    channel::{Channel, FDS_MAX, Kind},
    connection::Connection,
    state::State,
};

/// Names the protocol, so that another version is refused and not misread.
const PROTOCOL: &[u8] = b"edgewake handover 1";

/// How long a whole handover may take, for the old one.
const PATIENCE: Duration = Duration::from_secs(20);

/// The same for the new one, whose clock starts first: while it connects, waits to be heard, and
/// the old one stops its connections. It must not give up while the old one may still send `Go`,
/// after which nobody else has anything.
const SUCCESSOR_PATIENCE: Duration = Duration::from_secs(60);

/// How long whoever connects may take to ask.
const ASKING: Duration = Duration::from_secs(5);

/// So many bytes of states go into a record, if there is more than one.
const RECORD_SIZE: usize = 4 << 20;

/// Everything that a server is.
#[derive(Debug)]
pub(crate) struct Estate {
    pub(crate) listener: TcpListener,
    pub(crate) control: UnixListener,
    pub(crate) connections: Vec<Connection>,
}

/// Hears whoever has connected to the control socket ask for everything.
pub(crate) async fn hear(stream: UnixStream) -> io::Result<Channel> {
    let mut channel = Channel::new(stream);
    let ask = timeout(ASKING, channel.expect(Kind::Ask)).await??;
    if ask.body != PROTOCOL {
        return Err(io::Error::new(InvalidData, "another version asks to take over"));
    }
    Ok(channel)
}

/// Hands everything over. After an error nothing has changed hands.
pub(crate) async fn hand_over(channel: &mut Channel, estate: &Estate) -> io::Result<()> {
    timeout(PATIENCE, send_all(channel, estate)).await?
}

async fn send_all(channel: &mut Channel, estate: &Estate) -> io::Result<()> {
    let listeners = [estate.listener.as_fd(), estate.control.as_fd()];
    channel.send(Kind::Listeners, &[], &listeners).await?;
    channel.expect(Kind::Taken).await?;
    let mut connections = estate.connections.iter().peekable();
    while connections.peek().is_some() {
        let (mut body, mut fds): (Vec<u8>, Vec<BorrowedFd<'_>>) = (Vec::new(), Vec::new());
        while fds.len() < FDS_MAX && body.len() < RECORD_SIZE {
            let Some(connection) = connections.next() else { break };
            connection.state.write(&mut body);
            fds.push(connection.fd());
        }
        channel.send(Kind::Connections, &body, &fds).await?;
        channel.expect(Kind::Taken).await?;
    }
    let count = estate.connections.len() as u64;
    channel.send(Kind::End, &count.to_be_bytes(), &[]).await?;
    channel.expect(Kind::Taken).await?;
    channel.send(Kind::Go, &[], &[]).await
}

/// Takes everything over from whoever serves at the control socket's path; none if nobody does.
pub(crate) async fn take_over(path: &Path) -> io::Result<Option<Estate>> {
    let stream = match UnixStream::connect(path).await {
        Ok(stream) => stream,
        // No file, or one that a crash has left behind.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let mut channel = Channel::new(stream);
    let estate = timeout(SUCCESSOR_PATIENCE, receive_all(&mut channel)).await??;
    // The old one may have sent `Go` at any time since the last `Taken`, so there is no giving up
    // any more: it comes, or the end of the stream does, with the old one's patience at the latest.
    channel.expect(Kind::Go).await?;
    Ok(Some(estate))
}

/// Everything up to the last `Taken`, which is sent.
async fn receive_all(channel: &mut Channel) -> io::Result<Estate> {
    channel.send(Kind::Ask, PROTOCOL, &[]).await?;
    let mut listeners = channel.expect(Kind::Listeners).await?.fds.into_iter();
    let (Some(listener), Some(control)) = (listeners.next(), listeners.next()) else {
        return Err(io::Error::new(InvalidData, "the listeners are missing"));
    };
    let mut estate = Estate {
        listener: TcpListener::try_from(listener)?,
        control: UnixListener::try_from(control)?,
        connections: Vec::new(),
    };
    channel.send(Kind::Taken, &[], &[]).await?;
    let count = loop {
        let record = match channel.connections().await? {
            Ok(record) => record,
            Err(count) => break count,
        };
        let mut states = record.body.as_slice();
        for fd in record.fds {
            let state = State::read(&mut states)?;
            estate.connections.push(Connection::new(TcpStream::try_from(fd)?, state));
        }
        channel.send(Kind::Taken, &[], &[]).await?;
    };
    if count != estate.connections.len() as u64 {
        return Err(io::Error::new(InvalidData, "some connections are missing"));
    }
    channel.send(Kind::Taken, &[], &[]).await?;
    Ok(estate)
}
