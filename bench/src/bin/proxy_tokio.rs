//! The tokio peer of the proxies: `copy_bidirectional` on a current-thread runtime.
//!
//! `proxy_tokio --listen tcp:127.0.0.1:0 --connect tcp:127.0.0.1:4000`; with `--buffer BYTES` it is
//! `copy_bidirectional_with_sizes`, whose default is 8 KiB. Ends on SIGINT and SIGTERM.

use std::io;
use std::os::unix::net as unix;
use std::process::ExitCode;

use edgewake_bench::announce;
use edgewake_bench::os::{process, socket};
use edgewake_bench::target::Target;
use lexopt::{Arg, Parser, ValueExt};
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional, copy_bidirectional_with_sizes};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "usage: proxy_tokio --listen PLACE --connect PLACE [--buffer BYTES]";

#[derive(Debug)]
struct Args {
    listen: Target,
    connect: Target,
    buffer: Option<usize>,
}

fn main() -> ExitCode {
    match parse().map_err(io::Error::other).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("proxy_tokio: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse() -> Result<Args, lexopt::Error> {
    let (mut listen, mut connect, mut buffer) = (None, None, None);
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("listen") => listen = Some(Target::parse_place(&parser.value()?.string()?)?),
            Arg::Long("connect") => {
                connect = Some(Target::parse_place(&parser.value()?.string()?)?);
            }
            Arg::Long("buffer") => buffer = Some(parser.value()?.parse()?),
            other => return Err(format!("{}\n{USAGE}", other.unexpected()).into()),
        }
    }
    let (Some(listen), Some(connect)) = (listen, connect) else { return Err(USAGE.into()) };
    Ok(Args { listen, connect, buffer })
}

fn run(args: Args) -> io::Result<()> {
    process::raise_fd_limit()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let path = match &args.listen {
        Target::Unix(path) => Some(path.clone()),
        _ => None,
    };
    let outcome = runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let (listener, target) = socket::listen_at(&args.listen)?;
        announce::listening_on(&target)?;
        // A task of its own, so that its wake-ups do not poll the signals as well.
        let serving = match target {
            Target::Unix(_) => {
                let listener = unix::UnixListener::from(listener);
                tokio::spawn(accept_unix(UnixListener::from_std(listener)?, args))
            }
            _ => {
                let listener = std::net::TcpListener::from(listener);
                tokio::spawn(accept(TcpListener::from_std(listener)?, args))
            }
        };
        tokio::select! {
            _ = interrupt.recv() => Ok(()),
            _ = terminate.recv() => Ok(()),
            ended = serving => ended.map_err(io::Error::other)?,
        }
    });
    if let Some(path) = path {
        std::fs::remove_file(path)?;
    }
    outcome
}

async fn accept(listener: TcpListener, args: Args) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        connect_on(stream, &args).await?;
    }
}

async fn accept_unix(listener: UnixListener, args: Args) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        connect_on(stream, &args).await?;
    }
}

async fn connect_on<C>(client: C, args: &Args) -> io::Result<()>
where
    C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let buffer = args.buffer;
    match &args.connect {
        Target::Unix(path) => {
            let server = UnixStream::connect(path).await?;
            tokio::spawn(carry(client, server, buffer));
        }
        Target::Tcp(addr) | Target::Udp(addr) => {
            let server = TcpStream::connect(addr).await?;
            server.set_nodelay(true)?;
            tokio::spawn(carry(client, server, buffer));
        }
    }
    Ok(())
}

/// A flow's error is its client's business, which notices every lost byte.
async fn carry<C, S>(mut client: C, mut server: S, buffer: Option<usize>)
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let _outcome = match buffer {
        None => copy_bidirectional(&mut client, &mut server).await,
        Some(size) => copy_bidirectional_with_sizes(&mut client, &mut server, size, size).await,
    };
}
