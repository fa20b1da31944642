//! The command line of the proxy.

use std::time::Duration;

use edgewake::io::CopyMethod;
use lexopt::prelude::{Long, Short};

use crate::{
    common::command_line::{Request, value},
    endpoints::{Listen, Target},
};

pub(crate) const USAGE: &str = "\
Connects whoever connects on to somewhere else.

Usage: proxy --listen WHERE --connect WHERE [OPTIONS]

  --listen tcp:ADDR    an address with a port; port 0: any free one
  --listen unix:PATH   a Unix socket; @NAME: one without a file (Linux)
  --connect tcp:HOST:PORT, --connect unix:PATH
  --method auto        move bytes as seems cheapest (the default)
  --method buffer      through a buffer
  --method splice      through the kernel alone, where it can (Linux)
  --patience SECONDS   how long connecting may take (30)
  --grace SECONDS      how long flows may go on after Ctrl-C (10)
  --quiet              no line a second
  -h, --help           this text

Exit codes: 0 ended by a signal, 1 could not serve, 2 wrong arguments
";

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) listen: Listen,
    pub(crate) connect: Target,
    pub(crate) method: CopyMethod,
    pub(crate) patience: Duration,
    pub(crate) grace: Duration,
    pub(crate) quiet: bool,
}

pub(crate) fn parse() -> Result<Request<Arguments>, lexopt::Error> {
    let (mut listen, mut connect) = (None, None);
    let (mut method, mut quiet) = (CopyMethod::Auto, false);
    let (mut patience, mut grace) = (Duration::from_secs(30), Duration::from_secs(10));
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("listen") => {
                let text: String = value(&mut parser, "--listen", "a place")?;
                listen = Some(Listen::parse(&text)?);
            }
            Long("connect") => {
                let text: String = value(&mut parser, "--connect", "a place")?;
                connect = Some(Target::parse(&text)?);
            }
            Long("method") => {
                let word: String = value(&mut parser, "--method", "auto, buffer or splice")?;
                method = method_named(&word)?;
            }
            Long("patience") => patience = seconds(&mut parser, "--patience")?,
            Long("grace") => grace = seconds(&mut parser, "--grace")?,
            Long("quiet") => quiet = true,
            Short('h') | Long("help") => return Ok(Request::Help),
            other => return Err(other.unexpected()),
        }
    }
    let listen = listen.ok_or("--listen is needed, like --listen tcp:127.0.0.1:8000")?;
    let connect = connect.ok_or("--connect is needed, like --connect tcp:example.org:80")?;
    Ok(Request::Run(Arguments { listen, connect, method, patience, grace, quiet }))
}

fn seconds(parser: &mut lexopt::Parser, option: &str) -> Result<Duration, lexopt::Error> {
    let what = "a number of seconds, like 10 or 0.5";
    let seconds: f64 = value(parser, option, what)?;
    Duration::try_from_secs_f64(seconds).map_err(|_| format!("{option} needs {what}").into())
}

fn method_named(word: &str) -> Result<CopyMethod, String> {
    match word {
        "auto" => Ok(CopyMethod::Auto),
        "buffer" => Ok(CopyMethod::Buffer),
        "splice" => Ok(CopyMethod::Splice),
        other => Err(format!("--method is auto, buffer or splice, not `{other}`")),
    }
}
