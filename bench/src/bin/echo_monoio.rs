//! The monoio peer: the same echo server on its io_uring driver or on its epoll one, one task a
//! connection.
//!
//! monoio's reads take the buffer along, so each connection has its own, and a datagram socket one.
//! Ends on SIGINT and SIGTERM.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::process::ExitCode;

use edgewake_bench::os::{datagram, process, signals, socket};
use edgewake_bench::serve::{self, Arguments, ONE_BUFFER};
use edgewake_bench::{announce, target::Target};
use lexopt::ValueExt;
use monoio::io::{AsyncReadRent, AsyncWriteRent, AsyncWriteRentExt};
use monoio::net::udp::UdpSocket;
use monoio::net::{TcpListener, UnixListener, UnixStream};
use monoio::task::JoinHandle;
use monoio::{IoUringDriver, LegacyDriver, RuntimeBuilder};

const USAGE: &str = "\
usage: echo_monoio --tcp ADDR | --udp ADDR | --unix PATH [options]
  --driver uring  io_uring (the default)
  --driver epoll  what monoio calls its legacy driver
  --buffer BYTES  size of each connection's buffer (default 65536)";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Driver {
    Epoll,
    Uring,
}

fn main() -> ExitCode {
    let mut driver = Driver::Uring;
    let parsed = serve::parse(USAGE, |word, parser| {
        if word == "driver" {
            driver = match parser.value()?.string()?.as_str() {
                "epoll" => Driver::Epoll,
                "uring" => Driver::Uring,
                other => return Err(format!("--driver {other}?\n{USAGE}").into()),
            };
        }
        Ok(word == "driver")
    });
    serve::run("echo_monoio", || {
        let arguments = parsed.map_err(io::Error::other)?;
        process::raise_fd_limit()?;
        let stop = signals::termination()?;
        let running = until_signal(&arguments, driver, stop);
        match driver {
            Driver::Epoll => RuntimeBuilder::<LegacyDriver>::new().build()?.block_on(running),
            Driver::Uring => RuntimeBuilder::<IoUringDriver>::new().build()?.block_on(running),
        }?;
        serve::remove_name(&arguments.target)
    })
}

async fn until_signal(arguments: &Arguments, driver: Driver, stop: OwnedFd) -> io::Result<()> {
    // monoio waits for sockets only. This is called one and never received from: all that is asked
    // is whether it is readable, which any descriptor for poll(2) answers.
    let stop = UnixStream::from_std(StdUnixStream::from(stop))?;
    // A task of its own, so that its wake-ups do not poll the signals as well.
    let serving = start(arguments, driver)?;
    monoio::select! {
        outcome = stop.readable(false) => outcome,
        ended = serving => ended,
    }
}

/// Listens, says where, and starts the task that serves.
fn start(arguments: &Arguments, driver: Driver) -> io::Result<JoinHandle<io::Result<()>>> {
    let buffer = arguments.buffer.unwrap_or(ONE_BUFFER);
    // io_uring waits by itself, but says EAGAIN of a socket that is non-blocking.
    let non_blocking = driver == Driver::Epoll;
    Ok(match &arguments.target {
        Target::Tcp(addr) => {
            let listener = socket::listen(*addr)?;
            listener.set_nonblocking(non_blocking)?;
            announce::listening_on(listener.local_addr()?)?;
            let listener = TcpListener::from_std(listener)?;
            monoio::spawn(async move {
                loop {
                    let (stream, _) = listener.accept().await?;
                    start_echo(stream, buffer);
                }
            })
        }
        Target::Udp(addr) => {
            let socket = datagram::bind(*addr)?;
            socket.set_nonblocking(non_blocking)?;
            announce::listening_on(socket.local_addr()?)?;
            monoio::spawn(echo_datagrams(UdpSocket::from_std(socket)?, buffer))
        }
        Target::Unix(path) => {
            let listener = socket::listen_unix(path)?;
            listener.set_nonblocking(non_blocking)?;
            announce::listening_on(path.display())?;
            let listener = UnixListener::from_std(listener)?;
            monoio::spawn(async move {
                loop {
                    let (stream, _) = listener.accept().await?;
                    start_echo(stream, buffer);
                }
            })
        }
    })
}

/// Starts the task of a connection. Its error is its client's business: the generator notices
/// every lost byte.
fn start_echo(stream: impl AsyncReadRent + AsyncWriteRent + 'static, buffer: usize) {
    drop(monoio::spawn(async move { echo(stream, buffer).await.unwrap_or_default() }));
}

async fn echo(mut stream: impl AsyncReadRent + AsyncWriteRent, buffer: usize) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(buffer);
    loop {
        let (received, filled) = stream.read(buffer).await;
        if received? == 0 {
            return Ok(());
        }
        // The read has made the vector as long as what it received.
        let (sent, emptied) = stream.write_all(filled).await;
        sent?;
        buffer = emptied;
    }
}

async fn echo_datagrams(socket: UdpSocket, buffer: usize) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(buffer);
    loop {
        let (received, filled) = socket.recv_from(buffer).await;
        let (_, peer) = received?;
        // An answer that cannot be sent is lost, as a datagram may be; the generator notices.
        let (_lost, emptied) = socket.send_to(filled, peer).await;
        buffer = emptied;
    }
}
