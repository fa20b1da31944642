//! The command line of the echo server.

use std::{net::SocketAddr, time::Duration};

use lexopt::prelude::{Long, Short};

use crate::common::command_line::{Request, value};

pub(crate) const USAGE: &str = "\
Sends back whatever a connection sends.

Usage: echo [OPTIONS]

  --tcp ADDR           listen on this address and port (127.0.0.1:8000); port 0: any free one
  --buffered           a buffer for each connection, and AsyncRead/AsyncWrite on it
  --busy-poll MICROS   look for events that long before the processor is given up (0)
  --nodelay            send small messages at once: TCP_NODELAY (the default)
  --no-nodelay         let the kernel collect them
  --quiet              no line a second
  -h, --help           this text

Exit codes: 0 ended by a signal, 1 could not serve, 2 wrong arguments
";

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) tcp: SocketAddr,
    pub(crate) buffered: bool,
    pub(crate) busy_poll: Duration,
    pub(crate) nodelay: bool,
    pub(crate) quiet: bool,
}

pub(crate) fn parse() -> Result<Request<Arguments>, lexopt::Error> {
    let mut arguments = Arguments {
        tcp: SocketAddr::from(([127, 0, 0, 1], 8000)),
        buffered: false,
        busy_poll: Duration::ZERO,
        nodelay: true,
        quiet: false,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("tcp") => {
                let what = "an address with a port, like 127.0.0.1:8000";
                arguments.tcp = value(&mut parser, "--tcp", what)?;
            }
            Long("buffered") => arguments.buffered = true,
            Long("busy-poll") => {
                let micros = value(&mut parser, "--busy-poll", "a number of microseconds")?;
                arguments.busy_poll = Duration::from_micros(micros);
            }
            Long("nodelay") => arguments.nodelay = true,
            Long("no-nodelay") => arguments.nodelay = false,
            Long("quiet") => arguments.quiet = true,
            Short('h') | Long("help") => return Ok(Request::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Request::Run(arguments))
}
