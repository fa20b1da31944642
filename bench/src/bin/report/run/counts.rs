//! What the program `cost` counts: instructions, system calls, bytes of idle connections.
//!
//! Two of it run at once, each on a core of its own with its server and its generator: a count does
//! not mind what another core does. One that `cost` cannot count ends it; it is left out with the
//! tool's reason, and the rest are counted by another start.

use std::io;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use edgewake_bench::os::process::{self, Placement};
use edgewake_bench::server;

use super::{Plan, Sink};
use crate::catalog::{How, Scenario};
use crate::contenders::{self, BY_HAND, CONTENDERS};
use crate::rows::Row;

/// A quick run counts no more scenarios than these.
const QUICK: usize = 3;

/// Held idle, and as many again.
const IDLE: usize = 5_000;

/// Operations of the short run: enough for differences of one instruction in a hundred.
const OPERATIONS: &str = "3200";

/// The figures of one contender.
type Values = Vec<(&'static str, f64)>;

/// Scenario, contender, and its figures or why there are none.
type Counted = (&'static Scenario, &'static str, Result<Values, String>);

pub(super) fn run(plan: &Plan, sink: &mut Sink) -> io::Result<()> {
    let mut scenarios = plan.of_kind(|how| matches!(how, How::Count(_) | How::Idle));
    if plan.quick && scenarios.len() > QUICK {
        scenarios.retain(|it| matches!(it.how, How::Count("echo32" | "echo1") | How::Idle));
    }
    if scenarios.is_empty() {
        return Ok(());
    }
    let (next, counted) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    sink.progress.say("counting instructions and system calls");
    thread::scope(|scope| {
        let workers: Vec<_> = (0..=plan.server_core())
            .map(|core| {
                let (next, counted, scenarios) = (&next, &counted, &scenarios);
                // Relaxed: the numbers are all that the threads share by it.
                scope.spawn(move || {
                    while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let found = count(plan, scenario, core);
                        counted.lock().unwrap_or_else(|it| it.into_inner()).extend(found);
                    }
                })
            })
            .collect();
        while workers.iter().any(|it| !it.is_finished()) {
            let done = counted.lock().map_or(0, |it| it.len());
            sink.progress.say(&format!("counting instructions and system calls, {done} counted"));
            thread::sleep(std::time::Duration::from_millis(200));
        }
    });
    let mut counted = counted.into_inner().unwrap_or_else(|it| it.into_inner());
    // The order of the catalogue, whoever was quicker.
    let place = |it: &Counted| scenarios.iter().position(|one| one.name == it.0.name);
    counted.sort_by_key(place);
    for (scenario, who, outcome) in counted {
        match outcome {
            Ok(values) => {
                for (metric, value) in values {
                    sink.add(&Row::value(scenario.name, metric, who, 0, value))?;
                }
            }
            Err(why) => sink.leave_out(scenario.name, who, &why)?,
        }
    }
    Ok(())
}

fn count(plan: &Plan, scenario: &'static Scenario, core: usize) -> Vec<Counted> {
    let mut found: Vec<Counted> = Vec::new();
    let mut left = Vec::new();
    for contender in CONTENDERS.iter().filter(|it| it.name != BY_HAND) {
        let refused = contenders::refuses(contender, scenario).map(str::to_owned);
        match (refused, contender.line(&plan.examples)) {
            (Some(why), _) => found.push((scenario, contender.name, Err(why))),
            (_, Err(error)) => found.push((scenario, contender.name, Err(error.to_string()))),
            (None, Ok(line)) => left.push((contender.name, line)),
        }
    }
    let mut reference = false;
    loop {
        let lines: Vec<&str> = left.iter().map(|(_, line)| line.as_str()).collect();
        let (rows, error) = match cost(scenario, &lines, core) {
            Ok(outcome) => outcome,
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        let mut rows = rows.into_iter();
        match rows.next() {
            Some(values) if !reference => found.push((scenario, BY_HAND, Ok(values))),
            None => {
                // Not even the hand-written server: no use in trying again.
                let why = error.unwrap_or_else(|| "cost printed no row".to_owned());
                found.extend(left.iter().map(|&(who, _)| (scenario, who, Err(why.clone()))));
                return found;
            }
            Some(_) => {}
        }
        reference = true;
        let count = rows.len().min(left.len());
        let counted = left.drain(..count).zip(rows);
        found.extend(counted.map(|((who, _), values)| (scenario, who, Ok(values))));
        if left.is_empty() {
            return found;
        }
        // The first without a row is the one that could not be counted.
        let why = error.unwrap_or_else(|| "cost printed no row for it".to_owned());
        found.push((scenario, left.remove(0).0, Err(why)));
        if left.is_empty() {
            return found;
        }
    }
}

/// The rows that `cost` printed, the hand-written server's first, and its error if it had one.
fn cost(
    scenario: &Scenario,
    servers: &[&str],
    core: usize,
) -> io::Result<(Vec<Values>, Option<String>)> {
    let mut command = Command::new(server::sibling_path("cost")?);
    let (core, idle) = (core.to_string(), IDLE.to_string());
    command.args(["--server-core", &core, "--idle", &idle]);
    match scenario.how {
        How::Count("churn") => command.args(["--scenario", "churn", "--messages", "960"]),
        How::Count(name) => command.args(["--scenario", name, "--messages", OPERATIONS]),
        _ => command.args(["--scenario", "idle"]),
    };
    for server in servers {
        command.args(["--server", server]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    process::place(&mut command, Placement::default());
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let rows = parse(&text, matches!(scenario.how, How::Idle));
    let errors = String::from_utf8_lossy(&output.stderr);
    let last = errors.lines().rfind(|line| line.starts_with("cost: ")).unwrap_or("cost failed");
    let error = (!output.status.success()).then(|| last.trim_start_matches("cost: ").to_owned());
    Ok((rows, error))
}

/// Reads the table of `cost`, row by row, but for the hand-written server's second variant.
fn parse(text: &str, idle: bool) -> Vec<Values> {
    let table = text.lines().skip_while(|line| !line.trim_start().starts_with("server "));
    let rows = table.skip(1).filter(|line| !line.trim_start().starts_with("second-block "));
    rows.map_while(|line| row(line, idle)).collect()
}

fn row(line: &str, idle: bool) -> Option<Values> {
    // The differences to the baseline have a sign; the calls' names come after all numbers.
    let signed = |word: &&str| !word.starts_with(['+', '-']);
    let mut numbers =
        line.split_whitespace().skip(1).filter(signed).map_while(|it| it.parse().ok());
    if idle {
        return Some(vec![("bytes", numbers.next()?)]);
    }
    Some(vec![("instructions", numbers.next()?), ("syscalls", numbers.next()?)])
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTS: &str = "\
baseline       /x/baseline {listen}
echo           /x/echo {listen} --quiet

churn: one 64 B connect-echo-close, 32 connections
  server         instructions  +baseline  syscalls    +base  by call
  baseline             1523.2                6.090           accept4 1.031, close 1.000
  second-block         1523.2       +0.0     5.150   -0.940  accept4 1.031, close 1.000
  echo                 4022.0    +2498.8     6.091   +0.001  accept4 1.031, close 1.000
";

    #[test]
    fn the_table_of_counts_is_read() {
        let rows = parse(COUNTS, false);
        assert_eq!(
            rows,
            [
                [("instructions", 1523.2), ("syscalls", 6.09)],
                [("instructions", 4022.0), ("syscalls", 6.091)],
            ]
        );
    }

    #[test]
    fn the_table_of_bytes_is_read() {
        let text = "\nidle: resident bytes per connection, from 5000 to 10000\n  server  bytes  \
                    +baseline\n  baseline        56\n  echo    290       +234\n";
        assert_eq!(parse(text, true), [[("bytes", 56.0)], [("bytes", 290.0)]]);
        assert!(parse("cost: no such server\n", true).is_empty());
    }
}
