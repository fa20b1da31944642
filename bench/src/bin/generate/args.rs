//! The command line.

use std::time::Duration;

use edgewake_bench::target::{Target, Transport};
use lexopt::{Arg, Parser, ValueExt};

const USAGE: &str = "\
usage: generate tcp ADDR | udp ADDR | unix PATH [options]
  --connections C   connections held, or in flight with --mode churn (default 32); with udp,
                    clients with a socket each
  --messages N      echoes in total over all connections; whole rounds with --rounds (100000)
  --warmup N        echoes before the measured ones (default 0)
  --size BYTES      of each message (default 64)
  --depth D         messages in flight on each connection, sent together where there is more than
                    one to send (default 1); streams only
  --mode echo       keep the connections (the default)
  --mode churn      a message is a connection: connect, one echo, close
  --mode idle       connect, one echo on each, then hold them until SIGINT or SIGTERM
  --rounds          lock step: send on all connections, then wait for all answers
  --pause MICROS    sleep between two rounds (default 0)
  --core K          run on this core only
  --patience SECS   give up when no answer comes for so long (default 30)";

/// What a connection has in flight at most when it sends more than one message in lock step.
const LOCK_STEP_MAX: usize = 64 * 1024;

/// What is done with the connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Echo,
    Churn,
    Idle,
}

#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) target: Target,
    pub(crate) connections: usize,
    pub(crate) messages: u64,
    pub(crate) warmup: u64,
    pub(crate) size: usize,
    pub(crate) depth: usize,
    pub(crate) mode: Mode,
    pub(crate) rounds: bool,
    pub(crate) pause: Duration,
    pub(crate) core: Option<usize>,
    pub(crate) patience: Duration,
}

pub(crate) fn parse() -> Result<Args, lexopt::Error> {
    let mut words = Vec::new();
    let mut args = Args {
        target: Target::Unix("".into()),
        connections: 32,
        messages: 100_000,
        warmup: 0,
        size: 64,
        depth: 1,
        mode: Mode::Echo,
        rounds: false,
        pause: Duration::ZERO,
        core: None,
        patience: Duration::from_secs(30),
    };
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Value(word) if words.len() < 2 => words.push(word.string()?),
            Arg::Long("connections") => args.connections = parser.value()?.parse()?,
            Arg::Long("messages") => args.messages = parser.value()?.parse()?,
            Arg::Long("warmup") => args.warmup = parser.value()?.parse()?,
            Arg::Long("size") => args.size = parser.value()?.parse()?,
            Arg::Long("depth") => args.depth = parser.value()?.parse()?,
            Arg::Long("mode") => args.mode = mode(&parser.value()?.string()?)?,
            Arg::Long("rounds") => args.rounds = true,
            Arg::Long("pause") => args.pause = Duration::from_micros(parser.value()?.parse()?),
            Arg::Long("core") => args.core = Some(parser.value()?.parse()?),
            Arg::Long("patience") => {
                args.patience = Duration::from_secs(parser.value()?.parse()?);
            }
            Arg::Long("help") | Arg::Short('h') => {
                println!("{USAGE}");
                std::process::exit(0);
            }
            other => return Err(format!("{}\n{USAGE}", other.unexpected()).into()),
        }
    }
    let [transport, address] = words.as_slice() else { return Err(USAGE.into()) };
    let transport = Transport::named(transport).ok_or(USAGE)?;
    args.target = Target::parse(transport, address)?;
    check(&args)?;
    Ok(args)
}

/// What may not be asked for together.
fn check(args: &Args) -> Result<(), lexopt::Error> {
    let counts = [args.connections, args.size, args.depth];
    if counts.contains(&0) || args.messages == 0 || args.patience.is_zero() {
        return Err("every number but --warmup, --pause and --core must be at least 1".into());
    }
    let datagrams = args.target.keeps_messages();
    if datagrams && args.mode != Mode::Echo {
        return Err("udp has no connections: --mode echo only".into());
    }
    if args.depth > 1 && (datagrams || args.mode != Mode::Echo) {
        return Err("--depth is for streams that are kept: not udp, --mode echo only".into());
    }
    // A lane sends all before it receives, the server sends back what it has received: more than
    // the sockets between them hold, and each waits for the other.
    if args.rounds && args.depth > 1 && args.depth * args.size > LOCK_STEP_MAX {
        return Err(format!("--rounds: --depth times --size is over {LOCK_STEP_MAX}").into());
    }
    Ok(())
}

fn mode(word: &str) -> Result<Mode, lexopt::Error> {
    match word {
        "echo" => Ok(Mode::Echo),
        "churn" => Ok(Mode::Churn),
        "idle" => Ok(Mode::Idle),
        other => Err(format!("--mode {other}?\n{USAGE}").into()),
    }
}
