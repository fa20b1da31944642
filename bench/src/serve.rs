//! What the peers' echo servers share: the command line, the buffers' sizes, how they end.
//!
//! Each of them is one library's way of writing the same server, so nothing here reads or writes:
//! only what comes before the first connection and after the last. The flags are the baseline's
//! `--tcp`, `--udp`, `--unix` and `--buffer`, and those of the library's own.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use lexopt::{Arg, Parser, ValueExt};

use crate::target::{Target, Transport};

/// A buffer of which there is one, or none but it.
pub const ONE_BUFFER: usize = 64 * 1024;

/// A buffer of each connection where the server could do with one for all; any datagram fits in
/// [`ONE_BUFFER`], which is what a socket of datagrams has.
pub const OWN_BUFFER: usize = 16 * 1024;

/// What every server is told.
#[derive(Debug)]
pub struct Arguments {
    /// Where it listens.
    pub target: Target,
    /// What `--buffer` said, if it was there.
    pub buffer: Option<usize>,
}

/// Parses the command line; `own` takes a flag of the server's own and tells whether it knows it.
///
/// # Errors
///
/// Returns the mistake, with `usage` where that helps.
pub fn parse(
    usage: &str,
    mut own: impl FnMut(&str, &mut Parser) -> Result<bool, lexopt::Error>,
) -> Result<Arguments, lexopt::Error> {
    let (mut target, mut buffer) = (None, None);
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        let word = match arg {
            Arg::Long(word) => word.to_owned(),
            Arg::Short('h') => "help".to_owned(),
            other => return Err(format!("{}\n{usage}", other.unexpected()).into()),
        };
        match (word.as_str(), Transport::named(&word)) {
            (_, Some(transport)) => {
                target = Some(Target::parse(transport, &parser.value()?.string()?)?);
            }
            ("buffer", _) => buffer = Some(parser.value()?.parse()?),
            ("help", _) => {
                println!("{usage}");
                std::process::exit(0);
            }
            (word, _) if own(word, &mut parser)? => {}
            (word, _) => return Err(format!("--{word}?\n{usage}").into()),
        }
    }
    if buffer == Some(0) {
        return Err("--buffer must be at least 1".into());
    }
    Ok(Arguments { target: target.ok_or_else(|| usage.to_owned())?, buffer })
}

/// Runs the server called `name` and turns what becomes of it into its exit code.
pub fn run(name: &str, serve: impl FnOnce() -> io::Result<()>) -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Removes the name of a Unix socket from the file system, which outlives the socket; of other
/// targets there is nothing to remove. For servers that have served: the name that one could not
/// listen at is somebody else's.
///
/// # Errors
///
/// Returns the error of `unlink(2)`.
pub fn remove_name(target: &Target) -> io::Result<()> {
    match target {
        Target::Unix(path) => remove(path),
        Target::Tcp(_) | Target::Udp(_) => Ok(()),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{} stays: {error}", path.display())))
}
