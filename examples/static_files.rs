//! A file server: the files of a folder, over HTTP/1.1.
//!
//! ```text
//! cargo run --release --example static_files -- . --listen 127.0.0.1:8000
//! ```
//!
//! Then open <http://127.0.0.1:8000/> in a browser, or
//!
//! ```text
//! curl -O http://127.0.0.1:8000/README.md
//! ```
//!
//! GET and HEAD, connections that are kept, requests sent ahead, ranges (so that a video can be
//! wound, and `curl -C -` goes on), conditions by tag and date, listings. Files are found and
//! opened off the loop, and their bytes go from the page cache to the socket without passing
//! through this process; `--method copy` passes them through a buffer, to compare.
//!
//! - `request`, `path`, `range`, `date`, `media`: reading and writing what HTTP is made of.
//! - `site`: the folder, and nothing outside of it.
//! - `answer`, `page`: what is answered.
//! - `server`: whoever comes; `connection`, `body`: receiving, sending, and how long either may
//!   take.
//! - `log`, `arguments`: what is printed, and the command line.

#![allow(clippy::print_stderr, reason = "a program that talks to people")]

#[path = "static_files/answer.rs"]
mod answer;
#[path = "static_files/arguments.rs"]
mod arguments;
#[path = "static_files/body.rs"]
mod body;
mod common;
#[path = "static_files/conditions.rs"]
mod conditions;
#[path = "static_files/connection.rs"]
mod connection;
#[path = "static_files/date.rs"]
mod date;
#[path = "static_files/log.rs"]
mod log;
#[path = "static_files/media.rs"]
mod media;
#[path = "static_files/page.rs"]
mod page;
#[path = "static_files/path.rs"]
mod path;
#[path = "static_files/range.rs"]
mod range;
#[path = "static_files/request.rs"]
mod request;
#[path = "static_files/server.rs"]
mod server;
#[path = "static_files/site.rs"]
mod site;

use std::{pin::pin, process::ExitCode, rc::Rc, sync::Arc};

use arguments::Arguments;
use common::{command_line, descriptors, interrupt::Interrupt, lines::Lines};
use edgewake::Runtime;
use futures::future::{Either, select};
use log::Log;
use server::{Limits, Server};
use site::Site;

fn main() -> ExitCode {
    command_line::run("static_files", arguments::USAGE, arguments::parse(), |arguments| {
        descriptors::raise_limit().map_err(|error| format!("the descriptor limit: {error}"))?;
        let runtime = Runtime::new().map_err(|error| format!("cannot make a runtime: {error}"))?;
        runtime.block_on(run(arguments))
    })
}

async fn run(arguments: &Arguments) -> Result<(), String> {
    let interrupt = Interrupt::new().map_err(|error| format!("cannot watch signals: {error}"))?;
    let site = Site::new(&arguments.folder)
        .map_err(|error| format!("cannot serve {}: {error}", arguments.folder.display()))?;
    let listener = server::listen(arguments.listen)
        .map_err(|error| format!("cannot listen on {}: {error}", arguments.listen))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    command_line::print(format_args!(
        "listening on {address} (tcp)\nopen http://{address}/; Ctrl-C ends it\n"
    ))?;
    let lines = if arguments.quiet { None } else { Some(Lines::on_stdout()?) };
    let log = Log::new(lines);
    let (site, method, limits) = (Arc::new(site), arguments.method, Limits::default());
    let server = Rc::new(Server { site, method, limits, log });
    match select(pin!(interrupt.wait()), pin!(server::accept(listener, Rc::clone(&server)))).await {
        Either::Left((Ok(()), _)) => server.log.finish(),
        Either::Left((Err(error), _)) => Err(format!("cannot watch signals: {error}")),
        Either::Right((error, _)) => Err(format!("cannot accept any more: {error}")),
    }
}
