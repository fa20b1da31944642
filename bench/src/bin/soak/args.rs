//! The command line.

use std::net::SocketAddr;
use std::time::Duration;

use lexopt::{Arg, Parser, ValueExt};

const USAGE: &str = "\
usage: soak [options]
  --minutes M       how long the abuse goes on, in whole rounds; 0: one round (default 1)
  --servers S       server processes (default 1)
  --connections C   held by each of them at most (default: as many as the hard limit of
                    descriptors and half of the free memory allow)
  --storm MICROS    between two signals to each server (default 1000)
  --bytes B         sent on each connection and received again, each round (default 2048)";

/// What this process is.
#[derive(Debug)]
pub(crate) enum Role {
    /// The one that was started by hand.
    Supervise(Plan),
    /// A server.
    Serve { number: u8, ports: u8 },
    /// A process of clients, of these addresses.
    Hold(Vec<SocketAddr>),
}

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) time: Duration,
    pub(crate) servers: u8,
    pub(crate) connections: Option<u64>,
    pub(crate) storm: u64,
    pub(crate) bytes: u64,
}

pub(crate) fn parse() -> Result<Role, lexopt::Error> {
    let mut plan = Plan {
        time: Duration::from_secs(60),
        servers: 1,
        connections: None,
        storm: 1000,
        bytes: 2048,
    };
    let mut words = Vec::new();
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Value(word) => words.push(word.string()?),
            Arg::Long("minutes") => {
                let minutes: f64 = parser.value()?.parse()?;
                plan.time = Duration::try_from_secs_f64(minutes * 60.0)
                    .map_err(|error| format!("--minutes {minutes}: {error}"))?;
            }
            Arg::Long("servers") => plan.servers = parser.value()?.parse()?,
            Arg::Long("connections") => plan.connections = Some(parser.value()?.parse()?),
            Arg::Long("storm") => plan.storm = parser.value()?.parse()?,
            Arg::Long("bytes") => plan.bytes = parser.value()?.parse()?,
            Arg::Long("help") | Arg::Short('h') => {
                println!("{USAGE}");
                std::process::exit(0);
            }
            other => return Err(format!("{}\n{USAGE}", other.unexpected()).into()),
        }
    }
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => check(plan).map(Role::Supervise),
        ["serve", number, ports] => Ok(Role::Serve {
            number: number.parse().map_err(|_| USAGE)?,
            ports: ports.parse().map_err(|_| USAGE)?,
        }),
        ["hold", targets @ ..] if !targets.is_empty() => {
            let targets: Result<Vec<_>, _> = targets.iter().map(|word| word.parse()).collect();
            Ok(Role::Hold(targets.map_err(|_| USAGE)?))
        }
        _ => Err(USAGE.into()),
    }
}

fn check(plan: Plan) -> Result<Plan, lexopt::Error> {
    if plan.servers == 0 || plan.servers > 100 {
        return Err("--servers: from 1 to 100".into());
    }
    if plan.storm == 0 || plan.storm >= 1_000_000 || plan.bytes == 0 {
        return Err("--storm: from 1 to 999999; --bytes: at least 1".into());
    }
    Ok(plan)
}
