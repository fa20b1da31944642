//! The command line of the load generator.

use std::{net::SocketAddr, time::Duration};

use lexopt::prelude::{Long, Short, Value};

use crate::common::{
    command_line::{Request, value},
    place::Place,
};

pub(crate) const USAGE: &str = "\
Sends messages to an echo server, checks what comes back, and measures how long it takes.

Usage: load tcp ADDR [OPTIONS]
       load udp ADDR [OPTIONS]
       load unix PATH [OPTIONS]     @NAME: a name without a file (Linux)

  --connections N   as many at the same time (100); with udp, as many sockets
  --size N          bytes in a message (64); with udp, in a datagram
  --seconds S       for so long (5); fractions are allowed
  --rate N          open loop: N messages a second, over all connections, latency counted from
                    when each was due; without it each connection waits for its answers
  --depth N         messages a connection may have on their way (1; with --rate: no limit)
  -h, --help        this text

A datagram without an answer within a second counts as lost.

Exit codes: 0 every message came back whole, 1 not so, 2 wrong arguments
";

const SIZE_MAX: usize = 64 << 20;
const DEPTH_MAX: u32 = 1 << 20;
/// Thirty years.
const SECONDS_MAX: f64 = 1e9;
const RATE_MIN: f64 = 1e-3;
const RATE_MAX: f64 = 1e9;

/// What a datagram of UDP can carry over IPv4.
const DATAGRAM_MAX: usize = 65_507;

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) target: Place,
    pub(crate) connections: u32,
    pub(crate) size: usize,
    pub(crate) duration: Duration,
    /// Messages a second over all connections.
    pub(crate) rate: Option<f64>,
    /// Messages that one connection may have on their way.
    pub(crate) depth: Option<u32>,
}

pub(crate) fn parse() -> Result<Request<Arguments>, lexopt::Error> {
    let mut words = Vec::new();
    let mut arguments = Arguments {
        // Until the words are read.
        target: Place::Tcp(SocketAddr::from(([127, 0, 0, 1], 0))),
        connections: 100,
        size: 64,
        duration: Duration::from_secs(5),
        rate: None,
        depth: None,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("connections") => {
                let what = "a number of connections";
                arguments.connections = value(&mut parser, "--connections", what)?;
                require(arguments.connections > 0, "--connections", what)?;
            }
            Long("size") => {
                let what = "a number of bytes, at most 64 MiB";
                arguments.size = value(&mut parser, "--size", what)?;
                require((1..=SIZE_MAX).contains(&arguments.size), "--size", what)?;
            }
            Long("seconds") => {
                let what = "a number of seconds, like 5 or 0.5";
                let seconds: f64 = value(&mut parser, "--seconds", what)?;
                require(seconds > 0.0 && seconds <= SECONDS_MAX, "--seconds", what)?;
                arguments.duration = Duration::from_secs_f64(seconds);
            }
            Long("rate") => {
                let what = "a number of messages a second, like 1000 or 0.5";
                let rate: f64 = value(&mut parser, "--rate", what)?;
                require((RATE_MIN..=RATE_MAX).contains(&rate), "--rate", what)?;
                arguments.rate = Some(rate);
            }
            Long("depth") => {
                let what = "a number of messages, at most a million";
                let depth = value(&mut parser, "--depth", what)?;
                require((1..=DEPTH_MAX).contains(&depth), "--depth", what)?;
                arguments.depth = Some(depth);
            }
            Short('h') | Long("help") => return Ok(Request::Help),
            Value(word) => words.push(word.to_string_lossy().into_owned()),
            other => return Err(other.unexpected()),
        }
    }
    arguments.target = target(&words)?;
    if let Place::Udp(_) = arguments.target {
        let what = "with udp a number of bytes, at most 65507";
        require(arguments.size <= DATAGRAM_MAX, "--size", what)?;
    }
    Ok(Request::Run(arguments))
}

/// The sub-command and what it needs.
fn target(words: &[String]) -> Result<Place, String> {
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [transport, address] => Place::parse(transport, address),
        ["unix"] => Err("unix needs a path, like `load unix /tmp/echo.socket`".into()),
        [transport] => {
            Err(format!("{transport} needs an address, like `load {transport} 127.0.0.1:8000`"))
        }
        [_, _, extra, ..] => Err(format!("one address is enough: `{extra}` is too many")),
        [] => Err("what is to be loaded? Try `load tcp 127.0.0.1:8000`".into()),
    }
}

fn require(holds: bool, option: &str, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{option} needs {what}")) }
}
