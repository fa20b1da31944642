//! The smol peer: the same echo server on a `LocalExecutor`, one task a connection.
//!
//! `echo_smol --tcp 127.0.0.1:0` receives and sends back inside `Async::read_with`, on one buffer
//! shared by all tasks; `--async-read` gives each task its own buffer and the `AsyncRead` and
//! `AsyncWrite` traits. `--unix PATH` has both too; `--udp ADDR` answers datagrams one at a time.
//! Ends on SIGINT and SIGTERM. `async-io` starts a thread of its own beside this one: it sleeps
//! while `block_on` looks at the reactor, with a wake-up now and then to see whether it does.

use std::cell::RefCell;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::rc::Rc;

use edgewake_bench::os::{datagram, process, signals, socket};
use edgewake_bench::serve::{self, ONE_BUFFER, OWN_BUFFER};
use edgewake_bench::{announce, target::Target};
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::{Async, LocalExecutor};

const USAGE: &str = "\
usage: echo_smol --tcp ADDR | --udp ADDR | --unix PATH [options]
  --async-read    AsyncRead and AsyncWrite, a buffer for each connection
  --buffer BYTES  size of the shared buffer (default 65536), or of each one's own (16384)";

/// What the tasks of all connections share.
struct Server {
    executor: LocalExecutor<'static>,
    /// Borrowed only between two awaits.
    shared: RefCell<Vec<u8>>,
    /// The size of each connection's own buffer, if they are to have one.
    own: Option<usize>,
}

fn main() -> ExitCode {
    let mut traits = false;
    let parsed = serve::parse(USAGE, |word, _| {
        traits |= word == "async-read";
        Ok(word == "async-read")
    });
    serve::run("echo_smol", || {
        let arguments = parsed.map_err(io::Error::other)?;
        process::raise_fd_limit()?;
        // Before any thread is started, which inherits that the signals are blocked.
        let stop = Async::new_nonblocking(signals::termination()?)?;
        let server = Rc::new(Server {
            executor: LocalExecutor::new(),
            shared: RefCell::new(vec![0; arguments.buffer.unwrap_or(ONE_BUFFER)]),
            own: traits.then(|| arguments.buffer.unwrap_or(OWN_BUFFER)),
        });
        let running = until_signal(&arguments.target, Rc::clone(&server), stop);
        smol::block_on(server.executor.run(running))?;
        serve::remove_name(&arguments.target)
    })
}

async fn until_signal(target: &Target, server: Rc<Server>, stop: Async<OwnedFd>) -> io::Result<()> {
    // A task of its own, so that its wake-ups do not poll the signals as well.
    let executor = &server.executor;
    let serving = match target {
        Target::Tcp(addr) => {
            let listener = Async::new_nonblocking(socket::listen(*addr)?)?;
            announce::listening_on(listener.get_ref().local_addr()?)?;
            let server = Rc::clone(&server);
            executor.spawn(async move {
                loop {
                    let (stream, _) = listener.accept().await?;
                    start(&server, stream);
                }
            })
        }
        Target::Udp(addr) => {
            let socket = Async::new_nonblocking(datagram::bind(*addr)?)?;
            announce::listening_on(socket.get_ref().local_addr()?)?;
            let buffer = vec![0; server.shared.borrow().len()];
            executor.spawn(echo_datagrams(socket, buffer))
        }
        Target::Unix(path) => {
            let listener = Async::new_nonblocking(socket::listen_unix(path)?)?;
            announce::listening_on(path.display())?;
            let server = Rc::clone(&server);
            executor.spawn(async move {
                loop {
                    let (stream, _) = listener.accept().await?;
                    start(&server, stream);
                }
            })
        }
    };
    smol::future::or(serving, async { stop.readable().await }).await
}

/// Starts the task of a connection. Its error is its client's business: the generator notices
/// every lost byte.
fn start<S>(server: &Rc<Server>, stream: Async<S>)
where
    S: AsFd + Read + Write + 'static,
    for<'a> &'a S: Read + Write,
    Async<S>: smol::io::AsyncRead + smol::io::AsyncWrite + Unpin,
{
    match server.own {
        Some(buffer) => server.executor.spawn(async move {
            echo_with_traits(stream, buffer).await.unwrap_or_default();
        }),
        None => {
            let shared = Rc::clone(server);
            server.executor.spawn(async move {
                echo_on_readiness(stream, &shared).await.unwrap_or_default();
            })
        }
    }
    .detach();
}

async fn echo_with_traits(
    mut stream: impl smol::io::AsyncRead + smol::io::AsyncWrite + Unpin,
    buffer: usize,
) -> io::Result<()> {
    let mut buffer = vec![0; buffer];
    loop {
        let received = stream.read(&mut buffer).await?;
        if received == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..received]).await?;
    }
}

async fn echo_on_readiness<S>(stream: Async<S>, server: &Server) -> io::Result<()>
where
    S: AsFd,
    for<'a> &'a S: Read + Write,
{
    loop {
        let held = stream.read_with(|stream| echo_once(stream, &mut server.shared.borrow_mut()));
        let Some(held) = held.await? else { return Ok(()) };
        let mut sent = 0;
        while sent < held.len() {
            sent += stream.write_with(|mut stream| stream.write(&held[sent..])).await?;
        }
    }
}

/// Receives once and sends back what the socket takes; returns the rest, `None` at end of file.
fn echo_once<S>(mut stream: &S, buffer: &mut [u8]) -> io::Result<Option<Vec<u8>>>
where
    for<'a> &'a S: Read + Write,
{
    let received = stream.read(buffer)?;
    if received == 0 {
        return Ok(None);
    }
    let sent = match stream.write(&buffer[..received]) {
        Ok(sent) => sent,
        Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
        Err(error) => return Err(error),
    };
    Ok(Some(buffer[sent..received].to_vec()))
}

async fn echo_datagrams(socket: Async<std::net::UdpSocket>, mut buffer: Vec<u8>) -> io::Result<()> {
    loop {
        let (received, peer) = socket.recv_from(&mut buffer).await?;
        // An answer that cannot be sent is lost, as a datagram may be; the generator notices.
        let _lost = socket.send_to(&buffer[..received], peer).await;
    }
}
