//! The server: accepts, keeps a task for each connection, and can stop them all between two steps
//! to hand them to a successor.

use std::{
    io,
    net::SocketAddr,
    path::Path,
    pin::pin,
    task::{Context, Poll},
};

use edgewake::{
    JoinError, JoinHandle,
    net::{TcpListener, TcpSocket, unix::UnixBind},
};
use futures::{
    FutureExt, StreamExt,
    channel::oneshot,
    future::{Either, Shared, select},
    stream::FuturesUnordered,
};

use crate::{
    channel::Channel,
    connection::Connection,
    state::State,
    succession::{self, Estate},
};

/// Connections the kernel keeps until they are accepted; that is where they wait during a handover.
const BACKLOG: u32 = 4096;

/// What the kernel keeps of answers that a client does not read: little, so that the rest waits in
/// this process, where a handover has to find it.
const SEND_BUFFER: usize = 32 * 1024;

/// How many were handed over, with what was under way on them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) connections: usize,
    pub(crate) unprocessed: usize,
    pub(crate) unsent: usize,
}

impl Moved {
    pub(crate) fn of(estate: &Estate) -> Moved {
        let states = || estate.connections.iter().map(|connection| &connection.state);
        Moved {
            connections: estate.connections.len(),
            unprocessed: states().map(|state| state.unprocessed.len()).sum(),
            unsent: states().map(|state| state.unsent.len()).sum(),
        }
    }
}

/// How a server came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It was told to stop.
    Stopped,
    /// A successor has everything.
    HandedOver(Moved),
}

/// Binds the listener and the control socket: a server without a predecessor.
pub(crate) fn found(address: SocketAddr, control: &Path) -> io::Result<Estate> {
    // First, since a port in use must not leave a control socket's file behind.
    let listener = listen(address)?;
    // Whom a crash has left behind must not keep us out; nobody else may ask for our connections.
    let control = UnixBind::new().unlink_before(true).mode(0o600).listener(control)?;
    Ok(Estate { listener, control, connections: Vec::new() })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_for(&address)?;
    socket.set_reuse_addr(true)?;
    // Accepted connections inherit these.
    socket.set_nodelay(true)?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `stop` is done or a successor has taken over. What goes wrong with one connection,
/// or with a handover that is then off, is told to `warn`.
pub(crate) async fn serve(
    estate: Estate,
    stop: impl Future<Output = ()>,
    warn: impl Fn(&str),
) -> io::Result<Ended> {
    let mut stop = pin!(stop);
    let mut server = Server::start(estate);
    loop {
        let event = std::future::poll_fn(|cx| match stop.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Ok(Event::Stop)),
            Poll::Pending => server.poll_event(cx),
        });
        match event.await? {
            Event::Stop => return Ok(Ended::Stopped),
            Event::Failed(what) => warn(&what),
            Event::Asked(mut channel) => {
                let estate = server.halt().await?;
                match succession::hand_over(&mut channel, &estate).await {
                    Ok(()) => return Ok(Ended::HandedOver(Moved::of(&estate))),
                    Err(error) => warn(&format!("the handover is off: {error}")),
                }
                server = Server::start(estate);
            }
        }
    }
}

/// What a server notices, beside connections that come and end.
enum Event {
    Stop,
    Failed(String),
    Asked(Channel),
}

/// A server whose connections are served.
struct Server {
    estate: Estate,
    halt: oneshot::Sender<()>,
    halted: Shared<oneshot::Receiver<()>>,
    tasks: FuturesUnordered<JoinHandle<io::Result<Option<Connection>>>>,
    /// Somebody is at the control socket.
    asking: Option<JoinHandle<io::Result<Channel>>>,
}

impl Server {
    fn start(mut estate: Estate) -> Server {
        let connections = std::mem::take(&mut estate.connections);
        let (halt, halted) = oneshot::channel();
        let tasks = FuturesUnordered::new();
        let server = Server { estate, halt, halted: halted.shared(), tasks, asking: None };
        for connection in connections {
            server.drive(connection);
        }
        server
    }

    fn drive(&self, connection: Connection) {
        self.tasks.push(edgewake::spawn_local(drive(connection, self.halted.clone())));
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Event>> {
        while let Poll::Ready(Some(ended)) = self.tasks.poll_next_unpin(cx) {
            match ended {
                Ok(Ok(_gone)) => {}
                Ok(Err(error)) => return failed("a connection failed", &error),
                Err(error) => return failed("a connection's task ended", &error),
            }
        }
        if let Some(asking) = &mut self.asking {
            if let Poll::Ready(heard) = asking.poll_unpin(cx) {
                self.asking = None;
                return match flatten(heard) {
                    Ok(channel) => Poll::Ready(Ok(Event::Asked(channel))),
                    Err(error) => failed("nobody took over", &error),
                };
            }
        } else if let Poll::Ready(accepted) = self.estate.control.poll_accept(cx) {
            let (stream, _) = accepted?;
            self.asking = Some(edgewake::spawn_local(succession::hear(stream)));
            // It has to be polled to wake us.
            cx.waker().wake_by_ref();
        }
        while let Poll::Ready(accepted) = self.estate.listener.poll_accept(cx) {
            let (stream, _peer) = accepted?;
            self.drive(Connection::new(stream, State::default()));
            // Its task's handle has to be polled to tell of its end.
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Stops every connection between two steps.
    async fn halt(self) -> io::Result<Estate> {
        let Server { mut estate, halt, tasks, .. } = self;
        // There is nobody to hear it if there is no connection.
        let _unheard: Result<(), ()> = halt.send(());
        let ended: Vec<_> = tasks.collect().await;
        for connection in ended {
            // Its error was its end, as it would have been without a successor.
            estate.connections.extend(flatten(connection).ok().flatten());
        }
        Ok(estate)
    }
}

fn failed(what: &str, error: &dyn std::fmt::Display) -> Poll<io::Result<Event>> {
    Poll::Ready(Ok(Event::Failed(format!("{what}: {error}"))))
}

fn flatten<T>(outcome: Result<io::Result<T>, JoinError>) -> io::Result<T> {
    outcome.map_err(io::Error::other)?
}

/// Serves a connection to its end, or until all are stopped: then it comes back as it stands.
async fn drive(
    mut connection: Connection,
    mut halted: Shared<oneshot::Receiver<()>>,
) -> io::Result<Option<Connection>> {
    loop {
        match select(&mut halted, pin!(connection.turn())).await {
            Either::Left(_) => break,
            Either::Right((Ok(true), _)) => {}
            Either::Right((Ok(false), _)) => return Ok(None),
            Either::Right((Err(error), _)) => return Err(error),
        }
    }
    Ok(Some(connection))
}
