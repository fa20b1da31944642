//! The command line of the handover.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use lexopt::prelude::{Long, Short, Value};

use crate::common::command_line::{Request, value};

pub(crate) const USAGE: &str = "\
A server that can be replaced by a new process while its connections live.

Usage: handover serve --control PATH [--listen ADDR]
       handover clients ADDR [--connections N] [--seconds S]
       handover demo [--connections N] [--handovers N]

serve: answers requests. If another serves at the same control socket, it is succeeded: its
listener, its connections and all their bytes go over, and it ends
  --control PATH    where the next one asks for everything; only this user may
  --listen ADDR     address and port (127.0.0.1:8000), for the first; a successor keeps them

clients: makes requests, and checks that each is answered once, in order, and whole
  --connections N   as many clients (100)
  --seconds S       for so long (10), or until Ctrl-C

demo: a server, clients, and successors one after the other
  --connections N   as many clients (100)
  --handovers N     as many successors (5)

  -h, --help        this text

Exit codes: 0 as it should be, 1 not so, 2 wrong arguments
";

/// What was asked for.
#[derive(Debug)]
pub(crate) enum Arguments {
    Serve(Serve),
    Clients(Clients),
    Demo(Demo),
}

#[derive(Debug)]
pub(crate) struct Serve {
    pub(crate) listen: SocketAddr,
    pub(crate) control: PathBuf,
}

#[derive(Debug)]
pub(crate) struct Clients {
    pub(crate) server: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) duration: Duration,
}

#[derive(Debug)]
pub(crate) struct Demo {
    pub(crate) connections: usize,
    pub(crate) handovers: usize,
}

pub(crate) fn parse() -> Result<Request<Arguments>, lexopt::Error> {
    let mut listen = SocketAddr::from(([127, 0, 0, 1], 8000));
    let mut control = None;
    let (mut connections, mut handovers, mut seconds) = (100, 5, 10.0);
    let mut words = Vec::new();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("listen") => {
                let what = "an address with a port, like 127.0.0.1:8000";
                listen = value(&mut parser, "--listen", what)?;
            }
            Long("control") => control = Some(PathBuf::from(parser.value()?)),
            Long("connections") => {
                connections = value(&mut parser, "--connections", "a number of clients")?;
            }
            Long("handovers") => {
                handovers = value(&mut parser, "--handovers", "a number of successors")?;
            }
            Long("seconds") => {
                seconds = value(&mut parser, "--seconds", "a number of seconds, like 0.5")?;
            }
            Short('h') | Long("help") => return Ok(Request::Help),
            Value(word) => words.push(word.to_string_lossy().into_owned()),
            other => return Err(other.unexpected()),
        }
    }
    let arguments = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve"] => {
            let control = control.ok_or("serve needs --control and a path for its socket")?;
            Arguments::Serve(Serve { listen, control })
        }
        ["clients", address] => {
            let server = address.parse().map_err(|_| {
                format!(
                    "clients needs an address with a port, like 127.0.0.1:8000, not `{address}`"
                )
            })?;
            let duration = Duration::try_from_secs_f64(seconds)
                .map_err(|_| "--seconds needs a number of seconds, like 0.5")?;
            Arguments::Clients(Clients { server, connections, duration })
        }
        ["clients"] => return Err("clients needs an address, like 127.0.0.1:8000".into()),
        ["demo"] => Arguments::Demo(Demo { connections, handovers }),
        _ => return Err("one of `serve`, `clients ADDR` and `demo` is needed".into()),
    };
    Ok(Request::Run(arguments))
}
