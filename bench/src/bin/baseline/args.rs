//! The command line.

use edgewake_bench::target::{Target, Transport};
use lexopt::{Arg, Parser, ValueExt};

const USAGE: &str = "\
usage: baseline --tcp ADDR | --udp ADDR | --unix PATH [options]
  --tcp ADDR, --udp ADDR   listen here; port 0 lets the kernel choose
  --unix PATH              listen here; there must be nothing yet
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

#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) target: Target,
    pub(crate) register: Register,
    pub(crate) spin: bool,
    pub(crate) buffer: usize,
    pub(crate) exit_after_conns: Option<u64>,
}

pub(crate) fn parse() -> Result<Args, lexopt::Error> {
    let mut target = None;
    let (mut register, mut spin) = (Register::AtAccept, false);
    let (mut buffer, mut exit_after_conns) = (64 * 1024, None);
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long(word) if Transport::named(word).is_some() => {
                let transport = Transport::named(word).ok_or(USAGE)?;
                target = Some(Target::parse(transport, &parser.value()?.string()?)?);
            }
            Arg::Long("register") => {
                register = match parser.value()?.string()?.as_str() {
                    "at-accept" => Register::AtAccept,
                    "second-block" => Register::SecondBlock,
                    other => return Err(format!("--register {other}?\n{USAGE}").into()),
                }
            }
            Arg::Long("spin") => spin = true,
            Arg::Long("buffer") => buffer = parser.value()?.parse()?,
            Arg::Long("exit-after-conns") => exit_after_conns = Some(parser.value()?.parse()?),
            Arg::Long("help") | Arg::Short('h') => {
                println!("{USAGE}");
                std::process::exit(0);
            }
            other => return Err(format!("{}\n{USAGE}", other.unexpected()).into()),
        }
    }
    if buffer == 0 {
        return Err("--buffer must be at least 1".into());
    }
    let target = target.ok_or(USAGE)?;
    Ok(Args { target, register, spin, buffer, exit_after_conns })
}
