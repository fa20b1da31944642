//! The tokio peer: the same echo server, one task a connection, on the current-thread runtime or,
//! with `--threads N`, on the multi-thread one.
//!
//! `echo_tokio --tcp 127.0.0.1:0` awaits `readable()` and tries into one buffer shared by all tasks
//! of a thread, which is how `examples/echo` of edgewake does it; `--async-read` gives each task its
//! own buffer and the `AsyncRead`/`AsyncWrite` traits. `--unix PATH` always does the latter, and
//! `--udp ADDR` answers datagrams one at a time. Ends on SIGINT and SIGTERM.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::process::ExitCode;

use edgewake_bench::os::{datagram, process, socket};
use edgewake_bench::serve::{self, Arguments, ONE_BUFFER, OWN_BUFFER};
use edgewake_bench::{announce, target::Target};
use lexopt::ValueExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket, UnixListener};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

const USAGE: &str = "\
usage: echo_tokio --tcp ADDR | --udp ADDR | --unix PATH [options]
  --async-read    with --tcp: AsyncRead and AsyncWrite, a buffer for each connection
  --threads N     the multi-thread runtime with N workers, instead of the current thread
  --buffer BYTES  size of the shared buffer (default 65536), or of each one's own (16384)";

/// How streams are echoed: which buffers, how large.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// Await `readable`, then try into the buffer of the thread.
    Readiness(usize),
    /// The traits, on a buffer of each connection's own.
    Traits(usize),
}

thread_local! {
    /// The buffer of all tasks on this thread; borrowed only between two awaits.
    static SHARED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn main() -> ExitCode {
    let (mut traits, mut threads) = (false, None);
    let parsed = serve::parse(USAGE, |word, parser| {
        match word {
            "async-read" => traits = true,
            "threads" => threads = Some(parser.value()?.parse::<usize>()?.max(1)),
            _ => return Ok(false),
        }
        Ok(true)
    });
    serve::run("echo_tokio", || {
        let arguments = parsed.map_err(io::Error::other)?;
        process::raise_fd_limit()?;
        runtime(threads)?.block_on(until_signal(&arguments, traits))?;
        serve::remove_name(&arguments.target)
    })
}

fn runtime(threads: Option<usize>) -> io::Result<Runtime> {
    match threads {
        Some(threads) => Builder::new_multi_thread().worker_threads(threads).enable_all().build(),
        None => Builder::new_current_thread().enable_all().build(),
    }
}

async fn until_signal(arguments: &Arguments, traits: bool) -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    // A task of its own, so that its wake-ups do not poll the signals as well.
    let serving = start(arguments, traits)?;
    tokio::select! {
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        ended = serving => ended.map_err(io::Error::other)?,
    }
}

/// Listens, says where, and starts the task that serves.
fn start(arguments: &Arguments, traits: bool) -> io::Result<JoinHandle<io::Result<()>>> {
    let own = arguments.buffer.unwrap_or(OWN_BUFFER);
    let one = arguments.buffer.unwrap_or(ONE_BUFFER);
    Ok(match &arguments.target {
        Target::Tcp(addr) => {
            let listener = TcpListener::from_std(socket::listen(*addr)?)?;
            announce::listening_on(listener.local_addr()?)?;
            tokio::spawn(accept(
                listener,
                if traits { Way::Traits(own) } else { Way::Readiness(one) },
            ))
        }
        Target::Udp(addr) => {
            let socket = UdpSocket::from_std(datagram::bind(*addr)?)?;
            announce::listening_on(socket.local_addr()?)?;
            tokio::spawn(echo_datagrams(socket, one))
        }
        Target::Unix(path) => {
            let listener = UnixListener::from_std(socket::listen_unix(path)?)?;
            announce::listening_on(path.display())?;
            tokio::spawn(accept_unix(listener, own))
        }
    })
}

async fn echo_datagrams(socket: UdpSocket, buffer: usize) -> io::Result<()> {
    let mut buffer = vec![0; buffer];
    loop {
        let (received, peer) = socket.recv_from(&mut buffer).await?;
        // An answer that cannot be sent is lost, as a datagram may be; the generator notices.
        let _lost = socket.send_to(&buffer[..received], peer).await;
    }
}

async fn accept_unix(listener: UnixListener, buffer: usize) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move { echo_with_traits(stream, buffer).await.unwrap_or_default() });
    }
}

async fn accept(listener: TcpListener, way: Way) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        // A connection's error is its client's business: the generator notices every lost byte.
        match way {
            Way::Traits(buffer) => {
                tokio::spawn(
                    async move { echo_with_traits(stream, buffer).await.unwrap_or_default() },
                )
            }
            Way::Readiness(buffer) => {
                tokio::spawn(
                    async move { echo_on_readiness(stream, buffer).await.unwrap_or_default() },
                )
            }
        };
    }
}

async fn echo_with_traits(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
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

async fn echo_on_readiness(stream: TcpStream, buffer: usize) -> io::Result<()> {
    loop {
        stream.readable().await?;
        let held = match SHARED.with_borrow_mut(|shared| echo_once(&stream, shared, buffer)) {
            Ok(None) => return Ok(()),
            Ok(Some(held)) => held,
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        };
        let mut sent = 0;
        while sent < held.len() {
            stream.writable().await?;
            match stream.try_write(&held[sent..]) {
                Ok(more) => sent += more,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Receives once and sends back what the socket takes; returns the rest, `None` at end of file.
fn echo_once(stream: &TcpStream, buffer: &mut Vec<u8>, size: usize) -> io::Result<Option<Vec<u8>>> {
    if buffer.is_empty() {
        // This thread's first.
        buffer.resize(size, 0);
    }
    let received = stream.try_read(buffer)?;
    if received == 0 {
        return Ok(None);
    }
    let sent = match stream.try_write(&buffer[..received]) {
        Ok(sent) => sent,
        Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
        Err(error) => return Err(error),
    };
    Ok(Some(buffer[sent..received].to_vec()))
}
