//! A run: what is measured once first, then rounds of everything else for as long as there is time.
//!
//! A round has every contender of every scenario once, started anew, and begins with another one
//! each time, so that what drifts hits all alike. A contender that fails is left out from there on,
//! with the reason in its row, and the others go on.

mod build;
mod counts;
mod load;
mod programs;
mod proxies;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::catalog::{How, Scenario};
use crate::contenders;
use crate::progress::Progress;
use crate::rows::{Row, Writer};

/// More narrow the interval little. (Six are the fewest that give one of 95 %.)
const MOST_ROUNDS: usize = 15;

/// What is to be done.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) scenarios: Vec<&'static Scenario>,
    pub(crate) quick: bool,
    pub(crate) budget: Duration,
    /// The folder of the library's example programs.
    pub(crate) examples: PathBuf,
    /// The folder of this package.
    pub(crate) package: PathBuf,
}

impl Plan {
    /// Cores of servers and of the generator: different ones, where there are two.
    pub(crate) fn server_core(&self) -> usize {
        usize::from(std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1))
    }

    pub(crate) fn of_kind(&self, kind: fn(&How) -> bool) -> Vec<&'static Scenario> {
        self.scenarios.iter().copied().filter(|it| kind(&it.how)).collect()
    }
}

/// Where results go: the file, and the progress line.
#[derive(Debug)]
pub(crate) struct Sink {
    pub(crate) progress: Progress,
    writer: Writer,
    /// Scenario and contender of those that are left out.
    out: HashSet<(String, String)>,
    /// Machine-dependent prefixes, which no row may have.
    folders: Vec<String>,
}

impl Sink {
    fn new(plan: &Plan, writer: Writer) -> Self {
        let programs = std::env::current_exe().ok().and_then(|it| it.parent().map(Path::to_owned));
        let folders = [Some(plan.examples.clone()), programs, Some(std::env::temp_dir())];
        let folders = folders.into_iter().flatten().map(|it| it.display().to_string() + "/");
        let progress = Progress::new(plan.budget);
        Self { progress, writer, out: HashSet::new(), folders: folders.collect() }
    }

    pub(crate) fn add(&mut self, row: &Row) -> io::Result<()> {
        self.writer.add(row)
    }

    /// Leaves a contender out of a scenario, once and for all.
    pub(crate) fn leave_out(&mut self, scenario: &str, who: &str, why: &str) -> io::Result<()> {
        if !self.out.insert((scenario.to_owned(), who.to_owned())) {
            return Ok(());
        }
        let why = self.folders.iter().fold(why.to_owned(), |why, folder| why.replace(folder, ""));
        self.writer.add(&Row::absent(scenario, who, &why))
    }

    /// The same for what went wrong: said aloud as well.
    pub(crate) fn failed(
        &mut self,
        scenario: &str,
        who: &str,
        error: &io::Error,
    ) -> io::Result<()> {
        self.progress.note(&format!("{scenario}: {who} is left out: {error}"));
        self.leave_out(scenario, who, &error.to_string())
    }

    pub(crate) fn is_out(&self, scenario: &str, who: &str) -> bool {
        self.out.contains(&(scenario.to_owned(), who.to_owned()))
    }
}

/// Measures all of the plan.
pub(crate) fn run(plan: &Plan, writer: Writer) -> io::Result<()> {
    let mut sink = Sink::new(plan, writer);
    for scenario in &plan.scenarios {
        for (who, why) in contenders::absent(scenario.name) {
            sink.leave_out(scenario.name, who, why)?;
        }
    }
    if plan.server_core() == 0 {
        sink.progress.note("one core: servers and generator share it");
    }
    build::run(plan, &mut sink)?;
    counts::run(plan, &mut sink)?;
    rounds(plan, &mut sink)?;
    sink.progress.done();
    sink.writer.finish()
}

fn rounds(plan: &Plan, sink: &mut Sink) -> io::Result<()> {
    let scenarios: Vec<_> = plan.scenarios.iter().copied().filter(|it| it.in_rounds()).collect();
    if scenarios.is_empty() {
        return Ok(());
    }
    let mut loads = load::Loads::new(plan, sink)?;
    let proxies = proxies::Proxies::new(plan, sink)?;
    let streams = plan.of_kind(|how| matches!(how, How::Stream(_)));
    let micro = plan.of_kind(|how| matches!(how, How::Micro));
    let start = Instant::now();
    for round in 0..MOST_ROUNDS {
        loads.round(plan, sink, round)?;
        proxies.round(sink, round)?;
        if !streams.is_empty() {
            programs::stream(plan, sink, &streams, round)?;
        }
        if !micro.is_empty() {
            programs::micro(plan, sink, round)?;
        }
        let each = start.elapsed() / (round as u32 + 1);
        if each > sink.progress.left() {
            break;
        }
        sink.progress.expect(each * (MOST_ROUNDS - 1 - round) as u32);
    }
    Ok(())
}
