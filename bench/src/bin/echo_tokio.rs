//! The tokio peer: the same echo server on a current-thread runtime, one task a connection.
//!
//! `echo_tokio --tcp 127.0.0.1:0` awaits `readable()` and tries into one buffer shared by all
//! tasks, which is how `examples/echo` of edgewake does it; `--async-read` gives each task its own
//! buffer and the `AsyncRead`/`AsyncWrite` traits. Ends on SIGINT and SIGTERM.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::process::ExitCode;

use edgewake_bench::announce;
use edgewake_bench::os::{process, socket};
use lexopt::{Arg, Parser, ValueExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "usage: echo_tokio --tcp ADDR [--async-read]";

const BUFFER: usize = 16 * 1024;

thread_local! {
    /// The buffer of all tasks; borrowed only between two awaits.
    static SHARED: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]);
}

fn main() -> ExitCode {
    match parse().map_err(io::Error::other).and_then(|(addr, traits)| run(addr, traits)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo_tokio: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse() -> Result<(SocketAddr, bool), lexopt::Error> {
    let (mut addr, mut traits) = (None, false);
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("tcp") => addr = Some(parser.value()?.parse()?),
            Arg::Long("async-read") => traits = true,
            other => return Err(format!("{}\n{USAGE}", other.unexpected()).into()),
        }
    }
    Ok((addr.ok_or(USAGE)?, traits))
}

fn run(addr: SocketAddr, traits: bool) -> io::Result<()> {
    process::raise_fd_limit()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async move {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let listener = TcpListener::from_std(socket::listen(addr)?)?;
        announce::listening_on(listener.local_addr()?)?;
        // A task of its own, so that its wake-ups do not poll the signals as well.
        let accepting = tokio::spawn(accept(listener, traits));
        tokio::select! {
            _ = interrupt.recv() => Ok(()),
            _ = terminate.recv() => Ok(()),
            ended = accepting => ended.map_err(io::Error::other)?,
        }
    })
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

async fn echo_with_traits(mut stream: TcpStream) -> io::Result<()> {
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
