//! Micro figures: what tasks and timers cost, in nanoseconds, and how late a sleep ends.
//!
//! `micro` measures the raw system call, edgewake, and with the feature `peers` tokio beside it; the same
//! workloads (`workload`) run on every side, interleaved repeat by repeat, and the median of the
//! repeats is printed. Each side is one file that binds a library to the workloads.

mod edgewake_side;
mod raw_side;
#[cfg(feature = "peers")]
mod tokio_side;
mod workload;

use std::io;
use std::process::ExitCode;

use edgewake_bench::os::process;
use edgewake_bench::stats;
use lexopt::{Arg, Parser, ValueExt};
use workload::Figure;

const USAGE: &str = "\
usage: micro [--repeats R] [--core K] [--rows]
  --repeats R  of every measurement; the median is printed (default 9)
  --core K     run on this core only
  --rows       print each repeat instead: side, figure and value, with tabs between";

/// What the command line asks for.
struct Args {
    repeats: usize,
    core: Option<usize>,
    rows: bool,
}

/// A library, or the bare kernel, under the workloads.
struct Side {
    name: &'static str,
    /// One repeat of everything this side can do.
    measure: fn() -> io::Result<Vec<Figure>>,
}

/// Every side of this build.
const SIDES: &[Side] = &[
    Side { name: "raw epoll", measure: raw_side::measure },
    Side { name: "edgewake", measure: edgewake_side::measure },
    #[cfg(feature = "peers")]
    Side { name: "tokio", measure: tokio_side::measure },
];

fn main() -> ExitCode {
    match parse().map_err(io::Error::other).and_then(|args| run(&args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("micro: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse() -> Result<Args, lexopt::Error> {
    let mut args = Args { repeats: 9, core: None, rows: false };
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("repeats") => args.repeats = parser.value()?.parse::<usize>()?.max(1),
            Arg::Long("core") => args.core = Some(parser.value()?.parse()?),
            Arg::Long("rows") => args.rows = true,
            Arg::Long("help") | Arg::Short('h') => {
                println!("{USAGE}");
                std::process::exit(0);
            }
            other => return Err(format!("{}\n{USAGE}", other.unexpected()).into()),
        }
    }
    Ok(args)
}

fn run(args: &Args) -> io::Result<()> {
    if let Some(core) = args.core {
        process::pin_to(core)?;
    }
    let mut collected: Vec<Vec<Vec<Figure>>> = SIDES.iter().map(|_| Vec::new()).collect();
    for _ in 0..args.repeats {
        for (side, repeats) in SIDES.iter().zip(&mut collected) {
            repeats.push((side.measure)()?);
        }
    }
    if args.rows {
        for (side, repeats) in SIDES.iter().zip(&collected) {
            for figure in repeats.iter().flatten() {
                println!("{}\t{}\t{}", side.name, figure.name, figure.value);
            }
        }
        return Ok(());
    }
    println!("{:<12} {:<26} {:>10} {:>10} {:>10}", "side", "figure", "median", "least", "most");
    for (side, repeats) in SIDES.iter().zip(&collected) {
        for (index, figure) in repeats[0].iter().enumerate() {
            let samples: Vec<f64> = repeats.iter().map(|repeat| repeat[index].value).collect();
            println!(
                "{:<12} {:<26} {:>10.1} {:>10.1} {:>10.1}",
                side.name,
                figure.name,
                stats::median(&samples),
                stats::percentile(&samples, 0.0),
                stats::percentile(&samples, 100.0),
            );
        }
    }
    Ok(())
}
