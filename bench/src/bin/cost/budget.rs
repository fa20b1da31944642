//! The gate on cost: counts what `bench/budget.toml` lists and compares it with what that allows.
//!
//! Over the budget it fails, and names the functions that grew since `bench/budget-functions.tsv`
//! was written; far under it, it asks for the budget to be lowered, and passes: getting better is
//! no error, and what another compiler saved may not be there with the next. `--write` puts the
//! figures into both files instead. What is over is counted again first, as other work on the
//! machine can only add: batches are broken up, and more turns are made for the same echoes.

mod args;
mod file;
mod functions;
mod judge;
mod operations;
mod report;

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use edgewake_bench::os::process;

use crate::args::Args as CountingArgs;
use crate::{idle, still};
use args::Args;
use edgewake_bench::server::ServerCommand;
use file::{Budget, Taken};
use functions::Table;
use report::Report;

/// How often a figure that is over its budget is counted, the first time included.
const TRIES: usize = 3;

/// What every measurement needs.
struct Bench {
    args: Args,
    counting: CountingArgs,
    budget: Budget,
    table: Table,
    report: Report,
    /// Counted with the compiler and the C library that the budget was: small growth is ours then.
    comparable: bool,
}

pub(crate) fn run() -> io::Result<()> {
    let args = args::parse().map_err(io::Error::other)?;
    process::raise_fd_limit()?;
    let (path, functions) = (file_of(&args, "budget.toml"), file_of(&args, "budget-functions.tsv"));
    let budget = Budget::read(&path)?;
    let table = match std::fs::read_to_string(&functions) {
        Ok(text) => Table::parse(&text).map_err(io::Error::other)?,
        // The first `make budget` makes it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Table::default(),
        Err(error) => return Err(error),
    };
    let (taken, now) = (budget.taken(), Taken::now(&args.root)?);
    let comparable = taken == now;
    let mut report = Report::default();
    report.taken(&taken, &now);
    let counting = CountingArgs::default();
    let mut bench = Bench { args, counting, budget, table, report, comparable };
    bench.operations()?;
    bench.rest()?;
    if !bench.args.write {
        return bench.report.finish();
    }
    bench.budget.set_taken(&now)?;
    let kept = bench.budget.operations()?;
    bench.table.keep(|name| kept.iter().any(|it| it.name == name && it.counts_instructions));
    bench.budget.write(&path)?;
    std::fs::write(&functions, bench.table.to_string())?;
    println!("\nwritten: {} and {}", path.display(), functions.display());
    bench.report.finish()
}

fn file_of(args: &Args, name: &str) -> PathBuf {
    args.root.join("bench").join(name)
}

impl Taken {
    fn now(root: &Path) -> io::Result<Self> {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let output = Command::new(rustc).arg("--version").current_dir(root).output()?;
        Ok(Self {
            rustc: String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            libc: process::c_library(),
            machine: std::env::consts::ARCH.to_owned(),
        })
    }
}

impl Bench {
    /// The echo server with these flags.
    fn echo(&self, flags: &[String]) -> io::Result<ServerCommand> {
        let mut words = vec![self.args.echo.display().to_string(), "{listen}".to_owned()];
        words.extend(flags.iter().cloned());
        ServerCommand::of(words).map_err(io::Error::other)
    }

    /// What is no operation: memory, turns, and what a user of the library builds.
    fn rest(&mut self) -> io::Result<()> {
        if self.args.wants("idle") {
            let connections = self.budget.number("idle", "connections")? as usize;
            let connections = idle::possible(connections)?;
            let echo = self.echo(&["--quiet".to_owned()])?;
            let mut bytes = f64::INFINITY;
            for _ in 0..self.tries() {
                bytes = bytes.min(idle::measure(&self.counting, &echo, connections)?);
                if !self.is_over("idle", "bytes", "bytes", bytes)? {
                    break;
                }
            }
            self.figure("idle", "bytes", "bytes", bytes, 0)?;
        }
        if self.args.wants("still") {
            // With the line a second that it prints while there is something to tell.
            let echo = self.echo(&[])?;
            let turns = still::measure(&self.counting, &echo)?;
            self.figure("still", "idle", "turns", turns.idle as f64, 0)?;
            self.figure("still", "gone", "turns", turns.gone as f64, 0)?;
            self.figure("still", "at_limit", "turns", turns.at_limit as f64, 0)?;
        }
        if self.args.wants("small") {
            let bytes = std::fs::metadata(&self.args.small)?.len() as f64;
            let tolerance = if self.comparable { "file_bytes" } else { "file_bytes_other" };
            self.figure("small", "bytes", tolerance, bytes, 0)?;
        }
        if self.args.wants("crates") {
            self.figure("crates", "direct", "crates", f64::from(self.args.direct), 0)?;
            self.figure("crates", "all", "crates", f64::from(self.args.crates), 0)?;
        }
        Ok(())
    }

    fn tries(&self) -> usize {
        if self.args.write { 1 } else { TRIES }
    }

    fn is_over(
        &self,
        section: &str,
        key: &str,
        tolerance: &str,
        measured: f64,
    ) -> io::Result<bool> {
        let figure = self.budget.figure(section, key, measured)?;
        Ok(figure.verdict(self.budget.slack(section, tolerance)?) == judge::Verdict::Over)
    }

    /// Judges a figure, or writes it down. Says whether it is over its budget.
    fn figure(
        &mut self,
        section: &str,
        key: &str,
        tolerance: &str,
        measured: f64,
        digits: usize,
    ) -> io::Result<bool> {
        let figure = self.budget.figure(section, key, measured)?;
        let slack = self.budget.slack(section, tolerance)?;
        let name = format!("{} {key}", section.trim_start_matches("operation."));
        if self.args.write {
            if self.report.replaced(&name, &figure, digits) {
                self.budget.set_number(section, key, measured, digits)?;
            }
            return Ok(false);
        }
        Ok(self.report.judged(&name, &figure, slack, digits))
    }
}
