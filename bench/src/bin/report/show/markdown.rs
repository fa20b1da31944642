//! The report's text: what the machine was, the tables, and where edgewake loses. Pure.

use std::fmt::Write;

use super::reasons::{self, Reason};
use super::{figures, losses, summary, tables};
use crate::catalog::{How, SCENARIOS, Scenario};
use crate::contenders::EDGEWAKE;
use crate::facts;
use crate::rows::Rows;

const HEAD: &str = "\
# edgewake beside its peers

*`make bench` writes this file and `report.svg` from the rows in `report.tsv`: do not edit it.
What is measured, and how, is in [README.md](README.md#report).*

";

const READING: &str = "\
Each figure is a median. A ratio is that of two contenders in the same round, then the median of the
rounds, with the interval that holds the true median with at least 95 % in brackets (with fewer than
six rounds: the least and the most). Every round starts every server anew, on a core of its own
beside the generator's. Rates are those of the system of both: where the generator is what is slow,
they come close to one another, and *CPU µs* is what tells servers apart.

";

const COUNTS: &str = "\
User-space instructions as callgrind counts them, and system calls as strace does: the difference of
a long and a short run, divided. They hardly mind what else the machine does; the kernel's own
instructions are not in them, and with io_uring it does inside one call what are many elsewhere.

";

const IDLE: &str = "\
Growth of the resident set from 5,000 to 10,000 connections that have each made one echo, divided.
Buffers are in it where each connection has its own, as far as they have been written to: those of
`edgewake, buffered`, of `tokio` but for `tokio, readable`, and of `monoio`.
";

const BUILD: &str = "\
The programs in `smallest/`, with what each library needs for them; cargo's release profile,
stripped. Processor seconds are those of the whole build, on all cores; they mind what else the
machine does.
";

const LOST: &str = "\
Computed: every figure of this report in which a peer is better beyond the interval, or, counted, by
more than 1 %. The hand-written loop is the bound, not a peer.

";

const BUSY: &str = "
**The machine had other work when this run began.** Rates, times and latencies below are that work's
as much as theirs; counts and sizes hold.
";

/// Whether the run began beside other work than a system's own.
fn busy(rows: &Rows) -> bool {
    let fact = rows.facts.iter().find(|(name, _)| name == facts::BUSY);
    let percent = fact.and_then(|(_, busy)| busy.strip_suffix(" %")?.parse::<f64>().ok());
    percent.is_some_and(|percent| percent > 5.0)
}

/// The report, and the reasons that explain nothing in it.
pub(super) fn report<'a>(rows: &Rows, reasons: &'a [Reason]) -> (String, Vec<&'a str>) {
    let mut text = HEAD.to_owned();
    for (name, value) in &rows.facts {
        // Here and below: writing to a String cannot fail.
        let _ = writeln!(text, "- {name}: {value}");
    }
    if busy(rows) {
        text += BUSY;
    }
    text += "\n![Rates against the hand-written loop](report.svg)\n\n";
    text += READING;
    text += &tables::overview(rows);
    let (lost, unused) = lost(rows, reasons);
    text += &lost;
    let all: Vec<&Scenario> = SCENARIOS.iter().collect();
    text += &sections(rows, &all);
    (text, unused)
}

/// The sections of some scenarios, as far as there are rows.
pub(super) fn sections(rows: &Rows, scenarios: &[&'static Scenario]) -> String {
    let known = |it: &&&Scenario| rows.rows.iter().any(|row| row.scenario == it.name);
    let scenarios: Vec<&'static Scenario> = scenarios.iter().filter(known).copied().collect();
    let mut text = String::new();
    let mut counted = false;
    for scenario in &scenarios {
        match scenario.how {
            How::Count(_) if counted => {}
            How::Count(_) => {
                counted = true;
                text += &counts(rows, &scenarios);
            }
            How::Micro => {
                text += &heading(rows, scenario);
                text += &tables::named(rows, scenario);
                text += "\n";
                text += &tables::absences(rows, &[scenario]);
            }
            How::Idle => {
                let _ = writeln!(text, "\n## {}\n\n{IDLE}", scenario.title);
                text += &tables::contenders(rows, scenario);
            }
            How::Build => {
                let _ = writeln!(text, "\n## {}\n\n{BUILD}", scenario.title);
                text += &tables::contenders(rows, scenario);
            }
            How::Load(_) | How::Stream(_) | How::Proxy { .. } => {
                text += &heading(rows, scenario);
                text += &tables::contenders(rows, scenario);
            }
        }
    }
    text
}

fn heading(rows: &Rows, scenario: &Scenario) -> String {
    let rounds = summary::rounds(rows, scenario.name);
    let plural = if rounds == 1 { "" } else { "s" };
    format!("\n## {} ({rounds} round{plural})\n\n", scenario.title)
}

fn counts(rows: &Rows, scenarios: &[&'static Scenario]) -> String {
    let counts = scenarios.iter().copied().filter(|it| matches!(it.how, How::Count(_)));
    let counts: Vec<&'static Scenario> = counts.collect();
    let mut text = "\n## Counts of one operation\n\n".to_owned() + COUNTS;
    for (metric, digits) in [("instructions", 0), ("syscalls", 2)] {
        let found = counts.iter().flat_map(|it| it.metrics).find(|it| it.name == metric);
        let _ = writeln!(text, "{}:\n", found.map_or(metric, |it| it.heading));
        text += &tables::matrix(rows, &counts, metric, digits);
        text += "\n";
    }
    text + &tables::absences(rows, &counts)
}

/// The section of losses, and the reasons that none of them needed.
fn lost<'a>(rows: &Rows, reasons: &'a [Reason]) -> (String, Vec<&'a str>) {
    let losses = losses::find(rows);
    let mut text = format!("\n## Where {EDGEWAKE} loses\n\n{LOST}");
    let few = |it: &Scenario| {
        it.in_rounds() && (1..losses::LEAST_ROUNDS).contains(&summary::rounds(rows, it.name))
    };
    if SCENARIOS.iter().any(few) {
        let least = losses::LEAST_ROUNDS;
        let _ =
            writeln!(text, "Scenarios of fewer than {least} rounds have no interval: left out.\n");
    }
    if losses.is_empty() {
        text += "Nowhere.\n";
    } else {
        let cells = ["where", "figure", "peer", EDGEWAKE, "the peer's", "ratio", "why"];
        text += &tables::row(&cells.map(str::to_owned));
        text += "|---|---|---|---:|---:|---:|---|\n";
    }
    let mut used = vec![false; reasons.len()];
    for loss in losses {
        let heading = loss.scenario.metrics.iter().find(|it| it.name == loss.metric);
        let reason = reasons::find(reasons, loss.scenario.name, &loss.metric, &loss.peer);
        let why = match reason {
            Some(index) => {
                used[index] = true;
                reasons[index].text.clone()
            }
            None => "**no reason known**".to_owned(),
        };
        text += &tables::row(&[
            loss.scenario.title.to_owned(),
            heading.map_or(loss.metric, |it| it.heading.to_owned()),
            loss.peer,
            figures::value(loss.ours),
            figures::value(loss.theirs),
            figures::ratio(loss.ratio),
            why,
        ]);
    }
    let unused = reasons.iter().zip(used).filter(|(_, used)| !used);
    (text, unused.map(|(reason, _)| reason.text.as_str()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Row;

    fn rows() -> Rows {
        let mut rows = Rows { facts: vec![("kernel".into(), "6.18".into())], rows: Vec::new() };
        for round in 0..6 {
            for (who, rate) in [("by hand", 100.0), ("edgewake", 90.0), ("mio", 95.0)] {
                rows.rows.push(Row::value("tcp-1", "rate", who, round, rate + round as f64));
            }
            rows.rows.push(Row::value("micro", "yield, ns", "edgewake", round, 31.0));
        }
        rows.rows.push(Row::absent("micro", "mio", "has no tasks"));
        rows.rows.push(Row::value("count-tcp-1", "instructions", "edgewake", 0, 451.4));
        rows.rows.push(Row::value("count-tcp-1", "instructions", "mio", 0, 148.0));
        rows
    }

    #[test]
    fn the_same_rows_give_the_same_bytes() {
        let reasons = reasons::parse("tcp-1\trate\tmio\tbecause\n").unwrap();
        let first = report(&rows(), &reasons);
        let again = report(&Rows::parse(&rows().text()).unwrap(), &reasons);
        assert_eq!(first, again);
    }

    #[test]
    fn losses_have_a_reason_or_say_that_there_is_none() {
        let reasons = reasons::parse("tcp-1\trate\tmio\tbecause\nudp*\t*\t*\tstale\n").unwrap();
        let (text, unused) = report(&rows(), &reasons);
        assert!(text.contains("| mio | 92.5 | 97.5 | 0.95 (0.95 to 0.95) | because |"), "{text}");
        assert!(text.contains("| mio | 451 | 148 | 3.05 | **no reason known** |"), "{text}");
        assert_eq!(unused, ["stale"]);
        let (text, _) = report(&Rows::default(), &reasons);
        assert!(text.contains("Nowhere."));
    }

    #[test]
    fn a_busy_machine_is_named() {
        let with = |busy: &str| {
            let facts = vec![(facts::BUSY.to_owned(), busy.to_owned())];
            report(&Rows { facts, rows: Vec::new() }, &[]).0
        };
        assert!(with("98 %").contains(BUSY) && !with("2 %").contains(BUSY));
    }

    #[test]
    fn the_absent_say_why() {
        let (text, _) = report(&rows(), &[]);
        assert!(text.contains("- mio: has no tasks\n"), "{text}");
        assert!(text.contains("| **edgewake** | 92.5 | 0.90 (0.90 to 0.90) |"), "{text}");
    }
}
