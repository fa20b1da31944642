//! The tables of the report, as Markdown. Pure.

use std::fmt::Write;

use super::{figures, summary};
use crate::catalog::{How, SCENARIOS, Scenario};
use crate::contenders::{BY_HAND, EDGEWAKE};
use crate::rows::Rows;

/// Makes a row of cells.
pub(super) fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// A row of headings and the line below it; all but the first column are numbers.
pub(super) fn headings(cells: &[String]) -> String {
    format!("{}|---|{}\n", row(cells), "---:|".repeat(cells.len() - 1))
}

fn name(who: &str) -> String {
    if who == EDGEWAKE { format!("**{who}**") } else { who.to_owned() }
}

/// A scenario's own table: contenders down, figures across, the first with its ratio.
pub(super) fn contenders(rows: &Rows, scenario: &Scenario) -> String {
    let mut cells = vec!["contender".to_owned()];
    for (index, metric) in scenario.metrics.iter().enumerate() {
        cells.push(metric.heading.to_owned());
        if index == 0 {
            cells.push(format!("ratio to {BY_HAND}"));
        }
    }
    let mut table = headings(&cells);
    for who in summary::contenders(rows, scenario.name) {
        let mut cells = vec![name(&who)];
        if let Some(why) = summary::absence(rows, scenario.name, &who) {
            cells.push(format!("*{why}*"));
            cells.resize(scenario.metrics.len() + 2, String::new());
            table += &row(&cells);
            continue;
        }
        for (index, metric) in scenario.metrics.iter().enumerate() {
            let estimate = summary::estimate(rows, scenario.name, metric.name, &who);
            cells.push(estimate.map_or("–".to_owned(), |it| figures::value(it.median)));
            if index == 0 {
                let ratio = summary::ratio(rows, scenario.name, metric.name, &who, BY_HAND);
                cells.push(ratio.map_or("–".to_owned(), figures::ratio));
            }
        }
        table += &row(&cells);
    }
    table
}

/// Every contender of some scenarios, in the order of the first that has it.
fn union(rows: &Rows, scenarios: &[&Scenario]) -> Vec<String> {
    let mut all = Vec::new();
    for scenario in scenarios {
        for who in summary::contenders(rows, scenario.name) {
            if !all.contains(&who) {
                all.push(who);
            }
        }
    }
    all
}

/// One figure of several scenarios: contenders down, scenarios across.
pub(super) fn matrix(rows: &Rows, scenarios: &[&Scenario], metric: &str, digits: usize) -> String {
    let mut cells = vec!["contender".to_owned()];
    cells.extend(scenarios.iter().map(|it| it.title.to_owned()));
    let mut table = headings(&cells);
    for who in union(rows, scenarios) {
        let mut cells = vec![name(&who)];
        for scenario in scenarios {
            let estimate = summary::estimate(rows, scenario.name, metric, &who);
            cells.push(estimate.map_or("–".to_owned(), |it| format!("{:.digits$}", it.median)));
        }
        table += &row(&cells);
    }
    table
}

/// The figures that the rows name: figures down, contenders across, each with its interval.
pub(super) fn named(rows: &Rows, scenario: &Scenario) -> String {
    let all = summary::contenders(rows, scenario.name);
    let present = |who: &&String| summary::absence(rows, scenario.name, who).is_none();
    let who: Vec<&String> = all.iter().filter(present).collect();
    let mut cells = vec!["figure".to_owned()];
    cells.extend(who.iter().map(|it| name(it)));
    let mut table = headings(&cells);
    for metric in summary::metrics(rows, scenario.name) {
        let mut cells = vec![metric.clone()];
        for who in &who {
            let estimate = summary::estimate(rows, scenario.name, &metric, who);
            cells.push(estimate.map_or("–".to_owned(), figures::spread));
        }
        table += &row(&cells);
    }
    table
}

/// A list of those that are missing, with the reason; empty if none is.
pub(super) fn absences(rows: &Rows, scenarios: &[&Scenario]) -> String {
    let mut said: Vec<(String, String, Vec<&str>)> = Vec::new();
    for scenario in scenarios {
        for who in summary::contenders(rows, scenario.name) {
            let Some(why) = summary::absence(rows, scenario.name, &who) else { continue };
            match said.iter_mut().find(|it| it.0 == who && it.1 == why) {
                Some((.., places)) => places.push(scenario.title),
                None => said.push((who, why.to_owned(), vec![scenario.title])),
            }
        }
    }
    let mut text = String::new();
    for (who, why, places) in said {
        let places =
            if scenarios.len() > 1 { format!(" ({})", places.join("; ")) } else { String::new() };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "- {who}: {why}{places}");
    }
    text
}

/// The scenarios with rates, which have a ratio to the hand-written loop and a bar in the chart.
pub(super) fn with_rates(rows: &Rows) -> Vec<&'static Scenario> {
    let rates = |it: &&Scenario| {
        matches!(it.how, How::Load(_) | How::Stream(_) | How::Proxy { .. })
            && summary::rounds(rows, it.name) > 0
    };
    SCENARIOS.iter().filter(rates).collect()
}

/// Whether the overview has a column for it: one with values, but for what is another way of the
/// same library in a single scenario.
fn in_overview(rows: &Rows, who: &str) -> bool {
    let scenarios = with_rates(rows);
    let has = |it: &&&Scenario| summary::estimate(rows, it.name, "rate", who).is_some();
    let count = scenarios.iter().filter(has).count();
    let other_way = who != EDGEWAKE && who.starts_with(EDGEWAKE) || who.starts_with(BY_HAND);
    who != BY_HAND && count > usize::from(other_way && scenarios.len() > 1)
}

/// The ratios of all rates at one glance: scenarios down, contenders across.
pub(super) fn overview(rows: &Rows) -> String {
    let scenarios = with_rates(rows);
    let who: Vec<String> =
        union(rows, &scenarios).into_iter().filter(|it| in_overview(rows, it)).collect();
    let mut cells = vec![format!("rate, {BY_HAND} = 1")];
    cells.extend(who.iter().map(|it| name(it)));
    let mut table = headings(&cells);
    for scenario in scenarios {
        let mut cells = vec![scenario.title.to_owned()];
        for who in &who {
            let ratio = summary::ratio(rows, scenario.name, "rate", who, BY_HAND);
            let cell = ratio.map_or("–".to_owned(), |it| figures::two(it.median));
            cells.push(if who == EDGEWAKE { format!("**{cell}**") } else { cell });
        }
        table += &row(&cells);
    }
    table
}
