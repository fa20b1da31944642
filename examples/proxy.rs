//! A proxy for byte streams: whoever connects is connected on, and what either side sends goes to
//! the other.
//!
//! ```text
//! cargo run --release --example proxy -- --listen tcp:127.0.0.1:8000 --connect tcp:example.org:80
//! ```
//!
//! Either side may be a Unix socket, so that a daemon that knows only those can be reached from
//! elsewhere, or the other way about:
//!
//! ```text
//! cargo run --release --example proxy -- --listen tcp:127.0.0.1:8000 --connect unix:/tmp/socket
//! ```
//!
//! While bytes move it prints a line a second. Ctrl-C or SIGTERM stops it from accepting, and gives
//! the flows that are there some seconds to come to their ends; another ends it at once. The end of
//! one direction is carried over and the other goes on, so protocols that send, close, and wait for
//! the answer work.
//!
//! The work is `edgewake::io::copy_bidirectional`'s. `--method` chooses how the bytes move: through
//! a buffer, or through the kernel alone (splice(2), Linux), or as it sees fit.
//!
//! - `endpoints`: where to listen and where to connect.
//! - `flow`: one connection and the one it is connected on to.
//! - `counters`: what moves, the line a second, and waiting for flows to end.
//! - `service`: accepting, draining, ending.
//! - `arguments`: the command line.

#![allow(clippy::print_stderr, reason = "a program that talks to people")]

#[path = "proxy/arguments.rs"]
mod arguments;
mod common;
#[path = "proxy/counters.rs"]
mod counters;
#[path = "proxy/endpoints.rs"]
mod endpoints;
#[path = "proxy/flow.rs"]
mod flow;
#[path = "proxy/service.rs"]
mod service;

use std::{process::ExitCode, rc::Rc};

use arguments::Arguments;
use common::{aside::Aside, command_line, descriptors, interrupt::Interrupt, numbers::Counted};
use edgewake::Runtime;
use flow::Proxy;
use service::Drained;

/// Descriptors beside the flows': the standard ones, the runtime's, the signals', and the pipes
/// that bytes are spliced through, which are pooled.
const DESCRIPTORS_BESIDE: u64 = 192;

fn main() -> ExitCode {
    command_line::run("proxy", arguments::USAGE, arguments::parse(), |arguments| {
        let descriptors =
            descriptors::raise_limit().map_err(|error| format!("the descriptor limit: {error}"))?;
        // Two sockets each. Whoever comes beyond that waits in the listener.
        let most = (descriptors.saturating_sub(DESCRIPTORS_BESIDE) / 2).max(1);
        let runtime = Runtime::new().map_err(|error| format!("cannot make a runtime: {error}"))?;
        runtime.block_on(run(arguments, most))
    })
}

async fn run(arguments: &Arguments, most: u64) -> Result<(), String> {
    let interrupt = Interrupt::new().map_err(|error| format!("cannot watch signals: {error}"))?;
    let listener = arguments
        .listen
        .listen()
        .map_err(|error| format!("cannot listen on {}: {error}", arguments.listen))?;
    let aside = Aside::start("proxy")?;
    let place = listener.place().map_err(|error| error.to_string())?;
    command_line::print(format_args!(
        "listening on {place}, for {}; Ctrl-C ends it\n",
        arguments.connect
    ))?;
    let proxy =
        Rc::new(Proxy::new(arguments.connect.clone(), arguments.patience, arguments.method));
    if !arguments.quiet {
        let proxy = Rc::clone(&proxy);
        drop(edgewake::spawn_local(async move {
            if let Err(error) = proxy.counters.report().await {
                eprintln!("proxy: no more lines: {error}");
            }
        }));
    }
    service::serve(listener, &proxy, most, interrupt.wait())
        .await
        .map_err(|error| format!("cannot serve any more: {error}"))?;
    let open = proxy.counters.open();
    if open > 0 {
        let (grace, flows) = (arguments.grace, Counted(open, "flow"));
        // Nobody may read it any more; the flows have their grace all the same.
        aside.say(format_args!(
            "{flows} still open, which may end within {} s; Ctrl-C ends them",
            grace.as_secs_f64()
        ));
    }
    let drained = service::drain(&proxy, arguments.grace, interrupt.wait()).await;
    aside.finish();
    let summary = proxy.counters.summary();
    match drained.map_err(|error| format!("cannot watch signals: {error}"))? {
        Drained::All => command_line::print(format_args!("{summary}\n")),
        Drained::AllBut(open) => {
            let flows = Counted(open, "flow");
            command_line::print(format_args!("{summary}, {flows} cut short\n"))
        }
    }
}
