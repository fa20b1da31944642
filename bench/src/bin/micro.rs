//! Micro figures: what tasks, wake-ups and timers cost, in nanoseconds, and how late a sleep ends.
//!
//! `micro` measures the raw system call, edgewake, and with the feature `peers` the other libraries
//! beside it; the same workloads (`edgewake_bench::micro`) run on every side, interleaved repeat by
//! repeat, and the median of the repeats is printed.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use edgewake_bench::micro::{self, Operation, SLEEP, Side};
use edgewake_bench::os::process;
use edgewake_bench::stats;
use lexopt::{Arg, Parser, ValueExt};

const USAGE: &str = "\
usage: micro [--repeats R] [--core K] [--side NAME]... [--tsv]
  --repeats R  of every measurement; the median is printed (default 9)
  --core K     run on this core only
  --side NAME  this one, and the others given, instead of all
  --tsv        columns between tabs";

/// Sleeps in a repeat.
const SLEEPS: usize = 200;

struct Args {
    repeats: usize,
    core: Option<usize>,
    sides: Vec<String>,
    tsv: bool,
}

/// A figure of one side, and what its repeats gave.
struct Figure {
    side: &'static str,
    name: String,
    samples: Vec<f64>,
}

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
    let mut args = Args { repeats: 9, core: None, sides: Vec::new(), tsv: false };
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("repeats") => args.repeats = parser.value()?.parse::<usize>()?.max(1),
            Arg::Long("core") => args.core = Some(parser.value()?.parse()?),
            Arg::Long("side") => args.sides.push(parser.value()?.string()?),
            Arg::Long("tsv") => args.tsv = true,
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
    let sides = chosen(&args.sides)?;
    if let Some(core) = args.core {
        process::pin_to(core)?;
    }
    let mut figures: Vec<Figure> = Vec::new();
    for _ in 0..args.repeats {
        for side in &sides {
            for (name, value) in repeat(side)? {
                let known = figures.iter_mut().find(|it| it.side == side.name && it.name == name);
                match known {
                    Some(figure) => figure.samples.push(value),
                    None => figures.push(Figure { side: side.name, name, samples: vec![value] }),
                }
            }
        }
    }
    print(&figures, args.tsv);
    Ok(())
}

fn chosen(names: &[String]) -> io::Result<Vec<Side>> {
    let all = micro::sides();
    if let Some(name) = names.iter().find(|name| all.iter().all(|side| side.name != **name)) {
        let known: Vec<_> = all.iter().map(|side| side.name).collect();
        return Err(io::Error::other(format!("--side {name}: there are {}", known.join(", "))));
    }
    let wanted = |side: &Side| names.is_empty() || names.iter().any(|name| name == side.name);
    Ok(all.into_iter().filter(wanted).collect())
}

/// One repeat of everything that `side` can do.
fn repeat(side: &Side) -> io::Result<Vec<(String, f64)>> {
    let mut figures = Vec::new();
    for operation in Operation::ALL {
        if let Some(each) = (side.measure)(operation, operation.usual_count())? {
            figures.push((format!("{}, ns", operation.name()), each));
        }
    }
    // Negative if a sleep ended early, which no side may do; it would show.
    let over = |slept: &Duration| (slept.as_secs_f64() - SLEEP.as_secs_f64()) * 1e6;
    let late: Vec<f64> = (side.sleeps)(SLEEPS)?.iter().map(over).collect();
    figures.push(("sleep(1 ms) late p50, us".into(), stats::median(&late)));
    figures.push(("sleep(1 ms) late p99, us".into(), stats::percentile(&late, 99.0)));
    Ok(figures)
}

fn print(figures: &[Figure], tsv: bool) {
    let row = |side: &str, name: &str, values: [String; 3]| {
        let [median, least, most] = values;
        if tsv {
            println!("{side}\t{name}\t{median}\t{least}\t{most}");
        } else {
            println!("{side:<12} {name:<30} {median:>10} {least:>10} {most:>10}");
        }
    };
    row("side", "figure", ["median", "least", "most"].map(str::to_owned));
    for figure in figures {
        let values = [
            stats::median(&figure.samples),
            stats::percentile(&figure.samples, 0.0),
            stats::percentile(&figure.samples, 100.0),
        ];
        row(figure.side, &figure.name, values.map(|value| format!("{value:.1}")));
    }
}
