//! The command line of `cost budget`.

use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt};

const USAGE: &str = "\
usage: cost budget --root DIR --echo PATH --small PATH --crates N --direct N [--write] [--only X]...
  --root DIR     the checkout: bench/budget.toml and the sources that lines belong to
  --echo PATH    examples/echo, built for release with line tables
  --small PATH   the README's server, built for release and stripped
  --crates N     of the library's dependency tree, itself included
  --direct N     dependencies that its two manifests name
  --write        puts what was counted into budget.toml and budget-functions.tsv
  --only NAME    this section of budget.toml alone; may be repeated";

#[derive(Debug)]
pub(super) struct Args {
    pub(super) root: PathBuf,
    pub(super) echo: PathBuf,
    pub(super) small: PathBuf,
    pub(super) crates: u32,
    pub(super) direct: u32,
    pub(super) write: bool,
    only: Vec<String>,
}

impl Args {
    /// Whether that section is to be measured.
    pub(super) fn wants(&self, section: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == section)
    }
}

pub(super) fn parse() -> Result<Args, lexopt::Error> {
    let (mut root, mut echo, mut small, mut crates, mut direct) = (None, None, None, None, None);
    let (mut write, mut only) = (false, Vec::new());
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Value(word) if word == "budget" => {}
            Arg::Long("root") => root = Some(PathBuf::from(parser.value()?).canonicalize()),
            Arg::Long("echo") => echo = Some(parser.value()?.into()),
            Arg::Long("small") => small = Some(parser.value()?.into()),
            Arg::Long("crates") => crates = Some(parser.value()?.parse()?),
            Arg::Long("direct") => direct = Some(parser.value()?.parse()?),
            Arg::Long("write") => write = true,
            Arg::Long("only") => only.push(parser.value()?.string()?),
            Arg::Long("help") | Arg::Short('h') => {
                println!("{USAGE}");
                std::process::exit(0);
            }
            other => return Err(format!("{}\n{USAGE}", other.unexpected()).into()),
        }
    }
    match (root, echo, small, crates, direct) {
        (Some(root), Some(echo), Some(small), Some(crates), Some(direct)) => {
            let root = root.map_err(|error| format!("--root: {error}"))?;
            Ok(Args { root, echo, small, crates, direct, write, only })
        }
        _ => Err(format!("something is missing\n{USAGE}").into()),
    }
}
