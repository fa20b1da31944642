//! The report: edgewake, the hand-written loop and the peers, side by side in every scenario.
//!
//! `report` measures (`run`), into a file of rows (`rows`); `report --render`, and every run at its
//! end, makes `REPORT.md` and `report.svg` from that file alone (`show`). What there is to measure
//! is in `catalog`, who takes part in `contenders`. It measures through the other programs of this
//! package and the library's examples, which must have been built: `make bench` does that.

mod args;
mod catalog;
mod contenders;
mod facts;
mod progress;
mod rows;
mod run;
mod show;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use args::Args;
use edgewake_bench::os::process;
use rows::Writer;
use run::Plan;

/// Minutes of a whole run, and of a quick one.
const MINUTES: f64 = 15.0;
const QUICK_MINUTES: f64 = 3.0;
/// And of a single scenario's.
const ALONE_MINUTES: f64 = 2.0;

fn main() -> ExitCode {
    match args::parse().map_err(io::Error::other).and_then(|args| run(&args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("report: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> io::Result<()> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let programs = std::env::current_exe()?.parent().map(PathBuf::from).unwrap_or_default();
    let checked_in = package.join("report.tsv");
    let elsewhere = programs.join("bench-report").join("report.tsv");
    let whole = args.render || (!args.quick && args.scenarios.is_empty());
    let tsv = args.tsv.clone().unwrap_or(if whole { checked_in } else { elsewhere });
    if !args.render {
        process::raise_fd_limit()?;
        let plan = Plan {
            scenarios: match args.scenarios.as_slice() {
                [] => catalog::SCENARIOS.iter().collect(),
                some => some.to_vec(),
            },
            quick: args.quick,
            budget: Duration::from_secs_f64(60.0 * minutes(args)),
            examples: args.examples.clone().unwrap_or_else(|| programs.join("examples")),
            package: package.to_owned(),
        };
        let facts = facts::collect(package, &mode(args));
        run::run(&plan, Writer::create(&tsv, &facts)?)?;
        if !args.scenarios.is_empty() {
            print!("{}", show::tables(&tsv, &args.scenarios)?);
        }
    }
    show::write(&tsv, &package.join("reasons.tsv"), whole)?;
    println!("\n{}", tsv.with_file_name("REPORT.md").display());
    Ok(())
}

fn minutes(args: &Args) -> f64 {
    let default = match (args.quick, args.scenarios.len()) {
        (true, _) => QUICK_MINUTES,
        (false, 0) => MINUTES,
        (false, some) => (some as f64 * ALONE_MINUTES).min(MINUTES),
    };
    args.minutes.unwrap_or(default)
}

fn mode(args: &Args) -> String {
    let length = if args.quick { "quick" } else { "full" };
    let names: Vec<&str> = args.scenarios.iter().map(|it| it.name).collect();
    match names.as_slice() {
        [] => length.to_owned(),
        some => format!("{length}: {} only", some.join(", ")),
    }
}
