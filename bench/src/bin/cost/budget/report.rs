//! What the gate on cost prints: every figure with its limit as soon as it is known, and at the end
//! what has to be done.

use std::io;

use super::file::Taken;
use super::functions::{Growth, Kind};
use super::judge::{Figure, Slack, Verdict};
use crate::scenario::Load;
use crate::table;

/// What is over, and what is to be noted.
#[derive(Debug, Default)]
pub(super) struct Report {
    over: Vec<String>,
    notes: Vec<String>,
}

impl Report {
    pub(super) fn taken(&mut self, taken: &Taken, now: &Taken) {
        println!("counted with {}, {}, {}", now.rustc, now.libc, now.machine);
        if taken != now {
            self.notes.push(format!(
                "the budget was counted with {}, {}, {}: the wider tolerances apply",
                taken.rustc, taken.libc, taken.machine
            ));
        }
    }

    pub(super) fn operation(&self, name: &str, load: &Load) {
        println!("\n{name} ({})", load.name);
    }

    pub(super) fn calls(&self, calls: &[(String, f64)], reference: &[(String, f64)]) {
        println!("  {:<26} {}", "calls", table::breakdown(calls));
        println!("  {:<26} {}", "by hand", table::breakdown(reference));
    }

    /// Prints a figure with its limit; says whether it is over it.
    pub(super) fn judged(
        &mut self,
        name: &str,
        figure: &Figure,
        slack: Slack,
        digits: usize,
    ) -> bool {
        let Figure { measured, budget, .. } = figure;
        let limit = figure.limit(slack);
        let line = format!(
            "{name}: {measured:.digits$}, the budget is {budget:.digits$} (limit {limit:.digits$})"
        );
        let verdict = figure.verdict(slack);
        let word = match verdict {
            Verdict::Within => "",
            Verdict::Over => "   OVER",
            Verdict::Under => "   under",
        };
        println!("  {line}{word}");
        match verdict {
            Verdict::Over => self.over.push(line),
            Verdict::Under => self.notes.push(format!("{line}: lower it with `make budget`")),
            Verdict::Within => {}
        }
        if let (true, Some(bar)) = (figure.misses_bar(), figure.bar) {
            self.notes.push(format!("{name}: {measured:.digits$} misses the bar of {bar}"));
        }
        verdict == Verdict::Over
    }

    /// Prints a figure that is to replace its budget; says whether it may. Into missing its bar no
    /// budget is led by a command.
    pub(super) fn replaced(&mut self, name: &str, figure: &Figure, digits: usize) -> bool {
        let Figure { measured, budget, .. } = figure;
        let line = format!("{name}: {measured:.digits$}, was {budget:.digits$}");
        println!("  {line}");
        if let (true, Some(bar)) = (figure.misses_bar(), figure.bar) {
            if figure.keeps_bar_now() {
                self.over.push(format!("{line}, the bar is {bar}: not written"));
                return false;
            }
            self.notes.push(format!("{line}, misses the bar of {bar}"));
        }
        true
    }

    /// Adds to the figure that was judged last what grew.
    pub(super) fn grown(&mut self, grown: &[Growth]) {
        let mut text = String::new();
        for (kind, what) in [
            (Kind::Compiled, "as compiled (what is inlined counts where it went)"),
            (Kind::Written, "as written (what is inlined counts where it stands)"),
        ] {
            let of_kind: Vec<_> = grown.iter().filter(|growth| growth.kind == kind).collect();
            if of_kind.is_empty() {
                continue;
            }
            text += &format!("\n    grew, {what}:");
            for growth in of_kind {
                text += &format!("\n      {growth}");
            }
        }
        if text.is_empty() {
            text += "\n    no function grew by an instruction: many by less, or";
            text += " budget-functions.tsv is not that of budget.toml";
        }
        if let Some(line) = self.over.last_mut() {
            *line += &text;
        }
    }

    /// The end: an error if anything is over.
    pub(super) fn finish(self) -> io::Result<()> {
        println!();
        for note in &self.notes {
            println!("note: {note}");
        }
        for over in &self.over {
            println!("OVER {over}");
        }
        match self.over.len() {
            0 => {
                println!("nothing is over");
                Ok(())
            }
            count => Err(io::Error::other(format!(
                "{count} over (CONTRIBUTING.md, \"When the gate on cost fails\")"
            ))),
        }
    }
}
