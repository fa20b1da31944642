//! The command line.

use std::net::SocketAddr;

use lexopt::{Arg, Parser, ValueExt};

const USAGE: &str = "\
usage: baseline --tcp ADDR [options]
  --tcp ADDR               listen here; port 0 lets the kernel choose
  --register at-accept     epoll_ctl at once (the default)
  --register second-block  only when a connection has blocked twice in a row
  --spin                   never sleep: epoll_wait with a zero timeout
  --buffer BYTES           size of the shared buffer (default 65536)
  --exit-after-conns N     end once N connections were closed";

/// When a new connection is given to epoll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Register {
    AtAccept,
    SecondBlock,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Args {
    pub(crate) tcp: SocketAddr,
    pub(crate) register: Register,
    pub(crate) spin: bool,
    pub(crate) buffer: usize,
    pub(crate) exit_after_conns: Option<u64>,
}

pub(crate) fn parse() -> Result<Args, lexopt::Error> {
    let mut tcp = None;
    let mut args = Args {
        tcp: SocketAddr::from(([127, 0, 0, 1], 0)),
        register: Register::AtAccept,
        spin: false,
        buffer: 64 * 1024,
        exit_after_conns: None,
    };
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("tcp") => tcp = Some(parser.value()?.parse()?),
            Arg::Long("register") => {
                args.register = match parser.value()?.string()?.as_str() {
                    "at-accept" => Register::AtAccept,
                    "second-block" => Register::SecondBlock,
                    other => return Err(format!("--register {other}?\n{USAGE}").into()),
                }
            }
            Arg::Long("spin") => args.spin = true,
            Arg::Long("buffer") => args.buffer = parser.value()?.parse()?,
            Arg::Long("exit-after-conns") => args.exit_after_conns = Some(parser.value()?.parse()?),
            Arg::Long("help") | Arg::Short('h') => {
                println!("{USAGE}");
                std::process::exit(0);
            }
            other => return Err(format!("{}\n{USAGE}", other.unexpected()).into()),
        }
    }
    args.tcp = tcp.ok_or(USAGE)?;
    if args.buffer == 0 {
        return Err("--buffer must be at least 1".into());
    }
    Ok(args)
}
