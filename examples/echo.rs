//! An echo server: whatever a connection sends comes back to it.
//!
//! ```text
//! cargo run --release --example echo -- --tcp 127.0.0.1:8000
//! ```
//!
//! Poke it with `nc 127.0.0.1 8000`, by hand, or with the other half of this pair, in earnest:
//!
//! ```text
//! cargo run --release --example load -- tcp 127.0.0.1:8000 --connections 100 --size 64 --seconds 5
//! ```
//!
//! While there is something to tell it prints a line a second; Ctrl-C or SIGTERM closes all
//! connections and prints the totals. Everything happens on one thread, and an idle server makes
//! no system call at all.
//!
//! - `connection`: the echo itself. A connection waits without a buffer, so an idle one costs its
//!   task and its socket; `--buffered` is the same through `AsyncRead` and `AsyncWrite`.
//! - `counters`: what was echoed, and the line a second.
//! - `arguments`: the command line.

#![allow(clippy::print_stderr, reason = "a program that talks to people")]

#[path = "echo/arguments.rs"]
mod arguments;
mod common;
#[path = "echo/connection.rs"]
mod connection;
#[path = "echo/counters.rs"]
mod counters;

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::pin,
    process::ExitCode,
    rc::Rc,
    time::Instant,
};

use arguments::Arguments;
use common::{command_line, descriptors, interrupt::Interrupt, numbers::Counted};
use connection::Server;
use edgewake::{
    Builder, Runtime,
    net::{TcpListener, TcpSocket},
};
use futures::future::{Either, select};

/// Connections the kernel keeps until they are accepted; Linux cuts it at `net.core.somaxconn`.
const BACKLOG: u32 = 4096;

fn main() -> ExitCode {
    command_line::run("echo", arguments::USAGE, arguments::parse(), |arguments| {
        descriptors::raise_limit().map_err(|error| format!("the descriptor limit: {error}"))?;
        let runtime = Builder::new()
            .busy_poll(arguments.busy_poll)
            .build()
            .map_err(|error| format!("cannot make a runtime: {error}"))?;
        run(runtime, arguments)
    })
}

/// Serves until a signal comes (`Ok`) or nothing can be accepted any more.
fn run(runtime: Runtime, arguments: &Arguments) -> Result<(), String> {
    let listener = listen(arguments).map_err(|error| describe_bind(arguments.tcp, &error))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    command_line::print(format_args!(
        "listening on {address} (tcp)\npoke it: nc {} {}; Ctrl-C ends it\n",
        reachable(address.ip()),
        address.port(),
    ))?;

    let server = Rc::new(Server::new(arguments.buffered));
    let start = Instant::now();
    let outcome = runtime.block_on(serve(listener, Rc::clone(&server), arguments.quiet));

    let open = server.counters.totals().open;
    // The connections' tasks end with their runtime, and close their sockets.
    drop(runtime);
    command_line::print(format_args!(
        "closed {}\n{} in {:.1} s\n",
        Counted(open, "connection"),
        server.counters.summary(),
        start.elapsed().as_secs_f64(),
    ))?;
    outcome
}

fn listen(arguments: &Arguments) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_for(&arguments.tcp)?;
    socket.set_reuse_addr(true)?;
    // Accepted connections inherit it, on every system: no system call for each of them.
    socket.set_nodelay(arguments.nodelay)?;
    socket.bind(arguments.tcp)?;
    socket.listen(BACKLOG)
}

fn describe_bind(address: SocketAddr, error: &io::Error) -> String {
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse => "; is another server running there? Port 0 takes a free one",
        io::ErrorKind::AddrNotAvailable => "; this machine has no such address",
        io::ErrorKind::PermissionDenied => "; ports below 1024 need privileges",
        _ => "",
    };
    format!("cannot listen on {address}: {error}{hint}")
}

/// The address to try from this machine.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

async fn serve(listener: TcpListener, server: Rc<Server>, quiet: bool) -> Result<(), String> {
    let interrupt = Interrupt::new().map_err(|error| format!("cannot watch signals: {error}"))?;
    if !quiet {
        let server = Rc::clone(&server);
        drop(edgewake::spawn_local(async move {
            if let Err(error) = server.counters.report().await {
                eprintln!("echo: no more lines: {error}");
            }
        }));
    }
    match select(pin!(interrupt.wait()), pin!(accept(listener, server))).await {
        Either::Left((Ok(()), _)) => Ok(()),
        Either::Left((Err(error), _)) => Err(format!("cannot watch signals: {error}")),
        Either::Right((error, _)) => Err(format!("cannot accept connections: {error}")),
    }
}

/// Accepts until that fails for good: a connection that died in the queue is passed over, and at
/// the limit of descriptors `accept` waits.
async fn accept(listener: TcpListener, server: Rc<Server>) -> io::Error {
    loop {
        match listener.accept().await {
            Ok((stream, _peer)) => connection::start(stream, &server),
            Err(error) => return error,
        }
    }
}
