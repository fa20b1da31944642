//! The command line.

use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt};

use crate::catalog::{self, Scenario};

const USAGE: &str = "\
usage: report [--quick] [--scenario NAME]... [options]
       report --render [--tsv FILE]
  --quick          three minutes instead of fifteen: fewer rounds, shorter ones
  --scenario NAME  this one only; may be repeated. A wrong name lists them
  --minutes N      the time of a run (default 15; 3 with --quick)
  --tsv FILE       where rows go; REPORT.md and report.svg are written beside it. By default a whole
                   run replaces the checked-in one, any other goes to the target folder
  --examples DIR   the library's example programs (default: `examples` beside this program)
  --render         measure nothing: REPORT.md and report.svg again from the rows";

#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) quick: bool,
    /// None: all.
    pub(crate) scenarios: Vec<&'static Scenario>,
    pub(crate) minutes: Option<f64>,
    pub(crate) tsv: Option<PathBuf>,
    pub(crate) examples: Option<PathBuf>,
    pub(crate) render: bool,
}

pub(crate) fn parse() -> Result<Args, lexopt::Error> {
    let mut args = Args {
        quick: false,
        scenarios: Vec::new(),
        minutes: None,
        tsv: None,
        examples: None,
        render: false,
    };
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("quick") => args.quick = true,
            Arg::Long("scenario") => {
                let name = parser.value()?.string()?;
                let found = catalog::scenario(&name).ok_or_else(|| unknown(&name))?;
                args.scenarios.push(found);
            }
            Arg::Long("minutes") => args.minutes = Some(parser.value()?.parse()?),
            Arg::Long("tsv") => args.tsv = Some(parser.value()?.into()),
            Arg::Long("examples") => args.examples = Some(parser.value()?.into()),
            Arg::Long("render") => args.render = true,
            Arg::Long("help") | Arg::Short('h') => {
                println!("{USAGE}\n\nscenarios:\n{}", catalog::list());
                std::process::exit(0);
            }
            other => return Err(format!("{}\n{USAGE}", other.unexpected()).into()),
        }
    }
    if args.minutes.is_some_and(|minutes| !(minutes > 0.0 && minutes < 1e4)) {
        return Err("--minutes must be more than 0".into());
    }
    Ok(args)
}

fn unknown(name: &str) -> String {
    format!("there is no scenario {name:?}; there are\n{}", catalog::list())
}
