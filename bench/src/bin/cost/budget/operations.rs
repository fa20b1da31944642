//! The operations of the budget: instructions and calls of the echo server under a load.

use std::collections::BTreeMap;
use std::io;

use super::file::Operation;
use super::{Bench, functions};
use crate::counting;
use crate::profile::Profile;
use crate::scenario::{Load, Scenario};
use edgewake_bench::server::ServerCommand;

/// Calls of one operation, by name.
type Calls = Vec<(String, f64)>;

impl Bench {
    pub(super) fn operations(&mut self) -> io::Result<()> {
        let by_hand = ServerCommand::sibling("baseline", &["{listen}"])?;
        // One count of the loop by hand serves all operations of the same load.
        let mut references: BTreeMap<&str, Calls> = BTreeMap::new();
        for operation in self.budget.operations()? {
            let section = format!("operation.{}", operation.name);
            if !self.args.wants(&operation.name) && !self.args.wants(&section) {
                continue;
            }
            let load = load_named(&operation.load)?;
            let echo = self.echo(&operation.flags)?;
            self.report.operation(&operation.name, &load);
            if operation.counts_instructions {
                self.instructions(&operation, &section, &echo, &load)?;
            }
            if !references.contains_key(load.name) {
                references.insert(load.name, counting::calls(&self.counting, &by_hand, &load)?);
            }
            let reference = &references[load.name];
            let calls = self.calls(&section, &echo, &by_hand, &load, reference)?;
            references.insert(load.name, calls);
        }
        Ok(())
    }

    fn instructions(
        &mut self,
        operation: &Operation,
        section: &str,
        echo: &ServerCommand,
        load: &Load,
    ) -> io::Result<()> {
        let tolerance = if self.comparable { "instructions" } else { "instructions_other" };
        let mut profile = counting::instructions(&self.counting, echo, load)?;
        for _ in 1..self.tries() {
            if !self.is_over(section, "instructions", tolerance, profile.total)? {
                break;
            }
            let again = counting::instructions(&self.counting, echo, load)?;
            profile = if again.total < profile.total { again } else { profile };
        }
        let over = self.figure(section, "instructions", tolerance, profile.total, 1)?;
        self.by_function(operation, &profile, over);
        Ok(())
    }

    fn by_function(&mut self, operation: &Operation, profile: &Profile, over: bool) {
        let functions = functions::of(profile, &self.args.root);
        if over {
            self.report.grown(&self.table.grown(&operation.name, &functions));
        }
        if self.args.write {
            self.table.set(&operation.name, functions);
        }
    }

    /// Compares the calls with those of the loop by hand, and returns those.
    fn calls(
        &mut self,
        section: &str,
        echo: &ServerCommand,
        by_hand: &ServerCommand,
        load: &Load,
        reference: &Calls,
    ) -> io::Result<Calls> {
        let mut reference = reference.clone();
        let mut calls = counting::calls(&self.counting, echo, load)?;
        for _ in 1..self.tries() {
            let over = total(&calls) - total(&reference);
            if !self.is_over(section, "calls_over", "calls", over)? {
                break;
            }
            // Both anew: what disturbed one may have disturbed the other.
            reference = counting::calls(&self.counting, by_hand, load)?;
            calls = counting::calls(&self.counting, echo, load)?;
        }
        let over = total(&calls) - total(&reference);
        self.report.calls(&calls, &reference);
        self.figure(section, "calls_over", "calls", over, 2)?;
        Ok(reference)
    }
}

fn total(calls: &Calls) -> f64 {
    calls.iter().map(|(_, count)| count).sum()
}

fn load_named(name: &str) -> io::Result<Load> {
    let mut found = Scenario::named(name).unwrap_or_default().into_iter();
    match (found.next(), found.next()) {
        (Some(Scenario::Count(load)), None) => Ok(load),
        _ => Err(io::Error::other(format!("budget.toml: no load called {name:?}"))),
    }
}
