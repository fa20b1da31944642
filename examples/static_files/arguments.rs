//! The command line of the file server.

use std::{net::SocketAddr, path::PathBuf};

use lexopt::prelude::{Long, Short, Value};

use crate::{
    body::Method,
    common::command_line::{Request, value},
};

pub(crate) const USAGE: &str = "\
Serves the files of a folder over HTTP.

Usage: static_files [FOLDER] [OPTIONS]

  FOLDER              what is served (.); links out of it, and hidden files, are not
  --listen ADDR       address and port (127.0.0.1:8000); port 0: any free one
  --method sendfile   the kernel moves the bytes (the default)
  --method copy       they are read and written, to compare
  --quiet             no line for each answer
  -h, --help          this text

Exit codes: 0 ended by a signal, 1 could not serve, 2 wrong arguments
";

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) folder: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) method: Method,
    pub(crate) quiet: bool,
}

pub(crate) fn parse() -> Result<Request<Arguments>, lexopt::Error> {
    let mut folder = None;
    let mut listen = SocketAddr::from(([127, 0, 0, 1], 8000));
    let (mut method, mut quiet) = (Method::SendFile, false);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("listen") => {
                let what = "an address with a port, like 127.0.0.1:8000";
                listen = value(&mut parser, "--listen", what)?;
            }
            Long("method") => {
                let word: String = value(&mut parser, "--method", "sendfile or copy")?;
                method = match word.as_str() {
                    "sendfile" => Method::SendFile,
                    "copy" => Method::Copy,
                    other => {
                        return Err(format!("--method is sendfile or copy, not `{other}`").into());
                    }
                };
            }
            Long("quiet") => quiet = true,
            Short('h') | Long("help") => return Ok(Request::Help),
            Value(word) if folder.is_none() => folder = Some(PathBuf::from(word)),
            other => return Err(other.unexpected()),
        }
    }
    let folder = folder.unwrap_or_else(|| PathBuf::from("."));
    Ok(Request::Run(Arguments { folder, listen, method, quiet }))
}
