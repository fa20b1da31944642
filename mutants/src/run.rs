//! Runs the tests on one mutant after the other.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fs,
    io::{self, BufRead, BufReader},
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use crate::{compile::Program, config::Config};

/// What a mutant has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// By this test, or by the end of this program.
    Caught(String),
    /// The tests of this program went on far longer than without a mutant.
    Timeout(String),
    Survived,
}

/// The programs of tests, quickest first, and what each passes.
pub(crate) struct Tests<'a> {
    config: &'a Config,
    programs: Vec<Measured<'a>>,
}

struct Measured<'a> {
    program: &'a Program,
    passes: BTreeSet<usize>,
    limit: Duration,
}

/// How long a program may take with a mutant, beyond several times what it takes without.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a program may take without a mutant.
const FIRST_LIMIT: Duration = Duration::from_secs(240);

/// What a program may take of the memory's addresses, in KiB: a mutant may take all there is.
const MEMORY: u32 = 12_000_000;

impl<'a> Tests<'a> {
    /// Runs everything without a mutant: it must pass, and shows what it passes by.
    pub(crate) fn measure(
        config: &'a Config,
        programs: &'a [Program],
        scratch: &Path,
    ) -> Result<Tests<'a>, Box<dyn Error>> {
        let mut measured = Vec::new();
        for program in programs {
            let trace = scratch.join(format!("trace-{}", program.name));
            if trace.exists() {
                fs::remove_file(&trace)?;
            }
            let start = Instant::now();
            let fate = run(config.filter, program, "trace", Some(&trace), FIRST_LIMIT)?;
            if fate != Fate::Survived {
                return Err(format!("{} fails without a mutant: {fate:?}", program.name).into());
            }
            let took = start.elapsed();
            let passed = fs::read_to_string(&trace).unwrap_or_default();
            let passes: BTreeSet<usize> = passed.lines().filter_map(|id| id.parse().ok()).collect();
            println!("-- {}: {:.1} s, {} places", program.name, took.as_secs_f64(), passes.len());
            measured.push((took, Measured { program, passes, limit: took * 5 + PATIENCE }));
        }
        measured.sort_by_key(|(took, _)| *took);
        let programs = measured.into_iter().map(|(_, measured)| measured).collect();
        Ok(Tests { config, programs })
    }

    pub(crate) fn passes(&self, id: usize) -> bool {
        self.programs.iter().any(|measured| measured.passes.contains(&id))
    }

    /// What becomes of a mutant. One that survives is looked at again: what only some of the runs
    /// notice, as one thread or the other is first, is noticed. Models run all orders each time.
    pub(crate) fn fate(&self, id: usize, file: &str) -> Result<Fate, Box<dyn Error>> {
        let again = self.passes(id) && !self.config.flags.contains(&"edgewake_loom");
        match self.try_once(id, file)? {
            Fate::Survived if again => self.try_once(id, file),
            fate => Ok(fate),
        }
    }

    /// Only the programs that pass it are run, and before them the unit tests of its module, which
    /// are quick and most likely to notice.
    fn try_once(&self, id: usize, file: &str) -> Result<Fate, Box<dyn Error>> {
        let called = id.to_string();
        let library = self.programs.iter().find(|measured| measured.program.name == "edgewake");
        let library = library.filter(|measured| measured.passes.contains(&id));
        if let (Some(library), Some(module)) = (library, module(file)) {
            let fate = run(module, library.program, &called, None, library.limit)?;
            if fate != Fate::Survived {
                return Ok(fate);
            }
        }
        for measured in self.programs.iter().filter(|measured| measured.passes.contains(&id)) {
            let fate = run(self.config.filter, measured.program, &called, None, measured.limit)?;
            if fate != Fate::Survived {
                return Ok(fate);
            }
        }
        Ok(Fate::Survived)
    }
}

/// What becomes of a mutant in a constant, by the unit tests that were built with it.
pub(crate) fn fate_of_build(config: &Config, programs: &[Program]) -> Result<Fate, Box<dyn Error>> {
    for program in programs {
        let fate = run(config.filter, program, "none", None, 3 * PATIENCE)?;
        if fate != Fate::Survived {
            return Ok(fate);
        }
    }
    Ok(Fate::Survived)
}

fn run(
    filter: &str,
    program: &Program,
    mutant: &str,
    trace: Option<&Path>,
    limit: Duration,
) -> Result<Fate, Box<dyn Error>> {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\"")])
        .arg(&program.path)
        .env("EDGEWAKE_MUTANT", mutant)
        .env("LOOM_MAX_PREEMPTIONS", "2")
        .current_dir(&program.directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0);
    die_with_owner(&mut command);
    if !filter.is_empty() {
        command.arg(filter);
    }
    if let Some(trace) = trace {
        command.env("EDGEWAKE_MUTANT_TRACE", trace);
    }
    let mut child = command.spawn()?;
    let group = i32::try_from(child.id())?;
    let output = child.stdout.take().ok_or("no pipe to the tests")?;
    let (found, failure) = mpsc::channel();
    // Ends with the program and its children, which are all killed below.
    let reader = thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(test) = line.strip_suffix(" ... FAILED") {
                // The other side may have given up.
                let _ = found.send(test.trim_start_matches("test ").to_owned());
                return;
            }
        }
    });
    let fate = match failure.recv_timeout(limit) {
        Ok(test) => Fate::Caught(format!("{}: {test}", program.name)),
        Err(mpsc::RecvTimeoutError::Timeout) => Fate::Timeout(program.name.clone()),
        Err(mpsc::RecvTimeoutError::Disconnected) => Fate::Survived,
    };
    if fate != Fate::Survived {
        // SAFETY: a system call without pointers; the group is ours until the child is reaped.
        unsafe { libc::kill(-group, libc::SIGKILL) };
    }
    let status = child.wait()?;
    reader.join().map_err(|_| "the reader of the tests' output panicked")?;
    Ok(match fate {
        Fate::Survived if !status.success() => Fate::Caught(format!("{}: {status}", program.name)),
        fate => fate,
    })
}

/// A mutant may loop for ever. Who is ended while it does, by Ctrl-C or the gate's clock, runs no
/// destructor; the thread that starts a program outlives it otherwise (PR_SET_PDEATHSIG(2const)).
fn die_with_owner(command: &mut Command) {
    // SAFETY: between fork and exec only async-signal-safe calls may be made: this is one system
    // call, without pointers.
    unsafe {
        command.pre_exec(|| match libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        });
    }
}

/// The module of a file of the library, as the names of its unit tests begin.
fn module(file: &str) -> Option<&str> {
    let module = file.strip_prefix("src/")?.split(['/', '.']).next()?;
    Some(if file.starts_with("src/time/wheel") { "time::wheel" } else { module })
}

/// Counts by file's folder.
pub(crate) fn directory(file: &str) -> &'static str {
    let table: BTreeMap<&str, &'static str> = BTreeMap::from([
        ("sys/src/selector/epoll", "sys/src/selector (epoll)"),
        ("sys/src/selector/kqueue", "sys/src/selector (kqueue)"),
        ("src/driver", "src/driver"),
        ("src/reactor", "src/reactor"),
        ("src/task", "src/task"),
        ("src/time/wheel", "src/time/wheel"),
    ]);
    let found = table.iter().find(|(start, _)| file.starts_with(**start));
    found.map_or("elsewhere", |(_, name)| name)
}
