//! The tokio peer: the same echo server on a current-thread runtime, one task a connection.
//!
//! `echo_tokio --tcp 127.0.0.1:0` awaits `readable()` and tries into one buffer shared by all
//! tasks, which is how `examples/echo` of edgewake does it; `--async-read` gives each task its own
//! buffer and the `AsyncRead`/`AsyncWrite` traits. `--unix PATH` always does the latter, and
//! `--udp ADDR` answers datagrams one at a time. Ends on SIGINT and SIGTERM.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::process::ExitCode;

use edgewake_bench::announce;
use edgewake_bench::os::{datagram, process, socket};
use edgewake_bench::target::{Target, Transport};
use lexopt::{Arg, Parser, ValueExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket, UnixListener};
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "usage: echo_tokio --tcp ADDR [--async-read] | --udp ADDR | --unix PATH";

const BUFFER: usize = 16 * 1024;

thread_local! {
    /// The buffer of all tasks; borrowed only between two awaits.
    static SHARED: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]);
}

fn main() -> ExitCode {
    match parse().map_err(io::Error::other).and_then(|(target, traits)| run(target, traits)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo_tokio: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse() -> Result<(Target, bool), lexopt::Error> {
    let (mut target, mut traits) = (None, false);
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("async-read") => traits = true,
            Arg::Long(word) if Transport::named(word).is_some() => {
                let transport = Transport::named(word).ok_or(USAGE)?;
                target = Some(Target::parse(transport, &parser.value()?.string()?)?);
            }
            other => return Err(format!("{}\n{USAGE}", other.unexpected()).into()),
        }
    }
    Ok((target.ok_or(USAGE)?, traits))
}

fn run(target: Target, traits: bool) -> io::Result<()> {
    process::raise_fd_limit()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        // A task of its own, so that its wake-ups do not poll the signals as well.
        let serving = match &target {
            Target::Tcp(addr) => {
                let listener = TcpListener::from_std(socket::listen(*addr)?)?;
                announce::listening_on(listener.local_addr()?)?;
                tokio::spawn(accept(listener, traits))
            }
            Target::Udp(addr) => {
                let socket = UdpSocket::from_std(datagram::bind(*addr)?)?;
                announce::listening_on(socket.local_addr()?)?;
                tokio::spawn(echo_datagrams(socket))
            }
            Target::Unix(path) => {
                let listener = UnixListener::from_std(socket::listen_unix(path)?)?;
                announce::listening_on(path.display())?;
                tokio::spawn(accept_unix(listener))
            }
        };
        tokio::select! {
            _ = interrupt.recv() => Ok(()),
            _ = terminate.recv() => Ok(()),
            ended = serving => ended.map_err(io::Error::other)?,
        }
    });
    if let Target::Unix(path) = target {
        std::fs::remove_file(path)?;
    }
    outcome
}

async fn echo_datagrams(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let (received, peer) = socket.recv_from(&mut buffer).await?;
        // An answer that cannot be sent is lost, as a datagram may be; the generator notices.
        let _lost = socket.send_to(&buffer[..received], peer).await;
    }
}

async fn accept_unix(listener: UnixListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move { echo_with_traits(stream).await.unwrap_or_default() });
    }
}

async fn accept(listener: TcpListener, traits: bool) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        // A connection's error is its client's business: the generator notices every lost byte.
        if traits {
            tokio::spawn(async move { echo_with_traits(stream).await.unwrap_or_default() });
        } else {
            tokio::spawn(async move { echo_on_readiness(stream).await.unwrap_or_default() });
        }
    }
}

async fn echo_with_traits(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let received = stream.read(&mut buffer).await?;
        if received == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..received]).await?;
    }
}

async fn echo_on_readiness(stream: TcpStream) -> io::Result<()> {
    loop {
        stream.readable().await?;
        let held = match SHARED.with_borrow_mut(|buffer| echo_once(&stream, buffer)) {
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
fn echo_once(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<Option<Vec<u8>>> {
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
