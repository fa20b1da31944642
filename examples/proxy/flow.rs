//! One flow: a connection, the one it is connected on to, and what moves between them.

use std::{io, rc::Rc, time::Duration};

use edgewake::{
    io::{AsyncRead, AsyncWrite, CopyMethod, CopyOptions},
    net::{TcpStream, UnixStream},
    time::timeout,
};

use crate::{
    counters::Counters,
    endpoints::{Stream, Target},
};

/// What all flows share.
#[derive(Debug)]
pub(crate) struct Proxy {
    target: Target,
    /// How long connecting may take.
    patience: Duration,
    method: CopyMethod,
    pub(crate) counters: Counters,
}

impl Proxy {
    pub(crate) fn new(target: Target, patience: Duration, method: CopyMethod) -> Proxy {
        Proxy { target, patience, method, counters: Counters::new() }
    }

    async fn connect(&self) -> io::Result<Stream> {
        // An elapsed time is an error of the kind `TimedOut`.
        timeout(self.patience, self.target.connect()).await?
    }
}

/// Counts as an open flow, until it drops.
struct Flow(Rc<Proxy>);

impl Flow {
    fn open(proxy: &Rc<Proxy>) -> Flow {
        proxy.counters.opened();
        Flow(Rc::clone(proxy))
    }

    fn failed(&self, what: &str, error: &io::Error) {
        self.0.counters.failed(format!("{what}: {error}"));
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.0.counters.closed();
    }
}

/// Starts the flow of a new connection.
pub(crate) fn start(client: Stream, proxy: &Rc<Proxy>) {
    let flow = Flow::open(proxy);
    // Dropping the handle of a task detaches it. Connecting is a task of its own: it takes more
    // room than what comes then, which is where a flow spends its life.
    drop(edgewake::spawn_local(async move {
        match (client, flow.0.connect().await) {
            (Stream::Tcp(client), Ok(Stream::Tcp(server))) => carry(client, server, flow),
            (Stream::Tcp(client), Ok(Stream::Unix(server))) => carry(client, server, flow),
            (Stream::Unix(client), Ok(Stream::Tcp(server))) => carry(client, server, flow),
            (Stream::Unix(client), Ok(Stream::Unix(server))) => carry(client, server, flow),
            (_, Err(error)) => flow.failed("cannot connect", &error),
        }
    }));
}

/// Carries over what comes from either, and the end of it, until both have ended.
fn carry<C: Socket, S: Socket>(mut client: C, mut server: S, flow: Flow) {
    drop(edgewake::spawn_local(async move {
        let Proxy { method, counters, .. } = &*flow.0;
        let options = CopyOptions::new().method(*method).counts_into(&counters.up, &counters.down);
        if let Err(error) = options.copy_bidirectional(&mut client, &mut server).await {
            flow.failed("a flow ended early", &error);
            // Dropped as they are both would tell of an orderly end, and what was cut short would
            // pass for whole.
            for reset in [client.abort(), server.abort()] {
                if let Err(error) = reset {
                    flow.failed("cannot reset", &error);
                }
            }
        }
    }));
}

/// A connected socket of either kind.
trait Socket: AsyncRead + AsyncWrite + Unpin + 'static {
    /// Has its end be a reset when it drops, where there is such a thing.
    fn abort(&self) -> io::Result<()>;
}

impl Socket for TcpStream {
    fn abort(&self) -> io::Result<()> {
        match self.set_linger(Some(Duration::ZERO)) {
            // Apple: a connection that has been reset takes no options.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            outcome => outcome,
        }
    }
}

impl Socket for UnixStream {
    fn abort(&self) -> io::Result<()> {
        Ok(())
    }
}
