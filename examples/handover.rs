//! A server that is replaced by a new process while its connections live: an upgrade that no
//! client notices.
//!
//! ```text
//! cargo run --release --example handover -- serve --listen 127.0.0.1:8000 --control /tmp/handover
//! ```
//!
//! A second one with the same control socket, a newer version of the program it may be, takes over
//! the listener and every live connection, with the bytes that have not been dealt with and those
//! that have not been sent; the first one ends:
//!
//! ```text
//! cargo run --release --example handover -- serve --control /tmp/handover
//! ```
//!
//! Meanwhile, clients that check every byte of their answers, to which both are the same server:
//!
//! ```text
//! cargo run --release --example handover -- clients 127.0.0.1:8000 --connections 100
//! ```
//!
//! And all of it at once, with several handovers in a row and "0 failed requests, 0 lost,
//! 0 repeated" as the last line:
//!
//! ```text
//! cargo run --release --example handover -- demo
//! ```
//!
//! - `frame`: what travels between clients and server.
//! - `server`, `connection`, `state`: serving, and stopping so that another can go on.
//! - `succession`, `channel`: how everything changes hands, over a Unix stream.
//! - `client`, `crowd`, `tally`: those who find out if anything is lost.
//! - `demo`: the processes of the demonstration.
//! - `arguments`: the command line.

#![allow(clippy::print_stderr, reason = "a program that talks to people")]

#[path = "handover/arguments.rs"]
mod arguments;
#[path = "handover/channel.rs"]
mod channel;
#[path = "handover/client.rs"]
mod client;
mod common;
#[path = "handover/connection.rs"]
mod connection;
#[path = "handover/crowd.rs"]
mod crowd;
#[path = "handover/demo.rs"]
mod demo;
#[path = "handover/frame.rs"]
mod frame;
#[path = "handover/server.rs"]
mod server;
#[path = "handover/state.rs"]
mod state;
#[path = "handover/succession.rs"]
mod succession;
#[path = "handover/tally.rs"]
mod tally;

use std::{io, path::Path, pin::pin, process::ExitCode, time::Instant};

use arguments::{Arguments, Clients, Serve};
use common::{
    aside::Aside,
    command_line, descriptors,
    interrupt::Interrupt,
    numbers::{Counted, Grouped},
};
use crowd::Crowd;
use edgewake::{Runtime, time::sleep};
use futures::future::select;
use server::{Ended, Moved};

fn main() -> ExitCode {
    command_line::run("handover", arguments::USAGE, arguments::parse(), |arguments| {
        descriptors::raise_limit().map_err(|error| format!("the descriptor limit: {error}"))?;
        let runtime = Runtime::new().map_err(|error| format!("cannot make a runtime: {error}"))?;
        runtime.block_on(async {
            match arguments {
                Arguments::Serve(arguments) => serve(arguments).await,
                Arguments::Clients(arguments) => clients(arguments).await,
                Arguments::Demo(arguments) => demo::run(arguments).await,
            }
        })
    })
}

/// Founds a server or succeeds one, serves, and says how it ended.
async fn serve(arguments: &Serve) -> Result<(), String> {
    let interrupt = Interrupt::new().map_err(|error| format!("cannot watch signals: {error}"))?;
    // Whoever takes over is all that its predecessor's clients have: from there on nothing that is
    // to be said may end it or hold it up, and nothing else may fail before it serves.
    let aside = Aside::start("handover")?;
    let start = Instant::now();
    let predecessor = succession::take_over(&arguments.control).await;
    let estate = match predecessor.map_err(|error| format!("cannot take over: {error}"))? {
        Some(estate) => {
            let took = start.elapsed().as_secs_f64() * 1e3;
            let what = describe(&Moved::of(&estate));
            aside.say(format_args!("took over {what} in {took:.1} ms"));
            estate
        }
        None => {
            let estate = server::found(arguments.listen, &arguments.control)
                .map_err(|error| format!("cannot serve {}: {error}", arguments.listen))?;
            let address = estate.listener.local_addr().map_err(|error| error.to_string())?;
            let control = arguments.control.display();
            aside.say(format_args!(
                "listening on {address} (tcp); to succeed it: serve --control {control}"
            ));
            estate
        }
    };
    let stop = async {
        if let Err(error) = interrupt.wait().await {
            aside.warn(format_args!("cannot watch signals: {error}"));
        }
    };
    let ended = server::serve(estate, stop, |what| aside.warn(what)).await;
    aside.finish();
    match ended {
        Ok(Ended::HandedOver(moved)) => {
            command_line::print(format_args!("handed over {}\n", describe(&moved)))
        }
        Ok(Ended::Stopped) => remove(&arguments.control),
        Err(error) => Err(format!("cannot serve any more: {error}")),
    }
}

/// Removes the control socket's file: nobody is there to ask.
fn remove(control: &Path) -> Result<(), String> {
    match std::fs::remove_file(control) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(format!("{} stays: {error}", control.display()))
        }
        _ => Ok(()),
    }
}

fn describe(moved: &Moved) -> String {
    format!(
        "{}, {} of requests and {} of answers",
        Counted(moved.connections as u64, "connection"),
        Counted(moved.unprocessed as u64, "byte"),
        Grouped(moved.unsent as u64),
    )
}

/// Makes requests for as long as asked, and says what came of them.
async fn clients(arguments: &Clients) -> Result<(), String> {
    let interrupt = Interrupt::new().map_err(|error| format!("cannot watch signals: {error}"))?;
    let crowd = Crowd::start(arguments.server, arguments.connections);
    select(pin!(interrupt.wait()), sleep(arguments.duration)).await;
    let shared = crowd.end().await?;
    command_line::print(format_args!("{}\n", shared.tally))?;
    shared.tally.verdict()
}
