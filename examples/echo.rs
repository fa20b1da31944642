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
//! It answers datagrams too, and on Unix sockets, several at once if they are asked for:
//!
//! ```text
//! cargo run --release --example echo -- --tcp 127.0.0.1:8000 --udp 127.0.0.1:8000 --unix @echo
//! ```
//!
//! - `listener`: what it listens on.
//! - `connection`: the echo of a stream. A connection waits without a buffer, so an idle one costs
//!   its task and its socket; `--readable` is the same with `readable` and `try_read`,
//!   `--buffered` with a buffer for each and operations that are awaited.
//! - `datagrams`: the echo of a socket of UDP.
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
#[path = "echo/datagrams.rs"]
mod datagrams;
#[path = "echo/listener.rs"]
mod listener;

use std::{pin::pin, process::ExitCode, rc::Rc, time::Instant};

use arguments::Arguments;
use common::{command_line, descriptors, interrupt::Interrupt, numbers::Counted};
use connection::Server;
use edgewake::{Builder, Runtime};
use futures::future::{Either, select, select_all};
use listener::Listener;

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
    let (mut listeners, mut lines, mut pokes) = (Vec::new(), String::new(), Vec::new());
    for place in &arguments.places {
        let listener = Listener::bind(place, arguments)?;
        let place = listener.place().map_err(|error| error.to_string())?;
        lines += &format!("listening on {place}\n");
        pokes.push(listener::poke(&place));
        listeners.push(listener);
    }
    command_line::print(format_args!("{lines}poke it: {}; Ctrl-C ends it\n", pokes.join(", or ")))?;

    let server = Rc::new(Server::new(arguments.manner, arguments.buffer));
    let start = Instant::now();
    let outcome = runtime.block_on(serve(listeners, Rc::clone(&server), arguments.quiet));

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

async fn serve(listeners: Vec<Listener>, server: Rc<Server>, quiet: bool) -> Result<(), String> {
    let interrupt = Interrupt::new().map_err(|error| format!("cannot watch signals: {error}"))?;
    if !quiet {
        let server = Rc::clone(&server);
        drop(edgewake::spawn_local(async move {
            if let Err(error) = server.counters.report().await {
                eprintln!("echo: no more lines: {error}");
            }
        }));
    }
    // A task for each, so that what happens on one wakes no other.
    let serving = listeners
        .into_iter()
        .map(|listener| edgewake::spawn_local(listener.serve(Rc::clone(&server))));
    match select(pin!(interrupt.wait()), select_all(serving)).await {
        Either::Left((Ok(()), _)) => Ok(()),
        Either::Left((Err(error), _)) => Err(format!("cannot watch signals: {error}")),
        Either::Right(((Ok(error), ..), _)) => Err(format!("cannot serve any more: {error}")),
        Either::Right(((Err(panic), ..), _)) => Err(format!("a task ended: {panic}")),
    }
}
