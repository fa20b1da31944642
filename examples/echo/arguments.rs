//! The command line of the echo server.

use std::{net::SocketAddr, num::NonZeroUsize, time::Duration};

use lexopt::prelude::{Long, Short};

use crate::{
    common::{
        command_line::{Request, value},
        place::Place,
    },
    connection::Manner,
};

pub(crate) const USAGE: &str = "\
Sends back whatever comes.

Usage: echo [OPTIONS]

  --tcp ADDR           listen on this address and port (127.0.0.1:8000); port 0: any free one
  --udp ADDR           answer the datagrams that come to this address and port
  --unix PATH          listen on a Unix stream socket; @NAME: one without a file (Linux)
                       These three may be given together, and more than once
  --readable           on streams, readable() awaited and then try_read
  --buffered           a buffer for each connection, and AsyncRead/AsyncWrite on it; for
                       datagrams, recv_from and send_to awaited
  --buffer BYTES       size of the buffer that all streams share (65536), or with --buffered
                       of each one's own (16384)
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
    pub(crate) places: Vec<Place>,
    pub(crate) manner: Manner,
    pub(crate) buffer: Option<NonZeroUsize>,
    pub(crate) busy_poll: Duration,
    pub(crate) nodelay: bool,
    pub(crate) quiet: bool,
}

pub(crate) fn parse() -> Result<Request<Arguments>, lexopt::Error> {
    let mut arguments = Arguments {
        places: Vec::new(),
        manner: Manner::Shared,
        buffer: None,
        busy_poll: Duration::ZERO,
        nodelay: true,
        quiet: false,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long(transport @ ("tcp" | "udp" | "unix")) => {
                let transport = transport.to_owned();
                let address: String = value(&mut parser, &transport, "an address")?;
                arguments.places.push(Place::parse(&transport, &address)?);
            }
            Long("readable") => arguments.manner = Manner::Readable,
            Long("buffered") => arguments.manner = Manner::Buffered,
            Long("buffer") => {
                let size = value(&mut parser, "--buffer", "a number of bytes above 0")?;
                arguments.buffer = Some(size);
            }
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
    if arguments.places.is_empty() {
        arguments.places.push(Place::Tcp(SocketAddr::from(([127, 0, 0, 1], 8000))));
    }
    Ok(Request::Run(arguments))
}
