//! Mutation testing: breaks the library in one place after another, runs the tests on each, and
//! says which places no test notices.
//!
//! The rules are those of cargo-mutants. It compiles the library anew for each mutant, which for
//! a thousand of them takes a day; here they are all compiled at once, each behind a switch that
//! an environment variable turns on, and what is left of a mutant's cost is the tests that pass
//! it. `find` and `values` know the rules, `rewrite` writes the copy, `compile` builds it and drops
//! what does not compile, `run` runs the tests, `report` holds the result against the list of
//! survivors that have a reason. `switch.rs` is what goes into the copy.
//!
//! Never touches the sources that it is given: it works on a copy.

#![allow(clippy::print_stdout, reason = "a program that reports")]

mod compile;
mod config;
mod find;
mod report;
mod rewrite;
mod run;
mod values;

use std::{
    collections::BTreeSet,
    error::Error,
    fs,
    io::Write,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    thread,
    time::Instant,
};

use lexopt::prelude::*;

use crate::{
    compile::Workspace,
    config::{CONFIGS, Config},
    run::{Fate, Tests},
};

const USAGE: &str = "\
usage: edgewake-mutants run --config NAME --source DIRECTORY --place DIRECTORY --results FILE
                        [--shard K/N] [--only FILE] [--jobs N]
       edgewake-mutants list --config NAME --source DIRECTORY
       edgewake-mutants check --survivors FILE --source DIRECTORY
       edgewake-mutants report --survivors FILE [--least PERCENT] [--part] RESULTS...

run: tests the mutants of a configuration (epoll, kqueue, loom) and adds a line for each to the
results, which are not tested again; of N shards the Kth; of a file of results only what has
survived there.
check: tests nothing; fails over a reason for a mutant that is not there, and over a file or folder
of a configuration that is not.
report: counts, and fails over a survivor without a reason, a share below the least, and, unless
the results are of a part, a reason for what did not survive.";

#[derive(Default)]
struct Options {
    action: String,
    config: Option<&'static Config>,
    source: PathBuf,
    place: PathBuf,
    results: Vec<PathBuf>,
    shard: Option<(usize, usize)>,
    jobs: usize,
    only: Option<PathBuf>,
    survivors: PathBuf,
    least: f64,
    /// The results are those of a part.
    part: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = parse()?;
    match options.action.as_str() {
        "run" => test(&options),
        "list" => list(&options),
        "check" => check(&options),
        "report" => report::report(&options),
        _ => Err(USAGE.into()),
    }
}

fn parse() -> Result<Options, Box<dyn Error>> {
    let mut options = Options::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Value(action) if options.action.is_empty() => options.action = action.string()?,
            Value(path) => options.results.push(path.into()),
            Long("config") => {
                let name = parser.value()?.string()?;
                options.config = CONFIGS.iter().find(|config| config.name == name);
            }
            Long("source") => options.source = parser.value()?.into(),
            Long("place") => options.place = parser.value()?.into(),
            Long("results") => options.results.push(parser.value()?.into()),
            Long("survivors") => options.survivors = parser.value()?.into(),
            Long("only") => options.only = Some(parser.value()?.into()),
            Long("jobs") => options.jobs = parser.value()?.parse()?,
            Long("part") => options.part = true,
            Long("least") => options.least = parser.value()?.parse()?,
            Long("shard") => {
                let shard = parser.value()?.string()?;
                let (k, n) = shard.split_once('/').ok_or(USAGE)?;
                options.shard = Some((k.parse()?, n.parse()?));
            }
            _ => return Err(USAGE.into()),
        }
    }
    Ok(options)
}

fn list(options: &Options) -> Result<(), Box<dyn Error>> {
    let config = options.config.ok_or(USAGE)?;
    for mutant in Workspace::find(&options.source, config)?.mutants {
        println!("{}:{}:{}: {}", mutant.file, mutant.line, mutant.column, mutant.what);
    }
    Ok(())
}

/// What is known to survive, and where mutants are looked for, moves with the sources: this tells in
/// a second what a run of all mutants would say at its end.
fn check(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut known = BTreeSet::new();
    for config in CONFIGS {
        let mutants = Workspace::find(&options.source, config)?.mutants;
        let is_gone = |place: &&&str| !options.source.join(place).exists();
        if let Some(place) = config.places.iter().find(is_gone) {
            return Err(format!("{}: {place} is not there", config.name).into());
        }
        println!("{}: {} mutants", config.name, mutants.len());
        known.extend(mutants.iter().map(|mutant| mutant.name()));
    }
    report::check(&options.survivors, &known)
}

fn test(options: &Options) -> Result<(), Box<dyn Error>> {
    let config = options.config.ok_or(USAGE)?;
    let results = options.results.first().ok_or(USAGE)?;
    let mut workspace = Workspace::copy(&options.source, &options.place, config)?;
    println!("-- {}: {} mutants", config.name, workspace.mutants.len());
    workspace.settle(config)?;
    println!("-- {} do not compile", workspace.not_viable.len());
    println!("-- {} are the same by proof", workspace.equal.len());
    let programs = workspace.build(config)?;
    println!("-- {} programs of tests", programs.len());
    let tests = Tests::measure(config, &programs, &options.place)?;
    let only = options.only.as_ref().map(|path| report::survivors_of(path)).transpose()?;
    let done = match results.exists() {
        true => report::names_of(results)?,
        false => BTreeSet::new(),
    };
    let file = fs::OpenOptions::new().create(true).append(true).open(results)?;
    let campaign =
        Campaign { config, workspace: &workspace, tests: &tests, file: Mutex::new(file) };
    let (constants, others): (Vec<_>, Vec<_>) = chosen(&workspace, options, only.as_ref())
        .into_iter()
        .filter(|id| !done.contains(&workspace.mutants[*id].name()))
        .partition(|id| workspace.mutants[*id].is_constant);
    let queue = Mutex::new(others.into_iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    thread::scope(|scope| {
        let work = || {
            while let Some(id) = next() {
                campaign.test(id).map_err(|error| error.to_string())?;
            }
            Ok::<(), String>(())
        };
        let workers: Vec<_> = (0..options.jobs.max(1)).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            worker.join().map_err(|_| "a worker panicked")??;
        }
        Ok::<(), String>(())
    })?;
    // The programs that the others are tested by are gone after the first of these.
    for id in constants {
        campaign.test(id)?;
    }
    Ok(())
}

/// One run over the mutants of a configuration.
struct Campaign<'a> {
    config: &'static Config,
    workspace: &'a Workspace,
    tests: &'a Tests<'a>,
    file: Mutex<fs::File>,
}

impl Campaign<'_> {
    /// Tests one mutant and writes down what has become of it.
    fn test(&self, id: usize) -> Result<(), Box<dyn Error>> {
        let mutant = &self.workspace.mutants[id];
        let start = Instant::now();
        let (fate, by) = match fate(self.config, self.workspace, self.tests, id)? {
            None if self.workspace.equal.contains(&id) => ("equal", String::new()),
            None => ("not-viable", String::new()),
            Some(Fate::Caught(by)) => ("caught", by),
            Some(Fate::Timeout(by)) => ("timeout", by),
            Some(Fate::Survived) if mutant.is_constant || self.tests.passes(id) => {
                ("survived", String::new())
            }
            Some(Fate::Survived) => ("survived", "no test passes it".to_owned()),
        };
        let took = start.elapsed().as_secs_f64();
        let place = format!("{}:{}", mutant.line, mutant.column);
        let (name, at, what) = (self.config.name, &mutant.file, &mutant.what);
        let line = format!("{fate}\t{name}\t{at}\t{place}\t{what}\t{by}\t{took:.1}\n");
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line.as_bytes())?;
        if fate == "survived" || fate == "timeout" {
            println!("{fate}: {at}:{place}: {what} {by}");
        }
        Ok(())
    }
}

/// What becomes of a mutant, nothing where it does not compile or changes nothing.
fn fate(
    config: &Config,
    workspace: &Workspace,
    tests: &Tests<'_>,
    id: usize,
) -> Result<Option<Fate>, Box<dyn Error>> {
    if workspace.not_viable.contains(&id) || workspace.equal.contains(&id) {
        return Ok(None);
    }
    if !workspace.mutants[id].is_constant {
        return tests.fate(id, &workspace.mutants[id].file).map(Some);
    }
    match workspace.build_constant(config, id) {
        Ok(programs) => run::fate_of_build(config, &programs).map(Some),
        Err(_) => Ok(None),
    }
}

/// The numbers of those to test: in an order in which every part is like the whole. Those in
/// constants are in no shard, since each is a build.
fn chosen(
    workspace: &Workspace,
    options: &Options,
    only: Option<&BTreeSet<(String, String)>>,
) -> Vec<usize> {
    let mut all: Vec<_> = (0..workspace.mutants.len()).collect();
    all.sort_by_key(|id| (id % 16, *id));
    if let Some((k, n)) = options.shard {
        all.retain(|id| id % n == k % n && !workspace.mutants[*id].is_constant);
    }
    all.into_iter()
        .filter(|id| {
            let name = workspace.mutants[*id].name();
            only.is_none_or(|only| only.contains(&name))
        })
        .collect()
}
