//! The command line.

use edgewake_bench::target::Target;
use lexopt::{Arg, Parser, ValueExt};

const USAGE: &str = "\
usage: proxy_baseline --listen PLACE --connect PLACE [options]
  --listen PLACE, --connect PLACE   tcp:127.0.0.1:4000 or unix:/tmp/socket
  --method buffer | splice          (default buffer)
  --size BYTES                      of the buffer, or of the pipe (default 65536)";

/// What carries the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Buffer,
    Splice,
}

#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) listen: Target,
    pub(crate) connect: Target,
    pub(crate) method: Method,
    pub(crate) size: usize,
}

pub(crate) fn parse() -> Result<Args, lexopt::Error> {
    let (mut listen, mut connect) = (None, None);
    let (mut method, mut size) = (Method::Buffer, 64 * 1024);
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("listen") => listen = Some(Target::parse_place(&parser.value()?.string()?)?),
            Arg::Long("connect") => {
                connect = Some(Target::parse_place(&parser.value()?.string()?)?);
            }
            Arg::Long("method") => {
                method = match parser.value()?.string()?.as_str() {
                    "buffer" => Method::Buffer,
                    "splice" => Method::Splice,
                    other => return Err(format!("--method {other}?\n{USAGE}").into()),
                }
            }
            Arg::Long("size") => size = parser.value()?.parse()?,
            Arg::Long("help") | Arg::Short('h') => {
                println!("{USAGE}");
                std::process::exit(0);
            }
            other => return Err(format!("{}\n{USAGE}", other.unexpected()).into()),
        }
    }
    if size == 0 {
        return Err("--size must be at least 1".into());
    }
    let (Some(listen), Some(connect)) = (listen, connect) else { return Err(USAGE.into()) };
    Ok(Args { listen, connect, method, size })
}
