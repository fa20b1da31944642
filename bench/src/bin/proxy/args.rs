//! The command line.

use std::io;

use edgewake_bench::proxy::contender::Contender;
use edgewake_bench::proxy::load::Shape;
use edgewake_bench::proxy::measure::Setting;
use edgewake_bench::target::Transport;
use lexopt::{Arg, Parser, ValueExt};

const USAGE: &str = "\
usage: proxy [--contender 'CMD {listen} {connect}']... [options]
  --contender CMD    a proxy to measure; {listen} becomes `--listen PLACE`, {connect} `--connect
                     PLACE`. It must print a line with its ip:port, or the path, on stdout
  --route FROM-TO    tcp-tcp, unix-unix, tcp-unix or unix-tcp (default tcp-tcp)
  --shape sink|echo  bytes go one way, or there and back (default sink)
  --connections N    at the same time (default 4)
  --message BYTES    of a write; may be repeated (default 65536)
  --bytes BYTES      in all, each way (default 1073741824)
  --rounds R         (default 5)
  --core K           the proxy's core (default 1, or 0 if alone)
  --load-core K      the core of both ends of the flows (default 0)
  --idle C           memory of C idle flows more, instead of bytes";

#[derive(Debug)]
pub(crate) struct Args {
    commands: Vec<String>,
    pub(crate) listen: Transport,
    pub(crate) connect: Transport,
    pub(crate) shape: Shape,
    pub(crate) connections: usize,
    pub(crate) messages: Vec<usize>,
    pub(crate) bytes: u64,
    pub(crate) rounds: usize,
    pub(crate) core: usize,
    pub(crate) load_core: usize,
    pub(crate) idle: usize,
}

impl Args {
    /// What a run with messages of that size is.
    pub(crate) fn setting(&self, message: usize) -> Setting {
        Setting {
            listen: self.listen,
            connect: self.connect,
            shape: self.shape,
            connections: self.connections,
            bytes: self.bytes,
            message,
            core: self.core,
        }
    }

    /// The hand-written ones first.
    pub(crate) fn contenders(&self) -> io::Result<Vec<Contender>> {
        let mut contenders = vec![
            Contender::baseline("by hand, buffer", &[])?,
            Contender::baseline("by hand, splice", &["--method", "splice"])?,
        ];
        for command in &self.commands {
            contenders.push(Contender::parse(command).map_err(io::Error::other)?);
        }
        Ok(contenders)
    }
}

pub(crate) fn parse() -> Result<Args, lexopt::Error> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut args = Args {
        commands: Vec::new(),
        listen: Transport::Tcp,
        connect: Transport::Tcp,
        shape: Shape::Sink,
        connections: 4,
        messages: Vec::new(),
        bytes: 1 << 30,
        rounds: 5,
        core: usize::from(cores > 1),
        load_core: 0,
        idle: 0,
    };
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("contender") => args.commands.push(parser.value()?.string()?),
            Arg::Long("route") => {
                let route = parser.value()?.string()?;
                (args.listen, args.connect) = read_route(&route).ok_or(USAGE)?;
            }
            Arg::Long("shape") => {
                args.shape = match parser.value()?.string()?.as_str() {
                    "sink" => Shape::Sink,
                    "echo" => Shape::Echo,
                    other => return Err(format!("--shape {other}?\n{USAGE}").into()),
                }
            }
            Arg::Long("connections") => args.connections = parser.value()?.parse()?,
            Arg::Long("message") => args.messages.push(parser.value()?.parse()?),
            Arg::Long("bytes") => args.bytes = parser.value()?.parse()?,
            Arg::Long("rounds") => args.rounds = parser.value()?.parse()?,
            Arg::Long("core") => args.core = parser.value()?.parse()?,
            Arg::Long("load-core") => args.load_core = parser.value()?.parse()?,
            Arg::Long("idle") => args.idle = parser.value()?.parse()?,
            Arg::Long("help") | Arg::Short('h') => {
                println!("{USAGE}");
                std::process::exit(0);
            }
            other => return Err(format!("{}\n{USAGE}", other.unexpected()).into()),
        }
    }
    if args.messages.is_empty() {
        args.messages.push(64 * 1024);
    }
    if args.connections == 0 || args.rounds == 0 || args.bytes == 0 || args.messages.contains(&0) {
        let what = "--connections, --message, --bytes and --rounds must be at least 1";
        return Err(what.into());
    }
    Ok(args)
}

fn read_route(route: &str) -> Option<(Transport, Transport)> {
    let (from, to) = route.split_once('-')?;
    let stream = |word| Transport::named(word).filter(|it| *it != Transport::Udp);
    Some((stream(from)?, stream(to)?))
}
