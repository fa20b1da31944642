//! The command line.

use std::thread::available_parallelism;

use edgewake_bench::os::process::Signal;
use edgewake_bench::server::ServerCommand;
use lexopt::{Arg, Parser, ValueExt};

use crate::scenario::Scenario;

const USAGE: &str = "\
usage: cost [--server 'CMD {listen}']... [--scenario NAME]... [options]
       cost budget ...   (see cost budget --help)
  --server CMD      a server to measure; {listen} becomes `--tcp 127.0.0.1:0`, `--udp 127.0.0.1:0`
                    or `--unix PATH`, as the scenario needs it, and {addr} the address alone. It
                    must print a line with its ip:port, or the path, on stdout. May be repeated.
                    None: the baseline alone
  --scenario NAME   TCP: echo32 echo1 echo512 churn idle paired paired1; UDP: udp32 udp1 udppaired;
                    Unix streams: unix32 unix1 unixpaired. `counts` is the first four, `udp` and
                    `unix` are the first two of theirs, `all` is all. May be repeated (default:
                    echo32 echo1)
  --baseline        the baseline alone, whatever --server says
  --signal INT|TERM what ends a server (default INT)
  --messages N      operations of the short run, instead of the scenario's own number
  --size BYTES      of a message (default 64)
  --rounds R        rounds of `paired` (default 15)
  --idle C          connections held by `idle`, and as many again (default 5000)
  --server-core K   (default 1, or 0 on a single core) counting puts the generator there too
  --generator-core K  of `paired` (default 0)";

#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) servers: Vec<ServerCommand>,
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) signal: Signal,
    pub(crate) messages: Option<u64>,
    pub(crate) size: usize,
    pub(crate) rounds: usize,
    pub(crate) idle: usize,
    pub(crate) server_core: usize,
    pub(crate) generator_core: usize,
}

impl Default for Args {
    fn default() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self {
            servers: Vec::new(),
            scenarios: Vec::new(),
            signal: Signal::Interrupt,
            messages: None,
            size: 64,
            rounds: 15,
            idle: 5000,
            server_core: usize::from(cores > 1),
            generator_core: 0,
        }
    }
}

pub(crate) fn parse() -> Result<Args, lexopt::Error> {
    let mut args = Args::default();
    let mut alone = false;
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("server") => {
                let command = parser.value()?.string()?;
                args.servers.push(ServerCommand::parse(&command)?);
            }
            Arg::Long("scenario") => {
                let name = parser.value()?.string()?;
                let found = Scenario::named(&name).ok_or_else(|| unknown("scenario", &name))?;
                args.scenarios.extend(found);
            }
            Arg::Long("baseline") => alone = true,
            Arg::Long("signal") => {
                args.signal = match parser.value()?.string()?.as_str() {
                    "INT" | "SIGINT" => Signal::Interrupt,
                    "TERM" | "SIGTERM" => Signal::Terminate,
                    other => return Err(unknown("signal", other)),
                }
            }
            Arg::Long("messages") => args.messages = Some(parser.value()?.parse()?),
            Arg::Long("size") => args.size = parser.value()?.parse()?,
            Arg::Long("rounds") => args.rounds = parser.value()?.parse()?,
            Arg::Long("idle") => args.idle = parser.value()?.parse()?,
            Arg::Long("server-core") => args.server_core = parser.value()?.parse()?,
            Arg::Long("generator-core") => args.generator_core = parser.value()?.parse()?,
            Arg::Long("help") | Arg::Short('h') => {
                println!("{USAGE}");
                std::process::exit(0);
            }
            other => return Err(format!("{}\n{USAGE}", other.unexpected()).into()),
        }
    }
    if alone {
        args.servers.clear();
    }
    if args.scenarios.is_empty() {
        args.scenarios =
            ["echo32", "echo1"].into_iter().flat_map(Scenario::named).flatten().collect();
    }
    if args.messages == Some(0) || args.size == 0 || args.rounds == 0 || args.idle == 0 {
        return Err("--messages, --size, --rounds and --idle must be at least 1".into());
    }
    let mut transports: Vec<_> = args.scenarios.iter().map(|it| it.transport()).collect();
    transports.dedup();
    if let (2.., Some(server)) = (transports.len(), args.servers.iter().find(|it| !it.adapts())) {
        return Err(format!("scenarios of several transports need {{listen}} in: {server}").into());
    }
    ServerCommand::tell_apart(&mut args.servers);
    Ok(args)
}

fn unknown(what: &str, word: &str) -> lexopt::Error {
    format!("--{what} {word}?\n{USAGE}").into()
}
